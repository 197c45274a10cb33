"""DMARC: the record that counts, the policy it asks for, and whose names belong together."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listkeeper.standards import dmarc
from listkeeper.standards.dmarc import Discovery, Status
from listkeeper.standards.dmarc_record import Mode, Policy
from listkeeper.standards.dns import StaticResolver

_Records = dict[str, str | list[str]]
_NEWS = "news.shop.example"


def _zone(records: _Records, *, exist: Sequence[str] = (), failing: Sequence[str] = ()) -> StaticResolver:
    zone = {f"_dmarc.{name}": {"TXT": [at] if isinstance(at, str) else at} for name, at in records.items()}
    # Below a name with a record of its own stands _dmarc, so that the name exists; the others are named here.
    return StaticResolver(zone | {name: {"A": ["192.0.2.1"]} for name in exist}, failing=failing)


def _discover(domain: str, records: _Records, *, exist: Sequence[str] = (), failing: Sequence[str] = ()) -> Discovery:
    return dmarc.discover(domain, _zone(records, exist=exist, failing=failing))


# Which record counts.


def test_the_record_of_the_domain_itself_is_preferred() -> None:
    found = _discover(_NEWS, {_NEWS: "v=DMARC1; p=quarantine; sp=none", "shop.example": "v=DMARC1; p=reject"})
    assert (found.status, found.found_at, found.is_inherited) == (Status.FOUND, "_dmarc.news.shop.example", False)
    assert (found.tag, found.policy, found.organisational) == ("p", Policy.QUARANTINE, "shop.example")


def test_without_one_that_of_the_organisation_counts_and_none_between() -> None:
    found = _discover("a.b.shop.example", {"b.shop.example": "v=DMARC1; p=none", "shop.example": "v=DMARC1; p=reject"})
    assert (found.found_at, found.is_inherited) == ("_dmarc.shop.example", True)
    assert (found.tag, found.policy) == ("p", Policy.REJECT)


def test_psd_n_between_makes_its_own_record_count() -> None:
    found = _discover(
        "a.b.shop.example", {"b.shop.example": "v=DMARC1; p=reject; psd=n", "shop.example": "v=DMARC1; p=none"}
    )
    assert (found.organisational, found.policy) == ("b.shop.example", Policy.REJECT)


def test_the_suffix_counts_where_the_organisation_has_no_record() -> None:
    records: _Records = {"bank.example": "v=DMARC1; p=reject; sp=quarantine; psd=y"}
    found = _discover("mail.giant.bank.example", records)
    assert (found.found_at, found.organisational) == ("_dmarc.bank.example", "giant.bank.example")
    assert (found.tag, found.policy) == ("sp", Policy.QUARANTINE)


def test_the_suffix_does_not_count_where_the_organisation_has_a_record() -> None:
    records: _Records = {"example": "v=DMARC1; p=reject; psd=y", "shop.example": "v=DMARC1; p=none"}
    for domain in ("shop.example", _NEWS):
        found = _discover(domain, records)
        assert (found.found_at, found.organisational) == ("_dmarc.shop.example", "shop.example")
        assert found.policy is Policy.NONE


def test_other_txt_records_do_not_end_the_search() -> None:
    found = _discover(_NEWS, {_NEWS: ["some text", "v=spf1 -all"], "shop.example": "v=DMARC1; p=quarantine"})
    assert (found.found_at, found.policy) == ("_dmarc.shop.example", Policy.QUARANTINE)


def test_no_record_anywhere() -> None:
    found = _discover(_NEWS, {})
    assert (found.status, found.record, found.policy, found.organisational) == (Status.NONE, None, None, _NEWS)
    assert found.reason == "there is no DMARC record for news.shop.example"


@pytest.mark.parametrize("domain", [_NEWS, f"a.{_NEWS}"])
def test_several_records_count_for_nothing_and_nothing_is_inherited_from_above(domain: str) -> None:
    several = ["v=DMARC1; p=reject", "v=DMARC1; p=none"]
    found = _discover(domain, {_NEWS: several, "shop.example": "v=DMARC1; p=reject"})
    assert (found.status, found.record, found.policy) == (Status.SEVERAL, None, None)
    assert found.reason == "there are several DMARC records at _dmarc.news.shop.example"
    # Whose domain it is does not depend on that.
    assert found.organisational == "shop.example"


def test_several_records_above_do_not_harm_the_one_below() -> None:
    found = _discover(_NEWS, {_NEWS: "v=DMARC1; p=reject", "shop.example": ["v=DMARC1; p=none", "v=DMARC1"]})
    assert (found.status, found.policy, found.organisational) == (Status.FOUND, Policy.REJECT, _NEWS)


def test_one_dmarc_record_among_other_texts_is_one() -> None:
    found = _discover("shop.example", {"shop.example": ["v=DMARC1; p=reject", "v=dmarc1; p=none", "x"]})
    assert found.policy is Policy.REJECT


def test_a_record_without_a_policy_is_no_dmarc_and_ends_the_search() -> None:
    found = _discover(_NEWS, {_NEWS: "v=DMARC1; adkim=s", "shop.example": "v=DMARC1; p=reject"})
    assert (found.status, found.policy, found.found_at) == (Status.VOID, None, "_dmarc.news.shop.example")
    with_address = _discover(_NEWS, {_NEWS: "v=DMARC1; rua=mailto:a@shop.example"})
    assert (with_address.status, with_address.policy) == (Status.FOUND, Policy.NONE)


# Rule 6: np and sp.

_SUB = "v=DMARC1; p=reject; sp=none; np=quarantine"


def test_np_is_for_a_name_that_does_not_exist() -> None:
    found = _discover(_NEWS, {"shop.example": _SUB})
    assert (found.tag, found.policy) == ("np", Policy.QUARANTINE)


@pytest.mark.parametrize("exist", [_NEWS, f"www.{_NEWS}"])
def test_sp_is_for_a_name_with_a_record_of_any_kind(exist: str) -> None:
    found = _discover(_NEWS, {"shop.example": _SUB}, exist=[exist])
    assert (found.tag, found.policy) == ("sp", Policy.NONE)


def test_p_is_for_the_domain_itself_whatever_np_says() -> None:
    found = _discover("shop.example", {"shop.example": _SUB})
    assert (found.tag, found.policy) == ("p", Policy.REJECT)


@pytest.mark.parametrize(
    ("record", "exists", "tag", "policy"),
    [
        ("v=DMARC1; p=quarantine; np=reject", True, "p", Policy.QUARANTINE),
        ("v=DMARC1; p=quarantine; np=reject", False, "np", Policy.REJECT),
        ("v=DMARC1; p=none; sp=reject", False, "sp", Policy.REJECT),
        ("v=DMARC1; p=quarantine", False, "p", Policy.QUARANTINE),
        ("v=DMARC1; p=none; sp=reject; np=reject", False, "sp", Policy.REJECT),
    ],
)
def test_what_is_left_out_falls_back(record: str, exists: bool, tag: str, policy: Policy) -> None:
    found = _discover(_NEWS, {"shop.example": record}, exist=[_NEWS] if exists else [])
    assert (found.tag, found.policy) == (tag, policy)


def test_np_of_a_suffix_is_for_a_name_nobody_registered() -> None:
    found = _discover("fake.gov.example", {"gov.example": "v=DMARC1; p=reject; sp=none; np=reject; psd=y"})
    assert (found.found_at, found.tag, found.policy) == ("_dmarc.gov.example", "np", Policy.REJECT)


def test_whether_a_name_exists_is_asked_only_where_it_matters_and_may_be_unknown() -> None:
    found = _discover(_NEWS, {"shop.example": _SUB}, failing=[_NEWS])
    assert (found.status, found.policy, found.found_at) == (Status.UNKNOWN, None, "_dmarc.shop.example")
    assert found.reason == "news.shop.example gave no answer: no answer in time"
    same = _discover(_NEWS, {"shop.example": "v=DMARC1; p=none; sp=reject; np=reject"}, failing=[_NEWS])
    assert (same.status, same.policy) == (Status.FOUND, Policy.REJECT)


# Rule 7: t=y. Rule 8: pct.


@pytest.mark.parametrize(
    ("record", "published", "policy"),
    [
        ("v=DMARC1; p=reject; t=y", Policy.REJECT, Policy.QUARANTINE),
        ("v=DMARC1; p=quarantine; t=Y", Policy.QUARANTINE, Policy.NONE),
        ("v=DMARC1; p=none; t=y", Policy.NONE, Policy.NONE),
        ("v=DMARC1; p=reject; t=n", Policy.REJECT, Policy.REJECT),
        ("v=DMARC1; p=reject; t=yes", Policy.REJECT, Policy.REJECT),
        ("v=DMARC1; p=reject; pct=0", Policy.REJECT, Policy.REJECT),
    ],
)
def test_t_makes_a_policy_one_step_weaker_and_pct_changes_nothing(
    record: str, published: Policy, policy: Policy
) -> None:
    found = _discover("shop.example", {"shop.example": record})
    assert (found.published, found.policy) == (published, policy)


def test_t_weakens_sp_and_np_as_well() -> None:
    records: _Records = {"shop.example": "v=DMARC1; p=none; sp=quarantine; np=reject; t=y"}
    assert _discover(_NEWS, records).policy is Policy.QUARANTINE
    assert _discover(_NEWS, records, exist=[_NEWS]).policy is Policy.NONE


# Trouble in the DNS.


def test_trouble_before_a_record_was_found_is_unknown() -> None:
    for failing in ("_dmarc.news.shop.example", "_dmarc.shop.example", "_dmarc.example"):
        found = _discover(_NEWS, {}, failing=[failing])
        assert (found.status, found.organisational) == (Status.UNKNOWN, None)
        assert found.reason == f"{failing} gave no answer: no answer in time"


def test_trouble_above_a_record_leaves_it_standing() -> None:
    found = _discover(_NEWS, {_NEWS: "v=DMARC1; p=reject"}, failing=["_dmarc.shop.example"])
    assert (found.status, found.policy, found.organisational) == (Status.FOUND, Policy.REJECT, None)
    # A record above may still say psd=y or stand at a shorter name: whose record counts is then not known.
    inherited = _discover(_NEWS, {"shop.example": "v=DMARC1; p=reject"}, failing=["_dmarc.example"])
    assert inherited.status is Status.UNKNOWN


# Alignment.

_TREE: _Records = {
    "shop.example": "v=DMARC1; p=reject",
    "own.shop.example": "v=DMARC1; p=none; psd=n",
    "bank.example": "v=DMARC1; p=reject; psd=y",
}


@pytest.mark.parametrize(
    ("author", "other", "relaxed", "strict"),
    [
        ("shop.example", "shop.example", True, True),
        ("shop.example", "SHOP.example.", True, True),
        ("shop.example", "mail.shop.example", True, False),
        ("mail.shop.example", "shop.example", True, False),
        ("a.shop.example", "b.shop.example", True, False),
        ("shop.example", "other.example", False, False),
        ("shop.example", "shop.test", False, False),
        ("shop.example", "myshop.example", False, False),
        ("shop.example", "example", False, False),
        ("shop.example", "own.shop.example", False, False),
        ("own.shop.example", "a.own.shop.example", True, False),
        ("giant.bank.example", "mail.giant.bank.example", True, False),
        ("giant.bank.example", "mega.bank.example", False, False),
        ("giant.bank.example", "bank.example", False, False),
        ("bank.example", "mail.bank.example", False, False),
        ("nobody.example", "mail.nobody.example", False, False),
        ("shop.example", "", False, False),
        ("", "", False, False),
    ],
)
def test_which_names_belong_together(author: str, other: str, relaxed: bool, strict: bool) -> None:
    zone = _zone(_TREE)
    assert dmarc.aligned(author, other, Mode.RELAXED, zone) is relaxed
    assert dmarc.aligned(author, other, Mode.STRICT, zone) is strict
    assert dmarc.aligned(other, author, Mode.RELAXED, zone) is relaxed


def test_whether_names_belong_together_may_be_unknown() -> None:
    zone = _zone(_TREE, failing=["_dmarc.example", "_dmarc.mail.shop.example"])
    assert dmarc.aligned("shop.example", "mail.shop.example", Mode.RELAXED, zone) is None
    assert dmarc.aligned("shop.example", "mail.shop.example", Mode.STRICT, zone) is False
    assert dmarc.aligned("shop.example", "shop.example", Mode.RELAXED, zone) is True
    assert dmarc.aligned("shop.example", "shop.test", Mode.RELAXED, zone) is False


_NAMES = st.lists(st.sampled_from(["a", "b", "example"]), min_size=1, max_size=4).map(".".join)
_RECORDS = st.sampled_from(
    ["v=DMARC1; p=none", "v=DMARC1; p=reject; psd=n", "v=DMARC1; p=none; psd=y", "v=DMARC1; adkim=s", "v=DMARC1; p=x"]
)


@given(_NAMES, _NAMES, st.dictionaries(_NAMES, st.lists(_RECORDS, max_size=2)), st.sets(_NAMES))
def test_alignment_is_the_same_from_both_sides_and_strict_is_the_narrower(
    author: str, other: str, records: dict[str, list[str]], failing: set[str]
) -> None:
    zone = _zone(dict(records), failing=[f"_dmarc.{name}" for name in failing])
    relaxed = dmarc.aligned(author, other, Mode.RELAXED, zone)
    strict = dmarc.aligned(author, other, Mode.STRICT, zone)
    assert strict is (author == other)
    assert not strict or relaxed
    back = dmarc.aligned(other, author, Mode.RELAXED, zone)
    assert back is relaxed or None in {back, relaxed}
    mine, theirs = (dmarc.organisational_domain(name, zone) for name in (author, other))
    if author != other and mine is not None and theirs is not None:
        assert relaxed is (mine == theirs)

"""The D rows and G2: each outcome of a domain's DMARC record by its own code, with words, evidence and a mend."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listkeeper.deliverability import dmarc_audit
from listkeeper.deliverability.finding import Finding, Severity, Verdict
from listkeeper.standards import dmarc_record
from listkeeper.standards.dns import LiveResolver, Outcome, StaticResolver
from tests.fakes import dns_server

_NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
_SHOP, _NEWS = "shop.example", "news.shop.example"
_RUA = "rua=mailto:dmarc@shop.example"
_GOOD = f"v=DMARC1; p=reject; {_RUA}"

_Records = dict[str, str | list[str]]


def _audit(
    domain: str,
    records: _Records,
    *,
    signed: Sequence[str] = (_SHOP,),
    sent: str | None = f"bounce.{_SHOP}",
    failing: Sequence[str] = (),
    more: Sequence[str] = (),
) -> list[Finding]:
    zone = {name if "_" in name else f"_dmarc.{name}": _texts(at) for name, at in records.items()}
    resolver = StaticResolver(zone | {name: {"A": ["192.0.2.1"]} for name in more}, failing=failing)
    return dmarc_audit.audit(domain, resolver, _NOW, mail_from_domain=sent, dkim_domains=signed)


def _texts(at: str | list[str]) -> dict[str, list[str]]:
    return {"TXT": [at] if isinstance(at, str) else at}


def _codes(found: list[Finding]) -> dict[str, Severity]:
    return {one.code: one.severity for one in found}


def _wrong(found: list[Finding]) -> dict[str, Severity]:
    return {one.code: one.severity for one in found if one.verdict not in {Verdict.RIGHT, Verdict.ADVICE}}


def _one(found: list[Finding], code: str) -> Finding:
    [only] = [one for one in found if one.code == code]
    return only


def test_a_good_record_is_right_in_every_row() -> None:
    found = _audit(_SHOP, {_SHOP: _GOOD})
    assert _codes(found) == dict.fromkeys(("D1", "D3", "D4", "D5", "G2"), Severity.INFO)
    assert [one.code for one in found] == ["D1", "D3", "D4", "D5", "G2"]
    assert all(one.message.endswith(".") and one.reference.startswith("RFC 99") for one in found)
    assert _one(found, "D1").message == "There is a DMARC record at _dmarc.shop.example."
    assert _one(found, "D1").evidence.splitlines() == [
        f'_dmarc.shop.example TXT "{_GOOD}"',
        "asked zone at 2026-11-23T08:00:00.000Z",
        "_dmarc.example TXT: the name does not exist",
        "asked zone at 2026-11-23T08:00:00.000Z",
        "The search stopped here, because there is no name above.",
    ]


# D1


def test_a_sub_domain_inherits_and_the_walk_is_shown() -> None:
    found = _audit(_NEWS, {_SHOP: _GOOD})
    said = _one(found, "D1")
    assert (said.severity, said.subject) == (Severity.INFO, "_dmarc.shop.example")
    assert said.message == (
        "There is no DMARC record at _dmarc.news.shop.example, so the one at _dmarc.shop.example counts."
    )
    for name in ("_dmarc.news.shop.example", "_dmarc.shop.example", "_dmarc.example"):
        assert f"{name} TXT" in said.evidence
    assert _wrong(found) == {}


@pytest.mark.parametrize("domain", [_SHOP, _NEWS])
def test_without_a_record_there_is_one_to_publish_at_the_registered_name(domain: str) -> None:
    found = _audit(domain, {})
    assert _wrong(found) == {"D1": Severity.ERROR}
    said = _one(found, "D1")
    assert (said.subject, said.mend) == ("_dmarc.shop.example", "v=DMARC1; p=none")
    assert said.message == (
        "There is no DMARC record at _dmarc.shop.example. Gmail, Yahoo and Outlook ask for one. "
        "Publish this as a TXT record."
    )
    mended = _audit(domain, {_SHOP: said.mend})
    assert _wrong(mended) == {"D4": Severity.WARN, "D5": Severity.WARN}


def test_without_an_answer_it_is_unknown_and_says_which_name_was_silent() -> None:
    found = _audit(_NEWS, {}, failing=["_dmarc.shop.example"])
    assert _codes(found) == {"D1": Severity.UNKNOWN, "G2": Severity.UNKNOWN}
    assert _one(found, "D1").message == (
        "Unknown whether there is a DMARC record at _dmarc.shop.example, because the DNS gave no answer: "
        "no answer in time."
    )
    assert "no answer in time" in _one(found, "G2").message


def test_trouble_above_the_own_record_leaves_it_right() -> None:
    found = _audit(_SHOP, {_SHOP: _GOOD}, failing=["_dmarc.example"])
    assert _wrong(found) == {}
    assert "because without an answer the rest proves nothing" in _one(found, "D1").evidence


# D2


@pytest.mark.parametrize("above", [{}, {_SHOP: _GOOD}])
def test_several_records_are_named_and_nothing_is_inherited(above: _Records) -> None:
    found = _audit(_NEWS, above | {_NEWS: ["v=DMARC1; p=none", "v=DMARC1; p=reject"]})
    assert _wrong(found) == {"D2": Severity.ERROR}
    said = _one(found, "D2")
    assert (said.subject, said.mend) == ("_dmarc.news.shop.example", "v=DMARC1; p=none")
    assert said.message == (
        "There are 2 DMARC records at _dmarc.news.shop.example. Receivers then count none of them. Keep one."
    )
    assert {one.code for one in found} == {"D2", "G2"}


def test_several_records_above_are_named_beside_the_one_that_counts() -> None:
    found = _audit(_NEWS, {_NEWS: _GOOD, _SHOP: [_GOOD, "v=DMARC1"]}, signed=[_NEWS])
    assert _one(found, "D1").severity is Severity.INFO
    assert _one(found, "D2").subject == "_dmarc.shop.example"


def test_what_a_registry_publishes_is_not_the_owners_to_mend() -> None:
    found = _audit(_SHOP, {_SHOP: _GOOD, "example": ["v=DMARC1", "v=DMARC1; p=none"]})
    assert _wrong(found) == {}
    assert _wrong(_audit(_SHOP, {_SHOP: _GOOD, "example": "v=dmarc1; p=none"})) == {}


def test_other_texts_beside_the_record_do_no_harm() -> None:
    assert _wrong(_audit(_SHOP, {_SHOP: ["site-verification=x", "v=spf1 -all", _GOOD]})) == {}


# D3


@pytest.mark.parametrize(
    ("record", "wrong", "part", "mend"),
    [
        (
            "v=DMARC1; adkim=s",
            {"D3a": Severity.ERROR, "D5": Severity.WARN},
            "it has no p= with a policy",
            "v=DMARC1; p=none; adkim=s",
        ),
        (
            "v=DMARC1; p=block",
            {"D3a": Severity.ERROR, "D5": Severity.WARN},
            "p=block: it must be one of these: none, quarantine, reject",
            "v=DMARC1; p=none",
        ),
        (
            f"v=DMARC1; p=reject; sp=bounce; {_RUA}",
            {"D3b": Severity.ERROR, "D4": Severity.WARN},
            "sp=bounce: it must be one of these: none, quarantine, reject",
            f"v=DMARC1; p=reject; {_RUA}",
        ),
        (
            f"v=DMARC1; {_RUA}",
            {"D3b": Severity.ERROR, "D4": Severity.WARN},
            "it has no p= with a policy",
            f"v=DMARC1; p=none; {_RUA}",
        ),
        (f"{_GOOD}; reject", {"D3c": Severity.ERROR}, "reject: it is not of the form tag=value", _GOOD),
        (f"{_GOOD}; adkim=x", {"D3c": Severity.ERROR}, "adkim=x: it must be one of these: r, s", _GOOD),
        (f"{_GOOD}; p=none", {"D3c": Severity.ERROR}, "p=none: p= stands twice, and the first one counts", _GOOD),
    ],
)
def test_what_receivers_cannot_read_is_named_with_a_record_they_can(
    record: str, wrong: dict[str, Severity], part: str, mend: str
) -> None:
    found = _audit(_SHOP, {_SHOP: record})
    assert _wrong(found) == wrong
    [said] = [one for one in found if one.code.startswith("D3")]
    assert part in said.message
    assert said.mend == mend
    assert said.evidence.startswith("_dmarc.shop.example TXT")
    assert "D3" in _codes(_audit(_SHOP, {_SHOP: said.mend}))


@pytest.mark.parametrize("record", ["v=dmarc1; p=reject", "v=DMARC1 p=reject", "DMARC1; p=reject"])
def test_a_record_that_is_nearly_one_is_named_alone(record: str) -> None:
    found = _audit(_SHOP, {_SHOP: record})
    assert _wrong(found) == {"D3d": Severity.ERROR}
    assert _one(found, "D3d").mend == "v=DMARC1; p=reject"
    inherited = _audit(_NEWS, {_NEWS: record, _SHOP: _GOOD})
    assert _wrong(inherited) == {"D3d": Severity.ERROR}
    assert _one(inherited, "D1").severity is Severity.INFO


def test_unknown_tags_are_only_worth_knowing() -> None:
    found = _audit(_SHOP, {_SHOP: f"{_GOOD}; x=1; y=2"})
    assert _wrong(found) == {}
    assert _one(found, "D3e").message.endswith("all pass over: x, y.")


# D4


@pytest.mark.parametrize(
    ("record", "domain", "severity", "mend"),
    [
        (f"v=DMARC1; p=none; {_RUA}", _SHOP, Severity.WARN, f"v=DMARC1; p=quarantine; {_RUA}"),
        (f"v=DMARC1; p=reject; sp=none; {_RUA}", _NEWS, Severity.WARN, f"v=DMARC1; p=reject; sp=quarantine; {_RUA}"),
        (f"v=DMARC1; p=reject; sp=none; {_RUA}", _SHOP, Severity.INFO, ""),
        (f"v=DMARC1; p=quarantine; {_RUA}", _SHOP, Severity.INFO, ""),
        (f"v=DMARC1; p=quarantine; {_RUA}", _NEWS, Severity.INFO, ""),
        (f"v=DMARC1; p=quarantine; t=y; {_RUA}", _SHOP, Severity.WARN, f"v=DMARC1; p=quarantine; t=n; {_RUA}"),
        (f"v=DMARC1; p=reject; t=y; {_RUA}", _SHOP, Severity.INFO, ""),
    ],
)
def test_a_policy_of_none_is_a_warning_and_the_others_are_right(
    record: str, domain: str, severity: Severity, mend: str
) -> None:
    said = _one(_audit(domain, {_SHOP: record}), "D4")
    assert (said.severity, said.mend) == (severity, mend)
    if mend:
        assert _one(_audit(domain, {_SHOP: mend}), "D4").severity is Severity.INFO


@pytest.mark.parametrize(
    ("record", "code", "severity", "mend"),
    [
        (f"v=DMARC1; p=quarantine; {_RUA}", "D4a", Severity.INFO, f"v=DMARC1; p=quarantine; {_RUA}; np=reject"),
        (f"{_GOOD}; t=y", "D4b", Severity.INFO, ""),
        (f"{_GOOD}; pct=50; ri=3600", "D4c", Severity.INFO, _GOOD),
        (f"{_GOOD}; psd=y", "D4d", Severity.ERROR, f"{_GOOD}; psd=n"),
    ],
)
def test_what_else_a_record_says(record: str, code: str, severity: Severity, mend: str) -> None:
    found = _audit(_SHOP, {_SHOP: record})
    said = _one(found, code)
    assert (said.severity, said.mend) == (severity, mend)
    assert _wrong(found) == ({code: severity} if severity is Severity.ERROR else {})
    assert code not in _codes(_audit(_SHOP, {_SHOP: _GOOD}))


def test_psd_y_of_a_registry_is_as_it_should_be() -> None:
    assert "D4d" not in _codes(_audit("shop.co.uk", {"co.uk": f"{_GOOD}; psd=y"}, signed=["shop.co.uk"], sent=None))


def test_np_is_not_advised_where_it_would_not_count() -> None:
    found = _audit(_NEWS, {_NEWS: f"v=DMARC1; p=quarantine; {_RUA}", _SHOP: _GOOD})
    assert "D4a" not in _codes(found)


def test_an_unknown_policy_is_unknown() -> None:
    found = _audit(_NEWS, {_SHOP: f"v=DMARC1; p=reject; sp=none; np=reject; {_RUA}"}, failing=[_NEWS])
    assert _wrong(found) == {"D4": Severity.UNKNOWN}
    assert "news.shop.example gave no answer" in _one(found, "D4").message


# D5

_TO_OTHERS = "v=DMARC1; p=reject; rua=mailto:a@in.reports.example"
_AGREED = f"{_SHOP}._report._dmarc.in.reports.example"


@pytest.mark.parametrize(
    ("records", "failing", "code", "severity", "subject"),
    [
        ({_SHOP: "v=DMARC1; p=reject"}, [], "D5", Severity.WARN, "_dmarc.shop.example"),
        ({_SHOP: "v=DMARC1; p=reject; rua=mailto:a@mail.shop.example"}, [], "D5", Severity.INFO, "_dmarc.shop.example"),
        ({_SHOP: _TO_OTHERS, _AGREED: "v=DMARC1"}, [], "D5", Severity.INFO, _AGREED),
        ({_SHOP: _TO_OTHERS, _AGREED: ["x", "v=DMARC1;"]}, [], "D5", Severity.INFO, _AGREED),
        ({_SHOP: _TO_OTHERS, _AGREED: "v=dmarc1"}, [], "D5a", Severity.WARN, _AGREED),
        ({_SHOP: _TO_OTHERS}, [], "D5a", Severity.WARN, _AGREED),
        ({_SHOP: _TO_OTHERS}, [_AGREED], "D5", Severity.UNKNOWN, _AGREED),
        ({_SHOP: _TO_OTHERS}, ["_dmarc.example"], "D5", Severity.UNKNOWN, _AGREED),
    ],
)
def test_where_reports_go_and_whether_they_may(
    records: _Records, failing: list[str], code: str, severity: Severity, subject: str
) -> None:
    [said] = [one for one in _audit(_SHOP, records, failing=failing) if one.code.startswith("D5")]
    assert (said.code, said.severity, said.subject) == (code, severity, subject)
    if said.code == "D5a":
        assert said.mend == "v=DMARC1"
        assert _AGREED in said.message


def test_each_target_of_a_record_that_is_inherited_is_looked_at_for_the_name_it_stands_at() -> None:
    record = "v=DMARC1; p=reject; rua=mailto:a@one.test,mailto:b@two.test!5m,mailto:c@shop.example"
    found = [one for one in _audit(_NEWS, {_SHOP: record}) if one.code.startswith("D5")]
    assert [(one.code, one.subject) for one in found] == [
        ("D5a", "shop.example._report._dmarc.one.test"),
        ("D5a", "shop.example._report._dmarc.two.test"),
        ("D5", "_dmarc.shop.example"),
    ]


# The whole


class _Counting:
    """A resolver that remembers each question."""

    def __init__(self, inner: StaticResolver) -> None:
        self._inner = inner
        self.asked: list[str] = []

    def query(self, name: str, kind: str, /) -> Outcome:
        self.asked.append(f"{name} {kind}")
        return self._inner.query(name, kind)


def test_no_name_is_asked_twice_and_the_names_of_the_walk_are_known_before() -> None:
    zone = _Counting(StaticResolver({"_dmarc.shop.example": {"TXT": [_GOOD]}}))
    dmarc_audit.audit(_NEWS, zone, _NOW, mail_from_domain=_NEWS, dkim_domains=[_SHOP, _NEWS])
    assert len(zone.asked) == len(set(zone.asked))
    assert dmarc_audit.names(_NEWS) == ["_dmarc.news.shop.example", "_dmarc.shop.example", "_dmarc.example"]
    assert {f"{name} TXT" for name in dmarc_audit.names(_NEWS)} <= set(zone.asked)


def test_against_a_real_server_on_loopback() -> None:
    with dns_server.serving({}) as server:
        server.publish({"_dmarc.shop.example": {"TXT": [_GOOD]}, _NEWS: {"A": ["192.0.2.1"]}})
        found = dmarc_audit.audit(_NEWS, LiveResolver(server.address), _NOW, dkim_domains=[_SHOP])
        assert _codes(found) == dict.fromkeys(("D1", "D3", "D4", "D5", "G2"), Severity.INFO)
        server.silent.add("*")
        silent = dmarc_audit.audit(_NEWS, LiveResolver(server.address, 0.2), _NOW, dkim_domains=[_SHOP])
        assert {one.verdict for one in silent} == {Verdict.UNKNOWN}


_TEXTS = st.one_of(
    st.text(),
    st.lists(st.sampled_from(["p=none", "p=reject", "p=x", "psd=y", "t=y", _RUA, "rua=mailto:a@b.test", "junk"])).map(
        lambda parts: "; ".join(["v=DMARC1", *parts])
    ),
)


@given(st.dictionaries(st.sampled_from([_NEWS, _SHOP, "example"]), st.lists(_TEXTS, max_size=2)))
def test_whatever_is_published_every_finding_has_words_and_what_is_told_to_publish_can_be_read(
    records: dict[str, list[str]],
) -> None:
    found = _audit(_NEWS, dict(records))
    for one in found:
        assert one.message.endswith(".")
        assert one.message.isprintable()
        assert one.evidence
        assert one.severity in {Severity.INFO, Severity.UNKNOWN} or one.mend
        # What D2 says to keep is one of the records as they stand.
        if one.mend.startswith("v=DMARC1; ") and one.code != "D2":
            read = dmarc_record.parse(one.mend)
            assert read is not None
            assert read.flaws == ()
    assert {"D1", "D2", "D3a", "D3d"} & {one.code for one in found}
    assert "G2" in {one.code for one in found}

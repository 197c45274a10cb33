"""DMARC records: what makes one, what is read of it, and what becomes of that which cannot be read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listkeeper.standards import dmarc_record
from listkeeper.standards.dmarc_record import Mode, Policy, Psd, Record

_RUA = "rua=mailto:dmarc@shop.example"


def _read(rest: str) -> Record:
    record = dmarc_record.parse(f"v=DMARC1; {rest}")
    assert record is not None
    return record


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("v=DMARC1", True),
        ("v=DMARC1; p=none", True),
        ("v=DMARC1 ; p=none", True),
        ("v = DMARC1; p=none", True),
        ("v\t=\tDMARC1\t;p=none", True),
        ("v=dmarc1; p=none", False),
        ("v=DMARC1x; p=none", False),
        ("v=DMARC2; p=none", False),
        ("v=DMARC1 p=none", False),
        ("v=DMARC1\n", False),
        (" v=DMARC1; p=none", False),
        ("p=none; v=DMARC1", False),
        ("DMARC1; p=none", False),
        ("v=spf1 -all", False),
        ("", False),
    ],
)
def test_the_version_alone_decides_what_a_dmarc_record_is(text: str, is_one: bool) -> None:
    assert dmarc_record.is_dmarc(text) is is_one
    assert (dmarc_record.parse(text) is not None) is is_one


def test_all_tags_of_a_full_record_are_read() -> None:
    record = _read(
        "p=quarantine; sp=reject; np=none; adkim=s; aspf=s; psd=n; t=y; fo=1:d; "
        f"{_RUA},https://reports.example/in; ruf=mailto:fail@shop.example"
    )
    assert (record.p, record.sp, record.np) == (Policy.QUARANTINE, Policy.REJECT, Policy.NONE)
    assert (record.adkim, record.aspf, record.psd, record.testing) == (Mode.STRICT, Mode.STRICT, Psd.NO, True)
    assert record.rua == ("mailto:dmarc@shop.example", "https://reports.example/in")
    assert (record.ruf, record.fo) == (("mailto:fail@shop.example",), "1:d")
    assert (record.flaws, record.unknown, record.removed) == ((), (), ())


def test_what_is_left_out_has_the_value_of_the_standard() -> None:
    record = _read("p=reject")
    assert (record.sp, record.np, record.adkim, record.aspf) == (None, None, Mode.RELAXED, Mode.RELAXED)
    assert (record.psd, record.testing, record.rua, record.ruf, record.fo) == (Psd.UNSAID, False, (), (), "0")


@pytest.mark.parametrize("rest", ["p=Reject", "p = reject", "P=REJECT", "p\t=\treject\t;", "p=reject;;", "p=reject ; "])
def test_values_in_any_case_and_white_space_around_the_equals_sign_are_fine(rest: str) -> None:
    record = _read(rest)
    assert (record.p, record.flaws) == (Policy.REJECT, ())


@pytest.mark.parametrize("rest", ["adkim=S; aspf=S", "aspf = s ; adkim\t=s"])
def test_the_modes_in_any_case(rest: str) -> None:
    record = _read(f"p=none; {rest}")
    assert (record.adkim, record.aspf) == (Mode.STRICT, Mode.STRICT)


def test_addresses_keep_their_case_and_lose_the_size_of_old() -> None:
    record = _read("p=none; rua=mailto:DMARC@Shop.Example!10m , mailto:b@b.example!5; ruf=mailto:c@c.example!1k")
    assert record.rua == ("mailto:DMARC@Shop.Example", "mailto:b@b.example")
    assert record.ruf == ("mailto:c@c.example",)
    assert record.flaws == ()


@pytest.mark.parametrize(
    ("rest", "p"),
    [
        (_RUA, Policy.NONE),
        ("adkim=s", None),
        ("", None),
        (f"p=block; {_RUA}", Policy.NONE),
        ("p=block", None),
        (f"p=; {_RUA}", Policy.NONE),
        (f"p=reject; sp=bounce; {_RUA}", Policy.NONE),
        (f"p=reject; np=; {_RUA}", Policy.NONE),
        ("p=reject; sp=bounce", None),
        ("p=reject; np=nope; rua=dmarc@shop.example", None),
        ("rua=mailto:", None),
        ("rua=", None),
        ("rua=dmarc@shop.example, mailto:dmarc@shop.example", Policy.NONE),
        ("sp=quarantine; np=reject", None),
        ("p=reject; adkim=x; t=yes; psd=maybe; fo=7", Policy.REJECT),
        ("p=reject; p=none", Policy.REJECT),
    ],
)
def test_a_policy_that_cannot_be_read_is_none_with_an_address_for_reports_and_nothing_without(
    rest: str, p: Policy | None
) -> None:
    assert _read(rest).p is p


def test_a_missing_p_leaves_what_sp_says() -> None:
    record = _read(f"sp=quarantine; {_RUA}")
    assert (record.p, record.sp, record.has_readable_policies) == (Policy.NONE, Policy.QUARANTINE, False)


@pytest.mark.parametrize(
    ("rest", "tag", "part", "reason"),
    [
        ("p=none; reject", "", "reject", "it is not of the form tag=value"),
        ("p=block", "p", "p=block", "it must be one of these: none, quarantine, reject"),
        ("p=none; adkim=relaxed", "adkim", "adkim=relaxed", "it must be one of these: r, s"),
        ("p=none; psd=x", "psd", "psd=x", "it must be one of these: y, n, u"),
        ("p=none; t=yes", "t", "t=yes", "it must be one of these: y, n"),
        ("p=none; fo=0:1", "fo", "fo=0:1", "it must be 0, 1, d or s, or several of them with colons between"),
        ("p=none; fo=d:d", "fo", "fo=d:d", "it must be 0, 1, d or s, or several of them with colons between"),
        ("p=none; p=none", "p", "p=none", "p= stands twice, and the first one counts"),
        ("p=none; v=DMARC1", "v", "v=DMARC1", "v= stands twice, and the first one counts"),
        (
            "p=none; rua=x@y.example",
            "rua",
            "rua=x@y.example",
            "it holds no address for reports; write mailto:name@example.com",
        ),
        ("p=none; ruf=", "ruf", "ruf=", "it holds no address for reports; write mailto:name@example.com"),
        (
            f"p=none; {_RUA},b.example",
            "rua",
            "b.example",
            "it is no address for reports; write mailto:name@example.com",
        ),
        ("p=none; n\u00e6=1", "", "n\\xe6=1", "it is not of the form tag=value"),
        ("p=none; \x1b[2J", "", "\\x1b[2J", "it is not of the form tag=value"),
    ],
)  # fmt: skip
def test_a_part_that_cannot_be_read_is_named_and_says_why(rest: str, tag: str, part: str, reason: str) -> None:
    [flaw] = _read(rest).flaws
    assert (flaw.tag, flaw.part, flaw.reason) == (tag, part, reason)


def test_unknown_and_removed_tags_are_passed_over_and_named() -> None:
    record = _read("p=reject; pct=0; rf=afrf; ri=86400; foo=bar; foo2=1; x=y; pct=5")
    assert record.p is Policy.REJECT
    assert (record.removed, record.unknown) == (("pct", "rf", "ri"), ("foo", "x"))
    assert [flaw.part for flaw in record.flaws] == ["foo2=1", "pct=5"]


@pytest.mark.parametrize(
    ("uri", "host"),
    [
        ("mailto:a@Shop.example", "shop.example"),
        ("mailto:a@shop.example?subject=x@y", "shop.example"),
        ("MAILTO:a@shop.example.", "shop.example"),
        ("https://reports.example:8443/in", "reports.example"),
        ("mailto:a", None),
        ("mailto:@shop.example", None),
        ("mailto:a b@shop.example", None),
        ("mailto:a@shop.example/x", None),
        ("a@shop.example", None),
        ("https:///in", None),
        ("https://[x/", None),
        ("", None),
    ],
)
def test_the_host_that_reports_go_to(uri: str, host: str | None) -> None:
    assert dmarc_record.host_of(uri) == host


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("v=dmarc1; p=reject", "v=DMARC1; p=reject"),
        ("v=DMARC1 p=reject", "v=DMARC1; p=reject"),
        ("v=DMARC1, p=quarantine; sp=none", "v=DMARC1; p=quarantine; sp=none"),
        ("DMARC1; p=none", "v=DMARC1; p=none"),
        (" v=DMARC1; p=reject", "v=DMARC1; p=reject"),
        ('"v=DMARC1; p=reject', "v=DMARC1; p=reject"),
        ("v=DMARC1.0; p=reject", "v=DMARC1; p=reject"),
    ],
)
def test_a_record_that_was_nearly_one_is_known_and_mended(text: str, meant: str) -> None:
    assert dmarc_record.is_nearly_dmarc(text)
    assert dmarc_record.meant(text) == meant


@pytest.mark.parametrize("text", ["v=DMARC1; p=none", "v=spf1 -all", "hello", ""])
def test_what_is_one_or_was_never_meant_as_one_is_not_nearly_one(text: str) -> None:
    assert not dmarc_record.is_nearly_dmarc(text)


def test_mending_keeps_what_was_good_and_changes_what_is_asked_for() -> None:
    record = _read(f"p=none; reject; adkim=x; pct=50; foo=1; sp=quarantine; {_RUA}!1m,b.example")
    assert dmarc_record.mended(record) == f"v=DMARC1; p=none; sp=quarantine; {_RUA}"
    assert dmarc_record.mended(record, p="reject", np="reject") == (
        f"v=DMARC1; p=reject; sp=quarantine; {_RUA}; np=reject"
    )
    assert dmarc_record.mended(_read("p=block; sp=reject")) == "v=DMARC1; p=none; sp=reject"


def test_the_policies_in_their_order() -> None:
    assert [policy.strength for policy in (Policy.NONE, Policy.QUARANTINE, Policy.REJECT)] == [0, 1, 2]
    assert [policy.weakened for policy in Policy] == [Policy.NONE, Policy.NONE, Policy.QUARANTINE]


def test_a_long_part_is_shown_short() -> None:
    [flaw] = _read(f"p=none; {'x' * 500}").flaws
    assert flaw.part == f"{'x' * 60}..."


_PARTS = st.sampled_from(
    ["p=none", "p=Reject", "p=bad", "sp=quarantine", "sp=", "np=reject", "adkim=s", "aspf=q", "psd=y", "t=y", "fo=1:d",
     "rua=mailto:a@b.example", "rua=x", "ruf=mailto:c@d.example!9g", "pct=3", "foo=bar", "junk", "", "p"]
)  # fmt: skip


@given(st.one_of(st.lists(_PARTS | st.text(), max_size=9).map(";".join), st.text()))
def test_whatever_a_record_holds_its_mended_form_says_the_same_without_flaws(rest: str) -> None:
    assert dmarc_record.parse(rest) is None or dmarc_record.is_dmarc(rest)
    record = _read(rest)
    assert all(flaw.reason and flaw.part.isprintable() and flaw.part.isascii() for flaw in record.flaws)
    again = dmarc_record.parse(dmarc_record.mended(record))
    assert again is not None
    assert (again.flaws, again.unknown, again.removed) == ((), (), ())
    assert again.has_readable_policies
    same = ("sp", "np", "adkim", "aspf", "psd", "testing", "rua", "ruf", "fo")
    assert [getattr(again, name) for name in same] == [getattr(record, name) for name in same]
    if record.has_readable_policies:
        assert again.p is record.p
    # Without a policy that can be read a record asks for nothing, and for reports at most.
    assert record.has_readable_policies or record.p in {None, Policy.NONE}


@given(st.binary())
def test_no_bytes_crash_the_reader(raw: bytes) -> None:
    text = raw.decode("latin-1")
    assert (dmarc_record.parse(text) is not None) is dmarc_record.is_dmarc(text)
    assert dmarc_record.is_dmarc(dmarc_record.meant(text))
    host = dmarc_record.host_of(text)
    assert host is None or (host.isascii() and host == host.lower())

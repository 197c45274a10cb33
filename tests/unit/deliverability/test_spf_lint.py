"""The size, the life and the width of an SPF record."""

from __future__ import annotations

from datetime import UTC, datetime

import dns.message
import dns.rrset
import pytest
from hypothesis import given
from hypothesis import strategies as st

from listkeeper.deliverability import spf_lint
from listkeeper.deliverability.finding import Finding, Severity, Verdict
from listkeeper.standards.dns import Answer, StaticResolver, quoted_strings

_NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
_DOMAIN = "shop.example"
_REST = {
    "open.example": {"TXT": ["v=spf1 all"]},
    "wide.example": {"TXT": ["v=spf1 ip4:10.0.0.0/8 -all"]},
    "a.example": {"TXT": ["v=spf1 ip4:192.0.2.1 -all"]},
    "b.example": {"TXT": ["v=spf1 ip4:192.0.2.2 -all"]},
}


def _found(*texts: str, ttl: int = 3600, authoritative: bool = False, old: str = "") -> list[Finding]:
    apex = {"TXT": list(texts), **({"SPF": [old]} if old else {})}
    world = StaticResolver({_DOMAIN: apex, **_REST}, ttl=ttl)
    return spf_lint.audit(_DOMAIN, world, _NOW, authoritative=authoritative)


def _codes(found: list[Finding]) -> dict[str, Severity]:
    return {one.code: one.severity for one in found}


def test_a_right_record_is_right_and_says_how_long_it_is() -> None:
    [only] = _found("v=spf1 include:a.example -all", "site-verification=x", authoritative=True)
    assert (only.code, only.severity, only.verdict) == ("S6", Severity.INFO, Verdict.RIGHT)
    assert only.message == "The SPF record is 29 octets long, which is right."
    assert 'shop.example TXT "v=spf1 include:a.example -all"' in only.evidence
    assert "asked zone at" in only.evidence


@pytest.mark.parametrize(
    ("record", "mend"),
    [
        ("v=spf1 include:a.exampleinclude:b.example -all", "v=spf1 include:a.example include:b.example -all"),
        ("v=spf1 ip4:192.0.2.1ip4:192.0.2.2 ~all", "v=spf1 ip4:192.0.2.1 ip4:192.0.2.2 ~all"),
        ("v=spf1 ip4:192.0.2.0/24-all", "v=spf1 ip4:192.0.2.0/24 -all"),
        ("v=spf1 include:a.example~include:b.example~all", "v=spf1 include:a.example ~include:b.example ~all"),
        ("v=spf1 mx ip4:192.0.2.1redirect=a.example", "v=spf1 mx ip4:192.0.2.1 redirect=a.example"),
    ],
)
def test_terms_that_run_into_one_another_are_told_apart(record: str, mend: str) -> None:
    found = _found(record)
    assert _codes(found) == {"S6a": Severity.WARN}
    assert found[0].mend == mend
    assert record.split(" ")[1].removeprefix("mx") in found[0].message


@pytest.mark.parametrize(
    "record",
    [
        "v=spf1 include:include.example -all",
        "v=spf1 include:include:a.example -all",
        "v=spf1 exists:%{i}.all.example -all",
        "v=spf1 +all",
        "v=spf1 a:call.example ?all",
        "v=spf1 x=ip4:192.0.2.1 -all",
    ],
)
def test_one_term_is_not_cut_in_two(record: str) -> None:
    assert "S6a" not in _codes(_found(record))


def test_lengths_at_and_over_their_limits() -> None:
    def record(size: int) -> str:
        return "v=spf1 x=" + "y" * (size - 14) + " -all"

    assert len(record(450)) == 450
    assert _codes(_found(record(450))) == {"S6": Severity.INFO}
    assert _codes(_found(record(451))) == {"S6b": Severity.WARN}
    assert _codes(_found("v=spf1 -all", "x" * 430)) == {"S6": Severity.INFO}
    crowded = _found("v=spf1 -all", "x" * 430, "y" * 10)
    assert _codes(crowded) == {"S6c": Severity.WARN}
    assert "take 521 octets together" in crowded[0].message


@given(st.lists(st.text("abc ", max_size=600), min_size=1, max_size=6))
def test_the_size_of_an_answer_is_that_of_the_message(texts: list[str]) -> None:
    question = dns.message.make_query(_DOMAIN, "TXT", use_edns=False)
    reply = dns.message.make_response(question)
    shown = [quoted_strings(text) for text in dict.fromkeys(texts)]
    reply.answer.append(dns.rrset.from_text(f"{_DOMAIN}.", 3600, "IN", "TXT", *shown))
    answer = Answer(_DOMAIN, "TXT", "zone", tuple(dict.fromkeys(texts)), 3600)
    assert spf_lint.answer_size(answer) == len(reply.to_wire())


@pytest.mark.parametrize(
    ("ttl", "authoritative", "told"),
    [
        (299, True, True),
        (299, False, False),
        (300, True, False),
        (86_400, False, False),
        (86_401, False, True),
        (86_401, True, True),
    ],
)
def test_the_life_of_a_record(ttl: int, authoritative: bool, told: bool) -> None:
    found = _codes(_found("v=spf1 -all", ttl=ttl, authoritative=authoritative))
    assert found == {"S6": Severity.INFO} | ({"S7a": Severity.INFO} if told else {})


def test_kinds_of_record_that_nobody_reads_any_more() -> None:
    found = _found("v=spf1 -all", "spf2.0/pra -all", old='"v=spf1 -all"')
    assert _codes(found) == {"S6": Severity.INFO, "S7b": Severity.INFO, "S7c": Severity.INFO}
    assert found[-1].mend == "Delete this record: spf2.0/pra -all"


@pytest.mark.parametrize(
    ("record", "codes"),
    [
        ("v=spf1 ip4:192.0.0.0/9 -all", {}),
        ("v=spf1 ip4:10.0.0.0/8 -all", {"S4f": Severity.WARN}),
        ("v=spf1 ip4:0.0.0.0/1 ip4:128.0.0.0/1 -all", {"S4f": Severity.WARN}),
        ("v=spf1 ip6:2001::/8 -all", {"S4f": Severity.WARN}),
        ("v=spf1 include:wide.example -all", {"S4f": Severity.WARN}),
        ("v=spf1 -ip4:10.0.0.0/8 -all", {}),
        ("v=spf1 include:open.example -all", {"S4b": Severity.BLOCK}),
        ("v=spf1 redirect=open.example", {"S4b": Severity.BLOCK}),
        # The domain's own +all is a finding of the audit.
        ("v=spf1 +all", {}),
    ],
)
def test_a_record_that_lets_too_many_send(record: str, codes: dict[str, Severity]) -> None:
    found = _found(record)
    assert _codes(found) == {"S6": Severity.INFO} | codes
    assert all(one.mend for one in found[1:])


def test_of_many_wide_networks_a_few_are_named() -> None:
    found = _found(f"v=spf1 {' '.join(f'ip4:{number}.0.0.0/8' for number in range(1, 20))} -all")
    assert [one.code for one in found] == ["S6", *["S4f"] * 5]


def test_the_way_to_a_wide_network_is_shown() -> None:
    wide = _found("v=spf1 include:wide.example -all")[-1]
    assert "all of 10.0.0.0/8 send as you, by include:wide.example → ip4:10.0.0.0/8" in wide.message
    assert "in place of include:wide.example" in wide.mend


def test_without_one_record_nothing_is_said_twice_and_silence_is_unknown() -> None:
    assert _found("site-verification=x") == _found("v=spf1 -all", "v=spf1 ~all") == []
    [unknown] = spf_lint.audit(_DOMAIN, StaticResolver({}, failing=[_DOMAIN]), _NOW)
    assert (unknown.code, unknown.severity) == ("S6", Severity.UNKNOWN)
    assert "no answer in time" in unknown.message


_TERMS = st.sampled_from(
    ["include:a.example", "ip4:192.0.2.1", "ip6:2001:db8::1", "~include:b.example", "exists:%{i}.c.example"]
)


@given(st.lists(_TERMS, min_size=2, max_size=4), st.data())
def test_a_space_left_out_is_found_and_put_back(terms: list[str], data: st.DataObject) -> None:
    whole = " ".join(["v=spf1", *terms, "-all"])
    assert "S6a" not in _codes(_found(whole))
    place = data.draw(st.integers(1, len(terms)))
    parts = ["v=spf1", *terms, "-all"]
    glued = " ".join([*parts[:place], parts[place] + parts[place + 1], *parts[place + 2 :]])
    [found] = [one for one in _found(glued) if one.code == "S6a"]
    assert found.mend == " ".join(dict.fromkeys(whole.split(" ")))


@given(st.text(st.characters(max_codepoint=255), max_size=300), st.integers(0, 2**31))
def test_any_record_has_a_finding_about_its_size(rest: str, ttl: int) -> None:
    found = _found(f"v=spf1 {rest}", ttl=ttl)
    assert [one.code for one in found if one.code.startswith("S6")] != []
    assert all(one.evidence and one.reference for one in found)

"""What would be if a record were published, and the one record that is proposed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listkeeper.deliverability import spf_facts, spf_what_if
from listkeeper.deliverability.spf_facts import Facts, NoFacts
from listkeeper.deliverability.spf_what_if import NoAnswer, Proposal, Refusal
from listkeeper.standards import spf, spf_record
from listkeeper.standards.dns import StaticResolver
from listkeeper.standards.spf import Result
from listkeeper.standards.spf_record import Record

_DOMAIN = "shop.example"
_OURS = "ip4:192.0.2.10"
_SERVICES = {f"s{number}.example": {"TXT": ["v=spf1 a:web.example -all"]} for number in range(6)}
_REST = {"web.example": {"A": ["192.0.2.80"]}, "open.example": {"TXT": ["v=spf1 +all"]}, **_SERVICES}


def _world(*texts: str, mail: bool = False, failing: tuple[str, ...] = ()) -> StaticResolver:
    apex = {"TXT": [*texts, "site-verification=x"], **({"MX": ["10 mx.shop.example"]} if mail else {})}
    return StaticResolver({_DOMAIN: apex, "mx.shop.example": {"A": ["192.0.2.25"]}, **_REST}, failing=failing)


def test_a_supposed_record_takes_the_place_of_the_published_one() -> None:
    world = _world("v=spf1 -all")
    supposed = spf_what_if.suppose(_DOMAIN, f"  v=spf1 {_OURS}\n -all ", world, egress=["192.0.2.10", "192.0.2.11"])
    assert supposed.record == f"v=spf1 {_OURS} -all"
    assert [(ip, said.result) for ip, said in supposed.results] == [
        ("192.0.2.10", Result.PASS),
        ("192.0.2.11", Result.FAIL),
    ]
    assert (supposed.objections, supposed.unknown) == ((), ())
    assert world.query(_DOMAIN, "TXT").records == ("v=spf1 -all", "site-verification=x")  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("record", "words"),
    [
        ("", "An SPF record begins with v=spf1"),
        ("v=spf2 -all", "An SPF record begins with v=spf1"),
        ("v=spf1 ipv4:192.0.2.1 -all", "ipv4:192.0.2.1: SPF has no word ipv4"),
        ("v=spf1 +all", "lets the whole world send as you, by +all"),
        ("v=spf1 include:open.example -all", "by include:open.example → +all"),
        ("v=spf1 include:nobody.example -all", "include:nobody.example ends in an error"),
        ("v=spf1 include:shop.example -all", "it leads back to where it came from"),
        ("v=spf1 a:x.example a:y.example a:z.example -all", "a:x.example, a:y.example, a:z.example"),
        (
            "v=spf1 " + " ".join(f"include:s{number}.example" for number in range(6)) + " -all",
            "receivers stop at 10, so they would count none of it. The dearest terms are include:s0.example (2), incl",
        ),
    ],
)
def test_objections_are_in_words(record: str, words: str) -> None:
    supposed = spf_what_if.suppose(_DOMAIN, record, _world("v=spf1 -all"))
    assert len(supposed.objections) == 1
    assert words in supposed.objections[0]


def test_ten_look_ups_are_allowed_and_two_terms_that_find_nothing() -> None:
    five = " ".join(f"include:s{number}.example" for number in range(5))
    assert spf_what_if.suppose(_DOMAIN, f"v=spf1 {five} -all", _world()).objections == ()
    assert spf_what_if.suppose(_DOMAIN, f"v=spf1 a {five} -all", _world()).objections != ()
    assert spf_what_if.suppose(_DOMAIN, "v=spf1 a:x.example a:y.example -all", _world()).objections == ()


def test_a_branch_that_gives_no_answer_is_unknown() -> None:
    supposed = spf_what_if.suppose(_DOMAIN, "v=spf1 include:down.example -all", _world(failing=("down.example",)))
    assert supposed.objections == ()
    assert "down.example: no answer in time" in supposed.unknown[0]


@pytest.mark.parametrize(
    ("published", "mail", "proposed", "changed"),
    [
        ([], False, f"v=spf1 {_OURS} ~all", True),
        ([], True, f"v=spf1 mx {_OURS} ~all", True),
        (["v=spf1 include:s1.example -all"], True, f"v=spf1 include:s1.example {_OURS} -all", True),
        ([f"v=spf1 {_OURS} -all"], False, f"v=spf1 {_OURS} -all", False),
        (["v=spf1 mx -all", "v=spf1 a:web.example ~all"], False, f"v=spf1 mx a:web.example {_OURS} ~all", True),
        (["v=spf1 redirect=s1.example"], False, f"v=spf1 {_OURS} redirect=s1.example", True),
        (["v=spf1 ipv4:192.0.2.7 +all"], False, f"v=spf1 ip4:192.0.2.7 {_OURS} ~all", True),
    ],
)
def test_ours_is_merged_in_front_of_all_and_never_a_second_record(
    published: list[str], mail: bool, proposed: str, changed: bool
) -> None:
    found = spf_what_if.propose(_DOMAIN, [_OURS], _world(*published, mail=mail))
    assert isinstance(found, Proposal)
    assert (found.record, found.replaces, found.changed) == (proposed, tuple(published), changed)


def test_more_than_ten_look_ups_are_refused_in_words() -> None:
    five = " ".join(f"include:s{number}.example" for number in range(5))
    world = _world(f"v=spf1 {five} -all")
    assert isinstance(spf_what_if.propose(_DOMAIN, [_OURS], world), Proposal)
    found = spf_what_if.propose(_DOMAIN, ["include:s5.example"], world)
    assert isinstance(found, Refusal)
    assert found.words.startswith("No record is proposed. The record would need 12 DNS look-ups")
    assert isinstance(found.supposed.facts, Facts)


@pytest.mark.parametrize("silent", ["TXT", "MX", "branch"])
def test_nothing_is_proposed_where_the_dns_gave_no_answer(silent: str) -> None:
    zone: dict[str, dict[str, list[str]]] = {
        "TXT": {},
        "MX": {_DOMAIN: {"TXT": ["site-verification=x"]}},
        "branch": {_DOMAIN: {"TXT": ["v=spf1 include:down.example -all"]}},
    }[silent]
    failing = ["down.example"] if silent == "branch" else [_DOMAIN]
    found = spf_what_if.propose(_DOMAIN, [_OURS], StaticResolver(zone, failing=failing))
    assert isinstance(found, NoAnswer)
    assert "no answer in time" in found.words


_TERMS = st.sampled_from(
    ["mx", "a:web.example", "ip4:198.51.100.0/24", "?ip4:203.0.113.7", *(f"include:{name}" for name in _SERVICES)]
)
_TEXTS = st.builds(
    lambda terms, end: " ".join(["v=spf1", *terms, end]).strip(),
    st.lists(_TERMS, max_size=6),
    st.sampled_from(["-all", "~all", "?all", "+all", "redirect=s1.example", ""]),
)


@given(st.lists(_TEXTS, max_size=3))
def test_what_is_proposed_lets_us_send_and_whoever_could_before(published: list[str]) -> None:
    world = _world(*published, mail=True)
    found = spf_what_if.propose(_DOMAIN, [_OURS], world)
    if isinstance(found, Refusal):
        assert isinstance(found.supposed.facts, Facts)
        assert found.supposed.facts.cost > 10
        return
    assert isinstance(found, Proposal)
    assert isinstance(spf_record.parse(found.record), Record)
    after = _world(found.record, mail=True)
    assert _result("192.0.2.10", after) is Result.PASS
    assert _cost(after) <= 10
    if len(published) == 1 and not published[0].endswith("+all"):
        for ip in ("192.0.2.25", "192.0.2.80", "198.51.100.9"):
            before = _result(ip, world)
            assert before is not Result.PASS or _result(ip, after) is Result.PASS
    again = spf_what_if.propose(_DOMAIN, [_OURS], after)
    assert isinstance(again, Proposal)
    assert (again.record, again.changed) == (found.record, False)


def _result(ip: str, world: StaticResolver) -> Result:
    return spf.check_host(ip, _DOMAIN, f"x@{_DOMAIN}", _DOMAIN, world).result


def _cost(world: StaticResolver) -> int:
    facts = spf_facts.gather(_DOMAIN, world)
    assert isinstance(facts, Facts)
    return facts.cost


@given(st.text(max_size=120))
def test_any_text_can_be_supposed(text: str) -> None:
    supposed = spf_what_if.suppose(_DOMAIN, text, _world("v=spf1 -all"), egress=["192.0.2.10"])
    assert supposed.objections or isinstance(supposed.facts, Facts)
    assert not (isinstance(supposed.facts, NoFacts) and not supposed.objections)


@given(_TEXTS)
def test_to_suppose_what_is_published_tells_nothing_new(text: str) -> None:
    world = _world(text)
    assert spf_what_if.suppose(_DOMAIN, text, world).facts == spf_facts.gather(_DOMAIN, world)

"""SPF beyond the RFC's suite: words for errors, the way to a result, what a whole tree costs, and mending."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from listkeeper.standards import spf, spf_mend, spf_record, spf_tree
from listkeeper.standards.dns import StaticResolver
from listkeeper.standards.spf import Result
from listkeeper.standards.spf_record import Problem, Record
from listkeeper.standards.spf_tree import Flaw

_ZONE = StaticResolver(
    {
        "shop.example": {"TXT": ["v=spf1 include:_spf.mail.example ip4:192.0.2.0/24 -all"]},
        "_spf.mail.example": {"TXT": ["v=spf1 ip4:198.51.100.0/24 ip6:2001:db8::/32 ~all"]},
        "moved.example": {"TXT": ["v=spf1 redirect=shop.example"]},
        "two.example": {"TXT": ["v=spf1 -all", "v=spf1 ~all", "google-site-verification=x"]},
        "late.example": {"TXT": ["v=spf1 -all exp=why.example"]},
        "why.example": {"TXT": ["%{c} at %{t} may not send for %{o}, says %{r}"]},
    },
    failing=["down.example"],
)


def _check(ip: str, domain: str) -> spf.SpfResult:
    return spf.check_host(ip, domain, f"news@{domain}", domain, _ZONE)


@pytest.mark.parametrize(
    ("ip", "domain", "result", "path"),
    [
        ("198.51.100.9", "shop.example", Result.PASS, ["include:_spf.mail.example", "ip4:198.51.100.0/24"]),
        ("192.0.2.9", "shop.example", Result.PASS, ["ip4:192.0.2.0/24"]),
        ("203.0.113.1", "shop.example", Result.FAIL, ["-all"]),
        (
            "2001:db8::25",
            "moved.example",
            Result.PASS,
            ["redirect=shop.example", "include:_spf.mail.example", "ip6:2001:db8::/32"],
        ),
        ("::ffff:192.0.2.9", "shop.example", Result.PASS, ["ip4:192.0.2.0/24"]),
        ("192.0.2.9", "nobody.example", Result.NONE, []),
    ],
)
def test_the_result_and_the_terms_that_led_to_it(ip: str, domain: str, result: Result, path: list[str]) -> None:
    said = _check(ip, domain)
    assert (said.result, said.path()) == (result, path)


def test_errors_say_why_in_words() -> None:
    assert _check("192.0.2.9", "two.example").reason == "two.example has 2 SPF records"
    assert _check("192.0.2.9", "down.example").reason == "down.example could not be looked up: no answer in time"
    assert _check("192.0.2.9", "nobody.example").reason == "nobody.example has no SPF record"


def test_the_explanation_knows_the_moment_and_the_receiver() -> None:
    said = spf.check_host(
        "192.0.2.9",
        "late.example",
        "news@late.example",
        "mx.late.example",
        _ZONE,
        receiver="mx.reader.example",
        now=datetime(2026, 11, 23, 8, tzinfo=UTC),
    )
    assert said.explanation == "192.0.2.9 at 1795420800 may not send for late.example, says mx.reader.example"


def test_a_host_without_an_address_of_our_family_is_not_held_against_the_domain() -> None:
    hosts = [f"{number} mx{number}.many.example" for number in range(5)]
    zone = StaticResolver(
        {
            "many.example": {"TXT": ["v=spf1 mx ip6:2001:db8::1 -all"], "MX": hosts},
            **{f"mx{number}.many.example": {"A": [f"192.0.2.{number}"]} for number in range(5)},
        }
    )
    assert spf.check_host("2001:db8::1", "many.example", "a@many.example", "h.example", zone).result is Result.PASS


def test_an_address_that_is_none_is_the_callers_fault() -> None:
    with pytest.raises(ValueError, match="not-an-ip"):
        _check("not-an-ip", "shop.example")


@pytest.mark.parametrize(
    ("text", "term", "reason"),
    [
        ("v=spf1 ipv4:192.0.2.1 -all", "ipv4:192.0.2.1", "SPF has no word ipv4; write ip4: or ip6:"),
        ("v=spf1 a:192.0.2.1 -all", "a:192.0.2.1", "192.0.2.1 is an address: write ip4:192.0.2.1"),
        ("v=spf1 redirect:other.example", "redirect:other.example", "redirect is written with =, not with a colon"),
        ("v=spf1 include -all", "include", "include must be followed by a colon and a domain"),
        ("v=spf1 include: -all", "include:", "a domain is missing"),
        ("v=spf1 ip4:192.0.2.1/33 -all", "ip4:192.0.2.1/33", "/33 is no prefix length"),
        ("v=spf1 ip4:192.0.2.300 -all", "ip4:192.0.2.300", "192.0.2.300 is no IPv4 address"),
        ("v=spf1 ip6:fe80::1%1 -all", "ip6:fe80::1%1", "fe80::1%1 is no IPv6 address"),
        (
            "v=spf1 a:shop.example/129 -all",
            "a:shop.example/129",
            "/129 is no prefix length; write /24, //64 or /24//64",
        ),
        ("v=spf1 -all; ", "-all;", "nothing may follow the word all"),
        ("v=spf1 exists:%{x}.example -all", "exists:%{x}.example", "there is no macro letter x here"),
        ("v=spf1 exists:%{i.example -all", "exists:%{i.example", "the macro %{i.example is not well formed"),
        ("v=spf1 exists:%{d0}.example -all", "exists:%{d0}.example", "a macro cannot keep 0 parts"),
        ("v=spf1 exists:50%.example -all", "exists:50%.example", "% must be followed by one of { % _ -"),
        ("v=spf1 include:shop -all", "include:shop", "shop is no full domain name"),
        (
            "v=spf1 include:økologi.example -all",
            "include:økologi.example",
            "it holds a character that is not plain ASCII",
        ),
        (
            "v=spf1 redirect=a.example redirect=b.example",
            "redirect=b.example",
            "redirect= may stand only once in a record",
        ),
        ("v=spf1 =x -all", "=x", "the name before = must be letters, digits, dots, dashes and underscores"),
        ("v=spf1 !all", "!all", "it is no SPF term"),
    ],
)
def test_a_syntax_error_is_named_and_explained(text: str, term: str, reason: str) -> None:
    assert spf_record.parse(text) == (Problem(term, reason),)


def test_every_syntax_error_is_reported_not_only_the_first() -> None:
    read = spf_record.parse("v=spf1 ipv4:192.0.2.1 include:shop.example mxx -all ip4:x")
    assert isinstance(read, tuple)
    assert [problem.term for problem in read] == ["ipv4:192.0.2.1", "mxx", "ip4:x"]


@pytest.mark.parametrize(
    ("published", "wanted", "mended"),
    [
        ([], ["ip4:192.0.2.1"], "v=spf1 ip4:192.0.2.1 ~all"),
        (["v=spf1 mx -all"], ["ip4:192.0.2.1"], "v=spf1 mx ip4:192.0.2.1 -all"),
        (["v=spf1 mx ip4:192.0.2.1 ~all"], ["ip4:192.0.2.1"], "v=spf1 mx ip4:192.0.2.1 ~all"),
        (["v=spf1 mx"], [], "v=spf1 mx ~all"),
        (["v=spf1 mx ?all"], [], "v=spf1 mx ~all"),
        (["v=spf1 mx all"], [], "v=spf1 mx ~all"),
        (["v=spf1 mx -all a ptr"], [], "v=spf1 mx -all"),
        (["v=spf1 redirect=_spf.example.net"], ["ip4:192.0.2.1"], "v=spf1 ip4:192.0.2.1 redirect=_spf.example.net"),
        (["v=spf1 mx redirect=_spf.example.net ~all"], [], "v=spf1 mx ~all"),
        (["v=spf1 mx -all exp=why.example.net"], ["a"], "v=spf1 mx a -all exp=why.example.net"),
        (["v=spf1 mx -all", "v=spf1 a mx ~all"], ["ip4:192.0.2.1"], "v=spf1 mx a ip4:192.0.2.1 ~all"),
        (["v=spf1 mx -all", "v=spf1 redirect=_spf.example.net"], [], "v=spf1 mx include:_spf.example.net ~all"),
        (
            ["v=spf1 ipv4:192.0.2.1 a:192.0.2.2 ip=2001:db8::1/64 -all"],
            [],
            "v=spf1 ip4:192.0.2.1 ip4:192.0.2.2 ip6:2001:db8::1/64 -all",
        ),
        (["v=spf1 include=_spf.example.net, mx; -all"], [], "v=spf1 include:_spf.example.net mx -all"),
        (["v=spf1 redirect:_spf.example.net"], [], "v=spf1 redirect=_spf.example.net"),
        (["v=spf1 nonsense mx -all"], [], "v=spf1 mx -all"),
    ],
)
def test_merging_gives_one_record(published: list[str], wanted: list[str], mended: str) -> None:
    assert spf_mend.merge(published, wanted) == mended
    assert isinstance(spf_record.parse(mended), Record)
    assert spf_mend.merge([mended], wanted) == mended


def test_the_term_for_one_address() -> None:
    assert spf_mend.network_term("192.0.2.1") == "ip4:192.0.2.1"
    assert spf_mend.network_term("2001:DB8:0::1") == "ip6:2001:db8::1"


def _survey(domain: str, zone: StaticResolver) -> spf_tree.Survey:
    record = spf.record_of(domain, zone)
    assert record is not None
    return spf_tree.survey(domain, record, zone)


def test_a_survey_counts_every_branch_and_not_only_the_way_to_a_match() -> None:
    zone = StaticResolver(
        {
            "shop.example": {
                "TXT": [
                    "v=spf1 a mx ip4:192.0.2.1 include:one.example include:%{i}.macro.example exists:x.example -all a"
                ],
                "A": ["192.0.2.7"],
                "MX": ["10 mx.example"],
            },
            "one.example": {"TXT": ["v=spf1 a:none.example ptr redirect=two.example"]},
            "two.example": {"TXT": ["v=spf1 mx:none.example ?all redirect=never.example"]},
        }
    )
    tree = _survey("shop.example", zone)
    assert tree.cost == 9
    assert [(branch.term, branch.cost) for branch in tree.branches] == [
        ("a", 1),
        ("mx", 1),
        ("include:one.example", 5),
        ("include:%{i}.macro.example", 1),
        ("exists:x.example", 1),
    ]
    assert {branch.term for branch in tree.voids} == {"a:none.example", "exists:x.example", "mx:none.example"}
    assert tree.flaws == []
    assert tree.failures == []


def test_a_survey_names_each_broken_branch() -> None:
    included = " ".join(f"include:{name}.example" for name in ("none", "two", "bad", "loop", "down"))
    zone = StaticResolver(
        {
            "shop.example": {
                "TXT": [f"v=spf1 {included} mx ~all"],
                "MX": [f"{number} mx{number}.example" for number in range(11)],
            },
            "two.example": {"TXT": ["v=spf1 -all", "v=spf1 ~all"]},
            "bad.example": {"TXT": ["v=spf1 mxx -all"]},
            "loop.example": {"TXT": ["v=spf1 include:Shop.example. -all"]},
        },
        failing=["down.example"],
    )
    tree = _survey("shop.example", zone)
    assert {branch.term: branch.flaw for branch in tree.flaws} == {
        "include:none.example": Flaw.NO_RECORD,
        "include:two.example": Flaw.SEVERAL,
        "include:bad.example": Flaw.SYNTAX,
        "include:Shop.example.": Flaw.LOOP,
        "mx": Flaw.MANY_HOSTS,
    }
    assert [failure.name for failure in tree.failures] == ["down.example"]


def test_a_survey_of_a_tree_without_end_ends() -> None:
    class Endless(StaticResolver):
        def query(self, name: str, kind: str, /):  # type: ignore[no-untyped-def]  # noqa: ANN202
            wide = " ".join(f"include:{letter}.{name}" for letter in "abcdefgh")
            return StaticResolver({name: {kind: [f"v=spf1 {wide} -all"]}}).query(name, kind)

    zone = Endless({})
    assert _survey("x.example", zone).cost > 10
    assert spf.check_host("192.0.2.1", "x.example", "a@x.example", "x.example", zone).result is Result.PERMERROR


@given(st.text())
@example("%{d" + "9" * 5000 + "}")
@example("a:%{")
@example("redirect=")
@example("ip4:1.2.3.4/" + "9" * 5000)
@example("ip4:1.2.3.4/²")
def test_no_record_crashes_the_reader_the_evaluation_or_the_mending(words: str) -> None:
    text = f"v=spf1 {words}"
    zone = StaticResolver({"shop.example": {"TXT": [text], "A": ["192.0.2.1"]}})
    read = spf_record.parse(text)
    said = spf.check_host("192.0.2.1", "shop.example", "a@shop.example", "shop.example", zone)
    assert isinstance(read, Record) or said.result is Result.PERMERROR
    assert isinstance(spf_record.parse(spf_mend.merge([text], ["ip4:192.0.2.9"])), Record)


@given(
    st.text(max_size=80), st.text(max_size=80), st.sampled_from(["%{s}", "%{l2r-}", "%{h}", "%{P}", "%{o1r}", "%{ir}"])
)
def test_no_sender_and_no_helo_crash_the_macros(sender: str, helo: str, macro: str) -> None:
    zone = StaticResolver({"shop.example": {"TXT": [f"v=spf1 exists:{macro}.shop.example a:{macro}.x.example -all"]}})
    said = spf.check_host("192.0.2.1", "shop.example", sender, helo, zone)
    assert said.result in {Result.FAIL, Result.PERMERROR, Result.PASS}

"""SPF over zones of any bytes: a result of the seven, within the limits, and nothing of it unfit to be shown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from hypothesis import example, given
from hypothesis import strategies as st

from listkeeper.standards import dns, spf, spf_record, spf_tree
from listkeeper.standards.dns import StaticResolver
from listkeeper.standards.spf import MOST_LOOKUPS, MOST_VOIDS, Result, Step
from listkeeper.standards.spf_record import Record

_NAMES = [
    "shop.example",
    "a.example",
    "b.example",
    "%{l}.example",
    "%{p}",
    "%{ir}.example",
    "nowhere.example",
    "..",
    "x" * 70,
]
# As they come from the DNS: any byte is a character.
_BYTES = st.binary(max_size=60).map(lambda raw: raw.decode("latin-1"))
_MECHANISM = st.tuples(
    st.sampled_from("+-~?"), st.sampled_from(["a:", "mx:", "ptr:", "include:", "exists:"]), st.sampled_from(_NAMES)
)
_MODIFIER = st.tuples(st.sampled_from(["redirect=", "exp="]), st.sampled_from(_NAMES))
_TERM = st.one_of(
    st.sampled_from(["a", "mx", "ptr", "-all", "~all", "ip4:192.0.2.0/24", "ip6:2001:db8::/32"]),
    st.one_of(_MECHANISM, _MODIFIER).map("".join),
    _BYTES,
)
_RECORD = st.lists(_TERM, max_size=12).map(lambda terms: " ".join(["v=spf1", *terms]))
_AT = st.fixed_dictionaries(
    {"TXT": st.lists(st.one_of(_RECORD, _BYTES), max_size=2)},
    optional={
        "A": st.just(["192.0.2.1"]),
        "AAAA": st.just(["2001:db8::1"]),
        "MX": st.lists(st.sampled_from(["10 a.example", "0 ", "5 nowhere.example"]), min_size=1, max_size=12),
    },
)
_ZONE = st.fixed_dictionaries(dict.fromkeys(_NAMES[:3], _AT))


def _walk(steps: Iterable[Step]) -> Iterator[Step]:
    for step in steps:
        yield step
        yield from _walk(step.steps)


@given(
    _ZONE,
    st.sampled_from(["192.0.2.1", "2001:db8::1"]),
    st.sampled_from(["a@shop.example", "", "%{d}@shop.example", "é@x"]),
)
@example(
    {"shop.example": {"TXT": ["v=spf1 -all exp=a.example"]}, "a.example": {"TXT": ["\x1b[2J\xff"]}}, "192.0.2.1", ""
)
@example({"shop.example": {"TXT": ["v=spf1 redirect=shop.example"]}}, "192.0.2.1", "")
@example({"shop.example": {"TXT": ["v=spf1 mx:%{p} ptr:%{p} exists:%{p} -all"]}}, "192.0.2.1", "")
def test_any_zone_gives_one_of_seven_results_within_the_limits(
    zone: dict[str, dict[str, list[str]]], ip: str, sender: str
) -> None:
    resolver = StaticResolver(
        {**zone, dns.reverse_name(ip): {"PTR": ["a.example", "b.example"]}}, failing=["c.example"]
    )
    said = spf.check_host(ip, "shop.example", sender, "x.example", resolver)
    steps = list(_walk(said.trace))
    assert said.result in Result
    # The term that goes over a limit ends it.
    assert sum(step.lookups for step in steps) <= MOST_LOOKUPS + (said.result is Result.PERMERROR)
    assert sum(step.void for step in steps) <= MOST_VOIDS + (said.result is Result.PERMERROR)
    assert said.explanation.isascii()
    assert not said.explanation or said.result is Result.FAIL
    assert bool(said.reason) is (said.result in {Result.NONE, Result.PERMERROR, Result.TEMPERROR})
    if said.result in {Result.PASS, Result.FAIL, Result.SOFTFAIL}:
        # The way that is told leads to the result.
        assert said.path()
        last = said.trace[-1]
        assert last.outcome == said.result


@given(_RECORD)
def test_the_terms_that_were_read_make_the_same_record_again(text: str) -> None:
    read = spf_record.parse(text)
    if not isinstance(read, Record):
        assert all(problem.reason and problem.term in text for problem in read)
        return
    again = " ".join(["v=spf1", *(term.text for term in read.terms)])
    assert again.split() == text.split()
    assert spf_record.parse(again) == Record(again, read.terms)


@given(_ZONE)
def test_a_survey_of_any_zone_ends_and_costs_at_least_what_one_receiver_needs(
    zone: dict[str, dict[str, list[str]]],
) -> None:
    resolver = StaticResolver(zone)
    texts = [text for text in zone["shop.example"]["TXT"] if spf_record.is_spf(text)]
    read = spf_record.parse(texts[0]) if len(texts) == 1 else None
    if not isinstance(read, Record):
        return
    tree = spf_tree.survey("shop.example", read, resolver)
    said = spf.check_host("192.0.2.1", "shop.example", "a@shop.example", "x.example", resolver)
    if said.result is not Result.PERMERROR:
        assert sum(step.lookups for step in _walk(said.trace)) <= tree.cost

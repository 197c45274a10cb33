"""Which way mail takes: shares by weight, domains, retries; and what a way that is away does to the others."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field

import pytest

from listkeeper.sending.handing_over import way_choice
from listkeeper.sending.handing_over.transport import TransportUnavailable
from listkeeper.sending.handing_over.way import Way
from listkeeper.sending.handing_over.ways import Plan, Waiting, Ways

OCCASIONS = [f"campaign:7:{number}" for number in range(10_000)]


def _way(name: str, weight: int = 1, *domains: str) -> Way:
    return Way(name, "smtp", name, weight=weight, domains=domains, address=f"smtp://{name}")


A, B, C = _way("a", 6), _way("b", 3), _way("c", 1)
SPARE = _way("spare", 0)


def _within_chance(found: int, share: float, of: int = len(OCCASIONS)) -> bool:
    """Whether a count lies within four standard deviations of what its share makes likely."""
    return abs(found - share * of) < 4 * math.sqrt(of * share * (1 - share))


def test_shares_are_as_the_weights_say() -> None:
    first = Counter(way_choice.in_order([A, B, C], occasion, 0)[0].name for occasion in OCCASIONS)
    assert _within_chance(first["a"], 0.6), first
    assert _within_chance(first["b"], 0.3), first
    assert _within_chance(first["c"], 0.1), first


def test_the_share_of_a_way_that_is_away_goes_to_the_others_by_weight_and_nothing_else_moves() -> None:
    before = {occasion: way_choice.in_order([A, B, C], occasion, 0) for occasion in OCCASIONS}
    without = {occasion: way_choice.in_order([B, C], occasion, 0)[0] for occasion in OCCASIONS}
    heirs = Counter(without[occasion].name for occasion, order in before.items() if order[0] is A)
    assert _within_chance(heirs["b"], 0.75, heirs.total()), heirs
    assert all(without[occasion] is order[0] for occasion, order in before.items() if order[0] is not A)
    # What comes second of each mail is what it gets when the first is away.
    assert all(without[occasion] is next(way for way in order if way is not A) for occasion, order in before.items())


def test_a_retry_takes_the_same_way_twice_and_then_the_next() -> None:
    for occasion in OCCASIONS[:50]:
        order = way_choice.in_order([A, B, C], occasion, 0)
        taken = [way_choice.in_order([A, B, C, SPARE], occasion, tries)[0] for tries in range(8)]
        assert taken == [order[0], order[0], order[1], order[1], order[2], order[2], order[0], order[0]]
        assert way_choice.in_order([A, SPARE, B], occasion, 3)[-1] is SPARE


def test_a_domain_that_has_its_own_ways_takes_no_other() -> None:
    shop = _way("shop", 1, "shop.dk", "shop.de")
    assert way_choice.fitting([A, shop, B], "Shop.dk") == [shop]
    assert way_choice.fitting([A, shop, B], "cafe.example") == [A, B]
    assert way_choice.fitting([shop], "cafe.example") == []


@dataclass
class _Line:
    """A line that is up or down as a test says."""

    wide: bool = True
    down: bool = False
    connects: int = 0
    closed: int = 0

    @property
    def carries_smtputf8(self) -> bool:
        return self.wide

    def connect(self) -> None:
        self.connects += 1
        if self.down:
            raise TransportUnavailable("no answer from ada@relay.example")

    def close(self) -> None:
        self.closed += 1


@dataclass
class _House:
    """Ways over such lines, and a clock that a test moves on."""

    all: list[Way]
    lines: dict[str, _Line] = field(default_factory=dict)
    now: float = 1000.0
    ways: Ways = field(init=False)

    def __post_init__(self) -> None:
        self.lines |= {way.name: _Line() for way in self.all if way.name not in self.lines}
        self.ways = Ways(self.all, lambda way: self.lines[way.name], lambda: self.now)  # type: ignore[arg-type, return-value]

    def plan(self, count: int = 200, domain: str = "cafe.example", *, wide: bool = False) -> Plan:
        return self.ways.plan([Waiting(number, OCCASIONS[number], domain, wide=wide) for number in range(count)])


def _shares(plan: Plan) -> dict[str, int]:
    return {group.way.name: len(group.ids) for group in plan.groups}


def test_a_window_is_parted_by_way_and_each_line_is_asked_once() -> None:
    house = _House([A, B])
    plan = house.plan()
    assert sorted(number for group in plan.groups for number in group.ids) == list(range(200))
    assert (plan.stranded, plan.words, set(_shares(plan))) == ([], "", {"a", "b"})
    assert [line.connects for line in house.lines.values()] == [1, 1]
    mails = [Waiting(number, OCCASIONS[number], "cafe.example") for number in range(200)]
    assert house.ways.assign(mails) == {group.way: group.ids for group in plan.groups}


def test_a_way_that_is_down_cools_for_longer_each_time_and_the_others_carry_its_mail() -> None:
    house = _House([A, B])
    house.lines["a"].down = True
    waits = []
    for _ in range(7):
        assert _shares(house.plan()) == {"b": 200}
        tried = house.lines["a"].connects
        cooled = house.now
        while house.lines["a"].connects == tried:
            house.now += 10
            house.plan()
        waits.append(house.now - cooled)
    assert waits == [30, 60, 120, 240, 480, 600, 600]
    house.lines["a"].down = False
    house.now += 600
    assert set(_shares(house.plan())) == {"a", "b"}
    # It is trusted again once it has answered about a message, and begins with a short wait should it fail again.
    assert house.ways.trouble(A)
    assert house.ways.worked(A)
    assert not house.ways.trouble(A)
    house.ways.cool(A, "again")
    house.now += 31
    assert set(_shares(house.plan())) == {"a", "b"}


def test_only_when_all_are_down_nothing_leaves_and_each_is_named() -> None:
    house = _House([A, B])
    for line in house.lines.values():
        line.down = True
    plan = house.plan()
    assert (plan.groups, plan.stranded) == ([], list(range(200)))
    assert plan.words == "a: no answer from ada@relay.example b: no answer from ada@relay.example"
    assert house.ways.all_closed() == plan.words
    # Each window looks at one of them again, so that mail moves as soon as one of them answers.
    house.lines["a"].down = house.lines["b"].down = False
    assert sum(_shares(house.plan()).values()) == 200


def test_a_single_way_is_asked_at_each_window_and_says_its_own_words() -> None:
    house = _House([A])
    house.lines["a"].down = True
    assert house.ways.only is A
    assert (house.plan(3).words, house.ways.all_closed()) == ("no answer from ada@relay.example",) * 2
    house.lines["a"].down = False
    assert _shares(house.plan(3)) == {"a": 3}


def test_a_way_that_closes_in_mid_send_is_hung_up_and_left_alone() -> None:
    house = _House([A, B])
    house.plan()
    house.ways.cool(A, "the key is not accepted")
    assert house.lines["a"].closed == 1
    assert (_shares(house.plan()), house.ways.all_closed()) == ({"b": 200}, "")
    house.ways.close()
    assert house.lines["b"].closed == 1


def test_a_spare_carries_mail_only_while_no_other_can() -> None:
    house = _House([A, SPARE])
    assert _shares(house.plan()) == {"a": 200}
    assert house.lines["spare"].connects == 0
    house.lines["a"].down = True
    assert _shares(house.plan()) == {"spare": 200}


def test_mail_of_a_domain_waits_for_its_own_way_while_the_rest_goes_on() -> None:
    house = _House([A, _way("shop", 1, "shop.dk")])
    house.lines["shop"].down = True
    mails = [Waiting(1, "x", "shop.dk"), Waiting(2, "y", "cafe.example")]
    plan = house.ways.plan(mails)
    assert (_shares(plan), plan.stranded) == ({"a": 1}, [1])
    assert plan.words == "shop: no answer from ada@relay.example"
    alone = _House([_way("shop", 1, "shop.dk")])
    assert alone.plan(1).words == "No way is set for mail from cafe.example."
    assert alone.ways.only is None


@pytest.mark.parametrize("able", ["a", "b", None])
def test_an_address_beyond_ascii_takes_a_way_that_carries_it(able: str | None) -> None:
    house = _House([A, B], {"a": _Line(wide=able == "a"), "b": _Line(wide=able == "b")})
    shares = _shares(house.plan(wide=True))
    # Where none carries it the gate refuses it, with the reason; so it needs a way that is open.
    assert set(shares) == ({able} if able else {"a", "b"})
    assert set(_shares(house.plan(wide=False))) == {"a", "b"}

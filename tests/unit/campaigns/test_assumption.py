"""What was believed of a letter: read as people write it, and judged no more surely than chance allows."""

from __future__ import annotations

import random

import pytest

from listkeeper.campaigns import assumption
from listkeeper.campaigns.assumption import Assumption, Measure, Verdict
from listkeeper.campaigns.campaign import Campaign
from listkeeper.foundation.errors import Invalid


@pytest.mark.parametrize(
    ("written", "measure", "value"),
    [
        ("clicks 3%", Measure.CLICKS, 3000),
        (" Replies  0,5 % ", Measure.REPLIES, 500),
        ("left 0.125", Measure.LEFT, 125),
        ("orders 100%", Measure.ORDERS, 100_000),
    ],
)
def test_a_belief_is_read_as_people_write_it(written: str, measure: Measure, value: int) -> None:
    assert assumption.read(written) == Assumption(measure, value)


@pytest.mark.parametrize(
    "written",
    [
        "", "clicks", "3%", "clicks 0%", "clicks 100.1%", "clicks -3%", "clicks nan%", "clicks 1e1%", "opens 3%",
        "clicks 3% 4%", "clicks \u0663%", "clicks 0.0001%", "clicks 3%\nleft 1%", "clicks " + "3" * 400, "clicks 3‰",
    ],
)  # fmt: skip
def test_what_is_no_share_of_something_is_refused(written: str) -> None:
    with pytest.raises(Invalid) as problem:
        assumption.read(written)
    assert problem.value.code == "assumption"


def test_fields_left_empty_are_no_belief_and_words_alone_are_a_mistake() -> None:
    assert assumption.typed("clicks", " ", "") is None
    assert assumption.typed("clicks", "3 %", " the  buns\n") == Assumption(Measure.CLICKS, 3000, "the buns")
    for measure, share, words in (
        ("clicks", "", "why"),
        ("", "3", ""),
        ("clicks", "3", "x" * 301),
        ("clicks", "%", ""),
    ):
        with pytest.raises(Invalid):
            assumption.typed(measure, share, words)


def test_what_is_kept_is_read_back_and_nonsense_is_nothing() -> None:
    believed = Assumption(Measure.LEFT, 125, "why")
    assert assumption.of(Campaign(assumption=believed.as_json())) == believed
    for kept in (None, {}, {"measure": "opens", "value": 1}, {"measure": "left"}, {"measure": "left", "value": "x"}):
        assert assumption.of(Campaign(assumption=kept)) is None


@pytest.mark.parametrize(
    ("hits", "people", "low", "high"),
    # Wilson's interval as published (Newcombe 1998, table I: 81/263, 15/148, 0/20, 1/29).
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_the_interval_is_the_published_one(hits: int, people: int, low: float, high: float) -> None:
    found = assumption.between(hits, people)
    assert found == pytest.approx((low, high), abs=0.00005)


def test_of_nobody_and_of_everybody_the_interval_stays_within_nothing_and_all() -> None:
    assert assumption.between(0, 0) == (0.0, 1.0)
    assert assumption.between(5, 5)[1] == 1.0
    assert assumption.between(7, 5)[1] == 1.0
    assert assumption.between(0, 1)[0] == 0.0


@pytest.mark.parametrize(
    ("value", "hits", "people", "verdict"),
    [
        (3000, 0, 0, Verdict.NOTHING),
        (3000, 0, 1, Verdict.TOO_FEW),
        (3000, 1, 12, Verdict.TOO_FEW),
        (3000, 30, 1000, Verdict.AS_BELIEVED),
        (3000, 38, 1000, Verdict.AS_BELIEVED),
        (3000, 60, 1000, Verdict.MORE),
        (3000, 10, 1000, Verdict.LESS),
        (3000, 40, 100, Verdict.MORE),
        (3000, 0, 1000, Verdict.LESS),
        (100_000, 5, 5, Verdict.AS_BELIEVED),
    ],
)
def test_a_belief_is_judged_only_where_chance_lets_it_be(value: int, hits: int, people: int, verdict: Verdict) -> None:
    assert assumption.judge(value, hits, people) is verdict


@pytest.mark.parametrize("people", [200, 2000])
def test_a_true_belief_is_called_wrong_at_most_once_in_about_twenty(people: int) -> None:
    dice, value = random.Random(people), 3000
    wrong = 0
    for _ in range(1000):
        hits = sum(dice.random() < value / assumption.WHOLE for _ in range(people))
        wrong += assumption.judge(value, hits, people) in {Verdict.MORE, Verdict.LESS}
    assert wrong <= 70

"""What numbers prove: against published tables, against counting every table, and against two thousand trials."""

from __future__ import annotations

import random
from fractions import Fraction
from math import comb

import pytest

from listkeeper.campaigns import trial as trials
from listkeeper.campaigns import trial_statistics as statistics
from listkeeper.campaigns.trial import Arm, Figures

_RUNS = 2_000
_SEED = 20261201


def _counted(acted_a: int, mails_a: int, acted_b: int, mails_b: int) -> Fraction:
    """Add up every table that is as rare, in whole numbers: nothing is rounded."""
    acted = acted_a + acted_b
    ways = {
        in_a: comb(mails_a, in_a) * comb(mails_b, acted - in_a)
        for in_a in range(max(0, acted - mails_b), min(acted, mails_a) + 1)
    }
    return Fraction(sum(each for each in ways.values() if each <= ways[acted_a]), comb(mails_a + mails_b, acted))


# The lady and the tea (Agresti, 1990, p. 61) and the convicted twins (Fisher, 1970), both as in the handbook of R's
# fisher.test; men and women who study (Wikipedia, "Fisher's exact test").
@pytest.mark.parametrize(
    ("table", "published"), [((3, 4, 1, 4), 0.4857), ((2, 17, 10, 13), 0.0005367), ((1, 10, 11, 14), 0.002759)]
)
def test_it_says_what_the_books_say(table: tuple[int, int, int, int], published: float) -> None:
    assert statistics.exact_p(*table) == pytest.approx(published, rel=1e-3)


def test_it_equals_the_counting_of_every_table() -> None:
    chance = random.Random(_SEED)
    for _run in range(400):
        mails_a, mails_b = chance.randint(1, 60), chance.randint(1, 60)
        acted_a, acted_b = chance.randint(0, mails_a), chance.randint(0, mails_b)
        found = statistics.exact_p(acted_a, mails_a, acted_b, mails_b)
        assert found == pytest.approx(float(_counted(acted_a, mails_a, acted_b, mails_b)), abs=1e-9)
        assert found == pytest.approx(statistics.exact_p(acted_b, mails_b, acted_a, mails_a), abs=1e-9)


@pytest.mark.parametrize("table", [(0, 0, 0, 0), (0, 10, 0, 0), (0, 10, 0, 10), (10, 10, 10, 10), (5, 10, 0, 0)])
def test_where_nothing_is_known_nothing_is_proven(table: tuple[int, int, int, int]) -> None:
    assert statistics.exact_p(*table) == 1.0
    assert not statistics.is_proven(*table)


@pytest.mark.parametrize("table", [(11, 10, 0, 10), (-1, 10, 0, 10), (0, 10, 1, 0)])
def test_more_who_acted_than_there_are_is_no_table(table: tuple[int, int, int, int]) -> None:
    with pytest.raises(ValueError, match="more acted"):
        statistics.exact_p(*table)


def test_a_million_mails_are_judged_at_once() -> None:
    assert statistics.is_proven(25_000, 500_000, 25_600, 500_000)
    assert not statistics.is_proven(25_000, 500_000, 25_100, 500_000)


# Fleiss, Levin and Paik, 3rd ed., table A.4 (two-sided 5 %, power 80 %, with the correction): rates and people each.
@pytest.mark.parametrize(
    ("low", "high", "each"), [(50, 100, 474), (100, 200, 219), (100, 300, 71), (300, 500, 103), (500, 700, 103)]
)
def test_the_size_is_that_of_the_published_table(low: int, high: int, each: int) -> None:
    assert abs(statistics.people_each(low, high - low) - each) <= 1


@pytest.mark.parametrize(("expected", "difference"), [(-1, 10), (1001, 10), (50, 0), (50, -1), (50, 951)])
def test_what_is_no_rate_has_no_size(expected: int, difference: int) -> None:
    with pytest.raises(ValueError, match="no such rate"):
        statistics.people_each(expected, difference)


def test_the_least_difference_is_the_first_that_so_many_can_show() -> None:
    for expected in (0, 10, 50, 200, 500, 900):
        for each in (10, 57, 250, 1_000, 20_000):
            least = statistics.least_difference(expected, each)
            if least is None:
                assert statistics.people_each(expected, 1000 - expected) > each
            else:
                assert statistics.people_each(expected, least) <= each
                assert least == 1 or statistics.people_each(expected, least - 1) > each


def test_few_people_can_show_nothing() -> None:
    assert statistics.least_difference(50, 0) is None
    assert statistics.least_difference(990, 10) is None


def _runs(rate_a: float, rate_b: float, each: int) -> list[Arm | None]:
    chance = random.Random(_SEED)
    found = []
    for _run in range(_RUNS):
        acted = [sum(chance.random() < rate for _ in range(each)) for rate in (rate_a, rate_b)]
        found.append(trials.winner_of(Figures(each, acted[0]), Figures(each, acted[1]))[0])
    return found


@pytest.mark.parametrize(("rate", "each"), [(0.05, 474), (0.30, 103)])
def test_two_versions_that_are_alike_seldom_have_a_winner(rate: float, each: int) -> None:
    named = sum(winner is not None for winner in _runs(rate, rate, each))
    # Three standard errors of a test that errs in 5 of 100 cases; this one errs less often.
    assert named <= _RUNS * 0.05 + 3 * (_RUNS * 0.05 * 0.95) ** 0.5


@pytest.mark.parametrize(("expected", "difference"), [(50, 50), (300, 200), (10, 40)])
def test_a_true_difference_is_found_as_often_as_was_said(expected: int, difference: int) -> None:
    each = statistics.people_each(expected, difference)
    winners = _runs(expected / 1000, (expected + difference) / 1000, each)
    assert winners.count(Arm.B) >= _RUNS * 0.78
    assert winners.count(Arm.A) <= _RUNS * 0.001

"""What two versions of a letter prove: how many people it takes, and whether the difference that came is one.

Pure functions on counts. The test is Fisher's exact test, two-sided, at 5 %,
fixed beforehand and asked once: looked at again and again until it says yes, it
would say yes by chance. The number of people is that which finds the least
difference worth knowing in 80 of 100 trials, by the normal approximation with
Fleiss' correction for continuity, which is close to the exact test (Fleiss,
Levin and Paik, Statistical Methods for Rates and Proportions, 3rd ed., 4.2).
"""

from __future__ import annotations

from math import ceil, exp, lgamma, sqrt
from statistics import NormalDist

SIGNIFICANT = 0.05
POWER = 0.80
# Expected rates and differences are in thousandths.
_ALL = 1000
# Two tables as likely as each other may differ in the last digits of their logarithms.
_AS_LIKELY = 1e-7
_Z_SIDES = NormalDist().inv_cdf(1 - SIGNIFICANT / 2)
_Z_POWER = NormalDist().inv_cdf(POWER)


def exact_p(acted_a: int, mails_a: int, acted_b: int, mails_b: int) -> float:
    """Return how likely chance alone makes a difference such as this or a rarer one, from 0 to 1.

    ``acted`` of ``mails`` did something, in each of two groups. Where nobody is in a group it is 1: nothing is known.
    Raises ValueError when more acted than there are.
    """
    if not 0 <= acted_a <= mails_a or not 0 <= acted_b <= mails_b:
        raise ValueError("more acted than got it")
    acted = acted_a + acted_b
    if not mails_a or not mails_b or not 0 < acted < mails_a + mails_b:
        return 1.0
    whole = _log_ways(mails_a + mails_b, acted)

    def likelihood(in_a: int) -> float:
        return _log_ways(mails_a, in_a) + _log_ways(mails_b, acted - in_a) - whole

    limit = likelihood(acted_a) + _AS_LIKELY
    tables = (likelihood(in_a) for in_a in range(max(0, acted - mails_b), min(acted, mails_a) + 1))
    return min(1.0, sum(exp(each) for each in tables if each <= limit))


def _log_ways(of: int, chosen: int) -> float:
    return lgamma(of + 1) - lgamma(chosen + 1) - lgamma(of - chosen + 1)


def is_proven(acted_a: int, mails_a: int, acted_b: int, mails_b: int) -> bool:
    """Return whether one of two groups did better than chance explains."""
    return exact_p(acted_a, mails_a, acted_b, mails_b) < SIGNIFICANT


def people_each(expected: int, difference: int) -> int:
    """Return how many each version needs, so that a ``difference`` is found in 80 of 100 trials; in thousandths.

    ``expected`` is the rate of one version; the other's is higher by the difference, or lower where it cannot be
    higher. Raises ValueError for what is no rate, or no difference.
    """
    if not 0 <= expected <= _ALL or not 0 < difference <= max(expected, _ALL - expected):
        raise ValueError("no such rate")
    one = expected / _ALL
    apart = difference / _ALL
    # Whole thousandths, or the other rate would be a hair beyond all.
    other = (expected + difference if expected + difference <= _ALL else expected - difference) / _ALL
    middle = (one + other) / 2
    spread = _Z_SIDES * sqrt(2 * middle * (1 - middle)) + _Z_POWER * sqrt(one * (1 - one) + other * (1 - other))
    plain = max((spread / apart) ** 2, 1.0)
    return ceil(plain / 4 * (1 + sqrt(1 + 4 / (plain * apart))) ** 2)


def least_difference(expected: int, each: int) -> int | None:
    """Return the least difference that so many people each can show, in thousandths; None: not even the greatest."""
    room = max(expected, _ALL - expected)
    if each < 1 or people_each(expected, _ALL - expected if expected < _ALL else room) > each:
        return None
    low, high = 0, _ALL - expected if expected < _ALL else room
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if people_each(expected, middle) <= each else (middle, high)
    return high

"""Promises 1 and 2 on paper: the claim protocol as a table of states, lived by many workers under many seeds.

Each way of getting it wrong that we know of is tried as well, and found.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from listkeeper.sending.delivery import DeliveryState
from listkeeper.sending.handing_over.transport import InDoubt, Outcome
from tests.fakes.claim_table import ClaimTable, Row, live
from tests.fakes.virtual_workers import Handed, Worker

S = DeliveryState
ROWS, WORKERS, CRASHES = 400, 60, 40


def test_nobody_gets_two_copies_and_nothing_is_lost_whatever_the_seed(
    share: Callable[[str, int, int], int], summarise: Callable[[str], None]
) -> None:
    ends: Counter[str] = Counter()
    crashes = flight = 0
    for seed in range(share("seeds of the claim protocol on paper", 500, 12)):
        world = live(ClaimTable(ROWS), seed=seed, workers=WORKERS, crashes=CRASHES)
        ends += world.check_end()
        crashes, flight = crashes + world.crashes, flight + len(world.in_flight)
    assert ends["accepted"] > ends["in_doubt"] > 0
    assert ends["refused"] > 0
    summarise(f"on paper: {crashes:,} crashes, {flight:,} messages in flight at them, ends {dict(ends)}")


class _ResendsBlindly(ClaimTable):
    """What a dead worker had handed over waits again."""

    def left_behind(self, row: Row) -> None:
        row.state, row.worker = S.QUEUED, None


class _BelievesWhatItHolds(ClaimTable):
    """A worker hands out what it once leased, whoever has it by now."""

    def _is_mine(self, row: Row, me: Worker) -> bool:
        del me
        return row.state in {S.LEASED, S.HANDED}

    def hand_out(self, me: Worker, window: list[int], said: dict[int, Outcome | None]) -> list[Handed]:
        for number in window:
            if self.rows[number].state is S.HANDED:
                self.rows[number].state = S.LEASED
        return super().hand_out(me, window, said)


class _TriesALostAnswerAgain(ClaimTable):
    """A message without an answer counts as not sent."""

    def settle(self, row: Row, outcome: Outcome | None, moment: float) -> None:
        super().settle(row, None if isinstance(outcome, InDoubt) else outcome, moment)


class _AsksWhenItLeases(ClaimTable):
    """The gate is asked when rows are claimed, and not when they leave."""

    def lease(self, me: Worker, limit: int) -> list[int]:
        numbers = super().lease(me, limit)
        self.asked = getattr(self, "asked", set()) | {n for n in numbers if n not in self.gone}
        return numbers

    def is_granted(self, row: Row) -> bool:
        return row.person in self.asked


class _PermissionsThatDoNotAge(ClaimTable):
    """A permission may be used whenever the line is ready."""

    def open(self, handed: Handed) -> bool:
        return handed is not None


class _BelievesWhatItHeardTwice(ClaimTable):
    """What is written down twice, for the first commit lost its answer, counts for whoever has the row by then."""

    def is_about(self, me: Worker, number: int) -> bool:
        del me
        return number in self.rows


class _ForgetsTheDead(ClaimTable):
    """What a dead worker had leased waits for nobody."""

    def left_behind(self, row: Row) -> None:
        if row.state is S.HANDED:
            row.move(S.IN_DOUBT)


@pytest.mark.parametrize(
    ("protocol", "said"),
    [
        (_ResendsBlindly, "second copy|was taken and is"),
        (_BelievesWhatItHolds, "second copy|was taken and is"),
        (_TriesALostAnswerAgain, "second copy|was taken and is"),
        (_AsksWhenItLeases, "left .* s ago"),
        (_PermissionsThatDoNotAge, "left .* s ago"),
        (_BelievesWhatItHeardTwice, "second copy|was taken and is"),
        (_ForgetsTheDead, "never comes to rest"),
    ],
)
def test_each_way_of_getting_it_wrong_is_found(protocol: type[ClaimTable], said: str) -> None:
    """A simulation that could not fail would prove nothing."""
    with pytest.raises(AssertionError, match=said):
        _live_under_many_seeds(protocol)


def _live_under_many_seeds(protocol: type[ClaimTable]) -> None:
    for seed in range(300):
        live(protocol(ROWS), seed=seed, workers=WORKERS, crashes=CRASHES).check_end()

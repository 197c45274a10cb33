"""The claim protocol as a table of rows in memory: what the database's functions do, in as few words as possible.

Every change of state goes by the program's own table of transitions.
"""

from __future__ import annotations

from dataclasses import dataclass

from listkeeper.sending.claim import LEASE
from listkeeper.sending.delivery import OPEN, TRANSITIONS, WAITING, DeliveryState
from listkeeper.sending.handing_over.transport import Accepted, Deferred, InDoubt, Outcome, Rejected
from listkeeper.sending.prepared import HANDED_LEASE
from tests.fakes.virtual_workers import GRANT_SECONDS, Chances, Handed, Worker, World

S = DeliveryState


@dataclass
class Row:
    """One delivery."""

    person: int
    state: DeliveryState = S.QUEUED
    worker: str | None = None
    lease_until: float = 0.0
    due: float = 0.0
    # By this a worker knows its own hand-over again.
    handed: int = 0

    def move(self, target: DeliveryState) -> None:
        """Change the state, if there is such a way."""
        assert target in TRANSITIONS[self.state], f"{self.state} to {target}"
        self.state = target


class ClaimTable:
    """A queue for virtual workers; a row's number is its person's."""

    world: World

    def __init__(self, rows: int) -> None:
        self.rows = {number: Row(number) for number in range(1, rows + 1)}
        self.gone: set[int] = set()
        self.paused = False
        self.count = 0
        self.known: dict[tuple[str, int], int] = {}

    def _time(self, me: Worker) -> float:
        return self.world.now + me.clock_off

    def lease(self, me: Worker, limit: int) -> list[int]:
        me.may_die()
        moment = self._time(me)
        due = [] if self.paused else [(row.due, n) for n, row in self.rows.items() if self._waits(row, moment)]
        numbers = [number for _due, number in sorted(due)[:limit]]
        for number in numbers:
            row = self.rows[number]
            row.move(S.LEASED)
            row.worker, row.lease_until = me.name, moment + LEASE.total_seconds()
        return numbers

    @staticmethod
    def _waits(row: Row, moment: float) -> bool:
        return row.state in WAITING and row.due <= moment

    def _is_mine(self, row: Row, me: Worker) -> bool:
        return row.state is S.LEASED and row.worker == me.name

    def is_granted(self, row: Row) -> bool:
        """Say whether the gate lets a mail go now."""
        return row.person not in self.gone

    def hand_out(self, me: Worker, window: list[int], said: dict[int, Outcome | None]) -> list[Handed]:
        me.may_die()
        self._write(me, said)
        handed = []
        for number in window:
            row = self.rows[number]
            if not self._is_mine(row, me):
                continue
            if self.paused:
                self._back(row)
            elif not self.is_granted(row):
                row.move(S.REFUSED)
            else:
                row.move(S.HANDED)
                row.worker, row.lease_until = me.name, self._time(me) + HANDED_LEASE.total_seconds()
                self.count += 1
                row.handed = self.known[me.name, number] = self.count
                handed.append(Handed(number, row.person, self.world.now))
        me.may_be_unsure()
        return handed

    def open(self, handed: Handed) -> bool:
        assert isinstance(handed.grant, float)
        return self.world.now - handed.grant <= GRANT_SECONDS

    def record(self, me: Worker, said: dict[int, Outcome | None]) -> None:
        me.may_die()
        self._write(me, said)
        me.may_be_unsure()

    def _write(self, me: Worker, said: dict[int, Outcome | None]) -> None:
        for number, outcome in said.items():
            row = self.rows[number]
            if row.state in {S.HANDED, S.IN_DOUBT} and self.is_about(me, number):
                self.settle(row, outcome, self._time(me))

    def is_about(self, me: Worker, number: int) -> bool:
        """Say whether what a worker heard is about the hand-over that the row is in."""
        return self.rows[number].handed == self.known[me.name, number]

    def settle(self, row: Row, outcome: Outcome | None, moment: float) -> None:
        """Write down what came of one hand-over."""
        match outcome:
            case None:
                self._back(row)
            case Accepted():
                row.move(S.ACCEPTED)
            case Rejected():
                row.move(S.FAILED)
            case Deferred():
                row.move(S.QUEUED if row.state is S.IN_DOUBT else S.DEFERRED)
                row.due = moment + 60.0
            case InDoubt():
                if row.state is not S.IN_DOUBT:
                    row.move(S.IN_DOUBT)

    @staticmethod
    def _back(row: Row) -> None:
        row.move(S.QUEUED)
        row.worker = None

    def give_back(self, me: Worker, rows: list[int]) -> None:
        me.may_die()
        for number in rows:
            if self._is_mine(self.rows[number], me):
                self._back(self.rows[number])

    def settle_left_behind(self, me: Worker, dead: set[str]) -> None:
        moment = self._time(me)
        for row in self.rows.values():
            if row.state in {S.LEASED, S.HANDED} and (row.worker in dead or row.lease_until < moment):
                self.left_behind(row)

    def left_behind(self, row: Row) -> None:
        """Settle a row whose worker is gone."""
        if row.state is S.LEASED:
            self._back(row)
        else:
            row.move(S.IN_DOUBT)

    def is_due(self, me: Worker) -> bool:
        moment = self._time(me)
        return not self.paused and any(self._waits(row, moment) for row in self.rows.values())

    def leave(self, person: int) -> None:
        self.gone.add(person)

    def pause(self, *, paused: bool) -> None:
        self.paused = paused

    def states(self) -> dict[int, str]:
        return {number: row.state.value for number, row in self.rows.items()}

    def next_due(self) -> float | None:
        waiting = [row for row in self.rows.values() if row.state in OPEN]
        if not waiting:
            return None
        return min(row.due if row.state in WAITING else self.world.now for row in waiting)


def live(queue: ClaimTable, *, seed: int, workers: int, crashes: int, chances: Chances | None = None) -> World:
    """Let virtual workers live with a table until it has come to rest; a tenth of the people leave meanwhile."""
    world = World(queue, seed=seed, workers=workers, crashes=crashes, chances=chances)
    queue.world = world
    leavers = world.chance.sample(sorted(queue.rows), len(queue.rows) // 10)
    world.run(leavers, seconds=60.0)
    return world

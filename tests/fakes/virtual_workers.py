"""A world of virtual workers around one queue: who does what when is drawn, and every draw can be repeated.

Time is virtual. Each worker is a generator: between two yields it does one thing, a whole transaction or one step of
a hand-over, and it may die or hang at any yield, also within a transaction, before its commit. The server takes
messages and may lose its answer. Bells get lost and come twice, clocks are wrong by minutes, people leave in between.

What the queue does itself is behind ``Protocol``: the program's own functions on a database, or a table of states.
"""

from __future__ import annotations

import heapq
import random
from collections import Counter
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from listkeeper.sending.handing_over.transport import Accepted, Deferred, InDoubt, Outcome, Rejected, Reply

WINDOW = 32
GRANT_SECONDS = 1.0
HOSTS = 10
# So many steps for each worker after the last crash, and all should long have come to rest.
_PATIENCE = 400


class Killed(Exception):
    """The process is gone: whatever transaction it had open is taken back."""


class Unsure(Exception):
    """The line to the database was lost at the commit: it is done, and the worker believes that it is not."""


@dataclass(frozen=True)
class Chances:
    """How often things happen, each at one step of one worker."""

    dies: float = 0.006
    dies_before_commit: float = 0.04
    commit_unsure: float = 0.02
    hangs: float = 0.002
    bell_lost: float = 0.1
    bell_doubled: float = 0.2
    deferred: float = 0.05
    rejected: float = 0.03
    answer_lost: float = 0.01
    not_taken: float = 0.02


@dataclass(frozen=True)
class Handed:
    """A row marked as handed, and until when its permission is fresh."""

    row: int
    person: int
    grant: object


class Queue(Protocol):
    """What workers do with the queue; each call is a transaction, taken back when ``may_die`` raises."""

    def lease(self, me: Worker, limit: int) -> list[int]: ...
    def hand_out(self, me: Worker, window: list[int], said: dict[int, Outcome | None]) -> list[Handed]: ...
    def open(self, handed: Handed) -> bool: ...
    def record(self, me: Worker, said: dict[int, Outcome | None]) -> None: ...
    def give_back(self, me: Worker, rows: list[int]) -> None: ...
    def settle_left_behind(self, me: Worker, dead: set[str]) -> None: ...
    def is_due(self, me: Worker) -> bool: ...
    def leave(self, person: int) -> None: ...
    def pause(self, *, paused: bool) -> None: ...
    def states(self) -> dict[int, str]: ...
    def next_due(self) -> float | None: ...


@dataclass
class Worker:
    """One process: its name is never used again, its clock may be wrong by minutes."""

    world: World
    host: int
    number: int
    clock_off: float
    # What it has handed and not yet written down.
    flight: set[int] = field(default_factory=set)

    @property
    def name(self) -> str:
        """How its rows call it."""
        return f"host{self.host}:{self.number}:1"

    def may_die(self) -> None:
        """Come to the end of a transaction: here it is killed, or the commit happens."""
        if self.world.may_crash and self.world.chance.random() < self.world.chances.dies_before_commit:
            raise Killed

    def may_be_unsure(self) -> None:
        """Come to the end of a commit: here its answer may get lost."""
        if self.world.may_crash and self.world.chance.random() < self.world.chances.commit_unsure:
            raise Unsure

    def life(self) -> Generator[float, None, None]:
        """Wait for a bell, then work for a while; each yield says for how long the last step took."""
        world, chance = self.world, self.world.chance
        while True:
            # In the end most have nothing to do for long, and each look at the bells costs a step.
            yield chance.uniform(0.2, 2.0) * (1 if world.may_crash else 10)
            if not world.take_bell():
                continue
            yield from self._slice()
            if world.queue.is_due(self):
                world.ring()

    def _slice(self) -> Generator[float, None, None]:
        """Lease rows, hand them over window by window, write down what was said, give back the rest."""
        world, chance = self.world, self.world.chance
        left = world.queue.lease(self, limit := chance.randint(1, 48))
        yield chance.uniform(0.001, 0.01)
        if len(left) == limit:
            world.ring()
        said: dict[int, Outcome | None] = {}
        until = world.now + 2.0
        while left and world.now < until:
            size = chance.randint(1, WINDOW)
            window, left = left[:size], left[size:]
            try:
                handed = world.queue.hand_out(self, window, said)
            except Unsure:
                # Some may be marked as handed that nobody will hand over; they come to be in doubt.
                world.unsure |= set(window)
                break
            self.flight = {one.row for one in handed}
            said = {}
            yield chance.uniform(0.002, 0.02)
            yield from self._hand_over(handed, said)
            said |= {one.row: None for one in handed if one.row not in said}
        yield from self._record(said)
        if left:
            world.queue.give_back(self, left)

    def _record(self, said: dict[int, Outcome | None]) -> Generator[float, None, None]:
        """Write down what was said, patiently: these answers exist nowhere else."""
        while said:
            try:
                self.world.queue.record(self, said)
            except Unsure:
                yield self.world.chance.uniform(0.1, 5.0)
            else:
                said = {}
        self.flight = set()
        yield self.world.chance.uniform(0.002, 0.02)

    def _hand_over(self, handed: list[Handed], said: dict[int, Outcome | None]) -> Generator[float, None, None]:
        world, chance = self.world, self.world.chance
        for one in handed:
            if not world.queue.open(one):
                continue
            world.begins(one)
            yield chance.uniform(0.0, 0.02)
            # From here on it may have been taken, whatever is said, and whether anybody is left to hear it.
            outcome = world.server.take(one)
            yield chance.uniform(0.0, 0.03)
            said[one.row] = outcome
            if chance.random() < 0.02:
                # A slow server: the permission of those behind grows old.
                yield chance.uniform(0.5, 2.0)


@dataclass
class Server:
    """The receiving server: it takes a message or does not, and its answer may get lost."""

    world: World
    taken: Counter[int] = field(default_factory=Counter)
    copies: Counter[int] = field(default_factory=Counter)
    lost: set[int] = field(default_factory=set)

    def take(self, one: Handed) -> Outcome:
        """Take one message, as chance will have it, and answer."""
        chances, draw = self.world.chances, self.world.chance.random()
        if draw < chances.deferred:
            return Deferred(Reply(451, "4.7.1 greylisted"))
        if draw < chances.deferred + chances.rejected:
            return Rejected(Reply(550, "5.1.1 nobody"))
        lost = self.world.chance.random() < chances.answer_lost
        if not lost or self.world.chance.random() >= chances.not_taken:
            self.taken[one.row] += 1
            self.copies[one.person] += 1
            assert self.copies[one.person] == 1, f"{one.person} got a second copy"
        if lost:
            self.lost.add(one.row)
            return InDoubt("the connection was lost after the message")
        return Accepted(Reply(250, "2.0.0 kept"))


class World:
    """Everything at once, by one clock that only the world knows."""

    def __init__(self, queue: Queue, *, seed: int, workers: int, crashes: int, chances: Chances | None = None) -> None:
        self.queue = queue
        self.chance = random.Random(seed)
        self.chances = chances or Chances()
        self.now = 0.0
        self.crashes_left = crashes
        self.crashes = 0
        self.bells = 0
        self.server = Server(self)
        self.left_at: dict[int, float] = {}
        # Rows that were in the hands of a process when it died, or that it could not be sure of.
        self.in_flight: set[int] = set()
        self.unsure: set[int] = set()
        self.dead: set[str] = set()
        self._number = 0
        self._born = workers
        self._events: list[tuple[float, int, str, Worker | None, Iterator[float] | None]] = []
        for _ in range(workers):
            self._birth()

    @property
    def may_crash(self) -> bool:
        """Whether anybody may still die."""
        return self.crashes_left > 0

    # What happens to everybody

    def run(self, leavers: list[int], seconds: float) -> None:
        """Let things happen for so long, then without crashes until nothing waits any more."""
        self._plan("timetable", 0.0)
        for person in leavers:
            self._plan(f"leave {person}", self.chance.uniform(0.0, seconds))
        for word in ("pause", "resume", "forget bells", "forget bells"):
            self._plan(word, self.chance.uniform(0.2, 0.5 if word == "pause" else 1.0) * seconds)
        self.ring()
        while self.now < seconds:
            self._step()
        self.crashes_left = 0
        self.queue.pause(paused=False)
        steps = 0
        while (due := self._next()) is not None:
            # Nothing to do until the next row is due: the night goes by.
            if due > self.now + 60:
                self._leap(due)
            steps += 1
            assert steps < _PATIENCE * self._born, "it never comes to rest"
            self._step()

    def _step(self) -> None:
        when, _order, word, worker, life = heapq.heappop(self._events)
        self.now = max(self.now, when)
        if worker is None or life is None:
            self._happen(word)
            return
        if self.may_crash and self.chance.random() < self.chances.dies:
            self._kill(worker)
            return
        try:
            took = next(life)
        except Killed:
            self._kill(worker)
            return
        if self.chance.random() < self.chances.hangs:
            took += self.chance.choice((40.0, 300.0))
        self._plan(word, took, worker, life)

    def _happen(self, word: str) -> None:
        if word == "timetable":
            if worker := self._somebody():
                self.queue.settle_left_behind(worker, self._known_dead(worker))
                if self.queue.is_due(worker):
                    self.ring()
            self._plan(word, 10.0)
        elif word.startswith("leave "):
            person = int(word.split()[1])
            self.queue.leave(person)
            self.left_at[person] = self.now
        elif word == "forget bells":
            self.bells = 0
        else:
            self.queue.pause(paused=word == "pause")

    def _next(self) -> float | None:
        """Return when there is something to do next; None when nothing waits, and nobody holds an answer."""
        if any(event[3] is not None and event[3].flight for event in self._events):
            return self.now
        return self.queue.next_due()

    def _leap(self, due: float) -> None:
        """Let time pass until a row is due; whoever waits for a bell waits from then on."""
        gap = due - self.now
        self._events = [(when + gap, *rest) for when, *rest in self._events]  # type: ignore[misc]
        heapq.heapify(self._events)

    # Births and deaths

    def _birth(self, after: float = 0.0) -> None:
        self._number += 1
        wrong = self.chance.choice((-600.0, -120.0, 120.0, 600.0)) if self.chance.random() < 0.1 else 0.0
        worker = Worker(self, self._number % HOSTS, self._number, wrong)
        self._plan("", after + self.chance.uniform(0.0, 1.0), worker, worker.life())

    def _kill(self, worker: Worker) -> None:
        """End a process: what it held in memory is gone, and another is started some seconds later."""
        self.crashes += 1
        self.crashes_left -= 1
        assert len(worker.flight) <= WINDOW
        self.in_flight |= worker.flight
        self.dead.add(worker.name)
        self._birth(self.chance.uniform(1.0, 10.0))
        self.check()

    def _known_dead(self, worker: Worker) -> set[str]:
        """Return the dead of a worker's own machine: of others nobody knows."""
        return {name for name in self.dead if name.startswith(f"host{worker.host}:")}

    def _somebody(self) -> Worker | None:
        alive = [event[3] for event in self._events if event[3] is not None]
        return self.chance.choice(alive) if alive else None

    def _plan(self, word: str, after: float, worker: Worker | None = None, life: Iterator[float] | None = None) -> None:
        self._number += 1
        heapq.heappush(self._events, (self.now + after, self._number, word, worker, life))

    # Bells

    def ring(self) -> None:
        """Ring once, twice, or in vain."""
        draw = self.chance.random()
        self.bells += 0 if draw < self.chances.bell_lost else 2 if draw > 1 - self.chances.bell_doubled else 1

    def take_bell(self) -> bool:
        """Take a bell, if one hangs there."""
        if self.bells == 0:
            return False
        self.bells -= 1
        return True

    # What must hold

    def begins(self, one: Handed) -> None:
        """See that nobody is written to who left more than a second ago."""
        left_at = self.left_at.get(one.person)
        assert left_at is None or self.now <= left_at + GRANT_SECONDS, f"{one.person} left {self.now - left_at} s ago"

    def check(self) -> None:
        """See that what the server took is known to be sent, in doubt or in somebody's hands; the rest is not sent."""
        states = self.queue.states()
        for row in self.server.taken:
            assert states[row] in {"handed", "accepted", "in_doubt"}, f"{row} was taken and is {states[row]}"
        invented = {row for row, state in states.items() if state == "accepted"} - set(self.server.taken)
        assert not invented, f"{len(invented)} count as sent that the server never took"

    def check_end(self) -> Counter[str]:
        """See that everything came to its end, and only what was in flight is in doubt; return the ends."""
        self.check()
        states = self.queue.states()
        ends = Counter(states.values())
        assert set(ends) <= {"accepted", "failed", "refused", "in_doubt"}, ends
        doubted = {row for row, state in states.items() if state == "in_doubt"}
        strange = doubted - self.in_flight - self.unsure - self.server.lost
        assert not strange, f"{len(strange)} are in doubt that were in no dead hands"
        assert len(self.in_flight) <= WINDOW * self.crashes
        assert set(self.server.copies.values()) <= {1}
        return ends

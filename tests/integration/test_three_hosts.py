"""Three worker hosts on one PostgreSQL and one queue server: one drops off the network, clocks are wrong, one dies.

Leases are short here but for the test of all at once in a long run, which waits for the real ones.
"""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import pytest

from listkeeper.campaigns.campaign import CampaignState
from listkeeper.sending.delivery import DeliveryState
from tests.fakes import databases, foreign_sink, hosts, running_up
from tests.fakes.hosts import Host, Hosts
from tests.fakes.machine import Machine
from tests.fakes.queue_server import QueueServer
from tests.integration import sending_stage
from tests.integration.sending_stage import Letter, Stage, seldom

pytestmark = [
    pytest.mark.whole_program,
    pytest.mark.timeout(1200),
    # SQLite is one machine's.
    pytest.mark.only_on("postgresql"),
]
S = DeliveryState
_UNDER_WAY = (S.LEASED, S.HANDED)
_OPEN = (*_UNDER_WAY, S.QUEUED, S.DEFERRED)
# For how many seconds a row is claimed, it is handed, and silence is borne, where nobody can wait for the real ones.
_SHORT = (3, 10, 6)
_TEN_MINUTES = 600.0


@dataclass
class FarStage(Stage):
    """Hosts that work on one database."""

    parts: Hosts


@contextmanager
def _opened(
    chance: random.Random, queue: QueueServer, leases: tuple[int, int, int] | None, seconds: float
) -> Iterator[FarStage]:
    with ExitStack() as stack:
        folder = stack.enter_context(running_up.short_folder())
        folder.mkdir(mode=0o700)
        database = stack.enter_context(databases.on_postgresql(int(os.environ["LISTKEEPER_TEST_RUN"])))
        sink = stack.enter_context(foreign_sink.running(folder.parent / "sink.diary", seconds=seconds))
        told = {"smtp_url": sink.url, "public_url": sending_stage.SITE, "database_url": database.url}
        side = stack.enter_context(hosts.side_by_side(folder, queue.url, leases=leases, **told))
        yield FarStage(Machine(folder, database), sink, chance, side)


@pytest.fixture
def stage(chance: random.Random, queue: QueueServer) -> Iterator[FarStage]:
    """Room for hosts, none of which works yet."""
    with _opened(chance, queue, _SHORT, 0.004) as opened:
        yield opened


def _sent_by(stage: FarStage, count: int, *names: str, **ahead: float) -> Letter:
    """Send a letter once all hosts work: on a busy machine the first could do it all while the others start."""
    written = stage.write(count)
    _join(stage, *names, **ahead)
    return stage.dispatch(written)


def _join(stage: FarStage, *names: str, **ahead: float) -> None:
    for name, seconds in (dict.fromkeys(names, 0.0) | ahead).items():
        stage.parts.join(name, ahead=seconds)
    stage.until(lambda: stage.parts.said().count("worker.started") >= len(stage.parts.known))


def _has_sent(stage: FarStage, name: str, more: int) -> Callable[[], bool]:
    """Tell whether a host has handed so many letters more over than by now."""

    def sent() -> int:
        stage.sink.took()
        return Counter(stage.sink.by.values())[name]

    goal = sent() + more
    return lambda: sent() >= goal


def _nothing_open(stage: FarStage) -> Callable[[], bool]:
    return seldom(lambda: not stage.in_state(*_OPEN))


def _holds(stage: FarStage, name: str, *states: DeliveryState) -> set[str]:
    return stage.in_state(*states, worker=f"{name}:")


# What goes to the database when a window is marked as handed: the names of its messages.
_NAMES = b"@cafe.example>"
_WAYS: dict[str, Callable[[Host], None]] = {
    "drops off the network": Host.stall,
    "loses its lines": Host.cut,
    "hangs": Host.hang,
    # Its transaction stays open at the server, and holds what it has locked.
    "drops off in the middle of a transaction": lambda host: host.stall_at(_NAMES),
    # The window is marked, and the worker does not know it.
    "never hears that it has marked a window": lambda host: host.stall_at(_NAMES, b"COMMIT", lets_last_through=True),
}


@pytest.mark.parametrize("way", _WAYS)
def test_a_host_that_was_cut_off_hands_over_nothing_that_others_took_from_it(stage: FarStage, way: str) -> None:
    letter = _sent_by(stage, 900, "ada", "bob", "cy")
    stage.until(_has_sent(stage, "ada", stage.chance.randint(80, 120)))
    held = _cut_off(stage, "ada", way)
    # Others take over what it had claimed, doubt what it had marked, and come to the end without it.
    stage.until(seldom(lambda: not _holds(stage, "ada", *_UNDER_WAY)))
    stage.until(stage.finished(letter))
    before, doubted = len(stage.sink.took()), stage.in_state(S.IN_DOUBT)
    _heal(stage, "ada", letter)
    assert stage.parts.drain("ada", "bob", "cy") == [0, 0, 0]
    figures = sending_stage.settle(stage, letter)
    late = {address for address, _ in stage.sink.took()[before:]}
    print(f"{way}: {figures}; held {len(held)}, {len(doubted)} in doubt before it was healed, {len(late)} sent after")
    assert held
    assert late <= doubted


def _cut_off(stage: FarStage, name: str, way: str) -> set[str]:
    """Cut a host off; return whose deliveries it holds then."""
    _WAYS[way](stage.parts[name])
    stage.until(stage.parts[name].is_away)
    stage.struck.append(f"{way} after {len(stage.sink.took())}")
    stage.cut_off += 1
    return _holds(stage, name, *_UNDER_WAY)


def _heal(stage: FarStage, name: str, letter: Letter) -> None:
    """Let a host come back, and wait for whatever it thinks it still has to do."""
    stage.parts[name].heal()
    until = time.monotonic() + 10
    stage.until(lambda: time.monotonic() > until)
    stage.until(_nothing_open(stage))
    stage.until(stage.finished(letter))


def test_wrong_clocks_take_nothing_away_and_doubt_nothing(stage: FarStage) -> None:
    letter = _sent_by(stage, 900, "ada", fast=_TEN_MINUTES, slow=-_TEN_MINUTES)
    doubted: set[str] = set()

    def watched() -> bool:
        doubted.update(stage.in_state(S.IN_DOUBT))
        return stage.state_of(letter) is CampaignState.FINISHED

    stage.until(seldom(watched))
    assert stage.parts.drain("ada", "fast", "slow") == [0, 0, 0]
    print(sending_stage.settle(stage, letter), Counter(stage.sink.by.values()))
    assert doubted == set()
    assert "deliveries.left_behind" not in stage.parts.said()
    assert set(stage.sink.by.values()) == {"ada", "fast", "slow"}


def test_hosts_die_and_are_asked_to_stop_while_others_go_on(stage: FarStage) -> None:
    letter = _sent_by(stage, 900, "ada", "bob", "cy")
    stage.until(_has_sent(stage, "ada", stage.chance.randint(50, 100)))
    stage.parts.kill("ada")
    stage.struck.append("kill")
    stage.cut_off = 1
    stage.until(_has_sent(stage, "bob", stage.chance.randint(50, 100)))
    assert stage.parts.drain("bob") == [0]
    assert _holds(stage, "bob", *_UNDER_WAY) == set()
    _join(stage, "dot")
    stage.until(stage.finished(letter))
    assert stage.parts.drain("cy", "dot") == [0, 0]
    print(sending_stage.settle(stage, letter))


def test_all_at_once(
    chance: random.Random, queue: QueueServer, share: Callable[[str, int, int], int], summarise: Callable[[str], None]
) -> None:
    """One host is cut off and healed, two have wrong clocks, one of these dies, one is asked to stop, one joins."""
    count = share("recipients of a letter that a troubled fleet sends", 8_000, 900)
    leases = None if count > 900 else _SHORT
    with _opened(chance, queue, leases, 0.01) as stage:
        letter = _sent_by(stage, count, "ada", "bob", fast=_TEN_MINUTES, slow=-_TEN_MINUTES)
        way = chance.choice(sorted(_WAYS))
        stage.until(_has_sent(stage, "ada", chance.randint(20, count // 20)))
        held = _cut_off(stage, "ada", way)
        stage.until(_has_sent(stage, "slow", chance.randint(20, count // 20)))
        stage.parts.kill("slow")
        stage.struck.append(f"slow killed after {len(stage.sink.took())}")
        stage.cut_off += 1
        assert stage.parts.drain("bob") == [0]
        assert _holds(stage, "bob", *_UNDER_WAY) == set()
        _join(stage, "dot")
        stage.until(seldom(lambda: not _holds(stage, "ada", *_UNDER_WAY)))
        _heal(stage, "ada", letter)
        assert stage.parts.drain("ada", "fast", "dot") == [0, 0, 0]
        told = f"three hosts and more, {stage.struck}, {len(held)} held: {sending_stage.settle(stage, letter)}"
        print(told, Counter(stage.sink.by.values()))
        summarise(told)

"""A worker or a command that ends at a chosen moment: what is in doubt then, and what of that had arrived."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from listkeeper.sending import batch
from listkeeper.sending.delivery import DeliveryState
from tests.fakes import databases, running_up, slow_database
from tests.integration import killed_stage, sending_stage
from tests.integration.killed_stage import KilledStage
from tests.integration.sending_stage import Letter

pytestmark = [pytest.mark.whole_program, pytest.mark.timeout(600)]
S = DeliveryState
_WORKER = "worker 1"
_PEOPLE = 100
# Long enough that whoever could go on would have.
_STANDS_STILL = 0.5


@pytest.fixture(params=databases.chosen())
def stage(request: pytest.FixtureRequest, chance: random.Random, _templates: Path) -> Iterator[KilledStage]:
    """An instance on each database, of which nothing runs yet; its mail goes through a cable."""
    with killed_stage.opened(request.param, chance, _templates) as opened:
        yield opened


def _in_its_second_window(stage: KilledStage) -> Letter:
    """Let a worker hand letters over until the mail server answers none any more, in the midst of a whole window."""
    letter = stage.send(_PEOPLE)
    # The first letter left alone, then went a window; a wait until some have arrived could last until all have.
    stage.sink.hold(after=1 + batch.WINDOW + 7)
    stage.run("queue", _WORKER)
    stage.until(lambda: len(stage.sink.took()) > 1 + batch.WINDOW + 7)
    return letter


def _killed(stage: KilledStage) -> set[str]:
    """Kill the worker; return whom it had marked as handed."""
    stage.parts.kill(_WORKER)
    stage.struck.append("worker")
    stage.cut_off += 1
    return stage.in_state(S.HANDED)


def _goes_on(stage: KilledStage, letter: Letter) -> set[str]:
    """Let another worker do the rest, demand what is promised, and return who is in doubt."""
    stage.run(_WORKER)
    stage.until(stage.finished(letter))
    stage.parts.drain()
    print(sending_stage.settle(stage, letter))
    return stage.in_state(S.IN_DOUBT)


def _stands_still(stage: KilledStage) -> Callable[[], bool]:
    """Tell whether the mail server has heard of nobody new for a while."""
    seen = [(-1, 0.0)]

    def reached() -> bool:
        heard, now = len(stage.sink.took()), time.monotonic()
        if heard != seen[0][0]:
            seen[0] = (heard, now)
        return now - seen[0][1] > _STANDS_STILL

    return reached


@pytest.mark.parametrize("windows", [0, 1])
def test_killed_between_the_mark_and_the_first_byte_none_of_the_doubted_had_it(
    stage: KilledStage, windows: int
) -> None:
    letter = stage.send(_PEOPLE)
    # The first letter leaves alone, and is read before any other may.
    stage.cable.stall_at(*[b"MAIL FROM"] * (1 + windows))
    stage.run("queue", _WORKER)
    stage.until(stage.cable.stalled.is_set)
    handed = _killed(stage)
    stage.cable.cut()
    stage.cable.heal()
    assert len(handed) == (batch.WINDOW if windows else 1)
    assert len(stage.arrived()) == windows
    assert handed & (stage.arrived() | set(stage.sink.named)) == set()
    assert _goes_on(stage, letter) == handed
    assert stage.arrived() & handed == set()


def test_killed_between_the_final_dot_and_the_reply_exactly_the_window_is_in_doubt(stage: KilledStage) -> None:
    letter = _in_its_second_window(stage)
    stage.until(_stands_still(stage))
    handed = _killed(stage)
    waiting = stage.sink.took()[-1][0]
    stage.sink.let_go()
    assert len(handed) == batch.WINDOW
    assert waiting in handed
    assert _goes_on(stage, letter) == handed
    assert waiting in stage.arrived()


def test_killed_between_the_replies_and_their_record_all_of_the_doubted_had_it(stage: KilledStage) -> None:
    letter = _in_its_second_window(stage)
    with slow_database.pen_taken(stage.machine.database):
        # At once: what has not begun a second after the gate said yes stays at home, and is in no doubt.
        stage.sink.let_go()
        stage.until(_stands_still(stage))
        handed = _killed(stage)
    assert len(handed) == batch.WINDOW
    assert handed <= stage.arrived()
    assert _goes_on(stage, letter) == handed


def test_killed_in_the_middle_of_a_claim_nothing_is_claimed_and_nothing_in_doubt(stage: KilledStage) -> None:
    letter = stage.send(_PEOPLE)
    with slow_database.slow_claims(stage.machine.database) as under_way:
        stage.run("queue", _WORKER)
        stage.until(under_way)
        handed = _killed(stage)
    assert handed == set()
    assert len(stage.in_state(S.QUEUED)) == _PEOPLE
    assert _goes_on(stage, letter) == set()


def test_asked_to_stop_it_leaves_no_doubt(stage: KilledStage) -> None:
    letter = stage.send(_PEOPLE)
    stage.run("queue", _WORKER)
    for _ in range(2):
        goal = min(_PEOPLE, len(stage.sink.took()) + stage.chance.randint(1, _PEOPLE // 4))
        stage.until(lambda goal=goal: len(stage.sink.took()) >= goal)  # type: ignore[misc]
        assert stage.parts.drain(_WORKER) == {_WORKER: 0}
        assert stage.in_state(S.HANDED, S.IN_DOUBT, S.LEASED) == set()
        assert stage.in_state(S.ACCEPTED) == stage.arrived()
        stage.run(_WORKER)
    stage.until(stage.finished(letter))
    stage.parts.drain()
    sending_stage.settle(stage, letter)


def test_killed_while_planning_all_is_planned_or_nothing(
    stage: KilledStage, share: Callable[[str, int, int], int], summarise: Callable[[str], None]
) -> None:
    """The command dies before, while and after it writes a delivery for everybody; then it is typed again."""
    count = share("recipients of a letter that is killed while it is planned", 200_000, 5_000)
    letter, seen, codes = stage.write(count), list[int](), list[int]()
    kills = share("kills of a command that plans", 8, 2)
    for number in range(1, kills + 1):
        # Later and later, because whoever comes too late comes for the last time.
        _plan_and_die(stage, letter, number / kills * count / 100_000, codes)
        seen.append(stage.planned())
        if seen[-1]:
            break
    assert codes[0] == -signal.SIGKILL, "it was done before it was killed"
    assert set(seen) <= {0, count}
    again = running_up.command(*_SEND, letter.public_id, data=str(stage.parts.data), **stage.parts.settings)
    # What was planned already is not planned again, and the command says so.
    assert again.returncode == (12 if seen[-1] else 0), again.stderr
    assert stage.planned() == count
    assert len(stage.in_state(S.QUEUED)) == count
    summarise(f"killed while planning, {stage.machine.database.kind}: {seen} planned, then all {count:,}")


_SEND = ("campaign", "send", "--yes", "--json")


def _plan_and_die(stage: KilledStage, letter: Letter, within: float, codes: list[int]) -> None:
    words = [sys.executable, "-m", "listkeeper.cli.main", *_SEND, letter.public_id]
    told = running_up.environment(data=str(stage.parts.data), **stage.parts.settings)
    with subprocess.Popen(
        words, cwd=running_up.ROOT, env=told, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as it:
        under_way = slow_database.planning(stage.machine.database)
        while it.poll() is None and not under_way():
            time.sleep(0.005)
        time.sleep(stage.chance.uniform(0, within))
        it.kill()
        codes.append(it.wait())
    # The server ends what its client has begun before it sees that nobody is there.
    stage.until(lambda: not under_way())

"""The standing crash test: any part of a real instance is killed in the middle of a send and comes back.

Nobody loses a letter, nobody gets one twice, and who is in doubt is told by name.
"""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from listkeeper.campaigns.campaign import CampaignState
from listkeeper.sending import batch
from tests.fakes import databases
from tests.fakes.killable import PARTS, WORKERS
from tests.integration import killed_stage, sending_stage
from tests.integration.killed_stage import KilledStage
from tests.integration.sending_stage import Leavers

_SMALL = ("web", "queue", "memory")
# So many are left for after the last kill, or on a busy machine all would be done before it.
_REST = 150


@pytest.fixture(params=databases.chosen())
def stage(request: pytest.FixtureRequest, chance: random.Random, _templates: Path) -> Iterator[KilledStage]:
    """An instance on each database, of which nothing runs yet."""
    with killed_stage.opened(request.param, chance, _templates, seconds=0.003, mortal=True) as opened:
        yield opened


def _plan(stage: KilledStage, count: int) -> list[str]:
    """Choose what is killed: a third each of workers, of what they need not, and of what holds the rows."""
    rows = ("everything",) if stage.cluster is None else ("database", "backend")
    groups = (("worker",), _SMALL, rows)
    plan = [stage.chance.choice(groups[number % 3]) for number in range(count)]
    stage.chance.shuffle(plan)
    return plan


@pytest.mark.timeout(1800)
def test_killed_at_random_moments_nothing_is_lost_and_nothing_doubled(
    stage: KilledStage, share: Callable[[str, int, int], int], summarise: Callable[[str], None]
) -> None:
    kills = share("kills at random moments of a send", 50, 3)
    count = share("recipients of a send whose parts are killed", 10_000, 300)
    stage.hurries = kills < 50
    letter = stage.send(count, leaving=min(count // 20, 200))
    stage.run(*(name for name in PARTS if not stage.hurries or name != "timetable"))
    begun = time.monotonic()
    with Leavers(stage.parts.port, letter) as leavers:
        for number, kind in enumerate(plan := _plan(stage, kills)):
            so_far = len(stage.sink.took())
            goal = so_far + stage.chance.randint(1, max(2, 2 * (count - so_far) // (kills - number + 1)))
            # Who leaves, and what a kill has left in doubt, may never arrive: who waits for that waits for ever.
            never = len(letter.ways_out) + batch.WINDOW * stage.cut_off
            goal = max(so_far, min(goal, count - _REST - never))
            stage.until(lambda goal=goal: len(stage.sink.took()) >= goal)  # type: ignore[misc]
            time.sleep(stage.chance.uniform(0, 0.05))
            if number == kills - 1:
                assert stage.state_of(letter) is CampaignState.SENDING, "nothing was left to do, so nothing is proven"
            stage.strike(kind)
        stage.until(stage.finished(letter))
    lasted = time.monotonic() - begun
    # In a short run the web server may come back when all is sent.
    assert leavers.left or kills < 50
    codes = stage.parts.drain()
    # One of the two may have been starting still while the other did all that was left.
    assert {codes[name] for name in WORKERS} <= {0, -signal.SIGTERM}
    figures = sending_stage.settle(stage, letter, leavers.left)
    kinds = ", ".join(f"{plan.count(kind)} {kind}" for kind in sorted(set(plan)))
    told = f"killed anywhere, {stage.machine.database.kind}, in {lasted:.0f} s ({kinds}): {figures}"
    print(told, stage.struck)
    summarise(told)

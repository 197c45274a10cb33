"""People leave by one click while a whole letter waits: no hand-over to one of them begins more than a second later.

The mail server notes when it is told of each recipient, the test when each was told that she has left, by one clock.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.fakes import databases
from tests.fakes.killable import PARTS
from tests.integration import killed_stage, sending_stage
from tests.integration.killed_stage import KilledStage
from tests.integration.sending_stage import Leavers


@pytest.fixture(params=databases.chosen())
def stage(request: pytest.FixtureRequest, chance: random.Random, _templates: Path) -> Iterator[KilledStage]:
    """A real instance on each database, of which nothing runs yet."""
    with killed_stage.opened(request.param, chance, _templates, seconds=0.004) as opened:
        yield opened


@pytest.mark.whole_program
@pytest.mark.timeout(900)
def test_nobody_is_written_to_a_second_after_she_left(
    stage: KilledStage, share: Callable[[str, int, int], int], summarise: Callable[[str], None]
) -> None:
    count = share("letters that wait while people leave", 10_000, 600)
    letter = stage.send(count, leaving=count // 2)
    # On a busy machine all could be sent before the web server answers: so nothing leaves before some people have.
    stage.sink.hold()
    stage.run(*PARTS)
    with Leavers(stage.parts.port, letter, every=0.005) as leavers:
        stage.until(lambda: len(leavers.left) >= count // 50)
        stage.sink.let_go()
        stage.until(stage.finished(letter))
    stage.parts.drain()
    figures = sending_stage.settle(stage, letter, leavers.left)
    begun = sending_stage.begun_after(stage, leavers.left)
    told = (
        f"left while it was sent, {stage.machine.database.kind}: {figures}; {len(leavers.left)} people left, "
        f"{len(begun)} hand-overs began after that, the latest {max(begun.values(), default=0) * 1000:.0f} ms after"
    )
    print(told)
    summarise(told)
    # Some were written to before they left, and some were not because of it.
    assert 0 < len(set(leavers.left) - stage.arrived()) < len(leavers.left)

"""Promises 1 and 2 with 200 workers and random crashes: the program's own functions on a real database.

Virtual workers claim, hand over, record and recover, side by side in virtual time. They die before and after every
commit and between any two steps of a hand-over, hang until their leases run out, and have clocks that are wrong by
minutes; bells get lost and come twice; a letter is paused; people leave. See ``tests/fakes/virtual_workers``.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import func, select
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from listkeeper.audience.handover import RefusalCode
from listkeeper.campaigns.campaign import Campaign, CampaignState
from listkeeper.sending import planning, progress, tally
from listkeeper.sending.delivery import Delivery, DeliveryState
from tests.fakes.claim_database import ClaimDatabase
from tests.fakes.virtual_workers import World
from tests.makers import cafe, crowd

SITE = "https://mail.cafe.example"
WORKERS = 200


def _letter(session: Session, people: int) -> int:
    house = cafe.found(session)
    crowd.gather(session, house, people)
    letter = cafe.draft(session, house)
    planning.send_campaign(session, house.organisation, letter, site=SITE)
    session.commit()
    return letter.id


@pytest.fixture
def born(session: Session, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Callable[[int, int], tuple[World, int]]:
    """Bring a world to life around a letter to so many people, under a seed; returns it with the letter's number."""

    def begin(people: int, seed: int) -> tuple[World, int]:
        queue = ClaimDatabase(engine, letter := _letter(session, people))
        session.close()
        queue.world = World(queue, seed=seed, workers=WORKERS, crashes=people // 5)
        queue.rule_time(monkeypatch)
        return queue.world, letter

    return begin


@pytest.mark.parametrize("seed", [1, 2])
def test_two_hundred_workers_that_crash_lose_nothing_and_double_nothing(
    born: Callable[[int, int], tuple[World, int]],
    engine: Engine,
    share: Callable[[str, int, int], int],
    summarise: Callable[[str], None],
    seed: int,
) -> None:
    people = share("deliveries among 200 virtual workers", 2_000, 300)
    world, letter = born(people, seed)
    leavers = world.chance.sample(range(1, people + 1), people // 20)
    world.run(leavers, seconds=people / 10)
    ends = world.check_end()
    assert world.crashes > people // 15
    assert sum(ends.values()) == people
    assert ends["accepted"] > people // 2
    with Session(engine) as looking:
        progress.finish_if_done(looking)
        refused = select(Delivery.refusal_code).where(Delivery.state == DeliveryState.REFUSED).distinct()
        assert set(looking.scalars(refused)) <= {RefusalCode.WITHDRAWN, RefusalCode.SUPPRESSED}
        assert looking.get_one(Campaign, letter).state is CampaignState.FINISHED
        counted = tally.totals(looking)
        assert sum(n for kind, n in counted.items() if kind.outcome is DeliveryState.ACCEPTED) == ends["accepted"]
        assert looking.scalar(select(func.count()).select_from(Delivery)) == people
    summarise(
        f"{engine.dialect.name}, seed {seed}: {world.crashes} crashes, {len(world.in_flight)} in flight at them, "
        f"ends {dict(ends)}"
    )

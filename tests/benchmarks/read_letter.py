"""A running instance whose people have a letter each: what the benches of a letter's links are asked against."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select, text, update

from listkeeper import settings as settings_file
from listkeeper import store
from listkeeper.audience import unsubscribe
from listkeeper.audience.subscription import Subscription
from listkeeper.campaigns import link
from listkeeper.campaigns.campaign import Campaign, CampaignState
from listkeeper.cli import context
from listkeeper.foundation import clock
from listkeeper.sending import link_visit, planning
from listkeeper.sending.delivery import Delivery, DeliveryState
from tests.benchmarks import asked
from tests.benchmarks.instance import database
from tests.fakes import running_up
from tests.fakes.running_up import Running
from tests.makers import cafe, crowd

# Of a second, in all processes of an instance: one that has nothing to do uses less.
_IDLE_SECONDS = 0.1
_LETTER = "# News\n\n" + "".join(f"[Number {number}](https://cafe.example/{number})\n\n" for number in range(10))


@dataclass(frozen=True)
class Read:
    """Where the web server answers, and the paths that the letters hold."""

    instance: Running
    data: Path
    url: str | None
    links: list[str]
    ways_out: list[str]

    def numbers(self, *queries: str) -> tuple[int, ...]:
        """Return what each of these queries counts."""
        if self.url is not None:
            import psycopg  # noqa: PLC0415 - only where PostgreSQL is measured

            with psycopg.connect(self.url.replace("postgresql+psycopg://", "postgresql://")) as there:
                rows = [there.execute(query).fetchone() for query in queries]
        else:
            with sqlite3.connect(self.data / "listkeeper.db", timeout=15) as here:
                rows = [here.execute(query).fetchone() for query in queries]
        return tuple(int(row[0]) for row in rows if row is not None)


@contextmanager
def read(kind: str, people: int) -> Iterator[Read]:
    """Start an instance in which so many people got a letter; every tenth of them lets her links be seen."""
    with running_up.short_folder() as data, database(kind) as url:
        told = {"database_url": url} if url else {}
        settings = settings_file.read(data=data, **told)
        with context.opened(settings, create=True):
            links, ways_out = _written(people)
            if url is not None:
                with store.transaction() as session:
                    # As PostgreSQL does by itself within the minute; it must know by now how many there are.
                    session.execute(text("ANALYZE"))
        with running_up.up(data, port=running_up.free_port(), log_level="WARNING", workers="1", **told) as instance:
            # Workers come last, and all of the timetable is due once at the start; whoever reads a letter comes later.
            running_up.until(lambda: bool(instance.of("work")) and _rests(instance))
            yield Read(instance, data, url, links, ways_out)


def _rests(instance: Running) -> bool:
    before = asked.spent(instance)
    time.sleep(1)
    after = asked.spent(instance)
    return sum(after[noun] - before[noun] for noun in after) < _IDLE_SECONDS


def _written(people: int) -> tuple[list[str], list[str]]:
    with store.transaction() as session:
        made = cafe.found(session)
        crowd.gather(session, made, people)
        letter = cafe.draft(session, made, markdown=_LETTER)
        planning.send_campaign(session, made.organisation, letter, site="http://localhost")
        session.execute(update(Delivery).values(state=DeliveryState.ACCEPTED, handed_at=clock.now()))
        session.execute(update(Campaign).values(state=CampaignState.FINISHED))
        session.execute(update(Subscription).where(Subscription.id % 10 == 0).values(tracking_since=clock.now()))
        numbers = session.scalars(select(Delivery.id).order_by(Delivery.id)).all()
        stored = list(link.numbers(session, letter.sent_revision_id or 0).values())
    links = [f"/l/{link_visit.token_of(number, stored[number % len(stored)])}" for number in numbers]
    return links, [f"/u/{unsubscribe.token_for(number)}" for number in numbers]

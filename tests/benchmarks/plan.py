"""Seconds until a campaign's audience is frozen: everybody on the list who may be mailed becomes a waiting delivery."""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

from listkeeper import settings as settings_file
from listkeeper import store
from listkeeper.campaigns import campaign as campaigns
from listkeeper.cli import context
from listkeeper.sending import planning
from tests.benchmarks import instance
from tests.benchmarks.figure import Figure
from tests.makers import cafe, multitude, works

_PROMISED = {"sqlite": 10, "postgresql": 15}


def measure(name: str, *, repeats: int, full: bool) -> list[Figure]:
    """Freeze the audience of letters to one list, on each database."""
    return [_measure(name, kind, 1_000_000 if full else 50_000, repeats) for kind in instance.kinds()]


def _measure(name: str, kind: str, count: int, repeats: int) -> Figure:
    with tempfile.TemporaryDirectory(prefix="lk-bench-") as folder, instance.database(kind) as url:
        settings = settings_file.read(data=Path(folder), smtp_url="smtp://127.0.0.1:9", database_url=url)
        with context.opened(settings, create=True):
            with store.transaction() as session:
                multitude.gather(session, cafe.found(session), count)
            found = [_freeze(settings.site, count) for _ in range(repeats)]
    median = statistics.median(found)
    return Figure(
        name=f"{name} {kind}", figure=round(median, 2), unit=f"seconds for {count} people", limit=None, ratio=None,
        repeats=repeats, spread=round((max(found) - min(found)) / median, 3),
        limit_is=f"the promise is {_PROMISED[kind]} s for 1,000,000",
        note="each repeat plans one more letter to the same list, beside the deliveries of those before",
    )  # fmt: skip


def _freeze(site: str, count: int) -> float:
    with store.transaction() as session:
        made = works.here(session)
        letter = cafe.draft(session, made)
        number = letter.id
    start = time.perf_counter()
    with store.transaction() as session:
        made = works.here(session)
        planned = planning.send_campaign(
            session, made.organisation, session.get_one(campaigns.Campaign, number), site=site
        )
    lasted = time.perf_counter() - start
    if planned != count:
        raise SystemExit(f"{planned} deliveries were planned for {count} people")
    return lasted

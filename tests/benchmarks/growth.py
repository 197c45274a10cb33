"""Milliseconds until the growth of a list is worked out for its page, and seconds until the job has counted it."""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.orm import Session

from listkeeper import settings as settings_file
from listkeeper import store
from listkeeper.audience.mailing_list import MailingList
from listkeeper.cli import context
from listkeeper.insight import growth, growth_count
from listkeeper.jobs import growing
from tests.benchmarks import instance
from tests.benchmarks.figure import Figure
from tests.makers import cafe, multitude, works

_PROMISED = 100
_LOOKS = 40
# Everybody came on a day of the last two years, by one of ten links, and every sixth one has gone again.
_SPREAD = {
    "sqlite": (
        "UPDATE consent_event SET at = strftime('%Y-%m-%d %H:%M:%f000', at, '-' || (id * 7919 % 1051200) || ' minutes')",  # noqa: E501
        "UPDATE subscription SET since = strftime('%Y-%m-%d %H:%M:%f000', since, '-' || (id % 1051200) || ' minutes')",
        "UPDATE subscription SET source_id = id % 10",
        "UPDATE subscription SET state = 'unsubscribed' WHERE id % 6 = 0",
    ),
    "postgresql": (
        "UPDATE consent_event SET at = at - (id * 7919 % 1051200) * interval '1 minute'",
        "UPDATE subscription SET since = since - (id % 1051200) * interval '1 minute'",
        "UPDATE subscription SET source_id = id % 10",
        "UPDATE subscription SET state = 'unsubscribed' WHERE id % 6 = 0",
    ),
}


def measure(name: str, *, repeats: int, full: bool) -> list[Figure]:
    """Work out the growth of a list of a million, on each database."""
    del repeats
    return [_measure(name, kind, 1_000_000 if full else 100_000) for kind in instance.kinds()]


def _measure(name: str, kind: str, count: int) -> Figure:
    with tempfile.TemporaryDirectory(prefix="lk-bench-") as folder, instance.database(kind) as url:
        settings = settings_file.read(data=Path(folder), smtp_url="smtp://127.0.0.1:9", database_url=url)
        with context.opened(settings, create=True):
            with store.transaction() as session:
                multitude.gather(session, cafe.found(session), count)
                _spread(session, kind)
            start = time.perf_counter()
            growing.count()
            counted = time.perf_counter() - start
            begun = time.process_time()
            looks = sorted(_look() for _ in range(_LOOKS))
            processor = (time.process_time() - begun) * 1000
            with store.reading() as session:
                rows = len(growth_count.of_lists(session, works.here(session).organisation, [_list(session)]).counts)
    return Figure(
        name=f"{name} {kind}", figure=round(looks[int(_LOOKS * 0.95)], 1), unit="milliseconds, 95 % of looks",
        limit=None, ratio=None, repeats=_LOOKS, spread=round((looks[-1] - looks[0]) / statistics.median(looks), 3),
        limit_is=f"the promise is {_PROMISED} ms for a page of 1,000,000 people",
        note=f"{count} people, 24 months, 10 links; the drawing of the page comes on top",
        profile={
            "median": round(statistics.median(looks), 1), "processor": round(processor / _LOOKS, 1),
            "seconds to count": round(counted, 2), "kept rows": rows,
        },
    )  # fmt: skip


def _list(session: Session) -> MailingList:
    return works.here(session).mailing_list


def _spread(session: Session, kind: str) -> None:
    session.flush()
    for statement in _SPREAD[kind]:
        session.execute(text(statement))


def _look() -> float:
    start = time.perf_counter()
    with store.reading() as session:
        made = works.here(session)
        found = growth.of(session, made.organisation, [made.mailing_list])
    lasted = (time.perf_counter() - start) * 1000
    if not found.total.joined:
        raise SystemExit("nobody was counted")
    return lasted

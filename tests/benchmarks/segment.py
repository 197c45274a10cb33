"""Milliseconds to count a segment: ten of different kinds, over a list with everything its people did in two years.

``--full`` is a million people and twenty million events: 17 million human acts, a million orders, and the two million
deliveries of two letters. They are made by the database itself; three of five people ever did something. Each figure
is the 95th percentile of its repeats, the look at the segment and all names in it included. An eleventh, which counts
how often somebody clicked, is measured beside the ten and promised nothing.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

from sqlalchemy.orm import Session

from listkeeper import settings as settings_file
from listkeeper import store
from listkeeper.audience.segments import segment, segment_query
from listkeeper.audience.segments.segment import Segment
from listkeeper.cli import context
from tests.benchmarks import import_parts, instance
from tests.benchmarks.figure import Figure
from tests.makers import history

PROMISED = {"sqlite": 300, "postgresql": 500}
TEN = (
    "language is da",
    "provider is gmail",
    "source is ig-bio and joined within 365 days",
    "clicked within 30 days",
    "language is da and (clicked within 30 days or replied within 90 days) and not source is ig-bio",
    "did not click within 180 days",
    "did order within 90 days and not did order within 30 days",
    "answer favourite is cakes and language is not da",
    "joined more than 365 days ago and not heard from us within 14 days",
    "got letter cmp_first and not clicked letter cmp_first",
)
BESIDE = ("clicked at least 3 times within 90 days",)
_LEAST_REPEATS = 20


def measure(name: str, *, repeats: int, full: bool) -> list[Figure]:
    """Count each segment on each database."""
    people = 1_000_000 if full else 50_000
    return [found for kind in instance.kinds() for found in _measure(name, kind, people, max(repeats, _LEAST_REPEATS))]


def _measure(name: str, kind: str, people: int, repeats: int) -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="lk-bench-") as folder, instance.database(kind) as url:
        settings = settings_file.read(data=Path(folder), smtp_url="smtp://127.0.0.1:9", database_url=url)
        with context.opened(settings, create=True):
            with store.transaction() as session:
                numbers = _made(session, people)
            history.settle(kind)
            return [
                _counted(f"{name} {kind}", kind, number, said, people, repeats)
                for number, said in zip(numbers, (*TEN, *BESIDE), strict=True)
            ]


def _counted(  # noqa: PLR0917 - what a figure says
    name: str, kind: str, number: int, said: str, people: int, repeats: int
) -> Figure:
    lasted, found, worked = [], 0, time.process_time() + import_parts.server_seconds()
    for _ in range(repeats):
        with store.reading() as session:
            start = time.perf_counter()
            found = segment_query.count(session, session.get_one(Segment, number))
            lasted.append((time.perf_counter() - start) * 1000)
    worked = time.process_time() + import_parts.server_seconds() - worked
    p95 = sorted(lasted)[max(0, round(len(lasted) * 0.95) - 1)]
    beside = said in BESIDE
    return Figure(
        name=f"{name}: {said}", figure=round(p95, 1), unit=f"ms, 95 %, of {people} people", limit=None, ratio=None,
        repeats=repeats, spread=round((max(lasted) - min(lasted)) / statistics.median(lasted), 3),
        limit_is="nothing is promised of it" if beside else f"the promise is {PROMISED[kind]} ms for 1,000,000",
        note=f"{found} people; median {round(statistics.median(lasted), 1)} ms",
        profile={"processor, ms": round(worked / repeats * 1000, 1), "least, ms": round(min(lasted), 1)},
    )  # fmt: skip


def _made(session: Session, people: int) -> list[int]:
    house = history.lived(session, people)
    return [
        segment.create(session, house.organisation, house.mailing_list, f"Segment {place}", said).id
        for place, said in enumerate((*TEN, *BESIDE))
    ]

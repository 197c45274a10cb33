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
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.orm import Session

from listkeeper import settings as settings_file
from listkeeper import store
from listkeeper.audience import segment, segment_query, source
from listkeeper.audience.profile_words import QuestionKind
from listkeeper.audience.segment import Segment
from listkeeper.audience.source import Channel
from listkeeper.cli import context
from tests.benchmarks import import_parts, instance
from tests.benchmarks.figure import Figure
from tests.makers import cafe, multitude, questions
from tests.makers.cafe import Cafe

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
_ACTS = 28


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
            _settle(kind)
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
    house = cafe.found(session)
    multitude.gather(session, house, people)
    source.create(session, house.form, name="Instagram", channel=Channel.INSTAGRAM, slug="ig-bio")
    questions.drafted(session, house, kind=QuestionKind.CHOICES)
    for name in ("cmp_first", "cmp_second"):
        cafe.draft(session, house, subject=name).public_id = name
    session.flush()
    with _without_indexes(session):
        for statement in _statements(session, house, people):
            session.execute(text(statement))
    numbers = []
    for place, said in enumerate((*TEN, *BESIDE)):
        numbers.append(segment.create(session, house.organisation, house.mailing_list, f"Segment {place}", said).id)
    return numbers


@contextmanager
def _without_indexes(session: Session) -> Iterator[None]:
    """Build the indexes of what very many rows go into afterwards, which takes a fraction of the time."""
    from listkeeper.audience.activity import Activity, LatestAct  # noqa: PLC0415 - their tables alone
    from listkeeper.audience.posted_event import PostedEvent  # noqa: PLC0415
    from listkeeper.sending.delivery import Delivery  # noqa: PLC0415

    indexes = [
        index for table in (Activity, LatestAct, PostedEvent, Delivery) for index in table.__table__.indexes  # type: ignore[attr-defined]
    ]  # fmt: skip
    for index in indexes:
        index.drop(session.connection())
    yield
    for index in indexes:
        index.create(session.connection())


def _words_of(*, lite: bool) -> tuple[Callable[[str], str], Callable[[str], str], Callable[[str, int], str]]:
    """Return how a database says: so many minutes ago, the day of that, and the numbers from 0."""

    def ago(minutes: str) -> str:
        if lite:
            return f"strftime('%Y-%m-%d %H:%M:%f000', 'now', '-' || ({minutes}) || ' minutes')"
        return f"(now() - make_interval(mins => ({minutes})::int))"

    def day(minutes: str) -> str:
        return (
            f"date('now', '-' || ({minutes}) || ' minutes')" if lite else f"({ago(minutes)} at time zone 'utc')::date"
        )

    def numbers(name: str, last: int) -> str:
        if lite:
            more = f"SELECT x + 1 FROM c WHERE x < {last}"
            return f"(WITH RECURSIVE c(x) AS (SELECT 0 UNION ALL {more}) SELECT x FROM c) {name}"
        return f"generate_series(0, {last}) {name}(x)"

    return ago, day, numbers


# Nothing of this comes from anybody but this file.
# ruff: noqa: S608, ISC004
def _statements(session: Session, house: Cafe, people: int) -> list[str]:
    """Return what makes the people different, and what they did; every number follows from the row's own."""
    lite = session.get_bind().dialect.name == "sqlite"

    ago, day, numbers = _words_of(lite=lite)
    on, owner = house.mailing_list.id, house.organisation.id
    when = "(s.id * 7919 + e.x * 104729 + s.id % 977 * 3571) % 1051200"
    domains = "CASE id % 10 WHEN 0 THEN 'gmail.com' WHEN 1 THEN 'gmail.com' WHEN 2 THEN 'gmail.com' WHEN 3 THEN "
    domains += "'hotmail.com' WHEN 4 THEN 'yahoo.dk' WHEN 5 THEN 'live.dk' ELSE 'crowd.example' END"
    letters = "(SELECT id FROM campaign WHERE public_id IN ('cmp_first', 'cmp_second'))"
    no = "0" if lite else "false"
    return [
        f"UPDATE subscriber SET language = CASE id % 4 WHEN 0 THEN 'da' WHEN 1 THEN 'sv' ELSE 'en' END,"
        f" email_send = 'person-' || id || '@' || {domains}",
        f"UPDATE subscription SET since = {ago('subscriber_id * 7919 % 1576800')},"
        f" last_contact_at = {ago('subscriber_id * 104729 % 43200')},"
        f" tracking_since = CASE WHEN subscriber_id % 10 < 7 THEN {ago('400 * 1440')} END,"
        " source_id = CASE WHEN subscriber_id % 8 = 0 THEN (SELECT id FROM source WHERE slug = 'ig-bio') END",
        f"INSERT INTO activity (subscriber_id, list_id, kind, campaign_id, day, at)"
        f" SELECT s.id, {on}, CASE e.x % 14 WHEN 3 THEN 'replied' WHEN 9 THEN 'answered' ELSE 'clicked' END,"
        f" CASE WHEN e.x = 0 THEN (SELECT id FROM campaign WHERE public_id = 'cmp_first') ELSE e.x + 1000 END,"
        f" {day(when)}, {ago(when)}"
        f" FROM subscriber s CROSS JOIN {numbers('e', _ACTS - 1)} WHERE s.id % 10 < 6 ORDER BY s.id",
        "INSERT INTO latest_act (subscriber_id, list_id, kind, at)"
        " SELECT subscriber_id, list_id, kind, max(at) FROM activity GROUP BY subscriber_id, list_id, kind",
        "INSERT INTO posted_event (organisation_id, subscriber_id, name, external_id, at, received_at, campaign_id)"
        f" SELECT {owner}, s.id, CASE e.x WHEN 0 THEN 'order' ELSE 'visit' END, s.id || '-' || e.x,"
        f" {ago(when)}, {ago('0')}, 0 FROM subscriber s CROSS JOIN {numbers('e', 2)} WHERE s.id % 3 = 0",
        "INSERT INTO profile_answer (subscriber_id, question_id, version_id, value, declined, how, given_at)"
        " SELECT s.id, v.question_id, v.id, CASE s.id % 3 WHEN 0 THEN 'cakes' ELSE 'rye-bread' END,"
        f" {no}, 'own_page', {ago('s.id % 100000')} FROM subscriber s CROSS JOIN profile_question_version v"
        " WHERE s.id % 10 < 3",
        "INSERT INTO delivery (organisation_id, message_class, lane, occasion, state, campaign_id, subscriber_id,"
        " list_id, letters_before, due_at, attempts, created_at)"
        f" SELECT {owner}, 'marketing', 'sending', 'campaign:' || c.id || ':' || s.id,"
        f" CASE WHEN s.id % 50 = 0 THEN 'bounced' ELSE 'accepted' END, c.id, s.id, {on}, 0, {ago('0')}, 1, {ago('0')}"
        f" FROM {letters} c CROSS JOIN subscriber s ORDER BY c.id, s.id",
    ]


def _settle(kind: str) -> None:
    """Do what PostgreSQL does by itself a little later."""
    if kind == "postgresql":
        with store.reading() as session:
            engine = session.get_bind().engine
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE"))

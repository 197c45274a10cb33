"""What was done with a letter: milliseconds until a report knows, visits judged and counted copies noted a second.

Reports have 100 ms (p95) at 1,000,000 people and 20,000,000 visits, and visits come at up to 1,500 a second. The
totals are those of 200 letters of twelve links, read at a dozen providers, and not folded since for a while.
"""

from __future__ import annotations

import random
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import func, insert, select, text, update
from sqlalchemy.orm import Session

from listkeeper import settings as settings_file
from listkeeper import store
from listkeeper.audience.subscription import Subscription
from listkeeper.campaigns import link
from listkeeper.cli import context
from listkeeper.deliverability import mail_provider
from listkeeper.feedback import engagement, engagement_judging
from listkeeper.foundation import clock
from listkeeper.sending import counted_copy, engagement_tally, planning
from listkeeper.sending.batch import WINDOW
from listkeeper.sending.counted_copy import CountedCopy
from listkeeper.sending.delivery import Delivery, DeliveryState
from listkeeper.sending.engagement_tally import Key, What
from listkeeper.sending.link_visit import LinkVisit
from tests.benchmarks import instance
from tests.benchmarks.figure import Figure
from tests.makers import cafe, multitude

_LINKS, _LETTERS, _PROVIDERS = 12, 200, 12
_LETTER = "# News\n\n" + "".join(f"[Number {number}](https://cafe.example/{number})\n\n" for number in range(_LINKS))
_JUDGED = 30_000
_LOOKS = 200
_WINDOWS = 500
_MILLISECONDS = 1_000


def measure(name: str, *, repeats: int, full: bool) -> list[Figure]:
    """Look at letters, judge visits and note counted copies, on each database."""
    people, visits = (1_000_000, 20_000_000) if full else (50_000, 1_000_000)
    return [one for kind in instance.kinds() for one in _measure(name, kind, people, visits, repeats)]


def _measure(name: str, kind: str, people: int, visits: int, repeats: int) -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="lk-bench-") as folder, instance.database(kind) as url:
        settings = settings_file.read(data=Path(folder), smtp_url="smtp://127.0.0.1:9", database_url=url)
        with context.opened(settings, create=True):
            with store.transaction() as session:
                letter, links = _sent(session, people, settings.site)
            with store.transaction() as session:
                _visit(session, letter, links, visits)
                _total(session, letter, links)
            with store.transaction() as session:
                session.execute(text("ANALYZE"))
            looks = [_look(letter) for _ in range(repeats)]
            judged = [_judge(letter, links) for _ in range(repeats)]
            noted = [_note(letter) for _ in range(repeats)]
    size = f"{people} people, {visits} visits"
    return [
        _figure(f"{name} {kind} look", looks, f"ms (p95) for a letter, its links and providers; {size}", "100 ms"),
        _figure(f"{name} {kind} judge", judged, f"visits/s judged; {size}", "1,500/s"),
        _figure(f"{name} {kind} copies", noted, "counted copies/s noted, in windows of 32 of 12 providers", "2,000/s"),
    ]


def _figure(name: str, found: list[float], unit: str, promise: str) -> Figure:
    median = statistics.median(found)
    return Figure(
        name=name, figure=round(median, 2), unit=unit, limit=None, ratio=None, repeats=len(found),
        spread=round((max(found) - min(found)) / median, 3), limit_is=f"the promise is {promise}",
    )  # fmt: skip


def _sent(session: Session, people: int, site: str) -> tuple[int, list[int]]:
    """Send a letter to everybody; a tenth is seen by name, a tenth is counted as a number."""
    made = cafe.found(session)
    multitude.gather(session, made, people)
    now = clock.now()
    for rest, column in ((0, "tracking_since"), (1, "counted_since")):
        session.execute(update(Subscription).where(Subscription.id % 10 == rest).values({column: now}))
    letter = cafe.draft(session, made, markdown=_LETTER)
    planning.send_campaign(session, made.organisation, letter, site=site)
    session.execute(update(Delivery).values(state=DeliveryState.ACCEPTED, handed_at=clock.now(), provider="gmail"))
    return letter.id, list(link.numbers(session, letter.sent_revision_id or 0).values())


# Long past, and judged: they lie there, and no report looks at them.
_OLD = {
    "sqlite": """INSERT INTO link_visit (link_id, delivery_id, at, agent, verdict)
        WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < :visits)
        SELECT :link + n % :links, CASE WHEN n % 3 = 0 THEN :delivery + n % :people END,
        '2026-01-01 00:00:00.000000', 'browser', 'human' FROM numbers""",
    "postgresql": """INSERT INTO link_visit (link_id, delivery_id, at, agent, verdict)
        SELECT :link + n % :links, CASE WHEN n % 3 = 0 THEN :delivery + n % :people END,
        '2026-01-01 00:00:00+00', 'browser', 'human' FROM generate_series(1, :visits) AS n""",
}


def _visit(session: Session, letter: int, links: list[int], visits: int) -> None:
    query = select(func.min(Delivery.id), func.count()).where(Delivery.campaign_id == letter)
    first, people = session.execute(query).one()
    kind = session.get_bind().dialect.name
    told = {"visits": visits, "link": links[0], "links": _LINKS, "delivery": first, "people": people}
    session.execute(text(_OLD[kind]), told)


def _total(session: Session, letter: int, links: list[int]) -> None:
    """Write the totals of many letters, each number in three rows."""
    for other in range(_LETTERS):
        campaign = letter + other
        numbers = {
            Key(campaign, campaign, number, f"provider{place}", what): 1 + place
            for number in (0, *links)
            for place in range(_PROVIDERS)
            for what in What
            if (number == 0) == (not what.value.startswith("click_"))
        }
        for _ in range(3):
            engagement_tally.add(session, numbers)


def _look(letter: int) -> float:
    """Return the 95th percentile of looks at letters, in milliseconds."""
    chance, took = random.Random(letter), []
    looks: tuple[Callable[[Session, int], object], ...] = (
        engagement.of_campaign, engagement.of_revision, engagement.by_link, engagement.by_provider,
    )  # fmt: skip
    for _ in range(_LOOKS):
        start = time.perf_counter()
        with store.reading() as session:
            for look in looks:
                look(session, letter + chance.randrange(_LETTERS))
        took.append((time.perf_counter() - start) * _MILLISECONDS)
    return statistics.quantiles(took, n=20)[-1]


def _judge(letter: int, links: list[int]) -> float:
    """Return how many visits a second are judged that came within 20 seconds, two thirds of them of mails."""
    chance = random.Random(letter)
    with store.transaction() as session:
        query = select(Delivery.id).join(
            Subscription,
            (Subscription.subscriber_id == Delivery.subscriber_id) & Subscription.tracking_since.is_not(None),
        )
        seen = session.scalars(query.where(Delivery.campaign_id == letter)).all()
        at = clock.now().replace(year=clock.now().year - 1)
        rows = [
            {
                "link_id": chance.choice(links),
                "delivery_id": chance.choice(seen) if number % 3 == 0 else None,
                "mail_number": chance.getrandbits(60) + 1 if number % 3 == 1 else None,
                "at": at.replace(second=number * 20 // _JUDGED, microsecond=number % 1_000_000),
                "agent": "browser",
            }
            for number in range(_JUDGED)
        ]
        session.execute(insert(LinkVisit), rows)
    start, judged = time.perf_counter(), 0
    while judged < _JUDGED:
        with store.reading() as session:
            weighed = engagement_judging.weigh(session)
        assert weighed is not None
        judged += len(weighed.visits)
        with store.transaction() as session:
            engagement_judging.write_down(session, weighed)
    lasted = time.perf_counter() - start
    with store.reading() as session:
        left = session.scalar(select(func.count()).select_from(LinkVisit).where(LinkVisit.verdict.is_(None)))
    if left:
        raise SystemExit(f"{left} visits were not judged")
    return _JUDGED / lasted


def _note(letter: int) -> float:
    """Return how many counted copies a second are noted, each window in a transaction of its own, and folded."""
    copy = CountedCopy(letter, letter, by_name=True)
    names = list(mail_provider.TABLE)[:_PROVIDERS]
    window = [(copy, names[place % len(names)]) for place in range(WINDOW)]
    start = time.perf_counter()
    for _ in range(_WINDOWS):
        with store.transaction() as session:
            counted_copy.arrived(session, window)
    with store.transaction() as session:
        engagement_tally.fold(session, [letter])
    return WINDOW * _WINDOWS / (time.perf_counter() - start)

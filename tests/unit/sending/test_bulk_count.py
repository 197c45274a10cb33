"""What Gmail took in a day: counted by the registered domain of From, by an index, and remembered for good."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy import event
from sqlalchemy.orm import Session

from listkeeper.audience.handover import MessageClass
from listkeeper.deliverability import sending_domain
from listkeeper.deliverability.finding import Severity
from listkeeper.foundation import clock
from listkeeper.foundation.outbox import Lane
from listkeeper.sending import bulk_count
from listkeeper.sending.delivery import Delivery, DeliveryState
from tests.makers import cafe

S = DeliveryState
_DAY = timedelta(hours=24)


@pytest.fixture
def owner(session: Session, frozen_clock: time_machine.Traveller) -> int:
    """A café, at a moment that stands."""
    return cafe.found(session).organisation.id


def _sent(
    session: Session,
    owner: int,
    number: int = 1,
    *,
    domain: str | None = "cafe.example",
    provider: str | None = "gmail",
    state: DeliveryState = S.ACCEPTED,
    ago: timedelta = timedelta(hours=1),
) -> None:
    at = clock.now() - ago
    rows = [
        Delivery(
            organisation_id=owner,
            message_class=MessageClass.MARKETING,
            lane=Lane.SENDING,
            occasion=f"{domain} {provider} {state} {ago} {each}",
            state=state,
            provider=provider,
            handed_at=at,
            settled_at=at,
            message_id=None if domain is None else f"<{each}@{domain}>",
        )
        for each in range(number)
    ]
    session.add_all(rows)
    session.flush()


def test_what_counts_is_what_gmail_took_within_a_day(session: Session, owner: int) -> None:
    assert bulk_count.to_gmail(session) == {}
    _sent(session, owner, 3)
    # It took this one as well, before it sent it back; that came later and is no part of when it was handed over.
    _sent(session, owner, 1, state=S.BOUNCED)
    _sent(session, owner, 1, ago=_DAY)
    _sent(session, owner, 5, ago=_DAY + timedelta(seconds=1))
    _sent(session, owner, 5, provider="google_workspace")
    _sent(session, owner, 5, provider=None)
    for state in set(S) - {S.ACCEPTED, S.BOUNCED}:
        _sent(session, owner, 2, state=state)
    assert bulk_count.to_gmail(session) == {"cafe.example": 5}


def test_names_below_a_domain_count_for_it_and_others_do_not(session: Session, owner: int) -> None:
    _sent(session, owner, 2)
    _sent(session, owner, 3, domain="news.cafe.example")
    _sent(session, owner, 4, domain="other.co.uk")
    _sent(session, owner, 5, domain="mail.other.co.uk")
    _sent(session, owner, 6, domain="third.co.uk")
    _sent(session, owner, 7, domain=None)
    assert bulk_count.to_gmail(session) == {"cafe.example": 5, "other.co.uk": 9, "third.co.uk": 6}


@pytest.mark.parametrize(
    ("number", "since", "says"),
    [
        (0, None, "0 mails from cafe.example went to Gmail in the last 24 hours. From 5,000 on, Gmail counts"),
        (1, None, "1 mail from"),
        (3_999, None, "3,999 mails from cafe.example went to Gmail in the last 24 hours. From 5,000 on"),
        (4_000, None, "That is close to 5,000"),
        (4_999, None, "That is close to 5,000"),
        (5_000, None, "From now on Gmail counts the domain as a bulk sender, and does so for good."),
        (12, datetime(2026, 3, 1, tzinfo=UTC), "2026"),
    ],
)
def test_the_finding_says_how_near_it_is(number: int, since: datetime | None, says: str) -> None:
    found = bulk_count.judge("cafe.example", number, since)
    assert (found.code, found.severity, found.subject) == ("G10", Severity.INFO, "cafe.example")
    assert says in found.message


def test_who_once_sent_much_is_a_bulk_sender_for_good(
    session: Session, owner: int, frozen_clock: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk_count, "BULK", 6)
    apex = sending_domain.add(session, owner, "cafe.example")
    below = sending_domain.add(session, owner, "news.cafe.example")
    other = sending_domain.add(session, owner, "other.example")
    _sent(session, owner, 3)
    _sent(session, owner, 2, domain="news.cafe.example")
    bulk_count.note(session, owner)
    assert (apex.bulk_since, below.bulk_since) == (None, None)
    _sent(session, owner, 1, ago=timedelta(hours=2))
    reached = clock.now()
    bulk_count.note(session, owner)
    session.flush()
    session.expire_all()
    assert (apex.bulk_since, below.bulk_since, other.bulk_since) == (reached, reached, None)
    frozen_clock.shift(timedelta(days=40))
    bulk_count.note(session, owner)
    assert apex.bulk_since == reached
    found = bulk_count.inspect(session, apex)
    assert found.message.startswith("0 mails from cafe.example")
    assert "for good" in found.message


@pytest.fixture
def statements(session: Session) -> Iterator[list[tuple[str, Any]]]:
    """What the database is asked meanwhile."""
    heard: list[tuple[str, Any]] = []

    def hear(_connection: object, _cursor: object, statement: str, parameters: Any, *_rest: object) -> None:  # noqa: ANN401
        heard.append((statement, parameters))

    engine = session.get_bind()
    event.listen(engine, "before_cursor_execute", hear)
    yield heard
    event.remove(engine, "before_cursor_execute", hear)


def test_the_day_is_read_from_its_index(session: Session, owner: int, statements: list[tuple[str, Any]]) -> None:
    """Not among all that ever left."""
    for days in range(1, 40):
        _sent(session, owner, 20, ago=timedelta(days=days, minutes=1))
    _sent(session, owner, 3)
    if session.get_bind().dialect.name == "postgresql":
        session.connection().exec_driver_sql("ANALYZE delivery")
    statements.clear()
    assert bulk_count.to_gmail(session) == {"cafe.example": 3}
    [(statement, given)] = statements
    sqlite = session.get_bind().dialect.name == "sqlite"
    cursor = session.connection().connection.cursor()
    cursor.execute(f"EXPLAIN {'QUERY PLAN ' if sqlite else ''}{statement}", given)
    plan = "\n".join(str(row[-1]) for row in cursor.fetchall())
    assert "ix_delivery_to_gmail" in plan, plan

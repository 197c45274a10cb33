"""Many subscribers at once, for what only shows with thousands: inserted in bulk, each with a consent record.

The rows are those that a signup and its confirmation leave behind. One person goes through the verbs first, and the
crowd cites the same published text and the same version of the form.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from listkeeper.audience import subscription, suppression
from listkeeper.audience.consent import ConsentEvent, EventKind
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Subscription
from listkeeper.foundation import ids
from tests.makers import cafe
from tests.makers.cafe import Cafe

_AT_ONCE = 5_000


def gather(session: Session, made: Cafe, count: int, *, domain: str = "crowd.example") -> None:
    """Bring a list to ``count`` more confirmed subscribers, ``person-1@…`` to ``person-<count>@…``."""
    first = cafe.subscribe(session, made, f"person-1@{domain}")
    for start in range(2, count + 1, _AT_ONCE):
        addresses = [f"person-{number}@{domain}" for number in range(start, min(start + _AT_ONCE, count + 1))]
        _gather(session, made, first, addresses)


def _gather(session: Session, made: Cafe, first: Subscriber, addresses: list[str]) -> None:
    pattern = _values(first) | {"profile": {}}
    people = [
        pattern
        | {
            "public_id": ids.new("sub"),
            "subject_ref": ids.subject_reference(),
            "email_send": address,
            "email_key": address,
            "suppression_key": suppression.key_of(made.organisation.id, address),
        }
        for address in addresses
    ]
    numbers = session.scalars(insert(Subscriber).returning(Subscriber.id, sort_by_parameter_order=True), people).all()
    given = session.scalars(
        select(ConsentEvent).where(ConsentEvent.subject_ref == first.subject_ref, ConsentEvent.kind == EventKind.GIVEN)
    ).one()
    consents = [_values(given) | {"subject_ref": person["subject_ref"], "ledger_id": None} for person in people]
    events = session.scalars(insert(ConsentEvent).returning(ConsentEvent.id, sort_by_parameter_order=True), consents)
    current = subscription.of(session, first.id, made.mailing_list.id)
    assert current is not None
    rows = [
        _values(current) | {"subscriber_id": number, "consent_event_id": event}
        for number, event in zip(numbers, events.all(), strict=True)
    ]
    session.execute(insert(Subscription), rows)


def _values(row: Any) -> dict[str, Any]:  # noqa: ANN401 - any row of any table
    return {column.key: getattr(row, column.key) for column in row.__table__.columns if column.key != "id"}

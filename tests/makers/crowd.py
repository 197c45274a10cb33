"""Many subscribers at once, for what only shows with thousands: inserted in bulk, each with a consent record.

The rows are those that a signup and its confirmation leave behind. One person goes through the verbs first, and the
crowd cites the same published text and the same version of the form.
"""

from __future__ import annotations

import secrets
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from listkeeper.audience import subscription, suppression
from listkeeper.audience.confirmation import Confirmation
from listkeeper.audience.consent import ConsentEvent, EventKind
from listkeeper.audience.signup import Signup
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


def ask(session: Session, made: Cafe, count: int, *, domain: str = "crowd.example") -> None:
    """Let ``count`` people sign up within this minute, of whom nobody answers; their questions wait in no queue."""
    first = cafe.sign_up(session, made, f"asked-1@{domain}")
    person, post = session.get_one(Subscriber, first.subscriber_id), session.get_one(Signup, first.signup_id)
    current = subscription.of(session, person.id, made.mailing_list.id)
    assert current is not None
    people = [_values(person) | _named(made, f"asked-{number}@{domain}") for number in range(2, count + 1)]
    numbers = session.scalars(insert(Subscriber).returning(Subscriber.id, sort_by_parameter_order=True), people).all()
    posts = [
        _values(post) | {"subscriber_id": number, "visit_digest": secrets.token_hex(32), "idempotency_key": str(number)}
        for number in numbers
    ]
    signups = session.scalars(insert(Signup).returning(Signup.id, sort_by_parameter_order=True), posts).all()
    asked = [
        _values(first)
        | {"subscriber_id": number, "signup_id": signup, "seed": secrets.token_hex(16)}
        | {name: secrets.token_hex(32) for name in ("token_digest", "code_digest", "visit_digest", "brake_key")}
        for number, signup in zip(numbers, signups, strict=True)
    ]
    session.execute(insert(Confirmation), asked)
    session.execute(insert(Subscription), [_values(current) | {"subscriber_id": number} for number in numbers])


def _named(made: Cafe, address: str) -> dict[str, Any]:
    return {
        "public_id": ids.new("sub"),
        "subject_ref": ids.subject_reference(),
        "email_send": address,
        "email_key": address,
        "suppression_key": suppression.key_of(made.organisation.id, address),
    }


def _gather(session: Session, made: Cafe, first: Subscriber, addresses: list[str]) -> None:
    pattern = _values(first) | {"profile": {}}
    people = [pattern | _named(made, address) for address in addresses]
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

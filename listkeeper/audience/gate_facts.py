"""What the gate knows of a person, her subscription, its words and its list: values, read as they stand now.

Not the rows themselves: a letter to a million people passes the gate a million times, and making a changeable
object of each row takes longer than deciding about it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from listkeeper.audience.consent_text import ConsentText
from listkeeper.audience.mailing_list import ListState, MailingList
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Basis, Frequency, Subscription, SubscriptionState
from listkeeper.foundation.table import Table


class Person(NamedTuple):
    """A subscriber."""

    id: int
    organisation_id: int
    email_send: str
    suppression_key: str
    demo: bool
    restricted_at: datetime | None
    erased_at: datetime | None


class Held(NamedTuple):
    """Her subscription to one list."""

    id: int
    subscriber_id: int
    list_id: int
    state: SubscriptionState
    basis: Basis
    consent_event_id: int | None
    consent_text_id: int | None
    since: datetime
    valid_until: datetime | None
    ledger_seq: int | None
    purpose: str
    double_opt_in: bool
    second_consent_event_id: int | None
    age_ok: bool | None
    categories: list[str]
    turned_seq: int
    first_use_deadline: datetime | None
    last_contact_at: datetime | None
    snooze_until: datetime | None
    frequency: Frequency
    topics: list[str]
    import_id: int | None


class ListRules(NamedTuple):
    """The list, as far as it says who may be written to."""

    id: int
    organisation_id: int
    purpose: str
    state: ListState
    jurisdiction: str
    least_age: int


class Published(NamedTuple):
    """A consent text: since when it is public, and by which row of the ledger."""

    id: int
    published_at: datetime
    ledger_seq: int | None


def _columns(table: type[Table], fact: Any) -> list[Any]:  # noqa: ANN401 - one of the classes above
    return [getattr(table, name) for name in fact._fields]


# Locked as ``subscriber.hold_all`` locks, in id order, so that two workers never wait for each other in a circle.
_PEOPLE = (
    select(*_columns(Subscriber, Person))
    .where(Subscriber.id.in_(bindparam("ids", expanding=True)))
    .order_by(Subscriber.id)
    .with_for_update(of=Subscriber, key_share=True)
)
_HELD = select(*_columns(Subscription, Held)).where(
    Subscription.subscriber_id.in_(bindparam("people", expanding=True)),
    Subscription.list_id.in_(bindparam("lists", expanding=True)),
)
_LISTS = select(*_columns(MailingList, ListRules)).where(MailingList.id.in_(bindparam("ids", expanding=True)))
_TEXTS = select(*_columns(ConsentText, Published)).where(ConsentText.id.in_(bindparam("ids", expanding=True)))


def people(session: Session, ids: Iterable[int | None]) -> dict[int | None, Person]:
    """Lock these subscribers in id order and return them."""
    wanted = sorted({number for number in ids if number is not None})
    rows = session.execute(_PEOPLE, {"ids": wanted}) if wanted else ()
    return {row[0]: Person._make(row) for row in rows}


def held(
    session: Session, subscribers: Collection[int | None], lists: Collection[int | None]
) -> dict[tuple[int | None, int | None], Held]:
    """Return the subscriptions of these people to these lists, by subscriber and list."""
    if not subscribers or not lists:
        return {}
    rows = session.execute(_HELD, {"people": list(subscribers), "lists": list(lists)})
    return {(row[1], row[2]): Held._make(row) for row in rows}


def lists(session: Session, ids: Iterable[int | None]) -> dict[int | None, ListRules]:
    """Return these lists."""
    wanted = list({number for number in ids if number is not None})
    rows = session.execute(_LISTS, {"ids": wanted}) if wanted else ()
    return {row[0]: ListRules._make(row) for row in rows}


def texts(session: Session, ids: Iterable[int | None]) -> dict[int | None, Published]:
    """Return these consent texts."""
    wanted = list({number for number in ids if number is not None})
    rows = session.execute(_TEXTS, {"ids": wanted}) if wanted else ()
    return {row[0]: Published._make(row) for row in rows}

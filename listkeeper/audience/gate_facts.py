"""What the gate knows of a person, her subscription, its words and its list: values, read as they stand now.

Not the rows themselves: a letter to a million people passes the gate a million times, and making a changeable
object of each row takes longer than deciding about it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import and_, bindparam, select
from sqlalchemy.orm import Session

from listkeeper.audience import suppression
from listkeeper.audience.consent_text import ConsentText
from listkeeper.audience.mailing_list import ListState, MailingList
from listkeeper.audience.proof.ledger import LedgerHead
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Basis, Frequency, Subscription, SubscriptionState
from listkeeper.audience.suppression import Suppression
from listkeeper.foundation.among import among
from listkeeper.foundation.columns import UtcDateTime
from listkeeper.foundation.compiled_once import CompiledOnce
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


class End(NamedTuple):
    """The end of a ledger: how far it has come, when (milliseconds), and whether a witness contradicts it."""

    organisation_id: int
    seq: int
    at: int
    forked_at: datetime | None


def _columns(table: type[Table], fact: Any) -> list[Any]:  # noqa: ANN401 - one of the classes above
    return [table.__table__.c[name] for name in fact._fields]


# The tables themselves, not what is mapped onto them: nothing of this becomes an object.
_subscriber, _suppression = Subscriber.__table__.c, Suppression.__table__.c


# Locked as ``subscriber.hold_all`` locks, in id order, so that two workers never wait for each other in a circle.
_PEOPLE = CompiledOnce(
    select(*_columns(Subscriber, Person))
    .where(among(_subscriber.id, "ids"))
    .order_by(_subscriber.id)
    .with_for_update(of=Subscriber.__table__, key_share=True)
)
# Of all lists they are on: asked for a list as well, SQLite might look through everybody on it.
_HELD = CompiledOnce(
    select(*_columns(Subscription, Held)).where(among(Subscription.__table__.c.subscriber_id, "people"))
)
_LISTS = CompiledOnce(select(*_columns(MailingList, ListRules)).where(among(MailingList.__table__.c.id, "ids")))
_TEXTS = CompiledOnce(select(*_columns(ConsentText, Published)).where(among(ConsentText.__table__.c.id, "ids")))
_ENDS = CompiledOnce(select(*_columns(LedgerHead, End)).where(among(LedgerHead.__table__.c.organisation_id, "ids")))
_SCOPES = CompiledOnce(
    select(_suppression.key, _suppression.scope)
    .join(
        Subscriber.__table__,
        and_(
            _subscriber.suppression_key == _suppression.key, _subscriber.organisation_id == _suppression.organisation_id
        ),
    )
    .where(among(_subscriber.id, "ids"), suppression.live(bindparam("moment", type_=UtcDateTime)))
)


def people(session: Session, ids: Iterable[int | None]) -> dict[int | None, Person]:
    """Lock these subscribers in id order and return them."""
    wanted = sorted({number for number in ids if number is not None})
    rows = _PEOPLE.rows(session.connection(), {"ids": wanted}) if wanted else ()
    return {row[0]: Person._make(row) for row in rows}


def held(
    session: Session, subscribers: Collection[int | None], lists: Collection[int | None]
) -> dict[tuple[int | None, int | None], Held]:
    """Return the subscriptions of these people to these lists, by subscriber and list."""
    if not subscribers or not lists:
        return {}
    rows = _HELD.rows(session.connection(), {"people": subscribers})
    return {(row[1], row[2]): Held._make(row) for row in rows if row[2] in lists}


def lists(session: Session, ids: Iterable[int | None]) -> dict[int | None, ListRules]:
    """Return these lists."""
    wanted = {number for number in ids if number is not None}
    rows = _LISTS.rows(session.connection(), {"ids": wanted}) if wanted else ()
    return {row[0]: ListRules._make(row) for row in rows}


def texts(session: Session, ids: Iterable[int | None]) -> dict[int | None, Published]:
    """Return these consent texts."""
    wanted = {number for number in ids if number is not None}
    rows = _TEXTS.rows(session.connection(), {"ids": wanted}) if wanted else ()
    return {row[0]: Published._make(row) for row in rows}


def ends(session: Session, organisations: Iterable[int]) -> dict[int, End]:
    """Return how far the ledgers of these organisations have come."""
    rows = _ENDS.rows(session.connection(), {"ids": organisations})
    return {row[0]: End._make(row) for row in rows}


def scopes(session: Session, subscribers: Collection[int | None], moment: datetime) -> dict[str, set[str]]:
    """Return the scopes of the suppressions that cover these people at a moment, by suppression key."""
    found: dict[str, set[str]] = {}
    if subscribers:
        for key, scope in _SCOPES.rows(session.connection(), {"ids": subscribers, "moment": moment}):
            found.setdefault(key, set()).add(scope)
    return found

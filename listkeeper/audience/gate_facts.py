"""What the gate knows of a person, her subscription, its words and its list: values, read as they stand now.

Not the rows themselves: a letter to a million people passes the gate a million times, and making a changeable
object of each row takes longer than deciding about it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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
from listkeeper.foundation.compiled_once import CompiledOnce, rows_of_each
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
    renewed_at: datetime | None
    # The consent text she agreed to: since when it is public, and by which row of the ledger.
    text_published_at: datetime | None
    text_ledger_seq: int | None


class ListRules(NamedTuple):
    """The list, as far as it says who may be written to."""

    id: int
    organisation_id: int
    purpose: str
    state: ListState
    jurisdiction: str
    least_age: int


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
_held, _text = Subscription.__table__.c, ConsentText.__table__.c


# Locked as ``subscriber.hold_all`` locks, in id order, so that two workers never wait for each other in a circle.
_PEOPLE = CompiledOnce(
    select(*_columns(Subscriber, Person))
    .where(among(_subscriber.id, "ids"))
    .order_by(_subscriber.id)
    .with_for_update(of=Subscriber.__table__, key_share=True)
)
# Of all lists they are on: asked for a list as well, SQLite might look through everybody on it.
_HELD = CompiledOnce(
    select(*(_held[name] for name in Held._fields if name in _held), _text.published_at, _text.ledger_seq)
    .outerjoin_from(Subscription.__table__, ConsentText.__table__, _text.id == _held.consent_text_id)
    .where(among(_held.subscriber_id, "ids"))
)
_LISTS = CompiledOnce(select(*_columns(MailingList, ListRules)).where(among(MailingList.__table__.c.id, "ids")))
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


class Facts(NamedTuple):
    """What one look finds, by the numbers it was asked with; ``scopes`` are those of suppressions, by their key."""

    people: dict[int | None, Person]
    held: dict[tuple[int | None, int | None], Held]
    lists: dict[int | None, ListRules]
    scopes: dict[str, set[str]]
    ends: dict[int, End]


def look(session: Session, about: Sequence[tuple[int | None, int | None, int]], moment: datetime) -> Facts:
    """Lock subscribers in id order, and return what is known of them, of lists and of the ledgers of organisations.

    Suppressions are those that are live at the moment.
    """
    people, on = _numbers(person for person, _, _ in about), set(_numbers(number for _, number, _ in about))
    by_person, wanted, of = {"ids": people}, {"ids": list(on)}, {"ids": _numbers(owner for _, _, owner in about)}
    # The subscribers first: whoever changes what is asked of them afterwards has locked them as well.
    asked = (_PEOPLE, by_person), (_HELD, by_person), (_LISTS, wanted), (_SCOPES, {**by_person, "moment": moment})
    found, subscriptions, rules, suppressed, ends = rows_of_each(session.connection(), *asked, (_ENDS, of))
    scopes: dict[str, set[str]] = {}
    for key, scope in suppressed:
        scopes.setdefault(key, set()).add(scope)
    return Facts(
        {row[0]: Person._make(row) for row in found},
        {(row[1], row[2]): Held._make(row) for row in subscriptions if row[2] in on},
        {row[0]: ListRules._make(row) for row in rules},
        scopes,
        {row[0]: End._make(row) for row in ends},
    )


def _numbers(given: Iterable[int | None]) -> list[int]:
    return sorted({number for number in given if number is not None})

"""Posting: events that the owner's shop tells us are read, tied to a person and a letter, and stored once each.

A batch is stored in a few statements, however long it is, and each of its
events has an outcome of its own: one that cannot be read keeps no other from
being stored. Nobody becomes a subscriber by it, and no permission follows.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select, tuple_
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session

from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import activity, event_count, posted_event
from listkeeper.audience.activity import Act, ActivityKind
from listkeeper.audience.posted_event import LONGEST_ID, POSTED, REFUND, PostedEvent
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Subscription, SubscriptionState
from listkeeper.foundation import clock, language, money, outbox, signing
from listkeeper.foundation.errors import Invalid
from listkeeper.foundation.outbox import Lane
from listkeeper.standards import address_fast

MOST_AT_ONCE = 1_000
_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
_AHEAD = timedelta(days=1)
_MOST_MONEY = 10**13

# What a link's parameter names: the letter, and whose it was where she lets that be seen (``conversion_ref``).
Referred = tuple[int, int | None]
ReadRefs = Callable[[Session, Collection[str]], Mapping[str, Referred]]


@dataclass(frozen=True)
class Told:
    """One event as it was told; ``person`` is an address or a public id, ``at`` a moment as text."""

    name: str
    person: str = ""
    at: str = ""
    external_id: str = ""
    amount: int | None = None
    currency: str = ""
    ref: str = ""


class Outcome(StrEnum):
    """What became of one event. ``known``: it was told before, and nothing was stored again."""

    STORED = "stored"
    KNOWN = "known"
    UNKNOWN = "unknown"
    CONFLICT = "conflict"
    INVALID = "invalid"


@dataclass(frozen=True)
class Answer:
    """What became of one event, with a code and a sentence where it was not stored."""

    outcome: Outcome
    code: str = ""
    message: str = ""


@dataclass(frozen=True)
class _Row:
    """An event that could be read, before anybody looked whose it is."""

    told: Told
    at: datetime
    key: str
    public_id: str
    campaign_id: int
    referred: int | None
    currency: str | None


@dataclass(frozen=True)
class _Ready:
    """An event with its person, under the number that makes it the same thing told twice."""

    row: _Row
    subscriber_id: int | None
    external_id: str

    @property
    def apart(self) -> bool:
        """Whether its letter counts it without her: the mark names nobody, or somebody else than the shop does."""
        return bool(self.row.campaign_id) and self.subscriber_id != self.row.referred

    @property
    def campaign_id(self) -> int:
        """The letter that is written down beside her; 0 for none."""
        return 0 if self.apart else self.row.campaign_id


def post(
    session: Session, organisation: Organisation, told: Sequence[Told], *, zone: str, read_refs: ReadRefs | None = None
) -> list[Answer]:
    """Store events and return what became of each, in their order; told twice they are stored once.

    ``zone`` is by whose clocks a moment without an offset is meant. Raises Invalid for more than 1,000 at once.
    """
    if len(told) > MOST_AT_ONCE:
        raise Invalid(
            "too_many",
            language.text("Please post at most %(most)s events at once.", most=language.number(MOST_AT_ONCE)),
        )
    # What links' parameters name: the letter, and perhaps the person; one that cannot be read names none.
    referred = read_refs(session, {each.ref for each in told if each.ref}) if read_refs is not None else {}
    answers: dict[int, Answer] = {}
    rows: dict[int, _Row] = {}
    for place, each in enumerate(told):
        try:
            rows[place] = _read(each, zone, referred.get(each.ref, (0, None)))
        except Invalid as problem:
            answers[place] = Answer(Outcome.INVALID, problem.code, problem.message)
    people = _people(session, organisation, rows.values())
    ready: dict[int, _Ready] = {}
    for place, row in rows.items():
        person = people.get(row.key or row.public_id) if row.key or row.public_id else row.referred
        if person is None and (row.key or row.public_id or not row.campaign_id):
            answers[place] = _unknown()
        else:
            ready[place] = _Ready(row, person, row.told.external_id.strip() or _own_number(row, person))
    answers |= _stored(session, organisation, ready)
    return [answers[place] for place in range(len(told))]


def _read(told: Told, zone: str, referred: Referred) -> _Row:
    """Return an event as values. Raises Invalid with what is wrong with it."""
    if not posted_event.NAME.fullmatch(told.name):
        raise Invalid(
            "event_name",
            language.text("The name of an event has 1 to 40 small letters, digits, hyphens or underscores."),
        )
    number = told.external_id.strip()
    if len(number) > LONGEST_ID or not number.isprintable():
        raise Invalid("event_id", language.text("The id of an event has at most 100 characters, on one line."))
    person = told.person.strip()
    key = address_fast.parse(person).key if "@" in person else ""
    campaign_id, reader = referred
    if not person and not number and reader is None:
        raise Invalid("event_of_nobody", language.text("Please say whose event it is, or give it an id of its own."))
    return _Row(told, _moment(told.at, zone), key, "" if key else person, campaign_id, reader, _currency(told))


def _moment(written: str, zone: str) -> datetime:
    now = clock.now()
    if not written.strip():
        return now
    try:
        said = datetime.fromisoformat(written.strip())
        moment = said.replace(tzinfo=said.tzinfo or ZoneInfo(zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise Invalid("event_moment", language.text("Please write the moment as 2026-12-24T09:00:00+01:00.")) from None
    if not _EARLIEST <= moment <= now + _AHEAD:
        raise Invalid(
            "event_moment_absurd",
            language.text("An event happened after 1999, and at most a day from now. Please look at its moment again."),
        )
    # Whole milliseconds, as they are told back; so the same moment told twice is the same one.
    return clock.of_milliseconds(clock.in_milliseconds(moment))


def _currency(told: Told) -> str | None:
    if told.amount is None and not told.currency:
        return None
    if told.amount is None or not told.currency:
        raise Invalid("event_money", language.text("An amount needs its currency, and a currency its amount."))
    if not 0 <= told.amount < _MOST_MONEY:
        raise Invalid(
            "event_amount",
            language.text("An amount is a whole number of the smallest coin and not negative; money back is “refund”."),
        )
    return money.checked(told.currency)


def _people(session: Session, organisation: Organisation, rows: Iterable[_Row]) -> dict[str, int]:
    """Return the people who are named, by address key or public id; erased ones are nobody."""
    found: dict[str, int] = {}
    named = list(rows)
    for column, wanted in (
        (Subscriber.email_key, {row.key for row in named if row.key}),
        (Subscriber.public_id, {row.public_id for row in named if row.public_id}),
    ):
        if wanted:
            query = select(column, Subscriber.id).where(
                Subscriber.organisation_id == organisation.id, Subscriber.erased_at.is_(None), column.in_(wanted)
            )
            found |= {row[0]: row[1] for row in session.execute(query)}
    return found


def _unknown() -> Answer:
    sentence = language.text("There is nobody with this address on your lists. Nothing was stored.")
    return Answer(Outcome.UNKNOWN, "no_subscriber", sentence)


def _own_number(row: _Row, person: int | None) -> str:
    """Return a number for an event that has none: the same person, name, moment and money are the same event."""
    said = f"{person}:{clock.in_milliseconds(row.at)}:{row.told.amount}:{row.currency}"
    return f"own:{signing.digest(said)}"


def _stored(session: Session, organisation: Organisation, ready: dict[int, _Ready]) -> dict[int, Answer]:
    """Store what is new, and tell what was known, or is something else under a number that is taken."""
    first: dict[tuple[str, str], int] = {}
    for place, each in ready.items():
        first.setdefault((each.row.told.name, each.external_id), place)
    known = _known(session, organisation, first)
    fresh = {name: place for name, place in first.items() if name not in known}
    made = _insert(session, organisation, [ready[place] for place in fresh.values()])
    _count_apart(session, [ready[fresh[name]] for name in made])
    _follow(session, made, {name: ready[place] for name, place in fresh.items()})
    if len(made) < len(fresh):
        # Somebody else has just stored them.
        known |= _known(session, organisation, fresh)
    answers: dict[int, Answer] = {}
    for place, each in ready.items():
        name = (each.row.told.name, each.external_id)
        if name in made and fresh.get(name) == place:
            answers[place] = Answer(Outcome.STORED)
        elif name in made:
            answers[place] = _again(each, _as_stored(ready[fresh[name]]))
        else:
            answers[place] = _again(each, known[name])
    return answers


_Stored = tuple[int | None, datetime, int | None, str | None, int]


def _known(
    session: Session, organisation: Organisation, names: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], _Stored]:
    """Return what is stored under some numbers; what is of nobody any more is known by what stands for its number."""
    spelled: dict[tuple[str, str], tuple[str, str]] = {}
    for name, number in names:
        spelled[name, number] = spelled[name, posted_event.forgotten_name(organisation.id, name, number)] = name, number
    row = PostedEvent
    query = select(row.name, row.external_id, row.subscriber_id, row.at, row.amount, row.currency, row.campaign_id)
    query = query.where(row.organisation_id == organisation.id, tuple_(row.name, row.external_id).in_(list(spelled)))
    if not spelled:
        return {}
    return {spelled[each[0], each[1]]: (each[2], each[3], each[4], each[5], each[6]) for each in session.execute(query)}


def _as_stored(each: _Ready) -> _Stored:
    return each.subscriber_id, each.row.at, each.row.told.amount, each.row.currency, each.campaign_id


def _again(each: _Ready, stored: _Stored) -> Answer:
    """Tell whether an event is the one that is stored; a moment not told, or a person forgotten, makes it no other."""
    mine = _as_stored(each)
    # Of nobody's, or nobody's any more, the letter may be written down or counted apart.
    letter = stored[4] == mine[4] or (stored[0] is None and stored[4] in {0, each.row.campaign_id})
    same = letter and mine[2:4] == stored[2:4] and (stored[0] is None or mine[0] == stored[0])
    if same and (not each.row.told.at.strip() or mine[1] == stored[1]):
        return Answer(Outcome.KNOWN)
    sentence = language.text("Another event was posted under this id before. That one stays; nothing was stored.")
    return Answer(Outcome.CONFLICT, "event_differs", sentence)


def _insert(session: Session, organisation: Organisation, rows: Sequence[_Ready]) -> dict[tuple[str, str], int]:
    """Store rows and return the numbers of those that were new."""
    if not rows:
        return {}
    now = clock.now()
    values: list[dict[str, Any]] = [
        {
            "organisation_id": organisation.id,
            "subscriber_id": each.subscriber_id,
            "name": each.row.told.name,
            "external_id": each.external_id,
            "at": each.row.at,
            "received_at": now,
            "amount": each.row.told.amount,
            "currency": each.row.currency,
            "campaign_id": each.campaign_id,
            "apart": each.apart,
        }
        for each in rows
    ]
    insert = postgresql_insert if session.get_bind().dialect.name == "postgresql" else sqlite_insert
    adding = insert(PostedEvent).on_conflict_do_nothing()
    added = session.execute(adding.returning(PostedEvent.name, PostedEvent.external_id, PostedEvent.id), values)
    return {(row[0], row[1]): row[2] for row in added}


def _count_apart(session: Session, made: Iterable[_Ready]) -> None:
    """Count for their letters what is not written down as theirs."""
    amounts: dict[event_count.Key, list[int]] = {}
    for each in made:
        if each.apart:
            key = event_count.Key(each.row.campaign_id, each.row.told.name, each.row.currency or "")
            amounts.setdefault(key, []).append(each.row.told.amount or 0)
    event_count.add(session, amounts)


def _follow(session: Session, made: dict[tuple[str, str], int], ready: dict[tuple[str, str], _Ready]) -> None:
    """Write down that people bought something, on each list they are on, and the fact that wakes follow-ups."""
    hers = {name: ready[name] for name in made if ready[name].subscriber_id is not None}
    outbox.write_all(session, POSTED, [made[name] for name in hers], Lane.BACKGROUND)
    bought = [each for each in hers.values() if each.row.told.name != REFUND]
    people = {each.subscriber_id for each in bought}
    query = select(Subscription.subscriber_id, Subscription.list_id).where(
        Subscription.subscriber_id.in_(people), Subscription.state == SubscriptionState.CONFIRMED
    )
    lists: dict[int, list[int]] = {}
    for person, number in session.execute(query) if people else ():
        lists.setdefault(person, []).append(number)
    activity.note(
        session,
        [
            Act(each.subscriber_id, number, ActivityKind.BOUGHT, each.row.at, each.campaign_id)
            for each in bought
            if each.subscriber_id is not None
            for number in lists.get(each.subscriber_id, ())
        ],
    )

"""The demo's list, form and people: made in batches, marked as demo in every row, and taken away again.

What the rows say is what real signups would have left behind, but for the
method of their consent events, which is ``demo``: no record claims an act
that nobody did.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count, islice
from typing import Any

from sqlalchemy import Select, insert, select
from sqlalchemy.orm import Session

from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import mailing_list, signup_form, suppression
from listkeeper.audience.consent import ConsentEvent, EventKind, Method
from listkeeper.audience.demo_cafe import Cafe
from listkeeper.audience.mailing_list import MailingList
from listkeeper.audience.signup_form import ShownForm
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Basis, Frequency, Subscription, SubscriptionState
from listkeeper.audience.suppression import Reason, Suppression
from listkeeper.foundation import clock, ids, language
from listkeeper.foundation.table import Table

# How long ago the first one signed up.
HISTORY = timedelta(days=240)
_BATCH = 1000
_RECENT = timedelta(days=5)
_DAY = timedelta(days=1)
# Every fifth and every third person told a first name: letters must read well without one.
_NAMED = (3, 5)
_SEED = 2606


@dataclass(frozen=True)
class Crowd:
    """How many people a demo has, in each state."""

    confirmed: int
    unsubscribed: int
    pending: int

    @property
    def total(self) -> int:
        """All of them."""
        return self.confirmed + self.unsubscribed + self.pending


def crowd_of(confirmed: int) -> Crowd:
    """Return a believable crowd around a number of confirmed people: some have left, some never answered."""
    return Crowd(confirmed, unsubscribed=confirmed * 6 // 100, pending=confirmed * 3 // 100)


@dataclass(frozen=True)
class _Story:
    """What one invented person did, and when."""

    first_name: str
    address: str
    named: bool
    asked_at: datetime
    given_at: datetime | None
    left_at: datetime | None

    @property
    def state(self) -> SubscriptionState:
        if self.given_at is None:
            return SubscriptionState.PENDING
        return SubscriptionState.CONFIRMED if self.left_at is None else SubscriptionState.UNSUBSCRIBED


def is_here(session: Session, organisation: Organisation) -> bool:
    """Return whether the organisation has a demo, or what is left of one."""
    lists = select(MailingList.id).where(MailingList.organisation_id == organisation.id, MailingList.demo.is_(True))
    people = select(Subscriber.id).where(Subscriber.organisation_id == organisation.id, Subscriber.demo.is_(True))
    return any(session.scalar(query.limit(1)) is not None for query in (lists, people))


def open_list(session: Session, organisation: Organisation, cafe: Cafe) -> ShownForm:
    """Make the demo's list and its form, as old as its oldest signup."""
    made = mailing_list.create(session, organisation, name=_free_name(session, organisation, cafe.list_name), demo=True)
    form = signup_form.create(session, organisation, made)
    version = signup_form.newest(session, form)
    since = clock.now() - HISTORY - _DAY
    made.created_at = form.created_at = version.published_at = version.consent_text.published_at = since
    session.flush()
    return signup_form.describe(session, version)


def _free_name(session: Session, organisation: Organisation, wanted: str) -> str:
    taken = {row.slug for row in mailing_list.all_of(session, organisation)}
    names = (wanted, f"{wanted} (demo)", *(f"{wanted} (demo {number})" for number in range(2, len(taken) + 3)))
    return next(name for name in names if mailing_list.slug_of(name) not in taken)


def add_people(session: Session, shown: ShownForm, cafe: Cafe, crowd: Crowd, tell: Callable[[int], None]) -> None:
    """Store a crowd in batches, oldest signup first; ``tell`` hears how many are stored so far."""
    stories = _stories(_free_people(session, shown.organisation, cafe), crowd)
    stored = 0
    while batch := list(islice(stories, _BATCH)):
        _store(session, shown, batch)
        stored += len(batch)
        tell(stored)


def _free_people(session: Session, organisation: Organisation, cafe: Cafe) -> Iterator[tuple[str, str]]:
    """Yield names and addresses without end, leaving out addresses that a real subscriber has."""
    # Asked once: somebody who tried the form with an address like these is rare, and nobody real has one.
    query = select(Subscriber.email_key).where(
        Subscriber.organisation_id == organisation.id, Subscriber.email_key.endswith(".example")
    )
    taken = set(session.scalars(query))
    return (person for person in map(cafe.person, count()) if person[1] not in taken)


def _stories(people: Iterator[tuple[str, str]], crowd: Crowd) -> Iterator[_Story]:
    # Seeded: the same demo everywhere, so that what one person sees another can look up.
    draw = random.Random(_SEED)  # noqa: S311 - a story, not a secret
    now = clock.now()
    settled = crowd.confirmed + crowd.unsubscribed
    for number, (first_name, address) in enumerate(islice(people, crowd.total)):
        named = number % _NAMED[1] < _NAMED[0]
        if number >= settled:
            asked = now - _RECENT * draw.uniform(0.05, 1)
            yield _Story(first_name, address, named, asked, None, None)
            continue
        asked = _in_daytime(now - HISTORY * (1 - ((number + draw.random()) / settled) ** 0.5), now, draw)
        given = asked + timedelta(seconds=draw.randrange(40, 5400))
        # Spread evenly: one more has left whenever the share of those who left passes the next whole number.
        leaves = number * crowd.unsubscribed // settled != (number + 1) * crowd.unsubscribed // settled
        left = given + (now - given) * draw.uniform(0.1, 0.95) if leaves else None
        yield _Story(first_name, address, named, asked, given, left)


def _in_daytime(moment: datetime, now: datetime, draw: random.Random) -> datetime:
    """Move a moment to an hour at which people are awake, and at least two hours into the past."""
    chosen = moment.replace(hour=draw.randrange(7, 22), minute=draw.randrange(60), second=draw.randrange(60))
    return chosen if chosen < now - timedelta(hours=2) else chosen - _DAY


def _store(session: Session, shown: ShownForm, batch: list[_Story]) -> None:
    people = [_person(shown, story) for story in batch]
    told = list(zip(batch, people, strict=True))
    events: list[dict[str, Any]] = []
    for story, row in told:
        acts = ((EventKind.REQUESTED, story.asked_at), (EventKind.GIVEN, story.given_at))
        left = ((EventKind.WITHDRAWN, story.left_at),)
        events += [_event(shown, row, kind, at) for kind, at in (*acts, *left) if at is not None]
    _add_rows(session, Subscriber, people)
    _add_rows(session, ConsentEvent, events)
    _add_rows(session, Suppression, [_suppression(shown, row, story.left_at) for story, row in told if story.left_at])
    refs = [row["subject_ref"] for row in people]
    numbers = _by_ref(session, select(Subscriber.subject_ref, Subscriber.id).where(Subscriber.subject_ref.in_(refs)))
    given = select(ConsentEvent.subject_ref, ConsentEvent.id).where(ConsentEvent.kind == EventKind.GIVEN)
    cited = _by_ref(session, given.where(ConsentEvent.subject_ref.in_(refs)))
    rows = [_subscription(shown, story, numbers[ref], cited.get(ref)) for story, ref in zip(batch, refs, strict=True)]
    _add_rows(session, Subscription, rows)


def _by_ref(session: Session, query: Select[str, int]) -> dict[str, int]:
    return {row[0]: row[1] for row in session.execute(query)}


def _add_rows(session: Session, kind: type[Table], rows: list[dict[str, Any]]) -> None:
    """Insert many rows at once; as objects they would take twice as long and all the memory."""
    if rows:
        session.execute(insert(kind.metadata.tables[kind.__tablename__]), rows)


def _person(shown: ShownForm, story: _Story) -> dict[str, Any]:
    return {
        "organisation_id": shown.organisation.id,
        "subject_ref": ids.subject_reference(),
        "email_send": story.address,
        # Small ASCII letters only, so the identity key is the address itself.
        "email_key": story.address,
        "suppression_key": suppression.key_of(shown.organisation.id, story.address),
        "language": language.known(shown.form.language),
        "profile": {"first_name": story.first_name} if story.named else {},
        "demo": True,
        "created_at": story.asked_at,
    }


def _event(shown: ShownForm, person: dict[str, Any], kind: EventKind, at: datetime | None) -> dict[str, Any]:
    return {
        "organisation_id": shown.organisation.id,
        "subject_ref": person["subject_ref"],
        "list_id": shown.mailing_list.id,
        "kind": kind,
        "method": Method.DEMO,
        "at": at,
        "consent_text_id": shown.text.id,
        "form_version_id": shown.version.id,
        "demo": True,
        "actor": "system",
        "basis": "",
        "purpose": shown.mailing_list.purpose,
    }


def _subscription(shown: ShownForm, story: _Story, subscriber_id: int, event_id: int | None) -> dict[str, Any]:
    return {
        "subscriber_id": subscriber_id,
        "list_id": shown.mailing_list.id,
        "state": story.state,
        "basis": Basis.NONE if event_id is None else Basis.CONSENT,
        "consent_event_id": event_id,
        "consent_text_id": None if event_id is None else shown.text.id,
        "since": story.left_at or story.given_at or story.asked_at,
        "purpose": shown.mailing_list.purpose,
        "double_opt_in": event_id is not None,
        "categories": [],
        "topics": [],
        "frequency": Frequency.ALL,
    }


def _suppression(shown: ShownForm, person: dict[str, Any], at: datetime | None) -> dict[str, Any]:
    return {
        "organisation_id": shown.organisation.id,
        "key": person["suppression_key"],
        "scope": suppression.list_scope(shown.mailing_list.id),
        "reason": Reason.UNSUBSCRIBED,
        "actor": "system",
        "created_at": at,
        # Nobody real has left, so there is nothing for the journal to remember.
        "journaled": True,
    }

"""Rows meet what is already known: new, updated, unchanged, suppressed, kept without evidence, or rejected.

One look at the database for a whole chunk, then a decision a row. Nothing that
is decided here raises a state that somebody left by an act: the one way up is
from ``imported_unverified``, by evidence.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.audience import suppression
from listkeeper.audience.importing import bulk
from listkeeper.audience.importing.sealing import OPTED_OUT, REJECTED, Candidate
from listkeeper.audience.importing.sources import Standing
from listkeeper.audience.importing.verdict import Outcome
from listkeeper.audience.mailing_list import MailingList
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Subscription, SubscriptionState
from listkeeper.audience.suppression import Reason
from listkeeper.foundation import clock

S = SubscriptionState
# What a standing elsewhere means here, and what a subscription on the list then becomes (None: it stays).
REASONS: dict[Standing, tuple[Reason, SubscriptionState | None]] = {
    Standing.UNSUBSCRIBED: (Reason.UNSUBSCRIBED, S.UNSUBSCRIBED),
    Standing.COMPLAINED: (Reason.COMPLAINT, S.COMPLAINED),
    Standing.BOUNCED: (Reason.HARD_BOUNCE, S.BOUNCED),
    # Blocked or put aside by its owner, for reasons unknown: that says nothing about what the person wants.
    Standing.DISABLED: (Reason.MANUAL, None),
    Standing.INACTIVE: (Reason.MANUAL, None),
}
# States that a person, or a mailbox, has ended: no file brings anybody back.
_ENDED = frozenset({S.UNSUBSCRIBED, S.COMPLAINED, S.BOUNCED, S.REFUSED, S.LAPSED, S.EXPIRED})
DUPLICATE = "duplicate"


@dataclass(slots=True)
class Known:
    """A person as the database, or an earlier row of this chunk, knows her."""

    subscriber_id: int
    subject: str
    # What she told, as JSON; most rows never need it taken apart.
    profile: str
    erased: bool = False
    # The row of her subscription to this list and its state; None when there never was one.
    subscription: Any = None
    state: SubscriptionState | None = None
    # Whether this very chunk brought her, and onto this list.
    brought: bool = False
    joined: bool = False


@dataclass(slots=True)
class Decision:
    """What becomes of one row."""

    row: Candidate
    outcome: Outcome
    reason: str
    known: Known | None = None
    # What is missing in her profile and the row has.
    fills: dict[str, str] | None = None
    makes_subscriber: bool = False
    makes_subscription: bool = False
    # The subscription becomes confirmed by this row's evidence.
    raises: bool = False

    @property
    def subject(self) -> str:
        """The person's reference; empty when the row leads to nobody."""
        return self.known.subject if self.known is not None else ""


@dataclass(frozen=True)
class Seen:
    """What one look found for the keys of a chunk."""

    known: dict[str, Known]
    suppressed: dict[str, str]


def look(session: Session, mailing_list: MailingList, keys: Iterable[str], *, lock: bool, people: bool = True) -> Seen:
    """Find who is known and who is suppressed, by the keyed hashes of a chunk; ``lock`` their rows as the gate does.

    Without ``people`` nobody is taken to be known: then the database refuses whoever is.
    """
    wanted = set(keys) - {""}
    if not wanted:
        return Seen({}, {})
    known = _people(session, mailing_list, wanted, lock=lock) if people else {}
    return Seen(known, suppressed_among(session, mailing_list, wanted))


def _people(session: Session, mailing_list: MailingList, wanted: set[str], *, lock: bool) -> dict[str, Known]:
    query = (
        select(Subscriber)
        .where(
            Subscriber.organisation_id == mailing_list.organisation_id,
            bulk.among(session, Subscriber.suppression_key, wanted),
        )
        .order_by(Subscriber.id)
        .execution_options(populate_existing=True)
    )
    people = list(session.scalars(query.with_for_update() if lock else query))
    held = {row.subscriber_id: row for row in _subscriptions(session, mailing_list, [one.id for one in people])}
    found = {}
    for person in people:
        current = held.get(person.id)
        found[person.suppression_key] = Known(
            person.id, person.subject_ref, json.dumps(person.profile), person.erased_at is not None, current,
            current.state if current is not None else None,
        )  # fmt: skip
    return found


def _subscriptions(session: Session, mailing_list: MailingList, people: list[int]) -> Sequence[Subscription]:
    query = select(Subscription).where(Subscription.list_id == mailing_list.id, Subscription.subscriber_id.in_(people))
    return session.scalars(query.execution_options(populate_existing=True)).all() if people else []


def suppressed_among(session: Session, mailing_list: MailingList, wanted: set[str]) -> dict[str, str]:
    """Return the reason for which letters to this list may not go, by key."""
    row = suppression.Suppression
    query = select(row.key, row.reason).where(
        row.organisation_id == mailing_list.organisation_id,
        bulk.among(session, row.key, wanted),
        row.scope.in_(suppression.marketing_scopes(mailing_list.id, mailing_list.purpose)),
        row.lifted_at.is_(None),
        row.until.is_(None) | (row.until > clock.now()),
    )
    return {found[0]: found[1].value for found in session.execute(query.order_by(row.id.desc()))}


def decide(rows: Sequence[Candidate], seen: Seen) -> list[Decision]:
    """Decide about each row of a chunk, in order."""
    return [_one(row, seen) for row in rows]


def _one(row: Candidate, seen: Seen) -> Decision:
    if row.kind == REJECTED:
        return Decision(row, Outcome.REJECTED, row.reason)
    known = seen.known.get(row.key)
    if row.kind == OPTED_OUT:
        return Decision(row, Outcome.SUPPRESSED, REASONS[Standing(row.standing)][0].value, known)
    if row.key in seen.suppressed:
        return Decision(row, Outcome.SUPPRESSED, seen.suppressed[row.key], known)
    if known is None:
        return _brought(row, seen)
    if known.erased:  # pragma: no cover - an erased person's row is deleted, and her hash is suppressed
        return Decision(row, Outcome.SUPPRESSED, Reason.ERASURE.value)
    return _about_known(row, known)


def _brought(row: Candidate, seen: Seen) -> Decision:
    """Bring in somebody whom nobody knew."""
    made = Known(0, row.subject, row.profile)
    made.brought = True
    seen.known[row.key] = made
    return _onto_list(row, made)


def _onto_list(row: Candidate, known: Known) -> Decision:
    known.joined = True
    known.state = S.CONFIRMED if row.evidenced else S.IMPORTED_UNVERIFIED
    outcome = Outcome.NEW if row.evidenced else Outcome.UNVERIFIED
    return Decision(row, outcome, row.reason, known, None, known.subscriber_id == 0, makes_subscription=True)


def _about_known(row: Candidate, known: Known) -> Decision:
    fills = _missing(row, known)
    if known.state is None:
        found = _onto_list(row, known)
        found.fills = fills
        return found
    if known.state in _ENDED:
        return Decision(row, Outcome.SUPPRESSED, known.state.value, known)
    raises = row.evidenced and known.state is S.IMPORTED_UNVERIFIED
    if not raises and not fills:
        return Decision(row, Outcome.UNCHANGED, DUPLICATE if known.joined else "", known)
    if raises:
        known.state = S.CONFIRMED
    return Decision(row, Outcome.UPDATED, "evidence" if raises else "profile", known, fills, raises=raises)


def _missing(row: Candidate, known: Known) -> dict[str, str]:
    """Return what the row adds to her profile; what she, or an earlier file, said stays as it is."""
    if row.profile == "{}":
        return {}
    if row.profile == known.profile:
        return {}
    told: dict[str, str] = json.loads(row.profile)
    held: dict[str, Any] = json.loads(known.profile)
    fills = {name: value for name, value in told.items() if name not in held}
    known.profile = json.dumps(held | fills, ensure_ascii=False)
    return fills

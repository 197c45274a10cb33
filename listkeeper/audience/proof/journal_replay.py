"""Doing again what a restored backup has forgotten: erasures, suppressions and restraints that the journal remembers.

Permission only shrinks here. A line that the database knows already, also as
one that the person herself has lifted since, does nothing; so the whole
journal can be replayed at any time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path

from sqlalchemy import ColumnElement, false, insert, select, true
from sqlalchemy.orm import Session

from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import consent, erasure, subscription, suppression
from listkeeper.audience.consent import Circumstances, EventKind, Method
from listkeeper.audience.erasure import ForgetCopies
from listkeeper.audience.proof import ledger, restraint
from listkeeper.audience.proof.ledger import Event, EventType
from listkeeper.audience.proof.restraint import Restrained
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Subscription, SubscriptionState
from listkeeper.audience.suppression import Reason, Suppression
from listkeeper.foundation import clock, journal_file
from listkeeper.foundation.errors import Invalid

_AT_ONCE = 500
_ACTOR = "journal"
# What a subscription becomes; every other reason means that she left.
_BECOMES = {
    Reason.COMPLAINT: SubscriptionState.COMPLAINED,
    Reason.HARD_BOUNCE: SubscriptionState.BOUNCED,
    Reason.NOT_ME: SubscriptionState.REFUSED,
}
# What the ledger calls it; a bounce is no word of the person.
_KINDS = {
    SubscriptionState.COMPLAINED: EventKind.COMPLAINED,
    SubscriptionState.REFUSED: EventKind.REFUSED,
    SubscriptionState.UNSUBSCRIBED: EventKind.WITHDRAWN,
}


@dataclass(frozen=True)
class Replayed:
    """What the database had forgotten."""

    erased: int = 0
    suppressed: int = 0
    unsubscribed: int = 0
    restrained: Restrained = field(default_factory=Restrained)


@dataclass(frozen=True)
class _Remembered:
    """A suppression as the journal has it."""

    organisation_id: int
    key: str
    scope: str
    reason: Reason
    until: datetime | None
    at: int

    @property
    def name(self) -> tuple[int, str, str, Reason, int]:
        """What makes it the same suppression."""
        return self.organisation_id, self.key, self.scope, self.reason, self.at


def replay(
    session: Session, folder: Path, forget_copies: ForgetCopies, tell: Callable[[int], None] = lambda _lines: None
) -> Replayed:
    """Replay the journal in the caller's transaction. Raises Invalid when the journal is damaged or readable by others.

    ``forget_copies`` removes what other chapters hold of somebody who is erased again.
    """
    if journal_file.identity(folder) is None:
        return Replayed()
    owners = {row.public_id: row.id for row in session.scalars(select(Organisation))}
    suppressed, unsubscribed, read = 0, 0, 0
    # Opt-outs first: she whom the erasure removes has left before, and her hash stays.
    for remembered in _batches(_suppressions(folder, owners)):
        made = _missing(session, remembered)
        suppressed += len(made)
        unsubscribed += _suppress(session, made)
        read += len(remembered)
        tell(read)
    erased = sum(
        erasure.erase_again(
            session,
            owners[str(line["org"])],
            str(line["subject"]),
            forget_copies,
            even_the_hash=bool(line.get("even_the_hash")),
        )
        for line in _lines(folder, {"erased"}, owners)
    )
    restrained = restraint.replay(session, _lines(folder, restraint.KINDS, owners), owners)
    return Replayed(erased, suppressed, unsubscribed, restrained)


def _lines(folder: Path, kinds: AbstractSet[str], owners: dict[str, int]) -> Iterator[dict[str, str | int]]:
    """Yield the lines of some kinds; every line is read whole, so that a damaged one is never passed over."""
    for line in journal_file.read(folder):
        if line.get("kind") in kinds and line.get("org") in owners:
            yield line


def _suppressions(folder: Path, owners: dict[str, int]) -> Iterator[_Remembered]:
    for line in _lines(folder, {"suppressed"}, owners):
        yield _understood(line, owners[str(line["org"])])


def _understood(line: dict[str, str | int], organisation_id: int) -> _Remembered:
    try:
        until = int(line["until"])
        return _Remembered(
            organisation_id,
            str(line["key"]),
            str(line["scope"]),
            Reason(str(line["reason"])),
            clock.of_milliseconds(until) if until else None,
            int(line["at"]),
        )
    except (KeyError, ValueError, OverflowError) as problem:
        raise Invalid("journal_damaged", "A line of the journal makes no sense. Nothing was changed.") from problem


def _batches(remembered: Iterator[_Remembered]) -> Iterator[list[_Remembered]]:
    while batch := list(islice(remembered, _AT_ONCE)):
        yield batch


def _missing(session: Session, remembered: Sequence[_Remembered]) -> list[_Remembered]:
    """Return those that the database has not, lifted or not; a line that stands twice counts once."""
    rows = session.scalars(select(Suppression).where(Suppression.key.in_({row.key for row in remembered})))
    known = {
        (row.organisation_id, row.key, row.scope, row.reason, clock.in_milliseconds(row.created_at)) for row in rows
    }
    return list({row.name: row for row in remembered if row.name not in known}.values())


def _suppress(session: Session, missing: Sequence[_Remembered]) -> int:
    """Store suppressions, tell the ledger, and take the people off their lists; return how many subscriptions ended."""
    if not missing:
        return 0
    rows = [
        {
            "organisation_id": row.organisation_id,
            "key": row.key,
            "scope": row.scope,
            "reason": row.reason,
            "until": row.until,
            "actor": _ACTOR,
            "created_at": clock.of_milliseconds(row.at),
            "lifted_at": None,
            "journaled": True,
        }
        for row in missing
    ]
    session.execute(insert(Suppression), rows)
    people = session.scalars(select(Subscriber).where(Subscriber.suppression_key.in_({row.key for row in missing})))
    known = {(person.organisation_id, person.suppression_key): person for person in people}
    for organisation_id in sorted({row.organisation_id for row in missing}):
        own = [row for row in missing if row.organisation_id == organisation_id]
        ledger.append(session, organisation_id, [_told(row, known) for row in own])
    return sum(
        _end(session, known[row.organisation_id, row.key], row)
        for row in missing
        if (row.organisation_id, row.key) in known
    )


def _told(row: _Remembered, known: dict[tuple[int, str], Subscriber]) -> Event:
    person = known.get((row.organisation_id, row.key))
    details: dict[str, str | int] = {"scope": row.scope, "reason": row.reason.value, "happened_at": row.at}
    subject = person.subject_ref if person else ""
    return Event(EventType.SUPPRESSED, subject=subject, actor=_ACTOR, expires_at=row.until, details=details)


def _end(session: Session, person: Subscriber, row: _Remembered) -> int:
    """End the subscriptions that a suppression covers, as far as their states know that way."""
    target = _BECOMES.get(row.reason, SubscriptionState.UNSUBSCRIBED)
    # An erasure ends no subscription: it takes the whole person away, in a moment.
    if row.reason is Reason.ERASURE or (row.until is not None and row.until <= clock.now()):
        return 0
    held = select(Subscription).where(Subscription.subscriber_id == person.id, _covered(row.scope)).with_for_update()
    ended = 0
    for current in session.scalars(held.execution_options(populate_existing=True)).all():
        if target not in subscription.TRANSITIONS[current.state]:
            continue
        subscription.move(current, target)
        ended += 1
        if target in _KINDS:
            under = Circumstances(
                consent_text_id=current.consent_text_id, actor=_ACTOR, at=clock.of_milliseconds(row.at)
            )
            consent.record(session, person, current.list_id, _KINDS[target], Method.JOURNAL, under)
    return ended


def _covered(scope: str) -> ColumnElement[bool]:
    """Return which subscriptions a scope is about."""
    kind, _, name = scope.partition(":")
    if scope in {suppression.ALL, suppression.MARKETING}:
        return true()
    if kind == "list" and name.isdecimal():
        return Subscription.list_id == int(name)
    if kind == "purpose":
        return Subscription.purpose == name
    if scope == suppression.CONFIRMATIONS:
        return Subscription.state == SubscriptionState.PENDING
    return false()

"""Taking a batch back, for 30 days: all it brought goes, and every opt-out stays, its own and those made since.

Who has acted since (confirmed, left, complained) is a person with a story of
her own by now; what she did stands. Who was written to stays as a row, because
the deliveries point at it, but nothing may be sent to her any more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, delete, exists, func, null, or_, select, update
from sqlalchemy.orm import Session

from listkeeper.audience import suppression
from listkeeper.audience.access_link import AccessLink
from listkeeper.audience.confirmation import Confirmation
from listkeeper.audience.consent import ConsentEvent
from listkeeper.audience.importing import batch as batches
from listkeeper.audience.importing.batch import MADE_SUBSCRIBER, MADE_SUBSCRIPTION, ImportBatch, ImportRow, ImportState
from listkeeper.audience.importing.verdict import Outcome
from listkeeper.audience.mailing_list import MailingList
from listkeeper.audience.profile import ProfileAnswer
from listkeeper.audience.proof import ledger
from listkeeper.audience.proof.evidence import Evidence, SubjectKey
from listkeeper.audience.proof.ledger import Event, EventType
from listkeeper.audience.signup import Signup
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Basis, Subscription, SubscriptionState
from listkeeper.audience.suppression import Suppression
from listkeeper.foundation import clock, language
from listkeeper.foundation.errors import Conflict

Opening = Callable[[], AbstractContextManager[Session]]
# Which of these subscribers were written to; the shells ask ``sending``, which this chapter does not know.
WrittenTo = Callable[[Session, Sequence[int]], set[int]]
_ROWS = 1_000
_QUIET = {"synchronize_session": False}
S = SubscriptionState
# What brought somebody onto the list who was not there.
_CAME = (Outcome.NEW, Outcome.UNVERIFIED)


def begin(session: Session, batch: ImportBatch, *, actor: str) -> None:
    """Say in the ledger that a batch's claims count no more. Raises Conflict when it is too late, or too early."""
    if batch.undone_at is not None and batch.state is not ImportState.UNDONE:
        return
    if not batch.undoable:
        raise Conflict("import_not_undoable", language.text("An import can be undone for 30 days after it was loaded."))
    mailing_list = session.get_one(MailingList, batch.list_id)
    told = Event(
        EventType.INVALIDATED, list=mailing_list.public_id, purpose=mailing_list.purpose, method="import",
        actor=actor, details={"batch": batch.public_id},
    )  # fmt: skip
    ledger.append(session, batch.organisation_id, [told])
    batch.undone_at = clock.now()
    session.flush()


def take_back(
    writing: Opening, batch_id: int, written_to: WrittenTo, watch: Callable[[int], None] = lambda _rows: None
) -> None:
    """Take a begun undo to its end, some rows a transaction; whoever is stopped halfway goes on where it stopped."""
    rows = 0
    while True:
        with writing() as session:
            batch = session.get_one(ImportBatch, batch_id, with_for_update=True, populate_existing=True)
            found = _next(session, batch)
            if not found:
                if batch.state is not ImportState.UNDONE:
                    batches.move(batch, ImportState.UNDONE)
                return
            _take_back(session, batch, found, written_to)
            rows += len(found)
        watch(rows)


def _next(session: Session, batch: ImportBatch) -> list[ImportRow]:
    query = select(ImportRow).where(
        ImportRow.batch_id == batch.id, or_(ImportRow.made > 0, ImportRow.previous.is_not(None))
    )
    # The last first: a person's second row is undone before her first.
    return list(session.scalars(query.order_by(ImportRow.part.desc(), ImportRow.row.desc()).limit(_ROWS)))


def _take_back(session: Session, batch: ImportBatch, rows: Sequence[ImportRow], written_to: WrittenTo) -> None:
    subjects = [row.subject_ref for row in rows]
    query = select(Subscriber).where(
        Subscriber.organisation_id == batch.organisation_id, Subscriber.subject_ref.in_(subjects)
    )
    people = {one.subject_ref: one for one in session.scalars(query.order_by(Subscriber.id).with_for_update())}
    numbers = [one.id for one in people.values()]
    held = {
        one.subscriber_id: one
        for one in session.scalars(
            select(Subscription).where(Subscription.list_id == batch.list_id, Subscription.subscriber_id.in_(numbers))
        )
    }
    acted = _acted(session, batch, subjects)
    written = written_to(session, numbers)
    gone: list[str] = []
    for row in rows:
        person = people.get(row.subject_ref)
        if person is None:
            continue
        _one(session, batch, row, person, held.get(person.id), stays=row.subject_ref in acted or person.id in written)
        gone.append(row.event_id)
    session.flush()
    _forget_people(session, batch, rows, written)
    _forget_evidence(session, subjects, gone)
    done = update(ImportRow).where(
        ImportRow.batch_id == batch.id, ImportRow.event_id.in_([row.event_id for row in rows])
    )
    session.execute(done.values(made=0, previous=null()), execution_options=_QUIET)


def _acted(session: Session, batch: ImportBatch, subjects: Sequence[str]) -> set[str]:
    """Return who has done something about this list since; no import writes these events."""
    query = select(ConsentEvent.subject_ref).where(
        ConsentEvent.subject_ref.in_(subjects), ConsentEvent.list_id == batch.list_id
    )
    return set(session.scalars(query))


def _one(  # noqa: PLR0913 - a row, whose, and whether she stays
    session: Session, batch: ImportBatch, row: ImportRow, person: Subscriber, held: Subscription | None, *, stays: bool
) -> None:
    previous = row.previous or {}
    if previous.get("filled"):
        person.profile = {name: value for name, value in person.profile.items() if name not in previous["filled"]}
    if held is None or held.import_id != batch.id or held.state not in {S.CONFIRMED, S.IMPORTED_UNVERIFIED}:
        return
    if "since" in previous:
        _as_before(held, previous)
    elif row.made & MADE_SUBSCRIPTION:
        if stays:
            _without_basis(held)
        else:
            session.delete(held)


def _as_before(held: Subscription, previous: dict[str, object]) -> None:
    # Down from an import's own claim: a way that the table of transitions leaves to nobody else.
    held.state, held.basis, held.double_opt_in = S.IMPORTED_UNVERIFIED, Basis.NONE, False
    held.since = datetime.fromisoformat(str(previous["since"]))
    held.ledger_seq = int(str(previous["ledger_seq"])) or None
    held.import_id = int(str(previous["import_id"])) or None
    held.purpose = str(previous["purpose"])
    held.last_contact_at = held.first_use_deadline = None


def _without_basis(held: Subscription) -> None:
    held.state, held.basis, held.double_opt_in = S.IMPORTED_UNVERIFIED, Basis.NONE, False


def _forget_people(session: Session, batch: ImportBatch, rows: Sequence[ImportRow], written: set[int]) -> None:
    made = [row.subject_ref for row in rows if row.made & MADE_SUBSCRIBER]
    query = select(Subscriber.id).where(
        Subscriber.organisation_id == batch.organisation_id,
        Subscriber.subject_ref.in_(made),
        *(~tie for tie in _ties()),
    )
    numbers = [number for number in session.scalars(query) if number not in written]
    session.execute(delete(Subscriber).where(Subscriber.id.in_(numbers)), execution_options=_QUIET)


def _ties() -> tuple[ColumnElement[bool], ...]:
    """Return what keeps a person here: another subscription, or anything she began herself."""
    return (
        exists().where(Subscription.subscriber_id == Subscriber.id),
        exists().where(Confirmation.subscriber_id == Subscriber.id),
        exists().where(Signup.subscriber_id == Subscriber.id),
        exists().where(AccessLink.subscriber_id == Subscriber.id),
        exists().where(ProfileAnswer.subscriber_id == Subscriber.id),
        exists().where(ConsentEvent.subject_ref == Subscriber.subject_ref),
    )


def _forget_evidence(session: Session, subjects: Sequence[str], events: Sequence[str]) -> None:
    """Delete the batch's claims, and the keys under which nothing is left."""
    session.execute(delete(Evidence).where(Evidence.event_id.in_(events)), execution_options=_QUIET)
    unused = delete(SubjectKey).where(
        SubjectKey.subject_ref.in_(subjects),
        SubjectKey.destroyed_at.is_(None),
        ~exists().where(Evidence.subject_ref == SubjectKey.subject_ref),
    )
    session.execute(unused, execution_options=_QUIET)


@dataclass(frozen=True)
class Remains:
    """What became of a batch that was taken back: who is off the list again, and what stays."""

    # People who came onto the list with it and are off it again.
    gone: int
    # Those who stay, because they acted since or were written to.
    stay: int
    # People who were known before and stand as they did.
    as_before: int
    # Addresses that are never mailed because of it.
    opted_out: int


def remains(session: Session, batch: ImportBatch) -> Remains:
    """Return what is left of a batch that was taken back, as it is now."""
    came = sum(int(batch.counts.get(outcome.value, 0)) for outcome in _CAME)
    here = (
        select(func.count(func.distinct(ImportRow.subject_ref)))
        .join(Subscriber, Subscriber.subject_ref == ImportRow.subject_ref)
        .join(Subscription, Subscription.subscriber_id == Subscriber.id)
        .where(
            ImportRow.batch_id == batch.id,
            ImportRow.outcome.in_([outcome.value for outcome in _CAME]),
            Subscription.list_id == batch.list_id,
        )
    )
    closed = select(func.count(func.distinct(Suppression.key))).where(
        Suppression.organisation_id == batch.organisation_id,
        Suppression.actor == batch.actor,
        suppression.live(clock.now()),
    )
    stay = session.scalar(here) or 0
    return Remains(
        gone=max(came - stay, 0),
        stay=stay,
        as_before=int(batch.counts.get(Outcome.UPDATED.value, 0)),
        opted_out=session.scalar(closed) or 0,
    )


def under_way(session: Session) -> list[int]:
    """Return the batches whose undo was begun and has not come to its end."""
    query = select(ImportBatch.id).where(ImportBatch.undone_at.is_not(None), ImportBatch.state != ImportState.UNDONE)
    return list(session.scalars(query.order_by(ImportBatch.id)))


def forget_key(session: Session, subject_ref: str) -> None:
    """Forget the keyed hash that a person's import rows hold, for an erasure that leaves not even that."""
    session.execute(update(ImportRow).where(ImportRow.subject_ref == subject_ref).values(key=""))

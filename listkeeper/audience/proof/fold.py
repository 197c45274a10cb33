"""What the ledger says of every subscription, and the repair of rows that say something else.

The table of subscriptions is a projection: its states can be told from the
ledger alone, row by row, with the import rows whose Merkle root the ledger
holds. ``heal`` brings a projection in line again, for example after somebody
wrote to the database by hand. It lowers on any doubt and raises on one word
only: a consent that the person gave, with nothing said since and nothing that
keeps us from writing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import answering, consent, suppression
from listkeeper.audience.consent import ConsentEvent, Method
from listkeeper.audience.importing import batch as batches
from listkeeper.audience.importing.batch import ImportBatch, ImportRow
from listkeeper.audience.mailing_list import MailingList
from listkeeper.audience.proof import ledger
from listkeeper.audience.proof.ledger import EventType, LedgerRow
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Basis, Subscription, SubscriptionState
from listkeeper.audience.suppression import Reason
from listkeeper.foundation import clock
from listkeeper.standards import canonical_json, merkle

Key = tuple[str, str]
"""A subject's reference and a list's public id."""
_AT_ONCE = 1_000
S = SubscriptionState
_GIVEN = frozenset({EventType.GIVEN, EventType.RENEWED})
# What a word of the person, or the clock, makes of whatever was there.
_ENDS = {
    EventType.WITHDRAWN: S.UNSUBSCRIBED,
    EventType.OBJECTED: S.UNSUBSCRIBED,
    EventType.COMPLAINED: S.COMPLAINED,
    EventType.LAPSED: S.LAPSED,
    EventType.INVALIDATED: S.IMPORTED_UNVERIFIED,
}


@dataclass(frozen=True)
class Word:
    """The ledger's last word on a subscription, and the row that says it."""

    state: SubscriptionState
    record: Mapping[str, Any]
    # The import batch whose claim it is; empty when it is the person's own word, or the clock's.
    batch: str = ""

    @property
    def is_given(self) -> bool:
        """Whether the person herself gave it."""
        return not self.batch and EventType(self.record["type"]) in _GIVEN


@dataclass(frozen=True)
class Claim:
    """One imported row as its leaf proves it."""

    subject: str
    evidenced: bool


@dataclass(frozen=True)
class Repair:
    """One row that said something else than the ledger."""

    subject: str
    list: str
    was: SubscriptionState | None
    now: SubscriptionState


def fold(
    rows: Iterable[Mapping[str, Any]], claims: Mapping[int, Sequence[Claim]] | None = None
) -> dict[Key, SubscriptionState]:
    """Return the state of every subscription that these records of a ledger tell of; see ``words``."""
    return {key: word.state for key, word in words(rows, claims).items()}


def words(rows: Iterable[Mapping[str, Any]], claims: Mapping[int, Sequence[Claim]] | None = None) -> dict[Key, Word]:
    """Return the last word on every subscription; ``claims`` are the rows of import batches, by the batch's seq."""
    said: dict[Key, Word] = {}
    held: dict[str, set[Key]] = {}
    for record in rows:
        kind = EventType(record["type"])
        if kind is EventType.ERASED:
            for key in held.pop(record["subject"], set()):
                said.pop(key, None)
            continue
        for key, word in _heard(kind, record, said, (claims or {}).get(record["seq"], ())):
            said[key] = word
            held.setdefault(key[0], set()).add(key)
    return said


def _heard(
    kind: EventType, record: Mapping[str, Any], said: Mapping[Key, Word], claims: Sequence[Claim]
) -> Iterator[tuple[Key, Word]]:
    if kind is EventType.IMPORTED:
        yield from _claimed(record, said, claims)
    elif kind is EventType.INVALIDATED and not record["subject"]:
        yield from _undone(record, said)
    elif record["subject"] and record["list"]:
        key = record["subject"], record["list"]
        before = said[key].state if key in said else None
        after = _next(kind, record, before)
        if after is not None:
            yield key, Word(after, record)


def _next(kind: EventType, record: Mapping[str, Any], before: SubscriptionState | None) -> SubscriptionState | None:
    """Return what an event makes of a subscription; None when it leaves it as it is."""
    match kind:
        case EventType.GIVEN | EventType.RENEWED:
            return S.CONFIRMED
        case EventType.REQUESTED:
            # Who is known, in whatever state, stays in it until she answers.
            return S.PENDING if before is None else None
        case EventType.REFUSED:
            return S.REFUSED if before is S.PENDING else None
        case EventType.EXPIRED:
            return S.LAPSED if before is S.CONFIRMED else S.EXPIRED
        case EventType.SUPPRESSED:
            return S.BOUNCED if record["details"].get("reason") == Reason.HARD_BOUNCE.value else None
        case _:
            return _ENDS.get(kind)


def _claimed(
    record: Mapping[str, Any], said: Mapping[Key, Word], claims: Sequence[Claim]
) -> Iterator[tuple[Key, Word]]:
    batch, new = record["details"].get("batch", ""), dict[Key, Word]()
    for claim in claims:
        key = claim.subject, record["list"]
        known = new.get(key) or said.get(key)
        if known is not None and (known.state is not S.IMPORTED_UNVERIFIED or not claim.evidenced):
            # A claim brings nobody back and takes nothing from what was said before.
            continue
        new[key] = Word(S.CONFIRMED if claim.evidenced else S.IMPORTED_UNVERIFIED, record, batch)
    yield from new.items()


def _undone(record: Mapping[str, Any], said: Mapping[Key, Word]) -> Iterator[tuple[Key, Word]]:
    batch = record["details"].get("batch", "")
    for key, word in list(said.items()):
        if batch and word.batch == batch:
            yield key, replace(word, state=S.IMPORTED_UNVERIFIED, record=record)


def of(session: Session, organisation: Organisation) -> dict[Key, Word]:
    """Return the last words of an organisation's whole ledger. Raises ValueError for a record that is not canonical."""
    rows = select(LedgerRow).where(LedgerRow.organisation_id == organisation.id).order_by(LedgerRow.seq)
    records = (ledger.fields_of(row) for row in session.scalars(rows.execution_options(yield_per=_AT_ONCE)))
    return words(records, _claims(session, organisation))


def _claims(session: Session, organisation: Organisation) -> dict[int, list[Claim]]:
    """Return the import rows by the seq of their batch event, as far as each batch has the root that stands there."""
    query = select(LedgerRow).where(
        LedgerRow.organisation_id == organisation.id, LedgerRow.type == EventType.IMPORTED.value
    )
    found = {}
    for event in session.scalars(query.order_by(LedgerRow.seq)).all():
        said = ledger.fields_of(event)
        rows = _rows_of(session, event, said["details"])
        leaves = [_leaf(batch, said["list"], row) for batch, row in rows]
        if merkle.root(leaves).hex() == said["details"].get("root"):
            found[event.seq] = [Claim(row.subject_ref, row.evidenced) for _, row in rows if _is_about(row)]
    return found


def _rows_of(session: Session, event: LedgerRow, details: Mapping[str, Any]) -> Sequence[tuple[ImportBatch, ImportRow]]:
    query = (
        select(ImportBatch, ImportRow)
        .join(ImportRow, ImportRow.batch_id == ImportBatch.id)
        .where(
            ImportBatch.organisation_id == event.organisation_id,
            ImportBatch.public_id == details.get("batch", ""),
            batches.proved_by(event.seq, details),
        )
    )
    return [(row[0], row[1]) for row in session.execute(query.order_by(ImportRow.position))]


def _leaf(batch: ImportBatch, list_public_id: str, row: ImportRow) -> bytes:
    return merkle.leaf_hash(canonical_json.dumps(batches.record(batch.public_id, list_public_id, row)))


def _is_about(row: ImportRow) -> bool:
    """Whether a row brought somebody onto the list; opt-outs have events of their own."""
    return bool(row.subject_ref) and (row.evidenced or row.outcome == "unverified")


# The repair


def heal(session: Session, organisation: Organisation) -> list[Repair]:
    """Make the subscriptions say what the ledger says, in the caller's transaction; return what was changed.

    The demo's people are left alone: no ledger speaks of them.
    """
    ledger.hold(session, organisation.id)
    said = of(session, organisation)
    lists = {row.public_id: row for row in _lists(session, organisation)}
    repairs = []
    for person, mailing_list, current in _projection(session, organisation):
        word = said.pop((person.subject_ref, mailing_list.public_id), None)
        repairs += _repaired(session, person, mailing_list, current, word)
    for (subject, public_id), word in said.items():
        known = _person(session, organisation, subject)
        if known is not None and public_id in lists and word.state is not S.IMPORTED_UNVERIFIED:
            repairs += _made_again(session, known, lists[public_id], word)
    session.flush()
    return repairs


def _lists(session: Session, organisation: Organisation) -> Sequence[MailingList]:
    return session.scalars(select(MailingList).where(MailingList.organisation_id == organisation.id)).all()


def _projection(session: Session, organisation: Organisation) -> list[tuple[Subscriber, MailingList, Subscription]]:
    query = (
        select(Subscriber, MailingList, Subscription)
        .join(Subscription, Subscription.subscriber_id == Subscriber.id)
        .join(MailingList, MailingList.id == Subscription.list_id)
        .where(Subscriber.organisation_id == organisation.id, Subscriber.demo.is_(False))
        .order_by(Subscriber.id, Subscription.id)
        .with_for_update(of=Subscriber, key_share=True)
        .execution_options(populate_existing=True)
    )
    return [(row[0], row[1], row[2]) for row in session.execute(query)]


def _person(session: Session, organisation: Organisation, subject: str) -> Subscriber | None:
    query = select(Subscriber).where(Subscriber.organisation_id == organisation.id, Subscriber.subject_ref == subject)
    return session.scalars(query).first()


def _repaired(
    session: Session, person: Subscriber, mailing_list: MailingList, current: Subscription, word: Word | None
) -> list[Repair]:
    was = current.state
    if word is None:
        if was is not S.CONFIRMED:
            return []
        # Nothing proves it: kept, and never mailed.
        current.state, current.basis = S.IMPORTED_UNVERIFIED, Basis.NONE
    elif word.state is S.CONFIRMED:
        if _carries(current, word):
            return []
        if not _raise(session, person, mailing_list, current, word):
            if was is not S.CONFIRMED:
                return []
            current.state, current.basis = S.IMPORTED_UNVERIFIED, Basis.NONE
    elif was is word.state:
        return []
    else:
        current.state, current.since = word.state, _moment(word)
    return [Repair(person.subject_ref, mailing_list.public_id, was, current.state)]


def _carries(current: Subscription, word: Word) -> bool:
    """Whether a subscription rests on the very row that is the last word."""
    return current.state is S.CONFIRMED and current.ledger_seq == word.record["seq"]


def _raise(session: Session, person: Subscriber, mailing_list: MailingList, current: Subscription, word: Word) -> bool:
    """Confirm a subscription by what the person gave; False when it is not hers, or something stands against it."""
    if not word.is_given or _suppressed(session, person, mailing_list):
        return False
    event = _event(session, person, mailing_list, word.record)
    answering.grant_basis(current, event)
    if word.record["basis"]:
        current.basis = Basis(word.record["basis"])
    current.state, current.since = S.CONFIRMED, _moment(word)
    if EventType(word.record["type"]) is EventType.RENEWED:
        current.renewed_at = event.at
    if word.record["method"] != Method.UNDO.value:
        # It is her own word now; only who took back a leave still rests on what was claimed before.
        current.import_id = None
    return True


def _suppressed(session: Session, person: Subscriber, mailing_list: MailingList) -> bool:
    closed = suppression.marketing_scopes(mailing_list.id, mailing_list.purpose)
    found = suppression.reasons(session, person.organisation_id, person.suppression_key)
    return any(row.scope in closed for row in found)


def _event(session: Session, person: Subscriber, mailing_list: MailingList, record: Mapping[str, Any]) -> ConsentEvent:
    found = session.scalars(select(ConsentEvent).where(ConsentEvent.ledger_id == record["id"])).first()
    return found or consent.from_ledger(session, person, mailing_list, record)


def _moment(word: Word) -> datetime:
    return clock.of_milliseconds(word.record["ts"])


def _made_again(session: Session, person: Subscriber, mailing_list: MailingList, word: Word) -> list[Repair]:
    made = Subscription(subscriber_id=person.id, list_id=mailing_list.id, state=S.IMPORTED_UNVERIFIED, basis=Basis.NONE)
    if word.state is S.CONFIRMED:
        if not _raise(session, person, mailing_list, made, word):
            return []
    else:
        made.state, made.since = word.state, _moment(word)
    session.add(made)
    session.flush()
    return [Repair(person.subject_ref, mailing_list.public_id, None, made.state)]

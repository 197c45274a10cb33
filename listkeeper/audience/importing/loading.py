"""Decisions become rows: one chunk, one transaction, one row of the ledger.

The ledger gets a single ``import.batch`` row with the Merkle root of the
chunk's leaves, never one row a person. The place in the file is written down
with the rows, so whoever is killed goes on where the last commit ended.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from sqlalchemy import update
from sqlalchemy.orm import Session

from listkeeper.audience import evidence, jurisdiction, ledger, subscription
from listkeeper.audience.evidence import Evidence, Piece, SubjectKey
from listkeeper.audience.importing import bulk, judging, opting_out, sealing
from listkeeper.audience.importing.batch import (
    MADE_KEY,
    MADE_SUBSCRIBER,
    MADE_SUBSCRIPTION,
    ImportBatch,
    ImportRow,
    ImportState,
)
from listkeeper.audience.importing.judging import Decision
from listkeeper.audience.importing.reader import Chunk
from listkeeper.audience.importing.sealing import REJECTED, Candidate, Leaf
from listkeeper.audience.importing.verdict import Outcome
from listkeeper.audience.ledger import Event, EventType
from listkeeper.audience.mailing_list import MailingList
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Basis, Subscription, SubscriptionState
from listkeeper.foundation import clock
from listkeeper.foundation.errors import Conflict
from listkeeper.standards import merkle

S = SubscriptionState
_SUBSCRIBER = ("id", "public_id", "organisation_id", "subject_ref", "email_send", "email_key", "suppression_key", "language", "profile", "demo", "created_at")  # noqa: E501 # fmt: skip
_KEY = ("subject_ref", "organisation_id", "wrapped")
_EVIDENCE = ("event_id", "organisation_id", "subject_ref", "sealed")
_SUBSCRIPTION = ("subscriber_id", "list_id", "state", "basis", "since", "ledger_seq", "purpose", "double_opt_in", "first_use_deadline", "last_contact_at", "import_id")  # noqa: E501 # fmt: skip
_ROW = ("batch_id", "part", "row", "line", "key", "outcome", "reason", "subject_ref", "event_id", "evidence_commit", "evidenced", "requested_at", "confirmed_at", "event_seq", "position", "leaf", "made", "previous")  # noqa: E501 # fmt: skip


@dataclass(frozen=True)
class _Proof:
    """The commitment and the leaf of a row, in the end."""

    commit: str
    leaf: bytes


def write(session: Session, batch_id: int, spoken: str, chunk: Chunk) -> list[Decision]:
    """Load one chunk in the caller's transaction and return what became of its rows.

    Raises Conflict when somebody else is loading the same batch, or it has stopped.
    """
    batch = _hold(session, batch_id, chunk)
    mailing_list = session.get_one(MailingList, batch.list_id)
    if chunk.rows:
        seen = judging.look(session, mailing_list, chunk.rows, lock=True)
        decisions = judging.decide(chunk.rows, seen)
        _store(session, batch, mailing_list, spoken, chunk, decisions)
    else:
        decisions = []
    _count(batch, decisions)
    batch.at_pass, batch.at_part, batch.at_row = chunk.at
    batch.worked_at = clock.now()
    session.flush()
    return decisions


def _hold(session: Session, batch_id: int, chunk: Chunk) -> ImportBatch:
    batch = session.get_one(ImportBatch, batch_id, with_for_update=True, populate_existing=True)
    if batch.state is not ImportState.LOADING:
        raise Conflict("import_stopped", "This import is not being loaded any more.")
    here = (batch.at_pass, batch.at_part, batch.at_row)
    if here > chunk.at or (here == chunk.at and chunk.rows):
        raise Conflict("import_overtaken", "Somebody else is loading this import; it goes on there.")
    return batch


def _store(  # noqa: PLR0913, PLR0917 - what is written, of whose, and where to
    session: Session,
    batch: ImportBatch,
    mailing_list: MailingList,
    spoken: str,
    chunk: Chunk,
    decisions: Sequence[Decision],
) -> None:
    _add_people(session, batch, spoken, decisions)
    proofs = _prove(session, batch, mailing_list, chunk.part, decisions)
    seq = _append(session, batch, mailing_list, chunk, proofs)
    opting_out.write(session, batch, mailing_list, decisions)
    previous = _subscribe(session, batch, mailing_list, decisions, seq)
    _fill_profiles(session, decisions, previous)
    _keep_rows(session, batch, chunk.part, decisions, proofs, seq, previous)


def _add_people(session: Session, batch: ImportBatch, spoken: str, decisions: Sequence[Decision]) -> None:
    made = [decision for decision in decisions if decision.makes_subscriber]
    now = bulk.moment(session, clock.now())
    owner = batch.organisation_id
    people: list[tuple[object, ...]] = []
    for number, decision in zip(bulk.numbers(session, Subscriber, len(made)), made, strict=True):
        row, known = decision.row, decision.known
        if known is None:  # pragma: no cover - who is made is known from then on
            continue
        known.subscriber_id = number
        people.append(
            (
                number,
                row.public_id,
                owner,
                row.subject,
                row.send,
                row.email_key,
                row.key,
                spoken,
                known.profile,
                False,
                now,
            )
        )
    bulk.add(session, Subscriber, _SUBSCRIBER, people)
    sealed = [decision.row for decision in made if decision.row.sealed]
    bulk.add(session, SubjectKey, _KEY, [(row.subject, owner, row.wrapped) for row in sealed])
    bulk.add(session, Evidence, _EVIDENCE, [(row.event_id, owner, row.subject, row.sealed) for row in sealed])


def _prove(
    session: Session, batch: ImportBatch, mailing_list: MailingList, part: int, decisions: Sequence[Decision]
) -> list[_Proof]:
    """Return each row's commitment and leaf; those of people who were known are sealed under their own keys."""
    again = _sealed_again(session, batch.organisation_id, decisions)
    found = []
    for decision in decisions:
        row = decision.row
        if row.kind == REJECTED or (decision.makes_subscriber and decision.reason == row.reason):
            found.append(_Proof(row.commit, row.leaf))
            continue
        commit = again.get(row.event_id, "")
        told = Leaf(
            part, row.row, row.event_id, decision.subject, decision.outcome.value, decision.reason,
            _carries(decision), row.requested_at, row.confirmed_at, commit,
        )  # fmt: skip
        found.append(
            _Proof(commit, sealing.leaf_hash(sealing.leaf_record(batch.public_id, mailing_list.public_id, told)))
        )
    return found


def _carries(decision: Decision) -> bool:
    """Whether the row is what a permission rests on."""
    return decision.row.evidenced and (decision.makes_subscription or decision.raises)


def _sealed_again(session: Session, organisation_id: int, decisions: Sequence[Decision]) -> dict[str, str]:
    wanted = [
        decision
        for decision in decisions
        if not decision.makes_subscriber and (decision.makes_subscription or decision.raises) and decision.row.sealed
    ]
    if not wanted:
        return {}
    pieces = [Piece(one.row.event_id, one.subject, sealing.reopened(one.row)) for one in wanted]
    commits = evidence.seal(session, organisation_id, pieces)
    return {piece.event_id: commit for piece, commit in zip(pieces, commits, strict=True)}


def _append(
    session: Session, batch: ImportBatch, mailing_list: MailingList, chunk: Chunk, proofs: Sequence[_Proof]
) -> int:
    details: dict[str, str | int] = {
        "batch": batch.public_id,
        "file_sha256": batch.file_sha256,
        "statement_sha256": batch.statement_sha256,
        "operator": batch.operator,
        "part": chunk.part,
        "first_row": chunk.rows[0].row,
        "last_row": chunk.rows[-1].row,
        "rows": len(proofs),
        "root": merkle.root([proof.leaf for proof in proofs]).hex(),
    }
    event = Event(
        EventType.IMPORTED,
        list=mailing_list.public_id,
        purpose=mailing_list.purpose,
        basis=batch.claimed_basis,
        method="import",
        actor=batch.actor,
        details=details,
    )
    return ledger.append(session, batch.organisation_id, [event])[-1].seq


def _subscribe(
    session: Session, batch: ImportBatch, mailing_list: MailingList, decisions: Sequence[Decision], seq: int
) -> dict[int, dict[str, object]]:
    """Write the subscriptions, and return what undo needs of those that were there before, by row."""
    terms = _terms(session, batch, mailing_list, seq)
    made: list[tuple[object, ...]] = []
    previous: dict[int, dict[str, object]] = {}
    later = {id(one.known): one for one in decisions if one.raises and one.known is not None and one.known.joined}
    for decision in decisions:
        known = decision.known
        if decision.makes_subscription and known is not None:
            # A second row of the same chunk may have brought the evidence that the first one lacked.
            proving = later.get(id(known), decision) if later else decision
            made.append((known.subscriber_id, *_values(terms, proving.row)))
        elif decision.raises and known is not None and not known.joined:
            previous[decision.row.row] = _raise(terms, decision)
    bulk.add(session, Subscription, _SUBSCRIPTION, made)
    return previous


@dataclass(frozen=True)
class _Terms:
    """What all subscriptions of a chunk have in common."""

    sqlite: bool
    list_id: int
    purpose: str
    jurisdiction: str
    basis: str
    seq: int
    import_id: int
    now: datetime
    # When the owner last wrote to these people, as she states; None when she does not, so that all clocks run.
    last_letter: datetime | None

    def text(self, at: datetime | None) -> str | None:
        """Return a time as ``bulk.moment`` does."""
        written = at.isoformat(" ", "microseconds") if at is not None else None
        return written[:26] if written and self.sqlite else written

    def last_contact(self, since: datetime) -> datetime | None:
        """Return when a person was last written to; never before she agreed."""
        return min(max(self.last_letter, since), self.now) if self.last_letter is not None else None


def _terms(session: Session, batch: ImportBatch, mailing_list: MailingList, seq: int) -> _Terms:
    stated = batch.last_letter_on
    return _Terms(
        bulk.is_sqlite(session), mailing_list.id, mailing_list.purpose, mailing_list.jurisdiction,
        batch.claimed_basis, seq, batch.id, clock.now(),
        datetime.fromisoformat(stated).replace(tzinfo=UTC) if stated else None,
    )  # fmt: skip


def _values(terms: _Terms, row: Candidate) -> tuple[object, ...]:
    if not row.evidenced:
        state, basis = S.IMPORTED_UNVERIFIED.value, Basis.NONE.value
        since, proof = terms.text(terms.now), (False, None, None)
    else:
        state, basis, at = S.CONFIRMED.value, terms.basis, _at(row.confirmed_at or row.requested_at)
        last = terms.last_contact(at)
        deadline = None if last else _deadline(terms.jurisdiction, at)
        since, proof = terms.text(at), (row.confirmed_at > 0, terms.text(deadline), terms.text(last))  # type: ignore[assignment]
    return (terms.list_id, state, basis, since, terms.seq, terms.purpose, *proof, terms.import_id)


def _at(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def _deadline(code: str, since: datetime) -> datetime | None:
    return _deadline_of_day(code, since.date().isoformat())


@lru_cache(maxsize=4096)
def _deadline_of_day(code: str, day: str) -> datetime | None:
    since = datetime.fromisoformat(day).replace(tzinfo=UTC)
    months = jurisdiction.profile(code, clock.now().date()).first_use_months
    return clock.months_later(since, months) if months else None


def _raise(terms: _Terms, decision: Decision) -> dict[str, object]:
    """Confirm somebody kept without evidence until now, and return how she stood."""
    known, row = decision.known, decision.row
    held: Subscription | None = known.subscription if known is not None else None
    if held is None:  # pragma: no cover - what is raised was looked up
        return {}
    since = _at(row.confirmed_at or row.requested_at)
    before: dict[str, object] = {
        "since": held.since.isoformat(), "ledger_seq": held.ledger_seq or 0, "purpose": held.purpose,
        "import_id": held.import_id or 0,
    }  # fmt: skip
    subscription.move(held, S.CONFIRMED)
    held.basis, held.since, held.ledger_seq = Basis(terms.basis), since, terms.seq
    held.purpose, held.double_opt_in, held.import_id = terms.purpose, row.confirmed_at > 0, terms.import_id
    held.last_contact_at = terms.last_contact(since)
    held.first_use_deadline = None if held.last_contact_at else _deadline(terms.jurisdiction, since)
    return before


def _fill_profiles(session: Session, decisions: Sequence[Decision], previous: dict[int, dict[str, object]]) -> None:
    """Add what was missing in the profiles of people who were there before; note the names, never the values."""
    for decision in decisions:
        known = decision.known
        if not decision.fills or known is None or known.brought:
            continue
        session.execute(
            update(Subscriber).where(Subscriber.id == known.subscriber_id).values(profile=json.loads(known.profile)),
            execution_options={"synchronize_session": False},
        )
        previous.setdefault(decision.row.row, {})["filled"] = sorted(decision.fills)


def _keep_rows(  # noqa: PLR0913, PLR0917 - the columns of a row
    session: Session,
    batch: ImportBatch,
    part: int,
    decisions: Sequence[Decision],
    proofs: Sequence[_Proof],
    seq: int,
    previous: dict[int, dict[str, object]],
) -> None:
    kept: list[tuple[object, ...]] = []
    for position, (decision, proof) in enumerate(zip(decisions, proofs, strict=True)):
        row = decision.row
        before = previous.get(row.row)
        kept.append(
            (
                batch.id,
                part,
                row.row,
                row.line,
                row.key,
                decision.outcome.value,
                decision.reason,
                decision.subject,
                row.event_id,
                proof.commit,
                _carries(decision),
                row.requested_at,
                row.confirmed_at,
                seq,
                position,
                proof.leaf,
                _made(decision),
                json.dumps(before) if before else None,
            )
        )
    bulk.add(session, ImportRow, _ROW, kept)


def _made(decision: Decision) -> int:
    made = MADE_SUBSCRIPTION if decision.makes_subscription else 0
    if decision.makes_subscriber:
        made |= MADE_SUBSCRIBER | (MADE_KEY if decision.row.sealed else 0)
    return made


def _count(batch: ImportBatch, decisions: Sequence[Decision]) -> None:
    batch.counts = tally(batch.counts, decisions)


def tally(before: dict[str, int], decisions: Sequence[Decision]) -> dict[str, int]:
    """Return the counts with these rows added: ``outcome`` and ``outcome:reason``, and the remarks."""
    counts = Counter(before)
    counts.update(decision.outcome.value for decision in decisions)
    counts.update(f"{decision.outcome.value}:{decision.reason}" for decision in decisions if decision.reason)
    counts.update(
        f"remark:{remark}"
        for decision in decisions
        if decision.row.remarks and decision.outcome is not Outcome.REJECTED
        for remark in decision.row.remarks.split()
    )
    return dict(counts)

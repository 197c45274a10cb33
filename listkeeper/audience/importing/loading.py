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

from sqlalchemy import update
from sqlalchemy.orm import Session

from listkeeper.audience import subscription
from listkeeper.audience.importing import bulk, judging, opting_out, sealing
from listkeeper.audience.importing import terms as terms_of_chunk
from listkeeper.audience.importing.batch import (
    MADE_KEY,
    MADE_SUBSCRIBER,
    MADE_SUBSCRIPTION,
    ImportBatch,
    ImportRow,
    ImportState,
)
from listkeeper.audience.importing.judging import Decision
from listkeeper.audience.importing.newcomers import Loaded, Newcomers
from listkeeper.audience.importing.reader import Chunk
from listkeeper.audience.importing.sealing import OPTED_OUT, REJECTED, Candidate, Leaf
from listkeeper.audience.importing.terms import Terms
from listkeeper.audience.importing.verdict import Outcome
from listkeeper.audience.mailing_list import MailingList
from listkeeper.audience.proof import evidence, ledger
from listkeeper.audience.proof.evidence import Evidence, Piece, SubjectKey
from listkeeper.audience.proof.ledger import Event, EventType
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Basis, Subscription, SubscriptionState
from listkeeper.foundation import clock
from listkeeper.foundation.errors import Conflict
from listkeeper.standards import merkle

S = SubscriptionState
_SUBSCRIBER = ("id", "public_id", "organisation_id", "subject_ref", "email_send", "email_key", "suppression_key", "language", "profile", "demo", "created_at")  # noqa: E501 # fmt: skip
_KEY = ("subject_ref", "organisation_id", "wrapped")
_EVIDENCE = ("event_id", "organisation_id", "subject_ref", "sealed")
_ROW = ("batch_id", "part", "row", "line", "key", "outcome", "reason", "subject_ref", "event_id", "evidence_commit", "evidenced", "requested_at", "confirmed_at", "event_seq", "position", "leaf", "made", "previous")  # noqa: E501 # fmt: skip


@dataclass(frozen=True)
class _Proof:
    """The commitment and the leaf of a row, in the end."""

    commit: str
    leaf: bytes


def write(session: Session, batch_id: int, spoken: str, chunk: Chunk, *, looks: bool = True) -> Loaded:
    """Load one chunk in the caller's transaction and return what tells what became of its rows.

    Unless it ``looks``, everybody on it is taken to be new, which saves a search for each; the database knows better,
    because no address is there twice, and then bulk.Collision is raised. Raises Conflict when somebody else is loading
    the same batch, or it has stopped.
    """
    batch = _hold(session, batch_id, chunk)
    mailing_list = session.get_one(MailingList, batch.list_id)
    loaded = Loaded(chunk, None, [], met=False)
    if len(chunk):
        # Who opts out here has to be found, wherever she already is.
        looks = looks or OPTED_OUT in chunk.column("kind")
        seen = judging.look(session, mailing_list, chunk.column("key"), lock=True, people=looks)
        met = bool(seen.known)
        newcomers = Newcomers(chunk, seen)
        others = judging.decide(chunk.at_positions(newcomers.others), seen)
        loaded = Loaded(chunk, newcomers, others, met)
        _store(session, batch, mailing_list, spoken, loaded)
        batch.counts = tally(dict(Counter(batch.counts) + newcomers.tally()), others)
    batch.at_pass, batch.at_part, batch.at_row = chunk.at
    batch.worked_at = clock.now()
    session.flush()
    return loaded


def _hold(session: Session, batch_id: int, chunk: Chunk) -> ImportBatch:
    batch = session.get_one(ImportBatch, batch_id, with_for_update=True, populate_existing=True)
    if batch.state is not ImportState.LOADING:
        raise Conflict("import_stopped", "This import is not being loaded any more.")
    here = (batch.at_pass, batch.at_part, batch.at_row)
    if here > chunk.at or (here == chunk.at and len(chunk)):
        raise Conflict("import_overtaken", "Somebody else is loading this import; it goes on there.")
    return batch


def _store(session: Session, batch: ImportBatch, mailing_list: MailingList, spoken: str, loaded: Loaded) -> None:
    chunk, newcomers, others = loaded.chunk, loaded.newcomers, loaded.others
    if newcomers is None:  # pragma: no cover - an empty chunk has nothing to store
        return
    newcomers.add_people(session, batch, spoken)
    _add_people(session, batch, spoken, others)
    proofs = _prove(session, batch, mailing_list, chunk.part, others)
    leaves = list(chunk.column("leaf"))
    for position, proof in zip(newcomers.others, proofs, strict=True):
        leaves[position] = proof.leaf
    terms = terms_of_chunk.of(session, batch, mailing_list, _append(session, batch, mailing_list, chunk, leaves))
    opting_out.write(session, batch, mailing_list, others)
    newcomers.subscribe(session, terms)
    previous = _subscribe(session, terms, others)
    _fill_profiles(session, others, previous)
    newcomers.keep_rows(session, batch, terms)
    _keep_rows(session, batch, terms.seq, loaded, proofs, previous)


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
    session: Session, batch: ImportBatch, mailing_list: MailingList, chunk: Chunk, leaves: Sequence[bytes]
) -> int:
    details: dict[str, str | int] = {
        "batch": batch.public_id,
        "file_sha256": batch.file_sha256,
        "statement_sha256": batch.statement_sha256,
        "operator": batch.operator,
        "part": chunk.part,
        "first_row": chunk.column("row")[0],
        "last_row": chunk.column("row")[-1],
        "rows": len(leaves),
        "root": merkle.root(leaves).hex(),
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


def _subscribe(session: Session, terms: Terms, decisions: Sequence[Decision]) -> dict[int, dict[str, object]]:
    """Write the subscriptions, and return what undo needs of those that were there before, by row."""
    made: dict[int, Candidate] = {}
    previous: dict[int, dict[str, object]] = {}
    later = {id(one.known): one for one in decisions if one.raises and one.known is not None and one.known.joined}
    for decision in decisions:
        known = decision.known
        if decision.makes_subscription and known is not None:
            # A second row of the same chunk may have brought the evidence that the first one lacked.
            proving = later.get(id(known), decision) if later else decision
            made[known.subscriber_id] = proving.row
        elif decision.raises and known is not None and not known.joined:
            previous[decision.row.row] = _raise(terms, decision)
    columns = terms.columns([row.since for row in made.values()], [row.confirmed_at for row in made.values()])
    bulk.add_columns(session, Subscription, {"subscriber_id": list(made), **columns})
    return previous


def _raise(terms: Terms, decision: Decision) -> dict[str, object]:
    """Confirm somebody kept without evidence until now, and return how she stood."""
    known, row = decision.known, decision.row
    held: Subscription | None = known.subscription if known is not None else None
    if held is None:  # pragma: no cover - what is raised was looked up
        return {}
    since = clock.of_milliseconds(row.confirmed_at or row.requested_at)
    before: dict[str, object] = {
        "since": held.since.isoformat(), "ledger_seq": held.ledger_seq or 0, "purpose": held.purpose,
        "import_id": held.import_id or 0,
    }  # fmt: skip
    subscription.move(held, S.CONFIRMED)
    held.basis, held.since, held.ledger_seq = Basis(terms.basis), since, terms.seq
    held.purpose, held.double_opt_in, held.import_id = terms.purpose, row.confirmed_at > 0, terms.import_id
    held.last_contact_at, held.first_use_deadline = terms.last_contact(since), terms.deadline(since)
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
    seq: int,
    loaded: Loaded,
    proofs: Sequence[_Proof],
    previous: dict[int, dict[str, object]],
) -> None:
    kept: list[tuple[object, ...]] = []
    positions = loaded.newcomers.others if loaded.newcomers is not None else []
    for position, decision, proof in zip(positions, loaded.others, proofs, strict=True):
        row = decision.row
        before = previous.get(row.row)
        kept.append(
            (
                batch.id,
                loaded.chunk.part,
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

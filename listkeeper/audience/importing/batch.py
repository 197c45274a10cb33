"""An import batch: who brought which file, what they state about it, how far it has come, and each row's trace.

The batch carries what is claimed of the whole file; a row carries what became
of it. A row holds no address: a keyed hash, a random reference, and the leaf
under which the ledger's ``import.batch`` row proves it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, ForeignKey, Index, Integer, LargeBinary, String, Text, and_, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from listkeeper.accounts.organisation import Organisation
from listkeeper.audience.mailing_list import MailingList
from listkeeper.foundation import clock, columns, language, outbox
from listkeeper.foundation.columns import UtcDateTime
from listkeeper.foundation.errors import Conflict, NotFound
from listkeeper.foundation.outbox import Lane
from listkeeper.foundation.table import Table
from listkeeper.standards import canonical_json

ASKED = "import.asked"
UNDO_WINDOW = timedelta(days=30)
FILE_KEPT = timedelta(days=1)


class ImportState(StrEnum):
    """How far a batch has come."""

    UPLOADED = "uploaded"
    JUDGED = "judged"
    LOADING = "loading"
    FINISHED = "finished"
    FAILED = "failed"
    UNDONE = "undone"


S = ImportState
TRANSITIONS: dict[ImportState, frozenset[ImportState]] = {
    # The command line may load at once: it judges while it loads.
    S.UPLOADED: frozenset({S.JUDGED, S.LOADING, S.FAILED}),
    # What is stated about a file may change until it is loaded; then it is judged anew.
    S.JUDGED: frozenset({S.UPLOADED, S.LOADING, S.FAILED}),
    S.LOADING: frozenset({S.FINISHED, S.FAILED}),
    # What stopped halfway is shown as that; it goes on where it stopped, or is taken back.
    S.FAILED: frozenset({S.UPLOADED, S.LOADING, S.UNDONE}),
    S.FINISHED: frozenset({S.UNDONE}),
    S.UNDONE: frozenset(),
}


class ImportBatch(Table):
    """One file on its way in, with what its owner states about it."""

    __tablename__ = "import_batch"

    id: Mapped[int] = columns.row_id()
    public_id: Mapped[str] = columns.public_id("imp")
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    list_id: Mapped[int] = mapped_column(ForeignKey("mailing_list.id"))
    state: Mapped[ImportState] = columns.enum(ImportState, default=ImportState.UPLOADED)
    # Who brought it: ``user:…`` or ``cli``.
    operator: Mapped[str] = mapped_column(String(80))
    file_sha256: Mapped[str] = mapped_column(String(64))
    file_name: Mapped[str] = mapped_column(String(255))
    # Where the file lies; empty once it is deleted. ``held`` says that the copy is ours to delete.
    place: Mapped[str] = mapped_column(String(1024), default="")
    held: Mapped[bool] = mapped_column(default=False)
    opt_outs_place: Mapped[str] = mapped_column(String(1024), default="")
    opt_outs_sha256: Mapped[str] = mapped_column(String(64), default="")
    source: Mapped[str] = mapped_column(String(32), default="")
    source_title: Mapped[str] = mapped_column(String(80), default="")
    # What the owner states: of the whole file, in her words.
    claimed_basis: Mapped[str] = mapped_column(String(32), default="")
    claimed_origin: Mapped[str] = mapped_column(String(500), default="")
    claimed_method: Mapped[str] = mapped_column(String(200), default="")
    claimed_text: Mapped[str] = mapped_column(Text, default="")
    claimed_date: Mapped[str] = mapped_column(String(200), default="")
    last_letter_on: Mapped[str] = mapped_column(String(10), default="")
    attestation: Mapped[str] = mapped_column(Text, default="")
    no_opt_outs: Mapped[bool] = mapped_column(default=False)
    date_order: Mapped[str] = mapped_column(String(3), default="")
    # Which column was read as what, and which were kept.
    mapping: Mapped[dict[str, Any]] = mapped_column(columns.Json, default=dict)
    kept_columns: Mapped[list[str]] = mapped_column(columns.Json, default=list)
    statement_sha256: Mapped[str] = mapped_column(String(64), default="")
    # What the dry run found, what the load has done so far, and where it stands.
    forecast: Mapped[dict[str, Any]] = mapped_column(columns.Json, default=dict)
    counts: Mapped[dict[str, Any]] = mapped_column(columns.Json, default=dict)
    at_pass: Mapped[int] = mapped_column(Integer, default=0)
    at_part: Mapped[int] = mapped_column(Integer, default=0)
    at_row: Mapped[int] = mapped_column(BigInteger, default=0)
    problem: Mapped[str] = mapped_column(String(500), default="")
    created_at: Mapped[datetime] = columns.created_at()
    worked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    undone_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__ = (Index("ix_import_batch_list_file", "list_id", "file_sha256"),)

    @property
    def actor(self) -> str:
        """How the ledger names what this batch does."""
        return f"import:{self.public_id}"

    @property
    def undoable(self) -> bool:
        """Whether it can still be taken back."""
        if self.state is ImportState.FAILED:
            return bool(self.counts)
        return self.state is ImportState.FINISHED and clock.now() < (self.finished_at or self.created_at) + UNDO_WINDOW


class ImportRow(Table):
    """What became of one row of a file."""

    __tablename__ = "import_row"

    batch_id: Mapped[int] = mapped_column(ForeignKey("import_batch.id"), primary_key=True)
    part: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    row: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    line: Mapped[int] = mapped_column(BigInteger)
    # The keyed hash of the address, as on the suppression list; empty when the row had no address.
    key: Mapped[str] = mapped_column(String(64))
    outcome: Mapped[str] = mapped_column(String(12))
    reason: Mapped[str] = mapped_column(String(32))
    # The person's reference; empty when nobody was made or found.
    subject_ref: Mapped[str] = mapped_column(String(32))
    # Under this name the row's evidence lies in the vault, and its commitment opens it.
    event_id: Mapped[str] = mapped_column(String(32))
    evidence_commit: Mapped[str] = mapped_column(String(64))
    evidenced: Mapped[bool] = mapped_column()
    requested_at: Mapped[int] = mapped_column(BigInteger)
    confirmed_at: Mapped[int] = mapped_column(BigInteger)
    # Which ``import.batch`` row of the ledger proves it, as which of its leaves.
    event_seq: Mapped[int] = mapped_column(BigInteger)
    position: Mapped[int] = mapped_column(Integer)
    leaf: Mapped[bytes] = mapped_column(LargeBinary)
    # What undo has to take back: 1 the subscriber was made, 2 her subscription, 4 her evidence key.
    made: Mapped[int] = mapped_column(Integer)
    previous: Mapped[dict[str, Any] | None] = mapped_column(columns.Json)

    __table_args__ = (Index("ix_import_row_subject", "subject_ref"),)


MADE_SUBSCRIBER, MADE_SUBSCRIPTION, MADE_KEY = 1, 2, 4


def record(batch_public_id: str, list_public_id: str, row: ImportRow) -> dict[str, object]:
    """Return the record whose canonical bytes are a row's leaf (``sealing.leaf_record`` writes the same bytes)."""
    return {
        "v": 1,
        "batch": batch_public_id,
        "part": row.part,
        "row": row.row,
        "id": row.event_id,
        "list": list_public_id,
        "subject": row.subject_ref,
        "outcome": row.outcome,
        "reason": row.reason,
        "basis": "consent" if row.evidenced else "",
        "requested_at": row.requested_at,
        "confirmed_at": row.confirmed_at,
        "evidence_commit": row.evidence_commit,
    }


def proved_by(seq: int, details: Mapping[str, Any]) -> ColumnElement[bool]:
    """Return the condition of the rows that one ``import.batch`` event proves.

    The event names the first and the last of them, so that they are found by the key of the table; a batch of a
    million rows would be read whole otherwise.
    """
    part, first, last = (int(details.get(name, 0)) for name in ("part", "first_row", "last_row"))
    return and_(ImportRow.event_seq == seq, ImportRow.part == part, ImportRow.row.between(first, last))


def move(batch: ImportBatch, target: ImportState) -> None:
    """Change the state by the table above. Raises Conflict for a way that does not exist."""
    if batch.state is target:
        return
    if target not in TRANSITIONS[batch.state]:
        raise Conflict("import_state", f"An import cannot go from {batch.state} to {target}.")
    batch.state = target


def ask(session: Session, batch: ImportBatch) -> None:
    """Ask a worker to do what the batch waits for: to judge it, to load it, or to take it back."""
    batch.worked_at = clock.now()
    outbox.write(session, ASKED, batch.id, Lane.BACKGROUND)


def statement_of(batch: ImportBatch) -> dict[str, object]:
    """Return what is stated about a file, as one value: its hash stands in the ledger."""
    return {
        "file_sha256": batch.file_sha256,
        "opt_outs_sha256": batch.opt_outs_sha256,
        "basis": batch.claimed_basis,
        "origin": batch.claimed_origin,
        "method": batch.claimed_method,
        "text": batch.claimed_text,
        "date": batch.claimed_date,
        "last_letter_on": batch.last_letter_on,
        "attestation": batch.attestation,
        "no_opt_outs": int(batch.no_opt_outs),
        "date_order": batch.date_order,
        "columns": sorted(batch.kept_columns),
        "mapping": {name: str(value) for name, value in sorted(batch.mapping.items())},
    }


def sign_statement(batch: ImportBatch) -> None:
    """Fix the hash of what is stated, when loading begins."""
    batch.statement_sha256 = hashlib.sha256(canonical_json.dumps(statement_of(batch))).hexdigest()


def same_before(session: Session, batch: ImportBatch) -> ImportBatch | None:
    """Return an earlier batch of the same file with the same statement on the same list, unless it was undone."""
    query = select(ImportBatch).where(
        ImportBatch.list_id == batch.list_id,
        ImportBatch.file_sha256 == batch.file_sha256,
        ImportBatch.statement_sha256 == batch.statement_sha256,
        ImportBatch.state.in_([S.LOADING, S.FINISHED, S.FAILED]),
    )
    if batch.id is not None:
        query = query.where(ImportBatch.id != batch.id)
    return session.scalars(query.order_by(ImportBatch.id).limit(1)).first()


def named(session: Session, organisation: Organisation, public_id: str) -> ImportBatch:
    """Return the batch with a public id. Raises NotFound."""
    query = select(ImportBatch).where(
        ImportBatch.organisation_id == organisation.id, ImportBatch.public_id == public_id
    )
    found = session.scalars(query).first()
    if found is None:
        raise NotFound("no_import", language.text("There is no import “%(name)s”.", name=public_id[:60]))
    return found


def of_list(session: Session, mailing_list: MailingList, limit: int = 20) -> list[ImportBatch]:
    """Return a list's imports, newest first."""
    query = select(ImportBatch).where(ImportBatch.list_id == mailing_list.id)
    return list(session.scalars(query.order_by(ImportBatch.id.desc()).limit(limit)))


def left_behind(session: Session, idle: timedelta) -> list[int]:
    """Return the batches that should be judged or loaded and that nobody has worked on for so long."""
    query = select(ImportBatch.id).where(
        ImportBatch.state.in_([S.UPLOADED, S.LOADING]),
        ImportBatch.held.is_(True),
        ImportBatch.worked_at < clock.now() - idle,
    )
    return list(session.scalars(query.order_by(ImportBatch.id)))


def files_to_delete(session: Session) -> list[ImportBatch]:
    """Return the batches whose file has served: loaded, undone, or older than a day and not under way."""
    ended = ImportBatch.state.in_([S.FINISHED, S.UNDONE])
    old = (ImportBatch.state != S.LOADING) & (ImportBatch.created_at < clock.now() - FILE_KEPT)
    query = select(ImportBatch).where(ImportBatch.held.is_(True), ImportBatch.place != "", ended | old)
    return list(session.scalars(query.order_by(ImportBatch.id)))

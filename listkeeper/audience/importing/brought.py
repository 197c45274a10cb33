"""What was brought about one person by imports, for whoever looks her up: the claim, and what became of her row.

The owner stated these words of a whole file, so they lie open on the batch.
What her row says in a column of its own lies in the vault; here only the
column is named, and opening it is an act of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.accounts.organisation import Organisation
from listkeeper.audience.importing.batch import ImportBatch, ImportRow
from listkeeper.audience.importing.verdict import Outcome
from listkeeper.audience.mailing_list import MailingList
from listkeeper.audience.proof.ledger import LedgerRow
from listkeeper.foundation import clock

Rows = tuple[ImportRow, ImportBatch, MailingList, LedgerRow]
_BRINGS = frozenset({Outcome.NEW, Outcome.UPDATED, Outcome.UNVERIFIED})


@dataclass(frozen=True)
class Words:
    """One thing that is claimed: in the owner's words for the whole file, or in a column of the file."""

    said: str = ""
    column: str = ""


@dataclass(frozen=True)
class Brought:
    """One row of a file that is about the person; every word of it is somebody's claim, none a record of ours."""

    import_id: str
    import_number: int
    list_id: int
    list_public_id: str
    list_name: str
    file_name: str
    file_sha256: str
    source_title: str
    operator: str
    # When it was written down, in which row of the ledger, and that row's name.
    at: datetime
    seq: int
    ledger_id: str
    row: int
    line: int
    outcome: Outcome
    reason: str
    # Whether the claim was enough for letters; until it is taken back.
    evidenced: bool
    requested_at: datetime | None
    confirmed_at: datetime | None
    origin: Words
    method: Words
    text: Words
    collected: str
    attestation: str
    undone_at: datetime | None

    @property
    def stands(self) -> bool:
        """Whether it brought somebody onto the list, or the proof that was missing, and was not taken back."""
        return self.undone_at is None and self.outcome in _BRINGS


def rows_of(session: Session, organisation: Organisation, subject_ref: str) -> list[Rows]:
    """Return a person's imported rows, each with its batch, its list and the row of the ledger; oldest first."""
    query = (
        select(ImportRow, ImportBatch, MailingList, LedgerRow)
        .join(ImportBatch, ImportBatch.id == ImportRow.batch_id)
        .join(MailingList, MailingList.id == ImportBatch.list_id)
        .join(LedgerRow, (LedgerRow.organisation_id == organisation.id) & (LedgerRow.seq == ImportRow.event_seq))
        .where(ImportRow.subject_ref == subject_ref, ImportBatch.organisation_id == organisation.id)
        .order_by(ImportRow.event_seq, ImportRow.position)
    )
    return [(row, batch, on, event) for row, batch, on, event in session.execute(query)]


def of_subject(session: Session, organisation: Organisation, subject_ref: str) -> list[Brought]:
    """Return what files said of a person, oldest first."""
    return [_brought(*found) for found in rows_of(session, organisation, subject_ref)]


def _brought(row: ImportRow, batch: ImportBatch, on: MailingList, event: LedgerRow) -> Brought:
    return Brought(
        import_id=batch.public_id,
        import_number=batch.id,
        list_id=on.id,
        list_public_id=on.public_id,
        list_name=on.name,
        file_name=batch.file_name,
        file_sha256=batch.file_sha256,
        source_title=batch.source_title,
        operator=batch.operator,
        at=clock.of_milliseconds(event.at),
        seq=event.seq,
        ledger_id=event.id,
        row=row.row,
        line=row.line,
        outcome=Outcome(row.outcome),
        reason=row.reason,
        evidenced=row.evidenced,
        requested_at=_moment(row.requested_at),
        confirmed_at=_moment(row.confirmed_at),
        origin=_words(batch, "origin", batch.claimed_origin),
        method=_words(batch, "method", batch.claimed_method),
        text=_words(batch, "text", batch.claimed_text),
        collected=batch.claimed_date,
        attestation=batch.attestation,
        undone_at=batch.undone_at,
    )


def _moment(milliseconds: int) -> datetime | None:
    return clock.of_milliseconds(milliseconds) if milliseconds else None


def _words(batch: ImportBatch, role: str, stated: str) -> Words:
    return Words(stated, str(batch.mapping.get(role, "")))


def standing(rows: Sequence[Brought]) -> dict[int, Brought]:
    """Return the newest claim of each list (by its number) that still stands."""
    return {row.list_id: row for row in rows if row.stands}

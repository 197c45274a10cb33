"""What an import says about one person, and the way from her row to the batch that the ledger holds.

No row of the ledger speaks of her alone: a batch names the Merkle root of its
rows, and each row proves itself by its path to that root. All of it is the
word of whoever imported.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.accounts.organisation import Organisation
from listkeeper.audience.importing import batch as batches
from listkeeper.audience.importing import brought
from listkeeper.audience.importing.batch import ImportBatch, ImportRow
from listkeeper.audience.mailing_list import MailingList
from listkeeper.audience.proof import evidence, ledger
from listkeeper.audience.proof.certificate import Fact, ImportedClaim
from listkeeper.audience.proof.evidence import Opened
from listkeeper.audience.proof.ledger import LedgerRow
from listkeeper.standards import merkle

# The evidence repeats these of the batch; they are no claim about the person.
_OF_THE_BATCH = frozenset({"kind", "batch", "file_sha256", "row", "mail"})


@dataclass(frozen=True)
class ProvedRow:
    """One imported row of a person: what it says, and what proves that it stood in its batch."""

    list_id: int
    undone: bool
    seq: int
    claim: ImportedClaim
    line: dict[str, object]
    # The name of its evidence in the vault.
    event_id: str


def of_subject(session: Session, organisation: Organisation, subject_ref: str) -> list[ProvedRow]:
    """Return a subject's imported rows, oldest first."""
    found = brought.rows_of(session, organisation, subject_ref)
    opened = evidence.opened(session, organisation.id, subject_ref) if found else {}
    return [
        ProvedRow(
            list_id=mailing_list.id,
            undone=batch.undone_at is not None,
            seq=event.seq,
            claim=_claim(batch, row, event, opened.get(row.event_id)),
            line=_line(session, batch, mailing_list, row, event),
            event_id=row.event_id,
        )
        for row, batch, mailing_list, event in found
    ]


def _claim(batch: ImportBatch, row: ImportRow, event: LedgerRow, shown: Opened | None) -> ImportedClaim:
    told = shown.content if shown else {}
    claims: dict[str, Fact] = {
        name: value
        for name, value in told.items()
        if isinstance(value, str | int) and value and name not in _OF_THE_BATCH
    }
    return ImportedClaim(
        batch=event.id,
        row=row.row,
        at=event.at,
        claims=tuple(sorted(claims.items())),
        file_sha256=batch.file_sha256,
        actor=batch.actor,
        file_name=batch.file_name,
        line=row.line,
        operator=batch.operator,
    )


def _line(
    session: Session, batch: ImportBatch, mailing_list: MailingList, row: ImportRow, event: LedgerRow
) -> dict[str, object]:
    mine = batches.proved_by(event.seq, ledger.fields_of(event)["details"])
    query = select(ImportRow.leaf).where(ImportRow.batch_id == batch.id, mine)
    leaves = list(session.scalars(query.order_by(ImportRow.position)))
    return {
        "batch": event.id,
        "row": row.position,
        "record": batches.record(batch.public_id, mailing_list.public_id, row),
        "path": [node.hex() for node in merkle.inclusion_path(leaves, row.position)],
    }


def claims_by_list(rows: list[ProvedRow]) -> dict[int, ImportedClaim]:
    """Return the newest claim for each list (by its number) that was not taken back."""
    return {row.list_id: row.claim for row in rows if not row.undone}

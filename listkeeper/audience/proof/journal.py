"""Writing down, outside the database, what a restored backup must not forget.

Erasures, suppressions and signed checkpoints wait in their tables until they
stand in the journal (``foundation.journal_file``); restrictions, pauses and
deleted lists wait in the ledger (``restraint``). The lines reach the disk
first and the rows are marked after that, so a crash between the two leaves a
line twice, which ``journal_replay`` does not mind. An erasure is done only
when it stands there.

One machine keeps the journal: the one whose journal folder has the id that the
database knows. Workers on other machines leave the writing to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from listkeeper.accounts.organisation import Organisation
from listkeeper.audience.erasure import Erasure
from listkeeper.audience.proof import ledger, restraint
from listkeeper.audience.proof.checkpoint import Checkpoint
from listkeeper.audience.suppression import Suppression
from listkeeper.foundation import clock, journal_file, key_mark
from listkeeper.foundation.journal_file import Line

AT_ONCE = 1_000
_TABLES = (Erasure, Suppression, Checkpoint)


def is_waiting(session: Session) -> bool:
    """Return whether anything is not in the journal yet."""
    tables = any(session.scalar(select(table.id).where(table.journaled.is_(False)).limit(1)) for table in _TABLES)
    return tables or restraint.is_waiting(session)


def write_down(session: Session, folder: Path, limit: int = AT_ONCE) -> int:
    """Bring what waits into the journal, and mark it, in the caller's transaction; return how many lines.

    Nothing is written on a machine that does not keep this database's journal.
    """
    if not is_waiting(session) or not is_kept_in(session, folder):
        return 0
    owners = {row.id: row.public_id for row in session.scalars(select(Organisation))}
    lines: list[Line] = []
    told: set[int] = set()
    for table in _TABLES:
        waiting = select(table).where(table.journaled.is_(False)).order_by(table.id).limit(limit - len(lines))
        rows: Sequence[Any] = session.scalars(waiting).all()
        lines += [_line(row, owners[row.organisation_id]) for row in rows]
        told |= {row.organisation_id for row in rows}
        _mark(session, table, [row.id for row in rows])
    reached: dict[int, int] = {}
    for number, owner in owners.items():
        found = restraint.unwritten(session, number, owner, limit - len(lines))
        if found is not None:
            lines += found.lines
            reached[number] = found.reached
    lines += [end_of(session, number, owners[number]) for number in sorted(told | set(reached))]
    journal_file.append(folder, lines)
    for number, seq in reached.items():
        restraint.mark(session, number, seq)
    _strike(session, folder)
    return len(lines)


def is_kept_in(session: Session, folder: Path) -> bool:
    """Return whether this folder keeps the database's journal; a database without one takes it from now on.

    Holds the mark of the database until the end of the transaction: writers take turns.
    """
    mark = key_mark.keep(session)
    if mark.journal is None:
        mark.journal = journal_file.begin(folder)
        return True
    return mark.journal == journal_file.identity(folder)


def adopt(session: Session, folder: Path) -> None:
    """Keep the journal in this folder from now on; one that is new there gets all that was ever written down."""
    mark = key_mark.keep(session)
    known = journal_file.identity(folder)
    mark.journal = journal_file.begin(folder)
    if known is None:
        for table in _TABLES:
            session.execute(update(table).values(journaled=False))
        restraint.begin_again(session)
    session.flush()


def _mark(session: Session, table: type[Erasure | Suppression | Checkpoint], numbers: Sequence[int]) -> None:
    if numbers:
        session.execute(
            update(table)
            .where(table.id.in_(numbers))
            .values(journaled=True)
            .execution_options(synchronize_session=False)
        )


def _strike(session: Session, folder: Path) -> None:
    """Strike the keyed hashes of those who wanted to be forgotten altogether: the file is their last trace."""
    for row in session.scalars(select(Erasure).where(Erasure.key.is_not(None), Erasure.journaled)).all():
        journal_file.strike(folder, "key", str(row.key))
        row.key = None
    session.flush()


def _line(row: Erasure | Suppression | Checkpoint, owner: str) -> Line:
    match row:
        case Erasure():
            erased: Line = {
                "kind": "erased",
                "org": owner,
                "subject": row.subject_ref,
                "seq": row.ledger_seq,
                "at": clock.in_milliseconds(row.at),
            }
            return {**erased, "even_the_hash": 1} if row.even_the_hash else erased
        case Suppression():
            return {
                "kind": "suppressed",
                "org": owner,
                "key": row.key,
                "scope": row.scope,
                "reason": row.reason.value,
                "until": clock.in_milliseconds(row.until) if row.until else 0,
                "at": clock.in_milliseconds(row.created_at),
            }
        case _:
            return {
                "kind": "checkpoint",
                "org": owner,
                "size": row.size,
                "root": row.root,
                "note": row.note,
                "at": clock.in_milliseconds(row.made_at),
            }


def end_of(session: Session, organisation_id: int, owner: str) -> Line:
    """Say how far the ledger had come: between two checkpoints this is what convicts a database put back by hand."""
    end = ledger.head(session, organisation_id)
    return {
        "kind": "head",
        "org": owner,
        "size": end.seq if end else 0,
        "hash": end.hash if end else "",
        "at": clock.in_milliseconds(clock.now()),
    }

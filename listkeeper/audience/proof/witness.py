"""Comparing the ledger with what the journal has witnessed of it: a backup put back by hand convicts itself.

The journal holds signed checkpoints, and between them how far the ledger had
come. A ledger that is shorter, or is another one at that place, has forked:
nobody can say any more who left in the meantime. Sending stops until the owner
has had the journal replayed and begins a new epoch, which cites the last
checkpoint that both agree on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.accounts.organisation import Organisation
from listkeeper.audience.proof import ledger
from listkeeper.audience.proof.ledger import LedgerHead, LedgerRow
from listkeeper.foundation import clock, journal_file
from listkeeper.foundation.journal_file import Line


@dataclass(frozen=True)
class Witness:
    """How far a ledger had come: its Merkle root there, or (between checkpoints) the hash of its last row."""

    size: int
    root: str
    hash: str


def forked(session: Session, folder: Path) -> list[Organisation]:
    """Return whose ledger is not the one that the journal has witnessed. Raises Invalid when the journal is damaged."""
    return [
        owner
        for owner in session.scalars(select(Organisation).order_by(Organisation.id)).all()
        if not all(_agrees(session, owner.id, seen) for seen in _farthest(_witnesses(folder, owner.public_id)))
    ]


def stopped(session: Session) -> list[Organisation]:
    """Return whose sending stands still because of a fork."""
    query = select(Organisation).join(LedgerHead, LedgerHead.organisation_id == Organisation.id)
    return list(session.scalars(query.where(LedgerHead.forked_at.is_not(None)).order_by(Organisation.id)))


def is_stopped(session: Session) -> bool:
    """Return whether nothing may be sent because of a fork; what waits then goes on waiting."""
    query = select(LedgerHead.organisation_id).where(LedgerHead.forked_at.is_not(None))
    return session.scalar(query.limit(1)) is not None


def last_good(session: Session, folder: Path, owner: Organisation) -> Witness:
    """Return the newest checkpoint that the journal and the ledger agree on; size 0 when there is none."""
    seen = [witness for witness in _witnesses(folder, owner.public_id) if witness.root]
    for witness in sorted(seen, key=lambda witness: witness.size, reverse=True):
        if _agrees(session, owner.id, witness):
            return witness
    return Witness(0, ledger.tree(session, owner.id, 0).root().hex(), "")


def accepted(owner: Organisation, good: Witness) -> Line:
    """Return the journal's line that a new epoch began: what was witnessed beyond the good checkpoint counts no more.

    It may be written only once the database has committed the new epoch, and together
    with ``journal.end_of`` it: else the same old copy, put back again, would contradict nobody.
    """
    moment = clock.in_milliseconds(clock.now())
    return {"kind": "accepted", "org": owner.public_id, "size": good.size, "root": good.root, "at": moment}


def _witnesses(folder: Path, owner: str) -> list[Witness]:
    found: list[Witness] = []
    for line in _lines(folder, owner):
        size = int(line["size"])
        if line["kind"] == "accepted":
            found = [witness for witness in found if witness.size <= size]
        else:
            found.append(Witness(size, str(line.get("root", "")), str(line.get("hash", ""))))
    return found


def _lines(folder: Path, owner: str) -> Iterator[dict[str, str | int]]:
    if journal_file.identity(folder) is None:
        return
    for line in journal_file.read(folder, having='"size":'):
        if line.get("org") == owner and line.get("kind") in {"checkpoint", "head", "accepted"}:
            yield line


def _farthest(seen: list[Witness]) -> list[Witness]:
    """Return the farthest checkpoint and the farthest end: each speaks for all that lies before it."""
    kinds = ([witness for witness in seen if witness.root], [witness for witness in seen if witness.hash])
    return [max(kind, key=lambda witness: witness.size) for kind in kinds if kind]


def _agrees(session: Session, organisation_id: int, seen: Witness) -> bool:
    if ledger.size(session, organisation_id) < seen.size:
        return False
    if seen.root:
        return ledger.tree(session, organisation_id, seen.size).root().hex() == seen.root
    query = select(LedgerRow.hash).where(LedgerRow.organisation_id == organisation_id, LedgerRow.seq == seen.size)
    return session.scalar(query) == seen.hash

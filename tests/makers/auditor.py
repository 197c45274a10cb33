"""An auditor of the ledger who shares no code with it: hashlib, json and plain SQL."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

FIELDS = {
    "v", "org", "seq", "id", "ts", "type", "subject", "list", "purpose", "basis", "text_sha256", "form_sha256",
    "mail_sha256", "method", "actor", "evidence_commit", "expires_at", "supersedes", "prev", "details",
}  # fmt: skip
_ROWS = text(
    "SELECT seq, id, at, type, subject, record, hash, prev FROM ledger WHERE organisation_id = :org ORDER BY seq"
)
_TILES = text("SELECT number, hash FROM ledger_tile WHERE organisation_id = :org ORDER BY number")


def records(session: Session, organisation_id: int) -> list[dict[str, Any]]:
    """Return what the rows say, in order."""
    return [json.loads(row.record) for row in session.execute(_ROWS, {"org": organisation_id})]


def root(leaves: list[bytes]) -> bytes:
    """Return the Merkle root, split from above as RFC 6962 section 2.1 tells it."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    half = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(b"\x01" + root(leaves[:half]) + root(leaves[half:])).digest()


def faults(session: Session, organisation_id: int) -> list[str]:
    """Return what is wrong with the ledger, in words; nothing is what must come back."""
    found: list[str] = []
    prev, at, newest, seen, leaves = "", 0, dict[str, str](), set[str](), list[bytes]()
    rows = session.execute(_ROWS, {"org": organisation_id}).all()
    for number, row in enumerate(rows, 1):
        said = json.loads(row.record)
        plain = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        leaves.append(hashlib.sha256(b"\0" + row.record.encode()).digest())
        wrong = {
            "not canonical": plain != row.record,
            "fields are missing or new": set(said) != FIELDS,
            "out of order": row.seq != number or said["seq"] != number,
            "does not name the row before": row.prev != prev or said["prev"] != prev,
            "hash": row.hash != leaves[-1].hex(),
            "columns say something else": [said["id"], said["ts"], said["type"], said["subject"]]
            != [row.id, row.at, row.type, row.subject],
            "time runs back": row.at < at,
            "id twice": row.id in seen,
            "supersedes": said["supersedes"] != newest.get(row.subject, ""),
        }
        found += [f"row {number}: {what}" for what, is_so in wrong.items() if is_so]
        prev, at = row.hash, row.at
        seen.add(row.id)
        if row.subject:
            newest[row.subject] = row.id
    return found + _end(session, organisation_id, len(rows), prev) + _tiles(session, organisation_id, leaves)


def _end(session: Session, organisation_id: int, size: int, last: str) -> list[str]:
    query = text("SELECT seq, hash FROM ledger_head WHERE organisation_id = :org")
    head = session.execute(query, {"org": organisation_id}).first() or (0, "")
    return [] if tuple(head) == (size, last) else [f"the end is said to be {tuple(head)}, and is {(size, last)}"]


def _tiles(session: Session, organisation_id: int, leaves: list[bytes]) -> list[str]:
    kept = [tuple(row) for row in session.execute(_TILES, {"org": organisation_id})]
    full = range(len(leaves) // 256)
    true = [(number, root(leaves[number * 256 : (number + 1) * 256]).hex()) for number in full]
    return [] if kept == true else ["the tiles are not those of the rows"]

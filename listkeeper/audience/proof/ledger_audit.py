"""Checking our own ledger where it lies: every row, every text, every checkpoint, every piece of evidence.

What is found has the codes of ``listkeeper-verify``. The difference is what
each can see: the verifier has the rows somebody was given, this has the
database, its keys and the vault, and so sees evidence that was swapped and a
text that was edited by hand. A tail that was cut off shows in the head, the
tiles and the checkpoints here, and in the journal outside (``witness``).
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import consent_text, privacy_notice
from listkeeper.audience.consent_text import ConsentText
from listkeeper.audience.forms import form_record
from listkeeper.audience.mail_template import MailTemplate
from listkeeper.audience.mailing_list import MailingList
from listkeeper.audience.privacy_notice import PrivacyNotice
from listkeeper.audience.proof import checkpoint, evidence, ledger
from listkeeper.audience.proof.checkpoint import Checkpoint
from listkeeper.audience.proof.ledger import TILE, LedgerRow, LedgerTile
from listkeeper.audience.signup_form import SignupForm, SignupFormVersion
from listkeeper.foundation.errors import Invalid
from listkeeper.standards import canonical_json, merkle, signed_note

_AT_ONCE = 2_000
# What a column of the ledger repeats of its record, so that a query need not open it.
_REPEATED = {"seq": "seq", "id": "id", "at": "ts", "type": "type", "subject": "subject", "prev": "prev"}
_CITED = {"text_sha256": "text", "form_sha256": "form", "mail_sha256": "mail template"}


@dataclass(frozen=True)
class Fault:
    """One thing that is false: a code of ``listkeeper-verify`` and a sentence."""

    code: str
    sentence: str


@dataclass
class Audit:
    """What was looked at, and what was found."""

    rows: int = 0
    evidence: int = 0
    withheld: int = 0
    texts: int = 0
    checkpoints: int = 0
    # Checkpoints kept elsewhere that the ledger was compared with (``ledger_witness``).
    witnessed: int = 0
    faults: list[Fault] = field(default_factory=list)

    def wrong(self, code: str, sentence: str) -> None:
        """Add a fault."""
        self.faults.append(Fault(code, sentence))


def check(session: Session, organisation: Organisation, tell: Callable[[int], None] = lambda _rows: None) -> Audit:
    """Check an organisation's whole ledger; ``tell`` is called with the number of rows so far."""
    audit = Audit()
    texts = _texts(session, organisation, audit)
    walk = _Walk(organisation.public_id, texts, audit)
    for rows in _batches(session, organisation.id):
        walk.take(rows)
        _check_evidence(session, organisation.id, rows, walk.commitments, audit)
        tell(audit.rows)
    _check_end(session, organisation.id, walk, audit)
    _check_tiles(session, organisation.id, walk.leaves, audit)
    _check_checkpoints(session, organisation, walk.leaves, audit)
    return audit


@dataclass(frozen=True)
class _Row:
    seq: int
    id: str
    at: int
    type: str
    subject: str
    record: str
    hash: str
    prev: str


def _batches(session: Session, organisation_id: int) -> Iterator[list[_Row]]:
    columns = [getattr(LedgerRow, name) for name in _Row.__dataclass_fields__]
    after = 0
    while True:
        query = select(*columns).where(LedgerRow.organisation_id == organisation_id, LedgerRow.seq > after)
        rows = [_Row(*row) for row in session.execute(query.order_by(LedgerRow.seq).limit(_AT_ONCE))]
        if not rows:
            return
        yield rows
        after = rows[-1].seq


class _Walk:
    """The rows one after another, each for itself and beside the one before."""

    def __init__(self, owner: str, texts: set[str], audit: Audit) -> None:
        self._owner = owner
        self._texts = texts
        self._audit = audit
        self._before: _Row | None = None
        self._last: dict[str, str] = {}
        self.leaves: list[bytes] = []
        self.commitments: dict[str, str] = {}

    @property
    def end(self) -> tuple[int, str]:
        """Where the walk has come to: number and hash of the last row."""
        return (self._before.seq, self._before.hash) if self._before else (0, "")

    def take(self, rows: list[_Row]) -> None:
        """Take the next rows."""
        self.commitments = {}
        for row in rows:
            self._audit.rows += 1
            self._neighbours(row)
            self._content(row)
            self._before = row

    def _neighbours(self, row: _Row) -> None:
        seq, prev = self.end
        if row.seq != seq + 1:
            self._audit.wrong("removed_row", f"Row {seq + 1} is missing.")
        elif row.prev != prev:
            self._audit.wrong("edited_record", f"Row {row.seq} does not follow row {seq}.")
        if self._before and row.at < self._before.at:
            self._audit.wrong("reordered_rows", f"Row {row.seq} is dated before the row that stands before it.")

    def _content(self, row: _Row) -> None:
        leaf = merkle.leaf_hash(row.record.encode())
        self.leaves.append(leaf)
        try:
            fields = canonical_json.loads_strict(row.record.encode())
        except ValueError:
            fields = None
        if not isinstance(fields, dict):
            self._audit.wrong("not_canonical", f"Row {row.seq} is not in its canonical form.")
            return
        if leaf.hex() != row.hash or any(getattr(row, name) != fields.get(key) for name, key in _REPEATED.items()):
            self._audit.wrong("edited_record", f"Row {row.seq} was changed.")
        if fields.get("org") != self._owner:
            self._audit.wrong("edited_record", f"Row {row.seq} belongs to another ledger.")
        self._subject(row, fields)
        for name, what in _CITED.items():
            if fields.get(name) and fields[name] not in self._texts:
                self._audit.wrong("missing_text", f"Row {row.seq} cites a {what} that is not there.")
        if fields.get("evidence_commit"):
            self.commitments[row.id] = str(fields["evidence_commit"])

    def _subject(self, row: _Row, fields: dict[str, Any]) -> None:
        subject = row.subject
        if subject and fields.get("supersedes") != self._last.get(subject, ""):
            self._audit.wrong("removed_row", f"Row {row.seq} follows an event of the same person that is not there.")
        if subject:
            self._last[subject] = row.id


def _texts(session: Session, organisation: Organisation, audit: Audit) -> set[str]:
    """Return the names of all published texts, forms and mails, each checked against its words."""
    texts = select(ConsentText).join(MailingList).where(MailingList.organisation_id == organisation.id)
    forms = select(SignupFormVersion).join(SignupForm).join(MailingList)
    forms = forms.where(MailingList.organisation_id == organisation.id)
    notices = select(PrivacyNotice).where(PrivacyNotice.organisation_id == organisation.id)
    mails = select(MailTemplate).where(MailTemplate.organisation_id == organisation.id)
    known = [
        *(
            (f"text {one.language}-{one.version}", one.sha256, consent_text.content(one))
            for one in session.scalars(texts)
        ),
        *(
            (f"privacy notice {one.language}-{one.version}", one.sha256, privacy_notice.content(one))
            for one in session.scalars(notices)
        ),
        *(
            (f"form {one.form.slug}, version {one.version}", one.sha256, form_record.content(one))
            for one in session.scalars(forms)
        ),
        *(
            (f"mail {one.kind} {one.language}-{one.version}", one.sha256, one.content.encode())
            for one in session.scalars(mails)
        ),
    ]
    for what, sha256, content in known:
        audit.texts += 1
        if hashlib.sha256(content).hexdigest() != sha256:
            audit.wrong("edited_text", f"The {what} was changed after it was published (SHA-256 {sha256[:12]}…).")
    return {sha256 for _, sha256, _ in known}


def _check_evidence(
    session: Session, organisation_id: int, rows: list[_Row], commitments: dict[str, str], audit: Audit
) -> None:
    places = {row.id: row.seq for row in rows}
    found = evidence.sealed_pieces(session, organisation_id, list(commitments))
    audit.withheld += len(commitments) - len(found)
    for piece in found:
        audit.evidence += 1
        try:
            opened = piece.open()
            held = evidence.commitment(opened.salt, opened.content)
        except (Invalid, ValueError):
            held = ""
        if held != commitments[piece.event_id]:
            audit.wrong("swapped_evidence", f"The evidence of row {places[piece.event_id]} is not what was recorded.")


def _check_end(session: Session, organisation_id: int, walk: _Walk, audit: Audit) -> None:
    head = ledger.head(session, organisation_id)
    seq, last = (head.seq, head.hash) if head else (0, "")
    if seq > walk.end[0]:
        audit.wrong("truncated_tail", f"The ledger had {seq} rows and has {walk.end[0]}.")
    elif (seq, last) != walk.end:
        audit.wrong("edited_record", "The end of the ledger is not the row that was written last.")


def _check_tiles(session: Session, organisation_id: int, leaves: list[bytes], audit: Audit) -> None:
    query = select(LedgerTile.number, LedgerTile.hash).where(LedgerTile.organisation_id == organisation_id)
    stored = {row[0]: row[1] for row in session.execute(query)}
    for number in range(len(leaves) // TILE):
        if stored.get(number) != merkle.root(leaves[number * TILE : (number + 1) * TILE]).hex():
            first, last = number * TILE + 1, (number + 1) * TILE
            audit.wrong("edited_record", f"The rows {first} to {last} are not those that were hashed once.")


def _check_checkpoints(session: Session, organisation: Organisation, leaves: list[bytes], audit: Audit) -> None:
    tiles = [merkle.root(leaves[at : at + TILE]) for at in range(0, len(leaves) // TILE * TILE, TILE)]
    query = select(Checkpoint).where(Checkpoint.organisation_id == organisation.id).order_by(Checkpoint.size)
    for each in session.scalars(query):
        audit.checkpoints += 1
        if each.size > len(leaves):
            audit.wrong("truncated_tail", f"A checkpoint signed {each.size} rows; the ledger has {len(leaves)}.")
            continue
        tree = merkle.TiledTree(each.size, tiles, lambda start, stop: leaves[start:stop])
        if not _signed(each, organisation, tree.root()):
            audit.wrong("bad_checkpoint", f"The checkpoint of {each.size} rows does not fit them, or its signature.")


def _signed(each: Checkpoint, organisation: Organisation, root: bytes) -> bool:
    try:
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(each.public_key))
        text = signed_note.verify(each.note, checkpoint.key_name(organisation), key)
    except ValueError:
        return False
    return text == signed_note.checkpoint(checkpoint.origin(organisation), each.size, root) and each.root == root.hex()

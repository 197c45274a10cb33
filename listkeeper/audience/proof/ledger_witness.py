"""Comparing our own ledger with a checkpoint that was kept elsewhere: the owner's mailbox, a subscriber's receipt.

Such a note is older than any change that somebody makes to this machine later.
When it names more rows than the ledger has, the ledger was cut; when it names
another root, rows before that place were changed.
"""

from __future__ import annotations

import base64
import re

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.accounts.organisation import Organisation
from listkeeper.audience.proof import checkpoint, ledger
from listkeeper.audience.proof.checkpoint import Checkpoint
from listkeeper.audience.proof.ledger_audit import Audit
from listkeeper.foundation import keys
from listkeeper.standards import signed_note

# A checkpoint wherever it stands in a file: alone, behind a receipt, or in a mail saved whole.
_NOTE = re.compile(r"^listkeeper/\S+/ledger\n\d+\n\S+\n(?:[^\n]+\n)*\n(?:— [^\n]+\n)+", re.MULTILINE)


def check(session: Session, organisation: Organisation, where: str, content: bytes, audit: Audit) -> None:
    """Hold the ledger against every checkpoint in a file that was kept; what is false is added to the audit."""
    text = content.decode("utf-8", "replace").replace("\r\n", "\n")
    found = _NOTE.findall(text if text.endswith("\n") else f"{text}\n")
    if not found:
        audit.wrong("bad_checkpoint", f"{where} holds no checkpoint of a ledger.")
    for note in found:
        said = _signed(session, organisation, note)
        if said is None:
            audit.wrong("bad_checkpoint", f"{where} is not signed by a key of this ledger.")
            continue
        audit.witnessed += 1
        _compare(session, organisation, where, said, audit)


def _compare(
    session: Session, organisation: Organisation, where: str, said: signed_note.Checkpoint, audit: Audit
) -> None:
    rows = ledger.size(session, organisation.id)
    if said.size > rows:
        sentence = (
            f"{where} is newer than the ledger: it says {said.size} rows, and there are {rows}. The rest was cut."
        )
        audit.wrong("truncated_tail", sentence)
    elif ledger.tree(session, organisation.id, said.size).root() != said.root:
        audit.wrong("edited_record", f"The first {said.size} rows are not those that {where} was signed for.")


def _signed(session: Session, organisation: Organisation, note: str) -> signed_note.Checkpoint | None:
    """Return what a note says when one of this ledger's keys, this day's or an older one, has signed it."""
    for key in _keys(session, organisation):
        try:
            said = signed_note.parse_checkpoint(signed_note.verify(note, checkpoint.key_name(organisation), key))
        except ValueError:
            continue
        if said.origin == checkpoint.origin(organisation):
            return said
    return None


def _keys(session: Session, organisation: Organisation) -> list[Ed25519PublicKey]:
    found = [key.public_key() for key in keys.ledger(organisation.public_id)]
    older = select(Checkpoint.public_key).where(Checkpoint.organisation_id == organisation.id).distinct()
    for text in session.scalars(older):
        try:
            found.append(Ed25519PublicKey.from_public_bytes(base64.b64decode(text)))
        except (ValueError, UnsupportedAlgorithm):
            # The audit of the checkpoints names it.
            continue
    return found

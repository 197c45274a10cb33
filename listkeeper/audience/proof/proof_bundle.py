"""A proof bundle: the ZIP that convinces somebody who does not trust us, with the program that checks it.

Two kinds. A *certificate* holds one person's rows and what they cite, each row
with its path to a signed checkpoint. A *ledger* holds every row and every
text, and no person at all. The same values make the same bytes.
"""

from __future__ import annotations

import base64
import hashlib
import io
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import consent_text, privacy_notice
from listkeeper.audience.consent_text import ConsentText
from listkeeper.audience.forms import form_record
from listkeeper.audience.importing.proving import ProvedRow
from listkeeper.audience.mail_template import MailTemplate
from listkeeper.audience.mailing_list import MailingList
from listkeeper.audience.privacy_notice import PrivacyNotice
from listkeeper.audience.proof import checkpoint, evidence, ledger
from listkeeper.audience.proof.checkpoint import Checkpoint
from listkeeper.audience.proof.ledger import EventType, LedgerRow
from listkeeper.audience.signup_form import SignupForm, SignupFormVersion
from listkeeper.foundation import clock, keys
from listkeeper.standards import canonical_json, proof

CERTIFICATE, LEDGER = "certificate", "ledger"
VERIFIER = "listkeeper_verify.py"
# How many earlier checkpoints a person's bundle shows the ledger to have grown from.
_WITNESSED = 8
_AT_ONCE = 1000
_STAMP = (1980, 1, 1, 0, 0, 0)
_READABLE = 0o644 << 16
_UNIX = 3
Files = dict[str, bytes]


@dataclass(frozen=True)
class Rows:
    """The rows of one person's bundle, and the checkpoint that covers them all."""

    rows: tuple[LedgerRow, ...]
    subject: str
    covered: Checkpoint


def rows_of(session: Session, organisation: Organisation, subject_ref: str, batches: Iterable[int] = ()) -> Rows:
    """Return a subject's rows with the rows they rest on, and make a checkpoint if none covers them yet.

    ``batches`` are the places of import rows in the ledger whose claims belong to the person.
    """
    own = ledger.of_subject(session, organisation.id, subject_ref)
    cited = [ledger.fields_of(row) for row in own]
    wanted = {*batches, *_published(session, organisation, cited), *_rotations(session, organisation)}
    found = {row.seq: row for row in (*own, *_rows_at(session, organisation, wanted))}
    covered = checkpoint.covering(session, organisation, max(found, default=0))
    # Signing with a new key writes that down first, and then it belongs here too.
    found |= {row.seq: row for row in _rows_at(session, organisation, _rotations(session, organisation))}
    return Rows(tuple(found[seq] for seq in sorted(found)), subject_ref, covered)


def _rows_at(session: Session, organisation: Organisation, places: Iterable[int]) -> Iterable[LedgerRow]:
    query = select(LedgerRow).where(LedgerRow.organisation_id == organisation.id, LedgerRow.seq.in_(list(places)))
    return session.scalars(query)


def _published(session: Session, organisation: Organisation, cited: Iterable[Mapping[str, Any]]) -> set[int]:
    texts = {sha256 for fields in cited for sha256 in _texts_cited(fields)}
    forms = {fields["form_sha256"] for fields in cited if fields["form_sha256"]}
    mails = {fields["mail_sha256"] for fields in cited if fields["mail_sha256"]}
    versions = _versions(session, organisation, forms)
    texts |= {one[1] for version in versions for one in version.further or []}
    found = {version.ledger_seq for version in versions}
    found |= {notice.ledger_seq for notice in _notices(session, organisation, _pointed_at(versions))}
    found |= {text.ledger_seq for text in _texts(session, organisation, texts)}
    found |= {template.ledger_seq for template in _templates(session, organisation, mails)}
    return {seq for seq in found if seq is not None}


def _texts_cited(fields: Mapping[str, Any]) -> Iterator[str]:
    for sha256 in (fields["text_sha256"], fields["details"].get("second_text_sha256")):
        if sha256:
            yield sha256


def _texts(session: Session, organisation: Organisation, named: set[str] | None) -> list[ConsentText]:
    query = (
        select(ConsentText)
        .join(MailingList, MailingList.id == ConsentText.list_id)
        .where(MailingList.organisation_id == organisation.id, ConsentText.ledger_seq.is_not(None))
        .order_by(ConsentText.id)
    )
    return list(session.scalars(query if named is None else query.where(ConsentText.sha256.in_(named))))


def _versions(session: Session, organisation: Organisation, named: set[str] | None) -> list[SignupFormVersion]:
    query = (
        select(SignupFormVersion)
        .join(SignupForm, SignupForm.id == SignupFormVersion.form_id)
        .join(MailingList, MailingList.id == SignupForm.list_id)
        .where(MailingList.organisation_id == organisation.id, SignupFormVersion.ledger_seq.is_not(None))
        .order_by(SignupFormVersion.id)
    )
    return list(session.scalars(query if named is None else query.where(SignupFormVersion.sha256.in_(named))))


def _pointed_at(versions: Iterable[SignupFormVersion]) -> set[str]:
    return {version.notice_sha256 for version in versions if version.notice_sha256}


def _notices(session: Session, organisation: Organisation, named: set[str] | None) -> list[PrivacyNotice]:
    query = select(PrivacyNotice).where(PrivacyNotice.organisation_id == organisation.id).order_by(PrivacyNotice.id)
    return list(session.scalars(query if named is None else query.where(PrivacyNotice.sha256.in_(named))))


def _templates(session: Session, organisation: Organisation, named: set[str] | None) -> list[MailTemplate]:
    query = select(MailTemplate).where(MailTemplate.organisation_id == organisation.id).order_by(MailTemplate.id)
    return list(session.scalars(query if named is None else query.where(MailTemplate.sha256.in_(named))))


def _rotations(session: Session, organisation: Organisation) -> list[int]:
    query = select(LedgerRow.seq).where(
        LedgerRow.organisation_id == organisation.id, LedgerRow.type == EventType.KEY_ROTATED.value
    )
    return list(session.scalars(query))


# One person's files


def files_of(session: Session, organisation: Organisation, found: Rows, imported: Sequence[ProvedRow] = ()) -> Files:
    """Return the files of a person's bundle that a program checks; those for people are added by the caller.

    ``imported`` are her imported rows, each with its path to the root of its batch.
    """
    tree = ledger.tree(session, organisation.id, found.covered.size)
    inclusion = [
        {"seq": row.seq, "path": [node.hex() for node in tree.inclusion_path(row.seq - 1)]} for row in found.rows
    ]
    files = {
        "ledger.jsonl": _lines(row.record.encode() for row in found.rows),
        "inclusion.jsonl": _lines(map(canonical_json.dumps, inclusion)),
        "checkpoint.txt": found.covered.note.encode(),
        "keys.json": _keys(organisation),
        VERIFIER: verifier(),
    }
    names = [row.id for row in found.rows] + [row.event_id for row in imported]
    files |= _evidence(session, organisation, found.subject, names)
    files |= _content(session, organisation, found)
    files |= _receipts(session, organisation, found)
    if imported:
        files["import_rows.jsonl"] = _lines(canonical_json.dumps(row.line) for row in imported)
    earlier = _earlier(session, organisation, found.covered)
    steps = [
        {"from": each.size, "to": found.covered.size, "path": [n.hex() for n in tree.consistency_path(each.size)]}
        for each in earlier
    ]
    if steps:
        files["consistency.jsonl"] = _lines(map(canonical_json.dumps, steps))
    return files | {f"witnessed/{each.size}.txt": each.note.encode() for each in earlier}


def _lines(lines: Iterable[bytes]) -> bytes:
    return b"".join(line + b"\n" for line in lines)


def _keys(organisation: Organisation) -> bytes:
    name = checkpoint.key_name(organisation)
    ring: tuple[Ed25519PrivateKey, ...] = keys.ledger(organisation.public_id)
    return canonical_json.dumps(
        {"keys": [{"name": name, "public_key": checkpoint.public_text(key.public_key())} for key in ring]}
    )


def verifier() -> bytes:
    """Return the program that checks a bundle: one file, which needs nothing of ours."""
    return Path(proof.__file__).read_bytes()


def _evidence(session: Session, organisation: Organisation, subject_ref: str, events: Iterable[str]) -> Files:
    opened = evidence.opened(session, organisation.id, subject_ref)
    shown = [opened[name] for name in events if name in opened]
    lines = [
        canonical_json.dumps({"event": each.event_id, "salt": each.salt.hex(), "evidence": each.content})
        for each in shown
    ]
    files = {"evidence.jsonl": _lines(lines)}
    for each in shown:
        mail = each.content.get("mail")
        if isinstance(mail, str) and mail:
            files[f"mails/{each.event_id}.eml"] = base64.b64decode(mail)
    return files


def _content(session: Session, organisation: Organisation, found: Rows) -> Files:
    fields = [ledger.fields_of(row) for row in found.rows]
    forms = _versions(session, organisation, {one["form_sha256"] for one in fields} - {""})
    named = {sha256 for one in fields for sha256 in _texts_cited(one)}
    for version in forms:
        named |= {text.sha256 for text in (version.consent_text, version.second_text) if text is not None}
        named |= {one[1] for one in version.further or []}
    mails = _templates(session, organisation, {one["mail_sha256"] for one in fields} - {""})
    notices = _notices(session, organisation, _pointed_at(forms))
    return _published_files(_texts(session, organisation, named), notices, forms, mails)


def _published_files(
    texts: Iterable[ConsentText],
    notices: Iterable[PrivacyNotice],
    forms: Iterable[SignupFormVersion],
    mails: Iterable[MailTemplate],
) -> Files:
    files = {f"texts/{text.sha256}.json": consent_text.content(text) for text in texts}
    files |= {f"texts/{notice.sha256}.json": privacy_notice.content(notice) for notice in notices}
    files |= {f"forms/{version.sha256}.json": form_record.content(version) for version in forms}
    return files | {f"templates/{template.sha256}.json": template.content.encode() for template in mails}


def _receipts(session: Session, organisation: Organisation, found: Rows) -> Files:
    given = [row for row in found.rows if row.type == EventType.GIVEN.value and row.subject == found.subject]
    made = {row.id: checkpoint.receipt(session, organisation, row.id) for row in given}
    return {f"receipts/{event_id}.txt": receipt[0].encode() for event_id, receipt in made.items() if receipt}


def _earlier(session: Session, organisation: Organisation, covered: Checkpoint) -> list[Checkpoint]:
    query = select(Checkpoint).where(Checkpoint.organisation_id == organisation.id, Checkpoint.size < covered.size)
    newest = session.scalars(query.order_by(Checkpoint.size.desc()).limit(_WITNESSED))
    return sorted(newest, key=lambda each: each.size)


# The ZIP


@dataclass(frozen=True)
class Cover:
    """What the first file of a bundle says of it."""

    kind: str
    organisation: str
    subject: str
    made_at: int
    tree_size: int


def pack(files: Mapping[str, bytes], cover: Cover) -> bytes:
    """Return the ZIP of a person's bundle: sorted names, one date for all, so that alike values make alike bytes."""
    out = io.BytesIO()
    table = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    whole = {**files, "proof.json": _head(table, cover)}
    with zipfile.ZipFile(out, "w") as archive:
        for name in sorted(whole):
            archive.writestr(_entry(name), whole[name])
    return out.getvalue()


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, date_time=_STAMP)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.create_system = _UNIX
    entry.external_attr = _READABLE
    return entry


def _head(table: Mapping[str, str], cover: Cover) -> bytes:
    return canonical_json.dumps(
        {
            "format": "listkeeper-proof",
            "version": 1,
            "kind": cover.kind,
            "org": cover.organisation,
            "subject": cover.subject,
            "made_at": cover.made_at,
            "tree_size": cover.tree_size,
            "files": dict(table),
        }
    )


# The whole ledger


def ledger_bundle(session: Session, organisation: Organisation, out: IO[bytes]) -> Checkpoint:
    """Write the bundle of the whole ledger to a file, row by row; no evidence and no person is in it."""
    covered = checkpoint.make(session, organisation)
    table: dict[str, str] = {}
    with zipfile.ZipFile(out, "w", allowZip64=True) as archive:
        digest = hashlib.sha256()
        with archive.open(_entry("ledger.jsonl"), "w", force_zip64=True) as stream:
            for record in _records(session, organisation, covered.size):
                digest.update(record)
                stream.write(record)
        table["ledger.jsonl"] = digest.hexdigest()
        for name, content in sorted(_system_files(session, organisation, covered).items()):
            table[name] = hashlib.sha256(content).hexdigest()
            archive.writestr(_entry(name), content)
        cover = Cover(LEDGER, organisation.public_id, "", clock.in_milliseconds(clock.now()), covered.size)
        head = _head(table, cover)
        archive.writestr(_entry("proof.json"), head)
    return covered


def _records(session: Session, organisation: Organisation, size: int) -> Iterator[bytes]:
    for start in range(0, size, _AT_ONCE):
        query = select(LedgerRow.record).where(
            LedgerRow.organisation_id == organisation.id,
            LedgerRow.seq > start,
            LedgerRow.seq <= min(start + _AT_ONCE, size),
        )
        yield _lines(record.encode() for record in session.scalars(query.order_by(LedgerRow.seq)))


def _system_files(session: Session, organisation: Organisation, covered: Checkpoint) -> Files:
    files = _published_files(
        _texts(session, organisation, None),
        _notices(session, organisation, None),
        _versions(session, organisation, None),
        _templates(session, organisation, None),
    )
    query = select(Checkpoint).where(Checkpoint.organisation_id == organisation.id, Checkpoint.size < covered.size)
    return files | {
        "checkpoint.txt": covered.note.encode(),
        "keys.json": _keys(organisation),
        VERIFIER: verifier(),
        **{f"witnessed/{each.size}.txt": each.note.encode() for each in session.scalars(query)},
    }

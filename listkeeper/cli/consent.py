"""``listkeeper consent``: prove one person's permission, check a proof, check the whole ledger, hand it out."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import click
from sqlalchemy.orm import Session

from listkeeper import store
from listkeeper.accounts import audit_log, organisation
from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import consent, subscriber
from listkeeper.audience.importing import brought
from listkeeper.audience.importing.brought import Brought, Words
from listkeeper.audience.proof import ledger_audit, ledger_witness, proof_bundle
from listkeeper.audience.proof.ledger import EventType
from listkeeper.audience.subscriber import Subscriber
from listkeeper.cli.context import emit, opened, progress, with_json, with_settings
from listkeeper.cli.spoken import Spoken
from listkeeper.foundation import clock
from listkeeper.foundation.errors import Conflict
from listkeeper.rendering.paper import certificate_words as words
from listkeeper.sending import proof
from listkeeper.settings import Settings
from listkeeper.standards import proof as verifier

_ACTOR = "cli"
_SUBJECT_LENGTH = 32
# The worst of a check, as for ``doctor``.
FALSE = 5


@click.group()
def command() -> None:
    """Prove permission, and check proofs."""


def _subject(session: Session, owner: Organisation, named: str) -> str:
    """Return the subject reference of an address, a public id or a reference: one who was erased has only the last."""
    if len(named) == _SUBJECT_LENGTH and all(char in "0123456789abcdef" for char in named):
        return named
    person: Subscriber = subscriber.named(session, owner, named)
    if person.demo:
        raise Conflict("demo_person", "This person was made up for the demo: no ledger speaks of them.")
    return person.subject_ref


@contextlib.contextmanager
def _whole_file(path: Path) -> Iterator[IO[bytes]]:
    """Open a file that is there whole, or as it was before; nobody else may read it."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            yield file
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


_OUT = click.Path(dir_okay=False, writable=True, path_type=Path)


@command.command()
@with_settings
@with_json
@click.argument("address")
@click.option("--out", type=_OUT, required=True, help="The file to write, e.g. proof.zip.")
@click.option("--lang", type=Spoken(), help="Language of the pages; else that of the business.")
def prove(settings: Settings, *, address: str, out: Path, lang: str | None, as_json: bool) -> None:
    """Write the proof of one person's permission (ADDRESS, sub_… or a reference) as a ZIP that anybody can check."""
    with opened(settings), store.transaction() as session:
        owner = organisation.only_one(session)
        subject_ref = _subject(session, owner, address)
        # Written before the transaction ends: what the ledger calls handed out has been.
        with _whole_file(out) as file:
            made = proof.hand_out(session, owner, subject_ref, actor=_ACTOR, site=settings.site, spoken=lang)
            file.write(made.content)
    answer = {
        "file": str(out),
        "subject": subject_ref,
        "events": len(made.certificate.happenings),
        "tree_size": made.certificate.position.size,
        "bytes": len(made.content),
    }
    lines = [f"{out}: {answer['events']} events.", f"Check it with `listkeeper consent verify {out}`."]
    emit(answer, as_json=as_json, lines=lines)


@command.command()
@with_settings
@with_json
@click.argument("bundle", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--key", help="The public key you know the ledger by, base64.")
@click.option(
    "--witness",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A checkpoint you kept; the ledger must have grown from it. May be given several times.",
)
def verify(
    settings: Settings, *, bundle: Path | None, key: str | None, witness: tuple[Path, ...], as_json: bool
) -> int:
    """Check a proof, or without one this database's own ledger: rows, texts, evidence, checkpoints."""
    if bundle is not None:
        given = [str(bundle), *(["--key", key] if key else []), *(["--json"] if as_json else [])]
        return verifier.main([*given, *(part for path in witness for part in ("--witness", str(path)))])
    with opened(settings), store.reading() as session:
        owner = organisation.only_one(session)
        with progress("Checking") as done:
            audit = ledger_audit.check(session, owner, done)
        for path in witness:
            ledger_witness.check(session, owner, str(path), path.read_bytes(), audit)
    answer: dict[str, Any] = {
        "true": not audit.faults,
        "rows": audit.rows,
        "texts": audit.texts,
        "evidence": audit.evidence,
        "withheld": audit.withheld,
        "checkpoints": audit.checkpoints,
        "findings": [{"code": fault.code, "sentence": fault.sentence} for fault in audit.faults],
    }
    said = (
        f"True: {audit.rows} rows, {audit.texts} texts, {audit.checkpoints} checkpoints, {audit.evidence} pieces of "
        f"evidence; {audit.withheld} more are erased or past their time."
    )
    if witness:
        answer["witnessed"] = audit.witnessed
        said += f" It has grown from what {audit.witnessed} checkpoints kept elsewhere say."
    lines = [f"{fault.code}: {fault.sentence}" for fault in audit.faults] or [said]
    emit(answer, as_json=as_json, lines=lines)
    return FALSE if audit.faults else 0


@command.command()
@with_settings
@with_json
@click.argument("address", required=False)
@click.option("--stop", is_flag=True, help="Mail no more checkpoints.")
def witness(settings: Settings, *, address: str | None, stop: bool, as_json: bool) -> None:
    """Show or name the mailbox (ADDRESS) that gets a checkpoint of the ledger once a week, or stop it."""
    with opened(settings), store.transaction() as session:
        owner = organisation.only_one(session)
        if address is not None or stop:
            organisation.choose_witness(owner, "" if stop else str(address))
            audit_log.record(session, owner.id, "command", "organisation.witness_chosen", owner.public_id)
        answer = {"witness": owner.witness_address}
    said = f"{answer['witness']} gets a checkpoint once a week when the ledger has grown."
    emit(answer, as_json=as_json, lines=[said if answer["witness"] else "No checkpoints are mailed."])


@command.command()
@with_settings
@with_json
@click.option("--out", type=_OUT, required=True, help="The file to write, e.g. ledger.zip.")
def ledger(settings: Settings, *, out: Path, as_json: bool) -> None:
    """Write the whole ledger, with every text and checkpoint and no person, as a ZIP that anybody can check."""
    with opened(settings), store.transaction() as session:
        owner = organisation.only_one(session)
        with _whole_file(out) as file:
            covered = proof_bundle.ledger_bundle(session, owner, file)
        audit_log.record(session, owner.id, "command", "ledger.exported", owner.public_id)
        answer = {"file": str(out), "rows": covered.size, "root": covered.root}
    emit(answer, as_json=as_json, lines=[f"{out}: {answer['rows']} rows."])


@command.command()
@with_settings
@with_json
@click.argument("address")
def show(settings: Settings, *, address: str, as_json: bool) -> None:
    """Show everything that happened to one person's permission, with the texts; evidence stays sealed."""
    with opened(settings), store.reading() as session:
        owner = organisation.only_one(session)
        person = subscriber.named(session, owner, address)
        answer: dict[str, Any] = {"id": person.public_id, "subject": person.subject_ref, "address": person.email_send}
        events: list[dict[str, Any]] = [
            {
                "at": clock.as_text(row.at),
                "event": row.kind.value,
                "method": row.method.value,
                "actor": row.actor,
                "seq": row.ledger_seq,
                "id": row.ledger_id,
                "text_sha256": row.text.sha256 if row.text else None,
                "text": row.text.whole if row.text else None,
                "form_version": row.form_version.version if row.form_version else None,
                "demo": row.demo,
            }
            for row in consent.history(session, person)
        ]
        events += [_claim(row) for row in brought.of_subject(session, owner, person.subject_ref)]
        answer["events"] = sorted(events, key=lambda event: str(event["at"]))
    lines = [f"{answer['address']} ({answer['subject']})"]
    for event in answer["events"]:
        lines.append(f"  {event['at']}  {words.event(event['event'])}, {words.method(event['method'])}")
        lines += [f"      “{event['text']}”"] if event["text"] else []
        lines += _claim_lines(event["claim"]) if "claim" in event else []
    emit(answer, as_json=as_json, lines=lines)


def _claim(row: Brought) -> dict[str, Any]:
    """Return what a file says of her as an event like the others; what it says is under ``claim``, and nowhere else."""
    return {
        "at": clock.as_text(row.at),
        "event": EventType.IMPORTED.value,
        "method": "import",
        "actor": row.operator,
        "seq": row.seq,
        "id": row.ledger_id,
        "text_sha256": None,
        "text": None,
        "form_version": None,
        "demo": False,
        "claim": {
            "import": row.import_id,
            "list": row.list_public_id,
            "file": row.file_name,
            "file_sha256": row.file_sha256,
            "row": row.row,
            "line": row.line,
            "outcome": row.outcome.value,
            "reason": row.reason,
            "evidenced": row.evidenced,
            "requested_at": clock.as_text(row.requested_at) if row.requested_at else None,
            "confirmed_at": clock.as_text(row.confirmed_at) if row.confirmed_at else None,
            # Her own row's words lie sealed; the column says where they stand in the file.
            **{name: {"said": told.said, "column": told.column} for name, told in _told(row)},
            "attestation": row.attestation,
            "undone_at": clock.as_text(row.undone_at) if row.undone_at else None,
        },
    }


def _told(row: Brought) -> tuple[tuple[str, Words], ...]:
    return ("origin", row.origin), ("method", row.method), ("text", row.text)


def _claim_lines(claim: dict[str, Any]) -> list[str]:
    """Say a claim as what it is."""
    taken = f", taken back {claim['undone_at']}" if claim["undone_at"] else ""
    lines = [f"      Imported claim: {claim['file']}, line {claim['line']} ({claim['import']}){taken}"]
    for name, word in (("requested_at", "asked"), ("confirmed_at", "confirmed")):
        lines += [f"      {word}, as claimed: {claim[name]}"] if claim[name] else []
    for name, word in (("origin", "where"), ("method", "how"), ("text", "to which words")):
        told = claim[name]
        where = f"in the column “{told['column']}”, sealed" if told["column"] else ""
        lines.append(
            f"      {word}, as claimed: {'; '.join(part for part in (told['said'], where) if part) or 'not said'}"
        )
    return lines

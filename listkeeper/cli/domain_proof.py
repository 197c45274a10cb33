"""``listkeeper domain proof``: what a mailbox says of a mail of ours, beside what we expect."""

from __future__ import annotations

from pathlib import Path

import click

from listkeeper import parts, store
from listkeeper.accounts import audit_log, organisation
from listkeeper.cli import own_domain
from listkeeper.cli.context import emit, opened, with_json, with_settings
from listkeeper.deliverability import finding, round_trip
from listkeeper.deliverability.round_trip import MOST_BYTES, Proof
from listkeeper.deliverability.sending_domain import SendingDomain
from listkeeper.foundation import clock
from listkeeper.foundation.errors import Invalid
from listkeeper.settings import Settings
from listkeeper.standards import address
from listkeeper.standards.dns import LiveResolver

_FILE = click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path)
_SAYS = {"agrees": "as expected", "differs": "differs", "not_said": "not said"}


@click.command("proof")
@with_settings
@with_json
@click.argument("domain")
@click.argument("file", required=False, type=_FILE, default="-")
@click.option("--nameserver", metavar="HOST:PORT", help="DNS server to ask (also LISTKEEPER_DNS_SERVER).")
def command(settings: Settings, *, domain: str, file: Path, nameserver: str | None, as_json: bool) -> int:
    """Read the mail FILE, or the headers of one from standard input, as a mailbox got it, and say what it saw.

    Exits with the worst finding's code. What it found is kept and shown in the studio.
    """
    label = address.domain_name(domain)
    raw = _read(file)
    with opened(settings):
        with store.reading() as session:
            known = own_domain.named(session, organisation.only_one(session).id, label)
            number = known.id
            ours = round_trip.expected(session, known, settings.egress, parts.envelope_sender(settings))
        proof = round_trip.compare(raw, ours, LiveResolver(nameserver or settings.dns_server), clock.now())
        with store.transaction() as session:
            kept = session.get_one(SendingDomain, number)
            round_trip.keep(kept, proof)
            audit_log.record(session, kept.organisation_id, "command", "domain.proof_kept", kept.public_id)
    emit(proof.as_json(), as_json=as_json, lines=_lines(proof))
    return finding.exit_code(proof.findings)


def _read(file: Path) -> bytes:
    with click.open_file(str(file), "rb") as opened_file:
        raw: bytes = opened_file.read(MOST_BYTES + 1)
    if len(raw) > MOST_BYTES:
        raise Invalid("mail_too_large", "A mail of more than 1 MB is not read. Paste its headers alone.")
    return raw


def _lines(proof: Proof) -> list[str]:
    passed = f"Nothing that {', '.join(proof.passed_over)} wrote counts." if proof.passed_over else ""
    rows = [f"{_SAYS[row.agreement.value]:11}  {row.what:8}  {row.words}" for row in proof.comparisons]
    mends = [f"{row.severity.value:7}  {row.code:4}  {row.message} {row.mend}" for row in proof.findings if row.mend]
    return [line for line in (proof.whose, passed, *rows, *mends, proof.offer) if line]

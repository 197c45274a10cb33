"""``listkeeper domain``: what the DNS says of a sending domain, and what to publish there."""

from __future__ import annotations

from typing import Any

import click
from sqlalchemy.orm import Session

from listkeeper import store
from listkeeper.accounts import audit_log, organisation
from listkeeper.cli import domain_check, domain_pace, domain_proof, domain_rotate, own_domain
from listkeeper.cli.context import emit, opened, with_json, with_settings
from listkeeper.deliverability import dkim_key, finding, second_key, sending_domain
from listkeeper.deliverability.sending_domain import SendingDomain
from listkeeper.foundation import clock
from listkeeper.settings import Settings
from listkeeper.standards import dkim_key_record
from listkeeper.standards.dns import LiveResolver, Outcome


@click.group()
def command() -> None:
    """Check the DNS of a sending domain, and sign its mail."""


command.add_command(domain_check.command)
command.add_command(domain_pace.warm_up)
command.add_command(domain_pace.receivers)
command.add_command(domain_pace.resume)
command.add_command(domain_proof.command)
command.add_command(domain_rotate.command)


@command.command()
@with_settings
@with_json
@click.argument("domain")
def add(settings: Settings, *, domain: str, as_json: bool) -> None:
    """Make a DKIM key for a domain and print the record to publish."""
    with opened(settings), store.transaction() as session:
        owner = organisation.only_one(session)
        made = sending_domain.add(session, owner.id, domain)
        audit_log.record(session, owner.id, "command", "domain.added", made.public_id)
        answer = _described(session, made)
    lines = [*_record_lines(answer), f"When it is published: `listkeeper domain check {answer['domain']}`."]
    emit(answer, as_json=as_json, lines=lines)


def _described(session: Session, domain: SendingDomain) -> dict[str, Any]:

    key = dkim_key.of(session, domain.id, domain.selector)
    checked = domain.last_checked_at
    return {
        "id": domain.public_id,
        "domain": domain.name,
        "record": {
            "name": f"{domain.selector}._domainkey.{domain.name}",
            "type": "TXT",
            "value": key.record if key else "",
            "quoted": dkim_key.ours(key).quoted if key else "",
        },
        "signing": domain.signing,
        "checked_at": clock.as_text(checked) if checked else None,
        "worst": finding.worst(domain.last_findings).value if checked else "UNKNOWN",
    }


def _record_lines(answer: dict[str, Any]) -> list[str]:
    record = answer["record"]
    return [f"Publish this at {answer['domain']}:", f"{record['name']} IN {record['type']} {record['quoted']}"]


@command.command()
@with_settings
@with_json
def show(settings: Settings, *, as_json: bool) -> None:
    """Show the sending domains: what to publish, whether we sign, how the last check ended."""
    with opened(settings), store.reading() as session:
        owner = organisation.only_one(session)
        rows = [_described(session, row) for row in sending_domain.every(session, owner.id)]
    lines: list[str] = []
    for row in rows:
        signs = "signed" if row["signing"] else "not signed"
        last = f"last check {row['checked_at']}: {row['worst']}" if row["checked_at"] else "never checked"
        lines += [f"{row['domain']}: {signs}; {last}", f"  {row['record']['name']} IN TXT {row['record']['quoted']}"]
    emit({"domains": rows}, as_json=as_json, lines=lines or ["There is no sending domain yet."])


@command.command()
@with_settings
@with_json
@click.argument("domain")
@click.option("--off", is_flag=True, help="Stop signing; the key is kept.")
def sign(settings: Settings, *, domain: str, off: bool, as_json: bool) -> None:
    """Sign a domain's mail from now on; the last check must have found our key."""
    with opened(settings), store.transaction() as session:
        owner = organisation.only_one(session)
        known = own_domain.named(session, owner.id, domain)
        if off:
            sending_domain.stop_signing(session, known)
        else:
            sending_domain.start_signing(session, known)
        audit_log.record(
            session, owner.id, "command", f"domain.signing_{'stopped' if off else 'started'}", known.public_id
        )
        answer = {"domain": known.name, "signing": known.signing}
    emit(answer, as_json=as_json, lines=[f"{answer['domain']} is {'signed' if answer['signing'] else 'not signed'}."])


@command.command("second")
@with_settings
@with_json
@click.argument("domain")
@click.option("--sign", "signs", is_flag=True, help="Sign with it too; the DNS must show it.")
@click.option("--off", is_flag=True, help="Sign with the first key alone; the second is kept.")
def second(settings: Settings, *, domain: str, signs: bool, off: bool, as_json: bool) -> None:
    """Make an Ed25519 key beside a domain's RSA key, print its record, and sign with it where the first one signs."""
    with opened(settings):
        published = _asked(settings, domain) if signs and not off else None
        with store.transaction() as session:
            owner = organisation.only_one(session)
            known = own_domain.named(session, owner.id, domain)
            if off:
                second_key.stop(session, known)
            elif published is not None:
                second_key.start(session, known, published)
            key = second_key.of(session, known) or second_key.add(session, known)
            audit_log.record(session, owner.id, "command", f"domain.second_key_{key.state}", known.public_id)
            name, ours = dkim_key_record.name_of(key.selector, known.name), dkim_key.ours(key)
            record = {"name": name, "type": "TXT", "value": ours.record, "quoted": ours.quoted}
            answer = {"domain": known.name, "record": record, "state": key.state.value}
    emit(answer, as_json=as_json, lines=[*_record_lines(answer), f"The key is {answer['state']}."])


def _asked(settings: Settings, domain: str) -> Outcome:
    """Ask the DNS for a domain's second key, with no transaction open."""
    with store.reading() as session:
        known = own_domain.named(session, organisation.only_one(session).id, domain)
        key = second_key.of(session, known)
        name = dkim_key_record.name_of(key.selector if key else f"{known.selector}e", known.name)
    return LiveResolver(settings.dns_server).query(name, "TXT")

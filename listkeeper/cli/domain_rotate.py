"""``listkeeper domain rotate``: change the key a domain signs with, one step at a time."""

from __future__ import annotations

import click

from listkeeper import store
from listkeeper.accounts import audit_log, organisation
from listkeeper.cli import own_domain
from listkeeper.cli.context import emit, opened, with_json, with_settings
from listkeeper.deliverability import key_rotation
from listkeeper.deliverability.key_rotation import Rotation, Stage
from listkeeper.foundation import clock
from listkeeper.settings import Settings
from listkeeper.standards import dkim_key_record, dns

_SAYS = {
    Stage.RESTS: "No key is being changed. --begin makes the next one.",
    Stage.PUBLISH: "Publish the next key; once the DNS shows it, it signs by itself an hour later:",
    Stage.WAIT: "The next key is published. It signs when no name server can remember otherwise, not before:",
    Stage.KEEP: "The new key signs. Leave the old one published for mail that is under way, until:",
    Stage.WITHDRAW: "Replace the old key's record by this one, so that it proves nothing any more:",
}


@click.command("rotate")
@with_settings
@with_json
@click.argument("domain")
@click.option("--begin", "begins", is_flag=True, help="Make the next key.")
def command(settings: Settings, *, domain: str, begins: bool, as_json: bool) -> None:
    """Change the key that a domain signs with: publish the next one, wait, sign with it, withdraw the old one."""
    with opened(settings), store.transaction() as session:
        owner = organisation.only_one(session)
        known = own_domain.named(session, owner.id, domain)
        if begins:
            key_rotation.begin(session, known)
            audit_log.record(session, owner.id, "command", "domain.key_made", known.public_id)
        found, name = key_rotation.of(session, known), known.name
    answer = {
        "domain": name,
        "stage": found.stage.value,
        "record": _record(name, found),
        "until": clock.as_text(found.until) if found.until else None,
    }
    emit(answer, as_json=as_json, lines=_lines(name, found))


def _record(domain: str, found: Rotation) -> dict[str, str] | None:
    if not found.record:
        return None
    name = dkim_key_record.name_of(found.selector, domain)
    return {"name": name, "type": "TXT", "value": found.record, "quoted": dns.quoted_strings(found.record)}


def _lines(domain: str, found: Rotation) -> list[str]:
    record = _record(domain, found)
    shown = [f"{record['name']} IN TXT {record['quoted']}"] if record else []
    return [_SAYS[found.stage], *shown, *([clock.as_text(found.until)] if found.until else [])]

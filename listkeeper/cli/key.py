"""``listkeeper key``: keys for programs, each with the scopes it opens."""

from __future__ import annotations

import click

from listkeeper import store
from listkeeper.accounts import api_key, audit_log, organisation
from listkeeper.accounts.api_key import ApiKey, Scope
from listkeeper.cli.context import emit, opened, with_json, with_settings
from listkeeper.foundation import clock
from listkeeper.settings import Settings


@click.group()
def command() -> None:
    """Make, show and revoke keys for programs."""


@command.command()
@with_settings
@with_json
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    required=True,
    type=click.Choice([scope.value for scope in Scope]),
    help="What the key may do; say it once for each. None of them gives anybody's permission.",
)
def create(settings: Settings, *, name: str, scopes: tuple[str, ...], as_json: bool) -> None:
    """Make a key called NAME; its secret is shown this once."""
    with opened(settings), store.transaction() as session:
        business = organisation.only_one(session)
        made, secret = api_key.make(session, business, name=name, scopes=[Scope(scope) for scope in scopes])
        audit_log.record(session, business.id, "command", "api_key.created", made.public_id)
        answer = {"id": made.public_id, "name": made.name, "scopes": made.scopes, "secret": secret}
    lines = [str(answer["secret"]), "Keep it now: it cannot be shown again."]
    emit(answer, as_json=as_json, lines=lines)


@command.command(name="list")
@with_settings
@with_json
def list_all(settings: Settings, *, as_json: bool) -> None:
    """Show the keys, the revoked ones too; never their secrets."""
    with opened(settings), store.reading() as session:
        rows = api_key.all_of(session, organisation.only_one(session))
        keys = [_shown(row) for row in rows]
        lines = [_line(row) for row in rows]
    emit({"keys": keys}, as_json=as_json, lines=lines or ["There is no key yet."])


@command.command()
@with_settings
@with_json
@click.argument("key_id", metavar="ID")
def revoke(settings: Settings, *, key_id: str, as_json: bool) -> None:
    """Make a key worthless, at once and for good."""
    with opened(settings), store.transaction() as session:
        business = organisation.only_one(session)
        key = api_key.identified(session, business, key_id)
        if api_key.revoke(key):
            audit_log.record(session, business.id, "command", "api_key.revoked", key.public_id)
        answer = _shown(key)
    emit(answer, as_json=as_json, lines=[f"“{answer['name']}” opens nothing any more."])


def _line(key: ApiKey) -> str:
    revoked = f", revoked {clock.as_text(key.revoked_at)}" if key.revoked_at else ""
    return f"{key.public_id}  {key.name}: {', '.join(key.scopes)}{revoked}"


def _shown(key: ApiKey) -> dict[str, object]:
    return {
        "id": key.public_id,
        "name": key.name,
        "scopes": key.scopes,
        "created_at": clock.as_text(key.created_at),
        "last_acted_at": clock.as_text(key.last_acted_at) if key.last_acted_at else None,
        "revoked_at": clock.as_text(key.revoked_at) if key.revoked_at else None,
    }

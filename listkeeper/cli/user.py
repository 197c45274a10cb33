"""``listkeeper user``: who may enter the studio, who is invited, and who is shut out."""

from __future__ import annotations

from typing import Any

import click

from listkeeper import store
from listkeeper.accounts import audit_log, dismissal, invitation, organisation
from listkeeper.accounts import user as users
from listkeeper.accounts.user import Role
from listkeeper.cli.context import emit, opened, with_json, with_settings
from listkeeper.foundation import clock
from listkeeper.settings import Settings


@click.group()
def command() -> None:
    """Show, invite and remove the people who work in the studio."""


@command.command(name="list")
@with_settings
@with_json
def list_all(settings: Settings, *, as_json: bool) -> None:
    """Show who may enter the studio, and who is invited."""
    with opened(settings), store.reading() as session:
        business = organisation.only_one(session)
        people = [
            {
                "id": each.public_id,
                "address": each.address,
                "role": each.role.value,
                "since": clock.as_text(each.created_at),
            }
            for each in users.everyone(session, business.id)
        ]
        invited: list[dict[str, Any]] = [
            {
                "id": each.public_id,
                "address": each.address,
                "role": each.role.value,
                "until": clock.as_text(each.expires_at),
            }
            for each in invitation.waiting(session, business)
        ]
    lines = [f"{each['id']}  {each['address'] or '(no address yet)'}: {each['role']}" for each in people]
    lines += [f"{each['id']}  {each['address']}: invited as {each['role']} until {each['until']}" for each in invited]
    emit({"users": people, "invited": invited}, as_json=as_json, lines=lines)


@command.command()
@with_settings
@with_json
@click.argument("address")
@click.option(
    "--role",
    type=click.Choice([role.value for role in Role]),
    default=Role.EDITOR.value,
    help="An editor writes letters and sees people; an owner may do everything.",
)
def invite(settings: Settings, *, address: str, role: str, as_json: bool) -> None:
    """Mail ADDRESS a link that lets them in, once and within seven days."""
    with opened(settings), store.transaction() as session:
        business = organisation.only_one(session)
        made = invitation.invite(session, business, address, Role(role), actor="command")
        audit_log.record(session, business.id, "command", "user.invited", made.public_id)
        answer = {
            "id": made.public_id,
            "address": made.address,
            "role": made.role.value,
            "until": clock.as_text(made.expires_at),
        }
    emit(answer, as_json=as_json, lines=[f"An invitation to {answer['address']} waits to be mailed."])


@command.command()
@with_settings
@with_json
@click.argument("user", metavar="ADDRESS|ID")
def remove(settings: Settings, *, user: str, as_json: bool) -> None:
    """Shut somebody out of the studio: sessions, passkeys, password, all of it, at once."""
    with opened(settings), store.transaction() as session:
        business = organisation.only_one(session)
        gone = users.named(session, business.id, user)
        dismissal.remove(session, gone)
        audit_log.record(session, business.id, "command", "user.removed", gone.public_id)
        answer = {"id": gone.public_id, "removed": True}
    emit(answer, as_json=as_json, lines=["Removed. Every session and key of theirs is closed."])

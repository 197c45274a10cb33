"""``listkeeper list trust``: what letters gave the people of a list, less what they asked, and how low it may go."""

from __future__ import annotations

import click

from listkeeper import store
from listkeeper.accounts import audit_log, organisation
from listkeeper.audience import mailing_list
from listkeeper.cli.context import emit, opened, with_json, with_settings
from listkeeper.insight import trust_account
from listkeeper.settings import Settings


@click.command("trust")
@with_settings
@with_json
@click.argument("slug", metavar="LIST")
@click.option("--floor", type=int, help="Ask once more before an ask takes the balance below this.")
def command(settings: Settings, *, slug: str, floor: int | None, as_json: bool) -> None:
    """Show the trust account of a list month by month, or set its floor."""
    with opened(settings), store.transaction() as session:
        business = organisation.only_one(session)
        found = mailing_list.named(session, business, slug)
        if floor is not None:
            trust_account.set_floor(found, floor)
            audit_log.record(session, business.id, "command", "list.floor_set", found.public_id)
        balance = trust_account.balance_of_list(session, found.id)
        months = [
            {"month": each.first.date().isoformat()[:7], "gave": each.gave, "asked": each.asked, "balance": each.total}
            for each in trust_account.by_month(session, found.id)
        ]
        answer = {
            "list": found.public_id, "balance": balance.total, "gave": balance.gave, "asked": balance.asked,
            "floor": found.trust_floor, "months": months,
        }  # fmt: skip
    line = f"{slug}: {balance.total:+d} in twelve months (gave {balance.gave}, asked {balance.asked})"
    emit(answer, as_json=as_json, lines=[f"{line}; the floor is {answer['floor']}."])

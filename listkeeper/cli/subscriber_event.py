"""``listkeeper subscriber event``: tell what somebody did in the shop, as the shop itself does over the API."""

from __future__ import annotations

import click

from listkeeper import store
from listkeeper.accounts import audit_log, organisation, storefront
from listkeeper.audience import posting
from listkeeper.audience.posting import Outcome, Told
from listkeeper.cli.context import emit, opened, with_json, with_settings
from listkeeper.foundation import money
from listkeeper.foundation.errors import Conflict, Invalid, NotFound
from listkeeper.settings import Settings

_ERRORS = {Outcome.UNKNOWN: NotFound, Outcome.CONFLICT: Conflict, Outcome.INVALID: Invalid}


@click.command("event")
@with_settings
@with_json
@click.argument("address")
@click.argument("name")
@click.option(
    "--at", default="", metavar="MOMENT", help="When: 2026-11-23 09:15 by the clocks of the business; or now."
)
@click.option("--amount", help="How much money is in it, as people write it: 249.00.")
@click.option("--currency", default="", help="Of the amount, as DKK.")
@click.option("--id", "number", default="", help="What makes it the same event told twice: the order's number, say.")
def command(  # noqa: PLR0913 - one option each
    settings: Settings,
    *,
    address: str,
    name: str,
    at: str,
    amount: str | None,
    currency: str,
    number: str,
    as_json: bool,
) -> None:
    """Tell what a subscriber did; told twice it is stored once."""
    if not address.strip():
        raise Invalid("event_of_nobody", "Say whose event it is. Nothing was stored.")
    with opened(settings), store.transaction() as session:
        owner = organisation.only_one(session)
        coins = money.parse(amount, money.checked(currency)) if amount is not None else None
        told = Told(name, address, at, number, coins, currency)
        answer = posting.post(session, owner, [told], zone=storefront.zone_of(session, owner))[0]
        if answer.outcome in _ERRORS:
            raise _ERRORS[answer.outcome](answer.code, answer.message)
        audit_log.record(session, owner.id, "command", "events.posted", "events")
    said = "Stored." if answer.outcome is Outcome.STORED else "This was known already; nothing was stored again."
    emit({"name": name, "outcome": answer.outcome.value}, as_json=as_json, lines=[said])

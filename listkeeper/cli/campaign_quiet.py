"""``listkeeper campaign quiet``: the hours in which no letter leaves."""

from __future__ import annotations

import click

from listkeeper import store
from listkeeper.accounts import audit_log, organisation, quiet_hours, storefront
from listkeeper.cli.context import emit, opened, with_json, with_settings
from listkeeper.foundation import clock
from listkeeper.foundation.errors import Invalid
from listkeeper.settings import Settings


@click.command("quiet")
@with_settings
@with_json
@click.option("--from", "begins", metavar="TIME", help="When no letter leaves any more, as 21:00.")
@click.option("--until", "ends", metavar="TIME", help="When letters leave again, as 08:00.")
@click.option("--off", is_flag=True, help="Letters leave at any hour.")
def command(settings: Settings, *, begins: str | None, ends: str | None, off: bool, as_json: bool) -> None:
    """Show or choose the quiet hours, by the clocks of the business; confirmations are never held."""
    if (begins is None) != (ends is None) or (off and begins is not None):
        raise Invalid("quiet_how", "Give --from and --until, or --off. Nothing was changed.")
    with opened(settings), store.transaction() as session:
        business = organisation.only_one(session)
        if off or begins is not None:
            quiet_hours.choose(business, begins or "", ends or "")
            audit_log.record(session, business.id, "command", "organisation.quiet_chosen", business.public_id)
        session.flush()
        chosen, zone = quiet_hours.as_text(business), storefront.zone_of(session, business)
        until = quiet_hours.rests(session, clock.now()).get(business.id)
    answer = {
        "from": chosen[0] or None,
        "until": chosen[1] or None,
        "time_zone": zone,
        "rests_until": clock.as_text(until) if until else None,
    }
    line = f"No letter leaves from {chosen[0]} to {chosen[1]} ({zone})." if chosen[0] else "Letters leave at any hour."
    emit(answer, as_json=as_json, lines=[line])

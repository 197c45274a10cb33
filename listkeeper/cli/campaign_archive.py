"""``listkeeper campaign archive``: whether anybody may read a letter, or those alone who got it."""

from __future__ import annotations

import click

from listkeeper import store
from listkeeper.accounts import audit_log, organisation
from listkeeper.campaigns import archive
from listkeeper.campaigns import campaign as campaigns
from listkeeper.cli.context import emit, opened, with_json, with_settings
from listkeeper.settings import Settings


@click.command("archive")
@with_settings
@with_json
@click.argument("campaign_id", metavar="ID")
@click.option("--on/--off", default=None, help="Let anybody read it once it has left, or take it out.")
def command(settings: Settings, *, campaign_id: str, on: bool | None, as_json: bool) -> None:
    """Say whether a campaign is in the public archive, put it in or take it out."""
    with opened(settings), store.transaction() as session:
        business = organisation.only_one(session)
        found = campaigns.identified(session, business, campaign_id)
        if on is not None:
            (archive.put if on else archive.take_out)(found)
            done = "campaign.put_in_archive" if on else "campaign.taken_out_of_archive"
            audit_log.record(session, business.id, "command", done, found.public_id)
            session.flush()
        shown, wanted = archive.is_shown(session, found), archive.is_wanted(found)
        address = archive.address_of(found, settings.site)
    answer = {"id": campaign_id, "in_archive": wanted, "archive_url": address if shown else None}
    later = "Anybody can read it as soon as it has left." if wanted else "Nobody can read it but who got it."
    emit(answer, as_json=as_json, lines=[f"Anybody can read it: {address}" if shown else later])

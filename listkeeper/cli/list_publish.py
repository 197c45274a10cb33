"""``listkeeper list publish``: the public archive of a list, and its feed."""

from __future__ import annotations

import click

from listkeeper import store
from listkeeper.accounts import audit_log, organisation
from listkeeper.audience import mailing_list
from listkeeper.campaigns import archive
from listkeeper.cli.context import emit, opened, with_json, with_settings
from listkeeper.settings import Settings


@click.command("publish")
@with_settings
@with_json
@click.argument("slug", metavar="LIST")
@click.option("--on/--off", default=None, help="Open the archive to anybody, or shut it.")
def command(settings: Settings, *, slug: str, on: bool | None, as_json: bool) -> None:
    """Say whether anybody may read what was sent to a list, and open or shut that archive."""
    with opened(settings), store.transaction() as session:
        business = organisation.only_one(session)
        found = mailing_list.named(session, business, slug)
        if on is not None:
            archive.publish(found, on=on)
            done = "list.archive_opened" if on else "list.archive_shut"
            audit_log.record(session, business.id, "command", done, found.public_id)
        public = found.archive_public
        places = archive.list_address(found, settings.site), archive.feed_address(found, settings.site)
        answer = {"id": found.public_id, "public": public, "archive_url": None, "feed_url": None}
    if public:
        answer |= {"archive_url": places[0], "feed_url": places[1]}
    line = f"Anybody can read its letters: {places[0]} (feed: {places[1]})" if public else "Its archive is shut."
    emit(answer, as_json=as_json, lines=[line])

"""``listkeeper growth``: who came to the lists, who stayed, and how large they were, by month and source."""

from __future__ import annotations

import click

from listkeeper import store
from listkeeper.accounts import organisation
from listkeeper.audience import mailing_list
from listkeeper.cli.context import emit, opened, with_json, with_settings
from listkeeper.insight import growth, growth_count, growth_sheet
from listkeeper.settings import Settings


@click.group()
def command() -> None:
    """Show how the lists grow."""


@command.command()
@with_settings
@with_json
@click.option("--list", "slug", help="Slug or id of one list; all together when not given.")
def show(settings: Settings, *, slug: str | None, as_json: bool) -> None:
    """Show by month and source who asked, said yes and stayed, and what is yours of your followers."""
    with opened(settings), store.reading() as session:
        business = organisation.only_one(session)
        every = growth_count.lists_of(session, business)
        found = growth.of(session, business, [mailing_list.named(session, business, slug)] if slug else every)
        answer = growth_sheet.as_json(found)
    lines = [
        f"{row.month}: {row.came.asked} asked, {row.came.joined} of them said yes; "
        f"{row.joined} joined, {row.lost} lost, {row.size} on the list"
        for row in found.months
    ]
    emit(answer, as_json=as_json, lines=lines)

"""``listkeeper list``: make and show mailing lists."""

from __future__ import annotations

import click

from listkeeper import store
from listkeeper.accounts import audit_log, organisation
from listkeeper.audience import mailing_list, subscription
from listkeeper.cli.context import emit, opened, with_json, with_settings
from listkeeper.settings import Settings


@click.group()
def command() -> None:
    """Make and show mailing lists."""


@command.command()
@with_settings
@with_json
@click.option("--name", required=True, help="Name of the list, as subscribers see it.")
def create(settings: Settings, *, name: str, as_json: bool) -> None:
    """Make a mailing list."""
    with opened(settings), store.transaction() as session:
        business = organisation.only_one(session)
        made = mailing_list.create(session, business, name=name)
        audit_log.record(session, business.id, "command", "mailing_list.created", made.public_id)
        answer = {"id": made.public_id, "slug": made.slug, "name": made.name}
    emit(
        answer,
        as_json=as_json,
        lines=[f"List “{name}” is made. Next: `listkeeper form create --list {answer['slug']}`."],
    )


@command.command()
@with_settings
@with_json
def show(settings: Settings, *, as_json: bool) -> None:
    """Show the lists and how many people are in which state."""
    with opened(settings), store.reading() as session:
        rows = [
            (row, {state.value: count for state, count in subscription.counts(session, row).items() if count})
            for row in mailing_list.all_of(session, organisation.only_one(session))
        ]
        lists = [{"id": row.public_id, "slug": row.slug, "name": row.name, "people": people} for row, people in rows]
        lines = [f"{row.slug}: {row.name}, {_people(people)}" for row, people in rows]
    emit({"lists": lists}, as_json=as_json, lines=lines or ["There is no list yet."])


def _people(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {state}" for state, count in counts.items()) or "nobody yet"

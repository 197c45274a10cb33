"""``listkeeper form``: make and show signup forms."""

from __future__ import annotations

import click

from listkeeper import store
from listkeeper.accounts import audit_log, organisation
from listkeeper.audience import mailing_list, signup_form
from listkeeper.cli.context import emit, opened, with_json, with_settings
from listkeeper.settings import Settings


@click.group()
def command() -> None:
    """Make and show signup forms."""


@command.command()
@with_settings
@with_json
@click.option("--list", "slug", required=True, help="Slug or id of the mailing list.")
def create(settings: Settings, *, slug: str, as_json: bool) -> None:
    """Make a signup form for a list; its page takes `POST email=…`."""
    with opened(settings), store.transaction() as session:
        business = organisation.only_one(session)
        made = signup_form.create(session, business, mailing_list.named(session, business, slug))
        audit_log.record(session, business.id, "command", "signup_form.created", made.public_id)
        answer = {"id": made.public_id, "slug": made.slug, "url": f"{settings.site}/f/{made.slug}"}
    emit(answer, as_json=as_json, lines=[answer["url"]])


@command.command()
@with_settings
@with_json
@click.option("--list", "slug", required=True, help="Slug or id of the mailing list.")
def show(settings: Settings, *, slug: str, as_json: bool) -> None:
    """Show the forms of a list."""
    with opened(settings), store.reading() as session:
        found = mailing_list.named(session, organisation.only_one(session), slug)
        forms = [
            {
                "id": row.public_id,
                "slug": row.slug,
                "url": f"{settings.site}/f/{row.slug}",
                "language": row.language,
                "version": signup_form.newest(session, row).version,
            }
            for row in signup_form.all_of(session, found)
        ]
    emit({"forms": forms}, as_json=as_json, lines=[str(row["url"]) for row in forms] or ["There is no form yet."])

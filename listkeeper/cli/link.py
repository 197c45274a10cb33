"""``listkeeper link``: a link that signs the owner in once, for the first time or when locked out."""

from __future__ import annotations

import click

from listkeeper.cli.context import emit, opened, with_json, with_settings
from listkeeper.settings import Settings


@click.command()
@with_settings
@with_json
@click.option("--user", "named", help="Whom it signs in, by address; the first owner when not given.")
def command(settings: Settings, *, named: str | None, as_json: bool) -> None:
    """Print a link that signs in once; it works for an hour."""
    with opened(settings, create=True):
        from listkeeper import store  # noqa: PLC0415 - loaded with the application
        from listkeeper.accounts import organisation, sign_in_link, user  # noqa: PLC0415

        with store.transaction() as session:
            whom = user.named(session, organisation.only_one(session).id, named) if named else user.first(session)
            token = sign_in_link.make(session, whom)
    address = f"{settings.site}/studio/enter/{token}"
    emit({"url": address}, as_json=as_json, lines=[address])

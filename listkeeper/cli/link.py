"""``listkeeper link``: a link that signs the owner in once, for the first time or when locked out."""

from __future__ import annotations

import click

from listkeeper.cli.context import emit, opened, with_json, with_settings
from listkeeper.settings import Settings


@click.command()
@with_settings
@with_json
def command(settings: Settings, *, as_json: bool) -> None:
    """Print a link that signs in once; it works for an hour."""
    with opened(settings, create=True):
        from listkeeper import store  # noqa: PLC0415 - loaded with the application
        from listkeeper.accounts import sign_in_link, user  # noqa: PLC0415

        with store.transaction() as session:
            token = sign_in_link.make(session, user.first(session))
    address = f"{settings.site}/studio/enter/{token}"
    emit({"link": address}, as_json=as_json, lines=[address])

"""``listkeeper receive``: the process that mail comes in by."""

from __future__ import annotations

import click

from listkeeper.cli.context import opened, with_settings
from listkeeper.foundation.errors import Invalid
from listkeeper.settings import Settings


@click.command()
@with_settings
def command(settings: Settings) -> None:
    """Take mail in until SIGTERM: by the listener and from the mailboxes that the settings name."""
    from listkeeper.mailroom import receiving  # noqa: PLC0415 - other commands do without a mail server

    if not receiving.is_needed(settings):
        raise Invalid(
            "settings",
            "Nothing says where mail comes in: set LISTKEEPER_SMTP_LISTEN, LISTKEEPER_LMTP_LISTEN or "
            "LISTKEEPER_MAILBOXES.",
        )
    with opened(settings, create=True, serving=True) as application:
        receiving.run(receiving.of(settings), application.app_context)

"""``listkeeper catch``: practice mode's mail server."""

from __future__ import annotations

import click

from listkeeper.cli.context import configure_log, prepare_folder, with_settings
from listkeeper.settings import Settings


@click.command()
@with_settings
def command(settings: Settings) -> None:
    """Take every mail the program sends in practice mode, until SIGTERM; nothing leaves this machine."""
    from listkeeper.mailroom import catcher  # noqa: PLC0415 - other commands do without a mail server

    configure_log(settings, serving=True)
    prepare_folder(settings)
    catcher.run(catcher.post_of(settings.data_folder))

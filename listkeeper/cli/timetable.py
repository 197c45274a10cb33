"""``listkeeper timetable``: puts the periodic jobs on their lanes."""

from __future__ import annotations

import click

from listkeeper.cli.context import opened, with_settings
from listkeeper.settings import Settings


@click.command()
@with_settings
def command(settings: Settings) -> None:
    """Keep the timetable of periodic jobs until SIGTERM; one is enough for all machines."""
    with opened(settings, create=True, serving=True):
        from listkeeper.jobs import rounds, timetable  # noqa: PLC0415 - loaded with the application

        rounds.run(timetable.TABLE, timetable.OWN)

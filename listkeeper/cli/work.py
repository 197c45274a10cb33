"""``listkeeper work``: one worker, on this machine or on any other that reaches the same database and queue."""

from __future__ import annotations

import os

import click

from listkeeper.cli.context import opened, with_settings
from listkeeper.foundation import garbage, pen
from listkeeper.foundation.outbox import Lane
from listkeeper.settings import Settings

_ALL = ",".join(Lane)
_LATER = 5


def _lanes(_ctx: click.Context, _option: click.Parameter, written: str) -> list[Lane]:
    names = [name.strip() for name in written.split(",") if name.strip()]
    unknown = [name for name in names if name not in set(Lane)]
    if unknown or not names:
        raise click.BadParameter(f"known lanes are {_ALL}")
    return [lane for lane in Lane if lane in names]


@click.command()
@click.option("--lanes", callback=_lanes, default=_ALL, show_default=True, help="Lanes to work, separated by commas.")
@with_settings
def command(settings: Settings, *, lanes: list[Lane]) -> None:
    """Do what waits on the lanes, the most urgent first, until SIGTERM; what is in flight is finished."""
    # Whoever opens a page or signs up on the same machine goes first; what waits here has time.
    os.nice(_LATER)
    pen.give_way()
    with opened(settings, create=True, serving=True) as application:
        from listkeeper.jobs import journal, worker  # noqa: PLC0415 - loaded with the application

        # Before the first mail: a database that was put back by hand must not send what the journal forbids.
        journal.compare()
    garbage.settle()
    worker.run(lanes, application.app_context)

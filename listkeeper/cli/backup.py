"""``listkeeper backup``: the whole database and the pictures in one file, while everything goes on."""

from __future__ import annotations

from pathlib import Path

import click

from listkeeper.cli import archive_file
from listkeeper.cli.context import with_json, with_settings
from listkeeper.settings import Settings


@click.command()
@with_settings
@with_json
@archive_file.with_out
def command(settings: Settings, *, out: Path | None, as_json: bool) -> None:
    """Write everything into one file that `listkeeper restore` brings back; the key folder needs a copy of its own."""
    archive_file.write(settings, "backup", out, as_json=as_json)

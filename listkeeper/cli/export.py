"""``listkeeper export``: the list is the owner's, and goes out again whole, in open formats, at any time."""

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
@click.option("--list", "slug", help="Export this list alone, by short name or id; such an export is no backup.")
def command(settings: Settings, *, out: Path | None, slug: str | None, as_json: bool) -> None:
    """Write subscribers, permissions with their texts, suppressions, letters and settings as CSV and JSON Lines."""
    archive_file.write(settings, "list" if slug else "export", out, slug=slug, as_json=as_json)

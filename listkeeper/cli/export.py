"""``listkeeper export``: the list is the owner's, and goes out again whole, in open formats, at any time."""

from __future__ import annotations

from pathlib import Path

import click

from listkeeper.cli import archive_file
from listkeeper.cli.context import with_json, with_settings
from listkeeper.foundation.errors import Invalid
from listkeeper.settings import Settings


@click.command()
@with_settings
@with_json
@archive_file.with_out
@click.option("--list", "slug", help="Export this list alone, by short name or id; such an export is no backup.")
@click.option("--segment", "segment_id", metavar="ID", help="With --list: the people of this segment alone.")
def command(settings: Settings, *, out: Path | None, slug: str | None, segment_id: str | None, as_json: bool) -> None:
    """Write subscribers, permissions with their texts, suppressions, letters and settings as CSV and JSON Lines."""
    if segment_id and not slug:
        raise Invalid("archive_options", "A segment belongs to a list: name the list with --list as well.")
    kind = "list" if slug else "export"
    archive_file.write(settings, kind, out, slug=slug, segment_id=segment_id, as_json=as_json)

"""``listkeeper picture``: pictures for letters, made ready and served from this instance."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from listkeeper import parts, store
from listkeeper.accounts import audit_log, organisation
from listkeeper.campaigns import picture
from listkeeper.campaigns.picture import LetterPicture
from listkeeper.cli.context import emit, opened, with_json, with_settings
from listkeeper.settings import Settings


@click.group()
def command() -> None:
    """Bring pictures for letters, and show those that are there."""


@command.command()
@with_settings
@with_json
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--alt", default="", help="What it shows, in a few words.")
def add(settings: Settings, *, file: Path, alt: str, as_json: bool) -> None:
    """Make a picture ready for letters and keep it; the same one again is the one that is there."""
    from listkeeper.rendering.pictures import picture_file  # noqa: PLC0415 - the other commands make no picture ready

    if file.stat().st_size > picture_file.LIMIT:
        raise picture_file.too_heavy()
    made = picture_file.ready(file.read_bytes())
    with opened(settings), store.transaction() as session:
        business = organisation.only_one(session)
        kept = picture.keep(session, business, parts.media_folder(), made, file.name)
        if alt:
            picture.describe(kept, alt)
        audit_log.record(session, business.id, "command", "picture.added", kept.public_id)
        answer = _described(kept, settings) | {"stilled": made.stilled}
    lines = [f"{answer['id']}  {answer['width']} x {answer['height']}, {answer['size']} bytes", answer["url"]]
    if made.stilled:
        lines.append("It moved; only its first moment is kept. A GIF that moves may have 1 MB.")
    emit(answer, as_json=as_json, lines=lines)


@command.command(name="list")
@with_settings
@with_json
def list_(settings: Settings, *, as_json: bool) -> None:
    """Show the pictures that are there, the newest first."""
    with opened(settings), store.reading() as session:
        rows = [_described(each, settings) for each in picture.all_of(session, organisation.only_one(session))]
    lines = [f"{row['id']}  {row['width']} x {row['height']}  {row['title']}  {row['url']}" for row in rows]
    emit({"pictures": rows}, as_json=as_json, lines=lines or ["There are no pictures yet."])


def _described(kept: LetterPicture, settings: Settings) -> dict[str, Any]:
    return {
        "id": kept.public_id,
        "url": f"{settings.site}/media/{kept.name}",
        "width": kept.width,
        "height": kept.height,
        "size": kept.size,
        "title": kept.title,
        "alt": kept.alt,
    }

"""Writing an archive to a file: never half of one, never over another, never readable by others."""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import click
from sqlalchemy.orm import Session

from listkeeper.cli.context import emit, opened, progress
from listkeeper.foundation import clock
from listkeeper.foundation.archive import Contents
from listkeeper.foundation.errors import Conflict, Invalid
from listkeeper.settings import Settings

_STDOUT = Path("-")


def with_out(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--out`` to a command."""
    return click.option(
        "--out",
        type=click.Path(path_type=Path),
        help="File to write, or a folder for it; `-` is standard output. A new file in this folder when not given.",
    )(function)


def write(  # noqa: PLR0913 - what, where to, and of whom
    settings: Settings,
    kind: str,
    out: Path | None,
    *,
    as_json: bool,
    slug: str | None = None,
    segment_id: str | None = None,
) -> None:
    """Write an archive of a kind and say what is in it; ``slug`` names the list, when it is of one list alone.

    ``segment_id`` names a segment of it, when it is of its people alone.
    """
    if out == _STDOUT and as_json:
        raise Invalid(
            "archive_options", "Standard output carries either the archive or the JSON: name a file in --out."
        )
    path = None if out == _STDOUT else _free(out or Path(), kind)
    with opened(settings):
        from listkeeper import store  # noqa: PLC0415 - loaded with the application
        from listkeeper.foundation import archive  # noqa: PLC0415 - the same

        with store.snapshot() as session:
            what = _contents(session, settings, kind, slug, segment_id)
            rows = archive.count(session.connection(), what.tables, what.only)
            with progress("Writing", rows) as tell:
                pieces = archive.pieces(session.connection(), what, tell)
                if path is None:
                    sys.stdout.buffer.writelines(pieces)
                    sys.stdout.buffer.flush()
                    return
                size = _keep(path, pieces)
        _note(kind, slug, segment_id)
    answer = {"kind": kind, "file": str(path), "bytes": size, "rows": rows, "made_at": what.made_at}
    emit(answer, as_json=as_json, lines=[f"{path}: {rows} rows, {size / 1e6:.1f} MB.", _remark(settings, slug)])


def _contents(session: Session, settings: Settings, kind: str, slug: str | None, segment_id: str | None) -> Contents:
    from listkeeper import store  # noqa: PLC0415 - loaded with the application
    from listkeeper.accounts import organisation  # noqa: PLC0415 - the same
    from listkeeper.audience import mailing_list  # noqa: PLC0415 - the same
    from listkeeper.audience.segments import segment  # noqa: PLC0415 - the same
    from listkeeper.sending import exporting  # noqa: PLC0415 - the same

    revision, media = store.newest_revision(), settings.data_folder / "media"
    if not slug:
        return exporting.contents(session, kind, revision=revision, media=media)
    found = mailing_list.named(session, organisation.only_one(session), slug)
    if not segment_id:
        return exporting.of_list(session, found, revision=revision)
    return exporting.of_segment(session, segment.of_list(session, found, segment_id), revision=revision)


def _note(kind: str, slug: str | None, segment_id: str | None) -> None:
    """Write down who took out what; a backup stays with whoever runs the machine."""
    from listkeeper import store  # noqa: PLC0415 - loaded with the application
    from listkeeper.accounts import audit_log, organisation  # noqa: PLC0415 - the same
    from listkeeper.audience import mailing_list  # noqa: PLC0415 - the same
    from listkeeper.sending import exporting  # noqa: PLC0415 - the same

    with store.transaction() as session:
        if slug:
            owner = organisation.only_one(session)
            found = mailing_list.named(session, owner, slug)
            done = "segment.exported" if segment_id else "list.exported"
            audit_log.record(session, owner.id, "command", done, segment_id or found.public_id)
        elif kind == exporting.EXPORT:
            exporting.write_down(session, "command")


def _remark(settings: Settings, slug: str | None) -> str:
    if slug:
        return "It holds one list and is no backup: it cannot be restored. For that there is `listkeeper backup`."
    return f"It can be restored only together with the key folder: keep a copy of {settings.key_folder} elsewhere."


def _free(out: Path, kind: str) -> Path:
    path = out
    if out.is_dir():
        path = out / f"listkeeper-{kind}-{clock.now():%Y%m%d-%H%M%S}.zip"
    if path.exists():
        raise Conflict(
            "file_exists", f"{path} is there already. Nothing was overwritten; choose another name in --out."
        )
    return path.resolve()


def _keep(path: Path, pieces: Iterator[bytes]) -> int:
    """Write beside the wanted name first: what stands under it is always whole."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.writelines(pieces)
            file.flush()
            os.fsync(file.fileno())
            size = file.tell()
        # A hard link fails when somebody else has taken the name meanwhile.
        os.link(draft, path)
    finally:
        with suppress(FileNotFoundError):
            draft.unlink()
    return size

"""``listkeeper suppression``: whom not to write to, as the files that mail providers take in."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import click
from sqlalchemy.orm import Session

from listkeeper import store
from listkeeper.accounts import audit_log, organisation
from listkeeper.cli.context import emit, opened, with_json, with_settings
from listkeeper.feedback import suppression_export
from listkeeper.feedback.suppression_export import SHEETS, Format, Sheet
from listkeeper.foundation import clock
from listkeeper.foundation.errors import Conflict
from listkeeper.settings import Settings


@click.group()
def command() -> None:
    """Take the list of those who are never mailed to another program or provider."""


@command.command()
@with_settings
@with_json
@click.option(
    "--format",
    "form",
    type=click.Choice([each.value for each in Format]),
    default=Format.CSV.value,
    help="Whose file it is to be; csv is our own, with every scope and reason.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    default=Path(),
    help="Folder for the files; this one when not given.",
)
def export(settings: Settings, *, form: str, out: Path, as_json: bool) -> None:
    """Write the addresses that are never mailed, as one provider takes them in."""
    wanted = Format(form)
    with opened(settings):
        with store.snapshot() as session:
            owner = organisation.only_one(session)
            kept = [_written(session, owner.id, wanted, part, out) for part in SHEETS[wanted]]
            left = suppression_export.left_out(session, owner.id)
        with store.transaction() as session:
            audit_log.record(session, owner.id, "command", "suppressions.exported", wanted.value)
    narrower = 0 if wanted is Format.CSV else left.narrower
    answer = {
        "format": wanted.value,
        "files": [{"file": str(path), "rows": rows, "marked": marked} for path, rows, marked in kept],
        "left_out": {"without_address": left.without_address, "narrower": narrower},
    }
    lines = [f"{path}: {rows} {'row' if rows == 1 else 'rows'}" for path, rows, _ in kept]
    if left.without_address:
        lines.append(f"Left out, because no address of theirs is kept any more: {left.without_address}.")
    if narrower:
        lines.append(f"Left out, because they left one list or purpose only, or for a time: {narrower}.")
    if any(marked for _, _, marked in kept):
        lines.append("An apostrophe stands before addresses that a spreadsheet would run; take it away by hand.")
    emit(answer, as_json=as_json, lines=lines)


def _written(session: Session, organisation_id: int, form: Format, part: Sheet, folder: Path) -> tuple[Path, int, int]:
    """Write one file, readable by its owner alone, and return where it is, its rows, and how many carry a mark."""
    name = "-".join(word for word in ("suppressions", form.value, part.name, f"{clock.now():%Y%m%d-%H%M%S}") if word)
    path = (folder / f"{name}.csv").resolve()
    rows = marked = 0

    def counted() -> Iterable[suppression_export.Never]:
        nonlocal rows, marked
        for each in suppression_export.everybody(session, organisation_id, narrower=form is Format.CSV):
            if part.which(each):
                rows += 1
                marked += suppression_export.is_marked(each.address)
                yield each

    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise Conflict("file_exists", f"{path} is there already. Nothing was overwritten.") from None
    with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
        file.writelines(suppression_export.pieces(part, counted()))
    return path, rows, marked

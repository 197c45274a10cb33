"""What every command shares: its settings, the opened application, one way to answer.

A command is written as::

    @click.command()
    @with_settings
    @with_json
    def command(settings: Settings, *, as_json: bool) -> int | None:
        with opened(settings):
            ...
        emit({"id": …}, as_json=as_json, lines=["…"])

It returns its exit code, or None when all is well.
"""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from listkeeper import settings as settings_file
from listkeeper.cli import address
from listkeeper.foundation import log
from listkeeper.foundation.errors import NotFound
from listkeeper.settings import Settings

if TYPE_CHECKING:
    from flask import Flask

_Answer = int | None


def with_settings(function: Callable[..., _Answer]) -> Callable[..., _Answer]:
    """Add ``--data`` to a command and hand it ``settings`` first; all mistakes are listed at once, exit 2."""
    folder_kind = click.Path(file_okay=False, path_type=Path)

    @click.option("--data", type=folder_kind, help="Data folder (also LISTKEEPER_DATA).")
    @click.pass_context
    @functools.wraps(function)
    def run(ctx: click.Context, /, *rest: Any, data: Path | None, **options: Any) -> _Answer:  # noqa: ANN401
        folder = data or ctx.find_root().params.get("data")
        return function(read_settings(data=folder), *rest, **options)

    return run


def with_json(function: Callable[..., _Answer]) -> Callable[..., _Answer]:
    """Add ``--json`` to a command; it comes as ``as_json``."""
    return click.option("--json", "as_json", is_flag=True, help="Answer with one JSON document.")(function)


def read_settings(**given: object) -> Settings:
    """Read the settings; the web address is the one `listkeeper up` was last started with, unless one is set."""
    read = settings_file.read(**given)
    if read.public_url is None and "port" not in read.model_fields_set:
        remembered = address.recalled(read)
        if remembered is not None:
            return settings_file.read(**given, port=remembered)
    return read


def overridden(settings: Settings, **given: object) -> Settings:
    """Return the settings with what the command line says (None: says nothing)."""
    return read_settings(data=settings.data, **given)


@contextmanager
def opened(settings: Settings, *, create: bool = False, serving: bool = False, pages: bool = False) -> Iterator[Flask]:
    """Open the application on its migrated database, for the block.

    ``create``: a data folder with nothing in it is a fresh start; otherwise it is
    refused with NotFound, because it most likely is a mistyped path. ``serving``:
    a process that stays logs what it does; a command that answers a person only
    logs what is wrong. ``pages``: the doors of the web as well, which only a web
    server needs; they take a third of the time that a command needs to start.
    """
    if not create and settings.database_url is None and not (settings.data_folder / "listkeeper.db").exists():
        raise NotFound(
            "no_instance",
            f"There is no listkeeper in {settings.data_folder}. Start one there with `listkeeper up` or "
            "`listkeeper init`, or name the right folder with --data.",
        )
    configure_log(settings, serving=serving)
    # Imported here: the whole program takes a second to load, and help, mistakes and the supervisor do without it.
    from listkeeper import store  # noqa: PLC0415
    from listkeeper.app import create_app  # noqa: PLC0415
    from listkeeper.cli import migrate  # noqa: PLC0415

    prepare_folder(settings)
    application = create_app(settings, pages=pages)
    try:
        with application.app_context():
            migrate.bring_up_to_date()
            _keep_key_mark()
        with application.app_context():
            yield application
    finally:
        with application.app_context():
            # A server need not find out by itself that we hung up; who goes on with the application connects anew.
            store.database.engine.dispose()


def _keep_key_mark() -> None:
    """Write down which key folder a database from before that mark belongs to; from then on another one is refused."""
    from listkeeper import store  # noqa: PLC0415 - loaded with the application
    from listkeeper.foundation import key_mark  # noqa: PLC0415 - the same

    with store.reading() as session:
        missing = key_mark.is_missing(session)
    if missing:
        with store.transaction() as session:
            key_mark.keep(session)


def configure_log(settings: Settings, *, serving: bool) -> None:
    """Send log lines to standard error as the settings ask; a short command is silent about what goes well."""
    level = settings.log_level if serving or settings.log_level != "INFO" else "WARNING"
    log.configure(level, as_json=settings.log_json)


def prepare_folder(settings: Settings) -> None:
    """Make the data folder and its ``run`` folder, closed to other users."""
    settings.data_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    (settings.data_folder / "run").mkdir(mode=0o700, exist_ok=True)


def emit(value: Mapping[str, Any], *, as_json: bool, lines: Iterable[str] = ()) -> None:
    """Answer: the value as JSON, or the lines for a person (the value's own fields when there are none)."""
    if as_json:
        click.echo(json.dumps(value, ensure_ascii=False, indent=2, default=str))
        return
    for line in lines or (f"{name}: {content}" for name, content in value.items()):
        click.echo(line)


@contextmanager
def progress(label: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
    """Show how far long work has come, on a terminal only; yields ``done(how_many_so_far)``."""
    if not sys.stderr.isatty():
        yield lambda _so_far: None
        return
    from rich.console import Console  # noqa: PLC0415 - a terminal only
    from rich.progress import Progress  # noqa: PLC0415

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=total)
        yield lambda so_far: bar.update(task, completed=so_far)

"""``listkeeper doctor``: looks at everything the program leans on, and changes nothing.

Each check is one function of the table below. What could not be looked at is
unknown and says why; it is never right by default. The exit code is that of the
worst finding (0 right, 3 unknown, 4 warning, 5 error, 6 nothing can work).
"""

from __future__ import annotations

import os
import shutil
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from listkeeper.cli import doctor_journal, doctor_mailroom, doctor_processes, supervisor_lock
from listkeeper.cli.context import configure_log, emit, read_settings, with_json
from listkeeper.deliverability import finding
from listkeeper.deliverability.finding import Finding, Severity
from listkeeper.foundation import clock
from listkeeper.foundation.errors import Invalid, ListkeeperError
from listkeeper.settings import Settings

if TYPE_CHECKING:
    from flask import Flask

_SCARCE_BYTES = 1_000_000_000
_TOO_FEW_BYTES = 100_000_000
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
# A clock before this program was written is wrong; one behind its own newest row has been set back.
_WRITTEN = datetime(2026, 11, 1, tzinfo=UTC)
_SKEW = timedelta(minutes=2)


@dataclass(frozen=True)
class Patient:
    """What the checks look at; ``app`` is None when there is no instance to open."""

    settings: Settings
    app: Flask | None


@click.command()
@click.option("--data", type=click.Path(file_okay=False, path_type=Path), help="Data folder (also LISTKEEPER_DATA).")
@with_json
@click.pass_context
def command(ctx: click.Context, *, data: Path | None, as_json: bool) -> int:
    """Say what is missing or wrong, and how to mend it."""
    try:
        settings = read_settings(data=data or ctx.find_root().params.get("data"))
    except Invalid as mistakes:
        return _answer([*_python(), *_mistakes(mistakes)], as_json=as_json)
    configure_log(settings, serving=False)
    return _answer(list(examine(settings)), as_json=as_json)


def examine(settings: Settings) -> Iterator[Finding]:
    """Make every check, one after the other."""
    yield from _python()
    yield Finding("settings", Severity.INFO, "LISTKEEPER_…", "The settings are readable.")
    app, problem = _open(settings)
    if problem:
        yield problem
    patient = Patient(settings, app)
    with app.app_context() if app else nullcontext():
        for name, check in CHECKS.items():
            yield from _made(name, check, patient)
        if app:
            _let_go()


def _made(name: str, check: Callable[[Patient], Iterator[Finding]], patient: Patient) -> Iterator[Finding]:
    """Make one check; whatever goes wrong in it is an outcome too."""
    try:
        yield from check(patient)
    except Exception as problem:  # noqa: BLE001 - a check that breaks must not hide the others
        yield Finding(
            name, Severity.UNKNOWN, name, f"This could not be checked: {type(problem).__name__}.", str(problem)[:500]
        )


def _answer(findings: list[Finding], *, as_json: bool) -> int:
    words = {"right": "ok     ", "wrong": "wrong  ", "unknown": "unknown"}
    lines = []
    for found in findings:
        lines.append(f"{words[found.verdict.value]}  {found.message}")
        if found.mend:
            lines.append(f"{'':9}{found.mend}")
    code = finding.exit_code(findings)
    answer = {"healthy": code == 0, "findings": [finding.as_json(found) for found in findings]}
    emit(answer, as_json=as_json, lines=[*lines, "All is well." if code == 0 else "Not all is well; see above."])
    return code


def _open(settings: Settings) -> tuple[Flask | None, Finding | None]:
    """Open the application on what is there; a doctor makes neither an instance nor a key."""
    if not _has_database(settings) or not _key_files(settings):
        return None, None
    from listkeeper.app import create_app  # noqa: PLC0415 - takes a second to load

    try:
        return create_app(settings, pages=False), None
    except ListkeeperError as problem:
        return None, Finding(
            problem.code, Severity.BLOCK, str(settings.data_folder), problem.message,
            mend=f"Mend this first; the key folder is {settings.key_folder} (LISTKEEPER_KEYS).",
        )  # fmt: skip
    except Exception as problem:  # noqa: BLE001 - whatever it is, it is what the owner asked about
        message = f"The program cannot open this instance: {type(problem).__name__}."
        return None, Finding("instance", Severity.BLOCK, str(settings.data_folder), message, str(problem)[:500])


def _let_go() -> None:
    from listkeeper import store  # noqa: PLC0415 - loaded with the application

    store.database.session.remove()
    store.database.engine.dispose()


def _has_database(settings: Settings) -> bool:
    if settings.database_url is not None:
        return settings.data_folder.is_dir()
    return (settings.data_folder / "listkeeper.db").exists()


def _key_files(settings: Settings) -> list[Path]:
    return sorted(settings.key_folder.glob("master-*.key"))


def _mistakes(mistakes: Invalid) -> Iterator[Finding]:
    for line in mistakes.message.splitlines():
        yield Finding(
            "settings", Severity.BLOCK, line.split(":")[0], line, mend="Correct or remove this environment variable."
        )


def _python() -> Iterator[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    fits = (3, 11) <= sys.version_info[:2] < (3, 14)
    yield Finding(
        "python",
        Severity.INFO if fits else Severity.BLOCK,
        sys.executable,
        f"Python {version} runs this program." if fits else f"Python {version} does not fit; 3.11 to 3.13 does.",
        mend="" if fits else "Install Python 3.11, 3.12 or 3.13, remove .venv and run bin/up.",
    )


def _folder(patient: Patient) -> Iterator[Finding]:
    folder = patient.settings.data_folder
    if not folder.is_dir():
        yield Finding(
            "data_folder", Severity.ERROR, str(folder), f"There is no listkeeper in {folder} yet.",
            mend="Start one there with `listkeeper up`, or name the right folder with --data.",
        )  # fmt: skip
        return
    writable = os.access(folder, os.R_OK | os.W_OK | os.X_OK)
    yield Finding(
        "data_folder",
        Severity.INFO if writable else Severity.BLOCK,
        str(folder),
        f"The data folder {folder} can be written." if writable else f"This user may not write to {folder}.",
        mend="" if writable else f"Give it to the user that runs listkeeper: chown -R USER {folder}",
    )
    free = shutil.disk_usage(folder).free
    severity = Severity.BLOCK if free < _TOO_FEW_BYTES else Severity.WARN if free < _SCARCE_BYTES else Severity.INFO
    yield Finding(
        "disk_space", severity, str(folder), f"{free / 1e9:.1f} GB are free on its disk.", f"{free} bytes",
        "" if severity is Severity.INFO else "Free some space: mail that cannot be recorded is not sent.",
    )  # fmt: skip


def _keys(patient: Patient) -> Iterator[Finding]:
    folder = patient.settings.key_folder
    files = _key_files(patient.settings)
    if not files and (patient.settings.data_folder / "listkeeper.db").exists():
        yield Finding(
            "keys_lost", Severity.BLOCK, str(folder), f"There is a database, but no key in {folder}.",
            mend="Put the copy of the key folder back: without it nobody who left is recognised, so nothing starts.",
        )  # fmt: skip
        return
    if not files:
        yield Finding("keys", Severity.UNKNOWN, str(folder), "There is no key yet; the first start makes one.")
        return
    open_to_others = [path for path in (folder, *files) if path.stat().st_mode & _OTHERS]
    for path in open_to_others:
        yield Finding(
            "keys_readable", Severity.ERROR, str(path), f"Other users of this machine may read {path}.",
            oct(path.stat().st_mode & 0o777), f"Close it: chmod -R go-rwx {folder}",
        )  # fmt: skip
    if not open_to_others:
        yield Finding("keys", Severity.INFO, str(folder), f"The key folder {folder} is closed to other users.")


def _database(patient: Patient) -> Iterator[Finding]:
    if patient.app is None:
        yield Finding("database", Severity.UNKNOWN, "database", "There is no database to look at yet.")
        return
    from listkeeper import store  # noqa: PLC0415 - loaded with the application
    from listkeeper.cli import migrate  # noqa: PLC0415

    subject = store.database.engine.url.render_as_string(hide_password=True)
    try:
        with store.database.engine.connect() as connection:
            current, newest = migrate.current_migration(connection), store.newest_revision()
    except Exception as problem:  # noqa: BLE001 - every driver has errors of its own
        yield Finding(
            "database", Severity.BLOCK, subject, "The database does not answer.", str(problem)[:500],
            "Start it, or correct LISTKEEPER_DATABASE_URL.",
        )  # fmt: skip
        return
    if current == newest:
        yield Finding("database", Severity.INFO, subject, f"The database answers and is at migration {newest}.")
    else:
        yield Finding(
            "database_behind", Severity.ERROR, subject,
            f"The database is at migration {current or 'none'}; this program needs {newest}.",
            mend="Run `listkeeper up` of the newest version once: it migrates.",
        )  # fmt: skip


def _clock(patient: Patient) -> Iterator[Finding]:
    moment = clock.now()
    if moment < _WRITTEN:
        yield Finding(
            "clock", Severity.ERROR, "clock", f"The clock of this machine says {clock.as_text(moment)}.",
            mend="Set it, for instance with `timedatectl set-ntp true`: consent records carry its time.",
        )  # fmt: skip
        return
    newest = _newest_row(patient)
    if newest is not None and newest > moment + _SKEW:
        yield Finding(
            "clock_set_back", Severity.ERROR, "clock",
            f"The newest row was written at {clock.as_text(newest)}, but the clock says {clock.as_text(moment)}.",
            mend="Set the clock, for instance with `timedatectl set-ntp true`: consent records carry its time.",
        )  # fmt: skip
    else:
        yield Finding("clock", Severity.INFO, "clock", f"The clock says {clock.as_text(moment)}, and no row is newer.")


def _newest_row(patient: Patient) -> datetime | None:
    if patient.app is None:
        return None
    from sqlalchemy import func, select  # noqa: PLC0415 - loaded with the application

    from listkeeper import store  # noqa: PLC0415
    from listkeeper.foundation.outbox import Fact  # noqa: PLC0415

    with store.reading() as session:
        return session.scalar(select(func.max(Fact.written_at)))


def _running(patient: Patient) -> Iterator[Finding]:
    holder = supervisor_lock.holder(patient.settings.data_folder / "run" / "up.lock")
    if holder:
        message = f"`listkeeper up` runs here (process {holder.get('pid')}) at {holder.get('address')}."
        yield Finding("running", Severity.INFO, "listkeeper up", message)
    elif patient.settings.redis_url is not None:
        message = "`listkeeper up` does not run here: the parts are started one by one, around another queue server."
        yield Finding("running", Severity.INFO, "listkeeper up", message)
    else:
        yield Finding(
            "running", Severity.WARN, "listkeeper up", "`listkeeper up` does not run on this data folder.",
            mend="Start it.",
        )  # fmt: skip


CHECKS: dict[str, Callable[[Patient], Iterator[Finding]]] = {
    "data_folder": _folder,
    "keys": _keys,
    "database": _database,
    "journal": lambda patient: doctor_journal.journal(patient.settings, is_open=patient.app is not None),
    "clock": _clock,
    "running": _running,
    "queue": lambda patient: doctor_processes.queue(patient.settings),
    "mail": lambda patient: doctor_processes.mail(patient.settings),
    "incoming": lambda patient: doctor_mailroom.incoming(patient.settings),
    "dns": lambda patient: doctor_processes.name_server(patient.settings),
    "public_url": lambda patient: doctor_processes.public_url(patient.settings),
}

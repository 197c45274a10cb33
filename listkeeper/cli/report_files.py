"""Reports on the command line: files or standard input in, one answer each, a refused one never in the way of the rest.

The answer is ``{read, refused, files}``; a file is ``{file, kind, report}`` or
``{file, code, reason}``. A report has the fields and properties of its class
in ``standards``: moments as RFC 3339 in UTC, addresses as texts, what is not
said as an empty text or null. Without JSON, what is read goes to standard
output and what is refused to standard error.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import Any

import click

from listkeeper.cli.context import emit, with_json
from listkeeper.foundation import clock
from listkeeper.standards import foreign_text
from listkeeper.standards.packed_report import USUAL, Refusal

# The exit code of Invalid: at least one file was refused.
REFUSED = 10
STDIN = Path("-")
_LONGEST_NAME = 500
# Lines that a person reads of one list.
_MOST_LINES = 50
# What the help of every command that reads ends with.
_READING = (
    "Needs no instance and stores nothing. Exits with 10 when a file was refused; the others are read all the same."
)


@dataclass(frozen=True)
class Told:
    """A report, the word for its kind, and its lines for a person."""

    kind: str
    report: object
    lines: tuple[str, ...]


def with_files(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the files to a command, as ``files``; none is standard input, and so is ``-``."""
    return click.argument("files", nargs=-1, metavar="[FILE]...", type=click.Path(path_type=Path))(function)


def reading(what: str, read: Callable[[bytes], Told | Refusal]) -> click.Command:
    """Return the command ``read`` for reports that ``read`` knows; ``what`` tells its user which those are."""

    @click.command("read", help=f"{what}\n\n{_READING}")
    @with_json
    @with_files
    def command(*, files: tuple[Path, ...], as_json: bool) -> int:
        return _answer(files, read, as_json=as_json)

    return command


def _answer(files: Sequence[Path], read: Callable[[bytes], Told | Refusal], *, as_json: bool) -> int:
    """Print what is in each file; return the exit code, which is 10 when one was refused."""
    answers: list[dict[str, Any]] = []
    refused = 0
    for path in files or (STDIN,):
        name, data = shown(path), content(path)
        told = data if isinstance(data, Refusal) else read(data)
        refused += isinstance(told, Refusal)
        if as_json:
            answers.append({"file": name, **_as_json(told)})
        elif isinstance(told, Refusal):
            click.echo(f"{name}: {told.reason}", err=True)
        else:
            emit({}, as_json=False, lines=[f"{name}:", *(f"  {line}" for line in told.lines)])
    if as_json:
        emit({"read": len(answers) - refused, "refused": refused, "files": answers}, as_json=True)
    return REFUSED if refused else 0


def shown(path: Path) -> str:
    """Return the name of a file as it is printed."""
    return foreign_text.clean(str(path), _LONGEST_NAME)


def content(path: Path, most: int = USUAL.received) -> bytes | Refusal:
    """Return what is in a file, or comes by standard input: one byte more than ``most`` shows that there is more."""
    # A device would never end.
    try:
        if path == STDIN:
            return sys.stdin.buffer.read(most + 1)
        with path.open("rb") as file:
            return file.read(most + 1)
    except OSError as problem:
        return Refusal("unreadable", f"It cannot be read: {problem.strerror or problem}.")


def _as_json(told: Told | Refusal) -> dict[str, Any]:
    if isinstance(told, Refusal):
        return {"code": told.code, "reason": told.reason}
    return {"kind": told.kind, "report": plain(told.report)}


def plain(value: object) -> Any:  # noqa: ANN401 - whatever JSON can say
    """Return a report, or a part of one, as JSON says it."""
    if dataclasses.is_dataclass(value):
        counted = (name for name, one in vars(type(value)).items() if isinstance(one, property))
        names = (*(field.name for field in dataclasses.fields(value)), *counted)
        return {name: plain(getattr(value, name)) for name in names}
    if isinstance(value, tuple):
        return [plain(one) for one in value]
    if isinstance(value, datetime):
        return clock.as_text(value)
    return str(value) if isinstance(value, IPv4Address | IPv6Address) else value


def listed(rows: Sequence[str]) -> Iterator[str]:
    """Yield the first lines of many, and how many more there are."""
    yield from rows[:_MOST_LINES]
    if len(rows) > _MOST_LINES:
        yield f"… and {len(rows) - _MOST_LINES} more; --json has them all."

"""Mails on the command line: a file, a mailbox file (mbox, RFC 4155), a folder of either, or standard input.

Of each mail its beginning is held, as long as the readers look at; so a mailbox
of any size costs the memory of one mail.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from listkeeper.standards import foreign_text

# As long as what is read of a mail (feedback.opened_mail), and a line.
_MOST_HELD = 1_048_576 + 65_536
_LONGEST_LINE = 65_536
_LONGEST_NAME = 500
# A line of a mail may begin with this word as well; who began it and when stands behind it only in a mailbox.
_MARK = re.compile(rb"From \S{0,320} {1,4}[^\r\n]{0,60}\d\d:\d\d(?::\d\d)?[^\r\n]{0,40} \d{4}\b")

Mails = Iterator[tuple[str, bytes | str]]


def of_path(path: Path) -> Mails:
    """Yield name and beginning of each mail of a file or folder; a sentence in its place when it cannot be read."""
    shown = foreign_text.clean(str(path), _LONGEST_NAME)
    try:
        if path.is_dir():
            for inner in sorted(path.rglob("*")):
                if inner.is_file() and not inner.name.startswith("."):
                    yield from of_path(inner)
            return
        with path.open("rb") as file:
            yield from of_stream(shown, file)
    except OSError as problem:
        yield shown, f"It cannot be read: {problem.strerror or problem}."


def of_stream(name: str, file: BinaryIO) -> Mails:
    """Yield the mails of an open file: one, or those of a mailbox, numbered from 1."""
    line = file.readline(_LONGEST_LINE)
    if not _MARK.match(line):
        rest = file.read(_MOST_HELD)
        yield name, line + rest
        return
    held, size, number, was_blank = [line], len(line), 1, False
    while line := file.readline(_LONGEST_LINE):
        if was_blank and _MARK.match(line):
            yield f"{name}:{number}", b"".join(held)
            held, size, number = [], 0, number + 1
        if size < _MOST_HELD:
            held.append(line)
            size += len(line)
        was_blank = line in {b"\n", b"\r\n"}
    yield f"{name}:{number}", b"".join(held)

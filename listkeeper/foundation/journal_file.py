"""The journal: what must never be lost to a restored backup, in a file outside the database and its backups.

Erasures, opt-outs, restrictions, pauses, deleted lists and signed checkpoints,
one canonical JSON line each, with no readable personal data. The file only
grows. A line counts once it has reached the disk; a power cut leaves at most a
torn last line, which was never acknowledged and is cut off before the next one
is written.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from typing import BinaryIO

from listkeeper.foundation.errors import Invalid

Line = Mapping[str, str | int]
_NAME = "journal.jsonl"
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_TAIL = 1 << 16


def path_in(folder: Path) -> Path:
    """Return the path of the journal in its folder."""
    return folder / _NAME


def identity(folder: Path) -> str | None:
    """Return the journal's own id; None when there is no journal. Raises Invalid when others may read it."""
    if not path_in(folder).exists():
        return None
    first = next(read(folder), None)
    return str(first["id"]) if first is not None and first.get("kind") == "journal" else None


def begin(folder: Path, name: str | None = None) -> str:
    """Make the journal when there is none, and return its id (``name``, or a fresh one)."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _held(folder) as file:
        if file.seek(0, os.SEEK_END) == 0:
            _write(file, [{"kind": "journal", "id": name or secrets.token_hex(16), "version": 1}])
            _settle_folder(folder)
    found = identity(folder)
    if found is None:
        raise _damaged(folder, 1)
    return found


def append(folder: Path, lines: Iterable[Line]) -> None:
    """Add lines; when this returns, they are on the disk. Raises Invalid when others may read the file."""
    with _held(folder) as file:
        _write(file, lines)


def strike(folder: Path, name: str, value: str) -> int:
    """Overwrite in place every line in which ``name`` is ``value``, and return how many; the others stay as they are.

    The one change that is ever made to a written line: somebody wants not even a keyed hash of her to stay.
    """
    wanted = f'"{name}":"{value}"'.encode()
    struck = 0
    with _held(folder) as file:
        places = []
        file.seek(0)
        at = 0
        with open(os.dup(file.fileno()), "rb") as lines:  # noqa: PTH123 - the very file that is locked
            for line in lines:
                if wanted in line:
                    places.append((at, len(line)))
                at += len(line)
        for start, length in places:
            line = _encoded({"kind": "struck"})
            file.seek(start)
            file.write(line[:-1] + b" " * (length - len(line)) + b"\n")
            struck += 1
        os.fsync(file.fileno())
    return struck


def read(folder: Path, *, having: str = "") -> Iterator[dict[str, str | int]]:
    """Yield the whole lines, oldest first; with ``having`` only those that contain this text.

    Raises Invalid when others may read the file, or when a line that was acknowledged is damaged.
    """
    wanted = having.encode()
    with path_in(folder).open("rb") as file:
        _require_closed(file, folder)
        for number, line in enumerate(file, 1):
            if not line.endswith(b"\n"):
                return
            if wanted not in line:
                continue
            try:
                found = json.loads(line)
            except ValueError:
                raise _damaged(folder, number) from None
            if not isinstance(found, dict):
                raise _damaged(folder, number)
            yield found


def is_open_to_others(folder: Path) -> bool:
    """Return whether other users of this machine may read or write the journal."""
    return any(path.exists() and path.stat().st_mode & _OTHERS for path in (folder, path_in(folder)))


@contextmanager
def _held(folder: Path) -> Iterator[FileIO]:
    """Open the journal for writing at its end, with every other writer waiting."""
    handle = os.open(path_in(folder), os.O_RDWR | os.O_CREAT, 0o600)
    # Unbuffered: after a full disk nothing may be written by the closing of the file.
    with os.fdopen(handle, "r+b", buffering=0) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        _require_closed(file, folder)
        _cut_torn_line(file)
        yield file


def _write(file: FileIO, lines: Iterable[Line]) -> None:
    end = file.seek(0, os.SEEK_END)
    left = memoryview(b"".join(_encoded(line) for line in lines))
    try:
        while left:
            left = left[file.write(left) :]
        os.fsync(file.fileno())
    except OSError:
        # Half a batch (a full disk) is taken back, so that the next one does not stand behind a torn line.
        os.ftruncate(file.fileno(), end)
        raise


def _encoded(line: Line) -> bytes:
    """Return RFC 8785 bytes: for flat objects of strings and integers with ASCII names, sorted and tight is enough."""
    return json.dumps(line, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


def _cut_torn_line(file: FileIO) -> None:
    size = end = file.seek(0, os.SEEK_END)
    while end > 0:
        start = max(0, end - _TAIL)
        file.seek(start)
        newline = file.read(end - start).rfind(b"\n")
        if newline >= 0:
            end = start + newline + 1
            break
        end = start
    if end < size:
        file.truncate(end)
        os.fsync(file.fileno())


def _require_closed(file: FileIO | BinaryIO, folder: Path) -> None:
    if os.fstat(file.fileno()).st_mode & _OTHERS or folder.stat().st_mode & _OTHERS:
        raise Invalid(
            "journal_readable",
            f"Other users of this machine may read the journal in {folder}. Close it with `chmod -R go-rwx {folder}`; "
            "nothing was written.",
        )


def _settle_folder(folder: Path) -> None:
    """Bring the new name itself to the disk."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _damaged(folder: Path, number: int) -> Invalid:
    return Invalid(
        "journal_damaged",
        f"Line {number} of the journal {path_in(folder)} is damaged. Nothing was changed; put a copy of the file back.",
    )

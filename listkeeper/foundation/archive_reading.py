"""Opening an archive that somebody brings, and believing none of it.

Every file is read once and compared with the manifest before anything else is
done: an archive that is cut off, changed, packed to burst, or that names files
of its own invention is refused in one sentence.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from listkeeper.foundation.archive import FORMAT, MANIFEST, PICTURE, VERSION, is_table
from listkeeper.foundation.archive_values import Kind
from listkeeper.foundation.errors import Invalid

# The only names there are; none of them leads out of a folder.
_NAME = re.compile(rf"(tables/[a-z][a-z0-9_]{{0,62}}\.jsonl|media/{PICTURE}|[A-Za-z][A-Za-z_]{{0,40}}\.(csv|txt))")
_MANIFEST_LIMIT = 4 << 20
_FILES_LIMIT = 10_000
_LINE_LIMIT = 64 << 20
_PICTURE_LIMIT = 4 << 20
# Rows pack to a tenth, the emptiest to a fiftieth. What packs tighter was made to burst.
_TIGHTEST, _HARMLESS_BYTES = 250, 64 << 20
_PIECE = 1 << 20
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class File:
    """What the manifest says of one file."""

    size: int
    rows: int
    sha256: str


@dataclass(frozen=True)
class Archive:
    """An opened archive; its manifest has been read and makes sense, its files are not looked at yet."""

    parcel: zipfile.ZipFile
    kind: str
    revision: str
    made_at: str
    key_fingerprint: str
    tables: Mapping[str, Mapping[str, Kind]]
    files: Mapping[str, File]

    @property
    def rows(self) -> int:
        """How many rows all tables have."""
        return sum(file.rows for file in self.files.values())

    def verify(self, tell: Callable[[int], None] = lambda _rows: None) -> None:
        """Read every file and compare it with the manifest. Raises Invalid at the first that differs."""
        seen = 0
        for path, promised in self.files.items():
            digest, size, newlines = hashlib.sha256(), 0, 0
            for part in self._parts(path):
                digest.update(part)
                size += len(part)
                if is_table(path):
                    newlines += part.count(b"\n")
                    tell(seen + newlines)
            seen += promised.rows
            if (size, digest.hexdigest()) != (promised.size, promised.sha256) or newlines != promised.rows:
                raise damaged(f"{path} is not what its manifest says")

    def lines(self, table: str) -> Iterator[dict[str, Any]]:
        """Yield the rows of a table. Raises Invalid for a line that is no JSON object."""
        path = f"tables/{table}.jsonl"
        with _told(path), self.parcel.open(path) as packed, io.BufferedReader(packed, _PIECE) as file:  # type: ignore[type-var]
            number = 0
            while line := file.readline(_LINE_LIMIT):
                number += 1
                yield _object(line, f"line {number} of {path}")

    def pictures(self) -> Iterator[tuple[str, bytes]]:
        """Yield the uploaded pictures: name and bytes."""
        for path, promised in self.files.items():
            if path.startswith("media/"):
                if promised.size > _PICTURE_LIMIT:
                    raise damaged(f"{path} is too big for a picture")
                yield path.removeprefix("media/"), b"".join(self._parts(path))

    def _parts(self, path: str) -> Iterator[bytes]:
        with _told(path), self.parcel.open(path) as file:
            while part := file.read(_PIECE):
                yield part


def damaged(why: str) -> Invalid:
    """Return the refusal of an archive."""
    return Invalid("archive_damaged", f"This archive cannot be used: {why}. Nothing was changed.")


@contextmanager
def _told(path: str) -> Iterator[None]:
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError) as problem:
        raise damaged(f"{path} cannot be read") from problem


@contextmanager
def opened(path: Path) -> Iterator[Archive]:
    """Open an archive for the block. Raises Invalid when it is none."""
    try:
        parcel = zipfile.ZipFile(path)
    except FileNotFoundError:
        raise Invalid("no_archive", f"There is no file {path}.") from None
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as problem:
        raise Invalid(
            "no_archive", f"{path} is no archive of listkeeper, or is cut off. Nothing was changed."
        ) from problem
    with parcel:
        yield _understood(parcel, path)


def _understood(parcel: zipfile.ZipFile, path: Path) -> Archive:
    sizes = _sizes(parcel, path.stat().st_size)
    said = _manifest(parcel, sizes)
    if said.get("format") != FORMAT:
        raise damaged("it is not one of listkeeper's")
    if said.get("version") != VERSION:
        raise damaged(
            f"its format is version {str(said.get('version'))[:20]}, and this program reads version {VERSION}"
        )
    words = {name: said.get(name) for name in ("kind", "revision", "made_at", "key_fingerprint")}
    if not all(isinstance(word, str) and 0 < len(word) <= 100 for word in words.values()):  # noqa: PLR2004
        raise damaged("its manifest is incomplete")
    files = _files(said.get("files"))
    tables = _tables(said.get("tables"))
    if set(files) != set(sizes) - {MANIFEST}:
        raise damaged("its manifest names other files than it holds")
    if {f"tables/{name}.jsonl" for name in tables} != {name for name in files if is_table(name)}:
        raise damaged("its manifest describes other tables than it holds")
    return Archive(parcel, files=files, tables=tables, **{name: str(word) for name, word in words.items()})


def _sizes(parcel: zipfile.ZipFile, packed: int) -> dict[str, int]:
    """Return the unpacked size of each file, by name; refuse names and sizes that no archive of ours has."""
    entries = parcel.infolist()
    sizes = {entry.filename: entry.file_size for entry in entries}
    if len(entries) > _FILES_LIMIT or len(sizes) != len(entries):
        raise damaged("it holds too many files, or one of them twice")
    strange = [name for name in sizes if name != MANIFEST and not _NAME.fullmatch(name)]
    if strange:
        raise damaged(f"it holds a file that is none of its own: {strange[0][:80]!r}")
    if sum(sizes.values()) > max(_HARMLESS_BYTES, packed * _TIGHTEST):
        raise damaged("it would unpack to more than any true archive of its size")
    return sizes


def _manifest(parcel: zipfile.ZipFile, sizes: Mapping[str, int]) -> dict[str, Any]:
    if MANIFEST not in sizes or sizes[MANIFEST] > _MANIFEST_LIMIT:
        raise damaged("it has no manifest")
    with _told(MANIFEST), parcel.open(MANIFEST) as file:
        return _object(file.read(_MANIFEST_LIMIT), "its manifest")


def _object(text: bytes, what: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise damaged(f"{what} is no JSON") from None
    if not isinstance(found, dict):
        raise damaged(f"{what} is no JSON object")
    return found


def _files(said: object) -> dict[str, File]:
    try:
        return {path: _file(described) for path, described in said.items()}  # type: ignore[attr-defined]
    except (AttributeError, KeyError, TypeError, ValueError):
        raise damaged("its manifest does not say what its files are") from None


def _file(said: Mapping[str, Any]) -> File:
    size, rows, sha256 = said["bytes"], said.get("rows", 0), said["sha256"]
    if type(size) is not int or type(rows) is not int or rows < 0 or not _SHA256.fullmatch(sha256):
        raise ValueError("no description of a file")
    return File(size, rows, sha256)


def _tables(said: object) -> dict[str, dict[str, Kind]]:
    try:
        return {
            str(table): {str(column): Kind(kind) for column, kind in columns.items()}
            for table, columns in said.items()  # type: ignore[attr-defined]
        }
    except (AttributeError, TypeError, ValueError):
        raise damaged("its manifest does not say what its columns are") from None

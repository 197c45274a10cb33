"""The archive: everything in one ZIP of open formats, written while it is read, from one moment of the database.

``tables/<table>.jsonl`` holds the rows of a table in the order of its key,
``manifest.json`` (written last) says what each file is and how many rows and
which SHA-256 it has. The same rows make the same bytes, on SQLite and on
PostgreSQL. ``archive_reading`` opens it again, ``archive_filling`` puts it
into an empty database.
"""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Connection, collate, func, select, true, type_coerce
from sqlalchemy.schema import Table as Rows
from sqlalchemy.types import String, UserDefinedType

from listkeeper.foundation.archive_values import FROM_DATABASE, Convert, Kind, canonical, kind_of

FORMAT, VERSION = "listkeeper-archive", 1
MANIFEST = "manifest.json"
AT_ONCE = 2_000
# Rows say the same names again and again: a higher level takes twice the time for a tenth of the size.
_LEVEL = 1
_PIECE = 1 << 18
# What an uploaded picture is called; nothing else in the media folder is ours, and nothing else is put there.
PICTURE = r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}\.(?:png|jpg|jpeg|gif|webp)"


@dataclass(frozen=True)
class Document:
    """A file of the archive that is no table: one for people, or a picture."""

    path: str
    pieces: Iterable[bytes]


@dataclass(frozen=True)
class Contents:
    """What goes into an archive: which kind it is, its tables, the columns left out of them, other files."""

    kind: str
    revision: str
    made_at: str
    key_fingerprint: str
    tables: Sequence[Rows]
    without: Mapping[str, frozenset[str]] = field(default_factory=dict)
    documents: Iterable[Document] = ()
    # Which rows of a table go in, by its name; all of them where nothing is said.
    only: Mapping[str, ColumnElement[bool]] = field(default_factory=dict)

    def columns(self, table: Rows) -> dict[str, Kind]:
        """Return the columns of a table that are written, by name, with their kinds."""
        left_out = self.without.get(table.name, frozenset())
        return {name: kind_of(table.c[name].type) for name in sorted(table.c.keys()) if name not in left_out}


class _Tray:
    """What the ZIP writer has written and nobody has taken yet; it cannot be wound back, like a socket."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self.size = 0

    def write(self, data: bytes) -> int:
        """Take bytes."""
        self._pieces.append(bytes(data))
        self.size += len(data)
        return len(data)

    def flush(self) -> None:
        """Do nothing: what was written is there."""

    def close(self) -> None:
        """Do nothing: what was written can still be taken."""

    def take(self) -> bytes:
        """Hand out what has been written since the last time."""
        taken = b"".join(self._pieces)
        self._pieces, self.size = [], 0
        return taken


def is_table(path: str) -> bool:
    """Return whether a file of an archive holds a table's rows."""
    return path.startswith("tables/")


def count(connection: Connection, tables: Iterable[Rows], only: Mapping[str, ColumnElement[bool]] | None = None) -> int:
    """Return how many rows go in of the tables, for a progress bar."""
    chosen = only or {}
    counted = (select(func.count()).select_from(table).where(chosen.get(table.name, true())) for table in tables)
    return sum(connection.scalar(query) or 0 for query in counted)


def pieces(
    connection: Connection, contents: Contents, tell: Callable[[int], None] = lambda _rows: None
) -> Iterator[bytes]:
    """Yield the archive piece by piece, in flat memory; ``tell`` is called with the rows so far.

    The connection must show one moment of the database for as long as this takes (``store.snapshot``).
    """
    tray, files = _Tray(), {}
    told = 0
    with zipfile.ZipFile(tray, "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL) as parcel:
        for path, parts in _files(connection, contents):
            digest, size, rows = hashlib.sha256(), 0, 0
            # By name alone, an entry carries no time: the same rows make the same bytes.
            with parcel.open(path, "w", force_zip64=True) as file:
                for number, part in parts:
                    digest.update(part)
                    file.write(part)
                    size, rows, told = size + len(part), rows + number, told + number
                    if tray.size >= _PIECE:
                        yield tray.take()
                        tell(told)
            files[path] = {"bytes": size, "sha256": digest.hexdigest()} | ({"rows": rows} if is_table(path) else {})
        with parcel.open(MANIFEST, "w") as file:
            file.write(_manifest(contents, files))
    yield tray.take()
    tell(told)


def _files(connection: Connection, contents: Contents) -> Iterator[tuple[str, Iterator[tuple[int, bytes]]]]:
    for table in sorted(contents.tables, key=lambda table: table.name):
        only = contents.only.get(table.name, true())
        yield f"tables/{table.name}.jsonl", lines(connection, table, contents.columns(table), only)
    for document in contents.documents:
        yield document.path, ((0, part) for part in document.pieces)


def lines(
    connection: Connection, table: Rows, columns: Mapping[str, Kind], only: ColumnElement[bool] | None = None
) -> Iterator[tuple[int, bytes]]:
    """Yield (how many, JSON Lines) of a table's rows in the order of its primary key, some thousand at a time."""
    on_postgresql = connection.dialect.name == "postgresql"
    order = [
        # Both databases must agree on the order of texts, so it is that of their bytes.
        collate(column, "C") if on_postgresql and isinstance(column.type, String) else column
        for column in table.primary_key.columns
    ]
    asked = [type_coerce(table.c[name], _AsStored()).label(name) for name in columns]
    chosen = select(*asked).where(only if only is not None else true())
    query = chosen.order_by(*order).execution_options(stream_results=True, yield_per=AT_ONCE)
    written = FROM_DATABASE[connection.dialect.name]
    steps = [(f"{canonical(name)}:", written[kind]) for name, kind in columns.items()]
    for batch in connection.execute(query).partitions():
        yield len(batch), "".join(_line(steps, row) for row in batch).encode()


class _AsStored(UserDefinedType[Any]):
    """A column as the driver hands it out: archive_values knows what it means."""

    cache_ok = True


def _line(steps: Sequence[tuple[str, Convert]], row: Sequence[Any]) -> str:
    values = [
        name + ("null" if value is None else write(value)) for (name, write), value in zip(steps, row, strict=True)
    ]
    return "{" + ",".join(values) + "}\n"


def _manifest(contents: Contents, files: Mapping[str, Mapping[str, Any]]) -> bytes:
    described = {
        "format": FORMAT,
        "version": VERSION,
        "kind": contents.kind,
        "made_at": contents.made_at,
        "revision": contents.revision,
        "key_fingerprint": contents.key_fingerprint,
        "tables": {table.name: contents.columns(table) for table in contents.tables},
        "files": files,
    }
    return json.dumps(described, sort_keys=True, indent=1, ensure_ascii=False).encode() + b"\n"


def pictures(folder: Path) -> Iterator[Document]:
    """Yield the uploaded pictures of the media folder; drafts of an upload under way are left out."""
    for path in sorted(folder.glob("*")) if folder.is_dir() else ():
        if path.is_file() and re.fullmatch(PICTURE, path.name):
            yield Document(f"media/{path.name}", [path.read_bytes()])

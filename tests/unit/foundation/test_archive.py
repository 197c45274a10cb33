"""A value goes out and comes back as it was, on either database, and both write the same bytes for it."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Date,
    Float,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Text,
    insert,
    select,
    text,
)
from sqlalchemy import Table as Rows
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Engine

from listkeeper.foundation import archive, archive_filling, archive_reading, sheet
from listkeeper.foundation.archive import Contents, Document
from listkeeper.foundation.archive_values import INTO_DATABASE, Kind, canonical, kind_of
from listkeeper.foundation.columns import RowId, UtcDateTime
from tests.fakes import databases
from tests.fakes.databases import Database

KINDS = databases.chosen()
_ROWS = Rows(
    "every_kind",
    MetaData(),
    Column("id", RowId, primary_key=True),
    Column("name", Text),
    Column("truth", Boolean),
    Column("content", LargeBinary),
    Column("moment", UtcDateTime),
    Column("day", Date),
    Column("measure", Float),
    Column("anything", JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")),
)
_NAMES = Rows(
    "named", MetaData(), Column("name", String(40), primary_key=True), Column("number", Integer, primary_key=True)
)
# PostgreSQL keeps no zero byte, and UTF-8 no half of a character.
_TEXTS = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=40)
_FLOATS = st.floats(allow_nan=False, allow_infinity=False)
# PostgreSQL stores numbers of JSON as decimals: no negative zero, and no exponent to tell 1e16 from an integer.
_JSON_FLOATS = st.floats(-1e15, 1e15).map(lambda value: value or 0.0)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | _TEXTS | _JSON_FLOATS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXTS, inner, max_size=3),
    max_leaves=8,
)
# SQLite makes a lone 1.0 an integer; no column of ours holds a lone number.
_JSON_ROWS = st.lists(_JSON, max_size=3) | st.dictionaries(_TEXTS, _JSON, max_size=3) | st.integers(-(2**53), 2**53)
_VALUES = st.fixed_dictionaries(
    {
        "name": st.none() | _TEXTS,
        "truth": st.none() | st.booleans(),
        "content": st.none() | st.binary(max_size=40),
        "moment": st.none()
        | st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1)).map(lambda m: m.replace(tzinfo=UTC)),  # noqa: DTZ001
        "day": st.none() | st.dates(date(1900, 1, 1), date(2200, 1, 1)),
        "measure": st.none() | _FLOATS,
        "anything": st.none() | _JSON_ROWS,
    }
)


@pytest.fixture(params=KINDS)
def engine(request: pytest.FixtureRequest, empty_database: Callable[[str], Database]) -> Iterator[Engine]:
    """An empty database of each kind with the tables of this file."""
    made = empty_database(request.param).engine()
    _ROWS.metadata.create_all(made)
    _NAMES.metadata.create_all(made)
    yield made
    made.dispose()


def _contents(*tables: Rows, **more: Any) -> Contents:  # noqa: ANN401
    named = {"kind": "backup", "revision": "0001", "made_at": "now", "key_fingerprint": "f" * 64}
    return Contents(tables=tables, **(named | more))


def _written(engine: Engine, contents: Contents) -> bytes:
    with engine.connect() as connection:
        return b"".join(archive.pieces(connection, contents))


def _unpacked(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as parcel:
        return {name: parcel.read(name) for name in parcel.namelist()}


@given(rows=st.lists(_VALUES, min_size=1, max_size=5))
def test_every_value_goes_out_and_comes_back(engine: Engine, tmp_path: Path, rows: list[dict[str, Any]]) -> None:
    with engine.execution_options(listkeeper_writes=True).begin() as connection:
        connection.execute(_ROWS.delete())
        connection.execute(insert(_ROWS), [{"id": number, **row} for number, row in enumerate(rows, 1)])
    before = _written(engine, _contents(_ROWS))
    for line in _unpacked(before)["tables/every_kind.jsonl"].decode().removesuffix("\n").split("\n"):
        assert line == canonical(json.loads(line))
    (tmp_path / "a.zip").write_bytes(before)
    with archive_reading.opened(tmp_path / "a.zip") as opened:
        opened.verify()
        with engine.execution_options(listkeeper_writes=True).begin() as connection:
            archive_filling.empty(connection, ["every_kind"])
            archive_filling.fill(connection, opened, fillers={}, words={})
    assert _written(engine, _contents(_ROWS)) == before
    with engine.connect() as connection:
        kept = [dict(row) for row in connection.execute(select(_ROWS).order_by(_ROWS.c.id)).mappings()]
    assert kept == [{"id": number, **row} for number, row in enumerate(rows, 1)]


@pytest.mark.skipif("sqlite" not in KINDS, reason="PostgreSQL looks at its tables again by itself")
def test_nothing_is_learned_of_a_table_that_is_nearly_empty(
    empty_database: Callable[[str], Database], tmp_path: Path
) -> None:
    """SQLite would go by it for ever, however large the table has become."""
    engine = empty_database("sqlite").engine()
    for table in (_ROWS, _NAMES):
        table.metadata.create_all(engine)
    with engine.execution_options(listkeeper_writes=True).begin() as connection:
        connection.execute(insert(_ROWS), [{"id": number} for number in range(4)])
        connection.execute(insert(_NAMES), [{"name": "x", "number": number} for number in range(1_000)])
    (tmp_path / "a.zip").write_bytes(_written(engine, _contents(_ROWS, _NAMES)))
    writing = engine.execution_options(listkeeper_writes=True).begin()
    with archive_reading.opened(tmp_path / "a.zip") as opened, writing as connection:
        archive_filling.empty(connection, ["every_kind", "named"])
        archive_filling.fill(connection, opened, fillers={}, words={})
        learned = set(connection.scalars(text("SELECT tbl FROM sqlite_stat1")))
    assert learned == {"named"}
    engine.dispose()


def test_both_databases_write_the_same_bytes(empty_database: Callable[[str], Database]) -> None:
    row = {
        "name": "Łucja \u2028 \U0001f950",
        "truth": True,
        "content": bytes(range(256)),
        "moment": datetime(2026, 11, 23, 8, tzinfo=UTC),
        "day": date(2026, 11, 23),
        "measure": 0.1,
        "anything": {"b": [1, 1.5, None], "a": {"z": 1, "y": "ü"}},
    }
    written = set()
    for kind in KINDS:
        engine = empty_database(kind).engine()
        _ROWS.metadata.create_all(engine)
        with engine.begin() as connection:
            connection.execute(insert(_ROWS), [{"id": 1, **row}, {"id": 2, **dict.fromkeys(row)}])
        written.add(_written(engine, _contents(_ROWS)))
        engine.dispose()
    [content] = written
    first, second = (json.loads(line) for line in _unpacked(content)["tables/every_kind.jsonl"].splitlines())
    assert first["moment"] == "2026-11-23T08:00:00.000000Z"
    assert first["day"] == "2026-11-23"
    assert first["content"].startswith("AAECAwQF")
    assert set(second.values()) == {2, None}


def test_texts_stand_in_the_order_of_their_bytes(engine: Engine) -> None:
    names = ["a", "B", "ä", "Z", "_", "aa", "A", "é", "\U0001f950", "0"]
    with engine.begin() as connection:
        connection.execute(insert(_NAMES), [{"name": name, "number": number} for name in names for number in (10, 9)])
    lines = _unpacked(_written(engine, _contents(_NAMES)))["tables/named.jsonl"].splitlines()
    kept = [(json.loads(line)["name"], json.loads(line)["number"]) for line in lines]
    assert kept == sorted(kept, key=lambda row: (row[0].encode(), row[1]))


def test_the_manifest_describes_every_file(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(insert(_NAMES), [{"name": f"{number:05}", "number": number} for number in range(4_500)])
        assert archive.count(connection, [_NAMES, _ROWS]) == 4_500
    told: list[int] = []
    contents = _contents(
        _NAMES, _ROWS, without={"every_kind": frozenset({"name"})}, documents=[Document("README.txt", [b"a", b"b"])]
    )
    with engine.connect() as connection:
        files = _unpacked(b"".join(archive.pieces(connection, contents, told.append)))
    said = json.loads(files.pop("manifest.json"))
    assert told[-1] == 4_500
    assert {name: file["bytes"] for name, file in said["files"].items()} == {
        name: len(body) for name, body in files.items()
    }
    assert said["files"]["tables/named.jsonl"]["rows"] == 4_500
    assert "rows" not in said["files"]["README.txt"]
    assert said["tables"]["named"] == {"name": "text", "number": "integer"}
    assert "name" not in said["tables"]["every_kind"]
    assert files["README.txt"] == b"ab"


def test_a_kind_that_no_archive_knows_is_a_fault_of_ours() -> None:
    with pytest.raises(TypeError):
        kind_of(archive._AsStored())  # noqa: SLF001 - a type of no kind


@given(
    value=st.none()
    | st.booleans()
    | st.integers()
    | _FLOATS
    | _TEXTS
    | st.lists(st.integers())
    | st.dictionaries(_TEXTS, _TEXTS)
)
def test_what_is_not_of_the_kind_is_refused(value: object) -> None:
    fits = {
        Kind.BOOLEAN: isinstance(value, bool),
        Kind.INTEGER: type(value) is int and -(2**63) <= value < 2**63,
        Kind.NUMBER: isinstance(value, int | float) and not isinstance(value, bool),
        Kind.TEXT: isinstance(value, str),
        Kind.JSON: True,
    }
    for converters in INTO_DATABASE.values():
        for kind, expected in fits.items():
            try:
                converters[kind](value)
            except (TypeError, ValueError, OverflowError):
                assert not expected or kind in {Kind.JSON, Kind.NUMBER}
            else:
                assert expected


def test_cells_are_words_and_never_formulas() -> None:
    rows = [
        ("=1+1", "+45 12", "-", "@sum", "\tx", "\rx"),
        (None, True, False, datetime(2026, 1, 2, tzinfo=UTC), {}, ["a"]),
        ('a"b', "c,d", "e\nf", 7, 1.5, "ü"),
    ]
    written = b"".join(sheet.pieces(["a", "b", "c", "d", "e", "f"], rows)).decode("utf-8-sig")
    assert written == (
        "a,b,c,d,e,f\r\n"
        "'=1+1,'+45 12,'-,'@sum,'\tx,\"'\rx\"\r\n"
        ',yes,no,2026-01-02T00:00:00.000Z,,"[""a""]"\r\n'
        '"a""b","c,d","e\nf",7,1.5,ü\r\n'
    )


def test_a_long_sheet_comes_in_pieces() -> None:
    parts = list(sheet.pieces(["n"], ((number,) for number in range(5_000))))
    assert len(parts) == 3
    assert b"".join(parts).decode("utf-8-sig").split("\r\n")[:-1] == ["n", *map(str, range(5_000))]

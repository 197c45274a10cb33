"""Putting an archive into an empty database of either kind, in the caller's transaction.

The columns are those that the database itself has at the archive's migration,
so an archive of last year goes in first and is migrated afterwards. A value of
the wrong kind, a name that the database does not know or a row that breaks one
of its rules refuses the whole archive in one sentence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Inspector, inspect, text
from sqlalchemy.exc import DBAPIError, OperationalError

from listkeeper.foundation.archive import AT_ONCE
from listkeeper.foundation.archive_reading import Archive, damaged
from listkeeper.foundation.archive_values import INTO_DATABASE, Convert, Kind, kind_of

# Values for columns that an export leaves out and the database must have, by table and column.
Fillers = Mapping[tuple[str, str], Callable[[], object]]
# The words that an enumeration knows, by table and column.
Words = Mapping[tuple[str, str], frozenset[str]]
Row = tuple[Any, ...]


def fill(
    connection: Connection,
    archive: Archive,
    *,
    fillers: Fillers,
    words: Words,
    tell: Callable[[int], None] = lambda _rows: None,
) -> None:
    """Insert every row of the archive, tables in the order of their foreign keys; raises Invalid."""
    inspector = inspect(connection)
    plans = {
        name: _Plan(connection, inspector, archive, name, fillers, words) for name in _in_order(inspector, archive)
    }
    so_far = 0
    for name, plan in plans.items():
        insert = _copy if connection.dialect.name == "postgresql" else _insert_many
        for count in insert(connection, plan, archive.lines(name)):
            so_far += count
            tell(so_far)
    if connection.dialect.name == "postgresql":
        for name, plan in plans.items():
            _go_on_counting(connection, name, plan)
    connection.execute(text("ANALYZE"))
    if connection.dialect.name == "sqlite":
        # It never looks again by itself. What it would go by for ever after must not be learned of a table that is
        # nearly empty: a ledger of four rows, once grown, was read from end to end for each row that was added.
        connection.execute(_UNLEARN, {"few": _FEW_ROWS})


# Each line of what SQLite has learned begins with how many rows there were.
_UNLEARN = text("DELETE FROM sqlite_stat1 WHERE CAST(stat AS INTEGER) < :few")
_FEW_ROWS = 1_000


def _in_order(inspector: Inspector, archive: Archive) -> list[str]:
    """Return the archive's tables, each after those it refers to."""
    order = [name for name, _ in inspector.get_sorted_table_and_fkc_names() if name is not None]
    unknown = sorted(set(archive.tables) - set(order))
    if unknown:
        raise damaged(f"it holds a table that this program does not have: {unknown[0][:80]!r}")
    return [name for name in order if name in archive.tables]


class _Plan:
    """How one table is filled: its columns, what checks each value, and the statement."""

    def __init__(  # noqa: PLR0913, PLR0917 - the archive's side and the database's
        self, connection: Connection, inspector: Inspector, archive: Archive, table: str, fillers: Fillers, words: Words
    ) -> None:
        self.table = table
        self.has = {column["name"]: column for column in inspector.get_columns(table)}
        columns = archive.tables[table]
        strange = sorted(name for name, kind in columns.items() if self._kind(name) is not kind)
        if strange:
            raise damaged(f"it holds a column that this program does not have: {table}.{strange[0][:80]}")
        absent = [name for name, column in self.has.items() if name not in columns and not column["nullable"]]
        unfilled = sorted(name for name in absent if (table, name) not in fillers)
        if unfilled:
            raise damaged(f"it lacks the column {table}.{unfilled[0]}")
        converters = INTO_DATABASE[connection.dialect.name]
        self.steps = [(name, _known_word(converters[kind], words.get((table, name)))) for name, kind in columns.items()]
        self.fillers = [fillers[table, name] for name in absent]
        quoted = connection.dialect.identifier_preparer.quote
        self.name = quoted(table)
        self.columns = [quoted(name) for name in (*columns, *absent)]

    def _kind(self, column: str) -> Kind | None:
        return kind_of(self.has[column]["type"]) if column in self.has else None

    def rows(self, lines: Iterable[Mapping[str, Any]]) -> Iterator[Row]:
        """Yield the rows, checked, as the driver takes them."""
        steps, fillers = self.steps, self.fillers
        for number, line in enumerate(lines, 1):
            if len(line) != len(steps):
                raise damaged(f"line {number} of tables/{self.table}.jsonl has other columns than its manifest says")
            try:
                row = tuple(None if (value := line[name]) is None else convert(value) for name, convert in steps)
            except (KeyError, TypeError, ValueError, RecursionError):
                raise damaged(f"line {number} of tables/{self.table}.jsonl holds a value of the wrong kind") from None
            yield (*row, *(filler() for filler in fillers)) if fillers else row


def _known_word(convert: Convert, known: frozenset[str] | None) -> Convert:
    if known is None:
        return convert

    def checked(value: object) -> object:
        if value not in known:
            raise ValueError("is no word of this column")
        return value

    return checked


def _insert_many(connection: Connection, plan: _Plan, lines: Iterable[Mapping[str, Any]]) -> Iterator[int]:
    marks = ", ".join("?" * len(plan.columns))
    statement = f"INSERT INTO {plan.name} ({', '.join(plan.columns)}) VALUES ({marks})"  # noqa: S608 - our own names
    rows = plan.rows(lines)
    while batch := list(islice(rows, AT_ONCE)):
        try:
            connection.exec_driver_sql(statement, batch)
        except OperationalError:
            raise
        except DBAPIError as problem:
            raise _breaks_a_rule(plan.table) from problem
        yield len(batch)


def _copy(connection: Connection, plan: _Plan, lines: Iterable[Mapping[str, Any]]) -> Iterator[int]:
    """Fill by COPY: an INSERT for each row would take five times as long."""
    driver = connection.connection.driver_connection
    errors = connection.dialect.loaded_dbapi
    statement = f"COPY {plan.name} ({', '.join(plan.columns)}) FROM STDIN"
    if driver is None:
        raise RuntimeError("the connection is closed")
    try:
        with driver.cursor() as cursor, cursor.copy(statement) as copy:
            for number, row in enumerate(plan.rows(lines), 1):
                copy.write_row(row)
                if number % AT_ONCE == 0:
                    yield AT_ONCE
    except errors.OperationalError as problem:
        raise OperationalError(statement, None, problem) from problem
    except errors.DatabaseError as problem:
        raise _breaks_a_rule(plan.table) from problem


def _breaks_a_rule(table: str) -> Exception:
    return damaged(f"a row of tables/{table}.jsonl breaks a rule of the database")


def _go_on_counting(connection: Connection, table: str, plan: _Plan) -> None:
    """Let PostgreSQL number new rows after those that came with their numbers."""
    if "id" not in plan.has or kind_of(plan.has["id"]["type"]) is not Kind.INTEGER:
        return
    connection.execute(
        text(
            "SELECT setval(counter, (SELECT coalesce(max(id), 0) + 1 FROM " + plan.name + "), false)"  # noqa: S608
            " FROM pg_get_serial_sequence(:table, 'id') AS counter WHERE counter IS NOT NULL"
        ),
        {"table": table},
    )


def empty(connection: Connection, tables: Sequence[str]) -> None:
    """Delete what a first start leaves in a database without a business; the caller has looked that there is none."""
    order = [name for name, _ in inspect(connection).get_sorted_table_and_fkc_names() if name in set(tables)]
    quoted = connection.dialect.identifier_preparer.quote
    for name in reversed(order):
        connection.execute(text(f"DELETE FROM {quoted(name)}"))  # noqa: S608 - names that the database itself gave

"""A statement that is compiled once, for what is run for every letter.

SQLAlchemy looks a statement up anew each time it runs, and asks of every
parameter and every column what becomes of it. Here both are settled at the
first run; the statement itself, its types and the database's own words for it
are SQLAlchemy's, and what the database raises comes back as SQLAlchemy raises
it. A statement whose text depends on its parameters, as a list of numbers or
a default would make it, is refused (``among`` takes lists).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from operator import itemgetter
from typing import Any

from sqlalchemy import Dialect, bindparam
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.sql.base import Executable
from sqlalchemy.types import TypeEngine

from listkeeper.foundation.among import given

Process = Callable[[Any], Any]


class CompiledOnce:
    """One SELECT, INSERT or UPDATE of Core; ``names`` are the parameters of an INSERT that has no values."""

    def __init__(self, statement: Any, *names: str) -> None:  # noqa: ANN401 - any statement of Core
        self._statement: Executable = statement
        self._names = names
        self._forms: dict[str, _Form] = {}

    def form(self, connection: Connection) -> _Form:
        """Return the statement as this database takes it."""
        dialect = connection.dialect
        found = self._forms.get(dialect.name)
        if found is None:
            found = self._forms[dialect.name] = _Form(self._statement, self._names, dialect)
        return found

    def rows(self, connection: Connection, parameters: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """Return what a SELECT finds, as plain tuples in the order of its columns.

        Lists and mappings among the values are not to be changed: equal ones may be one object.
        """
        form = self.form(connection)
        return form.read(_run(connection, form, form.written(parameters)).fetchall())

    def run(self, connection: Connection, parameters: Mapping[str, Any]) -> None:
        """Run a statement that returns nothing."""
        form = self.form(connection)
        _run(connection, form, form.written(parameters))

    def each(self, connection: Connection, rows: Sequence[Mapping[str, Any]], **shared: Any) -> None:  # noqa: ANN401
        """Run a statement for each of these parameters; ``shared`` are those that all of them have in common."""
        if rows:
            form = self.form(connection)
            _run(connection, form, form.written_each(rows, shared), many=True)


def _run(connection: Connection, form: _Form, written: Any, *, many: bool = False) -> Any:  # noqa: ANN401 - the driver's
    """Let the driver run a statement, and return its cursor."""
    if _is_heard(connection):
        return connection.exec_driver_sql(form.text, written).cursor
    cursor = _driver(connection).cursor()
    try:
        (cursor.executemany if many else cursor.execute)(form.text, written)
    except _raised(connection) as problem:
        raise _as_sqlalchemy(connection, problem) from problem
    return cursor


# So few are asked as quickly one by one.
_FEW = 2
Asked = tuple[CompiledOnce, Mapping[str, Any]]


def rows_of_each(connection: Connection, *asked: Asked) -> list[list[tuple[Any, ...]]]:
    """Return what several SELECTs find, in order; a server that is far away is asked all but the last in one go.

    The last is asked by itself: PostgreSQL bears our silence for a while only (``silence``), and the flush that ends a
    pipeline stops that clock. A machine that was gone by then would hold its locks for good.
    """
    if not _goes_in_one(connection) or len(asked) <= _FEW:
        return [once.rows(connection, parameters) for once, parameters in asked]
    *asked_together, (last, of_last) = asked
    forms = [once.form(connection) for once, _ in asked_together]
    driver = _driver(connection)
    try:
        with driver.pipeline():
            cursors = [
                driver.cursor().execute(form.text, form.written(parameters))
                for form, (_, parameters) in zip(forms, asked_together, strict=True)
            ]
        found = [cursor.fetchall() for cursor in cursors]
    except _raised(connection) as problem:
        raise _as_sqlalchemy(connection, problem) from problem
    together = [form.read(rows) for form, rows in zip(forms, found, strict=True)]
    return [*together, last.rows(connection, of_last)]


@contextmanager
def in_one_go(connection: Connection) -> Iterator[None]:
    """Let a server that is far away be told at once what is changed in the block, of which nothing is asked.

    Another statement is to follow soon, for the reason that ``rows_of_each`` gives.
    """
    if not _goes_in_one(connection):
        yield
        return
    try:
        with _driver(connection).pipeline():
            yield
    except _raised(connection) as problem:
        raise _as_sqlalchemy(connection, problem) from problem


def _is_heard(connection: Connection) -> bool:
    """Return whether somebody listens to SQLAlchemy's statements: then each takes its way."""
    listeners: Any = connection.engine.dispatch
    return bool(listeners.before_cursor_execute)


def _goes_in_one(connection: Connection) -> bool:
    return connection.dialect.name == "postgresql" and not _is_heard(connection)


def _driver(connection: Connection) -> Any:  # noqa: ANN401 - psycopg's or sqlite3's
    return connection.connection.driver_connection


def _raised(connection: Connection) -> type[Exception]:
    raised: type[Exception] = connection.dialect.loaded_dbapi.Error
    return raised


def _as_sqlalchemy(connection: Connection, problem: Exception) -> Exception:
    """Return what the driver raised as SQLAlchemy would raise it; nobody's values stand in it."""
    dialect = connection.dialect
    if dialect.is_disconnect(problem, _driver(connection), None):  # type: ignore[arg-type]
        # Whatever the server's last words were: it is away.
        connection.invalidate(problem)
        return OperationalError(None, None, problem, hide_parameters=True, connection_invalidated=True)
    return DBAPIError.instance(None, None, problem, _raised(connection), hide_parameters=True, dialect=dialect)


class UpdatedEach:
    """One UPDATE for many rows: run for each of them in turn, or once for all where a server is far away.

    ``made`` is told what gives the value of a row's own parameter by its name, and returns the UPDATE; ``types`` are
    the types of those parameters. Others are the same for all rows. Rows that others may lock are locked before, in
    the order of the house: the one statement for all takes them as it finds them.
    """

    def __init__(self, made: Callable[[Callable[[str], Any]], Any], **types: TypeEngine[Any]) -> None:
        self._names = tuple(types)
        self._in_turn = CompiledOnce(made(lambda name: bindparam(name, type_=types[name])))
        told = given("told", **types)
        self._at_once = CompiledOnce(made(lambda name: told.c[name]))

    def run(self, connection: Connection, rows: Sequence[Mapping[str, Any]], **shared: Any) -> None:  # noqa: ANN401
        """Change these rows."""
        if not rows:
            return
        if connection.dialect.name == "postgresql":
            self._at_once.run(connection, shared | {name: [row[name] for row in rows] for name in self._names})
        else:
            self._in_turn.each(connection, rows, **shared)


class _Form:
    """A statement as one database takes it."""

    def __init__(self, statement: Any, names: Sequence[str], dialect: Dialect) -> None:  # noqa: ANN401 - as above
        compiled = statement.compile(dialect=dialect, column_keys=list(names) or None)
        if compiled.post_compile_params or compiled.insert_prefetch or compiled.update_prefetch:
            raise ValueError("the text of this statement is not the same for all parameters")
        self.text = str(compiled)
        binds = compiled.binds
        self._processes: dict[str, Process] = {
            name: process
            for name, bind in binds.items()
            if (process := bind.type.dialect_impl(dialect).bind_processor(dialect)) is not None
        }
        # What stands in the statement itself.
        self._constant = self._processed({
            name: bind.effective_value for name, bind in binds.items() if not bind.required
        })  # fmt: skip
        self._order = compiled.positiontup
        self._pick = itemgetter(*self._order) if self._order is not None and len(self._order) > 1 else None
        columns = statement.selected_columns if hasattr(statement, "selected_columns") else ()
        self.reads = [
            (place, process)
            for place, column in enumerate(columns)
            if (process := column.type.dialect_impl(dialect).result_processor(dialect, None)) is not None
        ]

    def _processed(self, given: Mapping[str, Any]) -> dict[str, Any]:
        known = self._processes
        return {name: known[name](value) if name in known else value for name, value in given.items()}

    def _ordered(self, row: dict[str, Any]) -> Any:  # noqa: ANN401 - as the driver takes it
        if self._order is None:
            return row
        return self._pick(row) if self._pick is not None else tuple(row[name] for name in self._order)

    def written(self, parameters: Mapping[str, Any]) -> Any:  # noqa: ANN401 - as the driver takes it
        """Return parameters as the database takes them."""
        return self._ordered({**self._constant, **self._processed(parameters)})

    def written_each(self, rows: Sequence[Mapping[str, Any]], shared: Mapping[str, Any]) -> list[Any]:
        """Return the parameters of many runs."""
        same = {**self._constant, **self._processed(shared)}
        processes = [(name, process) for name, process in self._processes.items() if name in rows[0]]
        written = []
        for row in rows:
            values = {**same, **row}
            for name, process in processes:
                values[name] = process(values[name])
            written.append(self._ordered(values))
        return written

    def read(self, rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        """Return what the database says as Python's values, column by column: what is said often is read once."""
        if not rows or not self.reads:
            return rows
        columns = list(zip(*rows, strict=True))
        for place, process in self.reads:
            column = columns[place]
            known = {value: process(value) for value in set(column)}
            columns[place] = tuple([known[value] for value in column])
        return list(zip(*columns, strict=True))

"""A statement that is compiled once, for what is run for every letter.

SQLAlchemy looks a statement up anew each time it runs, and asks of every
parameter and every column what becomes of it. Here both are settled at the
first run; the statement itself, its types and the database's own words for it
are SQLAlchemy's, and what the database raises comes back as SQLAlchemy raises
it. A statement whose text depends on its parameters, as a list of numbers or
a default would make it, is refused (``among`` takes lists).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any, cast

from sqlalchemy import Dialect
from sqlalchemy.engine import Connection
from sqlalchemy.sql.base import Executable

Process = Callable[[Any], Any]


class CompiledOnce:
    """One SELECT, INSERT or UPDATE of Core; ``names`` are the parameters of an INSERT that has no values."""

    def __init__(self, statement: Any, *names: str) -> None:  # noqa: ANN401 - any statement of Core
        self._statement: Executable = statement
        self._names = names
        self._forms: dict[str, _Form] = {}

    def _form(self, connection: Connection) -> _Form:
        dialect = connection.dialect
        form = self._forms.get(dialect.name)
        if form is None:
            form = self._forms[dialect.name] = _Form(self._statement, self._names, dialect)
        return form

    def rows(self, connection: Connection, parameters: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """Return what a SELECT finds, as plain tuples in the order of its columns.

        Lists and mappings among the values are not to be changed: equal ones may be one object.
        """
        form = self._form(connection)
        found = connection.exec_driver_sql(form.text, form.written(parameters))
        rows = cast("list[tuple[Any, ...]]", found.cursor.fetchall())
        found.close()
        return form.read(rows) if form.reads and rows else rows

    def run(self, connection: Connection, parameters: Mapping[str, Any]) -> None:
        """Run a statement that returns nothing."""
        form = self._form(connection)
        connection.exec_driver_sql(form.text, form.written(parameters))

    def each(self, connection: Connection, rows: Sequence[Mapping[str, Any]], **shared: Any) -> None:  # noqa: ANN401
        """Run a statement for each of these parameters; ``shared`` are those that all of them have in common."""
        if rows:
            form = self._form(connection)
            connection.exec_driver_sql(form.text, form.written_each(rows, shared))


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

    def read(self, rows: Sequence[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        """Return what the database says as Python's values, column by column: what is said often is read once."""
        columns = list(zip(*rows, strict=True))
        for place, process in self.reads:
            column = columns[place]
            known = {value: process(value) for value in set(column)}
            columns[place] = tuple([known[value] for value in column])
        return list(zip(*columns, strict=True))

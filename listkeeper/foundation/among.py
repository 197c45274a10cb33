"""Many values as one parameter, so that a statement stays the same however many there are.

``among`` is ``column IN (these numbers)``; ``given`` is rows to join with, on PostgreSQL alone. SQLAlchemy writes a
list of parameters anew at each execution, which for a worker's window takes longer than the database needs to answer.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Dialect,
    String,
    TableValuedAlias,
    Text,
    bindparam,
    column,
    func,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.visitors import InternalTraversal
from sqlalchemy.types import Boolean, TypeDecorator, TypeEngine


class _Numbers(TypeDecorator[list[int]]):
    """Row numbers: an array on PostgreSQL, a JSON text on SQLite."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Choose by the database."""
        return dialect.type_descriptor(ARRAY(BigInteger) if dialect.name == "postgresql" else Text())

    def process_bind_param(self, value: Iterable[int] | None, dialect: Dialect) -> Any:  # noqa: ANN401 - by database
        """Write the numbers as the database takes them."""
        numbers = list(value or ())
        return numbers if dialect.name == "postgresql" else json.dumps(numbers)


class _Among(ColumnElement[bool]):
    """A condition: the column holds one of the numbers."""

    inherit_cache = True
    type = Boolean()
    _traverse_internals = [  # noqa: RUF012 - SQLAlchemy's own form
        ("column", InternalTraversal.dp_clauseelement),
        ("numbers", InternalTraversal.dp_clauseelement),
    ]

    def __init__(self, column: Any, name: str) -> None:  # noqa: ANN401 - a column or a mapped attribute
        self.column = column.__clause_element__() if hasattr(column, "__clause_element__") else column
        self.numbers = bindparam(name, type_=_Numbers())

    def self_group(self, against: object = None) -> _Among:
        """Stand as it is: ``… = 1``, which SQLite would be asked otherwise, finds no index."""
        del against
        return self


def among(column: Any, name: str) -> ColumnElement[bool]:  # noqa: ANN401 - a column or a mapped attribute
    """Return the condition that a column holds one of the numbers given as parameter ``name`` (a list of int)."""
    return _Among(column, name)


def given(alias: str, /, **types: TypeEngine[Any]) -> TableValuedAlias:
    """Return rows called ``alias`` that come as parameters: one array for each column, under the column's name."""
    # A cast to so many characters would cut a longer text off in silence.
    wide = {column_name: Text() if type(kind) is String else kind for column_name, kind in types.items()}
    arrays = (bindparam(column_name, type_=ARRAY(kind)) for column_name, kind in wide.items())
    columns = (column(column_name, kind) for column_name, kind in wide.items())
    return func.unnest(*arrays).table_valued(*columns, name=alias).render_derived()


@compiles(_Among)
def _as_array(element: _Among, compiler: SQLCompiler, **kw: Any) -> str:  # noqa: ANN401 - SQLAlchemy's own
    return f"{compiler.process(element.column, **kw)} = ANY ({compiler.process(element.numbers, **kw)})"


@compiles(_Among, "sqlite")
def _as_json(element: _Among, compiler: SQLCompiler, **kw: Any) -> str:  # noqa: ANN401 - SQLAlchemy's own
    column, numbers = compiler.process(element.column, **kw), compiler.process(element.numbers, **kw)
    return f"{column} IN (SELECT value FROM json_each({numbers}))"  # noqa: S608 - both are SQLAlchemy's

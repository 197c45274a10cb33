"""Statements compiled once for all databases of a test process.

Nearly every test has a database of its own, and so an engine of its own; SQLAlchemy keeps what it compiled by engine,
so that each test would compile everything anew. In life one engine serves a process for as long as it runs: the
engines of a test process share what they compiled as if they were that one. What is kept depends on a statement's
structure alone, never on its values.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.engine import Engine
from sqlalchemy.util import LRUCache

_STATEMENTS = 4_000
_kept: dict[type, LRUCache[Any, Any]] = {}


def remember() -> None:
    """Let all engines of a kind share their compiled statements, which are filed under their dialect."""
    for dialect in (SQLiteDialect_pysqlite, PGDialect_psycopg):
        dialect.__eq__ = _is_alike  # type: ignore[method-assign]
        dialect.__hash__ = _kind  # type: ignore[method-assign,assignment]
        _kept[dialect] = LRUCache(_STATEMENTS)
    # Every engine makes a cache of its own and puts it here, where it is asked for none.
    Engine._compiled_cache = property(_cache_of, _leave)  # type: ignore[assignment]  # noqa: SLF001


def _cache_of(engine: Engine) -> LRUCache[Any, Any] | None:
    return _kept.get(type(engine.dialect))


def _leave(_engine: Engine, _own: object) -> None:
    """Keep nothing: the shared cache stands in the place of the engine's own."""


def _is_alike(one: object, other: object) -> bool:
    return type(one) is type(other)


def _kind(dialect: object) -> int:
    return hash(type(dialect))

"""Column kinds shared by all tables, alike on SQLite and PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, BigInteger, DateTime, Enum, Integer, String
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import MappedColumn, mapped_column
from sqlalchemy.types import TypeDecorator

from listkeeper.foundation import clock, ids

# SQLite counts rows only in INTEGER PRIMARY KEY; PostgreSQL needs 64 bits for deliveries.
RowId = BigInteger().with_variant(Integer(), "sqlite")
Json = JSON().with_variant(JSONB(), "postgresql")


class UtcDateTime(TypeDecorator[datetime]):
    """Aware UTC datetimes in and out; SQLite would hand back naive ones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse naive values and store UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a datetime without a time zone cannot be stored")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Mark what comes back as the UTC it is."""
        del dialect
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def enum(kind: type[StrEnum], **options: Any) -> MappedColumn[Any]:  # noqa: ANN401 - SQLAlchemy's own options
    """Store a StrEnum by value, as text: SQLAlchemy would store its names."""
    stored = Enum(kind, values_callable=list, native_enum=False, length=32, create_constraint=False)
    return mapped_column(stored, **options)


def row_id() -> MappedColumn[int]:
    """Return the integer primary key of a table."""
    return mapped_column(RowId, primary_key=True, autoincrement=True)


def public_id(prefix: str) -> MappedColumn[str]:
    """Return the id that URLs, commands and the API show, e.g. ``cmp_…``."""
    return mapped_column(String(40), unique=True, default=lambda: ids.new(prefix))


def created_at() -> MappedColumn[datetime]:
    """Return the moment the row was made."""
    return mapped_column(UtcDateTime, default=clock.now)

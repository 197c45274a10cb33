"""The declarative base of every table, with names that migrations can rely on."""

from __future__ import annotations

from typing import Any

from sqlalchemy import MetaData
from sqlalchemy import Table as Rows
from sqlalchemy.orm import DeclarativeBase

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Table(DeclarativeBase):
    """Base class: one subclass per table, in the file of its concept."""

    metadata = MetaData(naming_convention=NAMING)

    def __init_subclass__(cls, **options: Any) -> None:  # noqa: ANN401 - SQLAlchemy's own options
        """Let no row id be given twice: SQLite would give a deleted row's to the next one (``numbering``)."""
        super().__init_subclass__(**options)
        made = cls.__dict__.get("__table__")
        if isinstance(made, Rows) and made.autoincrement_column is not None:
            made.dialect_options["sqlite"]["autoincrement"] = True

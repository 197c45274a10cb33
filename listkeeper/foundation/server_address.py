"""Addresses of the servers that hold our state, as they are written in the settings."""

from __future__ import annotations

from urllib.parse import urlsplit


def database(value: str | None) -> str | None:
    """Return a PostgreSQL address as SQLAlchemy takes it; ValueError when it is none."""
    if value is None:
        return None
    if urlsplit(value).scheme not in {"postgresql", "postgres", "postgresql+psycopg"}:
        raise ValueError("is not a PostgreSQL address (postgresql://…)")
    return "postgresql+psycopg://" + value.split("://", 1)[1]


def queue(value: str | None) -> str | None:
    """Return the address of the queue server; ValueError when it is none."""
    if value is not None and urlsplit(value).scheme not in {"redis", "rediss", "unix"}:
        raise ValueError("is not a Redis address (redis://, rediss:// or unix://)")
    return value

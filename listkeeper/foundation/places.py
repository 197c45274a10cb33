"""Where the files that are not Python lie: beside the package in a checkout, inside it in a wheel."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent.parent


def _find(name: str) -> Path:
    beside = _PACKAGE.parent / name
    return beside if beside.is_dir() and (_PACKAGE.parent / "pyproject.toml").is_file() else _PACKAGE / name


def templates() -> Path:
    """Return the folder of the Jinja templates."""
    return _find("templates")


def migrations() -> Path:
    """Return the folder of the Alembic migrations."""
    return _find("migrations")

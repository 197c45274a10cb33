"""Whose record an SPF record includes: the service by the name its customers know it by (``spf_owners.toml``)."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path

_FILE = Path(__file__).resolve().parent / "spf_owners.toml"


def of(target: str) -> str | None:
    """Return the name of the service that keeps a name, None when it is in no row."""
    labels = target.lower().removesuffix(".").split(".")
    endings = (".".join(labels[start:]) for start in range(len(labels)))
    return next((table()[ending] for ending in endings if ending in table()), None)


@cache
def table() -> dict[str, str]:
    """Return the services by the ending of their names."""
    return tomllib.loads(_FILE.read_text(encoding="utf-8"))

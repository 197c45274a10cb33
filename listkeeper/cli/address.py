"""Where the web server of a data folder listens: written by ``up``, read by every other command.

Without it, ``listkeeper form create`` beside an instance started with ``--port``
would print an address that nobody answers.
"""

from __future__ import annotations

import json
from pathlib import Path

from listkeeper.settings import Settings


def _note(settings: Settings) -> Path:
    return settings.data_folder / "run" / "web.json"


def remember(settings: Settings) -> None:
    """Write down where the web server listens from now on."""
    note = _note(settings)
    draft = note.with_suffix(".new")
    draft.write_text(json.dumps({"host": settings.host, "port": settings.port}))
    draft.replace(note)


def recalled(settings: Settings) -> int | None:
    """Return the port that ``up`` was last started with, or None."""
    try:
        port = json.loads(_note(settings).read_text())["port"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return port if isinstance(port, int) else None


def local(host: str) -> str:
    """Return the address at which this machine reaches a server that listens on ``host``."""
    return {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - a comparison

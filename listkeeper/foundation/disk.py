"""How much room a disk has: asked of the system, at most once a second for each folder."""

from __future__ import annotations

import os
import time
from pathlib import Path

_KNOWN_SECONDS = 1.0
_known: dict[Path, tuple[float, int | None]] = {}


def free(folder: Path) -> int | None:
    """Return how many bytes a program without privileges may still write on the disk of a folder; None: not known."""
    moment = time.monotonic()
    asked_at, answer = _known.get(folder, (float("-inf"), None))
    if moment - asked_at >= _KNOWN_SECONDS:
        answer = _ask(folder)
        _known[folder] = (moment, answer)
    return answer


def _ask(folder: Path) -> int | None:
    try:
        found = os.statvfs(folder)
    except OSError:
        return None
    return found.f_bavail * found.f_frsize


def forget() -> None:
    """Ask again the next time, however short a time it is."""
    _known.clear()

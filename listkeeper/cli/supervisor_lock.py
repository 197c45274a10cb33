"""One ``listkeeper up`` to a data folder: the kernel's lock, which dies with its holder."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from listkeeper.foundation.errors import Conflict


@contextmanager
def held(path: Path, address: str) -> Iterator[bool]:
    """Hold the lock for the block; yields whether the holder before us ended without letting go.

    Raises Conflict, naming the other process and its address, while one is alive.
    Children do not inherit the lock: file handles are closed when they start.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Conflict("already_running", _who(path)) from None
        unclean = os.fstat(handle).st_size > 0
        os.ftruncate(handle, 0)
        os.pwrite(handle, json.dumps({"pid": os.getpid(), "address": address}).encode(), 0)
        yield unclean
        # Not removed: a second starter may already wait on this very file.
        os.ftruncate(handle, 0)
    finally:
        os.close(handle)


def holder(path: Path) -> dict[str, object] | None:
    """Return ``pid`` and ``address`` of the ``listkeeper up`` that runs on a data folder, or None."""
    try:
        handle = os.open(path, os.O_RDWR)
    except OSError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return _noted(path)
    finally:
        os.close(handle)
    return None


def _noted(path: Path) -> dict[str, object]:
    try:
        noted = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return noted if isinstance(noted, dict) else {}


def _who(path: Path) -> str:
    noted = _noted(path)
    process = f" (process {noted['pid']}, {noted['address']})" if {"pid", "address"} <= noted.keys() else ""
    return (
        f"listkeeper already runs on {path.parent.parent}{process}. Nothing was started. "
        "Open that address, stop that process, or name another folder with --data."
    )

"""The name of a process of ours, and whether the one that bears a name is known to be gone.

A worker's rows and its place in the queue server carry the name.
"""

from __future__ import annotations

import os
import socket
from functools import cache
from pathlib import Path


def _started(pid: int) -> str | None:
    """Return the process's start tick (proc(5), field 22), so that a reused pid is not mistaken."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return None


@cache
def _of(pid: int) -> str:
    return f"{socket.gethostname()}:{pid}:{_started(pid) or '0'}"


def me() -> str:
    """Return this process's name, ``host:pid:start``."""
    return _of(os.getpid())


def is_dead(name: str) -> bool:
    """Return True only when a process of this machine is known to be gone."""
    host, _, rest = name.partition(":")
    pid, _, started = rest.partition(":")
    if host != socket.gethostname() or not pid.isdigit():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return started != "0" and _started(int(pid)) not in {started, None}

"""Ties between a supervisor and its children, so that no child outlives a supervisor that is killed.

On Linux the kernel sends the signal (``PR_SET_PDEATHSIG``, prctl(2)). Elsewhere
our own Python children look for their parent once a second; the queue server is
then found alive and taken over by the next start.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
import time
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1
# Opened before any fork: a child may not load libraries between fork and exec.
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def for_child(number: signal.Signals = signal.SIGTERM) -> Callable[[], None] | None:
    """Return what a child runs between fork and exec: it is signalled when this process dies."""
    libc, parent = _libc, os.getpid()
    if libc is None:
        return None

    def tie() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, number)
        # The parent may have died before the tie was made.
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)

    return tie


def to_parent(number: signal.Signals) -> None:
    """Tie this running process to the one that started it."""
    parent = os.getppid()
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, number)
        return
    threading.Thread(target=_follow, args=(parent, number), daemon=True, name="follows-parent").start()


def _follow(parent: int, number: signal.Signals) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    os.kill(os.getpid(), number)

"""Where the tests write: into memory where there is room, so that nothing they commit waits for a disk.

A killed process loses nothing by it, which is all that tests kill; a power cut is not what they are about.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

_MEMORY = Path("/dev/shm")  # noqa: S108 - the system's own name for it
_ROOM = 2 * 1024**3
_SAYS = "TMPDIR"


def use() -> None:
    """Let this process and all that it starts write into memory, unless somebody said where else."""
    if _SAYS not in os.environ and _is_fit(_MEMORY):
        os.environ[_SAYS] = str(_MEMORY)
        tempfile.tempdir = None


def _is_fit(folder: Path) -> bool:
    """Whether there is room, and whether programs may be started from there: containers often allow neither."""
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        return False
    return not os.statvfs(folder).f_flag & os.ST_NOEXEC and shutil.disk_usage(folder).free >= _ROOM

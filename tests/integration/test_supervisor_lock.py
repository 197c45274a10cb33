"""One `listkeeper up` to a data folder, and a killed one does not stand in the way."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from listkeeper.cli import supervisor_lock
from listkeeper.foundation.errors import Conflict

_HOLD = """
import pathlib, sys, time
from listkeeper.cli import supervisor_lock
with supervisor_lock.held(pathlib.Path(sys.argv[1]), "http://localhost:8111"):
    print("held", flush=True)
    time.sleep(60)
"""


def _other(lock: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen([sys.executable, "-c", _HOLD, str(lock)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_the_second_is_told_who_runs_and_where(tmp_path: Path) -> None:
    lock = tmp_path / "data" / "run" / "up.lock"
    lock.parent.mkdir(parents=True)
    with _other(lock) as other:
        try:
            with pytest.raises(Conflict) as refused, supervisor_lock.held(lock, "http://localhost:8222"):
                pass
            assert f"process {other.pid}" in refused.value.message
            assert "http://localhost:8111" in refused.value.message
            assert str(tmp_path / "data") in refused.value.message
            assert supervisor_lock.holder(lock) == {"pid": other.pid, "address": "http://localhost:8111"}
        finally:
            other.kill()


def test_a_killed_holder_lets_go_and_its_end_is_known_to_be_unclean(tmp_path: Path) -> None:
    lock = tmp_path / "up.lock"
    with _other(lock) as other:
        os.kill(other.pid, signal.SIGKILL)
    with supervisor_lock.held(lock, "a") as unclean:
        assert unclean
    with supervisor_lock.held(lock, "a") as unclean:
        assert not unclean
    assert supervisor_lock.holder(lock) is None


def test_nobody_holds_a_folder_that_was_never_used(tmp_path: Path) -> None:
    assert supervisor_lock.holder(tmp_path / "nowhere" / "up.lock") is None


def test_a_child_does_not_keep_the_lock_of_its_dead_parent(tmp_path: Path) -> None:
    lock = tmp_path / "up.lock"
    with supervisor_lock.held(lock, "a"):
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        with supervisor_lock.held(lock, "b"):
            assert child.poll() is None
    finally:
        child.kill()
        child.wait()

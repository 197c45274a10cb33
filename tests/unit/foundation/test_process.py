"""What a process of ours is called, and whether another one is known to be gone: True only when that is certain."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from listkeeper.foundation import process


def test_a_process_is_named_by_host_process_and_start() -> None:
    host, pid, started = process.me().rsplit(":", 2)
    assert (host, int(pid)) == (socket.gethostname(), os.getpid())
    assert started == Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    assert process.me() == process.me()
    assert len(process.me()) <= 120, "the column of a delivery holds no more"
    assert not process.is_dead(process.me())


def test_a_process_that_has_ended_is_dead() -> None:
    running = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    name = process._of(running.pid)  # noqa: SLF001 - the name that process would give itself
    assert not process.is_dead(name)
    running.kill()
    running.wait(10)
    assert process.is_dead(name)


def test_a_number_that_another_process_has_by_now_is_dead() -> None:
    host, pid, started = process.me().rsplit(":", 2)
    assert process.is_dead(f"{host}:{pid}:{int(started) + 1}")


@pytest.mark.parametrize(
    "name", ["elsewhere:1:2", "", "x", f"{socket.gethostname()}:x:1", f"{socket.gethostname()}::", ":::"]
)
def test_of_others_nothing_is_known(name: str) -> None:
    """Workers of other machines lose their leases by time alone."""
    assert not process.is_dead(name)


def test_a_process_that_may_not_be_asked_about_lives() -> None:
    assert not process.is_dead(f"{socket.gethostname()}:1:0")

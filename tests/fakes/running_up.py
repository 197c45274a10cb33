"""A real ``listkeeper up`` on loopback, and what a test can ask the system about it."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import urlopen

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Running:
    """One instance: its process, its data folder and what it said when it answered."""

    data: Path
    port: int
    process: subprocess.Popen[str]
    log: Path
    greeting: dict[str, Any]

    @property
    def address(self) -> str:
        """Where its web server answers."""
        return f"http://127.0.0.1:{self.port}"

    def children(self) -> dict[int, str]:
        """Return the living processes of this data folder but for the supervisor: pid → command line."""
        return {pid: words for pid, words in processes(self.data).items() if pid != self.process.pid}

    def of(self, noun: str) -> list[int]:
        """Return the processes of one kind: ``web``, ``work``, ``timetable``, ``catch`` or ``valkey``."""
        pattern = "valkey-server" if noun == "valkey" else rf"listkeeper\.cli\.main {noun}\b"
        return sorted(pid for pid, words in self.children().items() if re.search(pattern, words))

    def said(self) -> str:
        """Return its log so far."""
        return self.log.read_text()


def environment(**settings: str) -> dict[str, str]:
    """Return this process's environment with these settings, and where none is named as a test rig has them.

    A question nobody planned for stays on this machine: port 1 of loopback answers no DNS.
    """
    settings = {"domain_gate": "warn", "dns_server": "127.0.0.1:1"} | settings
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LISTKEEPER_")}
    return kept | {f"LISTKEEPER_{name.upper()}": value for name, value in settings.items()}


def command(*words: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run one command line to its end."""
    return subprocess.run(
        [sys.executable, "-m", "listkeeper.cli.main", *words],
        cwd=ROOT, env=environment(**settings), capture_output=True, text=True, timeout=90, check=False,
    )  # fmt: skip


def bound(words: list[str]) -> list[str]:
    """Return the words that start a program which dies with whoever started it, also when that one is killed."""
    return ["setpriv", "--pdeathsig", "KILL", *words]


def begun(words: list[str], log: Path, told: dict[str, str], *, own_group: bool = False) -> subprocess.Popen[bytes]:
    """Start a program in this environment that writes at the end of a log and dies with the test."""
    with log.open("ab") as said:
        return subprocess.Popen(bound(words), cwd=ROOT, env=told, stdout=said, stderr=said, start_new_session=own_group)


@contextmanager
def short_folder() -> Iterator[Path]:
    """Make a data folder whose path is short enough for a socket file; nothing may run there at the end."""
    folder = Path(tempfile.mkdtemp(prefix="lk-")) / "data"
    try:
        yield folder
    finally:
        for pid in processes(folder):
            os.kill(pid, signal.SIGKILL)
        shutil.rmtree(folder.parent, ignore_errors=True)


@contextmanager
def up(data: Path, *, port: int | None = None, **settings: str) -> Iterator[Running]:
    """Start an instance and wait for its greeting; at the end it is stopped as an operator would."""
    port = port or free_port()
    words = [sys.executable, "-m", "listkeeper.cli.main", "up", "--data", str(data), "--port", str(port), "--json"]
    log = data.parent / f"up-{port}.log"
    with log.open("a") as errors:
        process = subprocess.Popen(
            words, cwd=ROOT, env=environment(**settings), stdout=subprocess.PIPE, stderr=errors, text=True
        )
    try:
        yield Running(data, port, process, log, _greeting(process, log))
    finally:
        if process.poll() is None:
            process.terminate()
        try:
            process.communicate(timeout=40)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise


def _greeting(process: subprocess.Popen[str], log: Path) -> dict[str, Any]:
    assert process.stdout is not None
    lines = ""
    for line in process.stdout:
        lines += line
        if line.startswith("}"):
            greeting = json.loads(lines)
            assert isinstance(greeting, dict)
            return greeting
    raise AssertionError(f"it did not start:\n{log.read_text()}")


def processes(data: Path) -> dict[int, str]:
    """Return the living processes that belong to a data folder, found by what they were told: pid → command line."""
    told = f"LISTKEEPER_DATA={data}".encode()
    found = {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit() or int(folder.name) == os.getpid():
            continue
        try:
            words = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
            # The queue server writes its title over its environment.
            mine = f"--data {data} " in f"{words} " or f"{data}/run/" in words
            mine = mine or told in (folder / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if mine and words:
            found[int(folder.name)] = words
    return found


def lives(process: int) -> bool:
    """Whether a process is there and has not ended; one that has and was not yet collected does not live."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def answers(address: str) -> bool:
    """Whether a page can be got from there."""
    try:
        with urlopen(address, timeout=5) as page:  # noqa: S310 - loopback
            return bool(page.status == 200)
    except OSError:
        return False


def free_port() -> int:
    """Return a port that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(true: Callable[[], bool], seconds: float = 100) -> None:
    """Wait until it is true, or fail."""
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            raise AssertionError("it did not happen in time")
        time.sleep(0.05)

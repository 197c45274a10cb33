"""How many signup forms a second the web server shows, beside the same server with an application that does nothing.

performance.md section 5 asks for 1,000 a second with a p95 below 10 ms, the load on the same two cores.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.benchmarks import figure, load
from tests.benchmarks.figure import Figure

_PACE = 1_000.0
_NOTHING = """
def application(environ, start_response):
    body = b"x" * 2000
    start_response("200 OK", [("Content-Type", "text/html"), ("Content-Length", str(len(body)))])
    return [body]
"""


def measure(name: str, *, repeats: int, full: bool) -> Figure:
    """Show the form for some seconds, again and again, in turns with the application that does nothing."""
    seconds = 15.0 if full else 4.0
    with tempfile.TemporaryDirectory(prefix="lk-bench-") as text:
        data = Path(text)
        path = _form(data)
        with serving(_ours(data), data) as ours, doing_nothing() as idle:
            slowest: list[float] = []
            paced: list[float] = []

            def show() -> float:
                found = load.get("127.0.0.1", ours, path, seconds=seconds)
                if found.failed:
                    raise SystemExit(f"{found.failed} requests were not answered with 200")
                slowest.append(found.p95_milliseconds)
                paced.append(load.get("127.0.0.1", ours, path, seconds=seconds, pace=_PACE).p95_milliseconds)
                return found.per_second

            found = figure.compare(
                name, "requests/s", show, lambda: load.get("127.0.0.1", idle, "/", seconds=seconds).per_second,
                repeats=repeats, limit_is="granian with an application that does nothing, same load, same run",
            )  # fmt: skip
    note = f"p95 of the slowest run: {max(slowest):.1f} ms as fast as it goes, {max(paced):.1f} ms at {_PACE:.0f}/s"
    return Figure(**(found.as_dict() | {"note": note}))  # type: ignore[arg-type]


def _form(data: Path) -> str:
    _listkeeper(data, "init", "--name", "Café", "--address", "Havnegade 1, 1058 Copenhagen", "--from",
                "hello@cafe.example", "--lang", "en")  # fmt: skip
    slug = json.loads(_listkeeper(data, "list", "create", "--name", "News", "--json"))["slug"]
    form = json.loads(_listkeeper(data, "form", "create", "--list", slug, "--json"))
    return f"/f/{form['slug']}"


def _listkeeper(data: Path, *words: str) -> str:
    return subprocess.run(
        [program("listkeeper"), *words], env=_environment(data), check=True, capture_output=True, text=True
    ).stdout


def program(name: str) -> str:
    """Return a program of this environment."""
    return str(Path(sys.executable).with_name(name))


def _environment(data: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LISTKEEPER_")}
    return kept | {"LISTKEEPER_DATA": str(data), "PYTHONPATH": str(data), "LISTKEEPER_LOG_LEVEL": "WARNING"}


def _ours(_data: Path) -> list[str]:
    return [program("listkeeper"), "web", "--port"]


@contextmanager
def doing_nothing() -> Iterator[int]:
    """Start the same server with an application that does nothing; yields its port."""
    words = [
        program("granian"), "--interface", "wsgi", "--workers", "1", "--blocking-threads", "8", "--no-ws",
        "--log-level", "warning", "nothing:application", "--port",
    ]  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="lk-bench-") as text:
        data = Path(text)
        (data / "nothing.py").write_text(_NOTHING)
        with serving(words, data) as port:
            yield port


@contextmanager
def serving(words: list[str], data: Path) -> Iterator[int]:
    """Start a web server whose last word is to be its port, and wait until it answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    # What a server says of itself belongs to standard error: standard output holds one JSON document.
    server = subprocess.Popen([*words, str(port)], env=_environment(data), cwd=data, stdout=sys.stderr)
    try:
        _wait(port, server)
        yield port
    finally:
        server.terminate()
        server.wait(20)


def _wait(port: int, server: subprocess.Popen[bytes]) -> None:
    for _ in range(300):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if server.poll() is not None:
                break
            time.sleep(0.1)
        else:
            return
    raise SystemExit("the web server did not start")

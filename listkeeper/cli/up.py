"""``listkeeper up``: everything on one machine, started, watched and stopped as one."""

from __future__ import annotations

import errno
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import click

from listkeeper.cli import address, supervisor_lock, supervisor_queue, supervisor_ties
from listkeeper.cli.context import configure_log, emit, overridden, prepare_folder, with_json, with_settings
from listkeeper.cli.supervisor import Ended, Part, Supervisor, Wave
from listkeeper.foundation import log
from listkeeper.foundation.errors import Conflict, Forbidden, Invalid, TryAgain
from listkeeper.settings import Settings

# A worker ends itself after 18 s of draining (jobs.worker); this is for one that cannot.
_DRAIN_SECONDS = 20.0
_QUEUE_SAVES_SECONDS = 15.0
_START_SECONDS = 90.0
# After a crash the children of the old supervisor may need a moment to let go of the port.
_PORT_PATIENCE_SECONDS = 10.0
_log = log.get(__name__)


@click.command()
@click.option("--host", help="Address the web server listens on (also LISTKEEPER_HOST).")
@click.option("--port", type=int, help="Port the web server listens on (also LISTKEEPER_PORT); the last one, if any.")
@click.option("--workers", type=int, help="Worker processes (also LISTKEEPER_WORKERS).")
@with_settings
@with_json
def command(settings: Settings, *, host: str | None, port: int | None, workers: int | None, as_json: bool) -> int:
    """Start web server, queue, workers and timetable, and keep them running until Ctrl-C or SIGTERM."""
    given = {"host": host, "port": port or settings.port, "workers": workers, "log_level": _log_level(settings)}
    settings = overridden(settings, **given)
    configure_log(settings, serving=True)
    prepare_folder(settings)
    with supervisor_lock.held(settings.data_folder / "run" / "up.lock", settings.site) as unclean:
        _require_port(settings, _PORT_PATIENCE_SECONDS if unclean else 0.0)
        address.remember(settings)
        with Supervisor(_environment(settings)) as supervisor:
            return _run(supervisor, settings, as_json=as_json)


def _log_level(settings: Settings) -> str:
    """On a terminal somebody reads along: only what is wrong is told, unless a level is chosen."""
    chosen = "log_level" in settings.model_fields_set or not sys.stderr.isatty()
    return settings.log_level if chosen else "WARNING"


def _run(supervisor: Supervisor, settings: Settings, *, as_json: bool) -> int:
    try:
        link = _start(supervisor, settings)
    except Ended as ended:
        if ended.code < 0:
            raise TryAgain("web_stopped", "The web server was stopped before it answered. Nothing runs now.") from None
        click.echo("The web server did not start, for the reason above. Nothing runs now.", err=True)
        return ended.code or 1
    if not supervisor.stopping:
        _greet(settings, link, as_json=as_json)
    supervisor.watch()
    click.echo("Stopping; what is in flight is finished first. Ctrl-C again stops at once.", err=True)
    supervisor.stop()
    return 0


def _start(supervisor: Supervisor, settings: Settings) -> str | None:
    """Start all parts, the web server first; return the sign-in link once the web server answers."""
    if settings.redis_url is None:
        supervisor.start(_queue_server(settings))
    supervisor.start(Part("web", _listkeeper("web"), Wave.TAKES_WORK, 10.0))
    with _asking_for_link(supervisor) as link:
        if not supervisor.wait_until(lambda: _answers(settings), "web", _START_SECONDS):
            if supervisor.stopping:
                return None
            raise TryAgain("web_silent", f"The web server did not answer within {_START_SECONDS:.0f} seconds.")
        if settings.practice:
            supervisor.start(Part("catcher", _listkeeper("catch"), Wave.SERVES_WORKERS))
        supervisor.wait_until(lambda: link.poll() is not None, "web", _START_SECONDS)
        for number in range(1, settings.workers + 1):
            supervisor.start(Part(f"worker {number}", _listkeeper("work"), Wave.TAKES_WORK, _DRAIN_SECONDS))
        supervisor.start(Part("timetable", _listkeeper("timetable"), Wave.TAKES_WORK))
        if settings.smtp_listen or settings.lmtp_listen or settings.mailboxes:
            supervisor.start(Part("receiver", _listkeeper("receive"), Wave.TAKES_WORK, _DRAIN_SECONDS))
        return _link_of(link)


def _listkeeper(noun: str) -> list[str]:
    # -P: what lies in the folder this is started from is not imported.
    return [sys.executable, "-P", "-m", "listkeeper.cli.main", noun]


def _queue_server(settings: Settings) -> Part:
    folder = settings.data_folder

    def living() -> int | None:
        if supervisor_queue.answers(folder):
            return supervisor_queue.process_of(folder)
        aside = supervisor_queue.make_way(folder)
        if aside is not None:
            _log.error("queue.put_aside", reason="damaged", folder=str(aside))
        return None

    return Part("queue", supervisor_queue.command(folder), Wave.QUEUE, _QUEUE_SAVES_SECONDS, living)


def _environment(settings: Settings) -> Mapping[str, str]:
    """Return what the children are told: our own environment, and what the command line changed of it."""
    environment = dict(os.environ)  # noqa: TID251 - handed on whole; settings are read from it by the children
    environment |= {
        "LISTKEEPER_DATA": str(settings.data_folder),
        "LISTKEEPER_HOST": settings.host,
        "LISTKEEPER_PORT": str(settings.port),
        "LISTKEEPER_LOG_LEVEL": settings.log_level,
    }
    checkout = Path(__file__).resolve().parents[2]
    if (checkout / "pyproject.toml").is_file():
        known = environment.get("PYTHONPATH")
        environment["PYTHONPATH"] = f"{checkout}{os.pathsep}{known}" if known else str(checkout)
    return environment


def _require_port(settings: Settings, patience: float) -> None:
    """Raise a sentence when the web server could not listen; one that is just ending is waited for."""
    until = time.monotonic() + patience
    while True:
        try:
            _try_port(settings)
        except OSError as problem:
            if problem.errno == errno.EADDRINUSE and time.monotonic() < until:
                time.sleep(0.2)
                continue
            raise _told(problem, settings) from None
        return


def _try_port(settings: Settings) -> None:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((settings.host, settings.port))


def _told(problem: OSError, settings: Settings) -> Conflict | Forbidden | Invalid:
    where = f"port {settings.port} of {settings.host}"
    if problem.errno == errno.EADDRINUSE:
        return Conflict(
            "port_in_use",
            f"Another program already listens on {where}. Nothing was started; "
            "stop that program or choose another port with --port.",
        )
    if problem.errno == errno.EACCES:
        return Forbidden("port_forbidden", f"This user may not listen on {where}. Choose one above 1023 with --port.")
    return Invalid("settings", f"LISTKEEPER_HOST: {settings.host} is not an address of this machine.")


def _answers(settings: Settings) -> bool:
    """Whether the web server answers; asked on the bare wire, because this is no request to a foreign server."""
    try:
        with socket.create_connection((address.local(settings.host), settings.port), timeout=5) as wire:
            wire.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            return wire.recv(16).startswith(b"HTTP/1.1 ")
    except OSError:
        return False


@contextmanager
def _asking_for_link(supervisor: Supervisor) -> Iterator[subprocess.Popen[bytes]]:
    """Have the link made in a process of its own: the supervisor never loads the whole program."""
    with subprocess.Popen(  # noqa: S603 - our own program, no shell
        [*_listkeeper("link"), "--json"],
        env=supervisor.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        start_new_session=True,
        preexec_fn=supervisor_ties.for_child(),  # noqa: PLW1509 - this process has one thread
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def _link_of(process: subprocess.Popen[bytes]) -> str | None:
    if process.stdout is None or process.poll() != 0:
        return None
    try:
        return str(json.loads(process.stdout.read())["url"])
    except (ValueError, KeyError):
        return None


def _greet(settings: Settings, link: str | None, *, as_json: bool) -> None:
    """Say where it runs, how to get in, and whether mail leaves."""
    value = {"address": f"{settings.site}/", "sign_in": link, "practice": settings.practice, "pid": os.getpid()}
    lines = [f"listkeeper runs at {settings.site}/"]
    if link:
        lines += ["Sign in with this link (it works once, for an hour):", f"  {link}"]
    else:
        lines += ["The sign-in link could not be made; `listkeeper link` tries again."]
    emit(value, as_json=as_json, lines=[*lines, _about_mail(settings), "Ctrl-C stops it."])
    sys.stdout.flush()


def _about_mail(settings: Settings) -> str:
    if settings.practice:
        return (
            "Practice mode is on: no mail leaves this machine, the built-in inbox shows it all. "
            "Set LISTKEEPER_SMTP_URL to send for real."
        )
    # Host and port alone of each: an address also holds a password.
    places = ", ".join(way.place if way.is_smtp else way.name for way in settings.sending_ways)
    return f"Practice mode is off: mail leaves through {places}."

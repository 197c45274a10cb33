"""``listkeeper web``: the web server, one process with threads.

granian, because it was the faster one: on two cores a small Flask application
answered 11,200 GET and 2,400 committing POST requests a second on it, against
4,400 and 1,200 on gunicorn's threads. One process with N threads was as fast
as two with half of them each, and needs half the memory.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from functools import partial
from typing import Any

import click
from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels
from granian.server import Server

from listkeeper.cli import context, supervisor_ties
from listkeeper.cli.context import with_settings
from listkeeper.settings import Settings

_LAST_REQUESTS_SECONDS = 8


@click.command()
@click.option("--host", help="Address to listen on (also LISTKEEPER_HOST).")
@click.option("--port", type=int, help="Port to listen on (also LISTKEEPER_PORT).")
@with_settings
def command(settings: Settings, *, host: str | None, port: int | None) -> None:
    """Run the web server alone; at scale it can as well be `gunicorn wsgi:app`."""
    settings = context.overridden(settings, host=host, port=port)
    # Before granian starts its worker: a mistake is then told in a sentence, and the worker finds everything loaded.
    with context.opened(settings, create=True, serving=True, pages=True):
        pass
    server = Server(
        "listkeeper",
        address=settings.host,
        port=settings.port,
        interface=Interfaces.WSGI,
        workers=1,
        blocking_threads=settings.web_threads,
        http=HTTPModes.http1,
        websockets=False,
        log_level=LogLevels.error,
        workers_kill_timeout=_LAST_REQUESTS_SECONDS,
    )
    server.serve(target_loader=partial(_load, settings), wrap_loader=False)


def _load(settings: Settings) -> Callable[..., Any]:
    """Make the application in granian's worker, which must not outlive granian: it would keep the port."""
    supervisor_ties.to_parent(signal.SIGKILL)
    with context.opened(settings, create=True, serving=True, pages=True) as application:
        return application.wsgi_app

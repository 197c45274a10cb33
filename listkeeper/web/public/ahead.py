"""Answers before the application is asked, where thousands come at once: a link, the way out, what providers tell.

The application's own way in and out (session, hooks, routes, a page) takes
longer than what these do. Whatever is not plainly theirs is left to the
application, which knows every case, and so is the telling of what went wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flask import Flask, request

from listkeeper.foundation import log
from listkeeper.foundation.errors import TryAgain

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse

_PROBLEM = "listkeeper.problem"
# Told the token, the request and what begins the answer. Returns None for what is not its own; what it may have read
# of the request is there to be read again.
Answer = Callable[[str, dict[str, Any], "StartResponse"], Iterable[bytes] | None]


@dataclass(frozen=True)
class Ahead:
    """A page whose address is a token behind a prefix, and by which methods it is asked for ahead."""

    prefix: str
    methods: frozenset[str]
    answer: Answer


def attach(app: Flask, pages: Sequence[Ahead]) -> None:
    """Ask these pages before the application."""
    ask = app.wsgi_app

    def before(environ: dict[str, Any], start: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        for page in pages:
            if path.startswith(page.prefix) and environ["REQUEST_METHOD"] in page.methods:
                found = _answered(app, page, path, environ, start)
                return ask(environ, start) if found is None else found
        return ask(environ, start)

    app.wsgi_app = before  # type: ignore[method-assign,assignment]
    app.before_request(_tell)


def _answered(
    app: Flask, page: Ahead, path: str, environ: dict[str, Any], start: StartResponse
) -> Iterable[bytes] | None:
    token = path[len(page.prefix) :]
    if "/" in token:
        return None
    try:
        with app.app_context():
            return page.answer(token, environ, start)
    except TryAgain as problem:
        environ[_PROBLEM] = problem
    except Exception as problem:  # noqa: BLE001 - the application may know better, and says what it always says
        log.get(__name__).warning("ahead.left_to_the_application", problem=type(problem).__name__)
    return None


def _tell() -> None:
    """Let the application say that the database is busy, where that was seen already: nobody waits for it twice."""
    problem: TryAgain | None = request.environ.get(_PROBLEM)
    if problem is not None:
        raise problem

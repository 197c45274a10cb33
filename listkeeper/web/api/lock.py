"""Who gets through: a live key, and one that opens what is asked.

The lock hangs on the path, not on the pages: whatever is served below ``/api``,
and ``/metrics``, is shut, and a route that does not say which scope it needs stays shut for
every key. A wrong key costs nobody else anything: a live one passes however
many wrong ones its network has tried, because nobody guesses 160 random bits;
the brake is for the script that goes on with a dead key.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar, cast

from flask import Flask, Response, current_app, g, request

from listkeeper import store
from listkeeper.accounts import api_key
from listkeeper.accounts.api_key import Scope
from listkeeper.foundation import language, log, signing, throttle
from listkeeper.foundation.errors import Forbidden, Invalid, NotFound, TryAgain
from listkeeper.web import network, strict_json

ROOT = "/api"
NOW = f"{ROOT}/v1"
# Where machines that watch look for it.
METRICS = "/metrics"
BODY_LIMIT = 16 * 1024
FAILURES_PER_NETWORK = 60
FAILURES_PER_KEY = 20
_HOUR = timedelta(hours=1)
_UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_NEEDED = "listkeeper_needs"
_LARGEST = "listkeeper_takes"
_log = log.get(__name__)

View = TypeVar("View", bound=Callable[..., Any])


@dataclass(frozen=True)
class Caller:
    """The program that asks: its key, without the row."""

    key_id: int
    public_id: str
    actor: str
    organisation_id: int
    opens: frozenset[Scope]


def needs(*scopes: Scope) -> Callable[[View], View]:
    """Say which scopes a route needs (none: any live key); stands directly under the route."""

    def mark(view: View) -> View:
        setattr(view, _NEEDED, frozenset(scopes))
        return view

    return mark


def takes(largest: int) -> Callable[[View], View]:
    """Say how many bytes a route may be sent, where ``BODY_LIMIT`` is too few; stands directly under ``needs``."""

    def mark(view: View) -> View:
        setattr(view, _LARGEST, largest)
        return view

    return mark


def needed_by(view: object) -> frozenset[Scope] | None:
    """Return the scopes a route needs, or None when it does not say."""
    found: frozenset[Scope] | None = getattr(view, _NEEDED, None)
    return found


def caller() -> Caller:
    """Return the program of this request; only behind the lock."""
    return cast("Caller", g.caller)


def attach(app: Flask) -> None:
    """Stand before every request below ``/api``."""
    app.before_request(_let_through)
    app.after_request(_finish)


def here() -> bool:
    """Tell whether this request is for the api."""
    return request.path in {ROOT, METRICS} or request.path.startswith(f"{ROOT}/")


def _let_through() -> None:
    if not here():
        return
    request.max_content_length = BODY_LIMIT
    request.json_module = strict_json
    g.caller = _who()
    if request.endpoint is None:
        return
    view = current_app.view_functions.get(request.endpoint)
    _check_scopes(needed_by(view), g.caller)
    request.max_content_length = getattr(view, _LARGEST, BODY_LIMIT)
    if any("\0" in text for text in (request.path, *request.args, *request.args.values())):
        raise NotFound("not_found", language.text("There is nothing under this name."))
    if request.method in _UNSAFE and request.mimetype != "application/json":
        raise Invalid(
            "not_json_type",
            language.text(
                "Send the body as JSON, with the header Content-Type: application/json. Nothing was changed."
            ),
        )


def _who() -> Caller:
    scheme, _, secret = request.headers.get("Authorization", "").strip().partition(" ")
    secret = secret.strip()
    if scheme.lower() != "bearer" or not secret:
        raise Forbidden("no_key", language.text("Send a key in the header: Authorization: Bearer lk_…"))
    with store.reading() as session:
        found = api_key.find(session, secret)
        if found is not None:
            return Caller(found.id, found.public_id, found.actor, found.organisation_id, found.opens)
    if api_key.looks_right(secret):
        _count_failure(secret)
    raise Forbidden("bad_key", language.text("This key is not known here, or has been revoked."))


def _count_failure(secret: str) -> None:
    tried = (
        ("api-network", network.of(request) or "unknown", FAILURES_PER_NETWORK),
        ("api-key", signing.digest(secret), FAILURES_PER_KEY),
    )
    with store.reading() as session:
        spent = any(throttle.spent(session, name, key, limit, _HOUR) for name, key, limit in tried)
    if spent:
        raise TryAgain(
            "too_many_wrong_keys",
            language.text("A wrong key was sent too often from here. Use a live key, or wait an hour."),
        )
    _log.warning("api_key.refused", endpoint=request.endpoint)
    with store.transaction() as session:
        for name, key, limit in tried:
            throttle.allow(session, name, key, limit, _HOUR)


def _check_scopes(needed: frozenset[Scope] | None, found: Caller) -> None:
    # A route that does not say what it needs is shut: forgetting must not open anything.
    if needed is None or not needed <= found.opens:
        missing = ", ".join(sorted((needed or frozenset()) - found.opens)) or "-"
        raise Forbidden(
            "scope_missing",
            language.text(
                "This key may not do that: it lacks the scope %(scope)s. Nothing was changed.", scope=missing
            ),
        )


def _finish(response: Response) -> Response:
    if not here():
        return response
    response.headers.setdefault("Cache-Control", "private, no-cache")
    response.vary.add("Authorization")
    whole = response.status_code == 200 and not (response.is_streamed or response.direct_passthrough)  # noqa: PLR2004
    if whole and request.method in {"GET", "HEAD"}:
        response.add_etag()
        response.make_conditional(request)
    return response

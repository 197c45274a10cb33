"""Who gets through: a provider of the settings, at the address that only we could tell it, with a proof of its own.

The lock hangs on the path, not on the pages: whatever is served below
``/hooks`` is shut. Who does not know the secret of the address learns not even
which providers are expected.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from flask import Flask, Response, current_app, g, request

from listkeeper import parts
from listkeeper.feedback import esp, esp_address
from listkeeper.feedback.esp_proof import Proof
from listkeeper.foundation import clock, log
from listkeeper.settings import Settings
from listkeeper.web import hook_count

ROOT = "/hooks"
# Thousands of events; a provider sends less than one megabyte.
LARGEST_BODY = 5 * 1024 * 1024
_NOT_FOUND, _FORBIDDEN, _UNAVAILABLE = 404, 403, 503
# How the address was wrong, beside what a ``Proof`` can be.
_ADDRESS, _NOT_EXPECTED = "address", "not expected"
_log = log.get(__name__)


@dataclass(frozen=True)
class Told:
    """A post: whose it is, what it says, and the secret that proves the provider's."""

    provider: str
    body: bytes
    secret: str

    def proof(self, headers: Mapping[str, str]) -> Proof:
        """Say what it proves; names of headers are in lower case."""
        return esp.verify(self.provider, headers, self.body, self.secret, clock.now(), parts.fetcher())


def told() -> Told:
    """Return the post of this request; only behind the lock."""
    return cast("Told", g.told)


def attach(app: Flask) -> None:
    """Stand before every request below ``/hooks``."""
    app.before_request(_let_through)


def _let_through() -> Response | None:
    if request.path != ROOT and not request.path.startswith(f"{ROOT}/"):
        return None
    request.max_content_length = LARGEST_BODY
    if request.endpoint is None:
        return None
    asked = request.view_args or {}
    provider = str(asked.get("provider", ""))
    if not esp_address.is_right(provider, str(asked.get("secret", ""))):
        return _turned_away(provider, _ADDRESS, _FORBIDDEN)
    settings: Settings = current_app.config["LISTKEEPER"]
    secret = dict(settings.hooks).get(provider)
    if secret is None:
        return _turned_away(provider, _NOT_EXPECTED, _NOT_FOUND)
    post = Told(provider, request.get_data(cache=False), secret)
    proof = post.proof({name.lower(): value for name, value in request.headers.items()})
    if proof is not Proof.RIGHT:
        return _turned_away(provider, proof.value, _UNAVAILABLE if proof is Proof.UNKNOWN else _FORBIDDEN)
    g.told = post
    return None


def _turned_away(provider: str, why: str, status: int) -> Response:
    name = provider if provider in esp.TABLE else "unknown"
    _log.warning("hook.refused", provider=name, why=why)
    hook_count.note(name)
    return Response(status=status)

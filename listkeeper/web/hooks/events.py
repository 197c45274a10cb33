"""What a provider tells: kept whole and unread, answered at once.

When a letter leaves, events come by the hundred a second, mostly one in a post.
So a post that is plainly as it should be is answered before the application is
asked; every other one is left to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from io import BytesIO
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response
from sqlalchemy.orm import Session

from listkeeper import parts, store
from listkeeper.accounts import organisation
from listkeeper.feedback import esp, esp_address, inbound
from listkeeper.feedback.esp_proof import Proof
from listkeeper.feedback.inbound import Taken, Way
from listkeeper.foundation import log
from listkeeper.foundation.fetch import Answer
from listkeeper.settings import Settings
from listkeeper.web import headers
from listkeeper.web.hooks import lock
from listkeeper.web.hooks.lock import Told

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse

blueprint = Blueprint("hook_events", __name__)

_OK, _UNAVAILABLE = 200, 503
# Beginning and ending a transaction takes longer than keeping another seven.
_LINGERS = 0.004
_log = log.get(__name__)


@blueprint.post("/hooks/in/<provider>/<secret>")
def receive(provider: str, secret: str) -> Response:  # noqa: ARG001 - both are the lock's
    """Keep what was posted; what is kept already is answered in the same way."""
    told = lock.told()
    asked = esp.confirmation(told.provider, told.body, told.secret)
    if asked is not None:
        return _confirmed(told.provider, asked)
    _keep(told)
    return Response(status=_OK)


def _keep(told: Told) -> None:
    store.shared(_keep_all, told, lingers=_LINGERS)


def _keep_all(session: Session, posts: Sequence[Told]) -> list[Taken]:
    """Keep a post, with those that came at the same moment."""
    here = organisation.only_one(session).id
    return inbound.take_all(session, here, [(Way(told.provider), told.body) for told in posts])


def _confirmed(provider: str, address: str) -> Response:
    """Say yes to a subscription; when nobody hears it, the provider asks again."""
    answer = parts.fetcher().get(address)
    heard = isinstance(answer, Answer) and answer.status == _OK
    if heard:
        _log.info("hook.confirmed", provider=provider)
    else:
        _log.warning("hook.not_confirmed", provider=provider)
    return Response(status=_OK if heard else _UNAVAILABLE)


# Told the secret of the address, the request and what begins the answer; None for what is left to the application.
_Ahead = Callable[[str, dict[str, Any], "StartResponse"], Iterable[bytes] | None]


def ahead_of_all(settings: Settings) -> Iterator[tuple[str, _Ahead]]:
    """Yield for each provider where its address begins, and what answers there before the application is asked."""
    for provider, secret in settings.hooks:
        yield esp_address.beginning(provider), partial(_receive_ahead, settings.site, provider, secret)


def _receive_ahead(  # noqa: PLR0913, PLR0917 - whose address it is, and WSGI's own three
    site: str, provider: str, expected: str, secret: str, environ: dict[str, Any], start: StartResponse
) -> Iterable[bytes] | None:
    length = environ.get("CONTENT_LENGTH", "")
    if not length.isdecimal() or int(length) > lock.LARGEST_BODY or not esp_address.is_right(provider, secret):
        return None
    told = Told(provider, environ["wsgi.input"].read(int(length)), expected)
    environ["wsgi.input"] = BytesIO(told.body)
    # Whoever is turned away is turned away in one place, and counted there.
    if told.proof(_headers(environ)) is not Proof.RIGHT or esp.confirmation(provider, told.body, expected) is not None:
        return None
    _keep(told)
    start("200 OK", headers.ahead(site, {"Content-Length": "0"}))
    return []


def _headers(environ: dict[str, Any]) -> dict[str, str]:
    return {
        name.removeprefix("HTTP_").replace("_", "-").lower(): value
        for name, value in environ.items()
        if name.startswith("HTTP_")
    }

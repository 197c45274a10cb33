"""The picture of letters that are counted: ``/o/…`` is one clear pixel, and adds one visit on the way.

Whatever is asked for, the same pixel comes back: a mail shows no broken picture
because a number could not be counted. Of a letter by name it counts only while
its reader's yes to that stands. What it says is rough (some programs fetch the
pictures of every mail, others of none), so nothing is steered by it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, request

from listkeeper import store
from listkeeper.foundation import log
from listkeeper.foundation.errors import TryAgain
from listkeeper.sending import link_visit
from listkeeper.web import headers
from listkeeper.web.public import visitor
from listkeeper.web.public.ahead import Ahead

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse

blueprint = Blueprint("opened_page", __name__)

# One pixel of nothing (GIF89a).
PIXEL = bytes.fromhex("47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b")
_ASKED_ANEW = {"Cache-Control": "private, no-store", "Cross-Origin-Resource-Policy": "cross-origin"}


@blueprint.get("/o/<token>")
def show(token: str) -> Response:
    """Return the picture, and count it if the token is one of ours; a HEAD is not counted."""
    _counted(token, request.environ)
    answer = headers.private(Response(PIXEL, mimetype="image/gif"))
    answer.headers.update(_ASKED_ANEW)
    return answer


def ahead_of_all(site: str) -> Ahead:
    """Answer before the application is asked, as for links: there are more openings than clicks."""

    def answer(token: str, environ: Mapping[str, Any], start: StartResponse) -> Iterable[bytes] | None:
        _counted(token, environ)
        own = {"Content-Type": "image/gif", "Content-Length": str(len(PIXEL)), **_ASKED_ANEW}
        start("200 OK", headers.ahead(site, own))
        return [PIXEL]

    return Ahead("/o/", frozenset({"GET"}), answer)


def _counted(token: str, environ: Mapping[str, Any]) -> None:
    named = link_visit.read(token)
    if named is None or environ["REQUEST_METHOD"] != "GET":
        return
    add = link_visit.add if named.mail_number else link_visit.add_opened
    try:
        store.shared(add, (named, visitor.agent_of_picture(environ)))
    except TryAgain:
        log.get(__name__).warning("link_visit.not_counted", link=named.link_id)

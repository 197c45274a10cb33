"""Counted links of letters: ``/l/…`` leads where the letter said, and adds one visit on the way.

The address names a stored link by a token and holds none itself, so it leads
nowhere else. What is added is a number that no rule of permission reads, and
it is on the disk before anybody is led on. Whoever was erased, has left or
takes no part in the counting any more is led on all the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, request
from werkzeug.urls import iri_to_uri

from listkeeper import store
from listkeeper.campaigns import link
from listkeeper.foundation import language, log
from listkeeper.foundation.errors import NotFound, TryAgain
from listkeeper.sending import link_visit
from listkeeper.sending.link_visit import Agent, Named
from listkeeper.web import headers
from listkeeper.web.public import page, shop_links, visitor
from listkeeper.web.public.ahead import Ahead

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse

blueprint = Blueprint("link_page", __name__)


@blueprint.get("/l/<token>")
def follow(token: str) -> Response:
    """Lead to where a link of a letter leads; a HEAD is led as well, and not counted."""
    url = _followed(token, request.environ)
    if url is None:
        raise _not_valid()
    return headers.private(Response(status=302, headers={"Location": url}))


@blueprint.get(link.CANARY_PAGE)
def show_unseen() -> Response:
    """Say what the link is that no human can see, to whoever followed it all the same."""
    return page.answer("unseen_link", page.visitors_language(), None)


def ahead_of_all(site: str) -> Ahead:
    """Answer good links before the application is asked: its way in and out takes longer than all of the counting."""

    def lead(token: str, environ: Mapping[str, Any], start: StartResponse) -> Iterable[bytes] | None:
        url = _followed(token, environ)
        if url is None:
            return None
        start("302 FOUND", headers.ahead(site, {"Location": url, "Content-Length": "0"}))
        return []

    # Anything else, an OPTIONS for example, is the application's.
    return Ahead("/l/", frozenset({"GET", "HEAD"}), lead)


def _followed(token: str, environ: Mapping[str, Any]) -> str | None:
    """Count a visit and return where the link leads; None when it is none of ours."""
    named = link_visit.read(token)
    url = _led_to(named.link_id) if named is not None else None
    if named is None or url is None:
        return None
    if environ["REQUEST_METHOD"] == "GET":
        agent = visitor.agent(environ)
        _count(named, agent)
        if agent is Agent.BROWSER:
            url = shop_links.marked(named, url)
    return _as_header(url)


@lru_cache(maxsize=1024)
def _as_header(url: str) -> str:
    return iri_to_uri(url)


def _led_to(link_id: int) -> str | None:
    known = link.remembered(store.database.engine, link_id)
    if known is not None:
        return known
    with store.reading() as session:
        return link.led_to(session, link_id)


def _count(named: Named, agent: Agent) -> None:
    try:
        store.shared(link_visit.add, (named, agent))
    except TryAgain:
        # Somebody wants to read on: a number is not worth her waiting.
        log.get(__name__).warning("link_visit.not_counted", link=named.link_id)


def _not_valid() -> NotFound:
    with language.using(page.visitors_language()):
        sentence = language.text("This link is not valid. Copy all of it from the e-mail, or open it there once more.")
    return NotFound("no_such_link", sentence)

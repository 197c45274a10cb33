"""Short links: ``/s/ig-bio`` leads to its form, and adds one to a number on the way.

Nothing that was ever printed leads to nothing: an archived source still leads
to its form, and a name that nobody knows to the front page. Where a link leads
is made here of our own names; no part of the address chooses it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, make_response, redirect, request, url_for

from listkeeper import store
from listkeeper.audience import source, visit
from listkeeper.foundation import log
from listkeeper.foundation.errors import TryAgain

blueprint = Blueprint("short_link", __name__)

_MARK_LIMIT = 200
# Previews of messengers and networks, search engines, and what scripts call themselves; a Cubot is a phone.
_MACHINE = re.compile(
    r"(?<!cu)bot\b|(?<!cu)bot[/_-]|crawl|spider|slurp|preview|externalhit|facebookcatalog|meta-external|"
    r"^whatsapp|^viber|skypeuri|embedly|lighthouse|headless|uptime|curl|wget|python|libwww|okhttp|"
    r"^java|go-http|axios|node-fetch|undici|httpclient|^$",
    re.IGNORECASE,
)
# A browser that fetches a page in case somebody opens it says so in one of these.
_AHEAD = ("HTTP_SEC_PURPOSE", "HTTP_PURPOSE", "HTTP_X_PURPOSE", "HTTP_X_MOZ")


@blueprint.get("/s/<slug>")
def follow(slug: str) -> Response:
    """Lead to the form of a source; a mistyped one leads to the front page, where the form is, too."""
    marks: dict[str, Any] = {name: said for name in source.UTM if (said := request.args.get(name, "")[:_MARK_LIMIT])}
    with store.reading() as session:
        found = source.with_slug(session, slug)
        if found is None:
            # Kept as evidence where it may be a mistyped slug; anything else is not repeated.
            return _lead(url_for("landing.show", s=source.as_slug(slug) or None, **marks))
        number = found.id
        form = source.destination(session, found).slug
        # What the link itself carries is newer than what the source was given.
        address = url_for("signup_page.show", slug=form, s=found.slug, **(found.utm | marks))
    _count(number)
    return _lead(address)


def _lead(address: str) -> Response:
    answer = make_response(redirect(address, 302))
    # Kept by nobody, or the next visit would not be seen; and the site that led here is still told to the form.
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["Referrer-Policy"] = "strict-origin-when-cross-origin"
    answer.headers["X-Robots-Tag"] = "noindex"
    return answer


def _count(number: int) -> None:
    if request.method != "GET":
        return
    try:
        with store.transaction() as session:
            visit.count(session, number, by_machine=is_machine(request.environ))
    except TryAgain:
        # Somebody stands before a poster: a number is not worth their waiting.
        log.get(__name__).warning("visit.not_counted", source=number)


def is_machine(environ: Mapping[str, Any]) -> bool:
    """Whether a request is a program's, or a browser's that only fetches ahead; nothing of it is kept."""
    ahead = [environ[name].lower() for name in _AHEAD if name in environ]
    fetched_ahead = any("prefetch" in said or "prerender" in said or "preview" in said for said in ahead)
    return fetched_ahead or _MACHINE.search(environ.get("HTTP_USER_AGENT", "")) is not None

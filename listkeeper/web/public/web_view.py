"""A letter in the browser, as it was sent, alone under the sandbox policy."""

from __future__ import annotations

from flask import Blueprint, Response, make_response

from listkeeper import parts, store
from listkeeper.rendering import web_view
from listkeeper.sending import composing
from listkeeper.web import headers
from listkeeper.web.public import reader

blueprint = Blueprint("web_view", __name__)

PURPOSE = "web-view"


@blueprint.get("/w/<token>")
def show(token: str) -> Response:
    """Show the letter; nothing in it runs, and it loads pictures of ours alone."""
    with store.reading() as session:
        found = reader.of_token(session, PURPOSE, token)
        if found.delivery is None:
            return reader.only_a_test(found)
        whole = composing.in_browser(session, found.delivery, parts.settings().site)
    answer = make_response(whole)
    answer.content_type = web_view.CONTENT_TYPE
    return headers.letter(answer)

"""How is it going? A tap in a letter opens this page, and its button alone stores anything."""

from __future__ import annotations

from flask import Blueprint, Response, request, url_for

from listkeeper import parts, store
from listkeeper.feedback import tap
from listkeeper.feedback.tap import Tap
from listkeeper.foundation import language
from listkeeper.foundation.errors import NotFound
from listkeeper.web.public import page, reader, web_view
from listkeeper.web.public.reader import Reader

blueprint = Blueprint("tap_page", __name__)
blueprint.before_request(page.limit_body)


@blueprint.get("/w/<token>/<tapped>")
def show(token: str, tapped: str) -> Response:
    """Show what was tapped, with room for words and a button; opening it tells nobody anything."""
    chosen = _chosen(tapped)
    with store.reading() as session:
        found = reader.of_token(session, web_view.PURPOSE, token)
        if found.test or found.delivery is None:
            return reader.only_a_test(found)
        if found.person is None:
            return _over(found)
        others = [each for each in Tap if each is not chosen]
        with language.using(found.spoken):
            ways = [(tap.label(each), url_for("tap_page.show", token=token, tapped=each.value)) for each in others]
            said = tap.label(chosen)
        return page.secret_answer("tap", found.spoken, found.business, said=said, others=ways, most=tap.LONGEST)


@blueprint.post("/w/<token>/<tapped>")
def press(token: str, tapped: str) -> Response:
    """Tell the business."""
    chosen = _chosen(tapped)
    with store.transaction() as session:
        found = reader.of_token(session, web_view.PURPOSE, token)
        if found.test or found.delivery is None:
            return reader.only_a_test(found)
        told = tap.press(session, found.delivery, chosen, request.form.get("words", ""), parts.promise())
        return _thanks(found, chosen) if told is not None else _over(found)


def _thanks(found: Reader, chosen: Tap) -> Response:
    given = parts.promise()
    waits = None if chosen is Tap.FINE else given.urgent if chosen is Tap.PROBLEM else given.usual
    with language.using(found.spoken):
        within = language.span(waits) if waits is not None else ""
    return page.secret_answer("tapped", found.spoken, found.business, within=within)


def _over(found: Reader) -> Response:
    """Say that nothing was stored: she was forgotten, or has said enough about this letter."""
    return page.secret_answer("question_over", found.spoken, found.business)


def _chosen(tapped: str) -> Tap:
    try:
        return Tap(tapped)
    except ValueError:
        raise NotFound("no_page", language.text("There is no page here")) from None

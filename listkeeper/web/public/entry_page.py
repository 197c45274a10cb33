"""The way to one's own page: type an address, find the link in that address's mailbox, press its button.

The answer is the same for every address, and a job looks afterwards whether
anybody belongs to it. Opening the mailed link uses nothing up: only its button
does, once, and then the page stays open for half an hour.
"""

from __future__ import annotations

from flask import Blueprint, Response, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from listkeeper import parts, store
from listkeeper.accounts import organisation
from listkeeper.audience import access_link, access_wish
from listkeeper.audience.subscriber import Subscriber
from listkeeper.foundation import language
from listkeeper.foundation.errors import Invalid
from listkeeper.web import headers, network
from listkeeper.web.public import brand, page

blueprint = Blueprint("entry_page", __name__)
blueprint.before_request(page.limit_body)

_NO_EFFECT = 404
_NOT_POSSIBLE = 422
_SEE_OTHER = 303
_SHOWN_LIMIT = 320


@blueprint.get("/me")
def show() -> Response:
    """Show the field for the address."""
    return _form()


@blueprint.post("/me")
def receive() -> Response:
    """Take the address, and say the same whoever it belongs to."""
    typed = request.form.get("email", "").strip()
    spoken = page.visitors_language()
    with store.transaction() as session:
        owner = organisation.maybe_one(session)
        if owner is None:
            return page.answer("not_set_up", spoken, None)
        with language.using(spoken):
            try:
                access_wish.receive(session, owner, typed, network.of(request), parts.limits())
            except Invalid as problem:
                return _form(typed=typed[:_SHOWN_LIMIT], wrong=problem.message, status=_NOT_POSSIBLE)
        return page.answer("link_sent", spoken, brand.business_of(owner))


def _form(*, typed: str = "", wrong: str = "", status: int = 200) -> Response:
    spoken = page.visitors_language()
    with store.reading() as session:
        owner = organisation.maybe_one(session)
        if owner is None:
            return page.answer("not_set_up", spoken, None)
        return page.answer(
            "entry",
            spoken,
            brand.business_of(owner),
            status=status,
            typed=typed,
            wrong=wrong,
            action=url_for("entry_page.receive"),
        )


@blueprint.get("/me/<token>")
def show_link(token: str) -> Response:
    """Show the button of a mailed link; opening it uses nothing up."""
    with store.reading() as session:
        link = access_link.find(session, token)
        person = session.get(Subscriber, link.subscriber_id) if link is not None and link.live else None
        owner = organisation.maybe_one(session)
        if person is None or owner is None:
            return _spent()
        return page.secret_answer(
            "open_own", person.language, brand.business_of(owner), action=url_for("entry_page.use_link", token=token)
        )


@blueprint.post("/me/<token>")
def use_link(token: str) -> AnyResponse:
    """Take the button, once, and lead to the page."""
    with store.transaction() as session:
        visit = access_link.use(session, token)
    if visit is None:
        return _spent()
    return headers.private(_led_to(url_for("own_page.show", visit=visit)))


def _led_to(address: str) -> Response:
    answer = Response(status=_SEE_OTHER)
    answer.headers["Location"] = redirect(address).location
    return answer


def _spent() -> Response:
    return closed(page.visitors_language())


def closed(spoken: str) -> Response:
    """Return the page for a link, or a visit, that is over, forged or another's: they all read the same."""
    return page.secret_answer("own_closed", spoken, None, status=_NO_EFFECT, again=url_for("entry_page.show"))

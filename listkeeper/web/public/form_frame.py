"""The form in a frame on somebody else's page: the pages of ``signup_page`` without our head and foot, no cookie.

These are the only pages that other sites may frame: any of them, or those
that the form allows. What follows the form stays in the frame.
"""

from __future__ import annotations

from collections.abc import Collection

from flask import Blueprint, Response, g, url_for

from listkeeper import store
from listkeeper.audience import allowed_origins, signup_form
from listkeeper.web import headers
from listkeeper.web.public import form_view, page, signup_page, signup_post
from listkeeper.web.public.signup_post import Shape

blueprint = Blueprint("form_frame", __name__)
blueprint.before_request(page.limit_body)

_NOT_HERE = 403


@blueprint.after_request
def _open(response: Response) -> Response:
    """Let the form's sites frame the page. One without a form, a refusal too, harms nobody wherever it stands."""
    may_frame: Collection[str] = g.get("may_frame", ())
    return headers.framed(response, may_frame)


@blueprint.get("/f/<slug>/frame")
def show(slug: str) -> Response:
    """Show the form, or on a site that may not have it the way to our own page; opening it changes nothing."""
    with store.reading() as session:
        shown = signup_form.shown(session, slug)
        view = form_view.of(session, shown)
        welcome = signup_post.may_stand_there(shown.form, signup_post.asked_from())
        g.may_frame = allowed_origins.of(shown.form) if welcome else ()
    if welcome:
        return signup_page.form_page(view)
    own = url_for("signup_page.show", slug=slug)
    return page.answer("not_here", view.language, view.business, status=_NOT_HERE, form=view, own=own)


@blueprint.post("/f/<slug>/frame")
def receive(slug: str) -> Response:
    """Store the post and say "check your mail", for every address alike."""
    return signup_page.received(slug, Shape.FRAME)


@blueprint.post("/f/<slug>/frame/code")
def confirm_by_code(slug: str) -> Response:
    """Take the six digits typed into the frame."""
    return signup_page.code_typed(slug)

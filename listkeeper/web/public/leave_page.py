"""Leaving: a page with one button for people, one POST for mail programs (RFC 8058). Never a question first."""

from __future__ import annotations

from flask import Blueprint, Response, request, url_for
from sqlalchemy.orm import Session
from werkzeug.exceptions import HTTPException

from listkeeper import store
from listkeeper.audience import unsubscribe
from listkeeper.audience.consent import Method
from listkeeper.web.public import page, reader
from listkeeper.web.public.reader import Reader

blueprint = Blueprint("leave_page", __name__)
blueprint.before_request(page.limit_body)

_PURPOSE = "unsubscribe"


@blueprint.get("/u/<token>")
def show(token: str) -> Response:
    """Show the button; opening the page leaves nothing, for no scanner and no preview."""
    with store.reading() as session:
        found = reader.of_token(session, _PURPOSE, token)
        if found.test:
            return reader.only_a_test(found)
        if not found.on_list:
            return _goodbye(found)
        return page.secret_answer(
            "leave",
            found.spoken,
            found.business,
            list_name=found.list_name,
            action=url_for("leave_page.leave", token=token),
        )


@blueprint.post("/u/<token>")
def leave(token: str) -> Response:
    """Take the person off that list, at once; the token in the path is all that is asked for."""
    method = Method.ONE_CLICK if _by_mail_program() else Method.PAGE
    with store.transaction() as session:
        found = reader.of_token(session, _PURPOSE, token)
        secret = _leave(session, found, method)
        return reader.only_a_test(found) if found.test else _goodbye(found, secret, token)


def _by_mail_program() -> bool:
    """Tell a mail program's POST from the page's, for the record only: a strange body stops nobody from leaving."""
    try:
        return request.form.get("List-Unsubscribe") == "One-Click"
    except HTTPException:
        return False


def _leave(session: Session, found: Reader, method: Method) -> str | None:
    if found.person is None or found.list_id is None or found.delivery is None:
        return None
    return unsubscribe.leave(session, found.person.id, found.list_id, method, found.delivery.id).undo


@blueprint.post("/u/<token>/undo")
def undo(token: str) -> Response:
    """Take back a leave of the last hour, by the secret that only the goodbye page held."""
    secret = request.form.get("undo", "")
    with store.transaction() as session:
        unsubscribe.undo(session, secret)
        found = reader.of_token(session, _PURPOSE, token)
        if not found.on_list:
            return page.secret_answer("spent", found.spoken, found.business, status=404)
        return page.secret_answer("back_again", found.spoken, found.business, list_name=found.list_name)


def _goodbye(found: Reader, secret: str | None = None, token: str = "") -> Response:
    return page.secret_answer(
        "goodbye",
        found.spoken,
        found.business,
        list_name=found.list_name,
        secret=secret,
        undo=url_for("leave_page.undo", token=token) if secret else None,
    )

"""The pictures of letters: bring one, say what it shows, copy its address, delete it; and the same for the composer.

A form works without a script. The composer's script asks for JSON and gets the
address and the size of what it brought, or the reason why not.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, redirect, request, url_for
from flask_login import current_user
from sqlalchemy.orm import Session
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.wrappers import Response as AnyResponse

from listkeeper import parts, store
from listkeeper.accounts import audit_log, organisation
from listkeeper.campaigns import picture
from listkeeper.campaigns.picture import LetterPicture
from listkeeper.foundation import language
from listkeeper.foundation.errors import Conflict, Forbidden, Invalid, ListkeeperError
from listkeeper.rendering.pictures import picture_file
from listkeeper.rendering.pictures.picture_file import PictureFile
from listkeeper.web.studio import member, page

blueprint = Blueprint("pictures", __name__, url_prefix=f"{page.ROOT}/pictures")

_ON_A_PAGE = 48
_CREATED, _FORBIDDEN, _TOO_LARGE = 201, 403, 413


def address_of(found: LetterPicture) -> str:
    """Return the address of a picture on this instance."""
    return url_for("brand.picture", name=found.name)


@blueprint.get("")
def show() -> Response:
    """Show the library; with ``pick``, the part from which the composer chooses."""
    return _library("pictures_pick" if "pick" in request.args else "pictures")


def _library(template: str = "pictures", *, problem: ListkeeperError | None = None, status: int = 200) -> Response:
    number = max(request.args.get("page", 1, type=int), 1)
    skip = min((number - 1) * _ON_A_PAGE, 2**31)
    with store.reading() as session:
        owner = organisation.only_one(session)
        found = picture.all_of(session, owner, skip=skip, most=_ON_A_PAGE + 1)
        return page.answer(
            session,
            template,
            pictures=found[:_ON_A_PAGE],
            number=number,
            more=len(found) > _ON_A_PAGE,
            address_of=address_of,
            site=page.settings().site,
            megabytes=picture_file.LIMIT // 2**20,
            problem=problem,
            status=status,
        )


@blueprint.post("")
def bring() -> Response | AnyResponse:
    """Take a picture in, made ready for letters."""
    try:
        # Before the transaction: it takes a second, in which others may write.
        made, title = _brought()
        with store.transaction() as session:
            kept = _kept(session, made, title)
            told = _told(kept, made)
    except Invalid as problem:
        if page.wants_json():
            raise
        return _library(problem=problem, status=422)
    if page.wants_json():
        answer = jsonify(told)
        answer.status_code = _CREATED
        return answer
    said = language.text("The picture is here. Say in a few words what it shows: many people read letters without.")
    return page.back_to("pictures.show", told["note"] or said, "warn" if told["note"] else "good")


def _brought() -> tuple[PictureFile, str]:
    chosen = request.files.get("picture")
    raw = chosen.read() if chosen is not None else b""
    if chosen is None or not raw:
        raise Invalid("no_file", language.text("Please choose a picture. Nothing was saved."))
    return picture_file.ready(raw), chosen.filename or ""


def _kept(session: Session, made: PictureFile, title: str) -> LetterPicture:
    owner = organisation.only_one(session)
    kept = picture.keep(session, owner, parts.media_folder(), made, title)
    audit_log.record(session, owner.id, member.present().actor, "picture.added", kept.public_id)
    return kept


def _told(kept: LetterPicture, made: PictureFile) -> dict[str, Any]:
    note = language.text("It moved. Only its first moment is kept: a GIF that moves may have 1 MB.")
    return {
        "id": kept.public_id,
        "src": address_of(kept),
        "width": kept.width,
        "height": kept.height,
        "alt": kept.alt,
        "size": kept.size,
        "title": kept.title,
        "note": note if made.stilled else "",
    }


@blueprint.errorhandler(RequestEntityTooLarge)
def too_heavy(_error: RequestEntityTooLarge) -> Response | AnyResponse:
    """Say how big a picture may be; it is refused by its length, before it is read."""
    if not current_user.is_authenticated:
        said = language.text("You have been signed out. Sign in in another tab, then choose the picture again.")
        return _refused(Forbidden("signed_out", said), _FORBIDDEN)
    return _refused(picture_file.too_heavy(), _TOO_LARGE)


def _refused(problem: ListkeeperError, status: int) -> Response | AnyResponse:
    if page.wants_json():
        told = {"type": "about:blank", "status": status, "code": problem.code, "detail": problem.message}
        answer = jsonify(told | {"title": language.text("That did not work")})
        answer.content_type, answer.status_code = "application/problem+json", status
        return answer
    with store.reading() as session:
        named = organisation.maybe_one(session) is not None
    if not (named and current_user.is_authenticated):
        return redirect(url_for("pictures.show"), 303)
    return _library(problem=problem, status=status)


@blueprint.post("/<public_id>/words")
def describe(public_id: str) -> Response | AnyResponse:
    """Say what a picture shows."""
    try:
        with store.transaction() as session:
            owner = organisation.only_one(session)
            picture.describe(picture.identified(session, owner, public_id), request.form.get("alt", ""))
            audit_log.record(session, owner.id, member.present().actor, "picture.described", public_id)
    except Invalid as problem:
        return _library(problem=problem, status=422)
    said = language.text("Saved. Letters get these words when the picture is put into them.")
    return page.back_to("pictures.show", said)


@blueprint.post("/<public_id>/remove")
def remove(public_id: str) -> Response | AnyResponse:
    """Delete a picture that no letter shows."""
    try:
        with store.transaction() as session:
            owner = organisation.only_one(session)
            picture.forget(session, parts.media_folder(), picture.identified(session, owner, public_id))
            audit_log.record(session, owner.id, member.present().actor, "picture.removed", public_id)
    except Conflict as problem:
        return _library(problem=problem, status=409)
    return page.back_to("pictures.show", language.text("The picture is deleted."))

"""The document of a letter, read and written change by change.

Each change names the version it was made on (``If-Match``) and itself
(``Idempotency-Key``), so that a bad line can neither lose nor double it. A form
without script sends the same two as hidden fields. A change on an old version
stores nothing and gets the present letter back.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from listkeeper import store
from listkeeper.campaigns import campaign as campaigns
from listkeeper.campaigns import letter_change, letter_compare
from listkeeper.campaigns import revision as revisions
from listkeeper.campaigns.campaign import Campaign
from listkeeper.campaigns.letter_change import Change
from listkeeper.campaigns.revision import Revision
from listkeeper.foundation import clock, language
from listkeeper.foundation.errors import Conflict, Invalid, ListkeeperError, NotFound
from listkeeper.web import problems, strict_json, version_tag
from listkeeper.web.studio import block_form, composer, page

blueprint = Blueprint("letter_document", __name__, url_prefix=f"{page.ROOT}/letters/<public_id>")

# A letter may have 300,000 characters, which JSON may write as six bytes each.
_BODY_LIMIT = 3 * 1024 * 1024
_NAME_LIMIT = 255
_ELSEWHERE = "changed_elsewhere"


@blueprint.get("/document")
def show(public_id: str) -> Response:
    """Return the newest words, and which version they are."""
    with store.reading() as session:
        newest = campaigns.newest(session, composer.opened(session, public_id))
        return _told(newest, whole=True)


@blueprint.patch("/document")
def change_one(public_id: str) -> Response:
    """Do one change, whole or not at all; asked for again under its name, answer as the first time."""
    request.max_content_length = _BODY_LIMIT
    base, name = version_tag.of(request.headers.get("If-Match", "")), request.headers.get("Idempotency-Key", "")
    try:
        if base is None or not 0 < len(name) <= _NAME_LIMIT:
            said = language.text("A change needs If-Match with a version, and an Idempotency-Key. Nothing was changed.")
            raise Invalid("name_missing", said)
        change = letter_change.read(strict_json.loads(request.get_data()))
        with store.transaction() as session:
            letter = composer.opened(session, public_id)
            made = letter_change.make(session, letter, change, base=base, name=name)
            answer = _told(made.revision, whole=isinstance(change, letter_change.FAR_REACHING))
            if made.before:
                answer.headers["Idempotent-Replayed"] = "true"
            return answer
    except ListkeeperError as problem:
        return _refused(public_id, problem)


def _told(revision: Revision, *, whole: bool) -> Response:
    values: dict[str, Any] = {
        "version": revision.number,
        "saved_at": clock.as_text(revision.created_at),
        "sha256": revision.sha256,
    }
    if whole:
        values["document"] = letter_change.as_json(revision)
    answer = jsonify(values)
    answer.set_etag(str(revision.number))
    return answer


def _refused(public_id: str, problem: ListkeeperError) -> Response:
    """Say why not; where somebody else was quicker, give what is stored now with it."""
    status, further = problems.status_of(problem), dict[str, Any]()
    if problem.code == _ELSEWHERE:
        with store.reading() as session:
            newest = campaigns.newest(session, composer.opened(session, public_id))
            further = {"version": newest.number, "document": letter_change.as_json(newest)}
    said = problem.message
    answer = jsonify(
        type="about:blank", title=said, status=status, code=problem.code, detail=said, place=problem.place, **further
    )
    answer.status_code, answer.content_type = status, "application/problem+json"
    return answer


@blueprint.post("")
def save(public_id: str) -> Response | AnyResponse:
    """Store subject, preview line and text of one form at once; the same words again change nothing."""
    request.max_content_length = request.max_form_memory_size = _BODY_LIMIT
    base = request.form.get("version", -1, type=int)
    with store.reading() as session:
        newest = campaigns.newest(session, composer.opened(session, public_id)).draft
    typed: Change | None = None
    try:
        typed = letter_change.read(block_form.change_of({**request.form, "op": "words"}, newest))
        with store.transaction() as session:
            letter = composer.opened(session, public_id)
            kept = campaigns.write(session, letter, letter_change.apply(newest, typed), base=base)
            answer = _told(kept, whole=False)
    except Conflict as problem:
        return _refused(public_id, problem) if page.wants_json() else _typed_again(public_id, typed, problem)
    return answer if page.wants_json() else page.back_to("composer.show", language.text("Saved."), public_id=public_id)


@blueprint.post("/change")
def change(public_id: str) -> Response | AnyResponse:
    """Do one change that a form asked for."""
    request.max_content_length = request.max_form_memory_size = _BODY_LIMIT
    base, name = request.form.get("version", -1, type=int), request.form.get("key", "")
    if not 0 < len(name) <= _NAME_LIMIT:
        sentence = language.text("This form is not whole. Nothing was changed; load the page again.")
        raise Invalid("name_missing", sentence)
    with store.reading() as session:
        newest = campaigns.newest(session, composer.opened(session, public_id)).draft
    typed: Change | None = None
    try:
        typed = letter_change.read(block_form.change_of(request.form, newest))
        with store.transaction() as session:
            letter_change.make(session, composer.opened(session, public_id), typed, base=base, name=name)
    except ListkeeperError as problem:
        return _typed_again(public_id, typed, problem)
    return page.back_to("composer.show", language.text("Saved."), public_id=public_id)


def _typed_again(public_id: str, typed: Change | None, problem: ListkeeperError) -> Response:
    """Show the page with what was typed still in its fields; what is stored stands beside it."""
    with store.reading() as session:
        letter = composer.opened(session, public_id)
        newest = campaigns.newest(session, letter)
        changed = problem.code == _ELSEWHERE
        try:
            shown = letter_change.apply(newest.draft, typed) if typed is not None else newest.draft
        except ListkeeperError:
            shown = newest.draft
        return composer.shown(
            session,
            letter,
            newest,
            shown,
            theirs=newest if changed else None,
            problem=problem,
            status=problems.status_of(problem),
        )


@blueprint.get("/revisions")
def all_revisions(public_id: str) -> Response:
    """List the versions that are kept of a letter."""
    with store.reading() as session:
        letter = composer.opened(session, public_id)
        kept = revisions.newest_first(session, letter.id)
        return page.answer(session, "revisions", letter=letter, revisions=kept, sent=letter.sent_revision_id)


@blueprint.get("/revisions/<int:number>")
def revision(public_id: str, number: int) -> Response:
    """Show what an earlier version said, beside the newest."""
    with store.reading() as session:
        letter = composer.opened(session, public_id)
        newest = campaigns.newest(session, letter)
        chosen = _kept(session, letter, number)
        rows = letter_compare.rows(chosen.draft, newest.draft)
        return page.answer(
            session, "revision", letter=letter, chosen=chosen, newest=newest, rows=rows, key=block_form.new_key()
        )


def _kept(session: Session, letter: Campaign, number: int) -> Revision:
    for each in revisions.newest_first(session, letter.id):
        if each.number == number:
            return each
    raise NotFound("no_revision", language.text("That version is not kept any more. Nothing was changed."))

"""Pieces to use again: see what is in them, rename and delete them; the composer's script keeps and asks for them."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Any

from flask import Blueprint, Response, jsonify, request
from werkzeug.wrappers import Response as AnyResponse

from listkeeper import store
from listkeeper.accounts import audit_log, organisation
from listkeeper.campaigns import snippet
from listkeeper.campaigns.snippet import Snippet
from listkeeper.foundation import language
from listkeeper.foundation.errors import Conflict, Invalid, ListkeeperError
from listkeeper.rendering import document
from listkeeper.web import problems
from listkeeper.web.studio import member, page

blueprint = Blueprint("snippets", __name__, url_prefix=f"{page.ROOT}/snippets")

_CREATED = 201
# A piece is no longer than a letter, which a form may write as nine bytes a character.
_BODY_LIMIT = 3 * 1024 * 1024
_EXCERPT = 160
_TAG = re.compile(r"<[^>]*>")


@blueprint.get("")
def show() -> Response:
    """Show the pieces; a script gets them whole."""
    if not page.wants_json():
        return _all()
    with store.reading() as session:
        found = snippet.all_of(session, organisation.only_one(session))
        return jsonify(snippets=[_told(each) for each in found])


def _told(piece: Snippet) -> dict[str, Any]:
    return {"id": piece.public_id, "name": piece.name, "blocks": piece.blocks, "markdown": piece.markdown}


def _all(typed: dict[str, str] | None = None, *, problem: ListkeeperError | None = None, status: int = 200) -> Response:
    with store.reading() as session:
        return page.answer(
            session,
            "snippets",
            pieces=snippet.all_of(session, organisation.only_one(session)),
            parts_of=_parts_of,
            typed=typed or {},
            problem=problem,
            status=status,
        )


def _parts_of(piece: Snippet) -> Iterator[tuple[str, str]]:
    """Return what each block of a piece is, and how its words begin."""
    for block in piece.parsed:
        words = " ".join(text for _field, text in document.texts(block))
        plain = " ".join(html.unescape(_TAG.sub(" ", words)).split())
        yield called(block.type), plain if len(plain) <= _EXCERPT else f"{plain[:_EXCERPT]} …"


def called(kind: str) -> str:
    """Return what a kind of block is called."""
    return {
        "header": language.text("Header"),
        "text": language.text("Text"),
        "heading": language.text("Heading"),
        "image": language.text("Picture"),
        "button": language.text("Button"),
        "columns": language.text("Two columns"),
        "divider": language.text("Line"),
        "spacer": language.text("Space"),
        "quote": language.text("Quote"),
        "offer": language.text("Offer"),
        "social": language.text("Links to you"),
        "sponsored": language.text("Sponsored"),
        "taps": language.text("Question to tap"),
        "poll": language.text("Poll"),
        "guidance": language.text("Help for the mail program"),
        "question": language.text("One question"),
        "rss": language.text("News from a feed"),
    }.get(kind, kind)


@blueprint.post("")
def keep() -> Response | AnyResponse:
    """Keep a piece: blocks that a script sends as JSON, or words of the form in Markdown."""
    request.max_content_length = request.max_form_memory_size = _BODY_LIMIT
    typed = request.form.to_dict()
    name, blocks, markdown = _asked() if request.is_json else (typed.get("name", ""), [], typed.get("markdown", ""))
    try:
        with store.transaction() as session:
            owner = organisation.only_one(session)
            kept = snippet.keep(session, owner, name, blocks=blocks, markdown=markdown)
            audit_log.record(session, owner.id, member.present().actor, "snippet.kept", kept.public_id)
            public_id = kept.public_id
    except (Invalid, Conflict) as problem:
        if page.wants_json():
            raise
        return _all(typed, problem=problem, status=problems.status_of(problem))
    if page.wants_json():
        answer = jsonify(id=public_id)
        answer.status_code = _CREATED
        return answer
    return page.back_to("snippets.show", language.text("Kept. You can put it into every letter."))


def _asked() -> tuple[str, list[object], str]:
    asked = request.get_json(silent=True)
    if not isinstance(asked, dict):
        raise Invalid("not_json", language.text("This is no piece of a letter. Nothing was saved."))
    name, blocks, markdown = asked.get("name", ""), asked.get("blocks", []), asked.get("markdown", "")
    if not (isinstance(name, str) and isinstance(blocks, list) and isinstance(markdown, str)):
        raise Invalid("not_valid", language.text("This is no piece of a letter. Nothing was saved."))
    return name, blocks, markdown


@blueprint.post("/<public_id>/rename")
def rename(public_id: str) -> Response | AnyResponse:
    """Call a piece something else."""
    try:
        with store.transaction() as session:
            owner = organisation.only_one(session)
            found = snippet.identified(session, owner, public_id)
            snippet.rename(session, owner, found, request.form.get("name", ""))
            audit_log.record(session, owner.id, member.present().actor, "snippet.renamed", public_id)
    except (Invalid, Conflict) as problem:
        return _all(problem=problem, status=problems.status_of(problem))
    return page.back_to("snippets.show", language.text("Saved."))


@blueprint.post("/<public_id>/remove")
def remove(public_id: str) -> AnyResponse:
    """Delete a piece; letters keep what they have of it."""
    with store.transaction() as session:
        owner = organisation.only_one(session)
        snippet.forget(session, snippet.identified(session, owner, public_id))
        audit_log.record(session, owner.id, member.present().actor, "snippet.removed", public_id)
    return page.back_to("snippets.show", language.text("Deleted. Letters that have it keep it."))

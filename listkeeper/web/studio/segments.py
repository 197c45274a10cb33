"""Segments of a list: some of its people, told by a sentence that is built row by row or written as text."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from flask import Blueprint, Response, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from listkeeper import store
from listkeeper.accounts import audit_log, organisation
from listkeeper.audience import mailing_list as lists
from listkeeper.audience.mailing_list import MailingList
from listkeeper.audience.segments import (
    segment,
    segment_check,
    segment_language,
    segment_query,
    segment_topics,
    segment_tree,
)
from listkeeper.audience.segments.segment import Segment
from listkeeper.audience.segments.segment_check import Check
from listkeeper.audience.segments.segment_tree import Tree
from listkeeper.audience.subscriber import Subscriber
from listkeeper.campaigns import segment_use
from listkeeper.foundation import language
from listkeeper.foundation.errors import Conflict, Invalid, ListkeeperError
from listkeeper.web import problems
from listkeeper.web.studio import member, page, segment_rows, segment_words
from listkeeper.web.studio.segment_rows import Row

blueprint = Blueprint("segments", __name__, url_prefix=page.ROOT)

_FIRST_PEOPLE = 20
_ON_A_PAGE = 20


@dataclass
class Draft:
    """What stands in the builder."""

    rows: list[Row]
    text: str
    # What the rows say: a text that is another one was typed, and counts.
    text_was: str
    name: str = ""
    tree: Tree | None = None
    problem: ListkeeperError | None = None


@blueprint.get("/lists/<public_id>/segments")
def show(public_id: str) -> Response:
    """Show the segments of a list, a page of them, each with how many are in it now."""
    with store.reading() as session:
        found = lists.named(session, organisation.only_one(session), public_id)
        every = segment.every(session, found)
        offered = [each for each in every if each.archived_at is None]
        pages = max(1, ceil(len(offered) / _ON_A_PAGE))
        number = min(max(request.args.get("page", 1, type=int), 1), pages)
        here = offered[(number - 1) * _ON_A_PAGE : number * _ON_A_PAGE]
        return page.answer(
            session,
            "segments",
            mailing_list=found,
            rows=here,
            counted=segment_check.at_a_glance(session, found, here),
            says={each.id: segment.said(session, each) for each in here},
            archived=[each for each in every if each.archived_at is not None],
            number=number,
            pages=pages,
        )


@blueprint.get("/lists/<public_id>/segments/new")
def begin(public_id: str) -> Response:
    """Show the builder with one condition to begin with."""
    with store.reading() as session:
        found = lists.named(session, organisation.only_one(session), public_id)
        rows = [Row(segment_rows.ALL), Row(segment_rows.CONDITION, 1, phrase="clicked_within")]
        return _answer(session, found, None, _of_rows(rows))


@blueprint.get("/segments/<segment_id>")
def show_one(segment_id: str) -> Response:
    """Show a segment in the builder, with who is in it."""
    with store.reading() as session:
        found = segment.identified(session, organisation.only_one(session), segment_id)
        mailing_list = session.get_one(MailingList, found.list_id)
        draft = Draft(segment_rows.of_tree(found.tree), found.source, found.source, found.name, found.tree)
        return _answer(session, mailing_list, found, draft)


@blueprint.post("/lists/<public_id>/segments")
def build(public_id: str) -> Response | AnyResponse:
    """Change the rows, read the text, count, or store: by the button that was pressed."""
    pressed = request.form.get("act", "count")
    draft = _typed(pressed)
    if pressed == "save" and draft.problem is None:
        try:
            return _save(public_id, draft)
        except (Invalid, Conflict) as problem:
            draft.problem = problem
    with store.reading() as session:
        owner = organisation.only_one(session)
        mailing_list = lists.named(session, owner, public_id)
        wanted = request.form.get("segment", "")
        known = segment.identified(session, owner, wanted) if wanted else None
        return _answer(session, mailing_list, known, draft)


def _typed(pressed: str) -> Draft:
    """Return what was posted: the text when it was changed, else the rows, after the button that was pressed."""
    text, before = request.form.get("text", ""), request.form.get("text_was", "")
    rows, name = segment_rows.read(request.form), request.form.get("name", "")
    if text.split() != before.split():
        try:
            tree = segment_language.parse(text)
        except Invalid as problem:
            # The rows are older than the text: what they say is never stored in its place.
            return Draft(rows, text, _of_rows(rows).text, name, None, problem)
        rows = segment_rows.of_tree(tree)
    draft = _of_rows(segment_rows.changed(rows, pressed))
    draft.name = name
    return draft


def _of_rows(rows: list[Row]) -> Draft:
    """Return a draft of rows, with its text, and with what is wrong where it is."""
    try:
        tree = segment_rows.tree_of(rows)
    except Invalid as problem:
        return Draft([row.judged() for row in rows], "", "", tree=None, problem=problem)
    text = segment_language.printed(tree)
    return Draft(rows, text, text, tree=tree)


def _save(public_id: str, draft: Draft) -> AnyResponse:
    wanted = request.form.get("segment", "")
    with store.transaction() as session:
        owner = organisation.only_one(session)
        mailing_list = lists.named(session, owner, public_id)
        actor = member.present().actor
        if wanted:
            kept = segment.identified(session, owner, wanted)
            segment_use.change(session, kept, name=draft.name, source=draft.text)
            audit_log.record(session, owner.id, actor, "segment.changed", kept.public_id)
        else:
            kept = segment.create(session, owner, mailing_list, draft.name, draft.text)
            audit_log.record(session, owner.id, actor, "segment.created", kept.public_id)
        number = kept.public_id
    return page.back_to("segments.show_one", language.text("The segment is stored."), segment_id=number)


@blueprint.post("/segments/<segment_id>")
def act(segment_id: str) -> AnyResponse:
    """Copy a segment, offer it no more, or offer it again."""
    pressed = request.form.get("act", "")
    with store.transaction() as session:
        owner = organisation.only_one(session)
        found = segment.identified(session, owner, segment_id)
        match pressed:
            case "copy":
                found = segment.copy(session, owner, found)
                done, said = "segment.created", language.text("This is the copy. Give it a name of its own.")
            case "archive":
                segment.archive(found)
                done, said = "segment.archived", language.text("The segment is archived: it is offered no more.")
            case "restore":
                segment.restore(found)
                done, said = "segment.restored", language.text("The segment is offered again.")
            case _:
                raise Invalid("no_act", language.text("Nothing was chosen, so nothing was changed."))
        audit_log.record(session, owner.id, member.present().actor, done, found.public_id)
        number = found.public_id
    return page.back_to("segments.show_one", said, segment_id=number)


def _answer(session: Session, mailing_list: MailingList, known: Segment | None, draft: Draft) -> Response:
    check: Check | None = None
    people: list[Subscriber] = []
    if draft.tree is not None:
        draft.text = draft.text_was = _by_name(session, mailing_list, draft.tree)
        try:
            check = segment_check.of_tree(session, mailing_list, draft.tree)
            people = _people(session, mailing_list, draft.tree)
        except Invalid as problem:
            draft.problem = draft.problem or problem
    fragment = page.is_fragment()
    # A part of the page is swapped in whatever it says; a whole page with a problem is none that was asked for.
    status = problems.status_of(draft.problem) if draft.problem is not None and not fragment else 200
    return page.answer(
        session,
        "segment_part" if fragment else "segment",
        mailing_list=mailing_list,
        segment=known,
        uses=segment_use.uses(session, known) if known is not None else [],
        draft=draft,
        check=check,
        people=people,
        first=_FIRST_PEOPLE,
        phrases=segment_words.phrases(),
        choices=segment_words.choices(session, mailing_list),
        most=segment_tree.MOST_CONDITIONS,
        pointed=getattr(draft.problem, "pointed", ""),
        status=status,
    )


def _by_name(session: Session, mailing_list: MailingList, tree: Tree) -> str:
    """Return what rows say with the names of topics, whose ids stand in them."""
    return segment_language.printed(segment_topics.by_name(session, mailing_list.id, tree))


def _people(session: Session, mailing_list: MailingList, tree: Tree) -> list[Subscriber]:
    asked = segment_query.of_tree(session, mailing_list, tree).order_by(None).subquery()
    query = session.query(Subscriber).where(Subscriber.id.in_(asked.select())).order_by(Subscriber.id)
    return list(query.limit(_FIRST_PEOPLE))

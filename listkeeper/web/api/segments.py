"""Segments: some of a list's people, told by what they have in common; counted anew each time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import chain
from typing import Annotated, Any

from apiflask import APIBlueprint
from apiflask.schemas import FileSchema
from flask import Response, current_app, stream_with_context
from pydantic import Field
from sqlalchemy.orm import Session

from listkeeper import store
from listkeeper.accounts import api_key, audit_log
from listkeeper.accounts.api_key import ApiKey, Scope
from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import mailing_list
from listkeeper.audience.mailing_list import MailingList
from listkeeper.audience.profile_question import Use
from listkeeper.audience.segments import segment as segments
from listkeeper.audience.segments import segment_check, segment_language, segment_tree
from listkeeper.audience.segments.segment import Segment
from listkeeper.audience.segments.segment_check import Glance
from listkeeper.audience.segments.segment_tree import Tree
from listkeeper.campaigns import segment_use
from listkeeper.foundation import archive, clock, language, throttle
from listkeeper.foundation.errors import Invalid, TryAgain
from listkeeper.sending import exporting
from listkeeper.web.api import change, lock
from listkeeper.web.api.change import Done
from listkeeper.web.api.shape import ListId, Moment, Nothing, SegmentId, Shape

blueprint = APIBlueprint("api_segments", __name__, url_prefix=lock.NOW, tag="Segments")

_AN_HOUR = 12
_ZIP = "application/zip"
Text = Annotated[
    str,
    Field(
        max_length=segment_tree.LONGEST_TEXT,
        description="The segment in our own language; README has its table.",
        examples=["language is da and clicked within 30 days"],
    ),
]
Json = Annotated[
    dict[str, Any],
    Field(
        description="The same as a tree: `all`, `any`, `not`, or one `condition` with what stands in its places.",
        examples=[{"all": [{"condition": "language_is", "value": "da"}, {"condition": "clicked_within", "days": 30}]}],
    ),
]


class Wanted(Shape):
    """What a segment says, as text or as a tree; exactly one of them."""

    text: Text | None = None
    tree: Json | None = None


class NewSegment(Wanted):
    """A segment to be stored."""

    list: ListId
    name: Annotated[str, Field(max_length=200, examples=["Danes who read"])]


class Change(Wanted):
    """What shall be otherwise; what is left out stays."""

    name: Annotated[str | None, Field(max_length=200)] = None
    archived: bool | None = Field(default=None, description="Whether it is offered no more.")


class Asked(Wanted):
    """A segment to be counted and not stored."""

    list: ListId


class Said(Shape):
    """What a segment says, as text and as a tree."""

    text: Text
    tree: Json
    remarks: list[str] = Field(description="What is odd about it: nobody, everybody, or what does not exist.")


class Counted(Said):
    """How many people fit now."""

    count: int = Field(examples=[120])
    of: int = Field(description="Of how many confirmed people on the list.", examples=[400])


class User(Shape):
    """One thing that uses a segment."""

    kind: str = Field(examples=["letter"])
    id: str = Field(description="Its public id.", examples=["cmp_7k2v9m4c0x8q3w6n1t5z"])
    name: str = Field(examples=["Rye bread"])


class OneSegment(Said):
    """A segment, with how many people are in it now."""

    count: int | None = Field(
        description="Null when it cannot be counted, and `remarks` say why; also of an archived one among others.",
        examples=[120],
    )
    of: int | None = Field(description="Of how many confirmed people on the list; null as `count` is.", examples=[400])
    id: SegmentId
    list: ListId
    name: str = Field(examples=["Danes who read"])
    created_at: Moment
    archived_at: Moment | None
    used_by: Annotated[list[User], Field(description="What uses it now.")]  # type: ignore[valid-type]


class Segments(Shape):
    """The segments of a list."""

    segments: list[OneSegment]


@blueprint.get("/lists/<list_id>/segments")
@lock.needs(Scope.READ)
@blueprint.output(Segments)
def show(list_id: str) -> Segments:
    """Show the segments of a list, the archived ones too, each that is offered with how many are in it now.

    One alone says more: why it is nobody or everybody, and how many are in an archived one.
    """
    with store.reading() as session:
        owner = session.get_one(Organisation, lock.caller().organisation_id)
        found = mailing_list.named(session, owner, list_id)
        every, uses = segments.every(session, found), segment_use.uses_of(session, found)
        counted = segment_check.at_a_glance(session, found, [each for each in every if each.archived_at is None])
        return Segments(
            segments=[_shown(session, found, each, counted.get(each.id), uses.get(each.id, [])) for each in every]
        )


@blueprint.get("/segments/<segment_id>")
@lock.needs(Scope.READ)
@blueprint.output(OneSegment)
def show_one(segment_id: str) -> OneSegment:
    """Show one segment with how many are in it now."""
    with store.reading() as session:
        owner = session.get_one(Organisation, lock.caller().organisation_id)
        return _alone(session, segments.identified(session, owner, segment_id))


@blueprint.post("/segments")
@lock.needs(Scope.CAMPAIGNS)
@blueprint.input(NewSegment, arg_name="wanted")
@blueprint.output(OneSegment, status_code=201)
def add(wanted: NewSegment) -> Response:
    """Store a segment of a list. A mistake in its text is refused with its line and place."""

    def act(session: Session, owner: Organisation, key: ApiKey) -> Done:
        del key
        found = mailing_list.named(session, owner, wanted.list)
        made = segments.create(session, owner, found, wanted.name, segment_language.printed(_tree(wanted)))
        return _done(session, made, "segment.created", status=201)

    return change.made(act)


@blueprint.patch("/segments/<segment_id>")
@lock.needs(Scope.CAMPAIGNS)
@blueprint.input(Change, arg_name="wanted")
@blueprint.output(OneSegment)
def alter(segment_id: str, wanted: Change) -> Response:
    """Change the name or the text of a segment, or archive it; letters that left stay as they were."""

    def act(session: Session, owner: Organisation, key: ApiKey) -> Done:
        del key
        found = segments.identified(session, owner, segment_id)
        source = segment_language.printed(_tree(wanted)) if wanted.text is not None or wanted.tree is not None else None
        segment_use.change(session, found, name=wanted.name, source=source)
        if wanted.archived is not None:
            (segments.archive if wanted.archived else segments.restore)(found)
        return _done(session, found, "segment.changed")

    return change.made(act)


@blueprint.post("/segments/count")
@lock.needs(Scope.READ)
@blueprint.input(Asked, arg_name="wanted")
@blueprint.output(Counted)
def count(wanted: Asked) -> Counted:
    """Count whom a text or a tree is true of now. Nothing is stored."""
    tree = _tree(wanted)
    with store.reading() as session:
        owner = session.get_one(Organisation, lock.caller().organisation_id)
        return Counted(**_counted(session, mailing_list.named(session, owner, wanted.list), tree))


@blueprint.post("/segments/<segment_id>/exports")
@lock.needs(Scope.EXPORT)
@blueprint.input(Nothing, arg_name="nothing")
@blueprint.output(FileSchema(type="string", format="binary"), content_type=_ZIP)
def take(segment_id: str, nothing: Nothing) -> Response:
    """Take out the people of a segment.

    One ZIP of CSV and JSON Lines: they, their permissions with the texts, and
    their answers. It is no backup. The body is an empty object.
    """
    del nothing
    with store.transaction() as session:
        key = api_key.acting(session, lock.caller().key_id)
        owner = session.get_one(Organisation, key.organisation_id)
        number = segments.identified(session, owner, segment_id).id
        if not throttle.allow(session, "api-export", key.public_id, _AN_HOUR, timedelta(hours=1)):
            raise TryAgain("too_many_exports", language.text("That is enough for this hour. Please try again later."))
        audit_log.record(session, owner.id, key.actor, "segment.exported", segment_id)
    pieces = _pieces(number)
    answer = current_app.response_class(stream_with_context(chain([next(pieces)], pieces)), mimetype=_ZIP)
    answer.headers["Content-Disposition"] = f'attachment; filename="listkeeper-segment-{clock.now():%Y%m%d-%H%M%S}.zip"'
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _pieces(number: int) -> Iterator[bytes]:
    with store.snapshot() as session:
        found = session.get_one(Segment, number)
        what = exporting.of_segment(session, found, revision=store.newest_revision())
        yield from archive.pieces(session.connection(), what)


def _tree(wanted: Wanted) -> Tree:
    if (wanted.text is None) == (wanted.tree is None):
        raise Invalid("segment_missing", language.text("Give the segment as text or as a tree, and not as both."))
    if wanted.text is not None:
        return segment_language.parse(wanted.text)
    return segment_tree.of_json(wanted.tree)


def _counted(session: Session, on: MailingList, tree: Tree) -> dict[str, Any]:
    check = segment_check.of_tree(session, on, tree)
    return {
        "text": segment_language.printed(tree),
        "tree": segment_tree.as_json(tree),
        "count": check.count,
        "of": check.of,
        "remarks": [*check.sentences, *check.missing],
    }


def _alone(session: Session, found: Segment) -> OneSegment:
    on = session.get_one(MailingList, found.list_id)
    return _shown(session, on, found, segment_check.of_segment(session, on, found), segment_use.uses(session, found))


def _done(session: Session, found: Segment, action: str, *, status: int = 200) -> Done:
    """Return what was done; who fits is counted when it stands: while it is written, nobody else can write."""
    number, on = found.id, session.get_one(MailingList, found.list_id)
    return Done(
        _shown(session, on, found, None, segment_use.uses(session, found)),
        action,
        found.public_id,
        status=status,
        complete=lambda reading: _alone(reading, reading.get_one(Segment, number)),
    )


def _shown(session: Session, on: MailingList, found: Segment, counted: Glance | None, uses: list[Use]) -> OneSegment:
    return OneSegment(
        text=segments.said(session, found),
        tree=segment_tree.as_json(found.tree),
        count=counted.count if counted is not None else None,
        of=counted.of if counted is not None else None,
        remarks=list(counted.remarks) if counted is not None else [],
        id=found.public_id,
        list=on.public_id,
        name=found.name,
        created_at=clock.as_text(found.created_at),
        archived_at=clock.as_text(found.archived_at) if found.archived_at else None,
        used_by=[User(kind=use.kind, id=use.public_id, name=use.name) for use in uses],
    )

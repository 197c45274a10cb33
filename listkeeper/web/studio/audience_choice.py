"""To whom a letter goes: everybody on its list, or a segment of it, as chosen on the page that sends it."""

from __future__ import annotations

from flask import request
from sqlalchemy import ColumnElement
from sqlalchemy.orm import Session

from listkeeper.audience import segment as segments
from listkeeper.audience import segment_query
from listkeeper.audience.segment import Segment
from listkeeper.campaigns import segment_use
from listkeeper.campaigns.campaign import Campaign
from listkeeper.foundation import language
from listkeeper.foundation.errors import Conflict, NotFound

_FIELD = "segment"


def offered(session: Session, letter: Campaign) -> list[Segment]:
    """Return the segments a letter can go to."""
    return segments.all_of(session, letter.mailing_list)


def chosen(session: Session, letter: Campaign) -> Segment | None:
    """Return the segment that is looked at: the one in the address or the form, else the letter's own."""
    wanted = request.values.get(_FIELD)
    if wanted is None:
        return segment_use.of(session, letter)
    return next((each for each in offered(session, letter) if each.public_id == wanted), None)


def within(session: Session, segment: Segment | None) -> ColumnElement[bool] | None:
    """Return its condition, None for everybody."""
    return segment_query.within(session, segment) if segment is not None else None


def take(session: Session, letter: Campaign) -> None:
    """Let the letter go to whom the button said; a segment that was archived since sends nothing."""
    try:
        segment_use.choose(session, letter, request.form.get(_FIELD))
    except NotFound as problem:
        raise Conflict(problem.code, f"{problem.message} {language.text('Nothing was sent.')}") from problem

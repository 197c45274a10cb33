"""To whom a letter goes: everybody on its list, or some, as chosen on the page that sends it.

What was chosen and cannot be had any more is never everybody instead: then the
page says so, and has nothing to send with until somebody has chosen again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flask import request
from sqlalchemy.orm import Session

from listkeeper.audience import topic
from listkeeper.audience.segments import segment as segments
from listkeeper.audience.segments.segment import Segment
from listkeeper.audience.topic import Topic
from listkeeper.campaigns import recipients
from listkeeper.campaigns.campaign import Campaign
from listkeeper.campaigns.recipients import Whom
from listkeeper.foundation import language
from listkeeper.foundation.errors import Conflict, ListkeeperError, NotFound

_SEGMENT, _TOPIC = "segment", "topic"


@dataclass(frozen=True)
class Choice:
    """What stands in the address or the form, else the letter's own; ``fault`` says why it cannot be had."""

    whom: Whom
    about: Topic | None
    fault: ListkeeperError | None = None


def offered(session: Session, letter: Campaign) -> list[Segment]:
    """Return the segments a letter can go to: those of its list, and its own also when it is archived."""
    own, found = recipients.segment_of(session, letter), segments.all_of(session, letter.mailing_list)
    return found if own is None or own in found else [*found, own]


def chosen(session: Session, letter: Campaign) -> Choice:
    """Return what is looked at."""
    try:
        return Choice(
            recipients.of_segment(session, _segment(session, letter)), _topic(session, letter, request.values)
        )
    except ListkeeperError as problem:
        return Choice(Whom(), None, problem)


def take(session: Session, letter: Campaign) -> Topic | None:
    """Let the letter go to whom the button said, and return the topic beside it; what is gone since sends nothing."""
    try:
        recipients.choose(session, letter, request.form.get(_SEGMENT))
        return _topic(session, letter, request.form)
    except NotFound as problem:
        raise Conflict(problem.code, f"{problem.message} {language.text('Nothing was sent.')}") from problem


def _segment(session: Session, letter: Campaign) -> Segment | None:
    wanted = request.values.get(_SEGMENT)
    return recipients.segment_of(session, letter) if wanted is None else recipients.named(session, letter, wanted)


def _topic(session: Session, letter: Campaign, typed: Mapping[str, str]) -> Topic | None:
    wanted = typed.get(_TOPIC, "")
    return topic.named(session, letter.mailing_list, wanted) if wanted else None

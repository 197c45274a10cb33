"""Whom a letter goes to: who may be mailed on its list, of those its segment and its topic leave.

A letter's audience is frozen when it sets out, like any: who is in the segment
then gets it. What the segment said at that moment, with those inside it
written out, is kept on the letter, whatever becomes of the segment later. A
letter to some never becomes one to everybody because the words for the some
are missing.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session

from listkeeper.audience import subscription, topic
from listkeeper.audience.mailing_list import MailingList
from listkeeper.audience.segments import segment as segments
from listkeeper.audience.segments import segment_query
from listkeeper.audience.segments.segment import Segment
from listkeeper.campaigns.campaign import Campaign
from listkeeper.foundation import language
from listkeeper.foundation.errors import NotFound


@dataclass(frozen=True)
class Whom:
    """A segment with its condition over subscription and subscriber; without both it is everybody."""

    segment: Segment | None = None
    within: ColumnElement[bool] | None = None


def of_segment(session: Session, segment: Segment | None) -> Whom:
    """Return whom a letter to a segment goes to. Raises Invalid when it cannot be read with those inside it."""
    return Whom(segment, segment_query.within(session, segment)) if segment is not None else Whom()


def of_letter(session: Session, campaign: Campaign) -> Whom:
    """Return whom a letter is for. Raises NotFound when its segment is gone, Invalid when it cannot be read."""
    if campaign.segment_id is None:
        return Whom()
    found = segment_of(session, campaign)
    if found is None:
        raise NotFound(
            "no_segment", language.text("The segment this letter goes to does not exist any more. Nothing was sent.")
        )
    return of_segment(session, found)


def segment_of(session: Session, campaign: Campaign) -> Segment | None:
    """Return the segment a letter goes to, None when to everybody."""
    return session.get(Segment, campaign.segment_id) if campaign.segment_id is not None else None


def named(session: Session, campaign: Campaign, public_id: str) -> Segment | None:
    """Return the segment a letter shall go to; "" is everybody.

    Raises NotFound, also for an archived one that is not the letter's own: what uses a segment goes on using it.
    """
    if not public_id:
        return None
    own = segment_of(session, campaign)
    is_own = own is not None and own.public_id == public_id and own.list_id == campaign.list_id
    return own if is_own else segments.of_list(session, campaign.mailing_list, public_id)


def choose(session: Session, campaign: Campaign, public_id: str | None) -> Segment | None:
    """Let a letter go to a segment of its list; "" is everybody, None leaves it as it was. Raises as ``named``."""
    if public_id is not None:
        found = named(session, campaign, public_id)
        campaign.segment_id = found.id if found is not None else None
    return segment_of(session, campaign)


def audience(
    mailing_list: MailingList, about: str | None, *, practice: bool, within: ColumnElement[bool] | None = None
) -> Select[int]:
    """Return the SELECT of whom a letter would be planned for; ``about`` is the topic it is about, by public id.

    ``within`` is the condition of the segment that it goes to.
    """
    people = subscription.mailable(mailing_list, practice=practice)
    people = people.where(within) if within is not None else people
    return people.where(topic.wanted(about)) if about is not None else people


def size(
    session: Session,
    mailing_list: MailingList,
    about: str | None = None,
    *,
    practice: bool,
    within: ColumnElement[bool] | None = None,
) -> int:
    """Return how many people a letter would be planned for now."""
    people = audience(mailing_list, about, practice=practice, within=within).order_by(None).subquery()
    return session.scalar(select(func.count()).select_from(people)) or 0


def expected(session: Session, campaign: Campaign, *, practice: bool) -> int:
    """Return how many people a letter would be planned for now. Raises as ``of_letter``."""
    within = of_letter(session, campaign).within
    return size(session, campaign.mailing_list, campaign.topic, practice=practice, within=within)


def frozen(session: Session, campaign: Campaign, *, practice: bool) -> Select[int]:
    """Return the SELECT of whom a letter is planned for as it sets out, and keep on it what its segment says now."""
    whom = of_letter(session, campaign)
    campaign.segment_text = segments.whole_text(session, whom.segment) if whom.segment is not None else None
    return audience(campaign.mailing_list, campaign.topic, practice=practice, within=whom.within)

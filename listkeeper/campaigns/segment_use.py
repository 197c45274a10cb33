"""What uses a segment: a letter that goes to it, another segment with it inside; and what it means for a letter.

A letter's audience is frozen when it sets out, like any: who is in the segment
then gets it. What the segment said at that moment, with those inside it
written out, is kept on the letter, whatever becomes of the segment later.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from listkeeper.audience import segment as segments
from listkeeper.audience import segment_query
from listkeeper.audience.mailing_list import MailingList
from listkeeper.audience.profile_question import ProfileQuestion, Use
from listkeeper.audience.segment import Segment
from listkeeper.campaigns.campaign import Campaign, CampaignState
from listkeeper.campaigns.revision import Revision
from listkeeper.foundation import language
from listkeeper.foundation.errors import NotFound

SEGMENT, LETTER = "segment", "letter"
Finder = Callable[[Session, Segment], list[Use]]
_ASKS_ANSWERS = frozenset({"answer_is", "answer_is_not", "answer_known", "answer_unknown"})


def choose(session: Session, campaign: Campaign, public_id: str | None) -> Segment | None:
    """Let a letter go to a segment of its list; "" is everybody, None leaves it as it was. Raises NotFound."""
    if public_id is not None:
        found = segments.of_list(session, campaign.mailing_list, public_id) if public_id else None
        campaign.segment_id = found.id if found is not None else None
    return of(session, campaign)


def of(session: Session, campaign: Campaign) -> Segment | None:
    """Return the segment a letter goes to, None when to everybody."""
    return session.get(Segment, campaign.segment_id) if campaign.segment_id is not None else None


def within(session: Session, campaign: Campaign) -> ColumnElement[bool] | None:
    """Return the condition for whom a letter is, over subscription and subscriber. Raises NotFound when it is gone.

    A letter to some never becomes one to everybody because the words for the some are missing.
    """
    if campaign.segment_id is None:
        return None
    found = of(session, campaign)
    if found is None:
        raise NotFound(
            "no_segment", language.text("The segment this letter goes to does not exist any more. Nothing was sent.")
        )
    return segment_query.within(session, found)


def freeze(session: Session, campaign: Campaign) -> ColumnElement[bool] | None:
    """Return the same when a letter sets out, and keep on it what the segment says now."""
    found = of(session, campaign)
    campaign.segment_text = segments.whole_text(session, found) if found is not None else None
    return within(session, campaign)


def uses(session: Session, segment: Segment) -> list[Use]:
    """Return everything that uses a segment now."""
    return [use for find in FINDERS for use in find(session, segment)]


def _letters(session: Session, segment: Segment) -> list[Use]:
    """Find the letters that are still to go to it."""
    query = (
        select(Campaign.public_id, Revision.subject)
        .join(Revision, (Revision.campaign_id == Campaign.id) & (Revision.number == Campaign.version))
        .where(
            Campaign.segment_id == segment.id, Campaign.state != CampaignState.CANCELLED, Campaign.started_at.is_(None)
        )
        .order_by(Campaign.id)
    )
    return [Use(LETTER, public_id, subject) for public_id, subject in session.execute(query)]


def _segments(session: Session, segment: Segment) -> list[Use]:
    return [Use(SEGMENT, each.public_id, each.name) for each in segments.containing(session, segment)]


# Whatever else comes to use segments adds its finder.
FINDERS: tuple[Finder, ...] = (_letters, _segments)


def of_question(session: Session, question: ProfileQuestion) -> list[Use]:
    """Return the segments that ask for the answer to a question."""
    mailing_list = session.get_one(MailingList, question.list_id)
    asking = segments.named_in(session, mailing_list, _ASKS_ANSWERS)
    found = {each.id: each for each, condition in asking if condition.name == question.key}
    return [Use(SEGMENT, each.public_id, each.name) for each in found.values()]

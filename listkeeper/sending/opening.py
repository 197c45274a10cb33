"""Which letters somebody opened who lets that be seen: as far as one can tell, which is not far.

Many mail programs fetch the picture of a letter by themselves, or never. So it
is shown to her and to the owner, and nothing else reads it: it is no activity
(``audience.activity``), and no segment, clean-up, follow-up or rule of
permission asks for it.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from listkeeper.audience import tracking
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Subscription
from listkeeper.campaigns.link import CampaignLink, LinkRole
from listkeeper.campaigns.revision import Revision
from listkeeper.sending.delivery import Delivery
from listkeeper.sending.link_visit import Agent, LinkVisit, Verdict


class Opening(NamedTuple):
    """One time that the picture of a letter was fetched: of which letter, when, by what, and what that was."""

    delivery_id: int
    subject: str
    at: datetime
    by: Agent
    # None until it is judged.
    verdict: Verdict | None


def of_person(session: Session, subscriber_id: int) -> list[Opening]:
    """Return all that is held of a person, oldest first."""
    return _found(session, _held(subscriber_id))


def opened(session: Session, subscriber_id: int) -> list[Opening]:
    """Return the letters that she opened, as far as one can tell, each once as it began, the newest first.

    They are those of lists on which her yes to that stands now.
    """
    stands = (
        select(Subscription.list_id)
        .join(Subscriber, Subscriber.id == Subscription.subscriber_id)
        .where(Subscription.subscriber_id == subscriber_id, tracking.opens())
    )
    human = _held(subscriber_id).where(LinkVisit.verdict == Verdict.HUMAN, Delivery.list_id.in_(stands))
    first: dict[int, Opening] = {}
    for one in _found(session, human):
        first.setdefault(one.delivery_id, one)
    return sorted(first.values(), key=lambda one: one.at, reverse=True)


def _held(subscriber_id: int) -> Select[int, str, datetime, Agent, Verdict | None]:
    return (
        select(Delivery.id, Revision.subject, LinkVisit.at, LinkVisit.agent, LinkVisit.verdict)
        .select_from(LinkVisit)
        .join(Delivery, Delivery.id == LinkVisit.delivery_id)
        .join(Revision, Revision.id == Delivery.revision_id)
        .join(CampaignLink, CampaignLink.id == LinkVisit.link_id)
        .where(Delivery.subscriber_id == subscriber_id, CampaignLink.role == LinkRole.PICTURE)
        .order_by(LinkVisit.at, LinkVisit.id)
    )


def _found(session: Session, query: Select[int, str, datetime, Agent, Verdict | None]) -> list[Opening]:
    return [Opening(row[0], row[1], row[2], row[3], row[4]) for row in session.execute(query)]

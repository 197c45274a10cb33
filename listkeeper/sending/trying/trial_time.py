"""When a trial is judged: the time that was ordered counts from when most of its mails had come to their end.

What is planned has not left: a letter may be paused at once, or leave slowly,
and nobody answers a mail that has not come. So the clock starts when four of
five of the sample were handed over, or are otherwise at their end. Where some
of them wait again, because their owner tries them once more, it starts anew.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from listkeeper.campaigns.campaign import Campaign
from listkeeper.campaigns.trial import Trial
from listkeeper.foundation.outbox import Lane
from listkeeper.sending import pilot
from listkeeper.sending.delivery import IS_UNDER_WAY, IS_WAITING, Delivery

_FIRST, _ALL = 0, 1000


def most_have_left(session: Session, campaign: Campaign, trial: Trial) -> bool:
    """Return whether about so many came to their end; asked of the few rows that are open, so it may be asked often."""
    waits = and_(Delivery.lane == Lane.SENDING, IS_WAITING)
    # Each has a worker, and to say so leads SQLite to the small index.
    under_way = and_(Delivery.worker.is_not(None), IS_UNDER_WAY)
    here = and_(Delivery.campaign_id == campaign.id, Delivery.wave == _FIRST)
    still = sum(session.scalar(select(func.count()).where(rows, here)) or 0 for rows in (waits, under_way))
    return still * _ALL <= 2 * trial.each * (_ALL - pilot.LEAST_OUTCOMES)


def results_at(session: Session, campaign: Campaign, trial: Trial) -> datetime | None:
    """Return when the one look is due; None while more than a fifth of the sample is on its way. Reads all of it."""
    moment = pilot.most_ended(session, campaign)
    return moment + timedelta(minutes=trial.wait_minutes) if moment is not None else None

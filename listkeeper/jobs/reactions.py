"""Facts and what follows from them: one literal table, one domain call each."""

from __future__ import annotations

import time
from collections.abc import Callable

from sqlalchemy.orm import Session

from listkeeper import parts, store
from listkeeper.accounts import invitation
from listkeeper.audience import (
    access_link,
    access_wish,
    address_change,
    asking,
    confirmation,
    erasure,
    mailing_list,
    preferences,
    signup,
    subscriber,
    suppression,
)
from listkeeper.audience.importing import batch
from listkeeper.audience.proof import checkpoint
from listkeeper.campaigns import campaign
from listkeeper.foundation import log, outbox
from listkeeper.foundation.errors import TryAgain
from listkeeper.foundation.outbox import Lane
from listkeeper.jobs import importing, journal
from listkeeper.sending import delivery, planning, welcoming

_log = log.get(__name__)


def _decide_signup(session: Session, signup_id: int) -> None:
    signup.decide(session, signup_id, parts.limits())


def _follow_yes(session: Session, event_id: int) -> None:
    welcoming.after_yes(session, event_id, site=parts.settings().site)


def _hand_over_next(_session: Session, _subject_id: int) -> None:
    """Nothing to decide: the lane that this fact stands in is worked right after its facts."""


REACTIONS: dict[str, Callable[[Session, int], object]] = {
    signup.RECEIVED: _decide_signup,
    confirmation.ASKED: planning.mail_confirmation,
    confirmation.GIVEN: _follow_yes,
    asking.REMIND: planning.mail_reminder,
    access_wish.RECEIVED: access_wish.decide,
    access_link.ASKED: planning.mail_access,
    address_change.ASKED: planning.mail_new_address,
    address_change.MADE: planning.mail_old_address,
    invitation.ASKED: planning.mail_invitation,
    checkpoint.MADE: journal.write,
    suppression.ADDED: journal.write,
    erasure.ERASED: journal.write,
    subscriber.RESTRICTION: journal.write,
    mailing_list.DELETED: journal.write,
    preferences.CHOSEN: journal.write,
    batch.ASKED: importing.react,
    delivery.QUEUED: _hand_over_next,
    campaign.STARTED: _hand_over_next,
}


def react(lane: Lane, until: float) -> bool:
    """React to the waiting facts of a lane, each in a transaction of its own, until the monotonic moment.

    Returns whether more wait. Raises TryAgain when the database is away.
    """
    newest = 0
    while True:
        with store.reading() as session:
            waiting = outbox.waiting(session, lane, after=newest)
        if not waiting:
            return False
        for fact_id in waiting:
            if time.monotonic() >= until:
                return True
            _react_to(fact_id)
            newest = fact_id


def _react_to(fact_id: int) -> None:
    try:
        with store.transaction() as session:
            fact = outbox.claim(session, fact_id)
            if fact is None:
                return
            REACTIONS[fact.name](session, fact.subject_id)
            outbox.done(fact)
            # The facts this reaction wrote for its own lane are read in the next round of this very job.
            outbox.hush(session, fact.lane)
    except TryAgain:
        # The database was busy or away: no fault of this fact, so no try is counted. The timetable looks again.
        raise
    except Exception:  # noqa: BLE001 - one bad fact must not stop the others
        _log.exception("fact.reaction_failed", fact=fact_id)
        with store.transaction() as session:
            outbox.failed(session, fact_id)

"""Facts and what follows from them: one literal table, one domain call each."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from sqlalchemy.orm import Session

from listkeeper import parts, store
from listkeeper.accounts import invitation
from listkeeper.audience import (
    access_link,
    access_wish,
    address_change,
    answering,
    asking,
    confirmation,
    erasure,
    mailing_list,
    posted_event,
    preferences,
    signup,
    subscriber,
    subscription,
    suppression,
)
from listkeeper.audience.guard import defence
from listkeeper.audience.importing import batch
from listkeeper.audience.proof import checkpoint
from listkeeper.campaigns import campaign
from listkeeper.feedback import inbound
from listkeeper.foundation import log, outbox
from listkeeper.foundation.errors import TryAgain
from listkeeper.foundation.outbox import Lane
from listkeeper.jobs import coming_in, domains, importing, journal
from listkeeper.sending import delivery, link_visit, planning, welcoming
from listkeeper.sending.following import follow_up_entry

_log = log.get(__name__)


def _decide_signups(session: Session, signup_ids: list[int]) -> None:
    signup.decide_all(session, signup_ids, parts.limits(), _mail_at_once)


def _mail_at_once(session: Session, confirmation_ids: list[int]) -> None:
    # This lane is worked right after its facts; should its worker die before that, the timetable looks what is due.
    planning.mail_confirmations(session, confirmation_ids, announce=False)


def _ask_new_address(session: Session, change_id: int) -> None:
    if address_change.may_mail(session, change_id, parts.limits()):
        planning.mail_new_address(session, change_id)


def _follow_yes(session: Session, event_id: int) -> None:
    welcoming.after_yes(session, event_id, site=parts.settings().site)
    follow_up_entry.after_yes(session, event_id)


def _forget_visits(session: Session, subscriber_ids: list[int]) -> None:
    # In this order: the journal's lock is taken while nothing else is waited for.
    for number in subscriber_ids:
        link_visit.let_go(session, number)
    journal.write_all(session, subscriber_ids)


def _hand_over_next(_session: Session, _subject_ids: list[int]) -> None:
    """Nothing to decide: the lane that this fact stands in is worked right after its facts."""


REACTIONS: dict[str, Callable[[Session, int], object]] = {
    answering.GIVEN: _follow_yes,
    asking.REMIND: planning.mail_reminder,
    access_wish.RECEIVED: access_wish.decide,
    access_link.ASKED: planning.mail_access,
    address_change.ASKED: _ask_new_address,
    address_change.MADE: planning.mail_old_address,
    invitation.ASKED: planning.mail_invitation,
    defence.RAISED: planning.mail_defence,
    checkpoint.MADE: journal.write,
    erasure.ERASED: journal.write,
    subscriber.RESTRICTION: journal.write,
    mailing_list.DELETED: journal.write,
    preferences.CHOSEN: journal.write,
    batch.ASKED: importing.react,
    posted_event.POSTED: follow_up_entry.after_event,
}


# Facts that come by the hundred are reacted to together: what they cost is the commits, and the same rows read again.
TOGETHER: dict[str, Callable[[Session, list[int]], object]] = {
    signup.RECEIVED: _decide_signups,
    confirmation.ASKED: planning.mail_confirmations,
    suppression.ADDED: journal.write_all,
    subscription.TRACKING_ENDED: _forget_visits,
    delivery.QUEUED: _hand_over_next,
    campaign.STARTED: domains.ring_ahead,
    delivery.ENDED: coming_in.follow_answers,
    inbound.CAME_IN: coming_in.follow,
}
# What has to be learned outside, or read, before, with no transaction open.
BEFOREHAND: dict[str, Callable[[list[int]], object]] = {signup.RECEIVED: domains.ask, inbound.CAME_IN: coming_in.read}
_AT_ONCE = 16
_READ_AT_ONCE = 100
# Their reactions write no facts, and the bell rings for each that is written from now on. Where hundreds leave in a
# second, whoever looked again at once would go round for two or three of them each time.
_ONE_ROUND = frozenset({suppression.ADDED})


@dataclass(frozen=True)
class _Group:
    """Facts of one name that are reacted to in one transaction; a single one, for most names."""

    name: str
    facts: list[int]
    subjects: list[int]


def react(lane: Lane, until: float) -> bool:
    """React to the waiting facts of a lane, in transactions of their own, until the monotonic moment.

    Returns whether more wait. Raises TryAgain when the database is away.
    """
    newest = 0
    while True:
        with store.reading() as session:
            waiting = outbox.waiting_named(session, lane, _READ_AT_ONCE, after=newest)
        if not waiting:
            return False
        for group in _grouped(waiting):
            if time.monotonic() >= until:
                return True
            _react_to(group)
            newest = max(newest, *group.facts)
        if len(waiting) < _READ_AT_ONCE and _ONE_ROUND.issuperset(name for _number, name, _subject in waiting):
            return False


def _grouped(waiting: Sequence[tuple[int, str, int]]) -> Iterator[_Group]:
    """Yield facts as they came; those of one name that follow each other, and may, go together."""
    for name, run in groupby(waiting, key=lambda fact: fact[1]):
        facts = list(run)
        size = _AT_ONCE if name in TOGETHER else 1
        for start in range(0, len(facts), size):
            part = facts[start : start + size]
            yield _Group(name, [fact[0] for fact in part], [fact[2] for fact in part])


def _react_to(group: _Group) -> None:
    try:
        if group.name in BEFOREHAND:
            BEFOREHAND[group.name](group.subjects)
        with store.transaction() as session:
            claimed = outbox.claim_all(session, group.facts)
            _act(session, group.name, [fact.subject_id for fact in claimed])
            for fact in claimed:
                outbox.done(fact)
                # The facts this reaction wrote for its own lane are read in the next round of this very job.
                outbox.hush(session, fact.lane)
    except TryAgain:
        # The database was busy or away: no fault of this fact, so no try is counted. The timetable looks again.
        raise
    except Exception:  # noqa: BLE001 - one bad fact must not stop the others
        if len(group.facts) > 1:
            for number, subject in zip(group.facts, group.subjects, strict=True):
                _react_to(_Group(group.name, [number], [subject]))
            return
        _log.exception("fact.reaction_failed", fact=group.facts[0])
        with store.transaction() as session:
            outbox.failed(session, group.facts[0])


def _act(session: Session, name: str, subjects: list[int]) -> None:
    if not subjects:
        return
    if name in TOGETHER:
        TOGETHER[name](session, subjects)
        return
    for subject in subjects:
        REACTIONS[name](session, subject)

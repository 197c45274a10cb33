"""Taking up what came in: read beforehand, with no transaction open, then everything that follows in one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy.orm import Session

from listkeeper import store
from listkeeper.accounts import organisation
from listkeeper.feedback import answer, consequence, inbound, leave_burst, sender_incident, taking
from listkeeper.feedback.taking import Read
from listkeeper.foundation import log
from listkeeper.jobs import pacing

_log = log.get(__name__)
# How often ``look`` is called.
_EVERY = timedelta(minutes=1)
# What was read and waits for its transaction; a reaction that is tried again reads anew.
_read: dict[int, Read] = {}


def read(inbound_ids: Sequence[int]) -> None:
    """Read what came in: a mail may take seconds where somebody means harm, and nobody else shall wait for that."""
    _read.clear()
    with store.reading() as session:
        arrived = [found for number in inbound_ids if (found := inbound.opened(session, number)) is not None]
    for each in arrived:
        _read[each.id] = taking.read(each)


def follow(session: Session, inbound_ids: Sequence[int]) -> None:
    """Let happen what follows from what was read."""
    waiting = [found for number in inbound_ids if (found := _read.pop(number, None)) is not None]
    consequence.hold(session, set().union(*map(taking.about, waiting)))
    for found in waiting:
        taking.follow(session, found)


def look() -> None:
    """See what many single things mean together: a receiver that sends mail back, a scanner that presses buttons."""
    with store.transaction() as session:
        owner = organisation.maybe_one(session)
        if owner is None:
            return
        for refusing in sender_incident.look(session, owner):
            _log.warning("receiver.sends_back", provider=refusing.provider, faults=refusing.faults, of=refusing.of)
        domain, fast = owner.from_domain, sender_incident.slower(session, owner, _EVERY)
        for told in leave_burst.tell(session, owner):
            _log.warning("leaves.burst", provider=told.provider, incident=told.id)
    for provider in fast:
        pacing.slow(domain, provider)


def follow_answers(session: Session, delivery_ids: Sequence[int]) -> None:
    """Let happen what follows from answers of mail servers."""
    answer.take_up(session, delivery_ids)

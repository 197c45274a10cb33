"""A wave: people held back one after another by the same rule at the same receiver, looked at and mended as one.

Where a receiver had a bad hour, or we read its words wrongly, everybody of that
wave is written to again at one press. Only our own holds are lifted: who has
complained or left, or is held back by something else, stays away (promise 4).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, exists, func, select, update
from sqlalchemy.orm import Session

from listkeeper.accounts import audit_log
from listkeeper.audience import subscriber, suppression, undeliverable
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Subscription, SubscriptionState
from listkeeper.deliverability.reply_class import ReplyClass
from listkeeper.feedback.event import FeedbackEvent, Outcome
from listkeeper.feedback.undelivered import UndeliveredRun
from listkeeper.foundation import clock, language
from listkeeper.foundation.among import among
from listkeeper.foundation.errors import Conflict, NotFound

GAP = timedelta(hours=1)
# Fewer are no wave: each has a button of its own, on the person's page.
FEW = 5
OVER = timedelta(days=30)
# Only the newest things that were told are looked at; and what a made-up name asks for must not read a whole table.
_NEWEST, _WIDEST = 50_000, 1_000_000
_SAYINGS = 3
_NAME = re.compile(r"([1-9]\d{0,17})-([1-9]\d{0,17})")


@dataclass
class Wave:
    """One wave; ``first`` and ``last`` are the numbers of the events it begins and ends with, ``said`` their words."""

    first: int
    last: int
    rule: str
    provider: str | None
    reply_class: ReplyClass | None
    first_at: datetime
    last_at: datetime
    people: set[int] = field(default_factory=set)
    said: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        """What it is asked for by: one that grows meanwhile is another one."""
        return f"{self.first}-{self.last}"

    def take(self, told: FeedbackEvent) -> None:
        """Count one more of it."""
        self.last, self.last_at = told.id, max(self.last_at, told.received_at)
        if told.subscriber_id is not None:
            self.people.add(told.subscriber_id)
        if told.reply and told.reply not in self.said and len(self.said) < _SAYINGS:
            self.said.append(told.reply)


@dataclass(frozen=True)
class Lifted:
    """What came of it: whose hold was taken back, and how many of these get nothing all the same."""

    people: int
    away: int


def recent(session: Session, organisation_id: int, *, least: int = FEW) -> list[Wave]:
    """Return the waves of the last thirty days that stand, the newest first."""
    newest = (
        select(FeedbackEvent.id.label("id"))
        .where(FeedbackEvent.received_at > clock.now() - OVER)
        .order_by(FeedbackEvent.received_at.desc())
        .limit(_NEWEST)
        .subquery()
    )
    query = select(FeedbackEvent).join(newest, newest.c.id == FeedbackEvent.id)
    standing = session.scalars(query.where(*_standing(organisation_id)).order_by(FeedbackEvent.id))
    return [wave for wave in reversed(_parted(list(standing))) if len(wave.people) >= least]


def named(session: Session, organisation_id: int, name: str) -> Wave:
    """Return a wave by its name, as it was when somebody looked at it. Raises NotFound."""
    found = _NAME.fullmatch(name)
    first = session.get(FeedbackEvent, int(found[1])) if found else None
    if found is None or first is None or not 0 <= int(found[2]) - first.id <= _WIDEST:
        raise NotFound("no_wave", language.text("There is no such wave, or it has been taken back already."))
    wave = _begun(first)
    wave.last = int(found[2])
    for told in session.scalars(select(FeedbackEvent).where(*_of(organisation_id, wave)).order_by(FeedbackEvent.id)):
        wave.take(told)
    wave.last = int(found[2])
    if not wave.people:
        raise NotFound("no_wave", language.text("There is no such wave, or it has been taken back already."))
    return wave


def people(session: Session, wave: Wave, most: int) -> list[Subscriber]:
    """Return the first people of a wave."""
    query = select(Subscriber).where(among(Subscriber.id, "people")).order_by(Subscriber.id).limit(most)
    return list(session.scalars(query, {"people": sorted(wave.people)}))


def lift(session: Session, organisation_id: int, wave: Wave, *, actor: str) -> Lifted:
    """Take a whole wave back, as one batch; who is held back by anything else as well stays so."""
    subscriber.hold_each(session, wave.people)
    lifted = update(FeedbackEvent).where(*_of(organisation_id, wave)).values(lifted_at=clock.now())
    taken = {number for number in session.scalars(lifted.returning(FeedbackEvent.subscriber_id)) if number is not None}
    if not taken:
        raise Conflict("wave_lifted", language.text("This was taken back already. Nothing was changed."))
    otherwise = select(FeedbackEvent.subscriber_id).where(
        *_standing(organisation_id), among(FeedbackEvent.subscriber_id, "people")
    )
    kept = set(session.scalars(otherwise, {"people": sorted(taken)}))
    free = sorted(taken - kept)
    _write_again(session, free, actor)
    audit_log.record(session, organisation_id, actor, "bounce_wave.lifted", wave.name)
    return Lifted(len(taken), len(kept) + _away(session, organisation_id, free))


def lift_one(session: Session, person: Subscriber, *, actor: str) -> None:
    """Take back whatever we held back one person for; her complaints and leavings stay. Raises Conflict."""
    if person.id not in _write_again(session, [person.id], actor):
        raise Conflict("not_held", language.text("This person is not held back by us. Nothing was changed."))
    hers = update(FeedbackEvent).where(FeedbackEvent.subscriber_id == person.id, *_standing(person.organisation_id))
    session.execute(hers.values(lifted_at=clock.now()), execution_options={"synchronize_session": "fetch"})
    audit_log.record(session, person.organisation_id, actor, "bounce.lifted", person.public_id)


def _write_again(session: Session, numbers: Sequence[int], actor: str) -> list[int]:
    """Lift the holds of these people, and let their failures be counted anew."""
    released = undeliverable.release(session, numbers, actor=actor)
    anew = delete(UndeliveredRun).where(among(UndeliveredRun.subscriber_id, "people"))
    session.execute(anew, {"people": released}, execution_options={"synchronize_session": False})
    return released


def _away(session: Session, organisation_id: int, numbers: Sequence[int]) -> int:
    """Return how many of these get no letter all the same: they complained, left, or never said yes."""
    query = (
        select(func.count())
        .select_from(Subscriber)
        .where(
            among(Subscriber.id, "people"),
            exists().where(
                Subscription.subscriber_id == Subscriber.id, Subscription.state == SubscriptionState.CONFIRMED
            ),
            ~suppression.covers(organisation_id, Subscriber.suppression_key, (suppression.ALL, suppression.MARKETING)),
        )
    )
    return len(numbers) - (session.scalar(query, {"people": list(numbers)}) or 0)


def _standing(organisation_id: int) -> list[ColumnElement[bool]]:
    return [
        FeedbackEvent.organisation_id == organisation_id,
        FeedbackEvent.outcome == Outcome.HELD,
        FeedbackEvent.lifted_at.is_(None),
        FeedbackEvent.subscriber_id.is_not(None),
    ]


def _of(organisation_id: int, wave: Wave) -> list[ColumnElement[bool]]:
    """Return the condition for what is of a wave: its numbers first, so that the primary key finds them."""
    return [
        FeedbackEvent.id.between(wave.first, wave.last),
        # "IS NULL" where nobody knows the receiver.
        FeedbackEvent.provider == wave.provider,
        FeedbackEvent.rule == wave.rule,
        *_standing(organisation_id),
    ]


def _parted(standing: Sequence[FeedbackEvent]) -> list[Wave]:
    waves: list[Wave] = []
    open_ones: dict[tuple[str, str | None], Wave] = {}
    for told in standing:
        kind = (told.rule, told.provider)
        wave = open_ones.get(kind)
        if wave is None or told.received_at - wave.last_at > GAP:
            wave = open_ones[kind] = _begun(told)
            waves.append(wave)
        wave.take(told)
    return waves


def _begun(told: FeedbackEvent) -> Wave:
    return Wave(told.id, told.id, told.rule, told.provider, told.reply_class, told.received_at, told.received_at)

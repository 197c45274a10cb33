"""The promise: who writes to us is answered within so many hours, and what became of it, honestly.

The clock of a conversation runs around the clock, nights and Sundays too. What
was promised when it began is what counts, also when the promise is changed
later. Just before it breaks, the owners are told, once for each clock.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session, aliased

from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import thread
from listkeeper.audience.thread import Conversation, ConversationState
from listkeeper.audience.thread_mail import ConversationMail, Direction
from listkeeper.foundation import clock
from listkeeper.sending import incident, planning, watch_words
from listkeeper.sending.delivery import Delivery, DeliveryState
from listkeeper.sending.incident import Incident, IncidentKind

# Over which time the figure is told.
FIGURE_OF = timedelta(days=30)
# Nothing is left alone for longer (the figure says how many were).
ALONE = timedelta(hours=24)
# Who has written so often and is not done with has a matter that answers alone do not solve.
MANY_MAILS = 3
_LEFT_SHARE = 4
_LEFT_LEAST = timedelta(minutes=10)
_DID_NOT_ARRIVE = (DeliveryState.FAILED, DeliveryState.REFUSED, DeliveryState.BOUNCED, DeliveryState.CANCELLED)


@dataclass(frozen=True)
class Promise:
    """Within which time who writes gets an answer; the setting ``reply_hours``, and the one for what is urgent."""

    usual: timedelta = timedelta(hours=24)
    urgent: timedelta = timedelta(hours=1)

    def of(self, found: Conversation) -> timedelta:
        """Return what holds for a conversation."""
        return self.urgent if found.urgent else self.usual

    def due(self, found: Conversation) -> datetime:
        """Return until when a conversation is to be answered."""
        return found.due_at or found.waits_since + self.of(found)


@dataclass(frozen=True)
class Figure:
    """How the promise was kept: of so many conversations so many in time, the half of them within ``median``.

    ``letters`` counts those that were answered, and those that were not although their time is over; ``closed`` are
    those that were put away without an answer, which count neither way. ``alone`` have waited for more than a day.
    """

    letters: int
    in_time: int
    median: timedelta | None
    closed: int
    alone: int

    @property
    def per_mille(self) -> int | None:
        """The share in time; None where there was nothing to answer."""
        return self.in_time * 1000 // self.letters if self.letters else None


def figure(session: Session, organisation: Organisation, since: datetime) -> Figure:
    """Return how the promise was kept to whoever wrote since a moment."""
    moment, known = clock.now(), Conversation
    query = select(known.state, known.opened_at, known.due_at, known.first_answer_at, known.in_time, known.closed_at)
    query = query.where(
        known.organisation_id == organisation.id, known.opened_at >= since, known.state != ConversationState.SET_ASIDE
    )
    rows = session.execute(query).all()
    answered = [row for row in rows if row.first_answer_at is not None]
    unanswered = [row for row in rows if row.first_answer_at is None]
    late = [
        row for row in unanswered if row.state is ConversationState.OPEN and row.due_at and row.due_at < moment
    ]  # fmt: skip
    took = [row.first_answer_at - row.opened_at for row in answered]
    return Figure(
        letters=len(answered) + len(late),
        in_time=sum(bool(row.in_time) for row in answered),
        median=statistics.median(took) if took else None,
        # What was fine from the beginning (``tap``) wanted no answer.
        closed=sum(row.state is ConversationState.DONE and row.closed_at != row.opened_at for row in unanswered),
        alone=_alone(session, organisation, moment),
    )


def _alone(session: Session, organisation: Organisation, moment: datetime) -> int:
    query = select(func.count()).where(
        Conversation.organisation_id == organisation.id,
        Conversation.state == ConversationState.OPEN,
        Conversation.waits_since < moment - ALONE,
    )
    return session.scalar(query) or 0


def is_stuck(found: Conversation) -> bool:
    """Return whether somebody wrote again and again and is not done with."""
    return found.mails_in >= MANY_MAILS and found.state in {ConversationState.OPEN, ConversationState.ANSWERED}


def mark(found: Conversation, given: Promise, *, urgent: bool) -> None:
    """Say whether a conversation is urgent; its clock is set anew, from when she began to wait."""
    found.urgent, found.due_at, found.escalated_at = urgent, None, None
    found.due_at = given.due(found)


def nearly_over(found: Conversation, given: Promise) -> datetime:
    """Return when the owners are told: a quarter of the time is left, and ten minutes at least."""
    due = given.due(found)
    return due - max((due - found.waits_since) / _LEFT_SHARE, _LEFT_LEAST)


def is_anybody_there(session: Session, organisation: Organisation) -> bool:
    """Return whether a look would find anything: most minutes nobody waits, and nothing is told that is over."""
    query = select(Conversation.id).where(
        Conversation.organisation_id == organisation.id,
        Conversation.state.in_([ConversationState.OPEN, ConversationState.ANSWERED]),
    )
    known = incident.kinds_standing(session, [IncidentKind.REPLY_DUE])
    return session.scalars(query.limit(1)).first() is not None or bool(known[IncidentKind.REPLY_DUE])


def look(session: Session, organisation: Organisation, given: Promise) -> Incident | None:
    """Set clocks that nobody has set, open again what did not arrive, tell the owners of what is about to break.

    Returns the incident if they were told now. Called every minute.
    """
    _open_again(session, organisation)
    query = select(Conversation).where(
        Conversation.organisation_id == organisation.id, Conversation.state == ConversationState.OPEN
    )
    waiting = session.scalars(query.order_by(Conversation.id).with_for_update()).all()
    moment = clock.now()
    news = []
    for found in waiting:
        found.due_at = given.due(found)
        if found.escalated_at is None and nearly_over(found, given) <= moment:
            found.escalated_at = moment
            news.append(found)
    pressing = [found for found in waiting if found.escalated_at is not None]
    return _tell(session, organisation, pressing, anew=bool(news))


def _open_again(session: Session, organisation: Organisation) -> None:
    """Let those wait for us again whom our answer did not reach, with the clock that was running before."""
    later = aliased(ConversationMail)
    answered_again = exists().where(
        later.conversation_id == ConversationMail.conversation_id,
        later.direction == Direction.OUT,
        later.id > ConversationMail.id,
    )
    query = (
        select(Conversation, ConversationMail.at)
        .join(ConversationMail, ConversationMail.conversation_id == Conversation.id)
        .join(Delivery, Delivery.id == ConversationMail.delivery_id)
        .where(
            Conversation.organisation_id == organisation.id,
            Conversation.state == ConversationState.ANSWERED,
            Delivery.state.in_(_DID_NOT_ARRIVE),
            ConversationMail.direction == Direction.OUT,
            ~answered_again,
        )
    )
    for found, left_at in session.execute(query.order_by(Conversation.id).with_for_update(of=Conversation)).all():
        thread.move(found, ConversationState.OPEN)
        found.escalated_at = None
        if found.first_answer_at == left_at:
            found.first_answer_at = found.in_time = None


def _tell(session: Session, organisation: Organisation, pressing: list[Conversation], *, anew: bool) -> Incident | None:
    if not pressing:
        incident.over(session, IncidentKind.REPLY_DUE)
        return None
    facts = {"number": len(pressing), "minutes": _minutes_left(pressing)}
    stands = incident.report(session, IncidentKind.REPLY_DUE, watch_words.said(IncidentKind.REPLY_DUE, facts), facts)
    session.flush()
    if not anew:
        return None
    stands.told_at = clock.now()
    planning.mail_incident(session, organisation, stands)
    return stands


def _minutes_left(pressing: list[Conversation]) -> int:
    """Return the minutes until the first of them breaks; below zero where one is late."""
    first = min(found.due_at for found in pressing if found.due_at is not None)
    return int((first - clock.now()).total_seconds() // 60)

"""How long answers are kept: as long as something uses them.

An answer is used when a letter that names it (``{{ subscriber.KEY }}``) leaves
for the very person who gave it, and while a segment asks for it. Twelve months after it was given, or after the
last such letter, it is deleted; the audit log says how many went. A question
that no letter named for anybody in that time, and no segment, is not asked any more either.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from listkeeper.accounts import audit_log
from listkeeper.audience import profile, profile_question
from listkeeper.audience.mailing_list import MailingList
from listkeeper.audience.profile import ProfileAnswer
from listkeeper.audience.profile_question import ProfileQuestion, QuestionState
from listkeeper.campaigns import question_use, segment_use
from listkeeper.foundation import clock
from listkeeper.sending.delivery import LEFT, Delivery

_ACTOR = "timetable"


def due(session: Session) -> list[int]:
    """Return the questions with answers that are old enough to be looked at."""
    old = select(ProfileAnswer.question_id).where(
        ProfileAnswer.declined.is_(False), ProfileAnswer.given_at < _a_year_ago()
    )
    return list(session.scalars(select(ProfileQuestion.id).where(ProfileQuestion.id.in_(old))))


def forget(session: Session, question_id: int) -> bool:
    """Delete some answers to a question that nothing used for a year; True when there may be more."""
    question, since = session.get_one(ProfileQuestion, question_id), _a_year_ago()
    if segment_use.of_question(session, question):
        return False
    # Looked up once: a letter that leaves from now on keeps what it used.
    naming = question_use.revisions_naming(session, question)
    gone = profile.forget_unused(session, question, _used_since(naming, since), since)
    if not gone:
        return False
    owner = session.get_one(MailingList, question.list_id).organisation_id
    audit_log.record(session, owner, _ACTOR, "profile_answer.forgotten", f"{question.public_id} {gone}")
    if question.state is QuestionState.ASKED and not _used_for_anybody(session, naming, since):
        # What is not used is not asked.
        profile_question.stop(session, question)
        audit_log.record(session, owner, _ACTOR, "question.stopped", question.public_id)
    return True


def _used_since(naming: list[int], since: datetime) -> ColumnElement[bool]:
    """Return whether an answer was used after a moment; whatever else comes to use answers is asked here too."""
    reached = select(Delivery.subscriber_id).where(
        Delivery.revision_id.in_(naming),
        Delivery.state.in_(LEFT),
        Delivery.handed_at >= since,
        Delivery.subscriber_id.is_not(None),
    )
    return ProfileAnswer.subscriber_id.in_(reached)


def _used_for_anybody(session: Session, naming: list[int], since: datetime) -> bool:
    query = select(Delivery.id).where(
        Delivery.revision_id.in_(naming), Delivery.state.in_(LEFT), Delivery.handed_at >= since
    )
    return session.scalar(query.limit(1)) is not None


def _a_year_ago() -> datetime:
    return clock.months_later(clock.now(), -profile.UNUSED)

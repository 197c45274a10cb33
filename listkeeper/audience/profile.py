"""What a reader told about herself when she was asked: one answer to a question, hers to change and to take back.

An answer is given to the words it was asked in. "Rather not" is an answer too:
it is kept for as long as it keeps us from asking again, and says nothing else.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import ColumnElement, ForeignKey, Index, String, UniqueConstraint, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from listkeeper.audience import activity, profile_question, profile_words, subscriber, subscription
from listkeeper.audience.activity import Act, ActivityKind
from listkeeper.audience.profile_question import ProfileQuestion, QuestionState
from listkeeper.audience.profile_version import ProfileQuestionVersion
from listkeeper.audience.profile_words import ANSWER_LIMIT, QuestionKind
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import SubscriptionState
from listkeeper.foundation import clock, columns, language
from listkeeper.foundation.columns import UtcDateTime
from listkeeper.foundation.errors import Conflict, Invalid
from listkeeper.foundation.table import Table

# Who would rather not answer is left in peace for so long, and whoever did either is not asked more the same day.
PEACE = timedelta(days=90)
REST = timedelta(days=1)
# What was used for nothing for so long goes.
UNUSED = 12
_AT_ONCE = 5_000
# What a form or a link says for "rather not"; no choice has such a key.
RATHER_NOT = "-"


class How(StrEnum):
    """Where somebody was asked."""

    CONFIRMED = "confirmed"
    PREFERENCES = "preferences"
    LETTER = "letter"
    OWN_PAGE = "own_page"


class ProfileAnswer(Table):
    """One answer of one person to one question: the newest."""

    __tablename__ = "profile_answer"

    id: Mapped[int] = columns.row_id()
    subscriber_id: Mapped[int] = mapped_column(ForeignKey("subscriber.id"))
    question_id: Mapped[int] = mapped_column(ForeignKey("profile_question.id"))
    # The words she was asked in.
    version_id: Mapped[int] = mapped_column(ForeignKey("profile_question_version.id"))
    # Keys of choices, one a line, or her own words; empty when she would rather not say.
    value: Mapped[str] = mapped_column(String(1000), default="")
    declined: Mapped[bool] = mapped_column(default=False)
    how: Mapped[How] = columns.enum(How)
    given_at: Mapped[datetime] = mapped_column(UtcDateTime, default=clock.now)

    __table_args__ = (
        UniqueConstraint("subscriber_id", "question_id"),
        Index("ix_profile_answer_question", "question_id", "given_at"),
    )


Asked = tuple[ProfileQuestion, ProfileQuestionVersion]
"""A question in the words somebody is asked it."""


def give(session: Session, subscriber_id: int, asked: Asked, given: Sequence[str], how: How) -> ProfileAnswer:
    """Store an answer in place of an earlier one; ``given`` are keys of choices, or her own words.

    Raises Invalid for what is no answer to these words, Conflict when she
    is not asked (any more).
    """
    return _store(session, subscriber_id, asked, _checked(*asked, given), how)


def decline(session: Session, subscriber_id: int, asked: Asked, how: How) -> ProfileAnswer:
    """Note that somebody would rather not say; what she had said before is gone. Raises Conflict as ``give`` does."""
    return _store(session, subscriber_id, asked, "", how)


def _store(session: Session, subscriber_id: int, asked: Asked, value: str, how: How) -> ProfileAnswer:
    question, version = asked
    if not may_answer(session, subscriber.hold(session, subscriber_id), question):
        raise Conflict("question_over", language.text("This is not asked any more. Nothing was stored."))
    found = _of(session, subscriber_id, question.id)
    if found is None:
        found = ProfileAnswer(subscriber_id=subscriber_id, question_id=question.id)
        session.add(found)
    found.version_id, found.value, found.declined = version.id, value, not value
    found.how, found.given_at = how, clock.now()
    session.flush()
    if value:
        activity.note(session, [Act(subscriber_id, question.list_id, ActivityKind.ANSWERED, found.given_at)])
    return found


def may_answer(session: Session, person: Subscriber | None, question: ProfileQuestion) -> bool:
    """Return whether somebody is asked a question: on its list, her data in use, and the question still asked."""
    if person is None or person.restricted_at is not None or question.state is not QuestionState.ASKED:
        return False
    current = subscription.of(session, person.id, question.list_id)
    return current is not None and current.state is SubscriptionState.CONFIRMED


def _checked(question: ProfileQuestion, version: ProfileQuestionVersion, given: Sequence[str]) -> str:
    if question.kind is QuestionKind.TEXT:
        return _words(given)
    chosen = [key for key in version.choice_keys if key in given]
    if not chosen or (question.kind is QuestionKind.CHOICE and len(chosen) > 1):
        raise Invalid("answer_missing", language.text("Please choose an answer, or “Rather not”."))
    return "\n".join(chosen)


def _words(given: Sequence[str]) -> str:
    said = profile_words.answer_line(" ".join(given))
    if not said:
        raise Invalid("answer_missing", language.text("Please write an answer, or choose “Rather not”."))
    if len(said) > ANSWER_LIMIT:
        raise Invalid(
            "answer_too_long", language.text("Please shorten it to %(limit)s characters.", limit=ANSWER_LIMIT)
        )
    if "://" in said or "www." in said.lower():
        # It is printed in letters: nobody who was forwarded one shall put a link into the next.
        raise Invalid("answer_with_link", language.text("Please leave web addresses out."))
    return said


def take_back(session: Session, subscriber_id: int, question_id: int) -> bool:
    """Delete what somebody answered; False when there is nothing. She is not asked again for a while."""
    found = _of(session, subscriber_id, question_id)
    if found is None or found.declined:
        return False
    found.value, found.declined, found.given_at = "", True, clock.now()
    session.flush()
    return True


def _of(session: Session, subscriber_id: int, question_id: int) -> ProfileAnswer | None:
    query = select(ProfileAnswer).where(
        ProfileAnswer.subscriber_id == subscriber_id, ProfileAnswer.question_id == question_id
    )
    return session.scalars(query.execution_options(populate_existing=True)).first()


def answers_of(session: Session, subscribers: Collection[int]) -> dict[int, list[ProfileAnswer]]:
    """Return what some people answered, or would rather not, by person; one query for all of them."""
    found: dict[int, list[ProfileAnswer]] = {number: [] for number in subscribers}
    if found:
        query = select(ProfileAnswer).where(ProfileAnswer.subscriber_id.in_(list(found)))
        for answer in session.scalars(query):
            found[answer.subscriber_id].append(answer)
    return found


def next_of(asked: Iterable[Asked], given: Iterable[ProfileAnswer]) -> Asked | None:
    """Return which of the asked questions comes next for somebody; None when she is left in peace now."""
    moment = clock.now()
    done = {each.question_id: each for each in given}
    if any(each.given_at > moment - REST for each in done.values()):
        return None
    for question, version in asked:
        earlier = done.get(question.id)
        if earlier is None or (earlier.declined and earlier.given_at <= moment - PEACE):
            return question, version
    return None


def next_for(session: Session, person: Subscriber, list_id: int) -> Asked | None:
    """Return the one question somebody is asked next on a list, if there is one."""
    asked = profile_question.asked_on(session, [list_id])
    if not asked or not may_answer(session, person, asked[0][0]):
        return None
    return next_of(asked, answers_of(session, [person.id])[person.id])


def forget_unused(session: Session, question: ProfileQuestion, used_since: ColumnElement[bool], since: datetime) -> int:
    """Delete answers to a question that were given before ``since`` and used for nothing after it; return how many.

    ``used_since`` says of a row of answers whether it was used: whoever uses answers knows that.
    """
    old = (
        select(ProfileAnswer.id)
        .where(
            ProfileAnswer.question_id == question.id,
            ProfileAnswer.declined.is_(False),
            ProfileAnswer.given_at < since,
            ~used_since,
        )
        .order_by(ProfileAnswer.id)
        .limit(_AT_ONCE)
    )
    ids = list(session.scalars(old))
    if ids:
        gone = delete(ProfileAnswer).where(ProfileAnswer.id.in_(ids), ProfileAnswer.given_at < since)
        session.execute(gone.execution_options(synchronize_session=False))
    return len(ids)


def forget_declined(session: Session) -> None:
    """Delete every "rather not" that has served: she may be asked again."""
    over = delete(ProfileAnswer).where(ProfileAnswer.declined.is_(True), ProfileAnswer.given_at < clock.now() - PEACE)
    session.execute(over.execution_options(synchronize_session=False))

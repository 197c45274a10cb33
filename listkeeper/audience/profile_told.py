"""Answers in words: as a letter prints them, as a person's page lists them, and how many gave which."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, literal, select
from sqlalchemy.orm import Session, aliased

from listkeeper.audience.mailing_list import MailingList
from listkeeper.audience.profile import How, ProfileAnswer
from listkeeper.audience.profile_question import ProfileQuestion
from listkeeper.audience.profile_version import ProfileQuestionVersion
from listkeeper.audience.profile_words import QuestionKind
from listkeeper.audience.subscriber import Subscriber
from listkeeper.foundation.among import among
from listkeeper.foundation.compiled_once import CompiledOnce


@dataclass(frozen=True)
class Told:
    """An answer in words, with the question it was given to."""

    question_id: str
    key: str
    asked: str
    said: str
    declined: bool
    list_name: str
    how: How
    version: int
    given_at: datetime


@dataclass(frozen=True)
class Counted:
    """How often each choice was given, how many answered at all, and how many would rather not."""

    by_choice: dict[str, int]
    answered: int
    declined: int


def said_by(
    session: Session, subscribers: Collection[int], list_ids: Collection[int], keys: Collection[str], spoken: str
) -> dict[tuple[int, int], dict[str, str]]:
    """Return what some people answered, as letters print it, by person and list and key; one query for all of them.

    A choice is called what it is called today, or was when she chose it.
    """
    if not subscribers or not keys or not _is_asked(session, list_ids, keys):
        return {}
    now = aliased(ProfileQuestionVersion)
    query = (
        select(ProfileAnswer, ProfileQuestion, ProfileQuestionVersion, now)
        .join(ProfileQuestion, ProfileQuestion.id == ProfileAnswer.question_id)
        .join(ProfileQuestionVersion, ProfileQuestionVersion.id == ProfileAnswer.version_id)
        .join(now, (now.question_id == ProfileQuestion.id) & (now.number == ProfileQuestion.version))
        .where(
            ProfileAnswer.subscriber_id.in_(list(subscribers)),
            ProfileAnswer.declined.is_(False),
            ProfileQuestion.list_id.in_(list(list_ids)),
            ProfileQuestion.key.in_(list(keys)),
        )
    )
    found: dict[tuple[int, int], dict[str, str]] = {}
    for answer, question, then, today in session.execute(query):
        printed = in_words(question, answer, {**then.names(spoken), **today.names(spoken)})
        found.setdefault((answer.subscriber_id, question.list_id), {})[question.key] = printed
    return found


def _is_asked(session: Session, list_ids: Collection[int], keys: Collection[str]) -> bool:
    """Return whether anybody may have answered: most letters name nothing that is asked."""
    asked = _KEYS.rows(session.connection(), {"lists": list_ids})
    return any(key in keys for (key,) in asked)


_KEYS = CompiledOnce(select(ProfileQuestion.key).where(among(ProfileQuestion.list_id, "lists")))


def in_words(question: ProfileQuestion, answer: ProfileAnswer, names: Mapping[str, str]) -> str:
    """Say an answer, given what the choices are called."""
    if question.kind is QuestionKind.TEXT:
        return answer.value
    return ", ".join(names.get(key, key) for key in answer.value.split("\n") if key)


def told_by(session: Session, person: Subscriber, spoken: str) -> list[Told]:
    """Return everything somebody answered, in words, the newest first."""
    query = (
        select(ProfileAnswer, ProfileQuestion, ProfileQuestionVersion, MailingList.name)
        .join(ProfileQuestion, ProfileQuestion.id == ProfileAnswer.question_id)
        .join(ProfileQuestionVersion, ProfileQuestionVersion.id == ProfileAnswer.version_id)
        .join(MailingList, MailingList.id == ProfileQuestion.list_id)
        .where(ProfileAnswer.subscriber_id == person.id)
        .order_by(ProfileAnswer.given_at.desc(), ProfileAnswer.id.desc())
    )
    return [
        Told(
            question_id=question.public_id,
            key=question.key,
            asked=version.wording(spoken)[1].question,
            said=in_words(question, answer, version.names(spoken)),
            declined=answer.declined,
            list_name=list_name,
            how=answer.how,
            version=version.number,
            given_at=answer.given_at,
        )
        for answer, question, version, list_name in session.execute(query)
    ]


def counts(session: Session, question: ProfileQuestion) -> Counted:
    """Return how people answered; in own words only how many did."""
    query = select(ProfileAnswer.value, ProfileAnswer.declined, func.count()).where(
        ProfileAnswer.question_id == question.id
    )
    if question.kind is QuestionKind.TEXT:
        query = query.with_only_columns(literal(""), ProfileAnswer.declined, func.count()).group_by(
            ProfileAnswer.declined
        )
    else:
        query = query.group_by(ProfileAnswer.value, ProfileAnswer.declined)
    by_choice: Counter[str] = Counter()
    answered = declined = 0
    for value, would_not, number in session.execute(query):
        if would_not:
            declined += number
            continue
        answered += number
        by_choice.update(dict.fromkeys(filter(None, value.split("\n")), number))
    return Counted(dict(by_choice), answered, declined)

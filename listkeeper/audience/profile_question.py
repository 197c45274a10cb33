"""A question that a list asks its readers later, one at a time: who may ask what, in which words, since when.

Nobody is asked before the owner has said why, what people get by it, and
before something uses the answer. Words that people were asked in never change:
other words are another version, and an answer names the one it was given to.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import count

from sqlalchemy import ForeignKey, Integer, String, UniqueConstraint, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import mailing_list as lists
from listkeeper.audience import profile_version, profile_words, signup_form
from listkeeper.audience.mailing_list import MailingList
from listkeeper.audience.profile_version import ProfileQuestionVersion
from listkeeper.audience.profile_words import QuestionKind, Words
from listkeeper.foundation import clock, columns, language
from listkeeper.foundation.columns import UtcDateTime
from listkeeper.foundation.errors import Conflict, Invalid, NotFound
from listkeeper.foundation.table import Table

_KEY = re.compile(r"[a-z][a-z0-9_]{0,39}")
# More than this on one list is a survey.
MOST = 20


class QuestionState(StrEnum):
    """Only an asked question is shown to anybody."""

    DRAFT = "draft"
    ASKED = "asked"
    STOPPED = "stopped"


S = QuestionState
TRANSITIONS: dict[QuestionState, frozenset[QuestionState]] = {
    S.DRAFT: frozenset({S.ASKED}),
    S.ASKED: frozenset({S.STOPPED}),
    # It may be asked again, in the same words or in others.
    S.STOPPED: frozenset({S.ASKED}),
}


@dataclass(frozen=True)
class Use:
    """One thing that uses the answers to a question: which kind of thing, its public id and what it is called."""

    kind: str
    public_id: str
    name: str


class ProfileQuestion(Table):
    """One question; its words live in versions."""

    __tablename__ = "profile_question"

    id: Mapped[int] = columns.row_id()
    public_id: Mapped[str] = columns.public_id("qst")
    list_id: Mapped[int] = mapped_column(ForeignKey("mailing_list.id"))
    # What a letter calls the answer: {{ subscriber.KEY }}.
    key: Mapped[str] = mapped_column(String(40))
    kind: Mapped[QuestionKind] = columns.enum(QuestionKind)
    state: Mapped[QuestionState] = columns.enum(QuestionState, default=QuestionState.DRAFT)
    position: Mapped[int] = mapped_column(Integer)
    # The number of the newest version.
    version: Mapped[int] = mapped_column(Integer, default=1)
    # What used the answers when people began to be asked, for the record; what uses them now is looked up.
    used_for: Mapped[list[str]] = mapped_column(columns.Json, default=list)
    asked_since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = columns.created_at()

    __table_args__ = (UniqueConstraint("list_id", "key"),)


def create(  # noqa: PLR0913 - a list, a name, and the words
    session: Session,
    organisation: Organisation,
    mailing_list: MailingList,
    name: str,
    *,
    kind: QuestionKind,
    words: Words,
) -> ProfileQuestion:
    """Store a new question that nobody is asked yet.

    ``name`` is what letters call the answer. Raises Invalid for a name or words
    that cannot be, Conflict when the list has a question of that name.
    """
    here = every(session, mailing_list)
    if len(here) >= MOST:
        raise Conflict("too_many_questions", language.text("A list can have 20 questions. Remove one first."))
    key = _key(name)
    if any(each.key == key for each in here):
        raise Conflict("question_exists", language.text("This list has a question “%(name)s” already.", name=key))
    kept = profile_words.tidied(_first(words, organisation), kind)
    place = max((each.position for each in here), default=0) + 1
    made = ProfileQuestion(list_id=mailing_list.id, key=key, kind=kind, position=place, version=1)
    session.add(made)
    session.flush()
    session.add(profile_version.first(made, kept))
    session.flush()
    return made


def _first(words: Words, organisation: Organisation) -> Words:
    """Return the words with those in the business's own language before the others."""
    first = organisation.language
    return {code: words[code] for code in sorted(words, key=lambda code: code != first)}


def _key(name: str) -> str:
    typed = name.strip()
    key = lists.slug_of(typed).replace("-", "_")[:40].strip("_") if any(map(str.isalnum, typed)) else ""
    if not _KEY.fullmatch(key):
        raise Invalid(
            "question_name", language.text("Please give the answer a short name that begins with a letter: cake, size.")
        )
    return key


def reword(
    session: Session, organisation: Organisation, question: ProfileQuestion, words: Words
) -> ProfileQuestionVersion:
    """Store other words; while people are asked, they are asked in these at once.

    Words that somebody was asked in stay as they are: these become the next
    version. Raises Invalid as ``create`` does, and while people are asked also
    as ``start`` does.
    """
    session.refresh(question, with_for_update=True)
    kept = profile_words.tidied(_first(words, organisation), question.kind)
    asked = question.state is QuestionState.ASKED
    if asked:
        about = session.get_one(MailingList, question.list_id)
        profile_words.demand_whole(kept, question.kind, languages_of(session, organisation, about))
    current = profile_version.newest(session, question)
    if current.words == {code: wording.as_stored for code, wording in kept.items()}:
        return current
    if current.asked_at is None:
        profile_version.write(current, question, kept, current)
        return current
    question.version += 1
    made = profile_version.following(current, question, kept)
    made.asked_at = clock.now() if asked else None
    session.add(made)
    session.flush()
    return made


def move(question: ProfileQuestion, target: QuestionState) -> None:
    """Change the state by the table above. Raises Conflict for a way that does not exist."""
    if target not in TRANSITIONS[question.state]:
        raise Conflict(
            "question_state",
            language.text("That cannot be done with this question now. Load the page again to see how it stands."),
        )
    question.state = target


def start(session: Session, organisation: Organisation, question: ProfileQuestion, uses: Sequence[Use]) -> None:
    """Begin to ask; ``uses`` is what uses the answers now.

    Raises Invalid when why or benefit is missing in a language of the list's
    forms, or when nothing uses the answers, Conflict when it is asked already.
    """
    session.refresh(question, with_for_update=True)
    about = session.get_one(MailingList, question.list_id)
    current = profile_version.newest(session, question)
    words = profile_words.tidied(profile_version.worded(current, organisation), question.kind)
    profile_words.demand_whole(words, question.kind, languages_of(session, organisation, about))
    if not uses:
        raise Invalid(
            "question_not_used",
            language.text(
                "Nothing uses the answer yet. Put {{ subscriber.%(key)s }} into a letter to this list first: "
                "what is not used is not asked.",
                key=question.key,
            ),
        )
    move(question, QuestionState.ASKED)
    question.asked_since = clock.now()
    question.used_for = [f"{use.kind} {use.public_id}" for use in uses]
    current.asked_at = current.asked_at or question.asked_since
    session.flush()


def stop(session: Session, question: ProfileQuestion) -> None:
    """Ask nobody any more; answers that were given stay until nothing uses them. Raises Conflict when not asked."""
    session.refresh(question, with_for_update=True)
    move(question, QuestionState.STOPPED)
    session.flush()


def remove(session: Session, question: ProfileQuestion) -> None:
    """Delete a question that nobody was ever asked. Raises Conflict for another one."""
    if question.state is not QuestionState.DRAFT:
        raise Conflict("question_state", language.text("People were asked this. Stop it instead."))
    for version in session.scalars(profile_version.all_of(question)):
        session.delete(version)
    session.flush()
    session.delete(question)
    session.flush()


def languages_of(session: Session, organisation: Organisation, mailing_list: MailingList) -> list[str]:
    """Return the languages people of a list are asked in: the business's own, and those of the list's forms."""
    forms = (form.language for form in signup_form.all_of(session, mailing_list))
    return list(dict.fromkeys((organisation.language, *forms)))


def every(session: Session, mailing_list: MailingList) -> list[ProfileQuestion]:
    """Return all questions of a list, in the order they are asked."""
    query = select(ProfileQuestion).where(ProfileQuestion.list_id == mailing_list.id)
    return list(session.scalars(query.order_by(ProfileQuestion.position, ProfileQuestion.id)))


def keys_on(session: Session, list_id: int) -> list[str]:
    """Return what letters to a list may call its answers, whether or not people are asked (any more)."""
    return list(session.scalars(select(ProfileQuestion.key).where(ProfileQuestion.list_id == list_id)))


def asked_on(session: Session, list_ids: Iterable[int]) -> list[tuple[ProfileQuestion, ProfileQuestionVersion]]:
    """Return the questions that are asked on some lists with their words, in the order they are asked."""
    query = (
        select(ProfileQuestion, ProfileQuestionVersion)
        .join(
            ProfileQuestionVersion,
            (ProfileQuestionVersion.question_id == ProfileQuestion.id)
            & (ProfileQuestionVersion.number == ProfileQuestion.version),
        )
        .where(ProfileQuestion.list_id.in_(list(list_ids)), ProfileQuestion.state == QuestionState.ASKED)
        .order_by(ProfileQuestion.position, ProfileQuestion.id)
    )
    return [(row[0], row[1]) for row in session.execute(query)]


def identified(session: Session, organisation: Organisation, public_id: str) -> ProfileQuestion:
    """Return the organisation's question with a public id. Raises NotFound."""
    query = (
        select(ProfileQuestion)
        .join(MailingList, MailingList.id == ProfileQuestion.list_id)
        .where(ProfileQuestion.public_id == public_id, MailingList.organisation_id == organisation.id)
    )
    found = session.scalars(query).first()
    if found is None:
        raise NotFound("no_question", language.text("There is no question with the id %(id)s.", id=public_id[:60]))
    return found


def move_up(session: Session, question: ProfileQuestion) -> None:
    """Ask a question before the one that is asked before it now."""
    before = (
        select(ProfileQuestion)
        .where(ProfileQuestion.list_id == question.list_id, ProfileQuestion.position < question.position)
        .order_by(ProfileQuestion.position.desc())
        .limit(1)
    )
    other = session.scalars(before).first()
    if other is not None:
        other.position, question.position = question.position, other.position


def follow(session: Session, source: MailingList, target: MailingList, used: Collection[str] = ()) -> dict[str, str]:
    """Let the questions of a list come along when its people do; one whose name is taken there is asked no more.

    It stays behind, unless its name is in ``used``: then it comes along under another. Returns, of the names in
    ``used``, the other one of each that is taken, whether or not there is a question of that name.
    """
    taken = set(keys_on(session, target.id))
    renamed = _renamed(taken, set(keys_on(session, source.id)), used)
    highest = select(func.coalesce(func.max(ProfileQuestion.position), 0)).where(ProfileQuestion.list_id == target.id)
    place = session.scalar(highest) or 0
    for each in every(session, source):
        if each.key in taken and each.state is QuestionState.ASKED:
            move(each, QuestionState.STOPPED)
        if each.key not in taken or each.key in renamed:
            place += 1
            each.key = renamed.get(each.key, each.key)
            each.list_id, each.position = target.id, place
    session.flush()
    return renamed


def _renamed(there: set[str], here: set[str], used: Iterable[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for key in sorted(there & set(used)):
        others = there | here | set(found.values())
        found[key] = next(name for number in count(2) if (name := f"{key[:36]}_{number}") not in others)
    return found

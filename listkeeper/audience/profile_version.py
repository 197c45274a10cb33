"""The words of a question in versions: what somebody was asked in never changes, and other words are the next one."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Protocol

from sqlalchemy import ForeignKey, Integer, Select, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import profile_words
from listkeeper.audience.profile_words import QuestionKind, Wording, Words
from listkeeper.foundation import columns, language
from listkeeper.foundation.columns import UtcDateTime
from listkeeper.foundation.table import Table
from listkeeper.standards import canonical_json


class Asked(Protocol):
    """What a version has to know of its question (``profile_question.ProfileQuestion``)."""

    @property
    def id(self) -> int:
        """Its number."""

    @property
    def key(self) -> str:
        """What letters call the answer."""

    @property
    def kind(self) -> QuestionKind:
        """How it is answered."""

    @property
    def version(self) -> int:
        """The number of its newest version."""


class ProfileQuestionVersion(Table):
    """The words of a question; once somebody was asked in them, they stay."""

    __tablename__ = "profile_question_version"

    id: Mapped[int] = columns.row_id()
    question_id: Mapped[int] = mapped_column(ForeignKey("profile_question.id"))
    number: Mapped[int] = mapped_column(Integer)
    # By language: question, why, benefit, and the choices in the order of ``choice_keys``.
    words: Mapped[dict[str, dict[str, object]]] = mapped_column(columns.Json)
    choice_keys: Mapped[list[str]] = mapped_column(columns.Json, default=list)
    sha256: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime] = columns.created_at()
    asked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__ = (UniqueConstraint("question_id", "number"),)

    @property
    def spoken(self) -> list[str]:
        """The languages it is worded in."""
        return sorted(self.words)

    def wording(self, spoken: str, otherwise: str = "") -> tuple[str, Wording]:
        """Return the words in a language, else in another one, else in any; and which language that is."""
        code = next(each for each in (spoken, otherwise, *self.spoken) if each in self.words)
        return code, Wording.stored(self.words[code])

    @property
    def keys_by_name(self) -> dict[tuple[str, str], str]:
        """The keys of the choices, by language and name."""
        return {
            (code, name.casefold()): key
            for code in self.words
            for name, key in zip(self.wording(code)[1].choices, self.choice_keys, strict=False)
        }

    def names(self, spoken: str, otherwise: str = "") -> dict[str, str]:
        """Return what the choices are called, by their keys."""
        return dict(zip(self.choice_keys, self.wording(spoken, otherwise)[1].choices, strict=False))


def first(question: Asked, words: Words) -> ProfileQuestionVersion:
    """Return the first words of a question."""
    made = ProfileQuestionVersion(question_id=question.id, number=1)
    write(made, question, words, None)
    return made


def following(former: ProfileQuestionVersion, question: Asked, words: Words) -> ProfileQuestionVersion:
    """Return the words that come after others; choices that are called the same are the same."""
    made = ProfileQuestionVersion(question_id=question.id, number=former.number + 1)
    write(made, question, words, former)
    return made


def write(
    version: ProfileQuestionVersion, question: Asked, words: Words, former: ProfileQuestionVersion | None
) -> None:
    """Put words into a version that nobody was asked in."""
    known = former.keys_by_name if former is not None else {}
    version.choice_keys = profile_words.keys_of(words, known)
    version.words = {code: wording.as_stored for code, wording in words.items()}
    named = {"key": question.key, "kind": question.kind.value, "choices": version.choice_keys, "words": version.words}
    version.sha256 = hashlib.sha256(canonical_json.dumps(named)).hexdigest()


def worded(version: ProfileQuestionVersion, organisation: Organisation) -> dict[str, Wording]:
    """Return the words of a version by language, the business's own first."""
    first = organisation.language
    codes = sorted(version.words, key=lambda code: (code != first, language.LANGUAGES.index(code)))
    return {code: Wording.stored(version.words[code]) for code in codes}


def all_of(question: Asked) -> Select[ProfileQuestionVersion]:
    """Return the SELECT of all versions of a question."""
    return select(ProfileQuestionVersion).where(ProfileQuestionVersion.question_id == question.id)


def newest(session: Session, question: Asked) -> ProfileQuestionVersion:
    """Return the newest words of a question."""
    return session.scalars(all_of(question).where(ProfileQuestionVersion.number == question.version)).one()


def asked_version(session: Session, question: Asked, number: int) -> ProfileQuestionVersion:
    """Return the version with a number if people were asked in it, else the newest."""
    query = all_of(question).where(
        ProfileQuestionVersion.number == number, ProfileQuestionVersion.asked_at.is_not(None)
    )
    return session.scalars(query).first() or newest(session, question)

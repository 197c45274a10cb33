"""The words of a question: what is asked, why, what the reader gets by answering, and the choices, in each language.

What a choice is called may differ between languages; which choice it is, is
named by its key, made from its name in the first language.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum

from babel import Locale

from listkeeper.audience import mailing_list, special_category
from listkeeper.foundation import language
from listkeeper.foundation.errors import Invalid

QUESTION_LIMIT, REASON_LIMIT, CHOICE_LIMIT = 140, 200, 60
# More than a phone shows at once is a form, and no question.
FEWEST, MOST = 2, 8
ANSWER_LIMIT = 80


class QuestionKind(StrEnum):
    """How a question is answered."""

    CHOICE = "choice"
    CHOICES = "choices"
    TEXT = "text"


@dataclass(frozen=True)
class Wording:
    """A question in one language."""

    question: str
    why: str = ""
    benefit: str = ""
    choices: tuple[str, ...] = ()

    @classmethod
    def stored(cls, words: Mapping[str, object]) -> Wording:
        """Return the wording of a stored version."""
        choices = words["choices"]
        texts = {name: str(words[name]) for name in ("question", "why", "benefit")}
        return cls(**texts, choices=tuple(map(str, choices)) if isinstance(choices, list) else ())

    @property
    def as_stored(self) -> dict[str, object]:
        """The wording as plain JSON."""
        return {**asdict(self), "choices": list(self.choices)}


Words = Mapping[str, Wording]
"""The wording in each language, the first one being that of the business."""


def in_words(kind: QuestionKind) -> str:
    """Say how a question is answered."""
    return {
        QuestionKind.CHOICE: language.text("One of some answers"),
        QuestionKind.CHOICES: language.text("Several of some answers"),
        QuestionKind.TEXT: language.text("A few words of their own"),
    }[kind]


def tidied(words: Words, kind: QuestionKind) -> dict[str, Wording]:
    """Return the words on one line each, without languages in which nothing is said.

    Raises Invalid for words that are too long or too many, that do not fit the
    kind, or that ask for what the law keeps apart. What is only missing may be
    stored: ``demand_whole`` is for the moment when people are asked.
    """
    found = {code: _tidy(wording) for code, wording in words.items() if code in language.LANGUAGES}
    kept = {code: wording for code, wording in found.items() if wording != Wording("")}
    if not kept or not next(iter(kept.values())).question:
        raise Invalid("question_missing", language.text("Please write the question."))
    for code, wording in kept.items():
        _demand_short(wording)
        _demand_choices(wording, kind)
        _demand_harmless(wording, code)
    return kept


def keys_of(words: Words, known: Mapping[tuple[str, str], str]) -> list[str]:
    """Return the keys of the choices; ``known`` are those of the version before, by language and name.

    What is still called the same in one language is the same choice; any other is a new one.
    """
    made: list[str] = []
    for place, name in enumerate(next(iter(words.values())).choices):
        called = [(code, wording.choices[place]) for code, wording in words.items() if place < len(wording.choices)]
        same = next((known[code, each.casefold()] for code, each in called if (code, each.casefold()) in known), "")
        key = same or (mailing_list.slug_of(name) if any(map(str.isalnum, name)) else f"choice-{place + 1}")
        made.append(key if key not in made else f"{key}-{place + 1}")
    return made


def demand_whole(words: Words, kind: QuestionKind, languages: Sequence[str]) -> None:
    """Raise Invalid unless everything is said in each language that people are asked in."""
    size = len(next(iter(words.values())).choices)
    for code in dict.fromkeys((*languages, *words)):
        wording = words.get(code, Wording(""))
        spoken = name_of(code)
        if not wording.question:
            raise Invalid(
                "question_missing", language.text("The question is missing in %(language)s.", language=spoken)
            )
        if not wording.why:
            raise Invalid(
                "question_without_why", language.text("Please say why you ask (%(language)s).", language=spoken)
            )
        if not wording.benefit:
            raise Invalid(
                "question_without_benefit",
                language.text("Please say what people get by answering (%(language)s).", language=spoken),
            )
        if kind is not QuestionKind.TEXT and (len(wording.choices) < FEWEST or len(wording.choices) != size):
            raise Invalid(
                "question_choices",
                language.text("Please give the same number of answers, at least two, in each language."),
            )


def name_of(code: str) -> str:
    """Return a language by its name in the language of the moment."""
    return Locale.parse(code).get_display_name(language.current()) or code


def _tidy(wording: Wording) -> Wording:
    texts = (_line(wording.question), _line(wording.why), _line(wording.benefit))
    return Wording(*texts, choices=tuple(filter(None, map(_line, wording.choices))))


def _line(text: str) -> str:
    return " ".join("".join(char if char.isprintable() else " " for char in unicodedata.normalize("NFC", text)).split())


def answer_line(text: str) -> str:
    """Return what somebody typed as one printable line."""
    return _line(text)


def _demand_short(wording: Wording) -> None:
    long = (
        len(wording.question) > QUESTION_LIMIT
        or max(len(wording.why), len(wording.benefit)) > REASON_LIMIT
        or any(len(choice) > CHOICE_LIMIT for choice in wording.choices)
    )
    if long:
        raise Invalid(
            "question_too_long",
            language.text(
                "Please be brief: %(question)s characters for the question, %(reason)s for each reason, "
                "%(choice)s for an answer.",
                question=QUESTION_LIMIT,
                reason=REASON_LIMIT,
                choice=CHOICE_LIMIT,
            ),
        )


def _demand_choices(wording: Wording, kind: QuestionKind) -> None:
    if kind is QuestionKind.TEXT and wording.choices:
        raise Invalid("question_choices", language.text("A question answered in own words has no answers to choose."))
    if len(wording.choices) > MOST:
        raise Invalid("question_choices", language.text("Eight answers are the most that a phone shows at once."))
    if len({choice.casefold() for choice in wording.choices}) < len(wording.choices):
        raise Invalid("question_choices", language.text("Two answers are the same."))


def _demand_harmless(wording: Wording, code: str) -> None:
    for text in (wording.question, *wording.choices):
        if found := special_category.find(text, code):
            raise Invalid("question_special_category", found.sentence)

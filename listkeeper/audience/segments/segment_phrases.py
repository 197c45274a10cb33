"""The phrases of a segment: everything that can be said of a person, as one table.

The language is this table and three words (and, or, not). The parser reads by
it, the printer writes by it, the studio offers it, README prints it. A place
in braces is a ``Slot``. ``days`` is written "1 day" and "30 days".

"Did not click" is not "not (clicked …)": whose clicks we cannot see, of her it
is not known, so it is said only of people who have let us see them for as long.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cached_property

from listkeeper.audience import posted_event
from listkeeper.foundation import language

MOST_DAYS = 3_650
MOST_TIMES = 1_000
LONGEST_VALUE = 200
_EARLIEST, _LATEST = date(1990, 1, 1), date(2100, 1, 1)
_KEY = re.compile(r"[a-z][a-z0-9_]{0,39}")
# Words that cannot stand for a value unless they are quoted.
JOINING = ("and", "or", "not", "everybody", "nobody")


class Slot(StrEnum):
    """One place in a phrase, and what may stand there."""

    VALUE = "value"
    DAYS = "days"
    TIMES = "times"
    DATE = "date"
    LETTER = "letter"
    SEGMENT = "segment"
    EVENT = "event"
    KEY = "key"

    @property
    def is_number(self) -> bool:
        """Whether a whole number stands there."""
        return self in {Slot.DAYS, Slot.TIMES}

    @property
    def field(self) -> str:
        """Under which name a condition keeps it."""
        if self.is_number:
            return self.value
        return "name" if self in {Slot.EVENT, Slot.KEY} else "value"

    def fault(self, given: object) -> str:
        """Say what is wrong with what stands there; nothing when it is right."""
        if self.is_number:
            most = MOST_DAYS if self is Slot.DAYS else MOST_TIMES
            least = 0 if self is Slot.DAYS else 1
            fits = isinstance(given, int) and least <= given <= most
            between = language.text("Here a number from %(least)s to %(most)s is needed.", least=least, most=most)
            return "" if fits else between
        return self._fault_of_text(str(given))

    def _fault_of_text(self, given: str) -> str:
        if not given:
            return language.text("Here something is missing.")
        if len(given) > LONGEST_VALUE or any(unicodedata.category(sign) in {"Cc", "Cs"} for sign in given):
            return language.text("What stands here is too long, or has signs that cannot be written.")
        if self is Slot.DATE and day_of(given) is None:
            return language.text("Here a day is needed, written like 2026-05-31, from 1990 to 2100.")
        if self is Slot.EVENT and not posted_event.NAME.fullmatch(given):
            return language.text("The name of an event is small letters, digits, “_” and “-”, as “order”.")
        if self is Slot.KEY and not _KEY.fullmatch(given):
            return language.text("Here the short name of a question is needed, as “cake”.")
        return ""


def day_of(written: str) -> date | None:
    """Return the day that is written as 2026-05-31; None when it is none, or an absurd one."""
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", written):
        return None
    try:
        found = date.fromisoformat(written)
    except ValueError:
        return None
    return found if _EARLIEST <= found < _LATEST else None


@dataclass(frozen=True)
class Phrase:
    """One thing that can be said; ``words`` is how it is written, ``id`` how programs name it."""

    id: str
    words: str
    # Which of the builder's groups it stands in.
    group: str

    @cached_property
    def parts(self) -> tuple[str | Slot, ...]:
        """The words and places in their order; "days" after a number is part of the place."""
        return tuple(Slot(part[1:-1]) if part[0] == "{" else part for part in self.words.split())

    @cached_property
    def slots(self) -> tuple[Slot, ...]:
        """The places, in their order."""
        return tuple(part for part in self.parts if isinstance(part, Slot))


def _acts(verb: str, past: str, to_letter: str) -> tuple[Phrase, ...]:
    return (
        Phrase(f"{past}_within", f"{past} within {{days}}", "activity"),
        Phrase(f"{past}_ever", f"{past} ever", "activity"),
        Phrase(f"{past}_times", f"{past} at least {{times}} times within {{days}}", "activity"),
        Phrase(f"{past}_letter", f"{past} {to_letter}letter {{letter}}", "activity"),
        Phrase(f"not_{past}_within", f"did not {verb} within {{days}}", "activity"),
        Phrase(f"not_{past}_ever", f"did not {verb} ever", "activity"),
    )


def _is(name: str, words: str, group: str, *more: str) -> tuple[Phrase, ...]:
    return (
        Phrase(f"{name}_is", f"{words} is {{value}}", group),
        Phrase(f"{name}_is_not", f"{words} is not {{value}}", group),
        *(Phrase(f"{name}_{word}", f"{words} is {word}", group) for word in more),
    )


PHRASES: tuple[Phrase, ...] = (
    *_is("language", "language", "person"),
    *_is("time_zone", "time zone", "person", "unknown"),
    *_is("provider", "provider", "person"),
    *_is("domain", "domain", "person"),
    *_is("source", "source", "arrival", "unknown"),
    *_is("channel", "channel", "arrival"),
    Phrase("joined_within", "joined within {days}", "arrival"),
    Phrase("joined_more_than", "joined more than {days} ago", "arrival"),
    Phrase("joined_before", "joined before {date}", "arrival"),
    Phrase("joined_after", "joined after {date}", "arrival"),
    *_is("basis", "basis", "consent"),
    Phrase("double_opt_in", "confirmed by double opt-in", "consent"),
    Phrase("consent_ends_within", "consent ends within {days}", "consent"),
    Phrase("consent_has_no_end", "consent has no end", "consent"),
    Phrase("consent_text_is", "consent text is {value}", "consent"),
    Phrase("lets_us_count", "lets us count clicks", "consent"),
    *_acts("click", "clicked", ""),
    *_acts("reply", "replied", "to "),
    *_acts("answer", "answered", "in "),
    Phrase("did_within", "did {event} within {days}", "events"),
    Phrase("did_ever", "did {event} ever", "events"),
    Phrase("did_times", "did {event} at least {times} times within {days}", "events"),
    Phrase("did_never", "did {event} never", "events"),
    Phrase("answer_is", "answer {key} is {value}", "answers"),
    Phrase("answer_is_not", "answer {key} is not {value}", "answers"),
    Phrase("answer_known", "answer {key} is known", "answers"),
    Phrase("answer_unknown", "answer {key} is unknown", "answers"),
    Phrase("topic_is", "topic is {value}", "choices"),
    *_is("frequency", "frequency", "choices"),
    Phrase("pauses", "pauses", "choices"),
    Phrase("got_letter", "got letter {letter}", "letters"),
    Phrase("heard_within", "heard from us within {days}", "letters"),
    Phrase("in_segment", "in segment {segment}", "letters"),
)
BY_ID = {phrase.id: phrase for phrase in PHRASES}
# Every word that a phrase is made of: as a value it has to be quoted.
WORDS = frozenset(word for phrase in PHRASES for word in phrase.parts if not isinstance(word, Slot)) | frozenset(
    (*JOINING, "day", "days", "time")
)

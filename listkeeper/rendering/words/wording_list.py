"""The lists of phrases that readers and receivers distrust, one file a language: ``wording_da.toml`` and its sisters.

A list has a table for each kind of promise. In it ``strong`` phrases are those
that an honest letter hardly ever needs: one is enough for a hint. ``clear``
ones press, and count half as much. ``mild`` ones are words that everybody
uses, and that tell only by their number or their place. ``once`` are fixed
offers that every shop makes ("free delivery"), fine until they are repeated,
and ``honest`` are expressions in which such a word means something else
("free range"): nothing is counted there.

A phrase is written in plain words. ``stem*`` is a word with any ending, ``*``
alone any word, ``(a|b)`` one of several, ``#`` a number, ``¤`` a currency, and
``…`` between two words lets up to three others stand there.
"""

from __future__ import annotations

import re
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from listkeeper.foundation import language
from listkeeper.rendering.words import wording_text

_FOLDER = Path(__file__).resolve().parent
# The last words are the rouble, written out and shortened.
_CURRENCY = (
    r"(?:kr|kroner|kronor|dkk|nok|sek|zl|zlotych|pln|eur|euro|usd|dollars?|pounds?|rub|[$€£₽]"
    r"|\u0440\u0443\u0431\w*|\u0440)"
)
_NUMBER = r"\d[\d.,]*+(?: \d{3})*+"
# An hour, or a date in figures; a price has no third figure behind a point.
_CLOCK = r"\d{1,2}:\d\d|\d{1,2}\.\d{1,2}\.(?:\d\d){0,2}"
_KEY = 3


class Kind(StrEnum):
    """What a phrase promises or does."""

    SEX = "sex"
    MONEY = "money"
    FREE = "free"
    BARGAIN = "bargain"
    URGENCY = "urgency"
    MIRACLE = "miracle"
    PRIZE = "prize"
    DECEPTION = "deception"
    SHOUTING = "shouting"
    DISGUISE = "disguise"


class Strength(StrEnum):
    """How much a phrase says about the letter it stands in."""

    STRONG = "strong"
    CLEAR = "clear"
    MILD = "mild"
    ONCE = "once"
    HONEST = "honest"


@dataclass(frozen=True, slots=True)
class Phrase:
    """One line of a list."""

    said: str
    strength: Strength
    kind: Kind | None = None


class _Beginning:
    """What may begin with the same three letters; the expression is made when a letter first needs it."""

    def __init__(self, known: list[tuple[str, Phrase]], spelling: Mapping[str, str]) -> None:
        # The longest first: "free gift" is more than "free".
        self._known = sorted(known, key=lambda one: (-one[0].count(" "), -len(one[0])))
        self._spelling = spelling

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile("|".join(f"({_expression(said, self._spelling)})" for said, _ in self._known))

    def match(self, line: str, at: int) -> tuple[Phrase, int] | None:
        """Return the phrase that begins at a place of a line, and how many words it has."""
        if found := self._pattern.match(line, at):
            return self._known[(found.lastindex or 1) - 1][1], found[0].count(" ") + 1
        return None


@dataclass(frozen=True, slots=True)
class WordList:
    """What is known of one language. ``by_start`` has, by the first letters of a word, what may begin there."""

    by_start: Mapping[str, _Beginning]
    spelling: Mapping[str, str]
    negations: frozenset[str]
    days: re.Pattern[str]
    disguised: tuple[str, ...]
    replies: re.Pattern[str]

    def found(self, reading: wording_text.Reading) -> Iterator[tuple[int, int, Phrase]]:
        """Return each phrase in a text, with its first and its last word; no word belongs to two."""
        after = 0
        for place, word in enumerate(reading.words):
            known = self.by_start.get(word[:_KEY] if not word[0].isdigit() else "#")
            if known and place >= after and (found := known.match(reading.line, reading.at[place])):
                phrase, length = found
                after = place + length
                yield place, after - 1, phrase


@cache
def of(code: str) -> WordList:
    """Return the list of a language; one that we do not speak is looked at with English words."""
    code = language.known(code)
    stored = stored_list(code)
    spelling = stored.get("spelling", {})
    phrases = list(_phrases(stored))
    if code != language.DEFAULT:
        phrases += [phrase for phrase in _phrases(stored_list(language.DEFAULT)) if _is_heard_everywhere(phrase)]
    return WordList(
        by_start=_by_start(phrases, spelling),
        spelling=spelling,
        negations=frozenset(wording_text.plainly(stored["negations"], spelling)),
        days=re.compile("|".join([_CLOCK, *(_expression(day, spelling) for day in stored["days"])])),
        disguised=tuple(wording_text.plainly(stored["disguised"], spelling)),
        replies=_reply({*stored["replies"], *stored_list(language.DEFAULT)["replies"]}),
    )


@cache
def stored_list(code: str) -> dict[str, Any]:
    """Return a list as it is written down."""
    return tomllib.loads((_FOLDER / f"wording_{code}.toml").read_text(encoding="utf-8"))


def _phrases(stored: Mapping[str, Any]) -> Iterator[Phrase]:
    for said in stored["honest"]:
        yield Phrase(said, Strength.HONEST)
    for kind in Kind:
        for strength, phrases in stored.get(kind.value, {}).items():
            for said in phrases:
                yield Phrase(said, Strength(strength), kind)


def _is_heard_everywhere(phrase: Phrase) -> bool:
    """English offers stand in letters of every language; a single English word may be another one there."""
    return phrase.strength is Strength.STRONG or (phrase.strength is Strength.CLEAR and " " in phrase.said)


def _reply(marks: set[str]) -> re.Pattern[str]:
    """Return how the subject of an answer begins: "Re:", "Re[2]:", "[SV:"."""
    number = r"(?:\[\d{1,3}\]|\(\d{1,3}\))?"
    gap = r"[ \t]{0,2}"
    return re.compile(rf"\A[\s\W]{{0,9}}(?:{'|'.join(sorted(marks))}){gap}{number}{gap}:", re.IGNORECASE)


def _by_start(phrases: list[Phrase], spelling: Mapping[str, str]) -> dict[str, _Beginning]:
    found: dict[str, list[tuple[str, Phrase]]] = defaultdict(list)
    for phrase in phrases:
        for said in _beginnings(phrase.said):
            found[_start_of(said, spelling)].append((said, phrase))
    return {start: _Beginning(known, spelling) for start, known in found.items()}


def _beginnings(said: str) -> list[str]:
    """Return a phrase once for each of the words that it may begin with."""
    if not said.startswith("("):
        return [said]
    first, _, rest = said[1:].partition(")")
    return [one for word in first.split("|") for one in _beginnings(f"{word}{rest}")]


def _start_of(said: str, spelling: Mapping[str, str]) -> str:
    first = re.split(r"[ *(]", said, maxsplit=1)[0]
    if first[:1] in {"#", "["} or first[:1].isdigit():
        return "#"
    start = "".join(wording_text.plainly([first], spelling))[:_KEY]
    if len(start) < _KEY and said[len(first) : len(first) + 1] not in {"", " "}:
        raise ValueError(f"Too short to begin with: {said}")
    return start


def _expression(said: str, spelling: Mapping[str, str]) -> str:
    """Return a phrase as a regular expression over the line of a ``wording_text.Reading``."""
    parts = (" ".join(wording_text.plainly(part.split(" "), spelling)) for part in said.split(" … "))
    plain = r"(?: \w++){0,3} ".join(_any_ending(part).replace("(", "(?:") for part in parts)
    return plain.replace("¤", _CURRENCY).replace("#", _NUMBER) + r"(?!\w)"


def _any_ending(words: str) -> str:
    return re.sub(r"(?<=[\w)])\*", r"\\w*", re.sub(r"(?<![\w)])\*", r"\\w+", words))

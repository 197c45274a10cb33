"""Words that a question to readers must not hold: what the law keeps apart (GDPR Art. 9, and crimes, Art. 10).

Health, religion, union, politics, sex life, ethnic origin, biometrics, crimes:
a shop that sends letters has no ground to ask for these. Word stems per
language lie in ``special_words/``. They know no grammar, so each language also
lists what only sounds like it ("health food"), which is taken out first; a
text is read in its own language alone, where a Danish *race* is that of a dog.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path

from listkeeper.foundation import language

_FOLDER = Path(__file__).resolve().parent / "special_words"


class Category(StrEnum):
    """What the law keeps apart."""

    HEALTH = "health"
    RELIGION = "religion"
    UNION = "union"
    POLITICS = "politics"
    SEX_LIFE = "sex_life"
    ETHNIC_ORIGIN = "ethnic_origin"
    BIOMETRICS = "biometrics"
    CRIME = "crime"


@dataclass(frozen=True)
class Found:
    """A word of a text, and what it asks for."""

    category: Category
    word: str

    @property
    def sentence(self) -> str:
        """Say it to the owner."""
        return language.text(
            "“%(word)s” asks about %(what)s. The law protects that specially (GDPR Art. 9 and 10), and a newsletter "
            "has no right to ask for it. Please ask for something else.",
            word=self.word,
            what=in_words(self.category),
        )


@dataclass(frozen=True)
class _Words:
    harmless: re.Pattern[str]
    of: dict[Category, re.Pattern[str]]


def in_words(category: Category) -> str:
    """Say what a category is about."""
    return {
        Category.HEALTH: language.text("health"),
        Category.RELIGION: language.text("religion or belief"),
        Category.UNION: language.text("membership of a trade union"),
        Category.POLITICS: language.text("politics"),
        Category.SEX_LIFE: language.text("sex life or orientation"),
        Category.ETHNIC_ORIGIN: language.text("ethnic origin"),
        Category.BIOMETRICS: language.text("the body as a key (fingerprint, genes)"),
        Category.CRIME: language.text("crimes and punishments"),
    }[category]


def languages() -> list[str]:
    """Return the languages that can be read."""
    return sorted(path.stem for path in _FOLDER.glob("*.toml"))


def find(text: str, spoken: str) -> Found | None:
    """Return the first word of a text that asks for something the law keeps apart, if there is one."""
    words = _words(spoken)
    plain = words.harmless.sub(" ", " ".join(unicodedata.normalize("NFKC", text).split()))
    for category, pattern in words.of.items():
        if match := pattern.search(plain):
            return Found(category, _whole(plain, match))
    return None


def _whole(text: str, match: re.Match[str]) -> str:
    """Return the whole words in which a stem was found."""
    start, end = match.span()
    while start > 0 and text[start - 1].isalnum():
        start -= 1
    while end < len(text) and text[end].isalnum():
        end += 1
    return text[start:end]


@cache
def _words(spoken: str) -> _Words:
    stored = tomllib.loads((_FOLDER / f"{spoken}.toml").read_text(encoding="utf-8"))
    return _Words(_one_of(stored["harmless"]), {each: _one_of(stored[each.value]) for each in Category})


def _one_of(stems: list[str]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{stem})" for stem in stems), re.IGNORECASE)

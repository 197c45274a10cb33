"""The words by which a consent text is understood, one file per language in ``wordlists/``.

They tell whether a sentence names a content, a frequency and a way out, and
whether it hides something else. Word lists know no grammar: they find what was
forgotten and what was bundled, and a lawyer still reads the rest.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).resolve().parent / "wordlists"


@dataclass(frozen=True)
class ConsentWords:
    """What stands in a language for what a text must say, and for what it must not."""

    content: re.Pattern[str]
    frequency: re.Pattern[str]
    withdrawal: re.Pattern[str]
    # Ways out that are no way out (a login), that are hard (a phone call), and that are as easy as a click.
    login: re.Pattern[str]
    hard_ways: re.Pattern[str]
    easy_ways: re.Pattern[str]
    terms: re.Pattern[str]
    partners: re.Pattern[str]
    personal_data: re.Pattern[str]
    stopwords: frozenset[str]


@cache
def languages() -> tuple[str, ...]:
    """Return the languages in which a text can be understood."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.toml")))


@cache
def of(spoken: str) -> ConsentWords:
    """Return the words of one of the ``languages``."""
    stored = tomllib.loads((_FOLDER / f"{spoken}.toml").read_text(encoding="utf-8"))
    stopwords = frozenset(stored.pop("stopwords").split())
    return ConsentWords(**{name: _one_of(stems) for name, stems in stored.items()}, stopwords=stopwords)


def in_any_language(kind: str, text: str) -> re.Match[str] | None:
    """Return where a text has a word of a kind (``content``, ``terms`` …), whatever its language."""
    found = (getattr(of(spoken), kind).search(text) for spoken in languages())
    return next((match for match in found if match), None)


def _one_of(stems: list[str]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{stem})" for stem in stems), re.IGNORECASE)

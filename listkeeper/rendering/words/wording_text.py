"""A text as the list of phrases reads it: plain words and a few signs, each with its place in what was written.

Addresses, links and merge tags are no words. Capitals, soft hyphens, marks of
stress and letters of other alphabets that only look different are undone, so
that a phrase is known however it is dressed. Every step takes time in
proportion to the text, whatever stands in it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate
from unicodedata import normalize

# What stands for itself between the words: the end of a sentence, a mark that calls, a pause, a quotation.
END, ASK, CALL, PAUSE, QUOTE = ".", "?", "!", ",", '"'
ENDS = frozenset({END, ASK, CALL})
_HIDDEN = "\u00ad\u200b-\u200f\u2060\u2063\ufeff\u0300-\u036f"
# An abbreviation ends no sentence: what follows begins small, or is a figure.
_SMALL = "a-zß-öø-ÿąćęłńśźż\u0430-\u044f\u0451"
# What is no word, and a sign that must be there for it; to look for the sign is quick.
_NO_WORDS = (
    ("{", re.compile(r"\{\{[^{}]*+\}\}|\{%[^{}]*+%\}")),
    ("@", re.compile(r"(?<![\w.+-])[\w.+-]++@[\w-]++(?:\.[\w-]++)++")),
    ("//", re.compile(r"https?://\S++")),
    ("www.", re.compile(r"\bwww\.\S++")),
)
_DOMAIN_END = r"\.(?:com|net|org|info|eu|dk|no|se|pl|ru|de|at|ch|uk|example)\b"
_DOMAIN = re.compile(rf"(?<![\w.-])(?:[\w-]++(?=\.[\w-]))(?:\.[\w-]++(?=\.[\w-]))*+{_DOMAIN_END}")
_HAS_DOMAIN = re.compile(_DOMAIN_END)
_TOKEN = re.compile(
    rf"""
      ( [^\W\d_] (?: [^\W_]++ | ['\u2019](?=[^\W\d_]) | [{_HIDDEN}] )*+ ) [ ]?
    | ( \d++ (?: [.,:] \d++ )*+ | [%$€£₽+&] )
    | ( [!?]++ (?: [.…]++ | [!?]++ )*+ )
    | ( [.…]++ (?= \s*+ \Z | \s++ [^\s\d{_SMALL}] ) | \n [ \t\r]*+ (?: \n | [-*•=>\u2013] ) )
    | ( [,;:()|\u2013\u2014] )
    | ( ["“”„»«] )
    """,
    re.VERBOSE,
)
_CALL_GROUP = 3
_SIGNS = {4: END, 5: PAUSE, 6: QUOTE}
_UNSEEN = re.compile(rf"[{_HIDDEN}'\u2019]")
_UNSEEN_SIGNS = re.compile("[\u00ad\u200b-\u200f\u2060\u2063\ufeff]")


@dataclass(frozen=True, slots=True)
class Reading:
    """One text, word by word: ``line`` is all of them with a space between, ``at`` where in it each begins.

    ``plain`` is what was written, with blanks for what is no word.
    """

    written: str
    plain: str
    words: list[str]
    line: str
    at: list[int]
    tokens: list[re.Match[str]]

    def span(self, first: int, last: int) -> tuple[int, int]:
        """Return from where to where a row of words stands in what was written."""
        end = self.tokens[last]
        return self.tokens[first].start(), end.end(end.lastindex or 0)


def read(written: str, spelling: Mapping[str, str]) -> Reading:
    """Return the words of a text; ``spelling`` says which letters a language also writes otherwise."""
    plain = without_codes(written)
    tokens = list(_TOKEN.finditer(plain))
    words = plainly([token[1] or token[2] or _sign(token) for token in tokens], spelling)
    at = [0, *accumulate([len(word) + 1 for word in words])]
    return Reading(written, plain, words, " ".join(words), at, tokens)


def _sign(token: re.Match[str]) -> str:
    if token.lastindex == _CALL_GROUP:
        said = token[0]
        return ASK if CALL not in said else CALL if len(said) == 1 else CALL * 2
    return _SIGNS[token.lastindex or 0]


def plainly(words: list[str], spelling: Mapping[str, str]) -> list[str]:
    """Return words in small letters, as a phrase of the lists is written."""
    line = " ".join(words)
    if not line.isascii():
        same = normalize("NFKC", line)
        # A ligature may hold a space, and then the words would no longer stand where they are.
        line = same if same.count(" ") == line.count(" ") else normalize("NFC", line)
    line = _UNSEEN.sub("", line).lower()
    if not line.isascii():
        for letter, other in spelling.items():
            line = line.replace(letter, other)
    return line.split(" ") if words else []


def without_codes(written: str) -> str:
    """Return a text of the same length with blanks for what is no word: links, addresses and merge tags."""
    for sign, pattern in _NO_WORDS:
        if sign in written:
            written = pattern.sub(_blank, written)
    return _DOMAIN.sub(_blank, written) if _HAS_DOMAIN.search(written) else written


def _blank(found: re.Match[str]) -> str:
    return " " * len(found[0])


def shown(written: str) -> str:
    """Return a piece of a text as it can be shown: on one line, without signs that nobody sees."""
    return " ".join(_UNSEEN_SIGNS.sub("", written).split())

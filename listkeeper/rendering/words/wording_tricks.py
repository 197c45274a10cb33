"""How a letter says something, in every language: shouting, false answers, and words spelt past a filter.

These are found by their shape and not by a list: capitals and signs in a row,
"Re:" before a letter that answers nobody, "F R E E", "gr4tis" and letters of
a strange alphabet. Spelling like this is searched for by every filter, and no
honest letter needs it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice
from unicodedata import normalize

from listkeeper.rendering.words import wording_list, wording_text
from listkeeper.rendering.words.wording_list import Kind, Strength
from listkeeper.rendering.words.wording_text import Reading

_CAPITAL = "A-ZÀ-ÖØ-ÞĄĆĘŁŃŚŹŻ\u0401\u0410-\u042f"
_CAPITALS = re.compile(
    rf"(?<!\w)(?:[{_CAPITAL}]{{2,}}+(?!\w)[ \u2019'&\u2013-]{{1,3}}+){{2,}}[{_CAPITAL}]{{2,}}+(?!\w)(?P<call>\s?!)?"
)
_CALLS = re.compile(r"[!?]{3,}+|!!")
_COINS, _COIN_ROWS = re.compile(r"[$€£₽]{3,}+"), ("$$$", "€€€", "£££", "₽₽₽")
_EMOJI = "\U0001f300-\U0001faff\u2600-\u2604\u2607-\u2712\u2716-\u27bf\u2b50\u2b55\u26a1\u23f0-\u23f3\u203c\u2757"
_PICTURE = re.compile(rf"[{_EMOJI}]")
_PICTURES = re.compile(rf"(?:[{_EMOJI}][\ufe0f\u200d\U0001f3fb-\U0001f3ff]*+ ?){{3,}}+")
_LETTER = r"[^\W\d_]"
_SPACED = re.compile(rf"(?<!\w){_LETTER}(?:(?P<gap>[ ._*·|/-])\s?{_LETTER}(?!\w))(?:(?P=gap)\s?{_LETTER}(?!\w))++")
# A figure or a sign beside a letter; the word around it is looked at then.
_ODD = re.compile(r"[\d@$](?:(?=[^\W\d_])|(?<=[^\W\d_].))")
_LIKE_LETTERS = str.maketrans("0134578@$", "oieastbas")
_LIKE_L = str.maketrans("0134578@$", "oleastbas")
_STYLED = re.compile("[\U0001d400-\U0001d7ff\uff21-\uff3a\uff41-\uff5a]{3,}+")
_HAS_LATIN, _HAS_RUSSIAN = re.compile("[a-zA-Z]"), re.compile("[\u0410-\u044f]")
_RUSSIAN = "\u0401\u0410-\u044f\u0451"
_MIXED = re.compile(f"[a-zA-Z](?=[{_RUSSIAN}])|[{_RUSSIAN}](?=[a-zA-Z])")
# More than this is nobody's letter, and says no more than the first ones do.
_MOST, _MOST_DRESSED, _LONGEST_WORD = 8, 50, 24
# A shorter word stands in others by chance.
_SURE_WITHIN = 4
_SHORTEST_SHOUT, _LOUD, _LONG_WORD = 12, 0.8, 5
_MANY_CALLS, _WORDS_A_CALL = 5, 18
_MANY_PICTURES, _WORDS_A_PICTURE = 7, 14


@dataclass(frozen=True, slots=True)
class Trick:
    """What was found by its shape, and from where to where it stands."""

    kind: Kind
    said: str
    strength: Strength
    start: int
    end: int


def in_subject(reading: Reading, replies: re.Pattern[str]) -> Iterator[Trick]:
    """Return the tricks that only a subject can play: an answer to nobody, capitals, rows of pictures."""
    written = reading.written
    if found := replies.match(written):
        yield Trick(Kind.DECEPTION, "re", Strength.STRONG, *found.span())
    letters = [sign for sign in reading.plain if sign.isalpha()]
    capitals = sum(sign.isupper() for sign in letters)
    if len(letters) >= _SHORTEST_SHOUT and capitals > _LOUD * len(letters) and len(written.split()) > 1:
        yield Trick(Kind.SHOUTING, "capitals", Strength.CLEAR, 0, len(written))
    pictures = list(islice(_PICTURE.finditer(written), 3))
    if len(pictures) == 3:  # noqa: PLR2004 - as many as there is room for
        yield Trick(Kind.SHOUTING, "pictures", Strength.CLEAR, pictures[0].start(), pictures[-1].end())


def in_text(reading: Reading) -> Iterator[Trick]:
    """Return the tricks of a longer text: sentences in capitals, calls and pictures everywhere."""
    written = reading.written
    for found in islice(_CAPITALS.finditer(written), _MOST):
        loud = found[0].split()
        if sum(map(len, loud)) >= _SHORTEST_SHOUT and max(map(len, loud)) >= _LONG_WORD and not _is_heading(found):
            yield Trick(Kind.SHOUTING, "capitals", Strength.CLEAR, *found.span())
    calls = [place for place, word in enumerate(reading.words) if word[0] == wording_text.CALL]
    if len(calls) >= _MANY_CALLS and len(calls) * _WORDS_A_CALL > len(reading.words):
        yield Trick(Kind.SHOUTING, "many calls", Strength.CLEAR, *reading.span(max(0, calls[0] - 1), calls[0]))
    pictures = [found.start() for found in _PICTURE.finditer(written)]
    if len(pictures) >= _MANY_PICTURES and len(pictures) * _WORDS_A_PICTURE > len(reading.words):
        yield Trick(Kind.SHOUTING, "many pictures", Strength.CLEAR, pictures[0], pictures[0] + 1)


def anywhere(reading: Reading, disguised: Sequence[str], spelling: Mapping[str, str]) -> Iterator[Trick]:
    """Return rows of signs, and words that are spelt so that a filter shall not know them."""
    plain = reading.plain
    for found in islice(_CALLS.finditer(plain if wording_text.CALL * 2 in reading.line else ""), _MOST):
        # A row of question marks asks; it takes a "!" in it to shout.
        strength = Strength.CLEAR if len(found[0]) > 2 and "!" in found[0] else Strength.MILD  # noqa: PLR2004 - "!!"
        yield Trick(Kind.SHOUTING, "calls", strength, *found.span())
    for found in islice(_COINS.finditer(plain if any(coin in plain for coin in _COIN_ROWS) else ""), 1):
        yield Trick(Kind.SHOUTING, "coins", Strength.STRONG, *found.span())
    for found in islice(_PICTURES.finditer(plain if _PICTURE.search(plain) else ""), 1):
        yield Trick(Kind.SHOUTING, "pictures", Strength.MILD, *found.span())
    for start, end, readings in _dressed(plain):
        said = plain[start:end].lower()
        meant = wording_text.plainly(list(readings), spelling)
        if any(one not in said and _is_meant(one, word) for word in meant for one in disguised):
            yield Trick(Kind.DISGUISE, said, Strength.STRONG, start, end)


def _is_meant(one: str, word: str) -> bool:
    return word == one or (len(one) >= _SURE_WITHIN and one in word)


def _dressed(plain: str) -> Iterator[tuple[int, int, tuple[str, ...]]]:
    """Return all that is spelt strangely, and how it could be meant."""
    for found in islice(_SPACED.finditer(plain), _MOST_DRESSED):
        yield *found.span(), ("".join(sign for sign in found[0] if sign.isalpha()),)
    if not plain.isascii():
        for found in islice(_STYLED.finditer(plain), _MOST_DRESSED):
            yield *found.span(), (normalize("NFKC", found[0]),)
        if _HAS_RUSSIAN.search(plain) and _HAS_LATIN.search(plain):
            for start, end in _words_at(_MIXED, plain):
                yield start, end, tuple(plain[start:end].translate(table) for table in _alike())
    for start, end in _words_at(_ODD, plain):
        word = plain[start:end].lower()
        yield start, end, (word.translate(_LIKE_LETTERS), word.translate(_LIKE_L))


@cache
def _alike() -> tuple[dict[int, int], dict[int, int]]:
    """Return what Latin letters look like among Russian ones, and these among Latin ones."""
    alike = wording_list.stored_list("ru")["alike"]
    return str.maketrans(alike["latin"], alike["russian"]), str.maketrans(alike["russian"], alike["latin"])


def _words_at(odd: re.Pattern[str], plain: str) -> Iterator[tuple[int, int]]:
    """Return the words in which something odd stands, with the signs that pass for letters."""
    end = 0
    for found in islice(odd.finditer(plain), _MOST_DRESSED):
        if found.start() >= end:
            start, end = found.start(), found.end()
            while start > max(0, found.start() - _LONGEST_WORD) and _is_part(plain[start - 1]):
                start -= 1
            while end < min(len(plain), found.end() + _LONGEST_WORD) and _is_part(plain[end]):
                end += 1
            yield start, end


def _is_part(sign: str) -> bool:
    return sign.isalnum() or sign in "@$"


def _is_heading(found: re.Match[str]) -> bool:
    """Whether a run of capitals is a whole line and calls nobody: so plain text marks a heading."""
    written = found.string
    before = written[written.rfind("\n", 0, found.start()) + 1 : found.start()]
    after = written[found.end() :].partition("\n")[0]
    return not found["call"] and not any(sign.islower() for sign in f"{before[-80:]}{after[:80]}")

"""Finding the label of a paid place in text: at its beginning, right before a link, or glued to another word.

A label is a word like others, and letters write of advertising too. So only
what stands like a label is one: at the beginning and parted from what follows,
by a mark, an end of its line or element, or as in “Annonce for …”.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from functools import cache
from string import whitespace

from listkeeper.rendering.sponsoring import sponsored
from listkeeper.rendering.sponsoring.sponsored_place import EDGE

# Before a label: „#“, „[“, a dash or a picture sign, and edges of elements.
_BEFORE = r"[^\w]{0,12}?"
# A hyphen or an apostrophe within a word parts nothing, and no more does an element that ends in the middle of one.
_WITHIN = f"{EDGE}'\N{RIGHT SINGLE QUOTATION MARK}-"
_PARTED = re.compile(rf"[^\S\n]*(?:$|\n|[^\w\s{_WITHIN}]|[{_WITHIN}]+(?![\w{_WITHIN}]))")
_NEXT_WORD = re.compile(rf"[^\S\n{EDGE}]+([\w]+)")
_URL = re.compile(r"[ \n]?<(?:https?:|[\w.+-]{1,64}@|\+?\d)[^<>\s]*>|https?://\S+|\bwww\.\S+|\S{1,64}@\S+")
# Names of sites, tags and accounts are written as one word.
_ONE_WORD_BEFORE, _ONE_WORD_AFTER = re.compile(r"[#@/._-]$"), re.compile(r"[._-]?\w*[.@/]\w")
# Shorter words are also the end of names: a label this short is only looked for where an element shows it.
_SHORTEST = 4
_LONGEST_WORD = 60


def at_start(text: str, words: Collection[str]) -> str | None:
    """Return the word a text begins with as its label, None where there is none of these."""
    begun = text.lstrip(f"{EDGE}{whitespace}\u00a0")
    found = _pattern(frozenset(words), f"{_BEFORE}(?P<word>%s)").match(begun)
    return _known(found["word"], words) if found and _is_parted(begun, found.end()) else None


def at_end(text: str, words: Collection[str]) -> str | None:
    """Return the word a text ends with as the label of what follows, None where there is none of these."""
    line = text[-200:].rpartition("\n")[2]
    found = _pattern(frozenset(words), r"(?s:.*)(?<!\w)(?P<word>%s)(?P<after>[^\w]{0,6})$").match(line)
    if found is None:
        return None
    has_mark = re.search(r"[^\w\s]", found["after"].replace(EDGE, ""))
    stands_alone = line[found.start("word") - 1 : found.start("word")] == EDGE and found["after"].startswith(EDGE)
    is_like_one = has_mark or stands_alone or found["word"][0].isupper()
    return _known(found["word"], words) if is_like_one else None


def alone(text: str, words: Collection[str]) -> bool:
    """Return whether a text is nothing but a label."""
    return bool(_pattern(frozenset(words), rf"{_BEFORE}(?:%s)[^\w]*$").match(text))


def anywhere(text: str, words: Collection[str]) -> bool:
    """Return whether one of these words stands in a text, as a word of its own or glued to another with a capital."""
    loose = _pattern(frozenset(words), r"(?<!\w)(?:%s)(?!\w)").search(text)
    return bool(loose) or any(True for _ in glued(text))


@cache
def known() -> frozenset[str]:
    """Return the labels of all countries."""
    return frozenset(word for row in sponsored.labels() for word in (row.word, *row.also))


@cache
def vague() -> frozenset[str]:
    """Return what is written in place of a label and is none, of all countries."""
    return frozenset(sponsored.words()["start"]["vague"])


def glued(text: str) -> Iterator[str]:
    """Find each label that is glued to the word before or after it: “internetReklamelink”, “AnzeigeWort”.

    Without the edges of elements only a capital within a word tells: small
    letters make one word of two in all our languages, and rightly so.
    """
    plain = _URL.sub(_gap, text.replace(EDGE, ""))
    for found in _pattern(_long_labels(), r"(?P<word>%s)").finditer(plain):
        if _is_glued(plain, found) and not _is_one_word(plain, found):
            yield _around(plain, found.start(), found.end())


def glued_elements(text: str) -> Iterator[str]:
    """Find each label that is glued to a word across the edge of an element: ``<a>internet</a><b>reklamelink</b>``."""
    after = _pattern(known(), rf"(?<=\w){EDGE}+(?P<word>%s)(?!\w)")
    before = _pattern(known(), rf"(?<!\w)(?P<word>%s){EDGE}+(?P<next>\w+)")
    for found in after.finditer(text):
        yield _around(text, found.start("word"), found.end("word"))
    for found in before.finditer(text):
        if found["next"] not in sponsored.words()["start"]["endings"]:
            yield _around(text, found.start("word"), found.end("word"))


@cache
def _long_labels() -> frozenset[str]:
    return frozenset(word for word in known() if len(word) >= _SHORTEST)


@cache
def _pattern(words: frozenset[str], around: str) -> re.Pattern[str]:
    """Return a pattern in which ``%s`` is any of these words, the longest first, in small letters or large ones."""
    space = rf"[\s{EDGE}]+"
    written = (space.join(map(re.escape, word.split())) for word in sorted(words, key=lambda word: (-len(word), word)))
    return re.compile(around % "|".join(written), re.IGNORECASE)


def _known(written: str, words: Collection[str]) -> str:
    plain = " ".join(written.replace(EDGE, " ").split()).casefold()
    return next(word for word in words if word.casefold() == plain)


def _is_parted(text: str, end: int) -> bool:
    rest = text[end : end + _LONGEST_WORD]
    if _PARTED.match(rest):
        return True
    following = _NEXT_WORD.match(rest)
    if following is None:
        return False
    word = following[1]
    return not word[0].islower() or word.lower() in sponsored.words()["start"]["follow"]


def _gap(address: re.Match[str]) -> str:
    """Return nothing for an address in brackets, because whoever reads it reads on from the word before."""
    return "" if address[0].lstrip().startswith("<") else " "


def _is_glued(text: str, found: re.Match[str]) -> bool:
    word = found["word"]
    before, after, next_one = text[max(found.start() - 1, 0) : found.start()], *_next_two(text, found.end())
    # In „JULEREKLAME“ all is large, and one word.
    is_large = word.isupper()
    glued_before = before.isalnum() and not after.isalnum() and not (is_large and before.isupper())
    glued_after = after.isupper() and not before.isalnum() and (not is_large or next_one.islower())
    return word[0].isupper() and (glued_before or glued_after)


def _next_two(text: str, place: int) -> tuple[str, str]:
    return text[place : place + 1], text[place + 1 : place + 2]


def _is_one_word(text: str, found: re.Match[str]) -> bool:
    begin = found.start()
    while begin and text[begin - 1].isalnum():
        begin -= 1
    end = found.end()
    while end < len(text) and text[end].isalnum():
        end += 1
    whole = text[begin:end].casefold()
    named = _ONE_WORD_BEFORE.search(text[max(begin - 1, 0) : begin]) or _ONE_WORD_AFTER.match(text[end : end + 40])
    return bool(named) or whole in {word.casefold() for word in known()}


def _around(text: str, begin: int, end: int) -> str:
    """Return a label with the words beside it."""
    before = re.search(rf"[\w{EDGE}]*$", text[max(begin - _LONGEST_WORD, 0) : begin])
    after = re.match(rf"[\w{EDGE}]*", text[end : end + _LONGEST_WORD])
    return f"{before[0] if before else ''}{text[begin:end]}{after[0] if after else ''}".replace(EDGE, "")

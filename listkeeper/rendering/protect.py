"""Opaque tokens: what merge tags are while Markdown, sanitiser and inliner work on the letter.

Every one of those steps damages ``{{ … }}`` and ``{% … %}`` (quotes, ``>``,
spaces in links). So each tag becomes a word of letters and digits that no step
has a reason to touch, with a part drawn anew for every compile so that nobody
can write one beforehand. A control tag alone on its line becomes an HTML
comment with that word: it must not open a paragraph of its own.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

from listkeeper.foundation import language
from listkeeper.foundation.errors import Invalid
from listkeeper.rendering import merge_tags
from listkeeper.rendering.merge_tags import Tag

TOKEN = re.compile(r"LK[0-9a-f]{20}")
# A comment stays a comment in HTML, and becomes text inside a block of code.
_DRESSED = re.compile(r"<!--(LK[0-9a-f]{20})-->|&lt;!--(LK[0-9a-f]{20})--&gt;|(LK[0-9a-f]{20})")
_MOST_TAGS = 2_000


@dataclass(frozen=True)
class Tokens:
    """The tags of one text and the words that stand for them during one compile."""

    tags: tuple[Tag, ...]
    words: tuple[str, ...]

    def position(self, word: str) -> int | None:
        """Return which tag a word stands for, or None when it is none of ours."""
        return self._positions.get(word)

    def restore(self, text: str) -> str:
        """Put the tags back, byte for byte."""
        known = self._positions

        def tag_of(match: re.Match[str]) -> str:
            place = known.get(match[1] or match[2] or match[3])
            return match[0] if place is None else self.tags[place].source

        return _DRESSED.sub(tag_of, text)

    def found_in(self, text: str) -> list[int]:
        """Return which tags stand in a text, in the order of the text."""
        known = self._positions
        return [known[word] for word in TOKEN.findall(text) if word in known]

    def demand_all(self, text: str) -> None:
        """Raise Invalid when a step lost a tag, moved one, or doubled one that opens or closes a block."""
        found = self.found_in(text)
        for position, tag in enumerate(self.tags):
            times = found.count(position)
            if times == 0 or (times > 1 and tag.name is not None):
                raise lost(tag)
        controls = [position for position in found if self.tags[position].name is not None]
        for position, expected in zip(controls, sorted(controls), strict=True):
            if position != expected:
                raise lost(self.tags[expected])

    @cached_property
    def _positions(self) -> dict[str, int]:
        return {word: position for position, word in enumerate(self.words)}


def lost(tag: Tag) -> Invalid:
    """Return the error for a tag that stands where it cannot be kept."""
    sentence = language.text("%(place)s: %(tag)s stands where it would be lost. Move it into the text.")
    words = sentence % {"place": merge_tags.where(tag), "tag": tag.source}
    return Invalid("merge_tag_lost", words, place=tag.block)


def hide(source: str) -> tuple[str, Tokens]:
    """Return the text with a token for every merge tag, and what the tokens mean."""
    hiding = Hiding()
    hidden, tokens = hiding.hide(source), hiding.tokens
    return "\n".join(_as_comments(line, tokens) for line in hidden.split("\n")), tokens


class Hiding:
    """Hides the tags of several texts under words of one compile: the fields of a letter made of blocks."""

    def __init__(self) -> None:
        self._drawn = secrets.token_hex(8)
        self._tags: list[Tag] = []

    def hide(self, source: str, block: str = "", number: int = 0) -> str:
        """Return the text with a token for every tag; a tag of a block is named by that block and its place."""
        tags = merge_tags.scan(source)
        first = len(self._tags)
        if first + len(tags) > _MOST_TAGS:
            sentence = language.text("A letter can hold 2,000 merge tags; this one has more.")
            raise Invalid("too_many_merge_tags", sentence, place=block)
        self._tags += [replace(tag, block=block, line=number) for tag in tags] if block else tags
        return "".join(_replaced(source, tags, [self._word(first + place) for place in range(len(tags))]))

    @property
    def tokens(self) -> Tokens:
        """What the tokens mean, of all that was hidden so far."""
        return Tokens(tuple(self._tags), tuple(map(self._word, range(len(self._tags)))))

    def _word(self, position: int) -> str:
        return f"LK{self._drawn}{position:04x}"


def _replaced(source: str, tags: Iterable[Tag], words: Iterable[str]) -> Iterable[str]:
    place = 0
    for tag, word in zip(tags, words, strict=True):
        yield source[place : tag.start]
        yield word
        place = tag.end
    yield source[place:]


def _as_comments(line: str, tokens: Tokens) -> str:
    """Dress the tokens of a line that holds nothing but control tags."""
    found = tokens.found_in(line)
    if not found or TOKEN.sub("", line).strip() or any(tokens.tags[position].name is None for position in found):
        return line
    return TOKEN.sub(lambda match: f"<!--{match[0]}-->", line)

"""Two versions of a letter side by side: what stayed, what came, what went, what was changed."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from html import unescape
from re import sub

from listkeeper.campaigns.revision import Draft
from listkeeper.foundation import language
from listkeeper.rendering import document
from listkeeper.rendering.document import Block, Mode


class Change(StrEnum):
    """What became of a part between two versions."""

    SAME = "same"
    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True)
class Row:
    """One part: its kind of block or its field, and what it said before and says now."""

    change: Change
    name: str
    old: str
    new: str


def rows(old: Draft, new: Draft) -> list[Row]:
    """Return the parts of two versions in the order of the newer one."""
    return [*_head(old, new), *_body(old, new)]


def _head(old: Draft, new: Draft) -> Iterator[Row]:
    names = {"subject": language.text("Subject"), "preheader": language.text("Preview line")}
    for field, name in names.items():
        before, now = getattr(old, field), getattr(new, field)
        yield Row(Change.SAME if before == now else Change.CHANGED, name, before, now)


def _body(old: Draft, new: Draft) -> Iterator[Row]:
    if old.mode is Mode.BLOCKS and new.mode is Mode.BLOCKS:
        yield from _blocks(old, new)
    else:
        yield from _lines(old, new)


def _blocks(old: Draft, new: Draft) -> Iterator[Row]:
    before = {block.id: block for block in old.blocks}
    now = {block.id for block in new.blocks}
    for block in new.blocks:
        was = before.get(block.id)
        if was is None:
            yield Row(Change.ADDED, block.type, "", words_of(block))
        else:
            yield Row(Change.SAME if was == block else Change.CHANGED, block.type, words_of(was), words_of(block))
    for block in old.blocks:
        if block.id not in now:
            yield Row(Change.REMOVED, block.type, words_of(block), "")


def words_of(block: Block) -> str:
    """Return what a block says, as plain words."""
    said = [unescape(sub(r"<[^>]+>", " ", text)) for name, text in document.texts(block) if not name.endswith("href")]
    return " · ".join(" ".join(words.split()) for words in said if words.strip())


def _lines(old: Draft, new: Draft) -> Iterator[Row]:
    before, now = _text(old).split("\n"), _text(new).split("\n")
    name = language.text("Letter")
    for kind, a, b, c, d in difflib.SequenceMatcher(None, before, now, autojunk=False).get_opcodes():
        was, said = "\n".join(before[a:b]), "\n".join(now[c:d])
        change = {"equal": Change.SAME, "insert": Change.ADDED, "delete": Change.REMOVED}.get(kind, Change.CHANGED)
        yield Row(change, name, was, said)


def _text(draft: Draft) -> str:
    match draft.mode:
        case Mode.MARKDOWN:
            return draft.markdown
        case Mode.HTML:
            return draft.html
        case _:
            return "\n".join(map(words_of, draft.blocks))

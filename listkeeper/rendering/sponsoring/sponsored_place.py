"""The words of a fragment of HTML in one line of text, with the places where its elements begin and end.

What a reader sees is text; where a label stands is a question of elements. So
the text is written down once: a line break where a block begins or ends, and a
mark that nobody sees where an element within a line does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from listkeeper.rendering import nesting
from listkeeper.rendering.nesting import Element

EDGE = "\ue000"
"""Where an element within a line begins or ends: a character without a meaning, and neither letter nor space."""
_IN_LINE = frozenset({
    "a", "abbr", "b", "cite", "code", "del", "em", "font", "i", "img", "ins", "kbd", "mark", "q", "s", "small", "span",
    "strong", "sub", "sup", "u",
})  # fmt: skip
_NO_WORDS = frozenset({"script", "style", "title", "template"})
_BLOCK = "data-block"


@dataclass(frozen=True)
class Page:
    """The text of a fragment, and for each element where it begins and ends in it."""

    root: Element
    text: str
    spans: dict[Element, tuple[int, int]] = field(repr=False)

    def of(self, element: Element) -> str:
        """Return the text of an element."""
        begin, end = self.spans[element]
        return self.text[begin:end]

    def containers(self, element: Element) -> Iterator[Element]:
        """Return the blocks an element stands in, the nearest first, up to the block of the letter.

        What holds the whole letter is no block in it, however deep it lies.
        """
        begun, ended = self._written
        nearest = True
        for parent in element.iterancestors():
            if parent is self.root:
                return
            if parent.tag in _IN_LINE:
                continue
            is_block = name_of(parent) is not None
            begin, end = self.spans[parent]
            if nearest or is_block or begin > begun or end < ended:
                yield parent
            nearest = False
            if is_block:
                return

    @cached_property
    def _written(self) -> tuple[int, int]:
        """Return where the first word begins and the last one ends."""
        seen = self.text.replace(EDGE, " ")
        return len(seen) - len(seen.lstrip()), len(seen.rstrip())


def read(fragment: str) -> Page:
    """Return the page of a fragment."""
    root = nesting.tree(fragment)
    pieces: list[str] = []
    spans: dict[Element, tuple[int, int]] = {}
    length = 0
    # lxml's own recursion would end at some depth; this does not.
    open_at: dict[Element, int] = {}
    stack: list[tuple[Element, bool]] = [(root, False)]
    while stack:
        element, is_over = stack.pop()
        mark = EDGE if element.tag in _IN_LINE else "\n"
        if is_over:
            spans[element] = (open_at[element], length)
            added = mark + (element.tail or "")
        elif not isinstance(element.tag, str) or element.tag in _NO_WORDS:
            # A comment holds a merge tag, which a reader sees as other words.
            added = element.tail or ""
        else:
            added = mark + (element.text or "")
            open_at[element] = length + len(mark)
            stack.append((element, True))
            stack += [(child, False) for child in reversed(element)]
        pieces.append(added)
        length += len(added)
    return Page(root, "".join(pieces), spans)


def name_of(element: Element) -> str | None:
    """Return the name of the letter's block that an element is; None where it is none."""
    name = element.get(_BLOCK)
    return None if name is None else str(name)


def block_of(element: Element) -> str | None:
    """Return the name of the letter's block an element stands in, or is; None outside of all blocks."""
    for one in (element, *element.iterancestors()):
        if (name := name_of(one)) is not None:
            return name
    return None


def named(page: Page, block: str) -> Element | None:
    """Return the letter's block of this name."""
    return next((one for one in page.spans if one.get(_BLOCK) == block), None)


def shown(text: str) -> str:
    """Return text as a reader sees it, on one line."""
    return " ".join(text.replace(EDGE, "").split())

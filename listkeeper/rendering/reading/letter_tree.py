"""A finished letter as checks read it: its elements and texts in order, each knowing what it lies in.

The elements stand in one flat list, so that what an element inherits is
always computed before it is asked for, and nothing here or in a check has to
descend into a letter that is nested without end. The last few letters are kept:
all checks of a preview ask for the same one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

from lxml import etree

from listkeeper.rendering.css import css_rules
from listkeeper.rendering.css.css_rules import Sheet

# What no letter that anybody reads comes near.
MOST_ELEMENTS = 20_000
_MOST_PIECES = 200
_EXCERPT = 60
_BLOCK = "block-"


@dataclass(eq=False, slots=True)
class Node:
    """One element. ``parent`` is the place of what it lies in, -1 for the root; ``last`` that of the last inside it."""

    number: int
    tag: str
    attributes: dict[str, str]
    parent: int
    classes: tuple[str, ...] = ()
    # Its place among its brothers and sisters, from 0, and the one before it, or -1.
    place: int = 0
    before: int = -1
    is_last: bool = True
    last: int = 0
    # Where its texts begin and end among all texts.
    first_piece: int = 0
    end_piece: int = 0

    def get(self, name: str) -> str:
        """Return an attribute, empty when it is absent."""
        return self.attributes.get(name, "")


@dataclass(eq=False)
class Page:
    """A letter's elements and texts in the order of the document."""

    nodes: list[Node] = field(default_factory=list)
    # Each text with the place of the element it stands in.
    pieces: list[tuple[int, str]] = field(default_factory=list)
    sheets: tuple[Sheet, ...] = ()
    doctype: str = ""
    has_comments: bool = False
    # Whether the letter was too large to be read to its end.
    cut: bool = False

    def text_of(self, node: Node) -> str:
        """Return the words within an element; of a very long text only the beginning."""
        until = min(node.end_piece, node.first_piece + _MOST_PIECES)
        return " ".join(" ".join(text for _, text in self.pieces[node.first_piece : until]).split())

    def excerpt(self, node: Node) -> str:
        """Return the first words within an element, to name it by."""
        return shortened(self.text_of(node))

    @cached_property
    def blocks(self) -> list[str | None]:
        """The block of the editor that each element lies in: its ``data-block``, or an id or class ``block-…``."""
        found: list[str | None] = []
        for node in self.nodes:
            own = node.get("data-block") or _named(node.get("id")) or next(filter(None, map(_named, node.classes)), "")
            found.append(own or (found[node.parent] if node.parent >= 0 else None))
        return found

    def nearest(self, tags: frozenset[str]) -> list[int]:
        """Return for each element the place of the nearest one of these tags that it is or lies in, or -1."""
        found: list[int] = []
        for node in self.nodes:
            found.append(node.number if node.tag in tags else found[node.parent] if node.parent >= 0 else -1)
        return found


def shortened(words: str) -> str:
    """Return words as an excerpt of at most 60 characters."""
    words = " ".join(words[: 4 * _EXCERPT].split())
    return words if len(words) <= _EXCERPT else f"{words[: _EXCERPT - 1].rstrip()}…"


def _named(name: str) -> str:
    return name[len(_BLOCK) :] if name.startswith(_BLOCK) else ""


@lru_cache(maxsize=4)
def of(html: str) -> Page:
    """Return a letter's elements and texts; of what is no HTML, none."""
    builder = _Builder()
    # A parser of C ends a page at the first NUL.
    raw = html.replace("\x00", " ").encode("utf-8", "replace")
    with suppress(etree.LxmlError, ValueError):
        etree.fromstring(raw, etree.HTMLParser(encoding="utf-8", target=builder))
    return builder.close()


class _Builder:
    """What the parser tells of a letter, written into the page's lists as it comes."""

    def __init__(self) -> None:
        self._page = Page()
        self._open: list[Node] = []
        # The last child seen of each element.
        self._latest: dict[int, Node] = {}

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """Take the beginning of an element."""
        page = self._page
        if len(page.nodes) >= MOST_ELEMENTS:
            page.cut = True
            return
        node = Node(len(page.nodes), tag.lower(), dict(attributes), self._open[-1].number if self._open else -1)
        node.classes = tuple(node.get("class").split())
        node.first_piece = len(page.pieces)
        elder = self._latest.get(node.parent)
        if elder is not None:
            node.before, node.place, elder.is_last = elder.number, elder.place + 1, False
        self._latest[node.parent] = node
        page.nodes.append(node)
        self._open.append(node)

    def end(self, tag: str) -> None:
        """Take the end of an element, and of what was left open in it."""
        while self._open and not self._page.cut:
            ended = self._open.pop()
            self._end(ended)
            if ended.tag == tag.lower():
                return

    def data(self, text: str) -> None:
        """Take words."""
        if self._open and not text.isspace():
            self._page.pieces.append((self._open[-1].number, text))

    def comment(self, _text: str) -> None:
        """Take a comment: what only Outlook reads is not part of the page."""
        self._page.has_comments = True

    def doctype(self, name: str, public: str | None, _system: str | None) -> None:
        """Take the document type."""
        self._page.doctype = public or name

    def close(self) -> Page:
        """Return the page."""
        while self._open:
            self._end(self._open.pop())
        self._page.sheets = tuple(_sheets(self._page))
        return self._page

    def _end(self, node: Node) -> None:
        node.last, node.end_piece = len(self._page.nodes) - 1, len(self._page.pieces)


def _sheets(page: Page) -> Iterator[Sheet]:
    for node in page.nodes:
        if node.tag == "style":
            css = "".join(text for _, text in page.pieces[node.first_piece : node.end_piece])
            yield css_rules.read(css, node.get("media"))

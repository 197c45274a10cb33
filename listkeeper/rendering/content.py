"""The values that rendering works on: who writes, what, and to whom."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, assert_never

from listkeeper.rendering import document
from listkeeper.rendering.document import PLAIN, Blocks, Mode, Theme
from listkeeper.rendering.unseen import Unseen


@dataclass(frozen=True, slots=True)
class Sender:
    """The organisation behind a letter, as readers see it."""

    name: str
    address: str
    reply_to: str | None
    legal_name: str
    postal_address: str
    brand_colour: str
    logo_url: str | None
    language: str
    # One of ``fonts.STACKS``.
    font: str = "system"
    # Where this instance's own pictures lie; empty: nowhere that a reader could reach.
    site: str = ""


@dataclass(frozen=True, slots=True)
class Letter:
    """What the owner wrote, in one of three ways; everything written may hold merge tags."""

    subject: str
    preheader: str
    markdown: str
    language: str
    sender: Sender
    mode: Mode = Mode.MARKDOWN
    html: str = ""
    blocks: Blocks = ()
    theme: Theme = PLAIN

    @property
    def is_empty(self) -> bool:
        """Whether nothing is written."""
        match self.mode:
            case Mode.MARKDOWN:
                return not self.markdown.strip()
            case Mode.HTML:
                return not self.html.strip()
            case Mode.BLOCKS:
                return not any(True for block in self.blocks for _words in document.texts(block))
            case other:
                assert_never(other)


@dataclass(frozen=True, slots=True)
class AnswerLink:
    """One answer that can be tapped, and the page it leads to."""

    label: str
    url: str


@dataclass(frozen=True, slots=True)
class AskedQuestion:
    """A question as one reader is asked it in a letter, in the language it is worded in."""

    language: str
    question: str
    why: str
    benefit: str
    answers: tuple[AnswerLink, ...]


class Reader(NamedTuple):
    """One person a letter is filled for, with the links that are hers alone.

    ``reason`` is the sentence that says why she gets the letter
    (``footer.reason``); ``guidance`` is the program whose block she sees, if any (``guidance.seen``);
    ``asked`` is the question this letter asks her, if it asks one. ``counted``
    returns where a link of the letter leads for her, given its number among
    ``CompiledLetter.links``; without it links lead where their owner said.
    ``own`` returns the address of a page of hers that only some letters lead to (``own_links``).
    ``unseen`` is what a counted copy holds beside that (``unseen``).
    """

    address: str
    language: str
    profile: Mapping[str, str]
    unsubscribe_url: str
    unsubscribe_mailto: str | None
    preferences_url: str
    web_view_url: str
    why_url: str
    reason: str
    guidance: str = ""
    asked: AskedQuestion | None = None
    counted: Callable[[int], str] | None = None
    own: Callable[[str], str] | None = None
    unseen: Unseen | None = None


@dataclass(frozen=True, slots=True)
class Filled:
    """A letter as one reader gets it, before it becomes a message."""

    subject: str
    preheader: str
    html: str
    text: str

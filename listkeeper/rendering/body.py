"""The body of a letter, whichever of the three ways it was written: as it is printed, and as plain words.

``draft`` is for the checks of links and may hold what must not travel;
``finished`` is safe. Both halves of a body hold the same links in the same
order, so that each can be counted in both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, assert_never

from listkeeper.rendering import blocks_letter, markdown_letter, nesting, own_html, plain_text, protect
from listkeeper.rendering.blocks_letter import BlocksDrawn
from listkeeper.rendering.content import Letter
from listkeeper.rendering.document import Mode
from listkeeper.rendering.own_html import OwnPage
from listkeeper.rendering.protect import Tokens


@dataclass(frozen=True)
class Drafted:
    """The HTML of a hidden letter, not yet safe; of blocks also what they are laid out from."""

    html: str
    tokens: Tokens
    blocks: BlocksDrawn | None = None


@dataclass(frozen=True)
class Body:
    """A letter's words as a safe fragment; the same as it stands in the page; of own HTML also the page around it."""

    fragment: str
    printed: str
    tokens: Tokens
    own: OwnPage | None = None
    blocks: BlocksDrawn | None = None


def draft(letter: Letter) -> Drafted:
    """Return the HTML of a letter with its merge tags hidden. Raises Invalid, naming the place."""
    match letter.mode:
        case Mode.MARKDOWN:
            hidden, tokens = protect.hide(letter.markdown)
            return Drafted(markdown_letter.draft(hidden, tokens), tokens)
        case Mode.HTML:
            hidden, tokens = protect.hide(letter.html)
            return Drafted(own_html.draft(hidden), tokens)
        case Mode.BLOCKS:
            drawn = blocks_letter.draw(letter)
            return Drafted(drawn.fragment, drawn.tokens, drawn)
        case other:
            assert_never(other)


def finished(letter: Letter, drafted: Drafted) -> Body:
    """Return the safe body of a draft. Raises Invalid when a merge tag was lost or its block is torn."""
    tokens = drafted.tokens
    match letter.mode:
        case Mode.MARKDOWN:
            fragment = markdown_letter.finished(drafted.html, tokens)
            return Body(fragment, fragment, tokens)
        case Mode.HTML:
            own = own_html.page_of(drafted.html, tokens, letter.sender.site)
            return Body(own_html.words_of(own.inner, tokens), own.inner, tokens, own=own)
        case Mode.BLOCKS:
            tokens.demand_all(drafted.html)
            nesting.demand_sound(drafted.html, tokens)
            return Body(drafted.html, "", tokens, blocks=drafted.blocks)
        case other:
            assert_never(other)


def laid_out(body: Body, letter: Letter, look: Mapping[str, Any]) -> str:
    """Return what stands in the page; blocks are laid out now that the colours are known."""
    if body.blocks is None:
        return body.printed
    return blocks_letter.lay_out(body.blocks, letter, look)


def words(letter: Letter) -> str:
    """Return the safe fragment of a letter with its merge tags, for checks that read it."""
    drafted = draft(letter)
    return drafted.tokens.restore(finished(letter, drafted).fragment)


def words_of_block(fragment: str, block: str) -> str:
    """Return what one block of such a fragment says in the text part."""
    for element in nesting.tree(fragment).iter("div"):
        if element.get("data-block") == block:
            return plain_text.from_html("".join(map(nesting.written, element)))
    return ""

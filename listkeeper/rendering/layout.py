"""The page every letter is printed on: 600 pixels, tables for old programs, light and dark.

What comes out is cut where readers differ (``frame``). The templates are read
once per process; after that nothing here opens a file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from html import escape
from itertools import product
from typing import Any

from markupsafe import Markup

from listkeeper.foundation import language
from listkeeper.rendering import (
    blocks_letter,
    body,
    colour,
    fonts,
    footer,
    frame,
    guidance,
    inline,
    question_block,
    system_blocks,
)
from listkeeper.rendering.body import Body
from listkeeper.rendering.content import Letter
from listkeeper.rendering.frame import Frame, Slots
from listkeeper.rendering.guidance import Block
from listkeeper.rendering.inbox_help import Program
from listkeeper.rendering.paper import printing


@dataclass(frozen=True)
class Ink:
    """The colours of one scheme; every text has at least 4.5:1 on what it stands on."""

    page: str
    card: str
    text: str
    soft: str
    faint: str
    line: str
    accent: str = ""
    accent_on_page: str = ""

    def with_brand(self, brand: str) -> Ink:
        """Return the scheme with the owner's colour, made readable."""
        return Ink(
            self.page, self.card, self.text, self.soft, self.faint, self.line,
            colour.readable_on(brand, self.card), colour.readable_on(brand, self.page),
        )  # fmt: skip


@dataclass(frozen=True)
class HtmlPage:
    """A letter's HTML, laid out and inlined: the frame, the body for its slot, the Gmail block, a question's shape."""

    frame: Frame
    body: str
    tabs: Mapping[str, str]
    question: Frame
    answer: Frame


_SLOTS = ("subject", "preheader", "reason", "unsubscribe", "preferences", "web_view", "why")
_MARKS = (
    "body", "body_end", "question", "answer", "answer_end", "question_end", "tab", "tab_end",
    # Around what is taken out of its row, because it stands in the body of the letter.
    "ask_inside", "ask_inside_end", "tab_inside", "tab_inside_end",
)  # fmt: skip

LIGHT = Ink(page="#f4f3ef", card="#ffffff", text="#2a2925", soft="#5a5851", faint="#66635b", line="#e4e2db")
DARK = Ink(page="#161718", card="#222325", text="#eceae5", soft="#c2bfb8", faint="#a5a29b", line="#3c3d40")


@cache
def fingerprint() -> str:
    """Return a name for the layout as it is now, so that a new release compiles its letters anew."""
    sources = printing.sources(
        ("letter.html", "letter_end.html", "letter.txt", "footer.html", "letter.mjml", "words.html")
    )
    return hashlib.sha256(f"{sources}{LIGHT}{DARK}".encode()).hexdigest()


def html_page(letter: Letter, finished: Body) -> HtmlPage:
    """Print a body on the page of its sender, or on its own, inline the styles and cut the page."""
    slots, tab_slots, marks = Slots((*_SLOTS, "body", "question", "tab")), Slots(guidance.SLOTS), Slots(_MARKS)
    asks, answers = Slots(question_block.SLOTS), Slots(question_block.ANSWER_SLOTS)
    brand = colour.checked(letter.theme.colour or letter.sender.brand_colour)
    stack, ink = fonts.stack(letter.theme.font or letter.sender.font), LIGHT.with_brand(brand)
    comments = {name: f"<!--{word}-->" for name, word in marks.words.items()}
    placed = system_blocks.placed(letter)
    context = {
        "slot": slots.words,
        "tab": tab_slots.words,
        "ask": asks.words,
        "answer": answers.words,
        "mark": {name: Markup(comment) for name, comment in comments.items()},  # noqa: S704 - our own tokens
        "body": Markup(body.laid_out(finished, letter, {"fonts": stack, "ink": ink})),  # noqa: S704 - it was cleaned
        "own": finished.own,
        "own_styles": Markup(finished.own.styles if finished.own else ""),  # noqa: S704 - no "<" is left in them
        "knows_dark": finished.own is None or "prefers-color-scheme" in finished.own.styles,
        "blocks": finished.blocks is not None,
        "flush": blocks_letter.begins_with_colour(letter.blocks) if finished.blocks is not None else False,
        "fonts": stack,
        "ink": ink,
        "dark": DARK.with_brand(brand),
        "has_preheader": bool(letter.preheader.strip()),
        "placed": placed,
    }
    inlined = inline.inline_css(_printed("letter.html", letter, context))
    top, inner, rest = frame.between(inlined, comments["body"], comments["body_end"])
    over, question, rest = frame.between(rest, comments["question"], comments["question_end"])
    middle, tab, bottom = frame.between(rest, comments["tab"], comments["tab_end"])
    asks_below, question = _below(slots.words["question"], question, comments, "ask", inside=placed.question)
    tab_below, tab = _below(slots.words["tab"], tab, comments, "tab", inside=bool(placed.guidance))
    before, answer, after = frame.between(question.strip(), comments["answer"], comments["answer_end"])
    return HtmlPage(
        slots.cut(f"{top}{slots.words['body']}{over}{asks_below}{middle}{tab_below}{bottom}"),
        inner.strip(),
        _html_tabs(tab_slots.cut(tab.strip()), letter.sender.site),
        asks.cut(f"{before}{asks.words['answers']}{after}"),
        answers.cut(answer.strip()),
    )


def _below(slot: str, rows: str, comments: Mapping[str, str], name: str, *, inside: bool) -> tuple[str, str]:
    """Return what stands for a system block below the letter, and its shape; a placed one stands in the body alone."""
    if not inside:
        return slot, rows
    return "", frame.between(rows, comments[f"{name}_inside"], comments[f"{name}_inside_end"])[1]


def text_page(letter: Letter) -> tuple[Frame, Mapping[str, str]]:
    """Return the text part around its slots, and the guidance block per program and language."""
    slots = Slots((*_SLOTS, "body", "question", "tab"))
    printed = _printed("letter.txt", letter, {"slot": slots.words, "placed": system_blocks.placed(letter)})
    return slots.cut(printed), {name: guidance.as_text(block) for name, block in _guidance()}


def _guidance() -> Iterator[tuple[str, Block]]:
    for program, code in product(Program, language.LANGUAGES):
        yield guidance.key(program, code), guidance.block(program, code)


def _html_tabs(cut: Frame, site: str) -> Mapping[str, str]:
    blocks = {name: guidance.printed(block, site) for name, block in _guidance()}
    return {name: cut.fill({slot: escape(said) for slot, said in values.items()}) for name, values in blocks.items()}


def _printed(template: str, letter: Letter, context: Mapping[str, Any]) -> str:
    with language.using(letter.language) as code:
        return (
            printing.environment()
            .get_template(template)
            .render(
                context,
                sender=letter.sender,
                imprint=footer.imprint(letter.sender),
                language=code,
                direction=language.direction(code),
            )
        )

"""The page every letter is printed on: 600 pixels, tables for old programs, light and dark.

What comes out is cut where readers differ (``frame``). The templates are read
once per process; after that nothing here opens a file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from html import escape
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from listkeeper.foundation import language, places
from listkeeper.rendering import colour, footer, frame, inline, plain_text, primary_tab, question_block
from listkeeper.rendering.content import Letter
from listkeeper.rendering.frame import Frame, Slots

FOLDER = "mail"
FONTS = "-apple-system, BlinkMacSystemFont, Segoe UI, Roboto, Helvetica Neue, Helvetica, Arial, sans-serif"


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
_TAB_SLOTS = ("language", "direction", "question", "computer", "phone")
_MARKS = ("body", "body_end", "question", "answer", "answer_end", "question_end", "tab", "tab_end")

LIGHT = Ink(page="#f4f3ef", card="#ffffff", text="#2a2925", soft="#5a5851", faint="#66635b", line="#e4e2db")
DARK = Ink(page="#161718", card="#222325", text="#eceae5", soft="#c2bfb8", faint="#a5a29b", line="#3c3d40")


@cache
def environment() -> Environment:
    """Return the Jinja environment of ``templates/mail``; words are translated at the moment they are printed."""
    made = Environment(
        loader=FileSystemLoader(places.templates() / FOLDER),
        autoescape=select_autoescape(("html",), default=False),
        undefined=StrictUndefined,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    made.install_gettext_callables(_gettext, _ngettext, newstyle=True)  # type: ignore[attr-defined]
    return made


@cache
def fingerprint() -> str:
    """Return a name for the layout as it is now, so that a new release compiles its letters anew."""
    loader = environment().loader
    if loader is None:
        raise RuntimeError("the mail templates have no loader")
    names = ("letter.html", "letter.txt", "footer.html")
    sources = "\n".join(loader.get_source(environment(), name)[0] for name in names)
    return hashlib.sha256(f"{sources}{LIGHT}{DARK}".encode()).hexdigest()


def html_page(letter: Letter, body: str) -> HtmlPage:
    """Print a sanitised body on the page of its sender, inline the styles and cut the page."""
    slots, tab_slots, marks = Slots((*_SLOTS, "body", "question", "tab")), Slots(_TAB_SLOTS), Slots(_MARKS)
    asks, answers = Slots(question_block.SLOTS), Slots(question_block.ANSWER_SLOTS)
    brand = colour.checked(letter.sender.brand_colour)
    comments = {name: f"<!--{word}-->" for name, word in marks.words.items()}
    context = {
        "slot": slots.words,
        "tab": tab_slots.words,
        "ask": asks.words,
        "answer": answers.words,
        "mark": {name: Markup(comment) for name, comment in comments.items()},  # noqa: S704 - our own tokens
        "body": Markup(body),  # noqa: S704 - nh3 has been over it
        "fonts": FONTS,
        "ink": LIGHT.with_brand(brand),
        "dark": DARK.with_brand(brand),
        "has_preheader": bool(letter.preheader.strip()),
    }
    inlined = inline.inline_css(_printed("letter.html", letter, context))
    top, inner, rest = frame.between(inlined, comments["body"], comments["body_end"])
    over, question, rest = frame.between(rest, comments["question"], comments["question_end"])
    middle, tab, bottom = frame.between(rest, comments["tab"], comments["tab_end"])
    page = f"{top}{slots.words['body']}{over}{slots.words['question']}{middle}{slots.words['tab']}{bottom}"
    before, answer, after = frame.between(question.strip(), comments["answer"], comments["answer_end"])
    return HtmlPage(
        slots.cut(page),
        inner.strip(),
        _html_tabs(tab_slots.cut(tab.strip())),
        asks.cut(f"{before}{asks.words['answers']}{after}"),
        answers.cut(answer.strip()),
    )


def text_page(letter: Letter) -> tuple[Frame, Mapping[str, str]]:
    """Return the text part around its slots, and the Gmail block per language."""
    slots = Slots((*_SLOTS, "body", "question", "tab"))
    printed = _printed("letter.txt", letter, {"slot": slots.words})
    tabs = {code: f"\n{plain_text.wrapped(primary_tab.block(code).text)}\n" for code in language.LANGUAGES}
    return slots.cut(printed), tabs


def _html_tabs(cut: Frame) -> Mapping[str, str]:
    blocks = {code: asdict(primary_tab.block(code)) for code in language.LANGUAGES}
    return {code: cut.fill({name: escape(words) for name, words in block.items()}) for code, block in blocks.items()}


def _printed(template: str, letter: Letter, context: Mapping[str, Any]) -> str:
    with language.using(letter.language) as code:
        return (
            environment()
            .get_template(template)
            .render(
                context,
                sender=letter.sender,
                imprint=footer.imprint(letter.sender),
                language=code,
                direction=language.direction(code),
            )
        )


def _gettext(message: str) -> str:
    return language.catalogue(language.current()).ugettext(message)


def _ngettext(one: str, many: str, number: int) -> str:
    return language.catalogue(language.current()).ungettext(one, many, number)

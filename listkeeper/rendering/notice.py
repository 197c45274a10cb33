"""Plain mails of the sign-up: nothing in them could be taken for advertising.

A court took a logo, a "Welcome" and an offer of support for advertising sent
without consent. These mails have none of it: no picture, no colour of the
owner's, and no word that a stranger typed into a form. Each is laid out once
per process and language; a mail is a few strings joined.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from html import escape

from listkeeper.foundation import language
from listkeeper.rendering import fonts, footer, inline, layout, plain_text
from listkeeper.rendering.content import Filled
from listkeeper.rendering.frame import Frame, Slots
from listkeeper.rendering.paper import printing
from listkeeper.standards import list_headers
from listkeeper.standards.list_headers import Header

HEADERS: tuple[Header, ...] = (list_headers.auto_submitted(),)
"""What these mails carry beside the usual headers. No List-Unsubscribe: there is nothing yet to unsubscribe from."""


# Where a text comes in after the lines were wrapped.
_HERE = "(text)"


@dataclass(frozen=True)
class Paragraphs:
    """A text of several lines, shown as a quotation."""

    lines: tuple[str, ...]

    @classmethod
    def of(cls, text: str) -> Paragraphs:
        """Return the lines of a text without the empty ones."""
        return cls(tuple(" ".join(line.split()) for line in text.splitlines() if line.strip()))


def printed(
    template: str, subject: str, legal_name: str, postal_address: str, words: Mapping[str, str | Paragraphs]
) -> Filled:
    """Print a notice in the language in use; ``words`` are the values of its slots."""
    html_frame, text_frame = _frames(template, language.current(), tuple(sorted(words)))
    imprint = footer.imprint_lines(legal_name, postal_address)
    html = {"subject": subject, "legal_name": legal_name, "imprint": ", ".join(imprint), **words}
    text = {**html, "imprint": "\n".join(imprint)}
    filled_text = text_frame.fill({name: _as_text(value) for name, value in text.items()})
    return Filled(
        subject=subject,
        preheader="",
        html=html_frame.fill({name: _as_html(value) for name, value in html.items()}),
        text=plain_text.tidy(plain_text.wrapped_lines(filled_text)),
    )


def typed(template: str, subject: str, legal_name: str, postal_address: str, text: str) -> Filled:
    """Print a notice that is nothing but a text, whose lines are not wrapped and whose addresses become no links."""
    filled = printed(template, subject, legal_name, postal_address, {"text": _HERE})
    # The subject stands in the page as well, and may be this very word, but never as all of an element.
    html = filled.html.replace(f">{_HERE}</div>", f">{escape(text)}</div>", 1)
    return replace(filled, html=html, text=filled.text.replace(_HERE, text.rstrip(), 1))


def _as_html(value: str | Paragraphs) -> str:
    if isinstance(value, Paragraphs):
        return "<br>\n".join(escape(line) for line in value.lines)
    return escape(value)


def _as_text(value: str | Paragraphs) -> str:
    return plain_text.quoted(value.lines) if isinstance(value, Paragraphs) else value


@lru_cache(maxsize=64)
def _frames(template: str, language_code: str, names: tuple[str, ...]) -> tuple[Frame, Frame]:
    slots = Slots(("subject", "legal_name", "imprint", *names))
    context = {
        "slot": slots.words,
        "language": language_code,
        "direction": language.direction(language_code),
        "fonts": fonts.stack("system"),
        "ink": layout.LIGHT,
        "dark": layout.DARK,
    }
    environment = printing.environment()
    html = environment.get_template(f"{template}.html").render(context)
    text = environment.get_template(f"{template}.txt").render(context)
    return slots.cut(inline.inline_css(html)), slots.cut(text)


def wording(template: str, names: tuple[str, ...]) -> dict[str, str]:
    """Return a notice's fixed words in the language in use, with ``{name}`` where a slot is.

    This is what a version of a mail is named by: the same for every reader.
    """
    html_frame, text_frame = _frames(template, language.current(), tuple(sorted(names)))
    slots = {name: f"{{{name}}}" for name in ("subject", "legal_name", "imprint", *names)}
    return {
        "template": template,
        "language": language.current(),
        "html": html_frame.fill(slots),
        "text": text_frame.fill(slots),
    }

"""``inline_css``: style rules written into the elements, because many mail programs know nothing else.

One function, so that the engine can change. premailer is the engine: it also
writes the ``width`` and ``bgcolor`` that Outlook needs. What it must not do is
go anywhere: ``<link>`` is taken out first, and style sheets are parsed with a
fetcher that fetches nothing, because premailer's own switches do not stop its
parser from following ``@import`` to a file or another host.
"""

from __future__ import annotations

import logging
import re
from functools import lru_cache
from threading import Lock
from typing import Any

import cssutils
from premailer import Premailer

from listkeeper.foundation import language
from listkeeper.foundation.errors import Invalid

_SILENT = logging.CRITICAL + 1
# Quoted attribute values may hold ">".
_LINK = re.compile(r"""<link\b(?:[^>"']|"[^"]*"|'[^']*')*>""", re.IGNORECASE)
_STYLE = re.compile(r"(<style\b[^>]*>)(.*?)(</style\s*>)", re.IGNORECASE | re.DOTALL)
_IMPORT = re.compile(r"""@import\b(?:[^;"']|"[^"]*"|'[^']*')*;""", re.IGNORECASE)
_PROLOGUE = re.compile(r"\s*(?:<\?xml[^>]*>\s*|<!--.*?-->\s*|<!doctype[^>]*>\s*)*", re.IGNORECASE | re.DOTALL)
_DOCTYPE = re.compile(r"<!doctype\s+html\b", re.IGNORECASE)
_XML_DECLARATION = re.compile(r"<\?xml[^>]*>\s*", re.IGNORECASE)
# cssutils keeps its state in one place for the whole process, so threads must take turns.
_ONE_AT_A_TIME = Lock()
cssutils.log.raiseExceptions = False
cssutils.log.setLevel(_SILENT)
# premailer copies "height: auto" into an attribute that knows only numbers.
_NO_ATTRIBUTE = ["height"]


def inline_css(html: str) -> str:
    """Return the whole HTML document with its style rules in ``style`` attributes; raises Invalid, naming the place.

    Style sheets stay in the head for ``@media`` and for programs that read
    them. Merge tags must be opaque tokens already (``protect.hide``).
    """
    if not _can_be_written(html):
        raise _unreadable("", "characters that are no text")
    prologue, rest = _split(_STYLE.sub(_without_imports, _LINK.sub("", html)))
    engine = _Engine(rest)
    try:
        with _ONE_AT_A_TIME:
            return prologue + str(engine.transform(pretty_print=False))
    except Exception as error:  # the engine and its CSS parser raise whatever they happen upon
        raise _unreadable(engine.place, str(error)) from error


def _unreadable(place: str, what: str) -> Invalid:
    near = place or language.text("the letter as a whole")
    sentence = language.text("The styles cannot be read, near %(near)s (%(what)s).", near=near, what=what)
    return Invalid("letter_style_unreadable", sentence)


def _can_be_written(html: str) -> bool:
    try:
        html.encode()
    except UnicodeEncodeError:
        return False
    return True


def _without_imports(style: re.Match[str]) -> str:
    return style[1] + _IMPORT.sub("", style[2]) + style[3]


def _split(html: str) -> tuple[str, str]:
    """Part the doctype and leading comments from the rest: premailer keeps them only when written in one way."""
    match = _PROLOGUE.match(html)
    end = match.end() if match else 0
    prologue = _DOCTYPE.sub("<!DOCTYPE html", _XML_DECLARATION.sub("", html[:end])).lstrip()
    return prologue, html[end:]


def _fetch_nothing(_url: str) -> tuple[None, bytes]:
    return None, b""


class _Engine(Premailer):  # type: ignore[misc]
    """premailer with a parser that stays at home, keeps what it read, and says what it was reading."""

    place = ""

    def __init__(self, html: str) -> None:
        super().__init__(
            html,
            allow_network=False,
            allow_loading_external_files=False,
            keep_style_tags=True,
            strip_important=False,
            disable_validation=True,
            disable_basic_attributes=_NO_ATTRIBUTE,
            # For this it parses the styles of each picture anew: a third of the time of a letter where nothing floats.
            align_floating_images="float" in html.lower(),
        )

    def _parse_style_rules(self, css_body: str, ruleset_index: int) -> Any:  # noqa: ANN401 - premailer has no types
        self.place = (css_body or "").strip()[:60]
        return _rules(css_body, ruleset_index)

    def _parse_css_string(self, css_body: str, validate: bool = True) -> Any:  # noqa: ANN401, FBT001, FBT002
        parser = cssutils.CSSParser(validate=validate, fetcher=_fetch_nothing)
        return parser.parseString(css_body, validate=validate)


@lru_cache(maxsize=64)
def _rules(css: str, index: int) -> Any:  # noqa: ANN401 - premailer has no types
    """Return what premailer reads out of a style sheet; kept, because a preview asks for the same one at every key."""
    return Premailer._parse_style_rules(_Engine(""), css, index)  # noqa: SLF001 - the method it overrides

"""Filling: one compiled letter for one reader, with Liquid and string joins and nothing else.

The templates of a letter are parsed once per process and found again by its
fingerprint. What a profile holds never brings a line break into a subject, nor
a control character anywhere: that one reader's letter is refused, in words.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from liquid import BoundTemplate
from markupsafe import escape

from listkeeper.foundation import language
from listkeeper.foundation.errors import Invalid
from listkeeper.rendering import personalise, plain_text, question_block
from listkeeper.rendering.compiled import CompiledLetter
from listkeeper.rendering.content import AskedQuestion, Filled, Reader

# Control characters but the tab, what e-mail libraries take for the end of a line, and what UTF-8 cannot write.
_UNPRINTABLE = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")
_LETTERS_KEPT = 64


@dataclass(frozen=True)
class _Templates:
    """The parsed templates of one letter (bare text where there is no tag), and the keys of a profile they ask for."""

    subject: BoundTemplate | str
    preheader: BoundTemplate | str
    html: BoundTemplate | str
    text: BoundTemplate | str
    profile_keys: tuple[str, ...]


def fill(compiled: CompiledLetter, reader: Reader) -> Filled:
    """Return the letter as this reader gets it; raises Invalid when her data cannot be printed."""
    templates = _templates(compiled)
    values = _values(compiled, templates, reader)
    subject = _line(_rendered(templates.subject, values), "subject")
    values["letter"] = {"subject": subject}
    preheader = _line(_rendered(templates.preheader, values), "preheader")
    slots = _slots(subject, preheader, reader)
    tab = language.known(reader.language) if reader.sees_primary_tab else ""
    html: dict[str, str] = {name: escape(value) for name, value in slots.items()}
    html["body"] = _rendered(templates.html, values)
    html["tab"] = compiled.html_tabs[tab] if tab else ""
    html["question"] = _question(compiled, reader.asked)
    slots["body"] = _rendered(templates.text, values)
    slots["tab"] = compiled.text_tabs[tab] if tab else ""
    slots["question"] = question_block.text(reader.asked) if reader.asked else ""
    slots["reason"] = plain_text.wrapped(reader.reason)
    text = plain_text.tidy(compiled.text_frame.fill(slots))
    return Filled(subject, preheader, compiled.html_frame.fill(html), text)


def _question(compiled: CompiledLetter, asked: AskedQuestion | None) -> str:
    """Return the block with the question; a letter that was compiled before there were any has no place for it."""
    if asked is None or compiled.html_question is None or compiled.html_answer is None:
        return ""
    return question_block.html(compiled.html_question, compiled.html_answer, asked)


@lru_cache(maxsize=_LETTERS_KEPT)
def _templates(compiled: CompiledLetter) -> _Templates:
    prefix = "subscriber."
    return _Templates(
        subject=_parsed(compiled.subject),
        preheader=_parsed(compiled.preheader),
        html=_parsed(compiled.html_body, html=True),
        text=_parsed(compiled.text_body),
        profile_keys=tuple(name.removeprefix(prefix) for name in compiled.names if name.startswith(prefix)),
    )


def _parsed(source: str, *, html: bool = False) -> BoundTemplate | str:
    return personalise.parse(source, html=html) if "{{" in source or "{%" in source else source


def _rendered(template: BoundTemplate | str, values: Mapping[str, Any]) -> str:
    return template if isinstance(template, str) else personalise.render(template, values)


def _values(compiled: CompiledLetter, templates: _Templates, reader: Reader) -> dict[str, Any]:
    """Return what Liquid may ask for; a known name the profile lacks is nil: its fallback speaks, and `if` is false."""
    return {
        "subscriber": {
            key: _line(reader.profile.get(key, ""), f"subscriber.{key}") or None for key in templates.profile_keys
        },
        "sender": {"name": compiled.sender_name},
        "links": {
            "unsubscribe": reader.unsubscribe_url,
            "preferences": reader.preferences_url,
            "web_view": reader.web_view_url,
        },
    }


def _slots(subject: str, preheader: str, reader: Reader) -> dict[str, str]:
    return {
        "subject": subject,
        "preheader": preheader,
        "reason": _line(reader.reason, "reason"),
        "unsubscribe": _line(reader.unsubscribe_url, "unsubscribe_url"),
        "preferences": _line(reader.preferences_url, "preferences_url"),
        "web_view": _line(reader.web_view_url, "web_view_url"),
        "why": _line(reader.why_url, "why_url"),
    }


def _line(value: str, what: str) -> str:
    """Return a value that is one line of printable text, with single spaces; raises Invalid, never naming the value."""
    if _UNPRINTABLE.search(value):
        sentence = language.text("The field %(what)s holds a line break or cannot be printed.", what=what)
        raise Invalid("value_unprintable", sentence)
    return " ".join(value.split())

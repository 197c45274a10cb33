"""What is told to a letter about one reader: the values Liquid may ask for, and what goes into the page's own slots.

What a profile holds never brings a line break into a subject, nor a control
character anywhere: that one reader's letter is refused, in words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from listkeeper.foundation import language
from listkeeper.foundation.errors import Invalid
from listkeeper.rendering import counted_links
from listkeeper.rendering.compiled import CompiledLetter
from listkeeper.rendering.content import Reader

# Control characters but the tab, what e-mail libraries take for the end of a line, and what UTF-8 cannot write.
_UNPRINTABLE = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")
# "How is it going?" in one tap: pages below that of the letter itself.
TAPS = ("fine", "question", "problem")
LINKS = ("unsubscribe", "preferences", "web_view", *TAPS)


def values(compiled: CompiledLetter, profile_keys: Iterable[str], reader: Reader) -> dict[str, Any]:
    """Return what Liquid may ask for; a known name the profile lacks is nil: its fallback speaks, and `if` is false."""
    return {
        "subscriber": {key: line(reader.profile.get(key, ""), f"subscriber.{key}") or None for key in profile_keys},
        "sender": {"name": compiled.sender_name},
        "links": {
            "unsubscribe": reader.unsubscribe_url,
            "preferences": reader.preferences_url,
            "web_view": reader.web_view_url,
            **{tapped: f"{reader.web_view_url}/{tapped}" for tapped in TAPS},
            **_own(compiled, reader),
            **_counted(compiled, reader),
        },
    }


def _own(compiled: CompiledLetter, reader: Reader) -> dict[str, str]:
    """Return the addresses that this letter alone asks for; where nobody reads it, they lead to the letter itself."""
    if reader.own is None:
        return dict.fromkeys(compiled.own_links, reader.web_view_url)
    return {name: line(reader.own(name), "own link") for name in compiled.own_links}


def _counted(compiled: CompiledLetter, reader: Reader) -> dict[str, str]:
    if reader.counted is None:
        return {}
    return {
        counted_links.name(number): line(reader.counted(number), "counted link")
        for number in range(len(compiled.links))
    }


def slots(subject: str, preheader: str, reader: Reader) -> dict[str, str]:
    """Return what goes into the slots of the page, and is escaped there; raises Invalid when it cannot be printed."""
    return {
        "subject": subject,
        "preheader": preheader,
        "reason": line(reader.reason, "reason"),
        "unsubscribe": line(reader.unsubscribe_url, "unsubscribe_url"),
        "preferences": line(reader.preferences_url, "preferences_url"),
        "web_view": line(reader.web_view_url, "web_view_url"),
        "why": line(reader.why_url, "why_url"),
    }


def line(value: str, what: str) -> str:
    """Return a value that is one line of printable text, with single spaces; raises Invalid, never naming the value."""
    # Of what can be printed nothing needs to be looked for, and the only space that can be is the common one.
    if value.isprintable():
        return value if " " not in value else " ".join(value.split())
    if _UNPRINTABLE.search(value):
        sentence = language.text("The field %(what)s holds a line break or cannot be printed.", what=what)
        raise Invalid("value_unprintable", sentence)
    return " ".join(value.split())

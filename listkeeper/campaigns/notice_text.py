"""What may be written in a status notice: short, the same for everybody, and fit for a public page."""

from __future__ import annotations

import re
import unicodedata

from listkeeper.foundation import language
from listkeeper.foundation.errors import Invalid

LONGEST = 2_000
_MERGE_TAG = re.compile(r"\{\{|\{%")
# What Markdown would take for its own, in a line that is to stand as it was typed.
_MARKS = re.compile(r"([\\`*_{}\[\]<>#|~!])")


def line(typed: str, longest: int, missing: str = "") -> str:
    """Return one line, tidied. Raises Invalid when it is too long, cannot be shown, or is ``missing``."""
    found = " ".join(typed.split())
    if not found and missing:
        raise Invalid("missing", missing)
    if len(found) > longest:
        begins = f"{found[:40]} …"
        sentence = language.text(
            "Please shorten this; the longest it can be is %(most)s: %(begins)s", most=longest, begins=begins
        )
        raise Invalid("too_long", sentence)
    _demand_plain(found)
    return found


def words(typed: str) -> str:
    """Return the words of an update, tidied. Raises Invalid for none, too many, or what only one reader would see."""
    found = typed.replace("\r\n", "\n").strip()
    if not found:
        raise Invalid("missing", language.text("Please say what you know. Nothing was told or sent."))
    if len(found) > LONGEST:
        raise Invalid(
            "too_long",
            language.counted(
                "An update can have %(number)s character. Nothing was told or sent; your words are kept here.",
                "An update can have %(number)s characters. Nothing was told or sent; your words are kept here.",
                LONGEST,
            ),
        )
    _demand_plain(found.replace("\n", " ").replace("\t", " "))
    return found


def _demand_plain(found: str) -> None:
    if _MERGE_TAG.search(found):
        sentence = language.text("Everybody reads the same here, so merge tags such as {{ … }} cannot stand in it.")
        raise Invalid("merge_tag", sentence)
    if any(unicodedata.category(char) in {"Cc", "Cs"} for char in found):
        raise Invalid(
            "unreadable", language.text("This holds characters that cannot be shown. Paste it as plain text.")
        )


def literal(found: str) -> str:
    """Return a line so that Markdown shows it as it was typed."""
    return _MARKS.sub(r"\\\1", found)

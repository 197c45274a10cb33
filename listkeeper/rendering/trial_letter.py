"""Trial letters: what is mailed to oneself says so in its subject."""

from __future__ import annotations

from dataclasses import replace

from listkeeper.rendering.content import Filled

MARK = "[TEST]"


def marked(filled: Filled) -> Filled:
    """Return the letter with ``[TEST]`` before its subject; everything else stays as it will be sent."""
    return replace(filled, subject=f"{MARK} {filled.subject}")

"""What strangers wrote, made fit to be kept and shown: one line, no control characters, no longer than is useful.

A database cannot keep some of what JSON and XML can say, a terminal would
obey some of it, and characters that turn the direction of writing make a line
read as what it is not. None of that gets past here.
"""

from __future__ import annotations

_CUT = "…"


def clean(text: str, most: int) -> str:
    """Return the text on one line of at most so many characters; where something was cut off, it ends with ``…``.

    White space becomes single spaces, whatever cannot be printed U+FFFD.
    """
    line = " ".join(text.split())
    if not line.isprintable():
        line = "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in line)
    return line if len(line) <= most else f"{line[: most - 1]}{_CUT}"

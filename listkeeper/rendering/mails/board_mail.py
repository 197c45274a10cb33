"""The weekly mail about the board: exactly its numbers, and one thing to do.

It has no chart and no picture: each number is a row of a table, in HTML and as
lines of plain text, so that nothing has to be loaded to read it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from listkeeper.foundation import language
from listkeeper.rendering import notice
from listkeeper.rendering.content import Filled

MOST_ROWS = 3
_PARTS = ("title", "value", "status", "about")


@dataclass(frozen=True)
class BoardRow:
    """One number in words; ``about`` is its target, how it was before, and what it rests on."""

    title: str
    value: str
    status: str
    about: str


@dataclass(frozen=True)
class Written:
    """What the mail says, in the language of the business; ``path`` is where the button leads, below our address."""

    week: str
    rows: tuple[BoardRow, ...]
    advice: str
    button: str
    path: str

    def as_json(self) -> dict[str, Any]:
        """Return it as it is stored."""
        rows = [{name: getattr(row, name) for name in _PARTS} for row in self.rows]
        return {"week": self.week, "rows": rows, "advice": self.advice, "button": self.button, "path": self.path}


def stored(content: Mapping[str, Any]) -> Written:
    """Return what was stored of a mail."""
    rows = tuple(BoardRow(**row) for row in content["rows"])
    return Written(content["week"], rows, content["advice"], content["button"], content["path"])


def compose(*, language_code: str, legal_name: str, postal_address: str, written: Written, site: str) -> Filled:
    """Return the mail; it names no subscriber. ``site`` is our own address, without a slash at its end."""
    with language.using(language_code):
        words = {
            "week": written.week,
            "advice": written.advice,
            "button": written.button,
            "action_url": f"{site}{written.path}",
            "board_url": f"{site}/studio/board",
            **_slots(written.rows),
        }
        subject = language.text("Your numbers, and one thing to do")
        return notice.printed("board", subject, legal_name, postal_address, words)


def _slots(rows: Sequence[BoardRow]) -> dict[str, str]:
    """Return the slots of so many rows: the template prints those that are there."""
    return {f"{part}_{place}": getattr(row, part) for place, row in enumerate(rows[:MOST_ROWS], 1) for part in _PARTS}

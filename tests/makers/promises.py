"""What anybody could keep in her head about a list: who said yes to what, and what stands against it.

The machine of ``tests/integration/test_promises_machine.py`` compares the program with it after every step; it shares
nothing with the program but the names of a list's states.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from listkeeper.audience.mailing_list import ListState

ADDRESSES = tuple(f"guest-{number}@guest.example" for number in range(3))
LISTS = (0, 1)


@dataclass
class Yes:
    """That somebody may be written to about one list, since when, and until when she wants a pause."""

    at: datetime
    batch: int | None = None


@dataclass
class Known:
    """What one address has said."""

    yes: dict[int, Yes] = field(default_factory=dict)
    paused: dict[int, datetime] = field(default_factory=dict)
    # Lists she left, and whether she stopped everything: no file brings her back there.
    left: set[int] = field(default_factory=set)
    stopped: bool = False
    # Lists she has any history with; a file adds nothing there, but for who came without evidence.
    met: set[int] = field(default_factory=set)
    unproven: set[int] = field(default_factory=set)
    restricted: bool = False

    def no(self, *lists: int) -> None:
        """Forget the yes to some lists."""
        for number in lists:
            self.yes.pop(number, None)


@dataclass
class Question:
    """A mail that asks, as the model remembers it."""

    address: str
    list: int
    token: str
    code: str
    visit: str
    at: datetime
    # Something was said since that makes it ask no more, or may have.
    dead: bool = False
    doubtful: bool = False


@dataclass(frozen=True)
class Undo:
    """The secret that takes back a leave for an hour, and the import on which the yes before it rested, if any."""

    token: str
    address: str
    list: int
    at: datetime
    batch: int | None


@dataclass
class World:
    """Everything the model knows; a backup is a copy of it."""

    people: dict[str, Known] = field(default_factory=lambda: {one: Known() for one in ADDRESSES})
    lists: dict[int, ListState] = field(default_factory=lambda: dict.fromkeys(LISTS, ListState.ACTIVE))
    # How far the clock had come, for what it ends.
    seen: datetime | None = None

"""Pages of a reader's own that only some letters lead to: the answers of a poll, and the renewal of a consent.

A letter asks for them by name (``links.poll_…``, ``links.renew``), and an
address is made for a reader only where her letter asks for it. Where a letter
is shown to nobody in particular they lead to the letter itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

RENEW = "renew"
_ROOT = "links."
_ANSWER = re.compile(r"poll_(b[0-9a-f]{10})_(\d)")


class NamedAnswer(NamedTuple):
    """One answer of one poll: the block, and the answer's place in it, from 0."""

    block: str
    choice: int


def of_answer(block: str, choice: int) -> str:
    """Return what a letter calls the address of one answer."""
    return f"poll_{block}_{choice}"


def answer_named(name: str) -> NamedAnswer | None:
    """Return which answer a name is of, or None when it is of none."""
    found = _ANSWER.fullmatch(name)
    return NamedAnswer(found[1], int(found[2])) if found else None


def asked_for(names: Iterable[str]) -> tuple[str, ...]:
    """Return the names of such pages among the dotted names that a letter uses, without their root."""
    below = (name.removeprefix(_ROOT) for name in names if name.startswith(_ROOT))
    return tuple(name for name in below if name == RENEW or _ANSWER.fullmatch(name))

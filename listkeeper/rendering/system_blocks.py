"""Blocks whose words are ours and whose place is the owner's: the help for the mail program, and the list's question.

The page prints both below the letter. A letter of blocks may hold one of each,
and then the page prints it there instead, in both parts. Who sees them, and
what they say, is the same wherever they stand; the footer cannot be moved.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from listkeeper.rendering.content import Letter
from listkeeper.rendering.document import GuidanceBlock, Mode, QuestionBlock

GUIDANCE, QUESTION = "guidance", "question"


@dataclass(frozen=True)
class Placed:
    """Which of them a letter places itself: the tone of the guidance, empty where it does not; and the question."""

    guidance: str = ""
    question: bool = False


def placed(letter: Letter) -> Placed:
    """Return what a letter places."""
    if letter.mode is not Mode.BLOCKS:
        return Placed()
    tones = [block.tone for block in letter.blocks if isinstance(block, GuidanceBlock)]
    return Placed("".join(tones[:1]), any(isinstance(block, QuestionBlock) for block in letter.blocks))


def name(kind: str) -> str:
    """Return what Liquid calls such a block, below a root that no owner can give a new meaning."""
    return f"block_{kind}"


def asked_for(names: Iterable[str]) -> frozenset[str]:
    """Return which of them stand in the body of a letter that uses these dotted names."""
    used = frozenset(names)
    return frozenset(kind for kind in (GUIDANCE, QUESTION) if f"links.{name(kind)}" in used)

"""What a poll still lacks before anybody is asked: a question, and two answers that differ."""

from __future__ import annotations

from listkeeper.foundation import language
from listkeeper.rendering.document import PollBlock

FEWEST = 2


def sentence(block: PollBlock) -> str:
    """Return what is wrong with a poll, in one sentence; nothing when it can be asked."""
    said = [answer.text.casefold() for answer in block.answers if answer.text]
    if not block.question:
        return language.text("The poll has no question yet.")
    if len(said) < FEWEST:
        return language.text("A poll needs two answers at least, or there is nothing to choose.")
    if len(set(said)) < len(said):
        return language.text("Two answers of the poll are the same, so their results cannot be told apart.")
    return ""

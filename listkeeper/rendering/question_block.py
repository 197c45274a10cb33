"""The question in a letter: one, with a link for each answer, in the third letter somebody gets.

The words of the question come from its owner and the links are the reader's
alone, so the letter's compiled form holds only the two shapes: the block, and
one answer in it. A link leads to a page with a button; following it answers
nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from listkeeper.foundation import language
from listkeeper.rendering import plain_text
from listkeeper.rendering.content import AskedQuestion
from listkeeper.rendering.frame import Frame

SLOTS = ("language", "direction", "heading", "question", "why", "benefit", "answers")
ANSWER_SLOTS = ("url", "label")


def html(block: Frame, answer: Frame, asked: AskedQuestion) -> str:
    """Return the block for one reader."""
    words = {name: escape(said) for name, said in _words(asked).items()}
    links = [answer.fill({"url": escape(each.url), "label": escape(each.label)}) for each in asked.answers]
    return block.fill({**words, "answers": "".join(links)})


def text(asked: AskedQuestion) -> str:
    """Return the block for the text part: the question, why, and a line for each answer."""
    words = _words(asked)
    question = plain_text.wrapped(f"{words['heading']} {words['question']}")
    reasons = plain_text.wrapped(f"{words['why']} {words['benefit']}")
    links = "\n".join(f"{each.label}: {each.url}" for each in asked.answers)
    return f"\n{question}\n\n{reasons}\n\n{links}\n"


def _words(asked: AskedQuestion) -> Mapping[str, str]:
    with language.using(asked.language) as code:
        return {
            "language": code,
            "direction": language.direction(code),
            "heading": language.text("One question:"),
            "question": asked.question,
            "why": language.text("Why we ask: %(why)s", why=asked.why),
            "benefit": language.text("What you get: %(benefit)s", benefit=asked.benefit),
        }

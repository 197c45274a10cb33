"""A question as a page asks it: one, with why and what for, and with "rather not" as one of its answers."""

from __future__ import annotations

from dataclasses import dataclass

from listkeeper.audience.profile import Asked
from listkeeper.audience.profile_words import ANSWER_LIMIT
from listkeeper.foundation import language


@dataclass(frozen=True)
class Ask:
    """All that the form of a question shows."""

    action: str
    version: int
    kind: str
    language: str
    direction: str
    question: str
    why: str
    benefit: str
    choices: tuple[tuple[str, str], ...]
    # The answer that was tapped in a letter; nothing is stored before the button is pressed.
    marked: str = ""
    said: str = ""
    limit: int = ANSWER_LIMIT

    @property
    def marked_name(self) -> str:
        """What the tapped answer is called; empty for none of the choices."""
        return dict(self.choices).get(self.marked, "")


def of(asked: Asked, action: str, spoken: str, *, marked: str = "", said: str = "") -> Ask:
    """Return the form of a question in a language, or in another one it is worded in; ``action`` takes the answer."""
    question, version = asked
    code, wording = version.wording(spoken)
    return Ask(
        action=action,
        version=version.number,
        kind=question.kind.value,
        language=code,
        direction=language.direction(code),
        question=wording.question,
        why=wording.why,
        benefit=wording.benefit,
        choices=tuple(version.names(code).items()),
        marked=marked,
        said=said,
    )

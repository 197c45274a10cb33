"""Follow-ups to begin with: a welcome in three letters, one more question, how is it going, and a renewal in time.

Each is made whole, with letters from the starter words in the language of the
business, and stands still until its owner has read it and switched it on.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy.orm import Session

from listkeeper.accounts.organisation import Organisation
from listkeeper.audience.mailing_list import MailingList
from listkeeper.campaigns import follow_up, follow_up_step, starter
from listkeeper.campaigns.follow_up import FollowUp, Start, Trigger
from listkeeper.campaigns.follow_up_step import FollowUpStep, StepKind, Turn
from listkeeper.campaigns.starter import Starter
from listkeeper.foundation import language
from listkeeper.foundation.errors import Invalid

_MORNING = 9


class Line(StrEnum):
    """The follow-ups to begin with."""

    WELCOME = "welcome"
    ASK_MORE = "ask_more"
    HOW = "how"
    RENEW = "renew"
    EMPTY = "empty"


@dataclass(frozen=True)
class Card:
    """How one is offered."""

    line: Line
    name: str
    about: str


_Step = tuple[StepKind, Turn, Starter]
# The letters a step of a kind begins with, when it is added by hand.
WORDS: dict[StepKind, Starter] = {
    StepKind.LETTER: Starter.NOTE,
    StepKind.ASK_ONE_MORE: Starter.NOTE,
    StepKind.HOW_IS_IT_GOING: Starter.HOW,
    StepKind.RENEWAL: Starter.RENEW,
}
_LINES: dict[Line, tuple[Start, tuple[_Step, ...]]] = {
    Line.WELCOME: (
        Start(Trigger.SAID_YES),
        (
            (StepKind.LETTER, Turn(2, _MORNING), Starter.NOTE),
            (StepKind.ASK_ONE_MORE, Turn(5, _MORNING), Starter.NOTE),
            (StepKind.HOW_IS_IT_GOING, Turn(14, _MORNING), Starter.HOW),
        ),
    ),
    Line.ASK_MORE: (Start(Trigger.SAID_YES), ((StepKind.ASK_ONE_MORE, Turn(7, _MORNING), Starter.NOTE),)),
    Line.HOW: (
        Start(Trigger.EVENT, event_name="order"),
        ((StepKind.HOW_IS_IT_GOING, Turn(14, _MORNING), Starter.HOW),),
    ),
    Line.RENEW: (
        Start(Trigger.CONSENT_ENDS, days_before=30),
        ((StepKind.RENEWAL, Turn(0, _MORNING), Starter.RENEW), (StepKind.RENEWAL, Turn(20, _MORNING), Starter.RENEW)),
    ),
    Line.EMPTY: (Start(Trigger.SAID_YES), ()),
}


def cards() -> list[Card]:
    """Return the follow-ups to begin with, in the language in use."""
    said = {
        Line.WELCOME: (
            language.text("Welcome, in three letters"),
            language.text("After the yes: a note, one question, and after three weeks how it is going."),
        ),
        Line.ASK_MORE: (
            language.text("Ask one more thing"),
            language.text("A week after the yes, the one question that is next for its reader."),
        ),
        Line.HOW: (
            language.text("How is it going?"),
            language.text("Two weeks after an order. Three taps, from a person, and nothing to buy."),
        ),
        Line.RENEW: (
            language.text("Renew in time"),
            language.text("Before a permission ends by itself, to people who still have one."),
        ),
        Line.EMPTY: (language.text("Empty line"), language.text("You know what you want to say, and when.")),
    }
    return [Card(line, *words) for line, words in said.items()]


def chosen(typed: str) -> Line:
    """Return the follow-up to begin with that a form names. Raises Invalid."""
    if typed not in set(Line):
        raise Invalid("no_starter", language.text("Please choose what to begin with."))
    return Line(typed)


def begin(
    session: Session, organisation: Organisation, mailing_list: MailingList, line: Line, name: str = ""
) -> FollowUp:
    """Make a follow-up with its letters; nothing goes out before it is switched on. Raises Invalid."""
    start, parts = _LINES[line]
    offered = next(card.name for card in cards() if card.line is line)
    made = follow_up.create(session, organisation, mailing_list, name.strip() or offered, start)
    for kind, turn, words in parts:
        add(session, organisation, made, kind, turn, words)
    return made


def add(  # noqa: PLR0913, PLR0917 - whose line, which step, and which words
    session: Session,
    organisation: Organisation,
    found: FollowUp,
    kind: StepKind,
    turn: Turn,
    words: Starter | None = None,
) -> FollowUpStep:
    """Put a step with starter words at the end of a line, in the language of the business."""
    with language.using(organisation.language):
        draft = starter.of(organisation, words or WORDS[kind])
    return follow_up_step.add(session, organisation, found, kind, turn, draft)

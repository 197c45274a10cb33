"""The next step after a letter: exactly one, the first of some rules that holds.

Whoever waits for an answer comes before any figure, and what harms the next
letter before what could be won by it. A rule says what to do and why; where
that is done is for the pages to know.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from listkeeper.feedback.letter_figures import AtProvider
from listkeeper.foundation import language

# More than one complaint in a thousand, and receivers begin to put all letters aside (Gmail: under 0.1 %).
_COMPLAINTS_PER_MILLE = 1
# A single one can be a slip of the finger.
_LEAST_COMPLAINTS = 2
# More than two in a hundred that come back say that the list is old.
_CAME_BACK_PER_CENT = 2
_LEAST_CAME_BACK = 5
# So many clicks have to be countable before their absence says anything.
_LEAST_COUNTED = 20


class Step(StrEnum):
    """What to do; the words scripts rely on."""

    WATCH = "watch"
    ANSWER = "answer"
    MEND_COMPLAINTS = "mend_complaints"
    MEND_ADDRESSES = "mend_addresses"
    SEGMENT = "segment"
    LINK_PLACE = "link_place"
    WRITE = "write"


@dataclass(frozen=True)
class Next:
    """What to do, what the button says, and why."""

    step: Step
    button: str
    why: str


def choose(  # noqa: PLR0913 - what the rules ask
    whole: AtProvider, *, leaving: bool, waiting: int, counted: int, clickers: int, known: bool
) -> Next:
    """Return the next step: ``waiting`` readers wait for an answer, ``clickers`` of ``counted`` followed a link.

    ``known`` says whether any of them lets us see who they are: of mere numbers nobody can make a segment.
    """
    if waiting:
        return Next(
            Step.ANSWER,
            language.counted("Answer %(number)s reader", "Answer %(number)s readers", waiting),
            language.counted(
                "%(number)s reader wrote back and waits for you.",
                "%(number)s readers wrote back and wait for you.",
                waiting,
            ),
        )
    if leaving:
        return Next(Step.WATCH, language.text("See how far it is"), language.text("The letter is still going out."))
    if whole.complained >= _LEAST_COMPLAINTS and 1000 * whole.complained > _COMPLAINTS_PER_MILLE * whole.accepted:
        return Next(
            Step.MEND_COMPLAINTS,
            language.text("See where it was called spam"),
            language.text("More than one reader in a thousand called it spam. The next letters suffer for it."),
        )
    tried = whole.accepted + whole.bounced
    if whole.bounced >= _LEAST_CAME_BACK and 100 * whole.bounced > _CAME_BACK_PER_CENT * tried:
        return Next(
            Step.MEND_ADDRESSES,
            language.text("See what came back"),
            language.text("More than two in a hundred came back."),
        )
    return _about_links(counted, clickers, known=known)


def _about_links(counted: int, clickers: int, *, known: bool) -> Next:
    if known:
        return Next(
            Step.SEGMENT,
            language.text("Make a segment of who clicked"),
            language.text("They showed what interests them. Write to them about that."),
        )
    if counted >= _LEAST_COUNTED and not clickers:
        return Next(
            Step.LINK_PLACE,
            language.text("Look at where the links stand"),
            language.text("Nobody whose clicks are counted followed a link."),
        )
    return Next(
        Step.WRITE, language.text("Write the next letter"), language.text("Nothing about this one waits for you.")
    )

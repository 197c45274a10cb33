"""Words to begin a status notice with, in the language of the business: fit to be sent, and better with details."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from listkeeper.accounts.organisation import Organisation
from listkeeper.campaigns.status_notice import About, Affected, News, UpdateState
from listkeeper.foundation import language


class StarterName(StrEnum):
    """What a notice begins as."""

    TROUBLE = "trouble"
    PLANNED = "planned"
    SLOW = "slow"


@dataclass(frozen=True)
class Starter:
    """The first words of a notice."""

    about: About
    news: News


def label(name: StarterName) -> str:
    """Return what a starter is for, in the language in use."""
    return {
        StarterName.TROUBLE: language.text("Something is out of order"),
        StarterName.PLANNED: language.text("Planned work"),
        StarterName.SLOW: language.text("Slower than usual"),
    }[name]


def of(organisation: Organisation, name: StarterName) -> Starter:
    """Return the words of a starter."""
    with language.using(organisation.language):
        who = organisation.from_name
        return {
            StarterName.TROUBLE: Starter(
                About(language.text("Something is wrong"), who, Affected.UNKNOWN, ""),
                News(
                    language.text(
                        "We have noticed that something does not work as it should, and we are looking for the cause. "
                        "You need not report it: we tell you what we find."
                    ),
                    UpdateState.INVESTIGATING,
                ),
            ),
            StarterName.PLANNED: Starter(
                About(
                    language.text("Planned work"),
                    who,
                    Affected.YES,
                    language.text("For about ten minutes nothing can be reached. You need do nothing."),
                ),
                News(
                    language.text(
                        "We are going to work on our systems, and tell you before, so that nothing surprises you. "
                        "When we are done, you hear from us again."
                    ),
                    UpdateState.PLANNED,
                ),
            ),
            StarterName.SLOW: Starter(
                About(
                    language.text("Slower than usual"),
                    who,
                    Affected.YES,
                    language.text("It takes longer than you are used to. Nothing is lost."),
                ),
                News(language.text("We know why, and we are mending it."), UpdateState.WORKING),
            ),
        }[name]

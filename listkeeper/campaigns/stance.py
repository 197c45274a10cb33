"""The stance of a letter: whether it gives its readers something or asks them for something.

Trust is an account: whoever only draws on it goes bankrupt. So each letter says
what it is, chosen by its owner when it is sent, and ``insight.trust_account``
adds up. A letter that does both asks.
"""

from __future__ import annotations

from enum import StrEnum

from listkeeper.campaigns.campaign import Campaign, CampaignKind
from listkeeper.campaigns.revision import Draft
from listkeeper.foundation import language
from listkeeper.foundation.errors import Invalid


class Stance(StrEnum):
    """The words scripts rely on: the first four give, the others ask."""

    HELP = "help"
    NEWS = "news"
    ANSWER = "answer"
    REWARD = "reward"
    OFFER = "offer"
    SURVEY = "survey"
    DATA_REQUEST = "data_request"


GIVING = (Stance.HELP, Stance.NEWS, Stance.ANSWER, Stance.REWARD)
ASKING = (Stance.OFFER, Stance.SURVEY, Stance.DATA_REQUEST)
# Blocks that ask something of a reader: her money, her opinion, or something about her. The first that stands in a
# letter, in this order, says what is suggested.
_ASKED_BY = {"offer": Stance.OFFER, "sponsored": Stance.OFFER, "question": Stance.DATA_REQUEST, "poll": Stance.SURVEY}
# What a step of a series is by what it is for; a plain letter is what its words are.
_STEPS = {
    "welcome": Stance.HELP,
    "ask_one_more": Stance.DATA_REQUEST,
    "how_is_it_going": Stance.HELP,
    "renewal": Stance.DATA_REQUEST,
}


def gives(stance: Stance) -> bool:
    """Return whether a letter of this stance gives; else it asks."""
    return stance in GIVING


def weight(stance: Stance) -> int:
    """Return what one letter adds to the account: 1 when it gives, -1 when it asks."""
    return 1 if gives(stance) else -1


def of(campaign: Campaign) -> Stance | None:
    """Return the stance of a letter; None for one that was sent before anybody was asked, or a draft."""
    if campaign.stance is not None:
        return Stance(campaign.stance)
    return Stance.HELP if campaign.kind is CampaignKind.WELCOME else None


def suggested(draft: Draft) -> Stance:
    """Return what these words most likely are: its owner decides."""
    kinds = {block.type for block in draft.tidied().blocks}
    return next((stance for name, stance in _ASKED_BY.items() if name in kinds), Stance.NEWS)


def of_step(name: str, draft: Draft) -> Stance:
    """Return the stance of a step of a series: by the name of its kind, else as its words suggest."""
    return _STEPS.get(name) or suggested(draft)


def named(typed: str) -> Stance:
    """Return the stance with a name. Raises Invalid for any other word."""
    try:
        return Stance(typed.strip().lower())
    except ValueError:
        raise Invalid(
            "stance",
            language.text("Please say what the letter is: one that gives, or one that asks. Nothing was sent."),
        ) from None


def word(stance: Stance) -> str:
    """Return what people call it."""
    return {
        Stance.HELP: language.text("Help"),
        Stance.NEWS: language.text("News"),
        Stance.ANSWER: language.text("An answer"),
        Stance.REWARD: language.text("A reward"),
        Stance.OFFER: language.text("An offer"),
        Stance.SURVEY: language.text("A survey"),
        Stance.DATA_REQUEST: language.text("A question about the reader"),
    }[stance]

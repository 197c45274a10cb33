"""Who gets nothing of what goes to a list, and why, in the words of their state."""

from __future__ import annotations

from sqlalchemy.orm import Session

from listkeeper.audience import resting, subscription
from listkeeper.audience.mailing_list import MailingList
from listkeeper.audience.resting import RestReason
from listkeeper.audience.subscription import SubscriptionState
from listkeeper.foundation import language
from listkeeper.web.studio import words
from listkeeper.web.studio.words import Said


def of(session: Session, mailing_list: MailingList, planned: int) -> list[tuple[int, Said]]:
    """Return how many are left out for each reason, when so many get it."""
    counts = subscription.counts(session, mailing_list)
    rows = [
        (number, words.subscription(state))
        for state, number in counts.items()
        if number and state is not SubscriptionState.CONFIRMED
    ]
    rows += (resting_now := at_rest(session, mailing_list))
    never = counts[SubscriptionState.CONFIRMED] - planned - sum(number for number, _ in resting_now)
    return [*rows, (never, Said(language.text("Never mailed")))] if never > 0 else rows


def at_rest(session: Session, mailing_list: MailingList) -> list[tuple[int, Said]]:
    """Return how many rest, with the reason; nothing where nobody does."""
    number = resting.count(session, mailing_list)
    return [(number, Said(resting.reason_words(RestReason.NEVER_REACTED)))] if number else []

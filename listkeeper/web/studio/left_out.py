"""Who gets nothing of what goes to a list, and why, in the words of their state."""

from __future__ import annotations

from sqlalchemy.orm import Session

from listkeeper.audience import subscription
from listkeeper.audience.mailing_list import MailingList
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
    never = counts[SubscriptionState.CONFIRMED] - planned
    return [*rows, (never, Said(language.text("Never mailed")))] if never > 0 else rows

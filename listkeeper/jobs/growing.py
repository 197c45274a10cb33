"""Counting growth: who came to long lists and stayed, kept for the page that shows it.

Each list is counted in a reading of its own, so that nobody who signs up waits for it.
"""

from __future__ import annotations

from listkeeper import store
from listkeeper.accounts import organisation
from listkeeper.audience.mailing_list import MailingList
from listkeeper.insight import growth_count


def count() -> None:
    """Count every list again, and keep the counts of those that are long."""
    with store.reading() as session:
        owner = organisation.maybe_one(session)
        numbers = [each.id for each in growth_count.lists_of(session, owner)] if owner is not None else []
    for number in numbers:
        with store.reading() as session:
            counts = growth_count.look(session, organisation.only_one(session), session.get_one(MailingList, number))
        with store.transaction() as session:
            growth_count.keep(session, session.get_one(MailingList, number), counts)
    with store.transaction() as session:
        growth_count.forget_gone(session, numbers)

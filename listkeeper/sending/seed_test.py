"""A test of a letter to the whole seed list: every address gets it, or none does."""

from __future__ import annotations

from sqlalchemy.orm import Session

from listkeeper.accounts import seed_address
from listkeeper.accounts.organisation import Organisation
from listkeeper.campaigns.campaign import Campaign
from listkeeper.foundation import language
from listkeeper.foundation.errors import Forbidden, Invalid
from listkeeper.sending import planning
from listkeeper.sending.delivery import Delivery


def mail(
    session: Session, organisation: Organisation, campaign: Campaign, *, site: str, per_hour: int
) -> list[Delivery]:
    """Queue the newest revision as a test to each seed address; each counts among the hour's tests.

    Raises Invalid when the list is empty, Forbidden when the hour's limit does not hold them all: the caller's
    transaction then ends without any of them.
    """
    seeds = seed_address.every(session, organisation)
    if not seeds:
        sentence = language.text("Your seed list is empty. Put a mailbox of yours on it first; nothing was sent.")
        raise Invalid("no_seeds", sentence)
    try:
        return [
            planning.mail_test(session, organisation, campaign, seed.address, site=site, per_hour=per_hour)
            for seed in seeds
        ]
    except Forbidden as problem:
        raise Forbidden(
            "too_many_tests",
            language.counted(
                "Nothing was sent: the seed list needs %(number)s test mail, and this hour has fewer left of its "
                "%(limit)s. Wait a little, or remove addresses.",
                "Nothing was sent: the seed list needs %(number)s test mails, and this hour has fewer left of its "
                "%(limit)s. Wait a little, or remove addresses.",
                len(seeds),
                limit=per_hour,
            ),
        ) from problem

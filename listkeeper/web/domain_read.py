"""Reading the records of the domain letters come from again, where they were last read too long ago to send by."""

from __future__ import annotations

from functools import partial

from listkeeper import parts, store
from listkeeper.accounts import organisation
from listkeeper.campaigns import domain_gate
from listkeeper.deliverability import domain_check, freemail
from listkeeper.deliverability.gate import Gate
from listkeeper.sending import domain_news
from listkeeper.settings import Settings


def again(settings: Settings) -> None:
    """Check that domain unless it was checked within the hour, or no mail leaves; call it with no transaction open."""
    if settings.gate is Gate.HINT:
        return
    with store.reading() as session:
        owner = organisation.only_one(session)
        number, name = owner.id, domain_gate.domain_of(owner)
    if freemail.is_freemail(name):
        return
    domain_check.refresh(
        store.reading, store.transaction, parts.resolver(), number, name,
        egress=settings.egress, mail_from=parts.envelope_sender(settings), at_most=domain_gate.FRESH,
        around=parts.surroundings(), keeping=partial(domain_news.keep, gate=settings.gate),
    )  # fmt: skip

"""What a form offers beside its own list: further purposes, each with a list, a text and an unticked box of its own.

A form with one purpose has no box for it: there the button is the act, and the
text stands above it. With several, each of them has a box, the form's own as
well (GDPR recitals 32 and 43), and whoever presses the button has ticked one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.audience import consent_text
from listkeeper.audience.consent_text import ConsentText, TextKind
from listkeeper.audience.mailing_list import ListState, MailingList
from listkeeper.foundation import language
from listkeeper.foundation.errors import Invalid

# How a version names its further purposes: the public id of the list and the SHA-256 of the text, in the page's order.
Named = list[list[str]]
_MOST = 6


@dataclass(frozen=True)
class Offer:
    """One purpose of a form: the list that people come to, and the text they agree to."""

    mailing_list: MailingList
    text: ConsentText

    @property
    def box(self) -> str:
        """The name under which its box is posted."""
        return box_of(self.mailing_list.public_id)


def box_of(list_id: str) -> str:
    """Return the name of the box for a list, by its public id."""
    return f"purpose-{list_id}"


def of(session: Session, named: Named | None) -> tuple[Offer, ...]:
    """Return the further purposes that a version names, in its order."""
    if not named:
        return ()
    query = (
        select(ConsentText, MailingList)
        .join(MailingList, MailingList.id == ConsentText.list_id)
        .where(MailingList.public_id.in_([one[0] for one in named]))
        .where(ConsentText.sha256.in_([one[1] for one in named]))
    )
    rows = session.execute(query.order_by(ConsentText.id))
    found = {(mailing_list.public_id, text.sha256): Offer(mailing_list, text) for text, mailing_list in rows}
    return tuple(found[one[0], one[1]] for one in named)


def still_offered(offers: Sequence[Offer]) -> tuple[Offer, ...]:
    """Return the purposes whose list still takes people."""
    return tuple(offer for offer in offers if offer.mailing_list.state is ListState.ACTIVE)


def states(session: Session, named: Named | None) -> tuple[ListState, ...]:
    """Return how the lists of further purposes stand: a page changes when one of them is closed."""
    if not named:
        return ()
    query = select(MailingList.state).where(MailingList.public_id.in_([one[0] for one in named]))
    return tuple(session.connection().execute(query.order_by(MailingList.id)).scalars())


def named(offers: Sequence[Offer]) -> Named:
    """Return the names under which a version keeps its further purposes."""
    return [[offer.mailing_list.public_id, offer.text.sha256] for offer in offers]


def refuse_unfit(mailing_list: MailingList, spoken: str, offers: Sequence[Offer]) -> None:
    """Raise Invalid when something cannot be offered beside a list: it would ask for boxes that are not its own."""
    if len(offers) > _MOST:
        raise Invalid(
            "too_many_purposes",
            language.counted(
                "A form can offer %(num)s list beside its own. More than that nobody reads.",
                "A form can offer %(num)s lists beside its own. More than that nobody reads.",
                _MOST,
                num=_MOST,
            ),
        )
    seen = {mailing_list.id}
    for offer in offers:
        if offer.mailing_list.id in seen:
            raise Invalid("purpose_twice", language.text("Each list can stand on a form once."))
        seen.add(offer.mailing_list.id)
        if offer.text.language != spoken or offer.text.kind is not TextKind.NEWSLETTER:
            raise Invalid("text_language", language.text("This form needs a text in its own language."))
        refuse_beside(mailing_list, offer.mailing_list)


def refuse_beside(mailing_list: MailingList, other: MailingList) -> None:
    """Raise Invalid when a list cannot be offered on another list's form."""
    if not fits(mailing_list, other):
        raise Invalid(
            "purpose_rules",
            language.text(
                "“%(other)s” cannot stand on a form of “%(own)s”: it goes by other rules. Give it a form of its own.",
                other=other.name,
                own=mailing_list.name,
            ),
        )


def fits(mailing_list: MailingList, other: MailingList) -> bool:
    """Return whether two lists may stand on one form: of one business, by the same rules, with no boxes of theirs."""
    same_rules = (mailing_list.organisation_id, mailing_list.jurisdiction, mailing_list.least_age) == (
        other.organisation_id,
        other.jurisdiction,
        other.least_age,
    )
    return same_rules and mailing_list.demo == other.demo and not consent_text.needs_second(mailing_list)

"""A form that offers more than its own list, each with a box; and somebody who ticks some of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.audience import confirmation, consent_text, mailing_list, signup, signup_form
from listkeeper.audience.confirmation import Confirmation
from listkeeper.audience.forms import form_offer
from listkeeper.audience.forms.form_offer import Offer
from listkeeper.audience.mailing_list import MailingList
from listkeeper.audience.signup import Signup, Visit
from listkeeper.foundation import signing
from listkeeper.rendering import form_snapshot
from tests.makers.cafe import NO_BRAKES, Cafe


def offer(session: Session, house: Cafe, *names: str) -> list[MailingList]:
    """Publish the café's form with boxes for its own list and for new ones of these names; return the new ones."""
    owner, spoken = house.organisation, house.form.language
    made = [mailing_list.create(session, owner, name=name) for name in names]
    offers = [
        Offer(each, consent_text.publish(session, owner, each, spoken, consent_text.starter(owner, each, spoken)))
        for each in made
    ]
    words = replace(signup_form.starter(owner, house.mailing_list, spoken), further=offers)
    signup_form.publish_words(session, owner, house.form, words, show=form_snapshot.page_of)
    return made


def ask(session: Session, house: Cafe, address: str, ticked: Sequence[MailingList]) -> Confirmation:
    """Post the form with these boxes ticked and decide about it; return the question that waits to be mailed."""
    return ask_of(session, post(session, house, address, ticked))


def post(session: Session, house: Cafe, address: str, ticked: Sequence[MailingList]) -> Signup:
    """Post the form with these boxes ticked and decide about it."""
    return page(session, house, address, ticked)[0]


def page(session: Session, house: Cafe, address: str, ticked: Sequence[MailingList]) -> tuple[Signup, str]:
    """Do the same, and return the secret of the page that stays open as well."""
    shown = signup_form.shown(session, house.form.slug)
    boxes = frozenset(form_offer.box_of(each.public_id) for each in ticked)
    receipt = signup.receive(session, shown, address, Visit(network="192.0.2.1", ticked=boxes), NO_BRAKES)
    row = session.scalars(select(Signup).where(Signup.visit_digest == signing.digest(receipt.visit))).one()
    signup.decide(session, row.id, NO_BRAKES)
    session.flush()
    return row, receipt.visit


def ask_of(session: Session, row: Signup) -> Confirmation:
    """Return the question that a post led to."""
    return session.scalars(select(Confirmation).where(Confirmation.signup_id == row.id)).one()


def token(asked: Confirmation) -> str:
    """Return the secret of a question's link."""
    return confirmation.token_of(asked)

"""A small café with a list, a form, people on it and a letter, made by the program's own verbs.

Every address is under ``.example``. The caller's session is used and never committed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.accounts import organisation, user
from listkeeper.accounts.organisation import Organisation
from listkeeper.accounts.user import User
from listkeeper.audience import answering, confirmation, mailing_list, signup, signup_form
from listkeeper.audience.confirmation import Confirmation
from listkeeper.audience.guard.limits import Limits
from listkeeper.audience.mailing_list import MailingList
from listkeeper.audience.signup import Signup, Visit
from listkeeper.audience.signup_form import SignupForm
from listkeeper.audience.subscriber import Subscriber
from listkeeper.campaigns import campaign
from listkeeper.campaigns.campaign import Campaign
from listkeeper.campaigns.revision import Draft
from listkeeper.foundation import signing
from tests.makers import proof_of_work

NO_BRAKES = Limits(
    signups_per_hour=1_000_000,
    signups_per_day=1_000_000,
    signups_per_domain_hour=1_000_000,
    signups_per_form_hour=1_000_000,
    confirmations_per_day=1_000,
    confirmations_per_month=10_000,
    signup_least_seconds=0,
    signup_work=100,
)
LETTER = """# Cardamom buns

Dear {{ subscriber.first_name | default: "friend" }},

the oven is warm from *seven*. [See what we bake](https://cafe.example/bread).
"""


@dataclass(frozen=True)
class Cafe:
    """Whose list it is, and the list."""

    organisation: Organisation
    owner: User
    mailing_list: MailingList
    form: SignupForm


def found(session: Session, *, spoken: str = "en", name: str = "Café Kardemomme", list_name: str = "News") -> Cafe:
    """Found the business with its owner, a list and a form."""
    business = organisation.found(
        session,
        legal_name=name,
        postal_address="Havnegade 1\n1058 Copenhagen",
        from_address="hello@cafe.example",
        spoken=spoken,
        website="https://cafe.example",
    )
    owner = user.create(session)
    user.joins(owner, business.id, "owner@cafe.example")
    news = mailing_list.create(session, business, name=list_name)
    form = signup_form.create(session, business, news)
    session.flush()
    return Cafe(business, owner, news, form)


def sign_up(session: Session, cafe: Cafe, address: str) -> Confirmation:
    """Post the form and decide about it; return the question that waits to be mailed."""
    shown = signup_form.shown(session, cafe.form.slug)
    visit = Visit(network="192.0.2.1", browser="Test")
    receipt = signup.receive(session, shown, address, visit, NO_BRAKES)
    if receipt.step is not None:
        worked = replace(visit, work=proof_of_work.solved(receipt.step.challenge))
        receipt = signup.receive(session, shown, address, worked, NO_BRAKES)
    row = session.scalars(select(Signup).where(Signup.visit_digest == signing.digest(receipt.visit))).one()
    signup.decide(session, row.id, NO_BRAKES)
    session.flush()
    return session.scalars(select(Confirmation).where(Confirmation.signup_id == row.id)).one()


def subscribe(session: Session, cafe: Cafe, address: str) -> Subscriber:
    """Sign up and confirm; return the subscriber."""
    asked = sign_up(session, cafe, address)
    answering.confirm(session, confirmation.token_of(asked))
    session.flush()
    return session.get_one(Subscriber, asked.subscriber_id)


def draft(session: Session, cafe: Cafe, *, subject: str = "Cardamom buns", markdown: str = LETTER) -> Campaign:
    """Write a letter to the list."""
    made = campaign.create(session, cafe.organisation, cafe.mailing_list, Draft(subject, "Warm from seven", markdown))
    session.flush()
    return made

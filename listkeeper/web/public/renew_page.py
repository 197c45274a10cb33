"""Renewing a consent: the words once more and one button, by the link of a letter or on her own page."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, Response, request, url_for
from sqlalchemy.orm import Session

from listkeeper import store
from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import renewal, renewal_link, subscription
from listkeeper.audience.mailing_list import MailingList
from listkeeper.audience.renewal import Offer, Standing
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Subscription
from listkeeper.campaigns import preview
from listkeeper.foundation import language
from listkeeper.foundation.errors import Invalid
from listkeeper.web.public import archive_page, brand, choices, confirm_page, page, reader
from listkeeper.web.public.brand import Business

blueprint = Blueprint("renew_page", __name__)
blueprint.before_request(page.limit_body)

_NOT_POSSIBLE = 422
_NO_EFFECT = 404


@dataclass(frozen=True)
class Shown:
    """What a page says about one renewal."""

    offer: Offer
    ends: str
    action: str
    # On a page that nobody came to for this, it is only said where a permission ends soon.
    due: bool


@dataclass(frozen=True)
class _Found:
    """Whose link it is, about which list."""

    person: Subscriber
    mailing_list: MailingList
    current: Subscription | None
    business: Business


@blueprint.get("/renew/<token>")
def show(token: str) -> Response:
    """Show the words and the button; opening it renews nothing, for no scanner and no preview."""
    with store.reading() as session:
        if token == preview.SAMPLE_TOKEN:
            return reader.only_a_test(reader.nobody(session))
        found = _of_token(session, token)
        return _page(session, found) if found is not None else _over()


@blueprint.post("/renew/<token>")
def renew(token: str) -> Response:
    """Take her yes once more; pressed twice it says so and changes nothing more."""
    with store.transaction() as session:
        if token == preview.SAMPLE_TOKEN:
            return reader.only_a_test(reader.nobody(session))
        found = _of_token(session, token)
        if found is None:
            return _over()
        with language.using(found.person.language):
            try:
                done = take(session, found.person, found.mailing_list)
            except Invalid as problem:
                return _page(session, found, wrong=problem)
        return _page(session, found, done=done is Standing.ASKS)


def take(session: Session, person: Subscriber, mailing_list: MailingList) -> Standing:
    """Renew under the words that the posted form names. Raises Invalid when they are not those of today."""
    seen = request.form.get("words", "")
    return renewal.renew(session, person.id, mailing_list.id, seen=seen, by=confirm_page.seen())


def shown(
    session: Session, person: Subscriber, current: Subscription | None, mailing_list: MailingList, action: str
) -> Shown:
    """Return what a page in her language says about renewing one list."""
    offered = renewal.offer(session, person, current, mailing_list)
    return Shown(offered, choices.day_of(offered.ends_at) if offered.ends_at else "", action, offered.is_due)


def _of_token(session: Session, token: str) -> _Found | None:
    named = renewal_link.read(token)
    person = session.get(Subscriber, named[0]) if named is not None else None
    mailing_list = session.get(MailingList, named[1]) if named is not None else None
    if person is None or mailing_list is None or person.organisation_id != mailing_list.organisation_id:
        return None
    current = subscription.followed(session, person.id, mailing_list.id)
    if current is not None and current.list_id != mailing_list.id:
        # That list became part of another one: what she gets is there now.
        mailing_list = session.get_one(MailingList, current.list_id)
    business = brand.business_of(session.get_one(Organisation, person.organisation_id))
    return _Found(person, mailing_list, current, business)


def _page(session: Session, found: _Found, *, done: bool = False, wrong: Invalid | None = None) -> Response:
    with language.using(found.person.language):
        renewing = shown(session, found.person, found.current, found.mailing_list, request.path)
    return page.secret_answer(
        "renew",
        found.person.language,
        found.business,
        status=_NOT_POSSIBLE if wrong else 200,
        renewing=renewing,
        done=done,
        wrong=wrong,
        form=archive_page.sign_up(session, found.mailing_list),
    )


def _over() -> Response:
    """Return the page of a link that is too old, not whole, or whose person is gone."""
    return page.secret_answer(
        "renew_over", page.visitors_language(), None, status=_NO_EFFECT, form=url_for("landing.show")
    )

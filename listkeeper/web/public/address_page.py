"""A change of address: the new one says yes, the old one may take it back. Only the buttons count."""

from __future__ import annotations

from flask import Blueprint, Response, url_for
from sqlalchemy.orm import Session

from listkeeper import store
from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import address_change
from listkeeper.audience.address_change import AddressChange, ChangeOutcome
from listkeeper.audience.subscriber import Subscriber
from listkeeper.web.public import brand, entry_page, page

blueprint = Blueprint("address_page", __name__)
blueprint.before_request(page.limit_body)


@blueprint.get("/a/<token>")
def show(token: str) -> Response:
    """Ask the new address."""
    with store.reading() as session:
        change = address_change.to_confirm(session, token)
        if change is None:
            return _no_effect()
        return _page(session, change, "new_address", url_for("address_page.confirm", token=token))


@blueprint.post("/a/<token>")
def confirm(token: str) -> Response:
    """Write to the new address from now on."""
    with store.transaction() as session:
        changed = address_change.confirm(session, token)
        if changed.outcome is not ChangeOutcome.CHANGED or changed.change is None:
            return _no_effect()
        return _page(session, changed.change, "new_address", None)


@blueprint.get("/a/<token>/cancel")
def show_cancel(token: str) -> Response:
    """Ask the old address whether it wants the change taken back."""
    with store.reading() as session:
        change = address_change.to_cancel(session, token)
        if change is None:
            return _no_effect()
        return _page(session, change, "old_address", url_for("address_page.cancel", token=token))


@blueprint.post("/a/<token>/cancel")
def cancel(token: str) -> Response:
    """Take the change back."""
    with store.transaction() as session:
        changed = address_change.cancel(session, token)
        if changed.outcome is not ChangeOutcome.CANCELLED or changed.change is None:
            return _no_effect()
        return _page(session, changed.change, "old_address", None)


def _page(session: Session, change: AddressChange, template: str, action: str | None) -> Response:
    """Return the page with its button, or without one when it is done."""
    person = session.get_one(Subscriber, change.subscriber_id)
    business = brand.business_of(session.get_one(Organisation, person.organisation_id))
    return page.secret_answer(template, person.language, business, action=action)


def _no_effect() -> Response:
    return entry_page.closed(page.visitors_language())

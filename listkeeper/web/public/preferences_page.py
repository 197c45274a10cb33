"""What a reader agreed to, in the very words, and the button to stop. Looking changes nothing."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, Response, url_for
from sqlalchemy.orm import Session

from listkeeper import store
from listkeeper.audience import unsubscribe
from listkeeper.audience.consent import ConsentEvent
from listkeeper.audience.consent_text import ConsentText
from listkeeper.audience.subscription import SubscriptionState
from listkeeper.foundation import language
from listkeeper.web.public import page, reader
from listkeeper.web.public.reader import Reader

blueprint = Blueprint("preferences_page", __name__)

_PURPOSE = "preferences"


@dataclass(frozen=True)
class Shown:
    """What the page says about one subscription."""

    address: str
    standing: str
    since: str
    text: ConsentText | None
    stop: str | None


@blueprint.get("/p/<token>")
def show(token: str) -> Response:
    """Show list, time and text of the consent that this letter rests on."""
    with store.reading() as session:
        found = reader.of_token(session, _PURPOSE, token)
        if found.test or found.delivery is None:
            return reader.only_a_test(found)
        with language.using(found.spoken):
            shown = _shown(session, found)
        return page.secret_answer("preferences", found.spoken, found.business, list_name=found.list_name, shown=shown)


def _shown(session: Session, found: Reader) -> Shown:
    current = found.subscription
    event = session.get(ConsentEvent, current.consent_event_id or 0) if current else None
    stop = unsubscribe.token_for(found.delivery.id) if found.on_list and found.delivery else None
    return Shown(
        address=_masked(found.person.email_send) if found.person else "",
        standing=_standing(current.state if current else None),
        since=f"{language.moment(event.at)} UTC" if event and found.on_list else "",
        text=session.get(ConsentText, current.consent_text_id or 0) if current else None,
        stop=url_for("leave_page.leave", token=stop) if stop else None,
    )


def _masked(address: str) -> str:
    """Return enough for the owner of an address to know it, and too little for whom the mail was forwarded to."""
    local, _, domain = address.rpartition("@")
    return f"{local[:1]}…@{domain}"


def _standing(state: SubscriptionState | None) -> str:
    if state is SubscriptionState.CONFIRMED:
        return language.text("You are on the list.")
    if state is SubscriptionState.PENDING:
        return language.text("We wait for you to confirm.")
    return language.text("You are not on the list any more.")

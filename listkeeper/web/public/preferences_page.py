"""The page behind "choose what you get" in a letter: what was agreed to, in the very words, and how much of it comes.

The link travels with the letter, also when the letter is forwarded. So it
shows no whole address, opens for thirty days, and can do no more than choose
less, or leave. What reveals, permits or destroys needs a fresh link, which goes to the
address on record and to nobody else.
"""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, Response, url_for
from sqlalchemy.orm import Session

from listkeeper import store
from listkeeper.audience import access_link, preferences, unsubscribe
from listkeeper.audience.consent import ConsentEvent
from listkeeper.audience.consent_text import ConsentText
from listkeeper.audience.subscription import SubscriptionState
from listkeeper.foundation import language
from listkeeper.foundation.errors import Invalid
from listkeeper.web.public import choices, page, reader
from listkeeper.web.public.choices import Act, Actions, Choices
from listkeeper.web.public.reader import Reader

blueprint = Blueprint("preferences_page", __name__)
blueprint.before_request(page.limit_body)

_PURPOSE = "preferences"
_NO_EFFECT = 404
_NOT_POSSIBLE = 422


@dataclass(frozen=True)
class Shown:
    """What the page says about one subscription."""

    address: str
    standing: str
    since: str
    text: ConsentText | None
    choices: Choices | None
    stop: str | None
    everything: str | None


@blueprint.get("/p/<token>")
def show(token: str) -> Response:
    """Show list, time and text of the consent that this letter rests on, and what can be chosen."""
    with store.reading() as session:
        found = reader.of_token(session, _PURPOSE, token)
        if found.test or found.delivery is None:
            return reader.only_a_test(found)
        if not _lives(session, found):
            return _too_old(found, token)
        return _page(session, found, token)


@blueprint.post("/p/<token>")
def save(token: str) -> Response:
    """Store what was chosen."""
    return _act(token, choices.save)


@blueprint.post("/p/<token>/pause")
def pause(token: str) -> Response:
    """Pause the list."""
    return _act(token, choices.pause)


@blueprint.post("/p/<token>/resume")
def resume(token: str) -> Response:
    """End the pause."""
    return _act(token, choices.resume)


@blueprint.post("/p/<token>/unseen")
def untrack(token: str) -> Response:
    """See no more what she does with letters."""
    return _act(token, choices.untrack)


@blueprint.post("/p/<token>/link")
def send_link(token: str) -> Response:
    """Mail a fresh link to the address on record; whoever pressed the button reads the same sentence."""
    with store.transaction() as session:
        found = reader.of_token(session, _PURPOSE, token)
        if found.test:
            return reader.only_a_test(found)
        if found.person is not None:
            access_link.ask(session, found.person)
        return page.secret_answer("link_sent", found.spoken, found.business)


def _act(token: str, act: Act) -> Response:
    with store.transaction() as session:
        found = reader.of_token(session, _PURPOSE, token)
        if found.test or found.delivery is None:
            return reader.only_a_test(found)
        if not _lives(session, found):
            return _too_old(found, token, status=_NO_EFFECT)
        wrong = None
        if found.person is not None and found.subscription is not None:
            with language.using(found.spoken):
                try:
                    act(session, found.person, found.subscription, found.delivery.id)
                except Invalid as problem:
                    wrong = problem
        # Read again: the language may be another one now.
        found = reader.of_token(session, _PURPOSE, token)
        return _page(session, found, token, saved=not wrong, wrong=wrong)


def _lives(session: Session, found: Reader) -> bool:
    if found.delivery is None:
        return False
    return preferences.link_lives(session, found.delivery.id, found.delivery.handed_at or found.delivery.created_at)


def _page(
    session: Session, found: Reader, token: str, *, saved: bool = False, wrong: Invalid | None = None
) -> Response:
    with language.using(found.spoken):
        shown = _shown(session, found, token)
    return page.secret_answer(
        "preferences",
        found.spoken,
        found.business,
        status=_NOT_POSSIBLE if wrong else 200,
        list_name=found.list_name,
        shown=shown,
        saved=saved and shown.choices is not None,
        wrong=wrong,
        fresh=_fresh(found, token),
    )


def _too_old(found: Reader, token: str, status: int = 200) -> Response:
    stop = unsubscribe.token_for(found.delivery.id) if found.on_list and found.delivery else None
    return page.secret_answer(
        "preferences_old",
        found.spoken,
        found.business,
        status=status,
        list_name=found.list_name,
        fresh=_fresh(found, token),
        stop=url_for("leave_page.leave", token=stop) if stop else None,
    )


def _fresh(found: Reader, token: str) -> str | None:
    return url_for("preferences_page.send_link", token=token) if found.person is not None else None


def _shown(session: Session, found: Reader, token: str) -> Shown:
    current = found.subscription
    event = session.get(ConsentEvent, current.consent_event_id or 0) if current else None
    stop = unsubscribe.token_for(found.delivery.id) if found.on_list and found.delivery else None
    return Shown(
        address=reader.masked(found.person.email_send) if found.person else "",
        standing=_standing(current.state if current else None),
        since=f"{language.moment(event.at)} UTC" if event and found.on_list else "",
        text=session.get(ConsentText, current.consent_text_id or 0) if current else None,
        choices=choices.of(session, found.person, current, _actions(token)),
        stop=url_for("leave_page.leave", token=stop) if stop else None,
        everything=url_for("leave_page.leave_everything", token=stop) if stop else None,
    )


def _actions(token: str) -> Actions:
    return Actions(
        save=url_for("preferences_page.save", token=token),
        pause=url_for("preferences_page.pause", token=token),
        resume=url_for("preferences_page.resume", token=token),
        untrack=url_for("preferences_page.untrack", token=token),
    )


def _standing(state: SubscriptionState | None) -> str:
    if state is SubscriptionState.CONFIRMED:
        return language.text("You are on the list.")
    if state is SubscriptionState.PENDING:
        return language.text("We wait for you to confirm.")
    return language.text("You are not on the list any more.")

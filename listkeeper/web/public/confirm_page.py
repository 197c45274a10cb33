"""The link of the confirmation mail: a page with one button. Only the button changes anything."""

from __future__ import annotations

from flask import Blueprint, Response, request, url_for
from sqlalchemy.orm import Session

from listkeeper import store
from listkeeper.audience import answering, complaint, confirmation, subscription
from listkeeper.audience.answering import Answer, Answered, Seen
from listkeeper.audience.confirmation import AskKind, Confirmation
from listkeeper.audience.profile import How
from listkeeper.audience.signup_form import ShownForm
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import SubscriptionState
from listkeeper.campaigns import welcome
from listkeeper.foundation import language
from listkeeper.web import network
from listkeeper.web.ask import Ask
from listkeeper.web.public import archive_page, asking, brand, inbox_help, onward, page

blueprint = Blueprint("confirm_page", __name__)
blueprint.before_request(page.limit_body)

# A forged, an old and a spent link get the same page, so that trying links out teaches nothing.
_NO_EFFECT = 404
_BROWSER_LIMIT = 300


@blueprint.get("/c/<token>")
def show(token: str) -> Response:
    """Show what would be agreed to; opening it changes nothing and uses nothing up."""
    with store.reading() as session:
        asked = confirmation.find(session, token)
        if asked is not None and asked.live:
            return _question(session, asked, token)
        if asked is not None and _on_the_list(session, asked):
            return _thanks(session, asked, again=True)
    return _spent()


def _question(session: Session, asked: Confirmation, token: str, *, wrong: bool = False) -> Response:
    shown = confirmation.shown_by(session, asked)
    made = page.secret_answer(
        "confirm",
        shown.form.language,
        brand.business_of(shown.organisation),
        status=422 if wrong else 200,
        wants_code=answering.wants_code(session, asked),
        wrong=wrong,
        list_name=_named(shown),
        agreed_to=shown.sentences,
        button=shown.text.button_label,
        complained=complaint.has_complained(session, session.get_one(Subscriber, asked.subscriber_id)),
        action=url_for("confirm_page.confirm", token=token),
        not_me=url_for("confirm_page.show_not_me", token=token),
    )
    return onward.opened(made, onward.origin_of(shown))


def _named(shown: ShownForm) -> str:
    with language.using(shown.form.language):
        return shown.list_names


def _on_the_list(session: Session, asked: Confirmation) -> bool:
    if asked.used_at is None:
        return False
    found = (subscription.of(session, asked.subscriber_id, number) for number in confirmation.list_ids(session, asked))
    return any(one is not None and one.state is SubscriptionState.CONFIRMED for one in found)


@blueprint.post("/c/<token>")
def confirm(token: str) -> Response:
    """Take the button; pressed twice it says so and changes nothing more."""
    with store.transaction() as session:
        answered = answering.confirm(session, token, seen(), code=request.form.get("code", ""))
        if answered.answer is Answer.WRONG_CODE and answered.confirmation is not None:
            return _question(session, answered.confirmation, token, wrong=True)
        return after(session, answered) or _spent()


def seen() -> Seen:
    """Return what is kept as evidence of the one who pressed the button: of the POST, never of who opened the page."""
    return Seen(network.of(request) or "", request.headers.get("User-Agent", "")[:_BROWSER_LIMIT])


def after(session: Session, answered: Answered) -> Response | None:
    """Return the page after confirming, or None when the attempt had no effect."""
    if answered.confirmation is None or answered.answer not in {Answer.CONFIRMED, Answer.ALREADY_CONFIRMED}:
        return None
    shown = confirmation.shown_by(session, answered.confirmation)
    elsewhere = onward.at_once(shown.version)
    return elsewhere or _thanks(session, answered.confirmation, again=answered.answer is Answer.ALREADY_CONFIRMED)


def _thanks(session: Session, asked: Confirmation, *, again: bool) -> Response:
    shown = confirmation.shown_by(session, asked)
    person = session.get_one(Subscriber, asked.subscriber_id)
    letter = welcome.of(session, asked.list_id, shown.form.language)
    return page.secret_answer(
        "thanks",
        shown.form.language,
        brand.business_of(shown.organisation),
        list_name=_named(shown),
        thanks=onward.told(shown.version, again=again),
        onward=onward.of(shown.version),
        again=again,
        letter_follows=letter is not None and letter.is_on and not again,
        earlier=archive_page.way_in(session, shown.mailing_list),
        keeping=inbox_help.keeping(person.email_send, shown.organisation.from_address, shown.form.language),
        ask=_question_to(session, person, asked, shown.form.language),
    )


def _question_to(session: Session, person: Subscriber, asked: Confirmation, spoken: str) -> Ask | None:
    """Return one question for who has just pressed the button; the link itself may be in other hands by now."""
    return asking.following(session, person, asked.list_id, How.CONFIRMED, spoken) if request.method == "POST" else None


@blueprint.get("/n/<token>")
def show_not_me(token: str) -> Response:
    """Show the button for people whose address somebody else typed."""
    with store.reading() as session:
        asked = confirmation.find(session, token)
        if asked is not None and asked.kind is AskKind.CONFIRM and asked.used_at is None:
            return _not_me(session, asked, token, done=asked.refused_at is not None)
    return _spent()


@blueprint.post("/n/<token>")
@blueprint.post("/c/<token>/not-me")
def refuse(token: str) -> Response:
    """Take "it was not me": that address is not asked again for half a year."""
    with store.transaction() as session:
        answered = answering.refuse(session, token)
        if answered.answer is Answer.REFUSED and answered.confirmation is not None:
            return _not_me(session, answered.confirmation, token, done=True)
    return _spent()


def _not_me(session: Session, asked: Confirmation, token: str, *, done: bool) -> Response:
    shown = confirmation.shown_by(session, asked)
    return page.secret_answer(
        "not_me",
        shown.form.language,
        brand.business_of(shown.organisation),
        done=done,
        action=url_for("confirm_page.refuse", token=token),
    )


def _spent() -> Response:
    return page.secret_answer("spent", page.visitors_language(), None, status=_NO_EFFECT)

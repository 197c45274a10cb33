"""Leaving: a page with one button for people, one POST for mail programs (RFC 8058). Never a question first.

Beside the button stand its smaller and its larger sister: fewer letters, a
pause, nothing at all any more. Why somebody left is asked afterwards, and of
who likes to say it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from io import BytesIO
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, make_response, request, url_for
from sqlalchemy.orm import Session
from werkzeug.exceptions import HTTPException

from listkeeper import store
from listkeeper.audience import leaving_reason, preferences, unsubscribe
from listkeeper.audience.consent import Method
from listkeeper.audience.leaving_reason import WORDS_LIMIT, Why
from listkeeper.audience.subscription import Frequency, SubscriptionState
from listkeeper.foundation import language
from listkeeper.foundation.errors import Invalid
from listkeeper.sending.handing_over import way_out
from listkeeper.web import headers
from listkeeper.web.public import choices, page, reader
from listkeeper.web.public.ahead import Ahead
from listkeeper.web.public.reader import Reader

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse

blueprint = Blueprint("leave_page", __name__)
blueprint.before_request(page.limit_body)

_PURPOSE = "unsubscribe"
_NO_EFFECT = 404
_NOT_POSSIBLE = 422
_PAUSE_DAYS = preferences.PAUSES[0]
# One undo for each list that was left; nobody is on more of them than this.
_UNDO_LIMIT = 50
# Writing down the first of them takes longer than writing down another seven.
_LINGERS = 0.004
_ONE_CLICK = b"List-Unsubscribe=One-Click"
_FORM = "application/x-www-form-urlencoded"
_PLAIN = "text/plain; charset=utf-8"
_RARER = frozenset({Frequency.ALL, Frequency.WEEKLY})


@blueprint.get("/u/<token>")
def show(token: str) -> Response:
    """Show the buttons; opening the page leaves nothing, for no scanner and no preview."""
    with store.reading() as session:
        found = reader.of_token(session, _PURPOSE, token)
        if found.test:
            return reader.only_a_test(found)
        if not found.on_list or found.subscription is None:
            return _goodbye(found)
        confirmed = found.subscription.state is SubscriptionState.CONFIRMED
        until = preferences.paused_until(found.subscription) if confirmed else None
        return page.secret_answer(
            "leave",
            found.spoken,
            found.business,
            list_name=found.list_name,
            action=url_for("leave_page.leave", token=token),
            fewer=_to("fewer", token) if confirmed and found.subscription.frequency in _RARER else None,
            pause=_to("pause", token) if confirmed and until is None else None,
            days=_PAUSE_DAYS,
            everything=_to("leave_everything", token),
        )


def _to(endpoint: str, token: str) -> str:
    return url_for(f"leave_page.{endpoint}", token=token)


@blueprint.post("/u/<token>")
def leave(token: str) -> Response:
    """Take the person off that list, at once; the token in the path is all that is asked for."""
    by_program = _by_mail_program()
    if by_program:
        spoken = _let_out(token)
        if spoken is not None:
            return _told_program(spoken)
    with store.transaction() as session:
        found = reader.of_token(session, _PURPOSE, token)
        secret = _leave(session, found, Method.ONE_CLICK if by_program else Method.PAGE)
        return reader.only_a_test(found) if found.test else _goodbye(found, [secret] if secret else [], token)


def ahead_of_all(site: str) -> Ahead:
    """Let out whoever's mail program says what RFC 8058 lets it say, before the application is asked."""

    def let_out(token: str, environ: dict[str, Any], start: StartResponse) -> Iterable[bytes] | None:
        spoken = _let_out(token) if _says_one_click(environ) else None
        if spoken is None:
            return None
        with language.using(spoken):
            said = language.text("Done: no more e-mails").encode()
        start("200 OK", headers.ahead(site, {"Content-Type": _PLAIN, "Content-Length": str(len(said))}))
        return [said]

    return Ahead("/u/", frozenset({"POST"}), let_out)


def _says_one_click(environ: dict[str, Any]) -> bool:
    """Whether a request has the very body of the RFC; what was read of it can be read again."""
    if environ.get("CONTENT_TYPE", "").lower() != _FORM or environ.get("CONTENT_LENGTH") != str(len(_ONE_CLICK)):
        return False
    said = environ["wsgi.input"].read(len(_ONE_CLICK))
    environ["wsgi.input"] = BytesIO(said)
    return bool(said == _ONE_CLICK)


def _let_out(token: str) -> str | None:
    """Take off the list whoever pressed her mail program's button, with those who press it at the same moment."""
    number = unsubscribe.delivery_of(token)
    return store.shared(way_out.leave, number, lingers=_LINGERS) if number is not None else None


def _told_program(spoken: str) -> Response:
    """Say to a mail program that it is done; it shows nobody a page."""
    with language.using(spoken):
        answer = make_response(language.text("Done: no more e-mails"))
    answer.content_type = _PLAIN
    return headers.private(answer)


def _by_mail_program() -> bool:
    """Tell a mail program's POST from the page's, for the record only: a strange body stops nobody from leaving."""
    try:
        return request.form.get("List-Unsubscribe") == "One-Click"
    except HTTPException:
        return False


def _leave(session: Session, found: Reader, method: Method) -> str | None:
    if found.person is None or found.list_id is None or found.delivery is None:
        return None
    return unsubscribe.leave(session, found.person.id, found.list_id, method, found.delivery.id).undo


@blueprint.post("/u/<token>/everything")
def leave_everything(token: str) -> Response:
    """Take the person off every list, at once; an hour long she can take it back."""
    with store.transaction() as session:
        found = reader.of_token(session, _PURPOSE, token)
        if found.test or found.delivery is None:
            return reader.only_a_test(found)
        secrets = []
        if found.person is not None:
            secrets = unsubscribe.leave_everything(session, found.person.id, found.delivery.id)
        return _goodbye(found, secrets, token, everything=True)


@blueprint.post("/u/<token>/fewer")
def fewer(token: str) -> Response:
    """Let at most one letter a month come."""
    with store.transaction() as session:
        found = reader.of_token(session, _PURPOSE, token)
        if found.person is not None and found.list_id is not None and found.delivery is not None:
            preferences.choose_frequency(
                session, found.person.id, found.list_id, Frequency.MONTHLY, delivery_id=found.delivery.id
            )
        return _stays(found, token)


@blueprint.post("/u/<token>/pause")
def pause(token: str) -> Response:
    """Pause the list for 30 days."""
    with store.transaction() as session:
        found = reader.of_token(session, _PURPOSE, token)
        if found.person is not None and found.list_id is not None and found.delivery is not None:
            preferences.snooze(session, found.person.id, found.list_id, _PAUSE_DAYS, delivery_id=found.delivery.id)
        return _stays(found, token)


@blueprint.post("/u/<token>/resume")
def resume(token: str) -> Response:
    """End the pause."""
    with store.transaction() as session:
        found = reader.of_token(session, _PURPOSE, token)
        if found.person is not None and found.list_id is not None and found.delivery is not None:
            preferences.resume(session, found.person.id, found.list_id, delivery_id=found.delivery.id)
        return _stays(found, token)


def _stays(found: Reader, token: str) -> Response:
    """Return the page of who stays, with what comes from now on; somebody who has left is told so."""
    if found.test:
        return reader.only_a_test(found)
    current = found.subscription
    if current is None or current.state is not SubscriptionState.CONFIRMED:
        return _goodbye(found)
    until = preferences.paused_until(current)
    with language.using(found.spoken):
        often, paused = choices.frequency_words(current.frequency), choices.day_of(until) if until else ""
    return page.secret_answer(
        "stays",
        found.spoken,
        found.business,
        list_name=found.list_name,
        often=often,
        paused=paused,
        resume=_to("resume", token),
        stop=_to("leave", token),
    )


@blueprint.post("/u/<token>/undo")
def undo(token: str) -> Response:
    """Take back a leave of the last hour, by the secrets that only the goodbye page held."""
    with store.transaction() as session:
        for secret in _secrets():
            unsubscribe.undo(session, secret)
        found = reader.of_token(session, _PURPOSE, token)
        if not found.on_list:
            return page.secret_answer("spent", found.spoken, found.business, status=_NO_EFFECT)
        return page.secret_answer("back_again", found.spoken, found.business, list_name=found.list_name)


def _secrets() -> list[str]:
    return [secret for secret in request.form.getlist("undo") if secret][:_UNDO_LIMIT]


@blueprint.post("/u/<token>/reason")
def tell_reason(token: str) -> Response:
    """Store why somebody left, tied to nobody; who has not left has nothing to explain."""
    with store.transaction() as session:
        found = reader.of_token(session, _PURPOSE, token)
        if found.test or found.delivery is None or found.list_id is None:
            return reader.only_a_test(found)
        said = request.form.get("words", "")
        wrong = ""
        if not found.on_list and request.form.get("why") in set(Why):
            left = unsubscribe.list_of(session, found.list_id)
            with language.using(found.spoken):
                try:
                    leaving_reason.tell(session, left, Why(request.form["why"]), said, letter=str(found.delivery.id))
                except Invalid as problem:
                    wrong = problem.message
        everything = "everything" in request.form
        return _goodbye(found, _secrets(), token, everything=everything, told=not wrong, wrong=wrong, said=said)


def _goodbye(  # noqa: PLR0913 - all that the last page may say
    found: Reader,
    secrets: Sequence[str] = (),
    token: str = "",
    *,
    everything: bool = False,
    told: bool = False,
    wrong: str = "",
    said: str = "",
) -> Response:
    with language.using(found.spoken):
        whys = [(each.value, leaving_reason.in_words(each)) for each in Why]
    return page.secret_answer(
        "goodbye",
        found.spoken,
        found.business,
        status=_NOT_POSSIBLE if wrong else 200,
        list_name="" if everything else found.list_name,
        secrets=secrets,
        undo=_to("undo", token) if secrets else None,
        ask=_to("tell_reason", token) if token and found.person is not None and not told else None,
        told=told,
        whys=whys,
        why=request.form.get("why", "") if wrong else "",
        wrong=wrong,
        said=said,
        limit=WORDS_LIMIT,
    )

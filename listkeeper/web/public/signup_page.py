"""The sign-up form: one address in, the same answer out, whoever it belongs to."""

from __future__ import annotations

import json
from functools import lru_cache

from flask import Blueprint, Response, g, make_response, request, url_for
from markupsafe import escape

from listkeeper import store
from listkeeper.audience import allowed_origins, answering, confirmation, signup_form
from listkeeper.audience.guard.first_look import Step
from listkeeper.foundation import language
from listkeeper.foundation.errors import Invalid
from listkeeper.standards import address_typo
from listkeeper.web import asset, headers, packing
from listkeeper.web.public import blur, confirm_page, drawn, form_view, onward, page, signup_post
from listkeeper.web.public.form_view import FormView
from listkeeper.web.public.signup_post import Shape

blueprint = Blueprint("signup_page", __name__)
blueprint.before_request(page.limit_body)

_SHOWN_LIMIT = 320
_SENT = f'<input type="hidden" name="{drawn.place("sent")}" value="">'
# Which part of the page a sentence stands beside, by the code of what is wrong; the address unless it is a box.
_PLACES = {"purpose_missing": "wrong_purpose", "second_consent_missing": "wrong_second", "age_missing": "wrong_age"}
_WRONG = ("wrong", *_PLACES.values())
# Nothing is wrong with what was typed: the page is to be read first, or nothing is taken just now.
_STATUS = {"page_too_old": 409, "site_not_listed": 409, "form_paused": 503}


@blueprint.after_request
def _open(response: Response) -> Response:
    """Let a frame show the answer to a form that was pasted into it; the form's own page is shown in none."""
    return headers.framed(response, g.get("may_frame", ())) if page.framed() else response


@blueprint.get("/f/<slug>")
def show(slug: str) -> Response:
    """Show the form; opening it changes nothing."""
    with store.reading() as session:
        view = form_view.kept(session, slug)
    return packing.packed(form_page(view))


def form_page(view: FormView, *, typed: str = "", wrong: Invalid | None = None, status: int = 200) -> Response:
    """Return the form, with the typed address kept and what is wrong beside the field or box it is about."""
    action, sent = _beyond(_address_of("receive", view.slug)), signup_post.hidden(view.version, view.version_id)
    if wrong is None and not typed and not page.framed():
        # The page most people see says the same to all of them, but for what it sends along.
        return make_response(_drawn(view, action, asset.version()).replace(_SENT, _inputs(sent)), status)
    return _page(view, action, sent, typed, wrong, status)


def _page(  # noqa: PLR0913, PLR0917 - what is shown, and what was typed
    view: FormView, action: str, sent: dict[str, str], typed: str, wrong: Invalid | None, status: int
) -> Response:
    return page.answer(
        "signup",
        view.language,
        view.business,
        status=status,
        form=view,
        action=action,
        typed=typed,
        hidden=sent.items(),
        trap=signup_post.TRAP,
        ticked=signup_post.ticked(),
        **_beside(wrong),
    )


@lru_cache(maxsize=256)
def _drawn(view: FormView, action: str, _release: str) -> str:
    """Return the page of a form with one mark in it, where what it sends along belongs."""
    return _page(view, action, {drawn.place("sent"): ""}, "", None, 200).get_data(as_text=True)


def _inputs(sent: dict[str, str]) -> str:
    drawn = (f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">' for name, value in sent.items())
    return "\n    ".join(drawn)


def _address_of(step: str, slug: str) -> str:
    """Return the address of a step of the form's way; within a frame the way stays in it."""
    if not page.framed():
        return url_for(f"signup_page.{step}", slug=slug)
    return url_for(f"form_frame.{step}", slug=slug, host=signup_post.around() if step == "show" else None)


def _beyond(action: str) -> str:
    """Return an address for the post that is not the page's own.

    A browser puts what is posted to a page's own address in the place of that page: when the line breaks, the way
    back leads past what was typed. To another address, be it by a fragment, the filled-in form is one step back.
    """
    return f"{action}#sent" if request.path == action else action


def _beside(wrong: Invalid | None) -> dict[str, str]:
    place = place_of(wrong) if wrong is not None else ""
    return {name: wrong.message if wrong is not None and name == place else "" for name in _WRONG}


def place_of(wrong: Invalid) -> str:
    """Return beside what a sentence stands: the field, or one of the boxes."""
    return _PLACES.get(wrong.code, "wrong")


@blueprint.post("/f/<slug>")
def receive(slug: str) -> Response:
    """Store the post and say "check your mail", for every address alike."""
    return received(slug, Shape.PAGE)


def received(slug: str, by: Shape) -> Response:
    """Take the post of a page or frame, and answer with the next page of the same kind."""
    with store.reading() as session:
        shown, view = form_view.at_hand(session, slug)
        g.may_frame = allowed_origins.of(shown.form)
        wish = signup_post.read(session, shown, by)
    if isinstance(wish, Invalid):
        return form_page(view, typed=signup_post.typed(), wrong=wish, status=status_of(wish))
    taken = signup_post.store(wish)
    if taken.step is not None:
        return _one_more_step(view, taken.step)
    return _check_mail(view, taken.visit, shown_address=signup_post.typed())


def _one_more_step(view: FormView, step: Step) -> Response:
    """Show the page in between, with all that was posted kept on it: a browser works, or somebody presses again."""
    return page.answer(
        "one_more_step",
        view.language,
        view.business,
        hidden=signup_post.kept_for_another_press(step).items(),
        challenge=json.dumps(step.challenge),
        action=_address_of("receive", view.slug),
        shown=signup_post.typed(),
        button=view.button,
    )


def status_of(wrong: Invalid) -> int:
    """Return the HTTP status of a post that was not taken."""
    return _STATUS.get(wrong.code, 422)


def _check_mail(view: FormView, visit: str, *, shown_address: str = "", wrong: str = "", status: int = 200) -> Response:
    meant = address_typo.suggest(shown_address) if shown_address else None
    action, back = _address_of("confirm_by_code", view.slug), _address_of("show", view.slug)
    words = {
        "visit": visit,
        "shown": shown_address,
        # As long for a short address as for a long one: the length of this page tells nothing.
        "padding": " " * max(0, _SHOWN_LIMIT - len(escape(shown_address).encode())),
    }
    if meant or wrong or not shown_address or page.framed():
        made = _mail_page(view, action, back, words, meant=meant, wrong=wrong, status=status)
    else:
        made = make_response(drawn.filled(_drawn_mail_page(view, action, back, asset.version()), words), status)
    return onward.opened(made, view.onward_origin)


def _mail_page(  # noqa: PLR0913 - what is shown, and what was typed
    view: FormView,
    action: str,
    back: str,
    words: dict[str, str],
    *,
    meant: str | None = None,
    wrong: str = "",
    status: int = 200,
) -> Response:
    return page.answer(
        "check_mail",
        view.language,
        view.business,
        status=status,
        meant=meant,
        wrong=wrong,
        action=action,
        back=back,
        **words,
    )


@lru_cache(maxsize=256)
def _drawn_mail_page(view: FormView, action: str, back: str, _release: str) -> str:
    """Return the page as most people see it, with places for the words that are each one's own."""
    places = {name: drawn.place(name) for name in ("visit", "shown", "padding")}
    return _mail_page(view, action, back, places).get_data(as_text=True)


@blueprint.post("/f/<slug>/code")
def confirm_by_code(slug: str) -> Response:
    """Take the six digits typed on the page that is still open."""
    return code_typed(slug)


def code_typed(slug: str) -> Response:
    """Take the six digits of a page or frame, and answer with the next page of the same kind."""
    visit = request.form.get("visit", "")
    with store.transaction() as session:
        answered = answering.confirm_by_code(session, visit, request.form.get("code", ""), confirm_page.seen())
        joined = confirm_page.after(session, answered)
        asked = answered.confirmation
        shown = confirmation.shown_by(session, asked) if joined and asked else signup_form.shown(session, slug)
        g.may_frame = allowed_origins.of(shown.form)
        if joined is not None:
            return joined
        view = form_view.of(session, shown)
    blur.wait()
    return _check_mail(view, visit, wrong=wrong_digits(view.language), status=422)


def wrong_digits(spoken: str) -> str:
    """Return what is said of digits that do not fit."""
    with language.using(spoken):
        return language.text("These digits do not fit. Look at the newest e-mail, or simply press its button.")

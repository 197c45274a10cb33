"""The sign-up form: one address in, the same answer out, whoever it belongs to."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass

from flask import Blueprint, Response, request, url_for
from markupsafe import escape
from sqlalchemy.orm import Session

from listkeeper import parts, store
from listkeeper.audience import confirmation, signup, signup_form
from listkeeper.audience.guard import ticket
from listkeeper.audience.guard.first_look import Step
from listkeeper.audience.signup import SignupReceipt, Visit
from listkeeper.audience.signup_form import ShownForm
from listkeeper.foundation import language, signing
from listkeeper.foundation.errors import Invalid
from listkeeper.sending import relay_offer
from listkeeper.standards import address_typo
from listkeeper.web import network
from listkeeper.web.public import brand, confirm_page, page
from listkeeper.web.public.brand import Business

blueprint = Blueprint("signup_page", __name__)
blueprint.before_request(page.limit_body)

TRAP = "homepage"
_SOURCES = ("s", "utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term")
_SOURCE_LIMIT = 200
_STATUS = {"page_too_old": 409, "form_paused": 503}
_SHOWN_LIMIT = 320
_KEPT_LIMIT = 512
# What the page in between does not carry on: the ticket is used, and the step is a new one.
_ASKED_ANEW = frozenset({"email", "ticket", "altcha", "step", TRAP})
# Which part of the page a sentence stands beside, by the code of what is wrong; the address unless it is a box.
_PLACES = {"second_consent_missing": "wrong_second", "age_missing": "wrong_age"}
_WRONG = ("wrong", *_PLACES.values())


@dataclass(frozen=True)
class FormView:
    """What the page shows of a form, taken out of the session."""

    slug: str
    language: str
    version: int
    version_id: int
    business: Business
    title: str
    consent: str
    withdrawal: str
    age_statement: str
    button: str
    # The separate consent with a box of its own; empty for none.
    second_consent: str
    least_age: int
    # Where the privacy notice is; empty for none.
    notice: str


def view_of(shown: ShownForm) -> FormView:
    """Return what the page shows of a form; call it while the session is open."""
    second, spoken = shown.second, shown.form.language
    return FormView(
        slug=shown.form.slug,
        language=shown.form.language,
        version=shown.version.version,
        version_id=shown.version.id,
        business=brand.business_of(shown.organisation),
        title=shown.version.title,
        consent=shown.text.body,
        withdrawal=shown.text.withdrawal,
        age_statement=shown.text.age_statement,
        button=shown.text.button_label,
        second_consent=second.whole if second else "",
        least_age=shown.version.least_age or 0,
        notice=url_for("notice_page.show", name=spoken) if shown.version.notice_sha256 else "",
    )


@blueprint.get("/f/<slug>")
def show(slug: str) -> Response:
    """Show the form; opening it changes nothing."""
    with store.reading() as session:
        view = view_of(signup_form.shown(session, slug))
    return form_page(view)


def form_page(view: FormView, *, typed: str = "", wrong: Invalid | None = None, status: int = 200) -> Response:
    """Return the form, with the typed address kept and what is wrong beside the field or box it is about."""
    marks = [(name, value[:_SOURCE_LIMIT]) for name in _SOURCES if (value := request.values.get(name))]
    came_from = [("r", site)] if (site := _came_from()) else []
    own = [("key", secrets.token_urlsafe(16)), ("v", str(view.version)), ("ticket", ticket.make(view.version_id))]
    hidden = [*own, *marks, *came_from]
    return page.answer(
        "signup",
        view.language,
        view.business,
        status=status,
        form=view,
        action=url_for("signup_page.receive", slug=view.slug),
        typed=typed,
        hidden=hidden,
        trap=TRAP,
        **_beside(wrong),
    )


def _came_from() -> str | None:
    """Return the site that led to the form: the page says it to itself, for its own post comes from here."""
    if request.method == "POST":
        return network.as_origin(request.form.get("r", "")[:_SOURCE_LIMIT])
    return network.referrer_of(request, own=parts.settings().site)


def _beside(wrong: Invalid | None) -> dict[str, str]:
    place = _PLACES.get(wrong.code, "wrong") if wrong is not None else "wrong"
    return {name: wrong.message if wrong is not None and name == place else "" for name in _WRONG}


@blueprint.post("/f/<slug>")
def receive(slug: str) -> Response:
    """Store the post and say "check your mail", for every address alike."""
    typed = request.form.get("email", "").strip()
    with store.transaction() as session:
        shown = signup_form.shown(session, slug)
        view = view_of(shown)
        taken = _changed(view) or _take(session, shown, typed)
    if isinstance(taken, Invalid):
        status = _STATUS.get(taken.code, 422)
        return form_page(view, typed=typed, wrong=taken, status=status)
    if taken.step is not None:
        return _one_more_step(view, taken.step, typed)
    return _check_mail(view, taken.visit, shown_address=typed)


def _one_more_step(view: FormView, step: Step, typed: str) -> Response:
    """Show the page in between, with all that was posted kept on it: a browser works, or somebody presses again."""
    kept = {name: value for name, value in request.form.items() if name not in _ASKED_ANEW}
    kept |= {"email": typed, "step": step.pressed}
    return page.answer(
        "one_more_step",
        view.language,
        view.business,
        hidden=[(name, value[:_KEPT_LIMIT]) for name, value in kept.items()],
        challenge=json.dumps(step.challenge),
        action=url_for("signup_page.receive", slug=view.slug),
        shown=typed,
        button=view.button,
    )


def _changed(view: FormView) -> Invalid | None:
    """Say so when the page was opened too long ago, or with another text than today's.

    What is recorded is what this person saw, so she reads the new text first.
    A post without these fields comes from a page that is not ours; for it the
    text is the one in the mail and on the confirm page.
    """
    carried = request.form.get("ticket")
    too_old = carried is not None and ticket.is_too_old(carried, view.version_id)
    if not too_old and request.form.get("v", str(view.version)) == str(view.version):
        return None
    with language.using(view.language):
        sentence = language.text(
            "This page has been renewed since you opened it. Please read it and press the button once more."
        )
    return Invalid("page_too_old", sentence)


def _take(session: Session, shown: ShownForm, typed: str) -> SignupReceipt | Invalid:
    with language.using(shown.form.language):
        try:
            wide = relay_offer.carries(session, parts.relay_name(), typed)
            return signup.receive(session, shown, typed, _visit(typed), parts.limits(), carries_smtputf8=wide)
        except Invalid as problem:
            return problem


def _visit(typed: str) -> Visit:
    key = request.form.get("key")
    return Visit(
        network=network.of(request),
        browser=request.headers.get("User-Agent", ""),
        origin=network.origin_of(request),
        referrer=_came_from(),
        source=request.values.get("s"),
        utm={name: value for name in _SOURCES[1:] if (value := request.values.get(name))},
        # The address belongs to the key: who goes back to mend a typo must not be taken for a retry.
        idempotency_key=signing.digest(f"{key}:{typed}") if key else None,
        trap=request.form.get(TRAP, ""),
        ticket=request.form.get("ticket"),
        work=request.form.get("altcha", ""),
        step=request.form.get("step", ""),
        second_consent=request.form.get("second_consent") == "yes",
        age_stated=request.form.get("age_stated") == "yes",
    )


def _check_mail(view: FormView, visit: str, *, shown_address: str = "", wrong: str = "", status: int = 200) -> Response:
    return page.answer(
        "check_mail",
        view.language,
        view.business,
        status=status,
        visit=visit,
        wrong=wrong,
        shown=shown_address,
        meant=address_typo.suggest(shown_address) if shown_address else None,
        # As long for a short address as for a long one: the length of this page tells nothing.
        padding=" " * max(0, _SHOWN_LIMIT - len(escape(shown_address).encode())),
        action=url_for("signup_page.confirm_by_code", slug=view.slug),
        back=url_for("signup_page.show", slug=view.slug),
    )


@blueprint.post("/f/<slug>/code")
def confirm_by_code(slug: str) -> Response:
    """Take the six digits typed on the page that is still open."""
    visit = request.form.get("visit", "")
    with store.transaction() as session:
        answered = confirmation.confirm_by_code(session, visit, request.form.get("code", ""), confirm_page.seen())
        joined = confirm_page.after(session, answered)
        if joined is not None:
            return joined
        view = view_of(signup_form.shown(session, slug))
    with language.using(view.language):
        wrong = language.text("These digits do not fit. Look at the newest e-mail, or simply press its button.")
    return _check_mail(view, visit, wrong=wrong, status=422)

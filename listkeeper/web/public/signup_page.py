"""The sign-up form: one address in, the same answer out, whoever it belongs to."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta

from flask import Blueprint, Response, request, url_for
from markupsafe import escape
from sqlalchemy.orm import Session

from listkeeper import parts, store
from listkeeper.audience import confirmation, signup, signup_form
from listkeeper.audience.signup import SignupReceipt, Visit
from listkeeper.audience.signup_form import ShownForm
from listkeeper.foundation import clock, language, signing
from listkeeper.foundation.errors import Invalid
from listkeeper.rendering.shop_facts import Link, ShopFacts
from listkeeper.standards import address_typo
from listkeeper.web import network, packing
from listkeeper.web.public import confirm_page, hosted, onward, page
from listkeeper.web.public.brand import Business

blueprint = Blueprint("signup_page", __name__)
blueprint.before_request(page.limit_body)

TRAP = "homepage"
_TICKET = "form-ticket"
_TICKET_LIFETIME = timedelta(hours=24)
_SOURCES = ("s", "utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term")
_SOURCE_LIMIT = 200
_SHOWN_LIMIT = 320
# Which part of the page a sentence stands beside, by the code of what is wrong; the address unless it is a box.
_PLACES = {"second_consent_missing": "wrong_second", "age_missing": "wrong_age"}
_WRONG = ("wrong", *_PLACES.values())


@dataclass(frozen=True)
class FormView:
    """What the page shows of a form, taken out of the session."""

    slug: str
    language: str
    version: int
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
    # What the owner says beside the text, and what the business shows.
    intro: str
    gets: tuple[str, ...]
    frequency: str
    answers: str
    shop: ShopFacts
    sisters: tuple[Link, ...]
    onward_origin: str


def view_of(session: Session, shown: ShownForm) -> FormView:
    """Return what the page shows of a form; call it while the session is open."""
    second, spoken, design = shown.second, shown.form.language, shown.version.designed
    return FormView(
        slug=shown.form.slug,
        language=shown.form.language,
        version=shown.version.version,
        business=hosted.business_of(shown),
        title=shown.version.title,
        consent=shown.text.body,
        withdrawal=shown.text.withdrawal,
        age_statement=shown.text.age_statement,
        button=shown.text.button_label,
        second_consent=second.whole if second else "",
        least_age=shown.version.least_age or 0,
        notice=url_for("notice_page.show", name=spoken) if shown.version.notice_sha256 else "",
        intro=design.intro,
        gets=design.gets,
        frequency=design.frequency,
        answers=design.answers,
        shop=hosted.facts_of(session, shown),
        sisters=hosted.sisters_of(session, shown),
        onward_origin=onward.origin_of(shown),
    )


@blueprint.get("/f/<slug>")
def show(slug: str) -> Response:
    """Show the form; opening it changes nothing."""
    with store.reading() as session:
        view = view_of(session, signup_form.shown(session, slug))
    return packing.packed(form_page(view))


def form_page(view: FormView, *, typed: str = "", wrong: Invalid | None = None, status: int = 200) -> Response:
    """Return the form, with the typed address kept and what is wrong beside the field or box it is about."""
    marks = [(name, value[:_SOURCE_LIMIT]) for name in _SOURCES if (value := request.values.get(name))]
    ticket = signing.token(_TICKET, clock.in_milliseconds(clock.now()))
    hidden = [("key", secrets.token_urlsafe(16)), ("v", str(view.version)), ("ticket", ticket), *marks]
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


def _beside(wrong: Invalid | None) -> dict[str, str]:
    place = _PLACES.get(wrong.code, "wrong") if wrong is not None else "wrong"
    return {name: wrong.message if wrong is not None and name == place else "" for name in _WRONG}


@blueprint.post("/f/<slug>")
def receive(slug: str) -> Response:
    """Store the post and say "check your mail", for every address alike."""
    typed = request.form.get("email", "").strip()
    with store.transaction() as session:
        shown = signup_form.shown(session, slug)
        view = view_of(session, shown)
        taken = _changed(view) or _take(session, shown, typed)
    if isinstance(taken, Invalid):
        status = 409 if taken.code == "page_too_old" else 422
        return form_page(view, typed=typed, wrong=taken, status=status)
    return _check_mail(view, taken.visit, shown_address=typed)


def _changed(view: FormView) -> Invalid | None:
    """Say so when the page was opened too long ago, or with another text than today's.

    What is recorded is what this person saw, so she reads the new text first.
    A post without these fields comes from a page that is not ours; for it the
    text is the one in the mail and on the confirm page.
    """
    ticket = request.form.get("ticket")
    opened = signing.read(_TICKET, ticket) if ticket else None
    oldest = clock.in_milliseconds(clock.now() - _TICKET_LIFETIME)
    too_old = ticket is not None and (opened is None or opened < oldest)
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
            return signup.receive(session, shown, typed, _visit(typed), parts.limits())
        except Invalid as problem:
            return problem


def _visit(typed: str) -> Visit:
    key = request.form.get("key")
    return Visit(
        network=network.of(request),
        browser=request.headers.get("User-Agent"),
        origin=network.origin_of(request),
        source=request.values.get("s"),
        utm={name: value for name in _SOURCES[1:] if (value := request.values.get(name))},
        # The address belongs to the key: who goes back to mend a typo must not be taken for a retry.
        idempotency_key=signing.digest(f"{key}:{typed}") if key else None,
        trap=request.form.get(TRAP, ""),
        second_consent=request.form.get("second_consent") == "yes",
        age_stated=request.form.get("age_stated") == "yes",
    )


def _check_mail(view: FormView, visit: str, *, shown_address: str = "", wrong: str = "", status: int = 200) -> Response:
    made = page.answer(
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
    return onward.opened(made, view.onward_origin)


@blueprint.post("/f/<slug>/code")
def confirm_by_code(slug: str) -> Response:
    """Take the six digits typed on the page that is still open."""
    visit = request.form.get("visit", "")
    with store.transaction() as session:
        answered = confirmation.confirm_by_code(session, visit, request.form.get("code", ""), confirm_page.seen())
        joined = confirm_page.after(session, answered)
        if joined is not None:
            return joined
        view = view_of(session, signup_form.shown(session, slug))
    with language.using(view.language):
        wrong = language.text("These digits do not fit. Look at the newest e-mail, or simply press its button.")
    return _check_mail(view, visit, wrong=wrong, status=422)

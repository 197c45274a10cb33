"""What every shape of a form sends, and how it is taken: one way in, whichever page it stood on.

Our own page and frame hand out a key, a ticket and the form's version; the
component gets the same and sends them back. A pasted form has none but the
version, so for it the text is the one in the mail and on the confirm page.
"""

from __future__ import annotations

import secrets
from enum import StrEnum

from flask import current_app, request
from sqlalchemy.orm import Session

from listkeeper import parts
from listkeeper import store as database
from listkeeper.audience import allowed_origins, signup, signup_form
from listkeeper.audience.guard import ticket
from listkeeper.audience.guard.first_look import Step
from listkeeper.audience.signup import SignupReceipt, Visit, Wish
from listkeeper.audience.signup_form import ShownForm, SignupForm
from listkeeper.foundation import clock, language, signing
from listkeeper.foundation.errors import Invalid
from listkeeper.sending import relay_offer
from listkeeper.settings import Settings
from listkeeper.standards import web_origin
from listkeeper.web import network
from listkeeper.web.public import page

TRAP = "homepage"
# Where the form stood, carried through the pages of a frame: there the browser names us as the origin.
HOST = "host"
_SOURCES = ("s", "utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term")
_SOURCE_LIMIT = 200
_TICKED = "yes"
_KEY_LIMIT = 64
_KEPT_LIMIT = 512
# A pasted form has no key of its own: the same browser with the same wish within ten minutes pressed twice.
_RELOADED_WITHIN = 600
# What the page that asks for one more step does not carry on: it says these anew, or an empty trap.
_ASKED_ANEW = frozenset({"email", "altcha", "step", TRAP})


class Shape(StrEnum):
    """Where the words of a form were shown."""

    PAGE = "page"
    HTML = "html"
    COMPONENT = "component"
    FRAME = "frame"


def hidden(version: int, version_id: int) -> dict[str, str]:
    """Return what a page of ours sends along beside the address.

    Key and ticket are made with the first page and stay on those that ask for something to be put right. So a retry
    carries the key of the post that was lost, whichever of the pages it is made on, and nobody mends too quickly.
    """
    key = request.form.get("key", "")[:_KEY_LIMIT] or secrets.token_urlsafe(16)
    carried = request.form.get("ticket", "")
    kept = carried if carried and not ticket.is_too_old(carried, version_id) else ticket.make(version_id)
    known = {HOST: around(), "r": came_from()}
    return (
        {"key": key, "v": str(version), "ticket": kept}
        | _marks()
        | {name: said for name, said in known.items() if said}
    )


def kept_for_another_press(step: Step) -> dict[str, str]:
    """Return all that was posted, for the page that asks for one more step."""
    posted = {name: said[:_KEPT_LIMIT] for name, said in request.form.items() if name not in _ASKED_ANEW}
    return posted | {"email": typed(), "step": step.pressed}


def came_from() -> str | None:
    """Return the site that led to the form: the page says it to itself, for its own post comes from here."""
    if request.method == "POST":
        return network.as_origin(request.form.get("r", "")[:_SOURCE_LIMIT])
    return network.referrer_of(request, own=parts.settings().site)


def _marks() -> dict[str, str]:
    return {name: value[:_SOURCE_LIMIT] for name in _SOURCES if (value := request.values.get(name))}


def typed() -> str:
    """Return the address as it was typed."""
    return request.form.get("email", "").strip()


def ticked() -> frozenset[str]:
    """Return the names of the boxes that were ticked."""
    return frozenset(name for name, said in request.form.items() if said == _TICKED)


def host() -> str | None:
    """Return the origin of the page around a frame, as its pages carry it or the browser says at the first of them."""
    around = web_origin.of(request.values.get(HOST, "")) or network.origin_of(request)
    return None if around in our_origins() else around


def around() -> str | None:
    """Return what the pages of a frame hand on: the site around them."""
    return host() if page.framed() else None


def shape(form_on_page: Shape) -> Shape:
    """Return the shape of a post to a page of ours: without a ticket it came from a form that somebody pasted."""
    return Shape.HTML if form_on_page is Shape.PAGE and not request.form.get("ticket") else form_on_page


def asked_from() -> str | None:
    """Return the origin of the page that asks or posts, ``null`` for one that hides it, None when nothing is said."""
    origin = request.headers.get("Origin") or request.headers.get("Referer") or ""
    return "null" if origin == "null" else web_origin.of(origin)


def may_stand_there(form: SignupForm, origin: str | None) -> bool:
    """Return whether a form may stand on a page of this origin; ours is always one of them.

    A browser that says nothing is an old one or one that hides everything: its reader is no stranger's page.
    """
    return origin is None or origin in our_origins() or allowed_origins.allow(form, origin)


def our_origins() -> set[str | None]:
    """Return the origins our own pages have: the address of this instance, and the one this request came to."""
    settings: Settings = current_app.config["LISTKEEPER"]
    return {web_origin.of(settings.site), web_origin.of(request.host_url)}


def read(session: Session, shown: ShownForm, by: Shape) -> Wish | Invalid:
    """Look at the post, or say what keeps it from being one; nothing is stored yet."""
    with language.using(shown.form.language):
        try:
            _refuse_another_site(shown)
            _refuse_another_text(session, shown)
            wide = relay_offer.carries(session, parts.relay_names(), typed())
            return signup.read(session, shown, typed(), _visit(by), carries_smtputf8=wide)
        except Invalid as problem:
            return problem


def store(wish: Wish) -> SignupReceipt:
    """Write the post down, together with those that come at the same moment."""
    limits = parts.limits()
    return database.together(lambda session: signup.store(session, wish, limits))


def _refuse_another_site(shown: ShownForm) -> None:
    if not _from_our_page() and not may_stand_there(shown.form, asked_from()):
        sentence = language.text(
            "That site may not show our form, so here it is. Please read it and press the button once more."
        )
        raise Invalid("site_not_listed", sentence)


def _from_our_page() -> bool:
    """Return whether the post carries a ticket of ours, also one that has run out: a page of ours asked for it."""
    return ticket.is_ours(request.form.get("ticket", ""))


def _refuse_another_text(session: Session, shown: ShownForm) -> None:
    """Refuse a post of a page that was opened too long ago, or with another text than today's.

    What is recorded is what this person saw, so she reads the new text first.
    """
    carried = request.form.get("ticket")
    too_old = carried is not None and ticket.is_too_old(carried, shown.version.id)
    if too_old or not _says_what_is_said_today(session, shown, pasted=carried is None):
        raise Invalid(
            "page_too_old",
            language.text(
                "This page has been renewed since you opened it. Please read it and press the button once more."
            ),
        )


def _says_what_is_said_today(session: Session, shown: ShownForm, *, pasted: bool) -> bool:
    """Return whether the version posted is today's; a pasted form stays good while its texts are today's texts."""
    today = shown.version
    posted = request.form.get("v", str(today.version))
    if posted == str(today.version) or not pasted:
        return posted == str(today.version)
    older = next((one for one in signup_form.versions(session, shown.form) if str(one.version) == posted), None)
    return older is not None and _texts(older) == _texts(today)


def _texts(version: signup_form.SignupFormVersion) -> tuple[object, ...]:
    second = version.second_text
    return version.consent_text.sha256, second.sha256 if second else "", version.least_age or 0, version.further


def _key() -> str:
    """Return the name under which a retry finds the post that was lost.

    Address and boxes belong to it: who goes back to mend a typo or to tick another box must not be taken for a retry.
    """
    given = request.form.get("key", "")[:_KEY_LIMIT] or _place_of_a_pasted_form()
    return signing.digest(":".join([given, typed(), *sorted(ticked())]))


def _place_of_a_pasted_form() -> str:
    moment = int(clock.now().timestamp()) // _RELOADED_WITHIN
    return f"{moment}:{network.of(request)}:{request.headers.get('User-Agent', '')}"


def _visit(by: Shape) -> Visit:
    return Visit(
        network=network.of(request),
        browser=request.headers.get("User-Agent", ""),
        origin=host() if by is Shape.FRAME else network.origin_of(request),
        referrer=came_from(),
        source=request.values.get("s"),
        utm={name: value for name in _SOURCES[1:] if (value := request.values.get(name))},
        idempotency_key=_key(),
        trap=request.form.get(TRAP, ""),
        ticket=request.form.get("ticket"),
        work=request.form.get("altcha", ""),
        step=request.form.get("step", ""),
        shape=shape(by),
        ticked=ticked(),
        second_consent="second_consent" in ticked(),
        age_stated="age_stated" in ticked(),
    )

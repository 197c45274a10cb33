"""The business around its form: the stylesheet of the form's look, the facts of today, sisters in other languages."""

from __future__ import annotations

from dataclasses import replace

from babel import Locale
from flask import Blueprint, Response, make_response, url_for
from sqlalchemy.orm import Session

from listkeeper.accounts import storefront
from listkeeper.audience.forms import form_family
from listkeeper.audience.forms.form_design import ButtonInk, Fact, Look
from listkeeper.audience.signup_form import ShownForm
from listkeeper.foundation import clock, language
from listkeeper.foundation.errors import Invalid, NotFound
from listkeeper.rendering import colour, look, shop_facts
from listkeeper.rendering.shop_facts import Link, ShopFacts
from listkeeper.web import headers, packing
from listkeeper.web.public import brand
from listkeeper.web.public.brand import Business

blueprint = Blueprint("hosted", __name__)

_AUTOMATIC = "auto"


def business_of(shown: ShownForm) -> Business:
    """Return the business as this form shows it: in the form's look, with its colour."""
    design = shown.version.designed
    accent = look.accent_of(design, shown.organisation.brand_colour)
    address = url_for(
        "hosted.stylesheet",
        look_name=design.look.value,
        accent=accent.removeprefix("#"),
        ink=design.button_ink.value or _AUTOMATIC,
        digest=look.digest(design.look, accent, design.button_ink),
    )
    return replace(brand.business_of(shown.organisation), stylesheet=address)


def facts_of(session: Session, shown: ShownForm) -> ShopFacts:
    """Return what the form shows of its business at this moment."""
    shows = shown.version.designed.shows
    kept = storefront.of(session, shown.organisation) if shows - {Fact.LANGUAGES} else None
    return shop_facts.of(kept, shows, shown.form.language, clock.now())


def sisters_of(session: Session, shown: ShownForm) -> tuple[Link, ...]:
    """Return the same list's forms in other languages, each called as its own speakers call their language."""
    if Fact.LANGUAGES not in shown.version.designed.shows:
        return ()
    return tuple(
        Link(
            (Locale.parse(form.language).get_display_name(form.language) or form.language).capitalize(),
            url_for("signup_page.show", slug=form.slug),
            form.language,
        )
        for form in form_family.sisters(session, shown.form)
    )


@blueprint.get("/look/<look_name>-<accent>-<ink>-<digest>.css")
def stylesheet(look_name: str, accent: str, ink: str, digest: str) -> Response:
    """Serve the colours and shapes of a form; the address says all of it, so it is kept for ever."""
    try:
        chosen = Look(look_name), colour.checked(f"#{accent}"), ButtonInk("" if ink == _AUTOMATIC else ink)
    except (ValueError, Invalid):
        raise NotFound("no_look", language.text("There is no page here")) from None
    answer = make_response(look.css(*chosen))
    answer.content_type = "text/css; charset=utf-8"
    # An address of an older release shows today's shapes, and is not kept under the wrong name.
    return packing.packed(headers.for_everyone(answer) if digest == look.digest(*chosen) else answer)

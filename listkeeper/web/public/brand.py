"""The look of the business: one small stylesheet per colour, and its pictures. No inline style anywhere."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlsplit

from flask import Blueprint, Response, make_response, send_from_directory, url_for

from listkeeper import parts, store
from listkeeper.accounts import organisation
from listkeeper.accounts.organisation import Organisation
from listkeeper.foundation import language
from listkeeper.foundation.errors import NotFound
from listkeeper.rendering import colour
from listkeeper.web import headers, logo

blueprint = Blueprint("brand", __name__)

# The hardest ground of public.css that links and edges stand on: the tinted box, in light and in dark.
LIGHT_GROUND = "#f7f5f1"
DARK_GROUND = "#2a2723"
_AA_CONTROL = 3.0
_HASH_LENGTH = 12


@dataclass(frozen=True)
class Business:
    """What the pages show of an organisation."""

    name: str
    legal_name: str
    postal_address: str
    stylesheet: str
    logo: str | None
    website: str | None

    @property
    def website_name(self) -> str:
        """The web address as people say it, without https:// and a slash at its end."""
        parts = urlsplit(self.website or "")
        return f"{parts.hostname or ''}{parts.path}".removeprefix("www.").rstrip("/")


def business_of(owner: Organisation) -> Business:
    """Return what the pages show of an organisation; call it while the session is open."""
    return Business(
        name=owner.from_name,
        legal_name=owner.legal_name,
        postal_address=owner.postal_address,
        stylesheet=url_for("brand.stylesheet", name=f"{owner.public_id}-{_digest(owner.brand_colour)}"),
        logo=logo.address_of(owner.logo),
        website=owner.website,
    )


@blueprint.get("/brand/<name>.css")
def stylesheet(name: str) -> Response:
    """Serve the colours of a business; the address changes with the colour, so it is kept for ever."""
    public_id, _, digest = name.rpartition("-")
    with store.reading() as session:
        owner = organisation.maybe_one(session)
        known = owner is not None and owner.public_id == public_id
        brand_colour = owner.brand_colour if owner is not None else ""
    if not known:
        raise NotFound("no_brand", language.text("There is no page here"))
    answer = make_response(css(brand_colour))
    answer.content_type = "text/css; charset=utf-8"
    # An address of an older colour shows today's, and is not kept under the wrong name.
    return headers.for_everyone(answer) if digest == _digest(brand_colour) else answer


@blueprint.get("/media/<name>")
def picture(name: str) -> Response:
    """Serve a picture of letters and pages; its name is its content's hash, so it is kept for ever."""
    if not logo.PICTURE.fullmatch(name):
        raise NotFound("no_picture", language.text("There is no page here"))
    return headers.for_everyone(send_from_directory(parts.media_folder(), name))


@lru_cache(maxsize=64)
def _digest(brand_colour: str) -> str:
    return hashlib.sha256(css(brand_colour).encode()).hexdigest()[:_HASH_LENGTH]


@lru_cache(maxsize=64)
def css(brand_colour: str) -> str:
    """Return the stylesheet of a colour, for light and dark pages, and for those that stay light in the dark."""
    light = _rule(":root, :root.light", brand_colour, LIGHT_GROUND)
    dark = _rule(":root", brand_colour, DARK_GROUND)
    return f"{light}\n@media (prefers-color-scheme: dark) {{ {dark} }}\n"


def _rule(pages: str, brand_colour: str, ground: str) -> str:
    """Return the four colours of buttons and links, each moved only as far as people need to read it (WCAG 2.2)."""
    accent = colour.readable_on(brand_colour, ground)
    edge = colour.readable_on(brand_colour, ground, _AA_CONTROL)
    on_brand = text_on(brand_colour)
    return f"{pages} {{ --brand: {brand_colour}; --on-brand: {on_brand}; --accent: {accent}; --edge: {edge}; }}"


def text_on(ground: str) -> str:
    """Return white where it can be read, else black: one of the two always can."""
    return "#ffffff" if colour.contrast("#ffffff", ground) >= colour.AA_TEXT else "#000000"

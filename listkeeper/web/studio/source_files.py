"""What is downloaded of a link: its code as SVG and PNG, and posters for a printer."""

from __future__ import annotations

from flask import Blueprint, Response

from listkeeper import store
from listkeeper.accounts import organisation
from listkeeper.audience import signup_form, source
from listkeeper.rendering.paper import poster, qr
from listkeeper.rendering.paper.poster import PosterSize
from listkeeper.web import attachment
from listkeeper.web.studio import page, sources

blueprint = Blueprint("source_files", __name__, url_prefix=f"{page.ROOT}/links/<public_id>")


@blueprint.get("/qr.svg")
def as_svg(public_id: str) -> Response:
    """Hand out the code as SVG, for whoever designs something."""
    slug, address = _named(public_id)
    return attachment.of(qr.svg(address), "image/svg+xml", f"{slug}-qr.svg")


@blueprint.get("/qr.png")
def as_png(public_id: str) -> Response:
    """Hand out the code as PNG, for posts and documents."""
    slug, address = _named(public_id)
    return attachment.of(qr.png(address), "image/png", f"{slug}-qr.png")


def _named(public_id: str) -> tuple[str, str]:
    with store.reading() as session:
        found = source.named(session, organisation.only_one(session), public_id)
        return found.slug, sources.address_of(found)


@blueprint.get("/poster-a4.pdf")
def on_a4(public_id: str) -> Response:
    """Hand out the poster for a wall or a window."""
    return _poster(public_id, PosterSize.A4)


@blueprint.get("/poster-a6.pdf")
def on_a6(public_id: str) -> Response:
    """Hand out the card for a till or a table."""
    return _poster(public_id, PosterSize.A6)


def _poster(public_id: str, size: PosterSize) -> Response:
    with store.reading() as session:
        found = source.named(session, organisation.only_one(session), public_id)
        form = source.destination(session, found)
        shown = signup_form.describe(session, signup_form.newest(session, form))
        drawn, slug = poster.of_source(found, shown, sources.address_of(found)), found.slug
    return attachment.of(poster.render(drawn, size), "application/pdf", f"{slug}-poster-{size}.pdf")

"""A certificate as a page of its own: no script, nothing from elsewhere, good to read on a phone and to print on A4."""

from __future__ import annotations

from functools import cache

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from listkeeper.audience.proof.certificate import Certificate
from listkeeper.foundation import places
from listkeeper.rendering.paper import certificate_paper

FOLDER = "proof"


@cache
def _environment() -> Environment:
    """Return the environment of ``templates/proof``; every word of the page comes from the paper, translated."""
    return Environment(
        loader=FileSystemLoader(places.templates() / FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def render(certificate: Certificate) -> bytes:
    """Return the page. The same certificate makes the same bytes."""
    paper = certificate_paper.lay_out(certificate)
    return _environment().get_template("certificate.html").render(paper=paper).strip().encode() + b"\n"

"""The pictures of the guidance blocks, from our own host: one address for all readers, so it tells nothing of one.

A mail keeps its links for ever, so the address has no name of a release in it:
an older edition's shows what is drawn today.
"""

from __future__ import annotations

from pathlib import Path

from flask import Blueprint, Response, send_from_directory

from listkeeper.foundation import language
from listkeeper.foundation.errors import NotFound
from listkeeper.rendering import guidance
from listkeeper.web import headers

blueprint = Blueprint("guidance_picture", __name__)

_FOLDER = Path(__file__).resolve().parents[1] / "static" / "guidance"


@blueprint.get("/guidance/<int:edition>/<name>.png")
def show(edition: int, name: str) -> Response:
    """Serve one picture, kept for ever; that of an edition still to come is not kept under its name."""
    if not (_FOLDER / f"{name}.png").is_file():
        raise NotFound("no_picture", language.text("There is no page here"))
    answer = send_from_directory(_FOLDER, f"{name}.png", mimetype="image/png")
    return headers.for_everyone(answer) if edition <= guidance.PICTURES else answer

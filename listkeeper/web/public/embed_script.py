"""The two scripts other sites load: the web component, and what gives a frame its height. Small, kept ten minutes.

Their addresses stand in pages of other people for years, so they never
change; a browser asks again after ten minutes and is mostly told "the same".
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from flask import Blueprint, Response, make_response, request

from listkeeper.web import headers

blueprint = Blueprint("embed_script", __name__, url_prefix="/embed")

_BUILD = Path(__file__).resolve().parent.parent / "static" / "build"


@blueprint.get("/listkeeper-form.js")
def component() -> Response:
    """Serve the web component."""
    return _script("listkeeper-form.js")


@blueprint.get("/listkeeper-frame.js")
def frame() -> Response:
    """Serve what listens to the height of our frames."""
    return _script("listkeeper-frame.js")


def _script(name: str) -> Response:
    content, tag = _read(name)
    answer = make_response(content)
    answer.content_type = "text/javascript; charset=utf-8"
    answer.set_etag(tag)
    headers.for_everyone_shortly(answer).make_conditional(request)
    return answer


@cache
def _read(name: str) -> tuple[bytes, str]:
    content = (_BUILD / name).read_bytes()
    return content, hashlib.sha256(content).hexdigest()[:16]

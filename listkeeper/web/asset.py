"""Static files: served by whitenoise, under an address that changes with their content, kept for ever."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import NoReturn

from flask import Flask, url_for
from whitenoise import WhiteNoise

from listkeeper.foundation.errors import NotFound
from listkeeper.web import headers

_FOLDER = Path(__file__).resolve().parent / "static"
_HASH_LENGTH = 12


def attach(app: Flask) -> None:
    """Serve ``web/static`` before the application is asked, and give templates ``asset``."""
    files = WhiteNoise(
        app.wsgi_app, add_headers_function=headers.fill_for_file, immutable_file_test=lambda _path, _url: True
    )
    files.add_files(str(_FOLDER), prefix=f"static/{version()}/")
    app.wsgi_app = files  # type: ignore[method-assign]
    # Only for building addresses; APIFlask looks at the function of every rule, so there is one that says no.
    app.add_url_rule("/static/<path:filename>", endpoint="static", view_func=_not_here, build_only=True)
    app.add_template_global(address, "asset")


def _not_here(filename: str) -> NoReturn:
    raise NotFound("no_file", filename)


def address(filename: str) -> str:
    """Return the address of a file in ``web/static``."""
    return url_for("static", filename=f"{version()}/{filename}")


@cache
def version() -> str:
    """Return a short name of all static files together."""
    digest = hashlib.sha256()
    for path in sorted(path for path in _FOLDER.rglob("*") if path.is_file()):
        digest.update(str(path.relative_to(_FOLDER)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:_HASH_LENGTH]

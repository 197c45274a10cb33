"""Security headers on every response; a page that needs other ones says so by name.

The policy of the house has no ``unsafe-*``. Letters are the one exception:
they carry inline styles by nature, so each is served alone under a sandbox
policy that lets it load nothing and run nothing.
"""

from __future__ import annotations

import wsgiref.headers
from urllib.parse import urlsplit

from flask import Flask, Response
from werkzeug.datastructures import Headers

STRICT = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
FRAMING = f"{STRICT}; frame-src 'self'"
LETTER = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'self'"

_OPENER = "Cross-Origin-Opener-Policy"
_RESOURCE = "Cross-Origin-Resource-Policy"
_ALWAYS = {
    "Content-Security-Policy": STRICT,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    _OPENER: "same-origin",
    _RESOURCE: "same-origin",
    "Cache-Control": "no-cache",
}
_TWO_YEARS = "max-age=63072000"


def attach(app: Flask, public_url: str = "") -> None:
    """Put the headers on every response; ``public_url`` in https promises https for two years."""
    promised = {"Strict-Transport-Security": _TWO_YEARS} if urlsplit(public_url).scheme == "https" else {}

    @app.after_request
    def _secure(response: Response) -> Response:
        _fill(response.headers, _ALWAYS | promised)
        return response


def _fill(headers: Headers, defaults: dict[str, str]) -> None:
    for name, value in defaults.items():
        # A browser refuses a sandboxed page that also asks for an opener policy (HTML, "obtain an opener policy").
        if name == _OPENER and headers.get("Content-Security-Policy") == LETTER:
            continue
        headers.setdefault(name, value)


def fill_for_file(response_headers: wsgiref.headers.Headers, _path: str, _url: str) -> None:
    """Put the headers on a static file, which no application code answers for."""
    for name, value in _ALWAYS.items():
        response_headers.setdefault(name, value)


def private(response: Response) -> Response:
    """Mark a page whose address is a secret: not stored, not indexed, not told to the next page."""
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    return response


def letter(response: Response) -> Response:
    """Mark a letter: its own inline styles, nothing from elsewhere, no script, no form."""
    response.headers["Content-Security-Policy"] = LETTER
    return private(response)


def framing(response: Response) -> Response:
    """Mark a page of ours that shows a letter in a frame."""
    response.headers["Content-Security-Policy"] = FRAMING
    return response


def answering_from(response: Response, origin: str) -> Response:
    """Mark a page whose form may be answered with a redirect to one other origin."""
    response.headers["Content-Security-Policy"] = STRICT.replace("form-action 'self'", f"form-action 'self' {origin}")
    return response


def for_everyone(response: Response) -> Response:
    """Mark a picture or stylesheet that other sites, mail programs and sandboxed letters may load; kept for ever."""
    response.headers[_RESOURCE] = "cross-origin"
    response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    return response

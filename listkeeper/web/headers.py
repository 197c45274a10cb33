"""Security headers on every response; a page that needs other ones says so by name.

The policy of the house has no ``unsafe-*``. Letters are the one exception:
they carry inline styles by nature, so each is served alone under a sandbox
policy that lets it load nothing and run nothing.
"""

from __future__ import annotations

import wsgiref.headers
from collections.abc import Collection
from urllib.parse import urlsplit

from flask import Flask, Response
from werkzeug.datastructures import Headers

STRICT = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
FRAMING = f"{STRICT}; frame-src 'self'"
FRAMED = "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'none'; frame-ancestors 'self'"
_NOWHERE = "frame-ancestors 'none'"
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
_PRIVATE = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex, nofollow"}
_TWO_YEARS = "max-age=63072000"


def attach(app: Flask, public_url: str = "") -> None:
    """Put the headers on every response; ``public_url`` in https promises https for two years."""
    promised = _promised(public_url)

    @app.after_request
    def _secure(response: Response) -> Response:
        _fill(response.headers, _ALWAYS | promised)
        return response


def _promised(public_url: str) -> dict[str, str]:
    return {"Strict-Transport-Security": _TWO_YEARS} if urlsplit(public_url).scheme == "https" else {}


def ahead(public_url: str, own: dict[str, str]) -> list[tuple[str, str]]:
    """Return all headers of an answer whose address is a secret, for who answers before the application is asked."""
    return [*(_ALWAYS | _PRIVATE | _promised(public_url) | own).items()]


def _fill(headers: Headers, defaults: dict[str, str]) -> None:
    for name, value in defaults.items():
        # A browser refuses a sandboxed page that also asks for an opener policy (HTML, "obtain an opener policy").
        if name == _OPENER and headers.get("Content-Security-Policy", "").startswith("sandbox"):
            continue
        headers.setdefault(name, value)


def fill_for_file(response_headers: wsgiref.headers.Headers, _path: str, _url: str) -> None:
    """Put the headers on a static file, which no application code answers for."""
    # A page in a sandboxed frame has no origin, and what it needs to look right would be kept from it.
    for name, value in (_ALWAYS | {_RESOURCE: "cross-origin"}).items():
        response_headers.setdefault(name, value)


def private(response: Response) -> Response:
    """Mark a page whose address is a secret: not stored, not indexed, not told to the next page."""
    response.headers.update(_PRIVATE)
    return response


def letter(response: Response, *, pictures: bool = True, site: str = "") -> Response:
    """Mark a letter: its own inline styles, nothing from elsewhere, no script, no form.

    Its pictures lie on ``site``, which may have another name than the page was asked under; or none is shown.
    """
    shown = f"'self' data: {site}".strip() if pictures else "'none'"
    policy = LETTER.replace("'self' data:", shown)
    response.headers["Content-Security-Policy"] = policy
    return private(response)


def framing(response: Response) -> Response:
    """Mark a page of ours that shows a letter in a frame."""
    response.headers["Content-Security-Policy"] = FRAMING
    return response


def looked_at(response: Response) -> Response:
    """Mark a page of ours that is only looked at, in a frame of another page of ours: no script, and no form works."""
    response.headers["Content-Security-Policy"] = FRAMED
    return response


def answering_from(response: Response, origin: str) -> Response:
    """Mark a page whose form may be answered with a redirect to one other origin."""
    response.headers["Content-Security-Policy"] = STRICT.replace("form-action 'self'", f"form-action 'self' {origin}")
    return response


def framed(response: Response, origins: Collection[str]) -> Response:
    """Let the pages of these origins, or any where none is named, show this page in a frame."""
    around = " ".join(("'self'", *origins)) if origins else "*"
    policy = response.headers.get("Content-Security-Policy", STRICT)
    response.headers["Content-Security-Policy"] = policy.replace(_NOWHERE, f"frame-ancestors {around}")
    response.headers[_RESOURCE] = "cross-origin"
    return response


def read_from(response: Response, origin: str | None) -> Response:
    """Let scripts of pages of this origin read the answer, or of any page where none is named; without cookies."""
    response.headers["Access-Control-Allow-Origin"] = origin or "*"
    response.headers[_RESOURCE] = "cross-origin"
    if origin:
        response.headers.add("Vary", "Origin")
    return response


def as_another_site(response: Response, site: str, *, foreign: bool) -> Response:
    """Mark a page that stands for somebody's site: a strict policy of its own that names ours, no origin if foreign."""
    sandbox = "sandbox allow-forms allow-scripts allow-popups allow-popups-to-escape-sandbox"
    leave = "allow-top-navigation-by-user-activation"
    policy = (
        f"default-src 'none'; script-src {site}; connect-src {site}; frame-src {site}; form-action {site}; "
        "style-src 'self'; img-src data:; base-uri 'none'; frame-ancestors 'none'"
    )
    response.headers["Content-Security-Policy"] = f"{sandbox} {leave}; {policy}" if foreign else policy
    return private(response)


def for_everyone(response: Response) -> Response:
    """Mark a picture or stylesheet that other sites, mail programs and sandboxed letters may load; kept for ever."""
    response.headers[_RESOURCE] = "cross-origin"
    response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    return response


def for_everyone_shortly(response: Response) -> Response:
    """Mark a script whose address stays when its content changes; asked for again after ten minutes."""
    response.headers[_RESOURCE] = "cross-origin"
    response.headers["Cache-Control"] = "public, max-age=600"
    return response

"""The way on to the owner's own page after confirming: a button, or at once; never before, and never anywhere else.

The address is the one that was published with the version the person said yes
on. Nothing a visitor sends decides where anybody is sent.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Response, make_response, redirect

from listkeeper.audience.forms.form_design import Onward
from listkeeper.audience.signup_form import ShownForm, SignupFormVersion
from listkeeper.foundation import language
from listkeeper.rendering.shop_facts import Link
from listkeeper.standards import web_address
from listkeeper.web import headers


def of(version: SignupFormVersion) -> Link | None:
    """Return the way on, named by its owner or by where it leads."""
    design = version.designed
    if not design.onward_url:
        return None
    host = web_address.host_of(design.onward_url)
    return Link(design.onward_label or language.text("On to %(site)s", site=host), design.onward_url)


def at_once(version: SignupFormVersion) -> Response | None:
    """Return the redirect of a form whose owner chose it, for the answer to the POST that confirmed."""
    design = version.designed
    if not design.onward_url or design.onward is not Onward.AT_ONCE:
        return None
    answer = make_response(redirect(design.onward_url, 303))
    # The page she comes from had a secret in its address; it does not travel.
    return headers.private(answer)


def origin_of(shown: ShownForm) -> str:
    """Return the one origin that the confirming POST may be answered with, empty for none."""
    design = shown.version.designed
    if not design.onward_url or design.onward is not Onward.AT_ONCE:
        return ""
    where = urlsplit(design.onward_url)
    return f"{where.scheme}://{where.netloc}"


def opened(answer: Response, origin: str) -> Response:
    """Let the form of a page be answered with a redirect to an origin: browsers hold redirects to ``form-action``."""
    return headers.answering_from(answer, origin) if origin else answer


def told(version: SignupFormVersion, *, again: bool) -> str:
    """Return the word after the button was pressed: of thanks, or for whom the list has already."""
    return (version.designed.already if again else "") or version.thank_you

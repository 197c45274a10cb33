"""The sites that may show a form; none named: any site may.

A setting of the form and not part of its versions: it changes where the form
stands, not what it says. It is a fence and no wall. A browser keeps to it, so
another site cannot show the form as its own; a program can claim any origin,
and meets the brakes that every signup meets.
"""

from __future__ import annotations

from listkeeper.audience.signup_form import SignupForm
from listkeeper.foundation import language
from listkeeper.foundation.errors import Invalid
from listkeeper.standards import web_origin

MOST = 20


def of(form: SignupForm) -> tuple[str, ...]:
    """Return the origins that may show a form; empty for any."""
    return tuple(form.allowed_origins or ())


def choose(form: SignupForm, typed: str) -> tuple[str, ...]:
    """Name the sites that may show a form, one a line; nothing typed: any. Raises Invalid and changes nothing."""
    wanted = dict.fromkeys(web_origin.parse(line) for line in typed.split() if line.strip(","))
    if len(wanted) > MOST:
        sentence = language.text("Please name at most %(most)s sites. Nothing was changed.", most=MOST)
        raise Invalid("too_many_sites", sentence)
    form.allowed_origins = list(wanted) or None
    return of(form)


def allow(form: SignupForm, origin: str | None) -> bool:
    """Return whether a page of this origin may show the form; an origin that nobody names may only if all may."""
    allowed = of(form)
    return not allowed or origin in allowed

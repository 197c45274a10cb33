"""How quickly who writes is answered, with the measured truth beside it: on the form, where its owner wishes so."""

from __future__ import annotations

import time

from sqlalchemy.orm import Session

from listkeeper import parts
from listkeeper.accounts.organisation import Organisation
from listkeeper.feedback import promise
from listkeeper.feedback.promise import Figure
from listkeeper.foundation import clock, language

# The figure is of 30 days, so it may be a minute old, in seconds: a form is looked at by many at once.
_OLD = 60.0
_counted: dict[tuple[int, str], tuple[float, Figure]] = {}


def sentence(session: Session, owner: Organisation, spoken: str) -> str:
    """Return what the form says in its language; empty where its owner says nothing about it."""
    if not owner.shows_promise:
        return ""
    found = _figure(session, owner)
    with language.using(spoken):
        within = language.span(parts.promise().usual)
        if found.per_mille is None:
            return language.text("We answer within %(span)s.", span=within)
        return language.counted(
            "We answer within %(span)s. In the last 30 days: %(share)s of %(number)s letter in time.",
            "We answer within %(span)s. In the last 30 days: %(share)s of %(number)s letters in time.",
            found.letters,
            span=within,
            share=language.share(found.per_mille),
        )


def _figure(session: Session, owner: Organisation) -> Figure:
    moment, which = time.monotonic(), (owner.id, owner.public_id)
    known = _counted.get(which)
    if known is None or moment - known[0] > _OLD:
        _counted.clear()
        known = _counted[which] = moment, promise.figure(session, owner, clock.now() - promise.FIGURE_OF)
    return known[1]

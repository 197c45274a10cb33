"""The first look at a post, in its request: what it looks like, never whose address it names.

Marks add up to a risk. From two points on, one more step is asked: work by
the browser, or a second press of a button where no script runs.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from sqlalchemy.orm import Session

from listkeeper.audience.guard import defence, disposable, ticket, work
from listkeeper.audience.guard.defence import Stage
from listkeeper.audience.guard.limits import Limits
from listkeeper.audience.signup_form import ShownForm
from listkeeper.foundation import clock, language, once, signing, throttle
from listkeeper.foundation.errors import Invalid
from listkeeper.standards import address_typo
from listkeeper.standards.address import Address

_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)
_RISKY = 2
_STEP = "signup-step"
_STEP_LASTS = timedelta(hours=24)


class Mark(StrEnum):
    """What made a post look like a machine's, or held it."""

    TRAP = "trap"
    TOO_QUICK = "too_quick"
    TICKET_AGAIN = "ticket_again"
    NO_ORIGIN = "no_origin"
    NO_BROWSER = "no_browser"
    DISPOSABLE = "disposable"
    BUSY_NETWORK = "busy_network"
    BUSY_FORM = "busy_form"
    DEFENDED = "defended"
    # And what it did about it.
    WORKED = "worked"
    PRESSED = "pressed"


_POINTS = {
    Mark.TOO_QUICK: 2,
    Mark.TICKET_AGAIN: 2,
    Mark.BUSY_NETWORK: 2,
    Mark.BUSY_FORM: 2,
    Mark.DEFENDED: 2,
    Mark.NO_ORIGIN: 1,
    Mark.NO_BROWSER: 1,
    Mark.DISPOSABLE: 1,
}


@dataclass(frozen=True)
class Post:
    """What of a post is looked at."""

    network: str | None = None
    browser: str | None = None
    origin: str | None = None
    trap: str = ""
    # The ticket of our page, if it came from one.
    ticket: str | None = None
    # What a browser computed, and what a second press carries.
    work: str = ""
    step: str = ""
    actor: str = "subscriber"


class Verdict(StrEnum):
    """What becomes of a post."""

    TAKE = "take"
    TRAPPED = "trapped"
    BRAKED = "braked"
    STEP = "step"


@dataclass(frozen=True)
class Look:
    """The verdict and the marks it rests on."""

    verdict: Verdict
    marks: tuple[Mark, ...] = field(default_factory=tuple)


@dataclass(frozen=True)
class Step:
    """One more step: what a browser computes, or what a second press carries instead."""

    challenge: dict[str, str | int]
    pressed: str


def stage_of(session: Session, shown: ShownForm) -> Stage:
    """Return how a form is defended now. Raises Invalid while it takes nothing at all."""
    stage = defence.stage(session, shown.form)
    if stage is Stage.PAUSED:
        raise Invalid(
            "form_paused",
            language.text("This form is having a short break. Please come back a little later; nothing was stored."),
        )
    return stage


def look(  # noqa: PLR0913, PLR0917 - one post, and what stands before it
    session: Session, shown: ShownForm, parsed: Address, post: Post, limits: Limits, stage: Stage
) -> Look:
    """Weigh a post, and count it where it is taken."""
    if post.trap:
        return Look(Verdict.TRAPPED, (Mark.TRAP,))
    done = _done(session, shown, parsed, post, limits)
    marks = _marks(session, shown, parsed, post, limits, stepped=done is not None)
    if stage is not Stage.CALM:
        marks.append(Mark.DEFENDED)
    network = post.network or "unknown"
    if done is None and not throttle.take(session, "signup", network, limits.signups_per_hour, _HOUR):
        marks.append(Mark.BUSY_NETWORK)
    if done is None and sum(_POINTS[mark] for mark in marks) >= _RISKY:
        # A program can be asked for nothing more: what it brings is held, and it is told no more than anybody else.
        return Look(Verdict.STEP if post.actor == "subscriber" else Verdict.BRAKED, tuple(marks))
    marks += [done] if done is not None else []
    within = throttle.take(session, "signup-day", network, limits.signups_per_day, _DAY)
    return Look(Verdict.TAKE if within else Verdict.BRAKED, tuple(marks))


def _marks(  # noqa: PLR0913 - what was posted where, and whether the one more step was taken
    session: Session, shown: ShownForm, parsed: Address, post: Post, limits: Limits, *, stepped: bool
) -> list[Mark]:
    found = []
    opened = ticket.opened_at(post.ticket, shown.version.id) if post.ticket else None
    if opened is not None and clock.now() - opened < timedelta(seconds=limits.signup_least_seconds):
        found.append(Mark.TOO_QUICK)
    # The page in between carries on the ticket of the first one: that is no second use of it.
    if post.ticket and not stepped and not ticket.use(session, post.ticket):
        found.append(Mark.TICKET_AGAIN)
    # Every browser of today says with a post which page it stands on, if only "null".
    if not post.ticket and post.origin is None:
        found.append(Mark.NO_ORIGIN)
    # None is not known; a browser that hides its name sends it empty, or not at all.
    if post.browser == "":
        found.append(Mark.NO_BROWSER)
    # Somebody waits for the slips of others at gmial.com; whoever made the slip is no machine.
    if disposable.is_domain(parsed.domain) and address_typo.suggest(parsed.send) is None:
        found.append(Mark.DISPOSABLE)
    if not throttle.take(session, "signup-form", str(shown.form.id), limits.signups_per_form_hour, _HOUR):
        found.append(Mark.BUSY_FORM)
    return found


def _done(session: Session, shown: ShownForm, parsed: Address, post: Post, limits: Limits) -> Mark | None:
    """Return by which step a post has shown that somebody took trouble over it, if it has."""
    if work.is_done(session, shown.form.public_id, post.work):
        return Mark.WORKED
    if post.step and _is_pressed(session, shown, parsed, post):
        most = limits.second_presses_per_hour
        return Mark.PRESSED if throttle.take(session, "signup-step", post.network or "unknown", most, _HOUR) else None
    return None


def step(shown: ShownForm, parsed: Address, post: Post, limits: Limits) -> Step:
    """Return the one more step that a risky post is asked for."""
    moment = clock.in_milliseconds(clock.now()).to_bytes(8, "big")
    pressed = signing.sealed(_STEP, moment + secrets.token_bytes(8) + _bound(shown, parsed, post))
    return Step(work.challenge(shown.form.public_id, limits.signup_work), pressed)


def _bound(shown: ShownForm, parsed: Address, post: Post) -> bytes:
    """Return what ties a press to one form, one address and one network."""
    return bytes.fromhex(signing.digest(f"{shown.form.id}|{parsed.key}|{post.network}"))[:16]


def _is_pressed(session: Session, shown: ShownForm, parsed: Address, post: Post) -> bool:
    body = signing.opened(_STEP, post.step, 32)
    if body is None or body[16:] != _bound(shown, parsed, post):
        return False
    made = clock.of_milliseconds(int.from_bytes(body[:8], "big"))
    return made > clock.now() - _STEP_LASTS and once.spend(session, _STEP, post.step, made + _STEP_LASTS)

"""The rungs of the sign-up ladder, one for each limit: how it is walked until its brake bites."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from listkeeper.audience.guard.breaker import ENOUGH
from listkeeper.audience.guard.limits import Limits
from listkeeper.audience.signup import SignupDecision
from tests.benchmarks.flooded import Flooded, Page, Stranger, stranger

_PERCENT = 100
# How far past its number a brake is tried before it is called loose.
_BEYOND = 5
_STEP = "one more step asked, nothing stored"
_BRAKED = "same page as success, row braked"


@dataclass(frozen=True)
class Bite:
    """After how much a brake bit, None where it did not, and what whoever posted saw of it."""

    after: float | None
    answer: str


@dataclass(frozen=True)
class Rung:
    """One limit: to what it is raised, how it is walked, what is counted, and which others stand out of its way.

    Those with the same ``start`` can be raised together: none of them is on the way to another's brake.
    """

    limit: str
    raised: int
    walk: Callable[[Flooded, int], Bite]
    start: int
    unit: str = "posts"
    beside: dict[str, str] = field(default_factory=dict)

    @property
    def shipped(self) -> int:
        """The number as it is delivered."""
        number: int = getattr(Limits(), self.limit)
        return number


def _network_hour(here: Flooded, most: int) -> Bite:
    """Post by one network until its browser is asked to work."""
    spot = stranger().network
    for taken in range(most + _BEYOND):
        if here.post(_of(spot)).challenge:
            return Bite(taken, _only(here, taken))
    return _loose(most + _BEYOND)


def _network_day(here: Flooded, most: int) -> Bite:
    """Post by one network and do every sum that is asked for, until nothing comes of it any more."""
    spot, face = stranger().network, ""
    for taken in range(most + _BEYOND):
        who = _of(spot)
        page = here.post(who)
        page = here.work(who, page) if page.challenge else page
        if here.decisions()[SignupDecision.BRAKED]:
            return Bite(taken, _same(face, page))
        face = page.face
    return _loose(most + _BEYOND)


def _second_presses(here: Flooded, most: int) -> Bite:
    """Press a second time, by a network that is asked to work, until the press counts for nothing."""
    spot, before = _busy(here)
    for taken in range(most + _BEYOND):
        who = _of(spot)
        if here.press(who, here.post(who)).challenge:
            return Bite(taken, _only(here, before + taken))
    return _loose(most + _BEYOND)


def _work(here: Flooded, _most: int) -> Bite:
    """Be asked to work, see up to which number, and be let through for it."""
    spot, before = _busy(here)
    who = _of(spot)
    between = here.post(who)
    assert between.challenge is not None
    said = _only(here, before)
    assert here.work(who, between).challenge is None, "the sum was done and asked for again"
    return Bite(int(between.challenge["maxnumber"]), f"{said}; the sum up to that number is taken")


def _domain(here: Flooded, most: int) -> Bite:
    """Name people of one mail domain, each from a network of her own."""
    domain = stranger().address.partition("@")[2]
    return _judged(here, most, (f"person-{number}@{domain}" for number in itertools.count()), at_once=10)


def _mailbox(here: Flooded, most: int) -> Bite:
    """Name one mailbox in ever other spellings, each from a network of its own."""
    name = stranger().address.partition("@")[2].partition(".")[0].replace("-", "")
    return _judged(here, most, (f"{name}+{number}@gmail.com" for number in itertools.count()), at_once=1)


def _judged(here: Flooded, most: int, addresses: Iterator[str], *, at_once: int) -> Bite:
    """Post until the job that decides holds one back; the page must not tell."""
    faces: set[str] = set()
    posted = 0
    while posted < most + at_once + _BEYOND:
        pages = [here.post(Stranger(stranger().network, next(addresses))) for _ in range(at_once)]
        posted += at_once
        faces |= {page.face for page in pages}
        became = here.settled()
        if became[SignupDecision.BRAKED]:
            assert became.total() == posted, became
            return Bite(became[SignupDecision.ASKED], _BRAKED if len(faces) == 1 else "another page, row braked")
    return _loose(posted)


def _form(here: Flooded, most: int) -> Bite:
    """Post by one form, everybody from a network and of a domain of her own, until every browser has to work."""
    for taken in range(most + _BEYOND):
        if here.post(stranger()).challenge:
            return Bite(taken, _only(here, taken))
    return _loose(most + _BEYOND)


def _least_seconds(here: Flooded, most: int) -> Bite:
    """Open pages, and post one of them each second until its age is believed."""
    opened = [(who, here.look(who), time.monotonic()) for who in (stranger() for _ in range(most + 2))]
    for age, (who, page, since) in enumerate(opened):
        time.sleep(max(0.0, since + age - time.monotonic()))
        if not here.post(who, **page.fields).challenge:
            return Bite(age, _only(here, 1)) if age else _loose(0)
    return Bite(len(opened), f"{_STEP}, however old the page")


def _few_confirm(here: Flooded, percent: int) -> Bite:
    """Let as many say yes as must, then ask one more person at a time who says nothing."""
    asked = ENOUGH
    _ask(here, asked, confirm=asked * percent // _PERCENT)
    while here.watched() is None and asked < 2 * ENOUGH:
        asked += 1
        _ask(here, 1)
    return _defended(here, "few_confirm", here.confirmed(), asked, "confirmed")


def _bounces(here: Flooded, _percent: int) -> Bite:
    """Let enough say yes, then name one mailbox at a time that does not exist."""
    asked = ENOUGH
    here.refuse("nobody")
    _ask(here, asked, confirm=asked * 2 // 5)
    bounced = 0
    while here.watched() is None and asked < 2 * ENOUGH:
        here.post(stranger("nobody"))
        asked, bounced = asked + 1, bounced + 1
        here.until_bounced(bounced)
        here.ripen()
    return _defended(here, "bounces", here.bounced(), asked, "bounced")


def _ask(here: Flooded, count: int, *, confirm: int = 0) -> None:
    """Ask new people; the first of them say yes, and all of it was a while ago."""
    people = [stranger() for _ in range(count)]
    for who in people:
        here.post(who)
    here.settled()
    for who in people[:confirm]:
        here.answer(here.mailed(who), who)
    here.ripen()


def _defended(here: Flooded, reason: str, part: int, asked: int, what: str) -> Bite:
    stood = here.watched()
    if stood is None:
        return _loose(asked)
    assert stood == ("work", reason), stood
    said = _only(here, asked) if here.post(stranger()).challenge else "the form is defended, and asks for nothing"
    return Bite(round(part * _PERCENT / asked, 1), f"{said}: {part} of {asked} {what}")


def _of(spot: str) -> Stranger:
    return Stranger(spot, stranger().address)


def _busy(here: Flooded) -> tuple[str, int]:
    """Return a network whose browsers have to work, and how many posts of it were taken before."""
    spot = stranger().network
    for taken in range(Limits().signups_per_hour + _BEYOND):
        if here.post(_of(spot)).challenge:
            return spot, taken
    raise AssertionError("the network was never asked to work")


def _only(here: Flooded, stored: int) -> str:
    """Say that one more step was asked for, and whether what was posted without it was stored all the same."""
    return _STEP if here.decisions().total() == stored else "one more step asked, and yet stored"


def _same(success: str, page: Page) -> str:
    return _BRAKED if page.face == success else "another page, row braked"


def _loose(posted: int) -> Bite:
    return Bite(None, f"did not bite within {posted}")


LADDER = (
    Rung("signups_per_hour", 10, _network_hour, 1),
    Rung("signups_per_day", 40, _network_day, 2),
    Rung("second_presses_per_hour", 6, _second_presses, 2, unit="second presses"),
    Rung("signups_per_domain_hour", 75, _domain, 1),
    Rung("signups_per_form_hour", 400, _form, 1),
    Rung("confirmations_per_day", 2, _mailbox, 1),
    # The month's is reached in one walk only when the day's stands out of its way.
    Rung("confirmations_per_month", 6, _mailbox, 2, beside={"confirmations_per_day": "1000"}),
    Rung("signup_least_seconds", 4, _least_seconds, 1, unit="seconds of a page's age"),
    Rung("signup_work", 100_000, _work, 2, unit="highest number of the sum"),
    Rung("least_confirmed_percent", 20, _few_confirm, 2, unit="percent confirmed"),
    Rung("most_bounced_percent", 20, _bounces, 1, unit="percent bounced"),
)

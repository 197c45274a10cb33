"""What stands beside a form of the business itself, in the form's language: telephone, hours, the way, links.

Every link is one that the visitor's own telephone follows: nothing is loaded
from elsewhere, and no map knows who looked at it before she taps.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from urllib.parse import quote, urlsplit

from babel.dates import format_date, format_skeleton, format_time, get_day_names

from listkeeper.accounts.opening_hours import Hours, Span
from listkeeper.accounts.storefront import Storefront, dialled
from listkeeper.audience.forms.form_design import Fact
from listkeeper.foundation import language
from listkeeper.standards import web_address

_NETWORKS = {
    "bsky.app": "Bluesky", "facebook.com": "Facebook", "instagram.com": "Instagram", "linkedin.com": "LinkedIn",
    "pinterest.com": "Pinterest", "snapchat.com": "Snapchat", "t.me": "Telegram", "threads.net": "Threads",
    "threads.com": "Threads", "tiktok.com": "TikTok", "tripadvisor.com": "Tripadvisor", "vk.com": "VK",
    "wa.me": "WhatsApp", "x.com": "X", "youtube.com": "YouTube", "ok.ru": "OK",
}  # fmt: skip
_TO = "\N{EN DASH}"
# A day on which it is shut is announced this long before.
_ANNOUNCED = timedelta(days=30)
# So far ahead a weekday names one day alone; on a Monday "on Monday" may be next week, or the week after a holiday.
_NAMED_BY_WEEKDAY = timedelta(days=6)


@dataclass(frozen=True)
class Link:
    """A way out, and what it is called."""

    name: str
    address: str
    # The language of both; empty for that of the page.
    language: str = ""


@dataclass(frozen=True)
class HoursRow:
    """One line of the sign at the door."""

    days: str
    hours: str
    today: bool


@dataclass(frozen=True)
class ShopFacts:
    """All that a form shows of its business; what is empty is not shown."""

    phone: str = ""
    call: str = ""
    now: str = ""
    hours: tuple[HoursRow, ...] = ()
    holidays: tuple[str, ...] = ()
    place: str = ""
    ways: tuple[Link, ...] = ()
    links: tuple[Link, ...] = ()

    def __bool__(self) -> bool:
        """Say whether there is anything to show."""
        return self != NOTHING


NOTHING = ShopFacts()


def of(kept: Storefront | None, shows: frozenset[Fact], spoken: str, now: datetime) -> ShopFacts:
    """Return the facts that a form shows, at a moment; what nobody has told is left out."""
    if kept is None:
        return NOTHING
    wall, hours = kept.wall_clock(now), kept.opening
    with language.using(spoken):
        told = Fact.HOURS in shows and bool(hours)
        return ShopFacts(
            phone=kept.phone if Fact.CALL in shows else "",
            call=f"tel:{dialled(kept.phone)}" if Fact.CALL in shows and kept.phone else "",
            now=_now(hours, wall, kept.time_zone) if told else "",
            hours=tuple(_rows(hours, wall, kept.time_zone)) if told else (),
            holidays=tuple(_holidays(kept, wall)) if Fact.HOURS in shows else (),
            place=kept.place if Fact.WAY in shows else "",
            ways=tuple(_ways(kept)) if Fact.WAY in shows else (),
            links=tuple(Link(_called(each), each) for each in kept.links) if Fact.LINKS in shows else (),
        )


def _now(hours: Hours, wall: datetime, zone: str) -> str:
    standing = hours.standing(wall)
    if standing.until is None:
        return language.text("Open now") if standing.open else language.text("Closed now")
    at = _time(standing.until.time(), zone)
    if standing.open:
        return language.text("Open now, until %(time)s", time=at)
    if standing.until.date() == wall.date():
        return language.text("Closed now, opens at %(time)s", time=at)
    day = _day(standing.until.date(), wall.date(), zone)
    return language.text("Closed now, opens on %(day)s at %(time)s", day=day, time=at)


def _day(day: date, today: date, zone: str) -> str:
    """Return what a day to come is called: its weekday, or the whole date where that could be another day."""
    near = day - today <= _NAMED_BY_WEEKDAY
    return _weekday(day.weekday()) if near else format_date(day, "full", locale=_locale(zone))


def _rows(hours: Hours, wall: datetime, zone: str) -> Iterator[HoursRow]:
    """Yield the week from Monday on; days that follow each other with the same hours share a line."""
    first = 0
    for place in range(1, len(hours.days) + 1):
        if place < len(hours.days) and hours.days[place] == hours.days[first]:
            continue
        last = place - 1
        days = _weekday(first) if first == last else f"{_weekday(first)} {_TO} {_weekday(last)}"
        yield HoursRow(_capital(days), _said(hours.days[first], zone), first <= wall.weekday() <= last)
        first = place


def _said(spans: tuple[Span, ...], zone: str) -> str:
    if not spans:
        return language.text("closed")
    return ", ".join(f" {_TO} ".join(_time(time.fromisoformat(end), zone) for end in span.as_text) for span in spans)


def _holidays(kept: Storefront, wall: datetime) -> Iterator[str]:
    soon = [day for day in sorted(kept.opening.shut) if wall.date() <= day <= (wall + _ANNOUNCED).date()]
    if soon:
        days = ", ".join(format_skeleton("MMMMd", day, locale=_locale(kept.time_zone)) for day in soon)
        yield language.text("Closed on %(days)s", days=days)
    if kept.holidays:
        yield kept.holidays


def _ways(kept: Storefront) -> Iterator[Link]:
    """Yield routes that begin where the visitor stands: each map asks her telephone for that, not us.

    No ``geo:`` link: an iPhone and the browsers inside other apps do nothing with it.
    """
    goal = kept.coordinates or kept.place
    if not goal:
        return
    aim = quote(goal, safe=",")
    yield Link("Google Maps", f"https://www.google.com/maps/dir/?api=1&destination={aim}")
    yield Link("Apple Maps", f"https://maps.apple.com/?daddr={aim}")
    if kept.coordinates:
        north, east = kept.coordinates.split(",")
        yield Link("OpenStreetMap", f"https://www.openstreetmap.org/?mlat={north}&mlon={east}#map=17/{north}/{east}")
    else:
        yield Link("OpenStreetMap", f"https://www.openstreetmap.org/search?query={aim}")


def _called(address: str) -> str:
    host = web_address.host_of(address)
    for domain, name in _NETWORKS.items():
        if host == domain or host.endswith(f".{domain}"):
            return name
    # A second site of the same kind is told apart by its host; a page on a host, by its host alone.
    return host or urlsplit(address).netloc


def _weekday(place: int) -> str:
    named: dict[int, str] = dict(get_day_names("wide", "stand-alone", locale=language.current()))
    return named[place]


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


def _time(moment: time, zone: str) -> str:
    return format_time(moment, "short", locale=_locale(zone))


def _locale(zone: str) -> str:
    """Return how times and dates are written: in English by where the shop is, and only America has two noons a day."""
    spoken = language.current()
    return "en_GB" if spoken == "en" and not zone.startswith(("America/", "US/")) else spoken

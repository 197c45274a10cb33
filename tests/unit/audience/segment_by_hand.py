"""A segment judged by hand: plain Python over people as dicts, one at a time, with no SQL and nothing of the compiler.

A person is a dict with what is stored of her: ``language``, ``zone`` (or None), ``domain``, ``source`` and ``channel``
(or None), ``joined``, ``basis``, ``double``, ``ends``, ``unused`` and ``renewed`` (or None), ``text`` (a version),
``seen_since`` (or None),
``frequency``, ``topics`` (names; none: all), ``pause_until``, ``heard``, ``acts`` (kind, letter, moment), ``events``
(name, moment), ``answers`` (key to a list of choices; [] for "rather not"), ``letters`` (got), ``state``, ``apart``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from listkeeper.audience.segments.segment_tree import All, AnyOf, Condition, Not, Tree
from listkeeper.deliverability import mail_provider

Person = Mapping[str, Any]


@dataclass(frozen=True)
class World:
    """What exists besides people: names that conditions may speak of, the other segments, the clock."""

    now: datetime
    zone: str
    sources: Mapping[str, str] = field(default_factory=dict)
    topics: frozenset[str] = frozenset()
    questions: frozenset[str] = frozenset()
    letters: frozenset[str] = frozenset()
    texts: frozenset[str] = frozenset()
    segments: Mapping[str, Tree] = field(default_factory=dict)
    hosts: Mapping[str, str] = field(default_factory=dict)
    # After so many months in which nobody was written to a permission is over; 0: never.
    silence: int = 0

    def start(self, day: date) -> datetime:
        """Return when a day begins in the zone."""
        return datetime.combine(day, time(), ZoneInfo(self.zone)).astimezone(UTC)

    def ago(self, days: int) -> datetime:
        """Return when the day that many days ago began."""
        return self.start(self.now.astimezone(ZoneInfo(self.zone)).date() - timedelta(days=days))

    def end(self, person: Person) -> datetime | None:
        """Return when her permission ends if nothing happens."""
        ends = [person["ends"], None if person["heard"] else person["unused"]]
        if self.silence:
            last = max(each for each in (person["joined"], person["heard"], person["renewed"]) if each)
            years, month = divmod(last.month - 1 + self.silence, 12)
            year = last.year + years
            longest = (date(year + month // 11, (month + 1) % 12 + 1, 1) - timedelta(days=1)).day
            ends.append(last.replace(year=year, month=month + 1, day=min(last.day, longest)))
        return min((each for each in ends if each), default=None)


def members(tree: Tree, people: Mapping[int, Person], world: World) -> set[int]:
    """Return whom the tree is true of, of those who are confirmed and not set apart."""
    return {
        number
        for number, person in people.items()
        if person["state"] == "confirmed" and not person["apart"] and holds(tree, person, world)
    }


def holds(tree: Tree, person: Person, world: World) -> bool:
    """Return whether a tree is true of a person."""
    match tree:
        case All(parts):
            return all(holds(part, person, world) for part in parts)
        case AnyOf(parts):
            return any(holds(part, person, world) for part in parts)
        case Not(part):
            return not holds(part, person, world)
        case Condition():
            return _condition(tree, person, world)


def _condition(said: Condition, person: Person, world: World) -> bool:
    if said.phrase.endswith("_is_not"):
        return not _condition(Condition(said.phrase[:-4], said.value, said.name), person, world)
    for judge in (_of_the_person, _of_the_yes, _of_what_else):
        answer = judge(said, person, world)
        if answer is not None:
            return answer
    return _acted(said, said.phrase, person, world)


def _of_the_person(said: Condition, person: Person, world: World) -> bool | None:  # noqa: PLR0911 - one line a phrase
    value = said.value
    match said.phrase:
        case "language_is":
            return bool(person["language"] == value.lower())
        case "time_zone_is":
            return bool(person["zone"] == value)
        case "time_zone_unknown":
            return person["zone"] is None
        case "domain_is":
            return bool(person["domain"] == value.lower().encode("idna").decode())
        case "provider_is":
            keeps = mail_provider.of_domain(person["domain"]) or world.hosts.get(person["domain"])
            return bool(keeps == value)
        case "source_is":
            return bool(person["source"] == value)
        case "source_unknown":
            return person["source"] is None
        case "channel_is":
            return person["source"] is not None and world.sources[person["source"]] == value
    return None


def _of_the_yes(said: Condition, person: Person, world: World) -> bool | None:  # noqa: C901, PLR0911, PLR0912 - the same
    value, days = said.value, said.days
    match said.phrase:
        case "joined_within":
            return bool(person["joined"] >= world.ago(days))
        case "joined_more_than":
            return bool(person["joined"] < world.ago(days))
        case "joined_before":
            return bool(person["joined"] < world.start(date.fromisoformat(value)))
        case "joined_after":
            return bool(person["joined"] >= world.start(date.fromisoformat(value) + timedelta(days=1)))
        case "basis_is":
            return bool(person["basis"] == value)
        case "double_opt_in":
            return bool(person["double"])
        case "consent_ends_within":
            ends = world.end(person)
            return ends is not None and world.now < ends < world.ago(-days - 1)
        case "consent_has_no_end":
            return world.end(person) is None
        case "consent_text_is":
            return value in world.texts and str(person["text"]) == value
        case "lets_us_count":
            return person["seen_since"] is not None
        case "pauses":
            return person["pause_until"] is not None and person["pause_until"] > world.now
        case "frequency_is":
            return bool(person["frequency"] == value)
        case "heard_within":
            return person["heard"] is not None and person["heard"] >= world.ago(days)
    return None


def _of_what_else(said: Condition, person: Person, world: World) -> bool | None:  # noqa: C901, PLR0911 - the same
    value, days, name = said.value, said.days, said.name
    match said.phrase:
        case "topic_is":
            return value in world.topics and (not person["topics"] or value in person["topics"])
        case "got_letter":
            return value in person["letters"]
        case "in_segment":
            inner = world.segments.get(value)
            return inner is not None and holds(inner, person, world)
        case "answer_is":
            return name in world.questions and value in person["answers"].get(name, [])
        case "answer_known":
            return name in world.questions and bool(person["answers"].get(name))
        case "answer_unknown":
            return name in world.questions and not person["answers"].get(name)
        case "did_within":
            return any(what == name and at >= world.ago(days) for what, at in person["events"])
        case "did_ever":
            return any(what == name for what, _ in person["events"])
        case "did_never":
            return all(what != name for what, _ in person["events"])
        case "did_times":
            often = [at for what, at in person["events"] if what == name and at >= world.ago(days)]
            return len(often) >= said.times
    return None


def _acted(said: Condition, phrase: str, person: Person, world: World) -> bool:
    past, what = phrase.removeprefix("not_").split("_")
    here = [(letter, at) for kind, letter, at in person["acts"] if kind == past]
    since = world.ago(said.days) if what in {"within", "times"} else None
    match what:
        case "letter":
            found = any(letter == said.value for letter, _ in here)
        case "ever":
            found = bool(here)
        case "within":
            found = any(at >= since for _, at in here)
        case _:
            # Once a day and letter, at the first of the day: more is not kept.
            first: dict[tuple[str, date], datetime] = {}
            for letter, at in here:
                whole = (letter, at.date())
                first[whole] = min(at, first.get(whole, at))
            found = sum(at >= since for at in first.values()) >= said.times if since is not None else False
    if not phrase.startswith("not_"):
        return found
    if past == "clicked":
        seen = person["seen_since"]
        known = seen is not None and (since is None or seen <= since)
        return known and not found
    return not found

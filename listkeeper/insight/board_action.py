"""The one thing to do about a number: what its button says, and the page of the studio that it leads to.

Which it is may hang on what was measured: where one form is weak, mending it
brings more than sharing it. There is one button and never two.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from listkeeper.foundation import language
from listkeeper.insight.board_number import NumberKind
from listkeeper.insight.board_reading import Reading
from listkeeper.insight.board_trust import Part

# Below that, mending the form comes before sharing it.
_WEAK_FORM = 500
_STUDIO = "/studio"


@dataclass(frozen=True)
class Action:
    """``code`` is for scripts, ``words`` stand on the button, ``path`` is the page."""

    code: str
    words: str
    path: str


Facts = Mapping[str, Any]


def of(kind: NumberKind, reading: Reading) -> Action:
    """Return what to do about a number."""
    return _ACTIONS[kind](reading.facts)


def _grow(facts: Facts) -> Action:
    form = facts.get("form")
    if form and facts.get("confirmed_of_1000", _WEAK_FORM) < _WEAK_FORM:
        return _mend_form(form)
    return _share(facts)


def _share(facts: Facts) -> Action:
    words = language.text("Share the sign-up link")
    if form := facts.get("first_form"):
        return Action("share_form", words, f"{_STUDIO}/forms/{form}")
    return Action("share_form", words, f"{_STUDIO}/lists")


def _mend_form(form: str) -> Action:
    return Action("mend_form", language.text("Mend the weakest form"), f"{_STUDIO}/forms/{form}")


def _clicked(facts: Facts) -> Action:
    if not facts.get("letter"):
        return _write(facts, "write_first", language.text("Write the first letter"))
    return Action("see_report", language.text("See what they clicked"), f"{_STUDIO}/letters/{facts['letter']}/progress")


def _write(facts: Facts, code: str, words: str) -> Action:
    chosen = f"?list={facts['list']}" if facts.get("list") else ""
    return Action(code, words, f"{_STUDIO}/letters/new{chosen}")


def _repair(facts: Facts) -> Action:
    part, subject = facts.get("first") or "", facts.get("subject") or ""
    if not part:
        return Action("see_back", language.text("See what came back"), f"{_STUDIO}/bounces")
    match Part(part):
        case Part.COMPLAINTS:
            return Action("see_complaints", language.text("Look at the complaints"), f"{_STUDIO}/bounces")
        case Part.BOUNCES:
            return Action("see_back", language.text("See what came back"), f"{_STUDIO}/bounces")
        case Part.DOMAIN:
            place = f"{_STUDIO}/domains/{subject}" if subject else f"{_STUDIO}/domains"
            return Action("mend_domain", language.text("Prove your domain"), place)
        case Part.LEAVING:
            return Action("see_reasons", language.text("Read why people left"), f"{_STUDIO}/lists")
        case Part.BALANCE:
            return _write({"list": subject}, "give", language.text("Write a letter that helps"))


def _weakest(facts: Facts) -> Action:
    return _mend_form(facts["form"]) if facts.get("form") else _share(facts)


def _clean_up(facts: Facts) -> Action:
    words = language.text("Let them rest")
    if not facts.get("list"):
        return Action("clean_up", words, f"{_STUDIO}/lists")
    return Action("clean_up", words, f"{_STUDIO}/lists/{facts['list']}/clean-up")


def _reasons(facts: Facts) -> Action:
    place = f"{_STUDIO}/lists/{facts['list']}" if facts.get("list") else f"{_STUDIO}/lists"
    return Action("see_reasons", language.text("Read why people left"), place)


_ACTIONS: dict[NumberKind, Callable[[Facts], Action]] = {
    NumberKind.NEW_CONFIRMED: _grow,
    NumberKind.CLICKED_LAST: _clicked,
    NumberKind.TRUST: _repair,
    NumberKind.REPLIES_IN_TIME: lambda _facts: Action(
        "answer", language.text("Answer who waits"), f"{_STUDIO}/replies"
    ),
    NumberKind.WEAKEST_FORM: _weakest,
    NumberKind.NEVER_REACTED: _clean_up,
    NumberKind.COST_OF_ONE: lambda _facts: Action(
        "see_places", language.text("See which place is dear"), f"{_STUDIO}/channels"
    ),
    NumberKind.LEFT: _reasons,
    NumberKind.ENDING_SOON: lambda facts: _write(facts, "write_before", language.text("Write to them in time")),
    NumberKind.ORDERS: lambda facts: _write(facts, "offer", language.text("Write an offer")),
    NumberKind.REACH: _share,
}

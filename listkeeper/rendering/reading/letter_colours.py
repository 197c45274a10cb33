"""What colour each text of a finished letter has, and what it stands on, in one scheme: inherited, layered, mixed.

A letter is read as a program reads it that follows its dark rules and turns no
colour round by itself. Where only a picture, a gradient or a place decides what
lies under a text, that is said instead of a colour.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from typing import NamedTuple

from listkeeper.rendering.css import css_colour
from listkeeper.rendering.css.css_colour import CLEAR, Paint
from listkeeper.rendering.reading import letter_sizes
from listkeeper.rendering.reading.letter_cascade import Said, Styles
from listkeeper.rendering.reading.letter_tree import Page

# What a program shows where a letter says nothing: on light paper, and on the dark of one that says it has a dark side.
_LIGHT_PAGE, _DARK_PAGE = Paint(0xFF, 0xFF, 0xFF), Paint(0x1E, 0x1E, 0x1E)
_LIGHT_INK, _DARK_INK = Paint(0, 0, 0), Paint(0xFF, 0xFF, 0xFF)
_LIGHT_LINK, _DARK_LINK = Paint(0, 0, 0xEE), Paint(0x9E, 0x9E, 0xFF)
_VAR = re.compile(r"var\(\s*(--[\w-]+)\s*(?:,([^()]*(?:\([^()]*\))?[^()]*))?\)")
_LIGHT_DARK = re.compile(r"light-dark\(((?:[^(),]|\([^()]*\))*),((?:[^(),]|\([^()]*\))*)\)", re.IGNORECASE)
_MOST_TURNS, _MOST_OWN, _MOST_FADES, _LONGEST = 5, 200, 8, 200


class Why(StrEnum):
    """Why a text could not be measured."""

    PICTURE = "picture"
    GRADIENT = "gradient"
    COLOUR = "colour"
    PLACED = "placed"
    RULE = "rule"
    TOO_MUCH = "too_much"


class Ground(NamedTuple):
    """What a text stands on, or why that is not known, with the value that could not be read."""

    paint: Paint
    unknown: Why | None = None
    what: str = ""


@dataclass(eq=False)
class Shown:
    """What an element shows, and hands down to what lies in it."""

    ink: Paint | None
    # The colour that could not be read.
    odd: str
    ground: Ground
    seen: bool = True
    visible: bool = True
    own: Mapping[str, str] | None = None
    # Groups that what lies under them shines through: how much they cover, and what that is.
    fades: tuple[tuple[float, Paint], ...] = ()

    @cached_property
    def pair(self) -> tuple[str, str] | None:
        """The colours of text and ground as they are seen, ``#rrggbb``; None when either is not known."""
        if self.ink is None or self.ground.unknown is not None:
            return None
        ink, ground = self.ink.over(self.ground.paint), self.ground.paint
        for cover, under in reversed(self.fades):
            ink, ground = ink.mixed(under, cover), ground.mixed(under, cover)
        return ink.hex, ground.hex


def of(page: Page, styles: Styles, *, dark: bool) -> list[Shown]:
    """Return what each element shows."""
    reading = _Reading(dark and _is_made_for_dark(page, styles))
    found: list[Shown] = []
    # What is said alike in like places shows alike.
    known: dict[tuple[int, int], Shown] = {}
    for node, said in zip(page.nodes, styles.own, strict=True):
        above = found[node.parent] if node.parent >= 0 else reading.page
        if node.tag == "a" and "href" in node.attributes and "color" not in said:
            above = reading.link(above)
        key = (id(said), id(above))
        if key not in known:
            known[key] = reading.shown(said, above) if said else above
        found.append(known[key])
    return found


def _is_made_for_dark(page: Page, styles: Styles) -> bool:
    """Whether a letter says that it has a dark side, so that programs begin it on a dark page."""
    for node, said in zip(page.nodes, styles.own, strict=True):
        if node.tag == "meta" and node.get("name").lower() == "color-scheme" and "dark" in node.get("content"):
            return True
        if node.tag in {"html", "body"} and "dark" in said.get("color-scheme", ""):
            return True
    return False


class _Reading:
    """How values are read in one scheme."""

    def __init__(self, is_dark: bool) -> None:  # noqa: FBT001 - the scheme is all there is
        self._is_dark = is_dark
        ink, paper = (_DARK_INK, _DARK_PAGE) if is_dark else (_LIGHT_INK, _LIGHT_PAGE)
        self._ink_of_page = ink
        self.page = Shown(ink, "", Ground(paper))
        self._links: dict[int, Shown] = {}

    def link(self, above: Shown) -> Shown:
        """Return what a link of which nothing is said inherits: all but its colour."""
        if id(above) not in self._links:
            self._links[id(above)] = replace(above, ink=_DARK_LINK if self._is_dark else _LIGHT_LINK, odd="")
        return self._links[id(above)]

    def shown(self, said: Said, above: Shown) -> Shown:
        """Return what an element shows, given what it lies in."""
        own = above.own or {}
        mine = {name: value for name, value in said.items() if name.startswith("--")}
        if mine and len(own) < _MOST_OWN:
            own = {**own, **mine}
        opacity = _share(said.get("opacity", "1"))
        fades = above.fades
        if 0 < opacity < 1:
            fades = (*fades, (opacity, above.ground.paint))[-_MOST_FADES:]
        ink, odd = self._ink(said, above, own)
        visible = {"hidden": False, "collapse": False, "visible": True}.get(said.get("visibility", ""), above.visible)
        seen = above.seen and opacity > 0 and not _is_hidden(said)
        return Shown(ink, odd, self._ground(said, above, own, ink), seen, visible, own, fades)

    def _ink(self, said: Said, above: Shown, own: Mapping[str, str]) -> tuple[Paint | None, str]:
        value = self._filled(said.get("-webkit-text-fill-color") or said.get("color", "inherit"), own)
        if value in {"inherit", "currentcolor", "unset", "revert"}:
            return above.ink, above.odd
        return (self._ink_of_page, "") if value == "initial" else (css_colour.parse(value), value)

    def _ground(self, said: Said, above: Shown, own: Mapping[str, str], ink: Paint | None) -> Ground:
        under = above.ground
        if said.get("position", "") in {"absolute", "fixed"}:
            under = Ground(under.paint, Why.PLACED)
        value = self._filled(said.get("background-color", "transparent"), own)
        if value in {"initial", "inherit", "unset", "revert", "none", ""}:
            value = "transparent"
        paint = ink if value == "currentcolor" else css_colour.parse(value)
        if paint is None:
            under = Ground(under.paint, Why.COLOUR, value)
        elif paint.cover >= 1:
            under = Ground(paint)
        elif paint != CLEAR:
            under = under._replace(paint=paint.over(under.paint))
        picture = said.get("background-image", "none").lower()
        if "gradient(" in picture:
            return Ground(under.paint, Why.GRADIENT)
        # With pictures off the colour beneath one shows, so there must be one, and it is measured.
        has_colour = paint is not None and paint.cover >= 1
        return Ground(under.paint, Why.PICTURE) if "(" in picture and not has_colour else under

    def _filled(self, value: str, own: Mapping[str, str]) -> str:
        """Return a value in lower case with its variables filled in, and the half of ``light-dark()`` that shows."""
        for _ in range(_MOST_TURNS):
            if "var(" not in value:
                break
            value = _VAR.sub(lambda found: own.get(found[1], (found[2] or "").strip()), value)[:_LONGEST]
        if "light-dark(" in value:
            value = _LIGHT_DARK.sub(lambda found: found[2 if self._is_dark else 1].strip(), value)
        return value.strip().lower()


def _is_hidden(said: Said) -> bool:
    if said.get("display", "").lower() == "none":
        return True
    clipped = said.get("overflow", "").lower() in {"hidden", "clip"}
    return clipped and any(letter_sizes.px(said.get(name, "auto"), 1.0) == 0 for name in ("max-height", "height"))


def _share(said: str) -> float:
    said = said.strip()
    try:
        return min(max(float(said.removesuffix("%")) / (100 if said.endswith("%") else 1), 0.0), 1.0)
    except ValueError:
        return 1.0

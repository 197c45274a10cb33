"""What our own stylesheets make of a page: the few properties that decide whether a telephone can show it.

No browser: the rules of our sheets are matched against the page's elements and
the strongest one wins (CSS Cascade 4: specificity, then order). Our sheets use
no ``!important``, and lengths in px, rem and em. A rule that cannot be read is
counted in ``unread``, so that whoever measures can say so. A browser test
holds the results against Chromium's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from cssselect import HTMLTranslator, SelectorError
from cssselect import parse as selectors_of
from lxml import etree

Element = Any
"""An element of lxml, which ships no types."""

ROOT_PX = 16.0
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_VAR = re.compile(r"var\((--[\w-]+)\)")
_LENGTH = re.compile(r"(-?[0-9]*\.?[0-9]+)(px|rem|em|)")
_HEX = re.compile(r"#(?:[0-9a-fA-F]{8}|[0-9a-fA-F]{6}|[0-9a-fA-F]{3,4})\b")
# What only shows under a finger, or is no element at all.
_PASSING = re.compile(r":(?:hover|focus|focus-visible|active)\b|::")
_INHERITED = frozenset({"color", "font-size", "line-height", "overflow-wrap", "white-space"})
_SIDES = ("top", "right", "bottom", "left")
_NAMED = {"white": "#ffffff", "black": "#000000"}


@dataclass(frozen=True)
class _Rule:
    selector: str
    declarations: tuple[tuple[str, str], ...]


@dataclass
class Cascade:
    """A page under its stylesheets, on a screen of a width, in light or dark."""

    page: Element
    sheets: Iterable[str]
    width: int
    dark: bool
    unread: list[str] = field(default_factory=list)
    _won: dict[Element, dict[str, tuple[tuple[int, ...], str]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Match every rule once."""
        order = 0
        for sheet in self.sheets:
            for rule in self._rules(_COMMENT.sub("", sheet)):
                order += 1
                self._apply(rule, order)

    def value(self, element: Element, name: str) -> str:
        """Return a property as the winning rule has it, ``var()`` filled in; empty where none says anything."""
        own = self._won.get(element, {}).get(name)
        if own is not None and own[1] != "inherit":
            return self._filled(own[1])
        parent = element.getparent()
        inherits = name in _INHERITED or own is not None
        return self.value(parent, name) if inherits and parent is not None else ""

    def colour(self, element: Element) -> str:
        """Return the colour of an element's text as ``#rrggbb``; empty when it cannot be said."""
        return as_hex(self.value(element, "color"))

    def ground(self, element: Element) -> str:
        """Return the colour an element's text stands on: its own background, or that of what it lies in."""
        for each in (element, *element.iterancestors()):
            found = as_hex(self.value(each, "background-color"))
            if found:
                return found
        return ""

    def font_px(self, element: Element) -> float:
        """Return the size of an element's letters in CSS pixels."""
        own = self._won.get(element, {}).get("font-size")
        parent = element.getparent()
        above = self.font_px(parent) if parent is not None else ROOT_PX
        return above if own is None or own[1] == "inherit" else self._px(self._filled(own[1]), above)

    def px(self, element: Element, name: str) -> float:
        """Return a length in CSS pixels, 0 where none is set."""
        return self._px(self.value(element, name), self.font_px(element))

    def height_px(self, element: Element) -> float:
        """Return how high an element is at least: its least height, or one line with what is around it."""
        font = self.font_px(element)
        spacing = self.value(element, "line-height")
        line = font * float(spacing) if re.fullmatch(r"[0-9.]+", spacing) else self._px(spacing, font) or font * 1.2
        around = sum(self.px(element, f"{name}-{side}") for name in ("padding", "border") for side in ("top", "bottom"))
        if self.value(element, "display") in {"", "inline"} and element.tag not in {"button", "input", "select"}:
            return line
        return max(self.px(element, "min-height"), self.px(element, "height"), line + around)

    def _px(self, said: str, font: float) -> float:
        found = _LENGTH.fullmatch(said.strip())
        if found is None:
            return 0.0
        return float(found[1]) * {"px": 1.0, "rem": ROOT_PX, "em": font, "": 1.0}[found[2]]

    def _filled(self, said: str) -> str:
        root = self._won.get(self.page, {})
        return _VAR.sub(lambda found: root[found[1]][1] if found[1] in root else "", said)

    def _apply(self, rule: _Rule, order: int) -> None:
        for one in rule.selector.split(","):
            selector = one.strip()
            if _PASSING.search(selector):
                continue
            try:
                parsed = selectors_of(selector)[0]
                found = self.page.xpath(HTMLTranslator().selector_to_xpath(parsed, prefix="descendant-or-self::"))
            except (SelectorError, etree.XPathError):
                self.unread.append(selector)
                continue
            weight = (*parsed.specificity(), order)
            for element in found:
                won = self._won.setdefault(element, {})
                for name, value in rule.declarations:
                    if name not in won or won[name][0] <= weight:
                        won[name] = (weight, value)

    def _rules(self, sheet: str) -> Iterator[_Rule]:
        for head, body in _blocks(sheet):
            if not head.startswith("@"):
                yield _Rule(head, tuple(_declarations(body)))
            elif head.startswith("@media"):
                if self._holds(head):
                    yield from self._rules(body)
            else:
                self.unread.append(head)

    def _holds(self, media: str) -> bool:
        for name, value in re.findall(r"\(([\w-]+):\s*([^)]+)\)", media):
            match name:
                case "prefers-color-scheme":
                    holds = (value == "dark") is self.dark
                case "min-width":
                    holds = self.width >= self._px(value, ROOT_PX)
                case "max-width":
                    holds = self.width <= self._px(value, ROOT_PX)
                case "prefers-reduced-motion":
                    holds = False
                case _:
                    self.unread.append(media)
                    holds = False
            if not holds:
                return False
        return True


def as_hex(said: str) -> str:
    """Return the first colour of a value as ``#rrggbb``, empty for none, for a see-through one, and for no colour."""
    found = _HEX.search(said)
    if found is None:
        return next((colour for name, colour in _NAMED.items() if re.search(rf"\b{name}\b", said)), "")
    digits = found[0][1:]
    if len(digits) in {3, 4}:
        digits = "".join(2 * digit for digit in digits)
    return "" if len(digits) == 8 and digits[6:].lower() != "ff" else f"#{digits[:6].lower()}"  # noqa: PLR2004


def _blocks(sheet: str) -> Iterator[tuple[str, str]]:
    """Yield what stands before and between the outermost braces."""
    place = 0
    while (start := sheet.find("{", place)) >= 0:
        depth, end = 1, start + 1
        while depth and end < len(sheet):
            depth += {"{": 1, "}": -1}.get(sheet[end], 0)
            end += 1
        yield sheet[place:start].strip(), sheet[start + 1 : end - 1]
        place = end


def _declarations(body: str) -> Iterator[tuple[str, str]]:
    """Yield properties with their values, the shorthands that matter here taken apart."""
    for one in body.split(";"):
        name, colon, value = (part.strip() for part in one.partition(":"))
        if colon:
            yield from _long(name, value)


def _long(name: str, value: str) -> Iterator[tuple[str, str]]:
    match name:
        case "font" if value != "inherit":
            size = re.search(r"([0-9.]+(?:px|rem|em))(?:/([0-9.]+\w*))?", value)
            if size:
                yield "font-size", size[1]
                yield "line-height", size[2] or "1.2"
        case "font":
            yield from (("font-size", "inherit"), ("line-height", "inherit"))
        case "background":
            yield "background-color", value
        case "border":
            width = value.split(maxsplit=1)[0] if value else "0"
            yield from ((f"border-{side}", width) for side in _SIDES)
            yield "border-color", value
        case "border-width":
            yield from ((f"border-{side}", value) for side in _SIDES)
        case "border-bottom" | "border-top":
            yield name, value.split(maxsplit=1)[0] if value else "0"
        case "padding":
            said = value.split()
            top, right, bottom, left = {1: said * 4, 2: said * 2, 3: [*said, said[1]] if len(said) > 2 else said}.get(  # noqa: PLR2004
                len(said), said
            )
            yield from (
                ("padding-top", top),
                ("padding-right", right),
                ("padding-bottom", bottom),
                ("padding-left", left),
            )
        case _:
            yield name, value

"""How large the letters of a finished letter are, and how high its lines: computed from what wins in each element."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache

from listkeeper.rendering.reading.letter_cascade import Styles
from listkeeper.rendering.reading.letter_tree import Page

ROOT_PX, NORMAL_LINE = 16.0, 1.2
_BOLD = 700
_LENGTH = re.compile(r"([+-]?(?:\d++(?:\.\d++)?+|\.\d++))(px|pt|em|rem|%|)")
_UNITS = {"px": 1.0, "pt": 4 / 3, "rem": ROOT_PX, "": 1.0}
_KEYWORDS = {
    "xx-small": 9.0, "x-small": 10.0, "small": 13.0, "medium": 16.0, "large": 18.0, "x-large": 24.0, "xx-large": 32.0,
    "xxx-large": 48.0,
}  # fmt: skip
_STEP = 1.2


@dataclass
class Sizes:
    """Per element: letters in px, whether they are bold, and a line as a multiple of them or in px."""

    font: list[float] = field(default_factory=list)
    bold: list[bool] = field(default_factory=list)
    _line: list[tuple[float, bool]] = field(default_factory=list)

    def line_px(self, number: int) -> float:
        """Return how high one line of an element is."""
        said, is_multiple = self._line[number]
        return said * self.font[number] if is_multiple else said


def of(page: Page, styles: Styles) -> Sizes:
    """Return the sizes of all elements of a letter."""
    sizes = Sizes()
    for node, own in zip(page.nodes, styles.own, strict=True):
        above = node.parent
        font = sizes.font[above] if above >= 0 else ROOT_PX
        bold = sizes.bold[above] if above >= 0 else False
        line = sizes._line[above] if above >= 0 else (NORMAL_LINE, True)  # noqa: SLF001 - its own maker
        sizes.font.append(_font(own["font-size"], font) if "font-size" in own else font)
        sizes.bold.append(_bold(own["font-weight"], above=bold) if "font-weight" in own else bold)
        sizes._line.append(_line(own.get("line-height", ""), sizes.font[-1]) or line)  # noqa: SLF001
    return sizes


@lru_cache(maxsize=1024)
def px(said: str, font: float, whole: float | None = None) -> float | None:
    """Return a length in px; None when it cannot be known. ``whole`` is what 100 % are."""
    found = _LENGTH.fullmatch(said.strip().lower()[:20])
    if found is None:
        return None
    number, unit = float(found[1]), found[2]
    if unit == "%":
        return None if whole is None else number / 100 * whole
    return number * (font if unit == "em" else _UNITS[unit])


def _font(said: str, above: float) -> float:
    said = said.strip().lower()
    if said in {"smaller", "larger"}:
        return above * _STEP if said == "larger" else above / _STEP
    if said == "initial":
        return ROOT_PX
    found = _KEYWORDS.get(said)
    if found is None:
        found = px(said, above, whole=above)
    return above if found is None or found < 0 else found


def _bold(said: str, *, above: bool) -> bool:
    said = said.strip().lower()
    if said.isdecimal() and said.isascii():
        return int(said[:4]) >= _BOLD
    return {"bold": True, "bolder": True, "normal": False, "lighter": False, "initial": False}.get(said, above)


@lru_cache(maxsize=1024)
def _line(said: str, font: float) -> tuple[float, bool] | None:
    said = said.strip().lower()
    if said in {"normal", "initial"}:
        return NORMAL_LINE, True
    is_multiple = said.replace(".", "", 1).isdecimal() and said.isascii()
    found = px(said, font, whole=font)
    return None if found is None else (found, is_multiple)

"""Declarations taken apart into the single properties that checks of a letter ask for.

Shorthands are taken apart in the order of their declarations. All that no check
asks for is dropped, so that a rule of any length ends as a few words.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from listkeeper.rendering.css import css_colour
from listkeeper.rendering.css.css_rules import Declaration

SIDES = ("top", "right", "bottom", "left")
_PLAIN = frozenset({
    "color", "background-color", "background-image", "font-size", "font-weight", "line-height", "display", "visibility",
    "opacity", "max-height", "height", "min-height", "width", "overflow", "position", "color-scheme",
    "-webkit-text-fill-color", "background-clip", "-webkit-background-clip",
    *(f"padding-{side}" for side in SIDES), *(f"border-{side}-width" for side in SIDES),
})  # fmt: skip
_MOST_OWN, _LONGEST = 60, 400
_WORD = re.compile(r"(?:[^\s(),/]|\((?:[^()]|\([^()]*+\))*+\))++|,|/")
_PICTURE = re.compile(r"(?:url|[a-z-]*gradient|image|image-set|element|cross-fade)\(", re.IGNORECASE)
_SIZE = re.compile(r"(?:[\d.]+(?:px|pt|em|rem|%|vw)|(?:xx?-)?(?:small|large)|medium|smaller|larger)", re.IGNORECASE)
_EDGES = frozenset({"none", "hidden", "dotted", "dashed", "solid", "double", "groove", "ridge", "inset", "outset"})
_WIDE = frozenset({"inherit", "initial", "unset", "revert", "revert-layer"})
Apart = tuple[Mapping[str, str], Mapping[str, str]]


def of(declarations: tuple[Declaration, ...]) -> Apart:
    """Return single properties with their values: the quiet ones, and those marked ``!important``."""
    quiet: dict[str, str] = {}
    loud: dict[str, str] = {}
    own = 0
    for name, value, is_loud in declarations:
        if name.startswith("--"):
            own += 1
            if own <= _MOST_OWN and len(value) <= _LONGEST:
                (loud if is_loud else quiet)[name] = value
            continue
        said = value[:_LONGEST]
        (loud if is_loud else quiet).update(_SHORT[name](said) if name in _SHORT else _single(name, said))
    return quiet, loud


def _single(name: str, value: str) -> Iterator[tuple[str, str]]:
    if name in _PLAIN:
        yield name, value


def _background(value: str) -> Iterator[tuple[str, str]]:
    if value.lower() in _WIDE or "var(" in value:
        yield from (("background-color", value), ("background-image", value if "var(" not in value else "none"))
        return
    words = _WORD.findall(value)
    colours = [word for word in words if word.lower() == "currentcolor" or css_colour.parse(word) is not None]
    odd = [word for word in words if _is_odd_colour(word)]
    picture = _PICTURE.search(value)
    yield "background-image", picture[0] if picture else "none"
    yield "background-color", (colours or odd or ["transparent"])[-1]


def _is_odd_colour(word: str) -> bool:
    """Whether a word is a colour nobody here can read: a function that paints, but no picture."""
    return "(" in word and not _PICTURE.search(word)


def _font(value: str) -> Iterator[tuple[str, str]]:
    words = value.split()
    sizes = [place for place, word in enumerate(words) if _SIZE.fullmatch(word.partition("/")[0])]
    if value.lower() in _WIDE:
        yield from ((name, value) for name in ("font-size", "font-weight", "line-height"))
    elif sizes:
        place = sizes[0]
        size, _, line = words[place].partition("/")
        weights = [word for word in words[:place] if word.lower() in {"bold", "bolder", "lighter"} or word.isdigit()]
        yield from (
            ("font-size", size),
            ("line-height", line or "normal"),
            ("font-weight", (weights or ["normal"])[-1]),
        )


def _padding(value: str) -> Iterator[tuple[str, str]]:
    yield from zip((f"padding-{side}" for side in SIDES), _around(value), strict=True)


def _border_width(value: str) -> Iterator[tuple[str, str]]:
    yield from zip((f"border-{side}-width" for side in SIDES), _around(value), strict=True)


def _around(value: str) -> tuple[str, ...]:
    """Return top, right, bottom and left of one to four values."""
    said = value.split()[:4] or ["0"]
    top = said[0]
    right = said[1] if len(said) > 1 else top
    bottom = said[2] if len(said) > 2 else top  # noqa: PLR2004 - the third of four
    left = said[3] if len(said) > 3 else right  # noqa: PLR2004 - the fourth
    return top, right, bottom, left


def _edge(value: str) -> str:
    """Return how wide an edge is; one without a style is not drawn."""
    words = value.lower().split()
    styles = [word for word in words if word in _EDGES]
    if not styles or styles[-1] in {"none", "hidden"}:
        return "0"
    return next((word for word in words if word[0].isdigit() or word in {"thin", "medium", "thick"}), "medium")


def _border(value: str) -> Iterator[tuple[str, str]]:
    yield from ((f"border-{side}-width", _edge(value)) for side in SIDES)


def _border_of(side: str) -> Callable[[str], Iterator[tuple[str, str]]]:
    def single(value: str) -> Iterator[tuple[str, str]]:
        yield f"border-{side}-width", _edge(value)

    return single


def _overflow(value: str) -> Iterator[tuple[str, str]]:
    yield "overflow", value


_SHORT: Mapping[str, Callable[[str], Iterator[tuple[str, str]]]] = {
    "background": _background,
    "font": _font,
    "padding": _padding,
    "border": _border,
    "border-width": _border_width,
    "overflow-y": _overflow,
    **{f"border-{side}": _border_of(side) for side in SIDES},
}

"""The ready looks of sign-up forms: named colours and shapes, and the one small stylesheet that a form loads.

The looks are data (``looks/``). The owner's colour is moved only as far as
people need to read it, on the hardest ground of that look, in light and dark.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from listkeeper.audience.forms.form_design import INKS, ButtonInk, Design, Look
from listkeeper.foundation import language
from listkeeper.rendering import colour

_FOLDER = Path(__file__).resolve().parent / "looks"
# What links, writing on links' grounds and edges stand on.
_GROUNDS = ("card", "note", "page")
_HASH_LENGTH = 12
Palette = Mapping[str, str]


@dataclass(frozen=True)
class _Drawn:
    """A look as its data file draws it."""

    rules: str
    ratio: float
    light: Palette
    dark: Palette


@cache
def _drawn() -> Mapping[str, _Drawn]:
    read = tomllib.loads((_FOLDER / "looks.toml").read_text(encoding="utf-8"))
    return {name: _Drawn(**said) for name, said in read.items()}


def names() -> dict[Look, tuple[str, str]]:
    """Return every look with what it is called and what it is like, in the language in use."""
    return {
        Look.BAND: (language.text("Band"), language.text("Your colour and name across the top.")),
        Look.CARD: (language.text("Card"), language.text("A plain white card; the colour is for the button alone.")),
        Look.QUIET: (language.text("Quiet"), language.text("Hardly any lines, much air.")),
        Look.WARM: (language.text("Warm"), language.text("Cream paper and a headline as in a book.")),
        Look.BOLD: (language.text("Bold"), language.text("Black on white and large: for the sun, and for weak eyes.")),
    }


def palette(look: Look, *, dark: bool) -> Palette:
    """Return the colours of a look."""
    drawn = _drawn()[look.value]
    return drawn.dark if dark else drawn.light


def owners(look: Look, accent: str, ink: ButtonInk, *, dark: bool) -> Palette:
    """Return the four colours that come of the owner's: button, its writing, links, edges."""
    drawn = _drawn()[look.value]
    colours = drawn.dark if dark else drawn.light
    grounds = sorted((colours[name] for name in _GROUNDS), key=lambda ground: colour.contrast(ground, colours["ink"]))
    hardest = grounds[0]
    brand, on_brand = _button(accent, ink, drawn.ratio)
    return {
        "brand": brand,
        "on-brand": on_brand,
        "accent": colour.readable_on(accent, hardest, drawn.ratio),
        "edge": colour.readable_on(brand, hardest, colour.AA_CONTROL),
    }


def _button(accent: str, ink: ButtonInk, ratio: float) -> tuple[str, str]:
    """Return the button and its writing; the colour moves away from the writing until that can be read."""
    if ink is not ButtonInk.AUTOMATIC:
        writing = INKS[ink]
    else:
        writing = "#ffffff" if colour.contrast("#ffffff", accent) >= colour.AA_TEXT else "#000000"
    return colour.readable_on(accent, writing, ratio), writing


@lru_cache(maxsize=64)
def css(look: Look, accent: str, ink: ButtonInk = ButtonInk.AUTOMATIC) -> str:
    """Return the stylesheet of a form: the look's colours with the owner's, and its shapes."""
    light, dark = (
        " ".join(
            f"--{name}: {value};"
            for name, value in (palette(look, dark=dim) | dict(owners(look, accent, ink, dark=dim))).items()  # type: ignore[operator]
        )
        for dim in (False, True)
    )
    rules = "".join(_rules(name) for name in ("shop", _drawn()[look.value].rules))
    return f":root {{ {light} }}\n@media (prefers-color-scheme: dark) {{ :root {{ {dark} }} }}\n{rules}"


@cache
def _rules(name: str) -> str:
    path = _FOLDER / f"{name}.css"
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def accent_of(design: Design, brand_colour: str) -> str:
    """Return the colour of a form: its own, or that of the business."""
    return design.accent or brand_colour


def digest(look: Look, accent: str, ink: ButtonInk) -> str:
    """Return a short name of a stylesheet's content, so that its address may be kept for ever."""
    return hashlib.sha256(css(look, accent, ink).encode()).hexdigest()[:_HASH_LENGTH]


def mended(design: Design, brand_colour: str) -> list[str]:
    """Say in words what is moved of the owner's colour, and why; nothing when it can be read as it is."""
    accent, said = accent_of(design, brand_colour), []
    light, dark = (owners(design.look, accent, design.button_ink, dark=dim) for dim in (False, True))
    if light["brand"] != accent:
        said.append(language.text("The button gets %(colour)s, so that its writing stands out.", colour=light["brand"]))
    if light["accent"] != accent:
        sentence = language.text(
            "Links get %(colour)s on light pages: in your own colour they could not be read.", colour=light["accent"]
        )
        said.append(sentence)
    if dark["accent"] != accent:
        sentence = language.text(
            "Links get %(colour)s on dark pages: in your own colour they could not be read.", colour=dark["accent"]
        )
        said.append(sentence)
    return said

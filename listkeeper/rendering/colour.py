"""Colours people can read: WCAG 2.2 contrast, and a brand colour that keeps to it.

An owner picks any colour. On paper it may be a pale yellow; as a link on a
white page nobody could read it. ``readable_on`` keeps the hue and moves the
lightness only as far as it must.
"""

from __future__ import annotations

import colorsys
import re

from listkeeper.foundation import language
from listkeeper.foundation.errors import Invalid
from listkeeper.standards import contrast as wcag

AA_TEXT = wcag.AA_TEXT
AA_CONTROL = wcag.AA_CONTROL
_HEX = re.compile(r"#[0-9a-fA-F]{6}")
_STEPS = 100


def checked(colour: str) -> str:
    """Return ``#rrggbb`` in lower case; raises Invalid for anything else."""
    if not _HEX.fullmatch(colour):
        sentence = language.text("%(colour)s is not a colour. Write # and six digits, as in #1f6f54.", colour=colour)
        raise Invalid("colour_unreadable", sentence)
    return colour.lower()


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours, 1 to 21 (WCAG 2.2, 1.4.3)."""
    return wcag.ratio(one, other)


def readable_on(colour: str, background: str, ratio: float = AA_TEXT) -> str:
    """Return the colour, darkened or lightened until it has ``ratio`` on the background."""
    red, green, blue = wcag.channels(checked(colour))
    hue, lightness, saturation = colorsys.rgb_to_hls(red, green, blue)
    target = 0.0 if contrast(background, "#000000") > contrast(background, "#ffffff") else 1.0
    for step in range(_STEPS + 1):
        moved = lightness + (target - lightness) * step / _STEPS
        candidate = _as_hex(*colorsys.hls_to_rgb(hue, moved, saturation))
        if contrast(candidate, background) >= ratio:
            return candidate
    raise ValueError(f"nothing is readable on {background} at {ratio}")


def _as_hex(red: float, green: float, blue: float) -> str:
    return "#" + "".join(f"{round(channel * 255):02x}" for channel in (red, green, blue))

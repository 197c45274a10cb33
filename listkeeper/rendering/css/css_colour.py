"""Colours as style sheets and old attributes write them, and what one is on top of another (CSS Color 4).

Hex, names, rgb() and hsl() are read; what depends on the program (system
colours) or on a profile (lab, color()) is not, and is None: unknown.
"""

from __future__ import annotations

import colorsys
import re
from functools import lru_cache
from typing import NamedTuple

from cssutils.css import colors as _named

_HEX = re.compile(r"#(?:[0-9a-f]{3,4}|[0-9a-f]{6}|[0-9a-f]{8})", re.IGNORECASE)
_BARE_HEX = re.compile(r"[0-9a-f]{3}|[0-9a-f]{6}", re.IGNORECASE)
_CALL = re.compile(r"(rgb|hsl)a?\(\s*+([^()]{1,80})\)", re.IGNORECASE)
_NUMBER = re.compile(r"([+-]?(?:\d++(?:\.\d++)?+|\.\d++))(%|deg|rad|turn|grad)?", re.IGNORECASE)
_TURN = {"deg": 360.0, "rad": 6.283185307179586, "turn": 1.0, "grad": 400.0}
# Level 4 has one more than the list.
_MORE = {"rebeccapurple": (0x66, 0x33, 0x99, 1.0)}
_LONGEST = 100
_FULL = 255.0


class Paint(NamedTuple):
    """A colour, each channel 0 to 255, and how much of it covers what lies under it, 0 to 1."""

    red: float
    green: float
    blue: float
    cover: float = 1.0

    @property
    def hex(self) -> str:
        """The colour as ``#rrggbb``, as if nothing shone through."""
        return _hex(*(int(channel + 0.5) for channel in self[:3]))

    def over(self, ground: Paint) -> Paint:
        """Return what is seen where this lies on a ground."""
        return self if self.cover >= 1 else self.mixed(ground, self.cover)

    def mixed(self, other: Paint, share: float) -> Paint:
        """Return this colour by a share, and another by the rest."""
        red, green, blue = (
            mine * share + theirs * (1 - share) for mine, theirs in zip(self[:3], other[:3], strict=True)
        )
        return Paint(red, green, blue)


@lru_cache(maxsize=1024)
def _hex(*channels: int) -> str:
    return "#" + "".join(f"{min(max(channel, 0), 255):02x}" for channel in channels)


CLEAR = Paint(0.0, 0.0, 0.0, 0.0)


@lru_cache(maxsize=1024)
def parse(said: str) -> Paint | None:
    """Return the colour of a CSS value, or None when it is none that can be known."""
    said = said.strip().lower()
    if len(said) > _LONGEST:
        return None
    if said in _named.COLORS or said in _MORE:
        red, green, blue, cover = _MORE.get(said) or _named.COLORS[said]
        return Paint(red, green, blue, cover)
    if _HEX.fullmatch(said):
        return _of_hex(said[1:])
    call = _CALL.fullmatch(said)
    return _called(call[1], call[2]) if call else None


def legacy(said: str) -> str:
    """Return the colour of an attribute such as ``bgcolor`` as CSS writes it."""
    return f"#{said.strip()}" if _BARE_HEX.fullmatch(said.strip()) else said.strip()


def _of_hex(digits: str) -> Paint:
    if len(digits) <= 4:  # noqa: PLR2004 - one digit a channel
        digits = "".join(2 * digit for digit in digits)
    channels = [int(digits[place : place + 2], 16) for place in range(0, len(digits), 2)]
    red, green, blue, cover = [*channels, 0xFF][:4]
    return Paint(red, green, blue, cover / _FULL)


def _called(kind: str, inside: str) -> Paint | None:
    words = re.sub(r"[,/]", " ", inside).split()
    found = [_NUMBER.fullmatch("0" if word == "none" else word) for word in words]
    numbers = [(float(one[1]), (one[2] or "").lower()) for one in found if one]
    if len(numbers) not in {3, 4} or len(numbers) != len(words):
        return None
    cover = _share(*numbers[3], whole=1.0) if len(numbers) > 3 else 1.0  # noqa: PLR2004
    if kind.lower() == "rgb":
        red, green, blue = (_FULL * _share(*one, whole=_FULL) for one in numbers[:3])
        return Paint(red, green, blue, cover)
    turn = numbers[0][0] / _TURN.get(numbers[0][1], 360.0) % 1.0
    saturation, lightness = (_share(*one, whole=100.0) for one in numbers[1:3])
    red, green, blue = (_FULL * channel for channel in colorsys.hls_to_rgb(turn, lightness, saturation))
    return Paint(red, green, blue, cover)


def _share(number: float, unit: str, *, whole: float) -> float:
    return min(max(number / (100.0 if unit == "%" else whole), 0.0), 1.0)

"""Contrast of two colours as WCAG 2.2 measures it (1.4.3, 1.4.11): a ratio from 1 to 21."""

from __future__ import annotations

AA_TEXT = 4.5
"""What text needs against its ground."""
AA_CONTROL = 3.0
"""What the edge of a field or a button needs."""


def ratio(one: str, other: str) -> float:
    """Return the contrast ratio of two colours written ``#rrggbb``."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    """Return the relative luminance, 0 to 1, as WCAG defines it for sRGB."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels(colour)]  # noqa: PLR2004
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def channels(colour: str) -> tuple[float, float, float]:
    """Return red, green and blue, each 0 to 1."""
    red, green, blue = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    return red, green, blue

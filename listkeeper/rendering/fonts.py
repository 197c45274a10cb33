"""Fonts that are on the reader's own machine: nothing is loaded, and each name has a family to fall back on."""

from __future__ import annotations

from listkeeper.foundation import language
from listkeeper.foundation.errors import Invalid

SYSTEM = "system"
STACKS: dict[str, str] = {
    SYSTEM: "-apple-system, BlinkMacSystemFont, Segoe UI, Roboto, Helvetica Neue, Helvetica, Arial, sans-serif",
    "arial": "Arial, Helvetica, sans-serif",
    "verdana": "Verdana, Geneva, DejaVu Sans, sans-serif",
    "tahoma": "Tahoma, Verdana, Geneva, sans-serif",
    "trebuchet": "Trebuchet MS, Lucida Grande, Lucida Sans Unicode, sans-serif",
    "georgia": "Georgia, Times New Roman, Times, serif",
    "times": "Times New Roman, Times, Liberation Serif, serif",
    "courier": "Courier New, Courier, Liberation Mono, monospace",
}
# The names that people know them by; they are alike in every language.
NAMES: dict[str, str] = {
    "arial": "Arial",
    "verdana": "Verdana",
    "tahoma": "Tahoma",
    "trebuchet": "Trebuchet",
    "georgia": "Georgia",
    "times": "Times New Roman",
    "courier": "Courier New",
}


def stack(name: str) -> str:
    """Return the families to try, in CSS; the system's own for a name nobody knows."""
    return STACKS.get(name, STACKS[SYSTEM])


def chosen(name: str) -> str:
    """Return the name of a font that was chosen. Raises Invalid when there is no such font."""
    if name not in STACKS:
        raise Invalid("font", language.text("Please choose one of the fonts that are offered. Nothing was saved."))
    return name


def said(name: str) -> str:
    """Return what a font is called."""
    return NAMES.get(name) or language.text("The font of each device")

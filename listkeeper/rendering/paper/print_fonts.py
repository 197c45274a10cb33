"""The fonts of what is printed: a part of DejaVu Sans with the alphabets of Europe, inside every file we make."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from threading import Lock

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont

FONTS = Path(__file__).resolve().parent / "fonts"
TEXT, BOLD, EXACT = "ListkeeperSans", "ListkeeperSans-Bold", "ListkeeperMono"
_registering = Lock()


@cache
def registered() -> dict[str, frozenset[int]]:
    """Register the fonts once per process and return the characters each can print."""
    files = {TEXT: "DejaVuSansCondensed.ttf", BOLD: "DejaVuSansCondensed-Bold.ttf", EXACT: "DejaVuSansMono.ttf"}
    with _registering:
        for name, file in files.items():
            pdfmetrics.registerFont(TTFont(name, str(FONTS / file)))
        pdfmetrics.registerFontFamily(TEXT, normal=TEXT, bold=BOLD, italic=TEXT, boldItalic=BOLD)
    return {name: frozenset(pdfmetrics.getFont(name).face.charToGlyph) for name in files}

"""A poster for a wall, a till or a table: what you get, a code to scan, an address to type; A4 and A6, ready to print.

Nothing stands closer to the edge than a home printer can print and a cutter
may miss. The code is drawn of lines, so it is sharp at any size, and the fonts
are in the file. A6 is A4 at half its size, so every letter is big enough.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.lib.utils import simpleSplit
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfgen.canvas import Canvas

from listkeeper.audience.signup_form import ShownForm
from listkeeper.audience.source import Source
from listkeeper.foundation import language
from listkeeper.rendering import colour
from listkeeper.rendering.paper import print_fonts, qr

_INK, _SOFT, _PAPER = "#23211e", "#57524b", "#ffffff"
_MARGIN = 14 * mm
_WIDTH = A4[0] - 2 * _MARGIN
_BAND = 25 * mm
_LARGEST_CODE = 150 * mm
_LEAST = 14


class PosterSize(StrEnum):
    """The paper."""

    A4 = "a4"
    A6 = "a6"


_SCALES = {PosterSize.A4: 1.0, PosterSize.A6: 0.5}


@dataclass(frozen=True)
class Poster:
    """All that stands on a poster, in the language of the form."""

    business: str
    headline: str
    line: str
    hint: str
    # What the code says, and how the same address is read and typed.
    address: str
    readable: str
    colour: str
    language: str


def of_source(found: Source, shown: ShownForm, address: str) -> Poster:
    """Return the poster of a source; its own words where it has some, else the form's headline and our line."""
    with language.using(shown.form.language):
        return Poster(
            business=shown.organisation.from_name,
            headline=found.headline or shown.version.title,
            line=found.line or language.text("Our letters by e-mail. You can stop at any time."),
            hint=language.text("Scan this with your phone, or type:"),
            address=address,
            readable=readable(address),
            colour=shown.organisation.brand_colour,
            language=shown.form.language,
        )


def readable(address: str) -> str:
    """Return an address as it is typed from paper: browsers add https:// themselves, and nothing else."""
    return address.removeprefix("https://")


def render(poster: Poster, size: PosterSize) -> bytes:
    """Return the PDF of a poster. The same poster makes the same bytes."""
    known = print_fonts.registered()
    scale = _SCALES[size]
    out = io.BytesIO()
    canvas = Canvas(
        out,
        pagesize=(A4[0] * scale, A4[1] * scale),
        invariant=1,
        initialFontName=print_fonts.TEXT,
        lang=poster.language,
    )
    canvas.setTitle(f"{poster.business}: {poster.headline}")
    canvas.setAuthor(poster.business)
    canvas.setCreator("listkeeper")
    canvas.scale(scale, scale)
    _Painter(canvas, known).paint(poster)
    canvas.showPage()
    canvas.save()
    return out.getvalue()


def _balanced(text: str, font: str, size: int, number: int) -> Sequence[str]:
    """Return so many lines of about the same length: no word stands alone in the last one."""
    for tenths in range(5, 10):
        lines: Sequence[str] = simpleSplit(text, font, size, _WIDTH * tenths / 10)
        if len(lines) == number:
            return lines
    return list(simpleSplit(text, font, size, _WIDTH))


class _Painter:
    """Draws from the top down on a sheet of A4, and gives the code whatever height is left."""

    def __init__(self, canvas: Canvas, known: dict[str, frozenset[int]]) -> None:
        self._canvas = canvas
        self._known = known

    def paint(self, poster: Poster) -> None:
        brand = colour.readable_on(poster.colour, _PAPER)
        top = A4[1] - _MARGIN
        top = self._lines(poster.business, print_fonts.BOLD, (26, 1), top, brand) - 7 * mm
        top = self._lines(poster.headline, print_fonts.BOLD, (46, 3), top, _INK) - 5 * mm
        top = self._lines(poster.line, print_fonts.TEXT, (23, 3), top, _SOFT) - 5 * mm
        self._band(poster)
        bottom = self._hint(poster.hint, _MARGIN + _BAND + 6 * mm)
        self._code(poster, top, bottom + 4 * mm)

    def _lines(self, text: str, font: str, largest: tuple[int, int], top: float, ink: str) -> float:
        """Write centred lines below ``top``, as large as fits, and return where they end."""
        size, lines = self._fitted(self._printable(text, font), font, *largest)
        self._canvas.setFillColor(HexColor(ink))
        self._canvas.setFont(font, size)
        for line in lines:
            top -= size * 1.2
            self._canvas.drawCentredString(A4[0] / 2, top + size * 0.22, line)
        return top

    def _fitted(self, text: str, font: str, largest: int, most: int) -> tuple[int, Sequence[str]]:
        for size in range(largest, _LEAST - 1, -1):
            lines = simpleSplit(text, font, size, _WIDTH)
            if len(lines) <= most and all(pdfmetrics.stringWidth(line, font, size) <= _WIDTH for line in lines):
                return size, _balanced(text, font, size, len(lines))
        # Longer than anybody reads on a wall: the paper holds so much of it.
        return _LEAST, simpleSplit(text, font, _LEAST, _WIDTH)[:most]

    def _printable(self, text: str, font: str) -> str:
        """Leave out what the font does not have, such as a smiley."""
        return " ".join("".join(char if ord(char) in self._known[font] else " " for char in text).split())

    def _band(self, poster: Poster) -> None:
        """Write the address to type into a band of the business's colour at the foot."""
        self._canvas.setFillColor(HexColor(poster.colour))
        self._canvas.roundRect(_MARGIN, _MARGIN, _WIDTH, _BAND, 4 * mm, stroke=0, fill=1)
        ink = _PAPER if colour.contrast(_PAPER, poster.colour) >= colour.AA_TEXT else "#000000"
        font, room = print_fonts.BOLD, _WIDTH - 10 * mm
        wide = pdfmetrics.stringWidth(poster.readable, font, 1)
        one_line = min(32, room / wide)
        # A long name of a host stands above its path: broken anywhere else it would be typed wrong.
        host, sign, path = poster.readable.rpartition("/s/")
        lines = [poster.readable] if one_line >= _LEAST + 4 or not sign else [host, f"/s/{path}"]
        size = min(32 if len(lines) == 1 else 22, *(room / pdfmetrics.stringWidth(line, font, 1) for line in lines))
        self._canvas.setFillColor(HexColor(ink))
        self._canvas.setFont(font, size)
        middle = _MARGIN + _BAND / 2 + (len(lines) - 1) * size * 0.6 - size * 0.36
        for number, line in enumerate(lines):
            self._canvas.drawCentredString(A4[0] / 2, middle - number * size * 1.2, line)

    def _hint(self, hint: str, bottom: float) -> float:
        size, lines = self._fitted(self._printable(hint, print_fonts.TEXT), print_fonts.TEXT, 20, 2)
        top = bottom + len(lines) * size * 1.2
        self._lines(hint, print_fonts.TEXT, (20, 2), top, _INK)
        return top

    def _code(self, poster: Poster, top: float, bottom: float) -> None:
        """Draw the code in the middle of what is left, its quiet zone inside a frame of the business's colour."""
        modules = qr.matrix(poster.address)
        room = min(top - bottom, _WIDTH, _LARGEST_CODE)
        left, low = (A4[0] - room) / 2, bottom + (top - bottom - room) / 2
        self._canvas.setStrokeColor(HexColor(colour.readable_on(poster.colour, _PAPER, 3.0)))
        self._canvas.setLineWidth(1.2 * mm)
        self._canvas.roundRect(left, low, room, room, 4 * mm, stroke=1, fill=0)
        side = room / len(modules)
        path = self._canvas.beginPath()
        for row, column, length in qr.runs(modules):
            path.rect(left + column * side, low + room - (row + 1) * side, length * side, side)
        self._canvas.setFillColor(HexColor("#000000"))
        self._canvas.drawPath(path, stroke=0, fill=1)

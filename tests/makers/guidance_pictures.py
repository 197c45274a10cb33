"""Draw the pictures of the guidance blocks: ``python -m tests.makers.guidance_pictures`` writes them anew.

Schematic, without words, names or marks of anybody: a place in a mail program
and where to press. Each stands on a ground of its own, so that it is seen on a
dark letter as on a light one. Drawn four times as large and made small, in few
colours: a letter loads two of them, 6 KB each at most.
"""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageDraw

from listkeeper.rendering import guidance

FOLDER = Path(__file__).resolve().parents[2] / "listkeeper" / "web" / "static" / "guidance"
# Twice the size it is shown in, for sharp screens.
SIZE = tuple(2 * side for side in guidance.PICTURE_SIZE)
_FINER = 4
_COLOURS = 24
_GROUND, _PAPER, _LINE, _INK = "#efede8", "#ffffff", "#c9c3b8", "#857f75"
_CHOSEN, _TINT = "#0b6e63", "#d8ece8"
_Box = tuple[float, float, float, float]


class _Sheet:
    """A drawing in units of the shown picture: 150 wide, 98 high."""

    def __init__(self) -> None:
        self.scale = 2 * _FINER
        width, height = guidance.PICTURE_SIZE
        self.image = Image.new("RGB", (width * self.scale, height * self.scale), _GROUND)
        self.pen = ImageDraw.Draw(self.image)

    def _at(self, *numbers: float) -> list[float]:
        return [number * self.scale for number in numbers]

    def box(self, place: _Box, fill: str = _PAPER, edge: str = _LINE, *, width: float = 1, round_: float = 3) -> None:
        at, thick = self._at(*place), round(width * self.scale)
        self.pen.rounded_rectangle(at, round_ * self.scale, fill=fill, outline=edge, width=thick)

    def bar(self, x: float, y: float, length: float, colour: str = _LINE, thick: float = 3) -> None:
        at = self._at(x, y - thick / 2, x + length, y + thick / 2)
        self.pen.rounded_rectangle(at, thick * self.scale / 2, fill=colour)

    def dot(self, x: float, y: float, size: float, fill: str = _LINE, edge: str | None = None) -> None:
        at = self._at(x - size, y - size, x + size, y + size)
        self.pen.ellipse(at, fill=fill, outline=edge, width=round(1.4 * self.scale))

    def way(self, *corners: tuple[float, float]) -> None:
        """A line with the head of an arrow at its end."""
        at = [tuple(self._at(*corner)) for corner in corners]
        self.pen.line(at, fill=_CHOSEN, width=round(2 * self.scale), joint="curve")
        (x, y), (before, beside) = corners[-1], corners[-2]
        along = (0.0, -1.0) if beside > y else (0.0, 1.0) if beside < y else (1.0 if before < x else -1.0, 0.0)
        tip = (x + 3 * along[0], y + 3 * along[1])
        wings = [(x - 3 * along[0] + 4 * side * along[1], y - 3 * along[1] + 4 * side * along[0]) for side in (1, -1)]
        self.pen.polygon([tuple(self._at(*corner)) for corner in (tip, *wings)], fill=_CHOSEN)

    def png(self) -> bytes:
        small = self.image.resize(SIZE, Image.Resampling.LANCZOS)
        kept = BytesIO()
        small.quantize(_COLOURS, dither=Image.Dither.NONE).save(kept, "PNG", optimize=True)
        return kept.getvalue()


def _window(sheet: _Sheet) -> None:
    sheet.box((4, 4, 146, 94), edge=_INK, width=1.4, round_=5)
    sheet.pen.line(sheet._at(4, 14, 146, 14), fill=_INK, width=sheet.scale)  # noqa: SLF001 - its own part
    for place in range(3):
        sheet.dot(11 + 6 * place, 9, 1.6)


def _rows(sheet: _Sheet, top: float, chosen: int, count: int = 4) -> None:
    for number in range(count):
        y = top + 13 * number
        mine = number == chosen
        sheet.box((10, y, 140, y + 10), _TINT if mine else _PAPER, _CHOSEN if mine else _LINE, round_=2)
        sheet.bar(16, y + 5, 30, _CHOSEN if mine else _INK)
        sheet.bar(54, y + 5, 60)


def _tabs(sheet: _Sheet, count: int) -> None:
    width = 128 / count
    for number in range(count):
        left = 10 + number * (width + 2 / count)
        first = number == 0
        place = (left, 19, left + width - 2, 32)
        sheet.box(place, _TINT if first else _PAPER, _CHOSEN if first else _LINE, width=1.6 if first else 1, round_=2)
        sheet.bar(left + 6, 25.5, width - 20, _CHOSEN if first else _LINE)


def _menu(sheet: _Sheet, place: _Box, lines: int, chosen: int) -> None:
    left, top, right, bottom = place
    sheet.box(place, edge=_INK, width=1.2)
    step = (bottom - top) / lines
    for number in range(lines):
        middle = top + step * (number + 0.5)
        if number == chosen:
            sheet.box((left + 2, middle - step / 2 + 1, right - 2, middle + step / 2 - 1), _CHOSEN, _CHOSEN, round_=2)
        sheet.bar(left + 6, middle, right - left - 14, _PAPER if number == chosen else _LINE)


def _phone(sheet: _Sheet) -> None:
    """The upper part of a telephone with an open mail: the three dots at its top are ringed."""
    sheet.box((30, 4, 120, 130), edge=_INK, width=1.6, round_=9)
    sheet.bar(67, 9, 16, thick=2)
    sheet.dot(107, 20, 7.5, _TINT, _CHOSEN)
    for place in range(3):
        sheet.dot(103 + 4 * place, 20, 1.2, _CHOSEN)
    sheet.bar(38, 20, 34, _INK, 4)
    for number, length in enumerate((58, 66, 50)):
        sheet.bar(38, 33 + 8 * number, length)


def _categories(sheet: _Sheet, left: float, middle: float, step: float) -> None:
    for number in range(4):
        first = number == 0
        sheet.dot(left + step * number, middle, 6.5 if first else 5, _CHOSEN if first else _LINE)


def _gmail_computer(sheet: _Sheet) -> None:
    _window(sheet)
    _tabs(sheet, 3)
    _rows(sheet, 38, 2)
    sheet.way((100, 68), (100, 46), (32, 46), (32, 37))


def _gmail_phone(sheet: _Sheet) -> None:
    _phone(sheet)
    _menu(sheet, (52, 40, 114, 88), 4, 0)


def _apple_phone(sheet: _Sheet) -> None:
    _phone(sheet)
    sheet.box((34, 56, 116, 90), edge=_INK, width=1.2, round_=5)
    sheet.bar(62, 62, 26, _INK)
    _categories(sheet, 46, 76, 19)


def _apple_computer(sheet: _Sheet) -> None:
    _window(sheet)
    _rows(sheet, 20, 1, 5)
    _menu(sheet, (34, 40, 84, 86), 4, 3)
    sheet.box((86, 64, 142, 88), edge=_INK, width=1.2, round_=4)
    _categories(sheet, 95, 76, 13)


def _outlook_computer(sheet: _Sheet) -> None:
    _window(sheet)
    _tabs(sheet, 2)
    _rows(sheet, 38, 0)
    _menu(sheet, (26, 46, 76, 88), 4, 1)
    _menu(sheet, (78, 54, 136, 88), 3, 2)


def _outlook_phone(sheet: _Sheet) -> None:
    _phone(sheet)
    _menu(sheet, (52, 40, 114, 88), 4, 2)


DRAWN: dict[str, Callable[[_Sheet], None]] = {
    "gmail-computer": _gmail_computer,
    "gmail-phone": _gmail_phone,
    "apple-phone": _apple_phone,
    "apple-computer": _apple_computer,
    "outlook-computer": _outlook_computer,
    "outlook-phone": _outlook_phone,
}


def draw(name: str) -> bytes:
    """Return one picture as a PNG."""
    sheet = _Sheet()
    DRAWN[name](sheet)
    return sheet.png()


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for each in DRAWN:
        (FOLDER / f"{each}.png").write_bytes(draw(each))

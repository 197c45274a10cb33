"""Charts: where the bars, lines and cells of a drawing stand; ``templates/studio/charts.html`` draws them.

Every chart carries its own table, so that no number is told by a drawing
alone. Across, things stand at shares of the width (per cent), so that one
drawing fits a telephone and a desk without its letters shrinking; down, they
stand at pixels. Nothing here is a word: titles and cells come in as they are
shown, translated and written as people of the language write numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

_BAR, _GAP, _WORDS = 18, 14, 20
# A drawing of lines: its height, and what is left above for the topmost number.
_HIGH, _ABOVE, _BELOW = 180, 22, 26
# More words under a chart than this run into each other on a telephone.
_STEPS_NAMED = 4
_STEPS_DOTTED = 26
_CELL = 26
# How many shades there are between nothing and all; the number in the cell says it exactly.
SHADES = 6
# Dashes tell lines apart where colour cannot; so many lines are all that anybody can follow.
MOST_LINES = 4


@dataclass(frozen=True)
class Told:
    """What a chart says in words: a title, a sentence for who cannot see it, and its table."""

    title: str
    sentence: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Bar:
    """One bar: ``left`` and ``wide`` in per cent of the width, ``down`` in pixels to the top of its words."""

    label: str
    said: str
    left: str
    wide: str
    down: int
    loss: bool


@dataclass(frozen=True)
class Bars:
    """Lying bars, each under its words; where some are losses a line stands at nothing."""

    told: Told
    high: int
    bars: Sequence[Bar]
    # Where nothing is, in per cent; None where every bar begins at the edge.
    zero: str | None


def bars(told: Told, values: Sequence[tuple[str, int, str]]) -> Bars:
    """Return bars for (label, number, the number as it is shown); numbers below nothing run to the other side."""
    least = min(0, *(number for _label, number, _said in values)) if values else 0
    most = max(0, *(number for _label, number, _said in values)) if values else 0
    span = most - least or 1
    zero = Fraction(-least, span)
    drawn = [
        Bar(
            label,
            said,
            _per_cent(zero - Fraction(max(0, -number), span)),
            _per_cent(Fraction(abs(number), span)),
            position * (_WORDS + _BAR + _GAP),
            number < 0,
        )
        for position, (label, number, said) in enumerate(values)
    ]
    high = max(1, len(values) * (_WORDS + _BAR + _GAP) - _GAP)
    return Bars(told, high, drawn, _per_cent(zero) if least < 0 else None)


@dataclass(frozen=True)
class Mark:
    """A word or number beside the drawing; ``side`` is SVG's text-anchor."""

    words: str
    across: str
    down: int
    side: str


@dataclass(frozen=True)
class Line:
    """One line in pieces: a step that is not known parts it. ``points`` are thousandths of the width and height."""

    name: str
    # 1 to 4: its colour and its dashes.
    look: int
    pieces: Sequence[str]
    # (across in per cent, down in pixels) of each step, while there are few enough to tell apart.
    dots: Sequence[tuple[str, int]]


@dataclass(frozen=True)
class Lines:
    """Lines over the same steps, with three level marks and as many words below as fit."""

    told: Told
    high: int
    above: int
    plot: int
    lines: Sequence[Line]
    levels: Sequence[Mark]
    steps: Sequence[Mark]


def lines(
    told: Told,
    steps: Sequence[str],
    series: Sequence[tuple[str, Sequence[int | None]]],
    said: Callable[[int], str] = str,
    top: int | None = None,
) -> Lines:
    """Return lines through (name, a number or None for each step); ``said`` writes a number, ``top`` is the height."""
    known = [number for _name, numbers in series for number in numbers if number is not None]
    most = top if top is not None else _round_up(max(known, default=0))
    last = max(1, len(steps) - 1)

    def place(position: int, number: int) -> tuple[Fraction, Fraction]:
        return Fraction(position, last), 1 - Fraction(min(max(number, 0), most), most)

    drawn = []
    for look, (name, numbers) in enumerate(series[:MOST_LINES], 1):
        places = [place(step, number) if number is not None else None for step, number in enumerate(numbers)]
        dotted = len(steps) <= _STEPS_DOTTED
        dots = [(_per_cent(at[0]), _ABOVE + round(at[1] * _HIGH)) for at in places if at is not None and dotted]
        drawn.append(Line(name, look, _pieces(places), dots))
    # Halves of an odd number would be told wrongly.
    halves = [most, most // 2, 0] if most % 2 == 0 else [most, 0]
    levels = [Mark(said(level), "0%", _ABOVE + round((1 - Fraction(level, most)) * _HIGH), "start") for level in halves]
    return Lines(told, _ABOVE + _HIGH + _BELOW, _ABOVE, _HIGH, drawn, levels, _named_steps(steps))


def _pieces(places: Sequence[tuple[Fraction, Fraction] | None]) -> list[str]:
    pieces: list[list[str]] = [[]]
    for at in places:
        if at is None:
            pieces.append([])
        else:
            pieces[-1].append(f"{round(at[0] * 1000)},{round(at[1] * 1000)}")
    return [" ".join(piece) for piece in pieces if len(piece) > 1]


def _named_steps(steps: Sequence[str]) -> list[Mark]:
    if not steps:
        return []
    last = len(steps) - 1
    named = sorted({round(part * last / max(1, min(_STEPS_NAMED, len(steps)) - 1)) for part in range(_STEPS_NAMED)})
    marks = []
    for step in (step for step in named if step <= last):
        side = "start" if step == 0 else "end" if step == last else "middle"
        marks.append(Mark(steps[step], _per_cent(Fraction(step, max(1, last))), _ABOVE + _HIGH + 18, side))
    return marks


def _round_up(most: int) -> int:
    """Return the next number that people think in: 1, 2, 4, 5 or 10 with noughts behind it, and its half is whole."""
    if most <= 2:  # noqa: PLR2004 - half of two is the last whole one
        return 2
    digit = int("1".ljust(len(str(most)), "0"))
    return next(step * digit for step in (1, 2, 4, 6, 8, 10) if step * digit >= most and step * digit % 2 == 0)


@dataclass(frozen=True)
class Cell:
    """One cell of a grid: what stands in it, and its share in thousandths, which shades it."""

    said: str
    per_mille: int


@dataclass(frozen=True)
class Shaded:
    """A cell where it is drawn; ``shade`` is 0 (nothing) to 5."""

    said: str
    across: str
    middle: str
    wide: str
    shade: int


@dataclass(frozen=True)
class GridRow:
    """One row: its words stand at the left."""

    label: str
    down: int
    cells: Sequence[Shaded]


@dataclass(frozen=True)
class Grid:
    """Rows of shaded cells, such as who of each month is still there."""

    told: Told
    high: int
    cell: int
    columns: Sequence[Mark]
    rows: Sequence[GridRow]


# What the words of a row take, in per cent: "Sept. 2026" on a telephone.
_LABEL = 24


def grid(told: Told, columns: Sequence[str], rows: Sequence[tuple[str, Sequence[Cell | None]]]) -> Grid:
    """Return a grid for (label, a cell for each column; None: that is still to come)."""
    least = min((cell.per_mille for _label, cells in rows for cell in cells if cell is not None), default=0)
    wide = Fraction(100 - _LABEL, 100 * max(1, len(columns)))
    start = Fraction(_LABEL, 100)
    heads = [
        Mark(word, _per_cent(start + wide * (number + Fraction(1, 2))), 14, "middle")
        for number, word in enumerate(columns)
    ]
    drawn = []
    for position, (label, cells) in enumerate(rows):
        shaded = [
            Shaded(
                cell.said,
                _per_cent(start + wide * number),
                _per_cent(start + wide * (number + Fraction(1, 2))),
                _per_cent(wide),
                shade(cell.per_mille, least),
            )
            for number, cell in enumerate(cells)
            if cell is not None
        ]
        drawn.append(GridRow(label, 22 + position * _CELL, shaded))
    return Grid(told, 22 + len(rows) * _CELL, _CELL, heads, drawn)


def shade(per_mille: int, least: int = 0) -> int:
    """Return the shade of a share: 0 for nothing, 1 for the least there is, 5 for all."""
    above, span = per_mille - least, 1001 - least
    return 0 if per_mille <= 0 else 1 + max(0, min(SHADES - 2, above * (SHADES - 1) // max(1, span)))


def _per_cent(share: Fraction) -> str:
    """Return a share of one as SVG writes it, exact to a hundredth of a per cent."""
    hundredths = round(share * 10000)
    whole, rest = divmod(abs(hundredths), 100)
    return f"{'-' if hundredths < 0 else ''}{whole}{f'.{rest:02}'.rstrip('0').rstrip('.') if rest else ''}%"

"""A profit scenario on paper: A4, a column for each channel, its numbers above and what comes of them below.

Set in the fonts that are inside every file of ours, so that it looks the same
everywhere, and with its text in reading order, so that it can be read aloud,
searched and copied. The same scenario makes the same bytes.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import Any
from xml.sax.saxutils import escape

from reportlab.lib.colors import HexColor
from reportlab.lib.enums import TA_LEFT, TA_RIGHT
from reportlab.lib.pagesizes import A4, landscape
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.platypus import (
    BaseDocTemplate,
    Flowable,
    Frame,
    KeepTogether,
    PageTemplate,
    Paragraph,
    Spacer,
    Table,
    TableStyle,
)

from listkeeper.accounts.organisation import Organisation
from listkeeper.foundation import language
from listkeeper.insight import profit_scenario, profit_words
from listkeeper.insight.profit_scenario import Outcome, ProfitScenario
from listkeeper.insight.profit_words import Line
from listkeeper.rendering.paper import print_fonts

_TEXT, _BOLD = print_fonts.TEXT, print_fonts.BOLD
_INK, _SOFT, _RULE, _TINT = HexColor("#23211e"), HexColor("#57524b"), HexColor("#d9d4ca"), HexColor("#f6f4ef")
_SIDE, _EDGE = 20 * mm, 18 * mm
# With more columns than these the sheet is turned.
_UPRIGHT = 3


def _style(name: str, font: str, size: float, **more: Any) -> ParagraphStyle:  # noqa: ANN401 - ReportLab's own options
    given = {"textColor": _INK, "alignment": TA_LEFT, "splitLongWords": True, "leading": size * 1.4} | more
    return ParagraphStyle(name, fontName=font, fontSize=size, **given)


_TITLE = _style("title", _BOLD, 20)
_KICKER = _style("kicker", _TEXT, 9, textColor=_SOFT)
_BODY = _style("body", _TEXT, 10.5, spaceAfter=4)
_HEADING = _style("heading", _BOLD, 13, spaceBefore=8, spaceAfter=4)
_LABEL = _style("label", _TEXT, 9, textColor=_SOFT)
_STRONG_LABEL = _style("strong label", _BOLD, 9)
_CELL = _style("cell", _TEXT, 9, alignment=TA_RIGHT)
_STRONG = _style("strong", _BOLD, 9.5, alignment=TA_RIGHT)
_SMALL = _style("small", _TEXT, 8, textColor=_SOFT)


def render(organisation: Organisation, scenario: ProfitScenario) -> bytes:
    """Return the PDF of a scenario, in the current language."""
    outcome = profit_scenario.outcome(profit_scenario.draft_of(scenario))
    columns = len(outcome.results) + (outcome.together is not None)
    size = A4 if columns <= _UPRIGHT else landscape(A4)
    out = io.BytesIO()
    document = BaseDocTemplate(
        out,
        pagesize=size,
        title=scenario.name,
        author=organisation.from_name,
        subject=language.text("What channels earn"),
        creator="listkeeper",
        lang=language.current(),
        initialFontName=_TEXT,
        invariant=1,
    )
    frame = Frame(_SIDE, _EDGE, size[0] - 2 * _SIDE, size[1] - 2 * _EDGE, 0, 0, 0, 0, id="page")
    document.addPageTemplates([PageTemplate(id="page", frames=[frame])])
    writer = _Writer(print_fonts.registered(), size[0] - 2 * _SIDE)
    document.build(list(writer.story(organisation, scenario, outcome)))
    return out.getvalue()


class _Writer:
    """Sets text; what no font of ours has is printed as a box."""

    def __init__(self, characters: dict[str, frozenset[int]], width: float) -> None:
        self._characters = characters
        self._width = width

    def story(self, organisation: Organisation, scenario: ProfitScenario, outcome: Outcome) -> Iterator[Flowable]:
        about = f"{organisation.from_name} · {language.day(scenario.changed_at.date())}"
        yield self._words(about, _KICKER)
        yield self._words(scenario.name, _TITLE)
        yield Spacer(0, 4 * mm)
        for sentence in profit_words.verdict(outcome):
            yield self._words(sentence, _BODY)
        names = [each.name for each in outcome.draft.channels]
        heading = self._words(language.text("What goes in"), _HEADING)
        yield KeepTogether([heading, self._table(names, profit_words.given(outcome))])
        both = [language.text("All together")] if outcome.together is not None else []
        heading = self._words(language.text("What comes of it"), _HEADING)
        yield KeepTogether([heading, self._table([*names, *both], profit_words.lines(outcome))])
        yield Spacer(0, 5 * mm)
        for sentence in profit_words.rules():
            yield self._words(sentence, _SMALL)

    def _words(self, text: str, style: ParagraphStyle) -> Paragraph:
        known = self._characters[style.fontName]
        return Paragraph(escape("".join(char if ord(char) in known else "�" for char in text)), style)

    def _table(self, names: Sequence[str], lines: Sequence[Line]) -> Flowable:
        label = self._width * (0.36 if len(names) <= _UPRIGHT else 0.22)
        head = [self._words("", _LABEL), *(self._words(name, _STRONG) for name in names)]
        rows = [
            [
                self._words(line.label, _STRONG_LABEL if line.strong else _LABEL),
                *(self._words(cell, _STRONG if line.strong else _CELL) for cell in line.cells),
            ]
            for line in lines
        ]
        widths = [label, *([(self._width - label) / len(names)] * len(names))]
        table = Table([head, *rows], colWidths=widths, repeatRows=1, hAlign="LEFT")
        strong = [("BACKGROUND", (0, row), (-1, row), _TINT) for row, line in enumerate(lines, 1) if line.strong]
        table.setStyle(
            TableStyle(
                [
                    ("FONTNAME", (0, 0), (-1, -1), _TEXT),
                    ("VALIGN", (0, 0), (-1, -1), "TOP"),
                    ("LEFTPADDING", (0, 0), (-1, -1), 3),
                    ("RIGHTPADDING", (0, 0), (-1, -1), 3),
                    ("TOPPADDING", (0, 0), (-1, -1), 3),
                    ("BOTTOMPADDING", (0, 0), (-1, -1), 3),
                    ("LINEBELOW", (0, 0), (-1, 0), 0.8, _INK),
                    ("LINEBELOW", (0, 1), (-1, -1), 0.3, _RULE),
                    *strong,
                ]
            )
        )
        return table

"""A certificate as PDF, for a printer, a file and a court: A4, page numbers, fonts inside, the same bytes each time.

The fonts are a part of DejaVu Sans with the alphabets of Europe. A character
that is in none of them is printed as a box; the HTML page and the JSON beside
the PDF hold it.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import Any
from xml.sax.saxutils import escape

from reportlab.lib.colors import HexColor
from reportlab.lib.enums import TA_LEFT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    BaseDocTemplate,
    CondPageBreak,
    Flowable,
    Frame,
    HRFlowable,
    KeepTogether,
    PageTemplate,
    Paragraph,
    Spacer,
    Table,
    TableStyle,
)

from listkeeper.audience.proof.certificate import Certificate
from listkeeper.rendering.paper import certificate_paper, print_fonts
from listkeeper.rendering.paper.certificate_paper import Entry, Letters, Paper, Row, Section
from listkeeper.rendering.paper.certificate_paper import Frame as Shown

_TEXT, _BOLD, _EXACT = print_fonts.TEXT, print_fonts.BOLD, print_fonts.EXACT
_INK, _SOFT, _LINE, _TINT = HexColor("#23211e"), HexColor("#6a655d"), HexColor("#d9d4ca"), HexColor("#f6f4ef")
_TONES = {"good": HexColor("#1f6b45"), "warn": HexColor("#8a5a00"), "bad": HexColor("#9b2c2c"), "quiet": _SOFT}
_SIDE, _TOP, _BOTTOM = 22 * mm, 20 * mm, 24 * mm
_WIDTH = A4[0] - 2 * _SIDE
_LABEL = 38 * mm


def _style(name: str, font: str, size: float, leading: float, **more: Any) -> ParagraphStyle:  # noqa: ANN401
    given = {"textColor": _INK, "alignment": TA_LEFT, "splitLongWords": True} | more
    return ParagraphStyle(name, fontName=font, fontSize=size, leading=leading, **given)


_KICKER = _style("kicker", _TEXT, 8.5, 12, textColor=_SOFT)
_TITLE = _style("title", _BOLD, 22, 27, spaceAfter=2)
_SUBJECT = _style("subject", _EXACT, 12, 17, wordWrap="CJK")
_HEADING = _style("heading", _BOLD, 14, 18)
_EVENT = _style("event", _BOLD, 9.5, 13)
_BODY = _style("body", _TEXT, 9, 13)
_SMALL = _style("small", _TEXT, 8, 11, textColor=_SOFT)
_LABELS = _style("label", _TEXT, 8, 12, textColor=_SOFT)
_VALUE = _style("value", _TEXT, 8.5, 12)
_CODE = _style("code", _EXACT, 7.2, 12, wordWrap="CJK")
_TINY = _style("tiny", _EXACT, 6.4, 9.5, wordWrap="CJK")
_QUOTE = _style("quote", _TEXT, 10.5, 15.5)
_BUTTON = _style("button", _BOLD, 10, 13)


def _table_style(commands: Sequence[tuple[Any, ...]]) -> TableStyle:
    """Return a style whose empty corners, too, are set in our font: ReportLab's own is not in the file."""
    return TableStyle([("FONTNAME", (0, 0), (-1, -1), _TEXT), *commands])


def render(certificate: Certificate) -> bytes:
    """Return the PDF. The same certificate makes the same bytes, wherever and whenever."""
    paper = certificate_paper.lay_out(certificate)
    characters = print_fonts.registered()
    out = io.BytesIO()
    document = BaseDocTemplate(
        out,
        pagesize=A4,
        leftMargin=_SIDE,
        rightMargin=_SIDE,
        topMargin=_TOP,
        bottomMargin=_BOTTOM,
        title=f"{paper.title}: {paper.subject}",
        author=certificate.controller.name,
        subject=paper.disclaimer,
        creator="listkeeper",
        lang=paper.language,
        initialFontName=_TEXT,
        invariant=1,
    )
    frame = Frame(_SIDE, _BOTTOM, _WIDTH, A4[1] - _TOP - _BOTTOM, 0, 0, 0, 0, id="page")
    document.addPageTemplates([PageTemplate(id="page", frames=[frame])])
    writer = _Writer(characters)
    document.build(list(writer.story(paper)), canvasmaker=_numbered(writer, paper))
    return out.getvalue()


class _Writer:
    """Turns the paper into what ReportLab sets on pages, with characters no font has shown as a box."""

    def __init__(self, characters: dict[str, frozenset[int]]) -> None:
        self._characters = characters

    def story(self, paper: Paper) -> Iterator[Flowable]:
        yield self.words(paper.made, _KICKER)
        yield self.words(paper.title, _TITLE)
        yield self.words(paper.subject, _SUBJECT)
        yield Spacer(0, 4 * mm)
        yield HRFlowable(width="100%", thickness=0.8, color=_INK, spaceBefore=0, spaceAfter=4 * mm)
        yield self._rows(paper.rows)
        yield Spacer(0, 3 * mm)
        yield self.words(paper.disclaimer, _SMALL)
        for section in paper.sections:
            yield from self._section(section)
        yield from self._standing(paper)
        yield from self._checking(paper)

    def words(self, text: str, style: ParagraphStyle) -> Paragraph:
        """Return a paragraph of plain text; its line breaks stay."""
        return Paragraph("<br/>".join(escape(line) for line in self.printable(text, style.fontName).split("\n")), style)

    def printable(self, text: str, font: str) -> str:
        """Return the text with a box for every character that the font does not have."""
        known = self._characters[font]
        return "".join(char if char == "\n" or ord(char) in known else "�" for char in text)

    def _rows(self, rows: Sequence[Row], width: float = _WIDTH) -> Flowable:
        if not rows:
            return Spacer(0, 0)
        cells = [
            [self.words(row.label, _LABELS), self.words(row.value, _CODE if row.exact else _VALUE)] for row in rows
        ]
        label = min(_LABEL, width * 0.34)
        table = Table(cells, colWidths=[label, width - label], splitInRow=1)
        table.setStyle(
            _table_style(
                [
                    ("VALIGN", (0, 0), (-1, -1), "TOP"),
                    ("LEFTPADDING", (0, 0), (-1, -1), 0),
                    ("RIGHTPADDING", (0, 0), (-1, -1), 6),
                    ("TOPPADDING", (0, 0), (-1, -1), 1),
                    ("BOTTOMPADDING", (0, 0), (-1, -1), 1),
                ]
            )
        )
        return table

    def _heading(self, title: str, mark: str = "", tone: str = "quiet") -> Flowable:
        side = ParagraphStyle("mark", parent=_EVENT, textColor=_TONES[tone], alignment=2)
        head = Table([[self.words(title, _HEADING), self.words(mark, side)]], colWidths=[_WIDTH * 0.62, _WIDTH * 0.38])
        head.setStyle(
            _table_style(
                [
                    ("VALIGN", (0, 0), (-1, -1), "BOTTOM"),
                    ("LEFTPADDING", (0, 0), (-1, -1), 0),
                    ("RIGHTPADDING", (0, 0), (-1, -1), 0),
                    ("BOTTOMPADDING", (0, 0), (-1, -1), 5),
                    ("LINEBELOW", (0, 0), (-1, -1), 0.8, _INK),
                ]
            )
        )
        return head

    def _section(self, section: Section) -> Iterator[Flowable]:
        yield Spacer(0, 9 * mm)
        yield CondPageBreak(55 * mm)
        yield self._heading(section.title, section.mark, section.tone)
        yield Spacer(0, 2 * mm)
        yield self._rows(section.rows)
        for position, entry in enumerate(section.entries):
            # Right below a heading its own line is enough.
            yield from self._entry(entry, ruled=bool(section.rows) or position > 0)
        for letters in section.letters:
            yield from self._letters(letters)

    def _entry(self, entry: Entry, *, ruled: bool) -> Iterator[Flowable]:
        yield Spacer(0, (4 if ruled else 1) * mm)
        rule = HRFlowable(width="100%", thickness=0.4, color=_LINE, spaceBefore=0, spaceAfter=2 * mm)
        head = [*([rule] if ruled else []), self.words(entry.when, _KICKER), self.words(entry.title, _EVENT)]
        if entry.note:
            head.append(self.words(entry.note, ParagraphStyle("note", parent=_VALUE, textColor=_TONES["warn"])))
        yield KeepTogether([*head, Spacer(0, 1 * mm), self._rows(entry.rows)])
        for shown in entry.frames:
            yield Spacer(0, 2.5 * mm)
            yield KeepTogether([self._frame(shown)])

    def _frame(self, shown: Shown) -> Flowable:
        inner = _WIDTH - 12 * mm
        cells: list[list[Flowable]] = [[self.words(shown.title, _SMALL)]]
        cells += [[self.words(sentence, _QUOTE)] for sentence in shown.sentences]
        cells.append([self._button(shown.button)])
        cells.append([self._rows(shown.rows, inner)])
        table = Table(cells, colWidths=[_WIDTH], splitInRow=1)
        table.setStyle(
            _table_style(
                [
                    ("BOX", (0, 0), (-1, -1), 0.8, _LINE),
                    ("BACKGROUND", (0, 0), (-1, -1), _TINT),
                    ("LINEBEFORE", (0, 0), (0, -1), 2.4, _INK),
                    ("LEFTPADDING", (0, 0), (-1, -1), 6 * mm),
                    ("RIGHTPADDING", (0, 0), (-1, -1), 6 * mm),
                    ("TOPPADDING", (0, 0), (-1, -1), 3),
                    ("TOPPADDING", (0, 0), (-1, 0), 9),
                    ("BOTTOMPADDING", (0, 0), (-1, -1), 4),
                    ("BOTTOMPADDING", (0, -1), (-1, -1), 9),
                ]
            )
        )
        return table

    def _button(self, label: str) -> Flowable:
        words = self.words(label, _BUTTON)
        wide = pdfmetrics.stringWidth(self.printable(label, _BOLD), _BOLD, _BUTTON.fontSize) + 20
        box = Table([[words]], colWidths=[min(wide, _WIDTH - 14 * mm)], hAlign="LEFT")
        box.setStyle(
            _table_style(
                [
                    ("BOX", (0, 0), (-1, -1), 0.8, _INK),
                    ("ROUNDEDCORNERS", [4, 4, 4, 4]),
                    ("LEFTPADDING", (0, 0), (-1, -1), 9),
                    ("RIGHTPADDING", (0, 0), (-1, -1), 9),
                    ("TOPPADDING", (0, 0), (-1, -1), 4),
                    ("BOTTOMPADDING", (0, 0), (-1, -1), 5),
                ]
            )
        )
        return box

    def _letters(self, letters: Letters) -> Iterator[Flowable]:
        yield Spacer(0, 6 * mm)
        yield CondPageBreak(30 * mm)
        yield self.words(letters.title, _EVENT)
        yield Spacer(0, 1.5 * mm)
        lines = [
            [self.words(when, _CODE), self.words(subject, _VALUE), self.words(became, _SMALL)]
            for when, subject, became in letters.lines
        ]
        yield self._table(letters.heads, lines, (_WIDTH * 0.29, _WIDTH * 0.33, _WIDTH * 0.38))

    def _table(self, heads: Sequence[str], lines: Sequence[Sequence[Flowable]], widths: Sequence[float]) -> Flowable:
        table = Table(
            [[self.words(head, _LABELS) for head in heads], *lines], colWidths=widths, repeatRows=1, splitInRow=1
        )
        table.setStyle(
            _table_style(
                [
                    ("VALIGN", (0, 0), (-1, -1), "TOP"),
                    ("LEFTPADDING", (0, 0), (-1, -1), 0),
                    ("RIGHTPADDING", (0, 0), (-1, -1), 6),
                    ("TOPPADDING", (0, 0), (-1, -1), 2.5),
                    ("BOTTOMPADDING", (0, 0), (-1, -1), 2.5),
                    ("LINEBELOW", (0, 0), (-1, 0), 0.8, _INK),
                    ("LINEBELOW", (0, 1), (-1, -1), 0.3, _LINE),
                ]
            )
        )
        return table

    def _standing(self, paper: Paper) -> Iterator[Flowable]:
        yield Spacer(0, 9 * mm)
        body = self._rows(paper.standing) if paper.standing else self.words(paper.standing_none, _VALUE)
        yield KeepTogether([self._heading(paper.standing_title), Spacer(0, 2 * mm), body])

    def _checking(self, paper: Paper) -> Iterator[Flowable]:
        yield Spacer(0, 9 * mm)
        yield CondPageBreak(70 * mm)
        yield self._heading(paper.checking_title)
        for sentence in paper.checking:
            yield Spacer(0, 2 * mm)
            yield self.words(sentence, _BODY)
        yield Spacer(0, 3 * mm)
        yield self._rows(paper.position)
        yield Spacer(0, 3 * mm)
        lines = [[self.words(cell, _TINY) for cell in line] for line in paper.hashes]
        yield self._table(paper.hash_heads, lines, (_WIDTH * 0.08, _WIDTH * 0.31, _WIDTH * 0.61))


def _numbered(writer: _Writer, paper: Paper) -> type[Canvas]:
    """Return a canvas that writes "page 2 of 5" once it knows that there are five."""

    class Numbered(Canvas):  # type: ignore[misc]
        def __init__(self, *rest: Any, **options: Any) -> None:  # noqa: ANN401
            super().__init__(*rest, **options)
            self._pages: list[dict[str, Any]] = []

        def showPage(self) -> None:  # noqa: N802 - ReportLab's own name
            self._pages.append(dict(self.__dict__))
            self._startPage()

        def save(self) -> None:
            for number, page in enumerate(self._pages, 1):
                self.__dict__.update(page)
                self._foot(number)
                super().showPage()
            super().save()

        def _foot(self, number: int) -> None:
            counted = paper.page.replace("{number}", str(number)).replace("{total}", str(len(self._pages)))
            self.setStrokeColor(_LINE)
            self.setLineWidth(0.4)
            self.line(_SIDE, _BOTTOM - 6 * mm, A4[0] - _SIDE, _BOTTOM - 6 * mm)
            self.setFillColor(_SOFT)
            self.setFont(_TEXT, 7.5)
            self.drawString(_SIDE, _BOTTOM - 10.5 * mm, writer.printable(paper.footer, _TEXT))
            self.drawRightString(A4[0] - _SIDE, _BOTTOM - 10.5 * mm, writer.printable(counted, _TEXT))

    return Numbered

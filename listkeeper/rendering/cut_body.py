"""The body of a letter, cut once: bytes that all its readers share, and the few lines that are made for each."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from liquid import BoundTemplate
from markupsafe import escape

from listkeeper.rendering import (
    counted_links,
    filling,
    guidance,
    liquid_cut,
    live_lines,
    merge_tags,
    message,
    plain_text,
    question_block,
    quoted_printable,
    told,
    unseen,
)
from listkeeper.rendering.compiled import CompiledLetter
from listkeeper.rendering.content import Reader
from listkeeper.rendering.liquid_cut import LiquidPart, Looked
from listkeeper.rendering.live_lines import Fixed, NotThisWay, Piece, Place, Skeleton
from listkeeper.standards import dkim_canonical, plain_lines

_SOFT_BREAK = b"=\r\n"


class Shape(NamedTuple):
    """What the readers of one cut have in common.

    The guidance block they see, whether they are asked a question, whether
    their links are counted, and whether there is something that nobody sees.
    """

    tab: str
    asked: bool
    counted: bool
    unseen: bool = False

    @classmethod
    def of(cls, reader: Reader) -> Shape:
        """Return the shape of the letter a reader gets."""
        counted, unseen_too = reader.counted is not None, reader.unseen is not None
        return cls(filling.tab_of(reader), reader.asked is not None, counted, unseen_too)


class Live(NamedTuple):
    """What differs in the body of one reader: live lines, encoded, and ends of lines by where they go.

    ``encoded`` is all of the lines.
    """

    lines: list[bytes]
    tails: list[tuple[int, bytes]]
    encoded: bytes


class _Plain(dict[bytes, bool]):
    """Whether the ends of lines are plain, of all there ever were."""

    def __missing__(self, tail: bytes) -> bool:
        """Look at one that is new."""
        made = self[tail] = plain_lines.are_plain(tail)
        return made


class _Squeezed(dict[bytes, bytes]):
    """The relaxed form of every end of a line there ever was."""

    def __missing__(self, tail: bytes) -> bytes:
        """Make the form of one that is new."""
        made = self[tail] = dkim_canonical.squeezed(tail)
        return made


class CutBody:
    """Both parts of a letter in one shape."""

    def __init__(self, compiled: CompiledLetter, shape: Shape, boundary: str) -> None:
        self._compiled = compiled
        self._tab = shape.tab
        templates = filling.templates_of(compiled, counted=shape.counted)
        self._html_part = part("html tags", compiled, templates.html, escaped=True)
        self._text_part = part("text tags", compiled, templates.text)
        html = live_lines.of_html(_page(compiled, shape, self._html_part))
        text = live_lines.of_text(_plain(compiled, shape, self._text_part), plain_text.without_holes)
        places = list(dict.fromkeys(piece for piece in (*text.pieces, *html.pieces) if isinstance(piece, Place)))
        self._asks = [place.said for place in places]
        self._text = Skeleton(text.pieces, places)
        self._html = Skeleton(html.pieces, places)
        fixed = [*text.fixed, Fixed(None, b"\r\n" + message.opening(boundary, "text/html")), *html.fixed]
        self._marks = len(fixed)
        self._tails = [(number, each.tail) for number, each in enumerate(fixed) if each.tail is not None]
        opening, closing = message.opening(boundary, "text/plain"), b"\r\n" + message.closing(boundary)
        # Between two live pieces there is room for the end of a line, and then whole lines.
        around = [piece for each in fixed for piece in (b"", b"", each.encoded)]
        self._wire = [opening, *around, b"", closing]
        self._is_plain = all(map(plain_lines.are_plain, self._wire))
        self._plain = _Plain()
        self._squeezed = _Squeezed()
        self._relaxed = [dkim_canonical.squeezed(piece) for piece in self._wire]

    def live(self, values: Mapping[str, Any], slots: Mapping[str, str], reader: Reader) -> Live:
        """Return what differs for a reader; ``values`` and ``slots`` are what ``told`` says.

        Raises NotThisWay, and what Liquid and the encoder raise.
        """
        asked = reader.asked
        hers = (self._tab, asked, slots["preferences"])
        found = {
            **values,
            "slot": slots,
            "text": {
                "reason": plain_text.wrapped(reader.reason),
                "question": question_block.text(asked) if asked else "",
            },
            "html": {
                "question": filling.question(self._compiled, asked),
                "unseen": unseen.html(reader.unseen) if reader.unseen else "",
            },
            self._html_part.name: self._html_part.rendered(filling.with_html(self._compiled, values, *hers)),
            self._text_part.name: self._text_part.rendered(filling.with_text(self._compiled, values, *hers)),
        }
        said = [ask(found) for ask in self._asks]
        said.append("")
        text, html = self._text.fill(said), self._html.fill(said)
        self._text_part.demand_room(text)
        self._html_part.demand_room(html)
        encoded = quoted_printable.encode(f"{plain_text.tidy(text)}{live_lines.MARKED_LINE}{html}")
        return self._apart(encoded)

    def _apart(self, encoded: bytes) -> Live:
        lines = encoded.split(live_lines.ENCODED_MARK)
        if len(lines) != self._marks + 1:
            raise NotThisWay
        tails = []
        for number, tail in self._tails:
            line = lines[number]
            if line.endswith(_SOFT_BREAK):
                # It was broken for the mark, which was longer than what follows.
                line = lines[number] = line.removesuffix(_SOFT_BREAK)
            tails.append((3 * number + 2, tail[len(line) - line.rfind(b"\n") - 1]))
        return Live(lines, tails, encoded)

    def wire(self, live: Live) -> list[bytes]:
        """Return the body as it travels, in pieces."""
        return _joined(self._wire, live.lines, live.tails)

    def is_plain(self, live: Live) -> bool:
        """Return whether the body is made of ``plain_lines`` alone; what was encoded has no bare line end."""
        encoded = live.encoded
        lines = self._is_plain and not encoded.startswith(b".") and b"\n." not in encoded
        return lines and all(self._plain[tail] for _place, tail in live.tails)

    def relaxed(self, live: Live) -> list[bytes]:
        """Return the body in the form that is signed, in pieces."""
        lines = live.lines if _is_squeezed(live.encoded) else [dkim_canonical.squeezed(line) for line in live.lines]
        return _joined(self._relaxed, lines, [(place, self._squeezed[tail]) for place, tail in live.tails])


def _is_squeezed(encoded: bytes) -> bool:
    """Return whether lines are signed as they stand; quoted-printable has no white space at the end of a line."""
    return b"  " not in encoded and b"\t" not in encoded


def _joined(around: list[bytes], lines: Sequence[bytes], tails: Sequence[tuple[int, bytes]]) -> list[bytes]:
    pieces = around.copy()
    pieces[1::3] = lines
    for place, tail in tails:
        pieces[place] = tail
    return pieces


def part(name: str, compiled: CompiledLetter, template: BoundTemplate | str, *, escaped: bool = False) -> LiquidPart:
    """Cut one template of a letter."""
    known: dict[str, Collection[str]] = {}
    constant: dict[str, Mapping[str, str]] = {}
    sources = (compiled.subject, compiled.preheader, compiled.html_body, compiled.text_body)
    if not any(map(merge_tags.takes_a_root, sources)):
        links = (*told.LINKS, *compiled.own_links, *map(counted_links.name, range(len(compiled.links))))
        known = {"subscriber": filling.templates_of(compiled).profile_keys, "links": links}
        # A subject cannot ask for itself.
        known["letter"] = () if name == "subject" else ("subject",)
        constant = {"sender": {"name": compiled.sender_name}}
    return liquid_cut.cut(name, template, known=known, constant=constant, escaped=escaped)


def _page(compiled: CompiledLetter, shape: Shape, body: LiquidPart) -> Iterator[Piece]:
    """Return the HTML in pieces; what ``filling.fill`` puts into its slots stands there, or a place for it."""
    same = {name: str(escape(text)) for name, text in _same(compiled).items()}
    last = len(compiled.html_frame.pieces) - 1
    for number, piece in enumerate(compiled.html_frame.pieces):
        if number == last and shape.unseen:
            before, after = unseen.split(piece)
            yield from (before, Looked("html", "unseen"), after)
        elif number % 2 == 0:
            yield piece
        elif piece == "body":
            yield from body.pieces
        elif piece == "question":
            yield Looked("html", "question") if shape.asked else ""
        elif piece == "tab":
            yield from _guidance(compiled.html_tabs.get(shape.tab, ""), escaped=True)
        else:
            yield same[piece] if piece in same else Looked("slot", piece, escaped=True)


def _plain(compiled: CompiledLetter, shape: Shape, body: LiquidPart) -> Iterator[Piece]:
    """Return the text in pieces."""
    same = _same(compiled)
    for number, piece in enumerate(compiled.text_frame.pieces):
        if number % 2 == 0:
            yield piece
        elif piece == "body":
            yield from body.pieces
        elif piece == "question":
            yield Looked("text", "question") if shape.asked else ""
        elif piece == "tab":
            yield from _guidance(compiled.text_tabs.get(shape.tab, ""), escaped=False)
        elif piece == "reason":
            yield Looked("text", "reason")
        else:
            yield same[piece] if piece in same else Looked("slot", piece)


def _guidance(block: str, *, escaped: bool) -> Iterator[Piece]:
    """Return the guidance block in pieces: in it stands where the reader says that it is done."""
    before, *rest = block.split(guidance.OWN_PAGE)
    yield before
    for after in rest:
        yield Looked("slot", "preferences", escaped=escaped)
        yield after


def _same(compiled: CompiledLetter) -> dict[str, str]:
    """Return the subject and the preheader where no tag stands in them."""
    templates = filling.templates_of(compiled)
    each = {"subject": templates.subject, "preheader": templates.preheader}
    return {name: told.line(text, name) for name, text in each.items() if isinstance(text, str)}

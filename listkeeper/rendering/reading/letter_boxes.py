"""How large the things in a letter are on a phone: what people tap, and how much of the letter is pictures.

Nothing is laid out: a height is that of the lines, the padding and the borders
that are said, a picture's that of its own numbers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from listkeeper.rendering.css import css_colour
from listkeeper.rendering.css.css_media import Screen
from listkeeper.rendering.reading import letter_colours, letter_sizes
from listkeeper.rendering.reading.letter_cascade import Matched, Said, Styles
from listkeeper.rendering.reading.letter_sizes import Sizes
from listkeeper.rendering.reading.letter_tree import Node, Page

TARGET = 44.0
PHONE, SHEET = 390, 600.0
# A picture that does not say how high it is, as most are; and a letter's width in its own height.
_LIKELY_SHAPE, _LETTER = 0.6, 0.5
_ICON = 48.0
_EDGES = {"thin": "1px", "medium": "3px", "thick": "5px"}
_BLOCKY = frozenset(
    {"block", "inline-block", "flex", "inline-flex", "table", "inline-table", "table-cell", "list-item"}
)
_LINKS = frozenset({"a", "button", "input"})


class Target(NamedTuple):
    """A button or icon, and how large it is at least, in px."""

    number: int
    high: float
    wide: float
    is_button: bool


@dataclass
class Boxes:
    """What was measured of a letter. ``pictured`` is the share of its area that is pictures, 0 to 1."""

    seen: list[bool] = field(default_factory=list)
    targets: list[Target] = field(default_factory=list)
    words: int = 0
    pictured: float = 0.0


def of(matched: Matched) -> Boxes:
    """Return what people see and tap of a letter on a phone, in light."""
    page = matched.page
    styles = matched.on(Screen(dark=False, width=PHONE))
    shown = letter_colours.of(page, styles, dark=False)
    sizes = letter_sizes.of(page, styles)
    boxes = Boxes([one.seen and one.visible for one in shown])
    boxes.targets = list(_targets(page, styles, sizes, boxes.seen))
    texts = [(number, text) for number, text in page.pieces if boxes.seen[number] and sizes.font[number] > 2]  # noqa: PLR2004
    boxes.words = sum(len(text.split()) for _, text in texts)
    written = sum(
        len(" ".join(text.split())) * sizes.font[number] * _LETTER * sizes.line_px(number) for number, text in texts
    )
    painted = sum(
        _area(styles.own[node.number]) for node in page.nodes if node.tag == "img" and boxes.seen[node.number]
    )
    boxes.pictured = painted / (painted + written) if painted else 0.0
    return boxes


def _area(own: Said) -> float:
    wide, high = (letter_sizes.px(own.get(name, ""), letter_sizes.ROOT_PX) for name in ("width", "height"))
    if wide is None:
        wide = SHEET if high is None else min(high / _LIKELY_SHAPE, SHEET)
    if high is None:
        high = wide * _LIKELY_SHAPE
    return 0.0 if wide <= _ICON and high <= _ICON else min(wide, SHEET) * high


def _targets(page: Page, styles: Styles, sizes: Sizes, seen: list[bool]) -> Iterator[Target]:
    nearest = page.nearest(_LINKS)
    words = {nearest[number] for number, _ in page.pieces if nearest[number] >= 0}
    pictures: dict[int, Node] = {}
    for node in page.nodes:
        if node.tag == "img" and nearest[node.number] >= 0 and seen[node.number]:
            pictures.setdefault(nearest[node.number], node)
    for node in page.nodes:
        if node.tag not in _LINKS or not seen[node.number] or (node.tag == "a" and "href" not in node.attributes):
            continue
        if node.tag == "input" and node.get("type").lower() not in {"submit", "reset", "button"}:
            continue
        own = styles.own[node.number]
        picture = pictures.get(node.number)
        if node.number not in words and picture is not None:
            yield _icon(node, own, styles.own[picture.number], sizes)
        elif _is_button(page, node, styles):
            yield Target(node.number, _high(node, own, sizes), TARGET, is_button=True)


def _icon(node: Node, own: Said, picture: Said, sizes: Sizes) -> Target:
    """Measure a picture alone in a link by what it says; where it says nothing it is taken as large enough."""
    font = sizes.font[node.number]
    wide, high = (letter_sizes.px(picture.get(name, ""), font) for name in ("width", "height"))
    if high is None:
        high = wide
    around = sum(_side(own, f"padding-{side}", font) for side in ("top", "bottom"))
    beside = sum(_side(own, f"padding-{side}", font) for side in ("left", "right"))
    return Target(
        node.number,
        TARGET if high is None else high + around,
        TARGET if wide is None else wide + beside,
        is_button=False,
    )


def _is_button(page: Page, node: Node, styles: Styles) -> bool:
    """Whether a link looks like a button: a ground or an edge of its own, or alone in a cell that has one."""
    if node.tag != "a" or node.get("role").lower() == "button":
        return True
    own = styles.own[node.number]
    if _has_ground(own) or _has_edge(own):
        return any(name.startswith("padding") for name in own) or own.get("display", "").lower() in _BLOCKY
    cell = page.nodes[node.parent] if node.parent >= 0 else node
    is_only = node.place == 0 and node.is_last
    is_alone = is_only and (cell.first_piece, cell.end_piece) == (node.first_piece, node.end_piece)
    above = styles.own[cell.number]
    return cell.tag in {"td", "th"} and is_alone and _has_ground(above) and own.get("display", "").lower() in _BLOCKY


def _has_ground(own: Said) -> bool:
    if "(" in own.get("background-image", ""):
        return True
    paint = css_colour.parse(own.get("background-color", "transparent"))
    return paint is None or paint.cover > 0


def _has_edge(own: Said) -> bool:
    return any(_side(own, f"border-{side}-width", letter_sizes.ROOT_PX) > 0 for side in ("top", "bottom"))


def _high(node: Node, own: Said, sizes: Sizes) -> float:
    font = sizes.font[node.number]
    around = sum(
        _side(own, f"{name}-{side}{end}", font)
        for name, end in (("padding", ""), ("border", "-width"))
        for side in ("top", "bottom")
    )
    is_box = own.get("display", "").lower() in _BLOCKY or node.tag != "a"
    # The padding of a link in a line can be tapped; its own height is that of its letters, whatever the line's.
    line = sizes.line_px(node.number) if is_box else font * letter_sizes.NORMAL_LINE
    least = max(_side(own, name, font) for name in ("height", "min-height")) if is_box else 0.0
    return max(line, least) + around


def _side(own: Said, name: str, font: float) -> float:
    said = own.get(name, "0").strip().lower()
    return letter_sizes.px(_EDGES.get(said, said), font) or 0.0

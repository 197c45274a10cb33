"""Which declaration wins in each element of a finished letter, on one screen: wide or narrow, light or dark.

``cascade`` does this for our own pages. A letter is harder: most of its rules
are already in ``style`` attributes, its dark ones are in a sheet and marked
``!important``, and somebody else may have written it. So the order here is that
of CSS Cascade 4, old attributes first, and the work is bounded: a letter that
needs more comparisons than any letter is worth is called ``busy``.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from listkeeper.rendering.css import css_colour, css_longhands, css_media, css_rules, css_selector
from listkeeper.rendering.css.css_media import Screen
from listkeeper.rendering.css.css_rules import Rule
from listkeeper.rendering.css.css_selector import Patience, Selector, TooMuch
from listkeeper.rendering.reading import letter_tree
from listkeeper.rendering.reading.letter_tree import Node, Page

_PATIENCE = 400_000
_MOST_UNREAD = 20
# A longer attribute is read anew each time, so that what is kept stays small.
_SHORT = 2000
_PLAIN_STATES = frozenset({":root", ":first-child", ":last-child", ":only-child", ":link", ":any-link"})
Said = Mapping[str, str]
_NOTHING: Said = {}
_UNSEEN, _BOLD, _SMALLER = {"display": "none"}, {"font-weight": "bold"}, {"font-size": "smaller"}
# What browsers do without being told, as far as a check asks (HTML, Rendering).
_OF_TAGS: Mapping[str, Said] = {
    **dict.fromkeys(("b", "strong", "th"), _BOLD),
    **dict.fromkeys(("head", "title", "style", "script", "template", "meta", "link", "datalist", "option"), _UNSEEN),
    "h1": {"font-weight": "bold", "font-size": "2em"},
    "h2": {"font-weight": "bold", "font-size": "1.5em"},
    "h3": {"font-weight": "bold", "font-size": "1.17em"},
    "h4": {"font-weight": "bold"},
    "h5": {"font-weight": "bold", "font-size": "0.83em"},
    "h6": {"font-weight": "bold", "font-size": "0.67em"},
    **dict.fromkeys(("small", "sub", "sup"), _SMALLER),
    "big": {"font-size": "larger"},
    "mark": {"background-color": "#ffff00", "color": "#000000"},
}


@dataclass(frozen=True, slots=True)
class _Placed:
    """One rule of the sheets, its properties taken apart, quiet and loud."""

    order: int
    heads: tuple[str, ...]
    quiet: Said
    loud: Said

    @property
    def names(self) -> frozenset[str]:
        """The properties it speaks of."""
        return frozenset({*self.quiet, *self.loud})


@dataclass(eq=False)
class Matched:
    """All rules of a letter, and which of them each element fits; the same on every screen."""

    page: Page
    rules: list[_Placed] = field(default_factory=list)
    # Per element the rules that fit, the weakest first.
    fitting: list[tuple[int, ...]] = field(default_factory=list)
    # Per element what its old attributes say.
    hints: list[tuple[tuple[str, str], ...]] = field(default_factory=list)
    # Selectors that are not known here, each with the number of its rule.
    unread: list[tuple[str, int]] = field(default_factory=list)
    busy: bool = False

    def on(self, screen: Screen) -> Styles:
        """Return what wins on a screen."""
        held = [css_media.holds(rule.heads, screen) for rule in self.rules]
        unsure = [(rule.heads[-1], rule.order) for rule in self.rules if held[rule.order] is None]
        merged: dict[tuple[object, ...], Said] = {}
        own: list[Said] = []
        for node, fitting, hints in zip(self.page.nodes, self.fitting, self.hints, strict=True):
            style = node.attributes.get("style", "")
            # Like lists of rules are one object.
            key = (node.tag, id(fitting), style, hints)
            if key not in merged:
                rules = [self.rules[number] for number in fitting if held[number]]
                merged[key] = _merged(node, dict(hints), rules, style)
            own.append(merged[key])
        return Styles(own, tuple((said, self.rules[number].names) for said, number in [*self.unread, *unsure]))


@dataclass(frozen=True, slots=True)
class Styles:
    """Per element the properties that it or a rule for it says; what it inherits is for the reader to carry down."""

    own: Sequence[Said]
    # Selectors and conditions that could not be judged, each with the properties that hang on it.
    unread: tuple[tuple[str, frozenset[str]], ...]


@lru_cache(maxsize=4)
def of(html: str) -> Matched:
    """Return the rules of a letter, each at the elements it fits."""
    page = letter_tree.of(html)
    found = Matched(page, busy=page.cut or any(sheet.cut for sheet in page.sheets))
    places = _Places()
    for sheet in page.sheets:
        for rule in sheet.rules:
            _place(found, places, rule)
    found.hints = [_hints(node) for node in page.nodes]
    try:
        found.fitting = places.all_fitting(page.nodes, Patience(_PATIENCE))
    except TooMuch:
        found.busy = True
    return found


def _place(found: Matched, places: _Places, rule: Rule) -> None:
    quiet, loud = css_longhands.of(rule.declarations)
    if not quiet and not loud:
        return
    number = len(found.rules)
    found.rules.append(_Placed(number, rule.within, quiet, loud))
    for said in rule.selectors:
        parsed = None if rule.nested else css_selector.parse(said)
        if parsed is None and len(found.unread) < _MOST_UNREAD:
            found.unread.append((said, number))
        elif parsed is not None and not parsed.never:
            places.put(parsed, number)


class _Places:
    """Selectors by the id, class or tag at their right end, so that an element meets only those that may fit it."""

    def __init__(self) -> None:
        self._found: dict[str, list[tuple[Selector, int]]] = defaultdict(list)
        # Whether elements with like names in like places fit the same rules.
        self._is_plain = True

    def put(self, parsed: Selector, number: int) -> None:
        """Keep a selector of a rule."""
        right = parsed.compounds[0]
        if right.ident:
            key = f"#{right.ident}"
        elif right.classes:
            key = f".{right.classes[0]}"
        else:
            key = right.tag or "*"
        self._found[key].append((parsed, number))
        self._is_plain &= _is_plain(parsed)

    def all_fitting(self, nodes: Sequence[Node], patience: Patience) -> list[tuple[int, ...]]:
        """Return for each element the numbers of the rules that fit it, the weakest first."""
        found: list[tuple[int, ...]] = []
        lists: dict[tuple[int, ...], tuple[int, ...]] = {}
        kinds: dict[tuple[object, ...], int] = {}
        # The first element of each kind: alike in its names and place, in a parent of the same kind.
        kind_of: list[int] = []
        for node in nodes:
            said = node.attributes
            above = kind_of[node.parent] if node.parent >= 0 else -1
            key = (above, node.tag, said.get("class"), said.get("id"), node.place == 0, node.is_last, "href" in said)
            first = kinds.setdefault(key, node.number) if self._is_plain else node.number
            kind_of.append(first)
            if first == node.number:
                fitting = tuple(self._fitting(nodes, node, patience))
                found.append(lists.setdefault(fitting, fitting))
            else:
                found.append(found[first])
        return found

    def _fitting(self, nodes: Sequence[Node], node: Node, patience: Patience) -> list[int]:
        weights: dict[int, tuple[int, int, int]] = {}
        for key in ("*", node.tag, *(f".{name}" for name in dict.fromkeys(node.classes)), f"#{node.get('id')}"):
            for parsed, number in self._found.get(key, ()):
                if css_selector.matches(nodes, node, parsed, patience):
                    weights[number] = max(weights.get(number, parsed.weight), parsed.weight)
        return sorted(weights, key=lambda number: (weights[number], number))


def _is_plain(parsed: Selector) -> bool:
    """Whether a selector asks for names, ancestors and first or last places alone."""
    states = {state for compound in parsed.compounds for state, _ in compound.states}
    has_attributes = any(compound.attributes for compound in parsed.compounds)
    return not has_attributes and states <= _PLAIN_STATES and not {"+", "~"} & set(parsed.joins)


def _merged(node: Node, hints: Said, rules: Sequence[_Placed], style: str) -> Said:
    quiet, loud = _inline(style) if len(style) <= _SHORT else _inline.__wrapped__(style)
    won = {**_OF_TAGS.get(node.tag, _NOTHING), **hints}
    for said in (*(rule.quiet for rule in rules), quiet, *(rule.loud for rule in rules), loud):
        won.update(said)
    return won


@lru_cache(maxsize=2048)
def _inline(style: str) -> tuple[Said, Said]:
    return css_longhands.of(css_rules.declarations(style))


_ATTRIBUTES = frozenset({"bgcolor", "background", "color", "text", "hidden", "height", "width"})
_NUMBER = re.compile(r"\s*(\d{1,5}(?:\.\d+)?)\s*(%?)(?:px)?\s*")


def _hints(node: Node) -> tuple[tuple[str, str], ...]:
    """Return what an element's old attributes say, as style (HTML, presentational hints)."""
    if not _ATTRIBUTES & node.attributes.keys():
        return ()
    return tuple(_hinted(node))


def _hinted(node: Node) -> Iterator[tuple[str, str]]:
    if node.get("bgcolor"):
        yield "background-color", css_colour.legacy(node.get("bgcolor"))
    if node.get("background"):
        yield "background-image", "url()"
    if node.tag == "font" and node.get("color"):
        yield "color", css_colour.legacy(node.get("color"))
    if node.tag == "body" and node.get("text"):
        yield "color", css_colour.legacy(node.get("text"))
    if "hidden" in node.attributes:
        yield "display", "none"
    for name in ("width", "height"):
        number = _NUMBER.fullmatch(node.get(name))
        if number and node.tag in {"img", "td", "th", "table"}:
            yield name, f"{number[1]}{number[2] or 'px'}"

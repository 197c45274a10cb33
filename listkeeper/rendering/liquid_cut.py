"""A parsed template, cut at its outermost tags: what is the same for all readers, and the places between.

A plain ``{{ subscriber.x }}``, with a fallback or without, is looked up. Any
other tag is rendered by Liquid, in its order and in one context with the rest
of its part, so ``assign``, ``for`` and the limits do what they do in a whole
template.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from liquid import BoundTemplate
from liquid.ast import Node
from liquid.builtin.content import ContentNode
from liquid.builtin.expressions import FilteredExpression, Path, PositionalArgument, StringLiteral
from liquid.builtin.output import OutputNode
from liquid.output import LimitedStringIO
from markupsafe import escape

from listkeeper.rendering.live_lines import NotThisWay, Piece, Place

# What stands in a page as itself needs no copy of its own; nearly every address and name is such.
_TO_ESCAPE = re.compile("[&<>'\"]")
# What one character takes at most, in UTF-8.
_WIDEST = 4
# What Liquid gives a meaning of its own when it is asked of a mapping.
_MEANINGFUL = frozenset({"first", "last", "size"})


@dataclass(frozen=True)
class Looked(Place):
    """A value that is looked up: ``{{ root.key | default: "fallback" }}``."""

    root: str
    key: str
    fallback: str = ""
    escaped: bool = False

    def said(self, values: Mapping[str, Any]) -> str:
        """Return what stands here for a reader."""
        value: str = values[self.root][self.key] or self.fallback
        return escape(value) if self.escaped and _TO_ESCAPE.search(value) else value


@dataclass(frozen=True)
class Rendered(Place):
    """A tag that Liquid renders: which one of its part."""

    part: str
    position: int

    def said(self, values: Mapping[str, Any]) -> str:
        """Return what Liquid made of the tag for a reader."""
        return str(values[self.part][self.position])


@dataclass(frozen=True)
class LiquidPart:
    """One template in pieces.

    ``room`` is how many bytes the places together may print, of what
    ``personalise`` allows a template to print; None where there is no tag.
    """

    name: str
    pieces: tuple[Piece, ...]
    template: BoundTemplate | None = None
    nodes: tuple[Node, ...] = ()
    room: int | None = None

    def rendered(self, values: Mapping[str, Any]) -> list[str]:
        """Return what each ``Rendered`` place of this part says; raises LiquidError or LiquidInterrupt."""
        if self.template is None or not self.nodes:
            return []
        context = self.template.context_class(self.template, globals=self.template.make_globals(dict(values)))
        said: list[str] = []
        with context.extend(self.template.make_partial_namespace(partial=False, render_args={})):
            for node in self.nodes:
                # Like the buffer of a whole template this one takes every kind of line break for the same.
                buffer = LimitedStringIO(self.room or 0)
                node.render(context, buffer)
                said.append(buffer.getvalue())
        return said

    def said(self, values: Mapping[str, Any]) -> str:
        """Return the whole part for a reader; raises as ``rendered`` does, and NotThisWay."""
        if self.template is None:
            return "".join(map(str, self.pieces))
        found = {**values, self.name: self.rendered(values)} if self.nodes else values
        text = "".join([piece if isinstance(piece, str) else piece.said(found) for piece in self.pieces])
        self.demand_room(text)
        return text

    def demand_room(self, text: str) -> None:
        """Raise NotThisWay when the places printed more, perhaps, than Liquid would allow; ``text`` holds all of it."""
        if self.room is not None and _WIDEST * len(text) > self.room:
            raise NotThisWay


def cut(
    name: str,
    template: BoundTemplate | str,
    *,
    known: Mapping[str, Collection[str]],
    constant: Mapping[str, Mapping[str, str]],
    escaped: bool,
) -> LiquidPart:
    """Cut a template, or a text without tags.

    Among the values of a reader, what the tags say will be found under ``name``.
    ``known`` are the keys that every reader has a value for (or None), by
    their root; ``constant`` are values that are the same for all.
    """
    if isinstance(template, str):
        return LiquidPart(name, (template,))
    pieces: list[Piece] = []
    nodes: list[Node] = []
    printed = 0
    for node in template.nodes:
        piece = _text_or_lookup(node, known, constant, escaped=escaped)
        if piece is None:
            piece = Rendered(name, len(nodes))
            nodes.append(node)
        if isinstance(piece, str):
            printed += len(piece.encode())
        pieces.append(piece)
    room = (template.env.output_stream_limit or 0) - printed
    return LiquidPart(name, tuple(pieces), template, tuple(nodes), room)


def _text_or_lookup(
    node: Node, known: Mapping[str, Collection[str]], constant: Mapping[str, Mapping[str, str]], *, escaped: bool
) -> Piece | None:
    """Return the text of a node that is the same for all, or the place of one that asks for one value; else None."""
    if isinstance(node, ContentNode):
        return _as_printed(node.text)
    if not isinstance(node, OutputNode) or not isinstance(node.expression, FilteredExpression):
        return None
    left, fallback = node.expression.left, _fallback(node.expression)
    if not isinstance(left, Path) or len(left.path) != 2 or fallback is None:  # noqa: PLR2004 - a root and a key
        return None
    root, key = left.path
    if not isinstance(root, str) or not isinstance(key, str) or key in _MEANINGFUL:
        return None
    if key in constant.get(root, {}):
        text = _as_printed(constant[root][key]) or fallback
        return str(escape(text)) if escaped else text
    return Looked(root, key, fallback, escaped) if key in known.get(root, ()) else None


def _as_printed(text: str) -> str:
    """Return a text with its line breaks as Liquid prints them."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _fallback(expression: FilteredExpression) -> str | None:
    """Return what is said instead of nothing; None where more happens to a value than that."""
    if not expression.filters:
        return ""
    only: Sequence[object] = expression.filters[0].args
    if len(expression.filters) > 1 or expression.filters[0].name != "default" or len(only) != 1:
        return None
    argument = only[0]
    if not isinstance(argument, PositionalArgument) or not isinstance(argument.value, StringLiteral):
        return None
    return _as_printed(argument.value.value)

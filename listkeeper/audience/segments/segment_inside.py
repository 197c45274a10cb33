"""A segment with those inside it written out, so that what it says stands in one tree.

Each of them is read and written out once, however often it stands in others,
and it ends before a tree grows too large: sixty-four times a segment that says
sixty-four times another is small to write down. One that is inside itself, or
too deep in others, is refused and never taken for nobody: its opposite would
be everybody.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from listkeeper.audience.segments import segment_language, segment_tree
from listkeeper.audience.segments.segment_tree import DEEPEST, All, AnyOf, Condition, Not, Tree
from listkeeper.foundation import language
from listkeeper.foundation.errors import Invalid

PHRASE = "in_segment"
# Conditions, with every "everybody" and "nobody", of one with all inside it.
MOST_WRITTEN_OUT = 500


class _Whole(NamedTuple):
    tree: Tree
    leaves: int
    # How deep segments stand in one another in it.
    deep: int


class Inside:
    """The segments of one list by public id, as text."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = texts
        self._done: dict[str, _Whole] = {}
        self._open: list[str] = []

    def of(self, public_id: str) -> Tree:
        """Return one of the segments written out. Raises Invalid when it is too long or too deep, or in itself."""
        self._open.clear()
        return self._named(public_id).tree

    def of_tree(self, tree: Tree) -> Tree:
        """Return the same of a tree; a segment in it that does not exist stays as it is, and is true of nobody."""
        self._open.clear()
        return self._written(tree).tree

    def _written(self, tree: Tree) -> _Whole:
        match tree:
            case Condition(phrase="in_segment", value=wanted) if wanted in self._texts:
                found = self._named(wanted)
                return _Whole(found.tree, found.leaves, _not_too_deep(found.deep + 1))
            case Condition() | All(()) | AnyOf(()):
                return _Whole(tree, 1, 0)
            case All(parts) | AnyOf(parts):
                held = self._each(parts)
                trees = tuple(each.tree for each in held)
                group = All(trees) if isinstance(tree, All) else AnyOf(trees)
                return _Whole(group, sum(each.leaves for each in held), max(each.deep for each in held))
            case Not(part):
                inner = self._written(part)
                return inner._replace(tree=Not(inner.tree))

    def _each(self, parts: tuple[Tree, ...]) -> list[_Whole]:
        held: list[_Whole] = []
        leaves = 0
        for part in parts:
            held.append(self._written(part))
            leaves += held[-1].leaves
            if leaves > MOST_WRITTEN_OUT:
                sentence = language.text("With the segments inside it, this one is too long. Please make it simpler.")
                raise Invalid("segment_too_long", sentence)
        return held

    def _named(self, public_id: str) -> _Whole:
        if public_id in self._open:
            sentence = language.text("The segment %(id)s would be inside itself.", id=public_id)
            raise Invalid("segment_loop", sentence)
        if public_id not in self._done:
            _not_too_deep(len(self._open) - 1)
            self._open.append(public_id)
            self._done[public_id] = self._written(segment_language.read(self._texts[public_id]))
            self._open.pop()
        return self._done[public_id]


def names_any(tree: Tree) -> bool:
    """Return whether a tree speaks of segments at all."""
    return any(each.phrase == PHRASE for each in segment_tree.conditions(tree))


def _not_too_deep(deep: int) -> int:
    if deep > DEEPEST:
        sentence = language.text("Segments can stand eight deep in one another. Please make it simpler.")
        raise Invalid("segment_too_deep", sentence)
    return deep

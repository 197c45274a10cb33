"""The tree of a segment: conditions, joined by and, or and not; plain values that any chapter can hold.

A segment can be written three ways, which all mean this tree: as text
(``segment_language``), as rows in the studio, and as JSON for programs, which
is made and read here. What a condition may say is the table of phrases
(``segment_phrases``); what it means for people is ``segment_query``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any, TypeAlias, assert_never

from listkeeper.audience.segments import segment_phrases
from listkeeper.audience.segments.segment_phrases import Phrase
from listkeeper.foundation import language
from listkeeper.foundation.errors import Invalid

# More than this nobody reads again.
MOST_CONDITIONS = 64
DEEPEST = 8
LONGEST_TEXT = 10_000


@dataclass(frozen=True)
class Condition:
    """One sentence about a person: a phrase of the table, and what stands in its places."""

    phrase: str
    value: str = ""
    # What kind of answer or event it is about: the key of a question, the name of an event.
    name: str = ""
    days: int = 0
    times: int = 0

    @property
    def form(self) -> Phrase:
        """The phrase it is written with."""
        return segment_phrases.BY_ID[self.phrase]


@dataclass(frozen=True)
class All:
    """Whoever all of it is true of; of nothing at all: everybody."""

    parts: tuple[Tree, ...] = ()


@dataclass(frozen=True)
class AnyOf:
    """Whoever something of it is true of; of nothing at all: nobody."""

    parts: tuple[Tree, ...] = ()


@dataclass(frozen=True)
class Not:
    """Whoever it is not true of."""

    part: Tree


Tree: TypeAlias = Condition | All | AnyOf | Not
EVERYBODY = All()
NOBODY = AnyOf()


def conditions(tree: Tree) -> Iterator[Condition]:
    """Yield every condition of a tree, in the order it is read."""
    match tree:
        case Condition():
            yield tree
        case All(parts) | AnyOf(parts):
            for part in parts:
                yield from conditions(part)
        case Not(part):
            yield from conditions(part)
        case _:
            assert_never(tree)


def replaced(tree: Tree, change: Callable[[Condition], Tree]) -> Tree:
    """Return a tree with something else in the place of each condition."""
    match tree:
        case Condition():
            return change(tree)
        case All(parts):
            return All(tuple(replaced(part, change) for part in parts))
        case AnyOf(parts):
            return AnyOf(tuple(replaced(part, change) for part in parts))
        case Not(part):
            return Not(replaced(part, change))
        case _:
            assert_never(tree)


def leaves(tree: Tree) -> int:
    """Return how much a tree asks: its conditions, and each ``everybody`` and ``nobody`` too."""
    match tree:
        case Condition() | All(()) | AnyOf(()):
            return 1
        case All(parts) | AnyOf(parts):
            return sum(map(leaves, parts))
        case Not(part):
            return leaves(part)
        case _:
            assert_never(tree)


def depth(tree: Tree) -> int:
    """Return how deep groups stand in one another: 0 for a single condition."""
    match tree:
        case Condition():
            return 0
        case All(parts) | AnyOf(parts):
            return 1 + max(map(depth, parts), default=0)
        case Not(part):
            return 1 + depth(part)
        case _:
            assert_never(tree)


def demand_small(tree: Tree) -> Tree:
    """Return the tree; raises Invalid when it has too many conditions, or groups too deep in one another."""
    if leaves(tree) > MOST_CONDITIONS:
        raise Invalid("segment_too_long", language.text("A segment can have 64 conditions. Please make it shorter."))
    if depth(tree) > DEEPEST:
        raise Invalid("segment_too_deep", too_deep())
    return tree


def too_deep() -> str:
    """Return the sentence about groups that stand too deep in one another."""
    return language.text("Groups can stand eight deep in one another. Please make it simpler.")


def as_json(tree: Tree) -> dict[str, Any]:
    """Return the tree as programs write it: ``{"all": […]}``, ``{"any": […]}``, ``{"not": …}``, or a condition."""
    match tree:
        case Condition():
            held = {slot.value: getattr(tree, slot.field) for slot in tree.form.slots}
            return {"condition": tree.phrase, **held}
        case All(parts):
            return {"all": [as_json(part) for part in parts]}
        case AnyOf(parts):
            return {"any": [as_json(part) for part in parts]}
        case Not(part):
            return {"not": as_json(part)}
        case _:
            assert_never(tree)


def of_json(given: object) -> Tree:
    """Return the tree that a program wrote. Raises Invalid, and names the place as ``all[1].not``."""
    return demand_small(_read(given, "", DEEPEST))


def _read(given: object, place: str, left: int) -> Tree:
    if left < 0:
        raise Invalid("segment_too_deep", too_deep(), place=place)
    match given:
        case {"all": list(parts), **others} if not others:
            return All(_read_each(parts, f"{place}all", left))
        case {"any": list(parts), **others} if not others:
            return AnyOf(_read_each(parts, f"{place}any", left))
        case {"not": part, **others} if not others:
            return Not(_read(part, f"{place}not.", left - 1))
        case {"condition": str(phrase), **held} if phrase in segment_phrases.BY_ID:
            return _condition(phrase, held, place)
        case _:
            sentence = language.text("Here one of “all”, “any”, “not” and “condition” is needed, and nothing else.")
            raise Invalid("segment_json", sentence, place=place or "tree")


def _read_each(parts: list[object], place: str, left: int) -> tuple[Tree, ...]:
    if len(parts) > MOST_CONDITIONS:
        raise Invalid(
            "segment_too_long", language.text("A segment can have 64 conditions. Please make it shorter."), place=place
        )
    return tuple(_read(part, f"{place}[{number}].", left - 1) for number, part in enumerate(parts))


def _condition(phrase: str, held: Mapping[object, object], place: str) -> Condition:
    wanted = segment_phrases.BY_ID[phrase].slots
    if set(held) != {slot.value for slot in wanted}:
        names = language.listed([slot.value for slot in wanted])
        sentence = (
            language.text("This condition needs %(names)s, and nothing else.", names=names)
            if names
            else language.text("This condition stands alone, with nothing beside it.")
        )
        raise Invalid("segment_json", sentence, place=place)
    said: dict[str, Any] = {}
    for slot in wanted:
        value = held[slot.value]
        if slot.is_number and (not isinstance(value, int) or isinstance(value, bool)):
            raise Invalid("segment_json", language.text("Here a whole number is needed."), place=f"{place}{slot.value}")
        if not slot.is_number and not isinstance(value, str):
            raise Invalid("segment_json", language.text("Here a text is needed."), place=f"{place}{slot.value}")
        said[slot.field] = value
    return checked(Condition(phrase, **said), place)


def checked(condition: Condition, place: str = "") -> Condition:
    """Return the condition; raises Invalid when something in its places cannot be."""
    for slot in condition.form.slots:
        problem = slot.fault(getattr(condition, slot.field))
        if problem:
            raise Invalid("segment_value", problem, place=place)
    return condition


def clean(condition: Condition) -> Condition:
    """Return the condition without what its phrase has no place for."""
    used = {slot.field for slot in condition.form.slots}
    kept = {each.name: getattr(condition, each.name) for each in fields(Condition) if each.name in used}
    return Condition(condition.phrase, **kept)

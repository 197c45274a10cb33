"""A segment as rows of a form: each a group or a condition, with how deep it stands; from the tree and back.

The form is posted whole with the button that was pressed, and comes back as
rows: no script is needed, and nothing is stored on the way.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from listkeeper.audience.segments import segment_phrases, segment_tree
from listkeeper.audience.segments.segment_phrases import Phrase, Slot
from listkeeper.audience.segments.segment_tree import All, AnyOf, Condition, Not, Tree
from listkeeper.foundation import language
from listkeeper.foundation.errors import Invalid

ALL, ANY, CONDITION = "all", "any", "condition"
_MOST_ROWS = 200
_DIGITS = 9


@dataclass(frozen=True)
class Row:
    """One line of the builder; what was typed stays as it was typed."""

    kind: str
    level: int = 0
    negated: bool = False
    phrase: str = "language_is"
    value: str = ""
    name: str = ""
    days: str = "30"
    times: str = "2"
    fault: str = ""

    @property
    def form(self) -> Phrase:
        """The phrase that is chosen."""
        return segment_phrases.BY_ID[self.phrase]

    @property
    def slots(self) -> tuple[Slot, ...]:
        """What is to be filled in."""
        return self.form.slots if self.kind == CONDITION else ()

    @property
    def condition(self) -> Condition:
        """What it says, as far as it can be read."""
        said: dict[str, str | int] = {}
        for slot in self.slots:
            typed = getattr(self, slot.field).strip()
            number = int(typed) if typed.isascii() and typed.isdigit() and len(typed) <= _DIGITS else -1
            said[slot.field] = number if slot.is_number else typed
        return Condition(self.phrase, **said)  # type: ignore[arg-type]

    def judged(self) -> Row:
        """Return it with what is wrong with what was typed."""
        if self.kind != CONDITION:
            return self
        said = self.condition
        faults = (slot.fault(getattr(said, slot.field)) for slot in self.slots)
        return replace(self, fault=next((fault for fault in faults if fault), ""))


def of_tree(tree: Tree) -> list[Row]:
    """Return the rows of a tree; the first is the group that all others stand in."""
    if isinstance(tree, All | AnyOf):
        return _rows(tree, 0)
    return [Row(ALL), *_rows(tree, 1)]


def _rows(tree: Tree, level: int, *, negated: bool = False) -> list[Row]:
    match tree:
        case Condition():
            days, times = str(tree.days), str(tree.times or 2)
            row = Row(CONDITION, level, negated, tree.phrase, tree.value, tree.name, days, times)
            return [row if Slot.DAYS in tree.form.slots else replace(row, days="30")]
        case All(parts) | AnyOf(parts):
            group = Row(ALL if isinstance(tree, All) else ANY, level, negated)
            return [group, *(row for part in parts for row in _rows(part, level + 1))]
        case Not(part) if not negated:
            return _rows(part, level, negated=True)
        case Not(part):
            # Not of not: a group of one, which says the inner one.
            return [Row(ALL, level, negated=True), *_rows(part, level + 1, negated=True)]


def tree_of(rows: list[Row]) -> Tree:
    """Return the tree that rows say. Raises Invalid when something typed cannot be, or it is too long."""
    if any(row.judged().fault for row in rows):
        raise Invalid("segment_value", language.text("Something is missing below. Please look at the marked rows."))
    found, _ = _group(rows, 0)
    return segment_tree.demand_small(found)


def _group(rows: list[Row], at: int) -> tuple[Tree, int]:
    group, following = rows[at], at + 1
    parts: list[Tree] = []
    while following < len(rows) and rows[following].level > group.level:
        if rows[following].kind == CONDITION:
            row = rows[following]
            parts.append(Not(row.condition) if row.negated else row.condition)
            following += 1
        else:
            part, following = _group(rows, following)
            parts.append(part)
    inside: Tree = parts[0] if len(parts) == 1 else (All if group.kind == ALL else AnyOf)(tuple(parts))
    return (Not(inside) if group.negated else inside), following


def read(form: Mapping[str, str]) -> list[Row]:
    """Return the rows that were posted; what makes no sense in them becomes what does."""
    rows: list[Row] = []
    for number in range(_MOST_ROWS):
        kind = form.get(f"row-{number}-kind")
        if kind is None:
            break
        rows.append(_row(form, number, kind if kind in {ALL, ANY, CONDITION} else ALL, rows))
    return rows or [Row(ALL)]


def _row(form: Mapping[str, str], number: int, kind: str, before: list[Row]) -> Row:
    def typed(what: str, otherwise: str = "") -> str:
        return form.get(f"row-{number}-{what}", otherwise)[: segment_phrases.LONGEST_VALUE + 1]

    level = typed("level", "1")
    deepest = before[-1].level + (before[-1].kind != CONDITION) if before else 0
    phrase = typed("phrase", "language_is")
    return Row(
        kind=kind if before else (ANY if kind == ANY else ALL),
        level=min(max(int(level), 1), deepest) if before and level.isascii() and level.isdigit() else min(1, deepest),
        negated=typed("not") == "1",
        phrase=phrase if phrase in segment_phrases.BY_ID else "language_is",
        value=typed("value"),
        name=typed("name"),
        days=typed("days", "30"),
        times=typed("times", "2"),
    )


def changed(rows: list[Row], act: str) -> list[Row]:
    """Return the rows after a button, as ``add:3``, ``group:3``, ``remove:3``, ``up:3``, ``down:3``."""
    what, _, where = act.partition(":")
    if not (where.isascii() and where.isdigit()) or int(where) >= len(rows):
        return rows
    at = int(where)
    end = _end(rows, at)
    if what in {"add", "group"} and rows[at].kind != CONDITION and len(rows) < _MOST_ROWS - 2:
        inner = rows[at].level + 1
        made = [Row(CONDITION, inner)] if what == "add" else [Row(ANY, inner), Row(CONDITION, inner + 1)]
        return [*rows[:end], *made, *rows[end:]]
    if at and what == "remove":
        return [*rows[:at], *rows[end:]]
    if at and what == "up":
        before = _sibling_before(rows, at)
        return rows if before is None else [*rows[:before], *rows[at:end], *rows[before:at], *rows[end:]]
    if at and what == "down" and end < len(rows) and rows[end].level == rows[at].level:
        return changed(rows, f"up:{end}")
    return rows


def _end(rows: list[Row], at: int) -> int:
    """Return where what stands in a row ends."""
    end = at + 1
    while end < len(rows) and rows[end].level > rows[at].level:
        end += 1
    return end


def _sibling_before(rows: list[Row], at: int) -> int | None:
    for before in range(at - 1, 0, -1):
        if rows[before].level < rows[at].level:
            return None
        if rows[before].level == rows[at].level:
            return before
    return None

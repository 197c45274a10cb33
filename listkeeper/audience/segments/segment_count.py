"""How many people a segment is true of, counted on SQLite by walking beside the list.

Who did something last, who followed a letter's links and who got it stand in
indexes in the order of people. So do the people of a list. Laid side by side
they are walked together, as INTERSECT and EXCEPT in one order do, which takes a
fraction of what looking each person up in a set does. It is one SELECT, and
finds whom ``segment_query.members`` finds.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Select, func, select, text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql import roles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import ClauseElement

from listkeeper.audience.segments import segment_facts
from listkeeper.audience.segments.segment_facts import Asked, Facts
from listkeeper.audience.segments.segment_tree import All, AnyOf, Condition, Not, Tree

People = Select[Any]


class _Then(roles.StatementOptionRole, ClauseElement):
    """One more set of people, behind a word such as INTERSECT; a chain has no parentheses, which SQLite refuses."""

    inherit_cache = False

    def __init__(self, word: str, people: People) -> None:
        self.word, self.people = word, people


@compiles(_Then)
def _written(element: _Then, compiler: SQLCompiler, **_how: object) -> str:
    # As a FROM of its own, so that no table of it is taken for one of the SELECT before it.
    return f"{element.word} {compiler.process(element.people, asfrom=True)}"


@dataclass
class Walk:
    """The parts of a segment that all must hold: conditions of the row, and sets of people beside it."""

    where: list[Tree] = field(default_factory=list)
    seen: list[Asked] = field(default_factory=list)
    either: list[People] = field(default_factory=list)
    both: list[People] = field(default_factory=list)
    without: list[People] = field(default_factory=list)

    @property
    def is_worth_it(self) -> bool:
        """Return whether there is anything to walk beside."""
        return bool(self.either or self.both or self.without)


def of(tree: Tree, facts: Facts) -> Walk:
    """Return a tree as parts that all must hold; what no index has in order stays a condition of the row."""
    walk = Walk()
    for part in _parts(tree):
        people = _people(part, facts)
        if people is not None:
            walk.both.append(people)
        elif others := _but(part, facts):
            walk.without += others
        elif isinstance(part, Condition) and (did := _did_not(part, facts)) is not None:
            walk.without.append(did)
            walk.seen += [segment_facts.seen(facts, part)] if part.phrase.startswith("not_clicked") else []
        elif not walk.either and (sets := _several(part, facts)):
            walk.either = sets
        else:
            walk.where.append(part)
    return walk


def _parts(tree: Tree) -> Iterable[Tree]:
    return (each for part in tree.parts for each in _parts(part)) if isinstance(tree, All) else (tree,)


def _people(tree: Tree, facts: Facts) -> People | None:
    return segment_facts.in_order(tree, facts) if isinstance(tree, Condition) else None


def _but(tree: Tree, facts: Facts) -> list[People]:
    """Return the people whom a part that says ``not`` leaves out; nobody where it says something else."""
    denied = tree.part if isinstance(tree, Not) else None
    if isinstance(tree, Condition) and tree.phrase.endswith("_is_not"):
        denied = Condition(tree.phrase.removesuffix("_not"), tree.value, tree.name)
    if not isinstance(denied, Condition):
        return []
    people = segment_facts.in_order(denied, facts)
    return [people] if people is not None else segment_facts.came_by(denied, facts)


def _did_not(condition: Condition, facts: Facts) -> People | None:
    if not condition.phrase.startswith("not_"):
        return None
    did = Condition(condition.phrase.removeprefix("not_"), days=condition.days)
    return segment_facts.in_order(did, facts)


def _several(tree: Tree, facts: Facts) -> list[People]:
    """Return the sets of people of parts of which any must hold, where every one of them is in order; else none."""
    if not isinstance(tree, AnyOf):
        return []
    sets = [_people(part, facts) for part in tree.parts]
    found = [people for people in sets if people is not None]
    return found if len(found) == len(sets) else []


def statement(walk: Walk, people: People) -> Select[int]:
    """Return the SELECT that counts; ``people`` are those of the list of whom the conditions of the row are true."""
    first, *others = [*walk.either, people]
    words = [("UNION", each) for each in others[:-1]] + [("INTERSECT", each) for each in others[-1:]]
    words += [("INTERSECT", each) for each in walk.both] + [("EXCEPT", each) for each in walk.without]
    then: list[Any] = [_Then(word, each) for word, each in words]
    chain = first.suffix_with(*then, text("ORDER BY 1"))
    return select(func.count()).select_from(chain.subquery())

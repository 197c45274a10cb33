"""Topics as segments speak of them: by id in what is stored, by name where people read it.

A name can be given to another topic, and the list that takes another one in
may have a topic of the same name. Whoever was meant stays meant all the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.audience.segments import segment_tree
from listkeeper.audience.segments.segment_tree import Condition, Tree
from listkeeper.audience.topic import Topic

_PHRASE = "topic_is"


def by_id(session: Session, list_id: int, tree: Tree) -> Tree:
    """Return a tree with the ids of topics in the place of their names; what no topic is called stays as it is."""
    if not _values(tree):
        return tree
    # One that is offered before one that had the name once.
    topics = sorted(_of(session, list_id), key=lambda each: each.retired_at is None)
    ids = {called.casefold(): each.public_id for each in topics for called in (each.name, each.public_id)}
    return renamed(tree, {name: ids.get(name.casefold(), name) for name in _values(tree)})


def by_name(session: Session, list_id: int, tree: Tree) -> Tree:
    """Return a tree with the names of topics in the place of their ids."""
    return renamed(tree, {each.public_id: each.name for each in _of(session, list_id)}) if _values(tree) else tree


def strange(session: Session, list_id: int, tree: Tree) -> set[str]:
    """Return what a tree calls a topic and is none of the list."""
    said = _values(tree)
    return said - {each.public_id for each in _of(session, list_id)} if said else said


def _of(session: Session, list_id: int) -> list[Topic]:
    return list(session.scalars(select(Topic).where(Topic.list_id == list_id).order_by(Topic.id)))


def _values(tree: Tree) -> set[str]:
    return {each.value for each in segment_tree.conditions(tree) if each.phrase == _PHRASE}


def renamed(tree: Tree, names: Mapping[str, str]) -> Tree:
    """Return a tree that calls topics otherwise."""

    def change(condition: Condition) -> Condition:
        called = names.get(condition.value) if condition.phrase == _PHRASE else None
        return condition if called is None else replace(condition, value=called)

    return segment_tree.replaced(tree, change)

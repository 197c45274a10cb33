"""Segments go on meaning what they meant, when what they name is called otherwise and when two lists become one.

A text that names a topic by its name was stored before topics were kept by id:
it is put right before the name changes, and stays so.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from sqlalchemy.orm import Session

from listkeeper.audience import profile_question
from listkeeper.audience import topic as topics
from listkeeper.audience.mailing_list import MailingList
from listkeeper.audience.segments import segment as segments
from listkeeper.audience.segments import segment_language, segment_topics, segment_tree
from listkeeper.audience.segments.segment import NAME_LIMIT, Segment
from listkeeper.audience.segments.segment_phrases import LONGEST_VALUE
from listkeeper.audience.segments.segment_tree import Condition, Tree
from listkeeper.audience.topic import Topic

_NUMBER = re.compile(r"[0-9]+", re.ASCII)


def rename_topic(session: Session, mailing_list: MailingList, topic: Topic, name: str) -> None:
    """Give a topic another name; whoever chose it, and every segment that asks for it, means it still."""
    _settle(session, mailing_list)
    topics.rename(session, mailing_list, topic, name)


def _settle(session: Session, mailing_list: MailingList) -> None:
    for each in segments.every(session, mailing_list):
        _store(each, segment_topics.by_id(session, mailing_list.id, each.tree))
    session.flush()


def _store(segment: Segment, tree: Tree) -> None:
    text = segment_language.printed(tree)
    if text != segment.source:
        segment.source = text


def come_along(session: Session, source: MailingList, target: MailingList) -> None:
    """Let the topics, questions and segments of a list come along when its people do.

    What a segment names is still what it meant, where the other list has something of the same name too.
    """
    _settle(session, source)
    moved = segments.every(session, source)
    unknown = {each.id: segment_topics.strange(session, source.id, each.tree) for each in moved}
    topics.follow(session, source, target)
    asked = {said.name for each in moved for said in segment_tree.conditions(each.tree) if _asks_answer(said)}
    keys = profile_question.follow(session, source, target, asked)
    taken = {each.name.casefold() for each in segments.every(session, target)}
    for each in moved:
        if each.name.casefold() in taken:
            each.name = f"{each.name[:40]} ({source.name[:30]})"[:NAME_LIMIT]
        nobodys = {name: f"{name} ({source.name})"[:LONGEST_VALUE] for name in unknown[each.id]}
        _store(each, _elsewhere(segment_topics.renamed(each.tree, nobodys), keys, source))
        each.list_id = target.id
    session.flush()


def _elsewhere(tree: Tree, keys: Mapping[str, str], source: MailingList) -> Tree:
    """Return a tree as it is said on another list: with the new names of questions, and with whose texts it means."""

    def change(condition: Condition) -> Condition:
        if _asks_answer(condition):
            return replace(condition, name=keys.get(condition.name, condition.name))
        if condition.phrase.startswith("consent_text_") and _NUMBER.fullmatch(condition.value):
            return replace(condition, value=f"{condition.value} of {source.slug}")
        return condition

    return segment_tree.replaced(tree, change)


def _asks_answer(condition: Condition) -> bool:
    return condition.phrase.startswith("answer_")

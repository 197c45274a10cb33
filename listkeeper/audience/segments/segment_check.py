"""What is to be said of a segment before it is used: how many of how many, and what is the reason for odd counts.

A segment that nobody fits, or everybody, is seldom what was meant, so it is
said which of its parts does it, alone or together; and what it speaks of that
does not exist (any more).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy.orm import Session

from listkeeper.audience.mailing_list import MailingList
from listkeeper.audience.segments import segment as segments
from listkeeper.audience.segments import segment_language, segment_query, segment_topics, segment_tree
from listkeeper.audience.segments.segment import Segment
from listkeeper.audience.segments.segment_inside import Inside
from listkeeper.audience.segments.segment_names import Names
from listkeeper.audience.segments.segment_tree import All, AnyOf, Tree, conditions
from listkeeper.foundation import language
from listkeeper.foundation.errors import Invalid

# More parts than this are not looked at one by one.
_MOST_PARTS = 12


@dataclass(frozen=True)
class Check:
    """How many people fit, of how many on the list, and what is to be said of it."""

    count: int
    of: int
    sentences: tuple[str, ...]
    # What does not exist (any more), each as half a sentence.
    missing: tuple[str, ...]


def of_tree(session: Session, mailing_list: MailingList, tree: Tree) -> Check:
    """Count a tree and say what is odd about it. Raises Invalid when it is too long with the segments inside it."""
    whole = segments.written_out(session, mailing_list.id, tree)
    count = _count(session, mailing_list, whole)
    of = _count(session, mailing_list, segment_tree.EVERYBODY)
    said: tuple[str, ...] = ()
    if of and count == 0:
        said = _nobody(session, mailing_list, tree, whole)
    elif of and count == of:
        said = _everybody(session, mailing_list, tree, whole, of)
    return Check(count, of, said, _missing(Names(session, mailing_list), whole))


@dataclass(frozen=True)
class Glance:
    """How many people of how many fit, among others; None where it cannot be counted, and the remarks say why."""

    count: int | None
    of: int
    remarks: tuple[str, ...] = ()


def at_a_glance(session: Session, mailing_list: MailingList, found: Iterable[Segment]) -> dict[int, Glance]:
    """Return how many fit each of several segments, by their rows; why it is nobody or everybody is not looked for."""
    whole, names = _count(session, mailing_list, segment_tree.EVERYBODY), Names(session, mailing_list)
    inside = segments.inside(session, mailing_list.id)
    return {each.id: _glance(session, mailing_list, each, whole, names, inside) for each in found}


def of_segment(session: Session, mailing_list: MailingList, segment: Segment) -> Glance:
    """Return the same of one segment, with the reason for odd counts."""
    try:
        check = of_tree(session, mailing_list, segment.tree)
    except Invalid as problem:
        return Glance(None, _count(session, mailing_list, segment_tree.EVERYBODY), (problem.message,))
    return Glance(check.count, check.of, (*check.sentences, *check.missing))


def _glance(  # noqa: PLR0913, PLR0917 - one segment, and what all of the list share
    session: Session, mailing_list: MailingList, segment: Segment, whole: int, names: Names, inside: Inside
) -> Glance:
    try:
        tree = inside.of(segment.public_id)
        count = _count(session, mailing_list, tree)
    except Invalid as problem:
        return Glance(None, whole, (problem.message,))
    said: tuple[str, ...] = ()
    if whole and count in {0, whole}:
        said = (_all_of_them() if count else _none_of_them(),)
    return Glance(count, whole, (*said, *_missing(names, tree)))


def missing(session: Session, mailing_list: MailingList, tree: Tree) -> tuple[str, ...]:
    """Return what a segment speaks of that does not exist, each as half a sentence."""
    return _missing(Names(session, mailing_list), segments.written_out(session, mailing_list.id, tree))


def _missing(names: Names, written_out: Tree) -> tuple[str, ...]:
    return tuple(dict.fromkeys(words for each in conditions(written_out) if (words := names.missing(each))))


def _count(session: Session, mailing_list: MailingList, whole: Tree) -> int:
    return segment_query.count_whole(session, mailing_list, whole)


def _counted(session: Session, mailing_list: MailingList, tree: All | AnyOf, whole: Tree) -> list[tuple[str, int]]:
    """Return what each part of a group says, and how many it is true of alone; written out it has the same parts."""
    parts = whole.parts if isinstance(whole, All | AnyOf) else ()
    return [
        (_shown(session, mailing_list, said), _count(session, mailing_list, meant))
        for said, meant in zip(tree.parts, parts, strict=True)
    ]


def _nobody(session: Session, mailing_list: MailingList, tree: Tree, whole: Tree) -> tuple[str, ...]:
    if not isinstance(tree, All) or len(tree.parts) > _MOST_PARTS:
        return (_none_of_them(),)
    alone = [said for said, count in _counted(session, mailing_list, tree, whole) if not count]
    if alone:
        return tuple(
            language.text("Nobody on the list fits, because this alone is true of nobody: %(what)s", what=said)
            for said in alone
        )
    return (language.text("Each condition is true of somebody, but all of them together of nobody."),)


def _everybody(session: Session, mailing_list: MailingList, tree: Tree, whole: Tree, of: int) -> tuple[str, ...]:
    if isinstance(tree, AnyOf) and len(tree.parts) <= _MOST_PARTS:
        alone = [said for said, count in _counted(session, mailing_list, tree, whole) if count == of]
        if alone:
            return tuple(
                language.text("Everybody on the list fits, because this alone is true of all: %(what)s", what=said)
                for said in alone
            )
        return (language.text("Together these conditions are true of everybody on the list."),)
    return (_all_of_them(),)


def _none_of_them() -> str:
    return language.text("Nobody on the list fits.")


def _all_of_them() -> str:
    return language.text("Everybody on the list fits: this leaves nobody out.")


def _shown(session: Session, mailing_list: MailingList, part: Tree) -> str:
    return segment_language.printed(segment_topics.by_name(session, mailing_list.id, part))[:200]

"""What is to be said of a segment before it is used: how many of how many, and what is the reason for odd counts.

A segment that nobody fits, or everybody, is seldom what was meant, so it is
said which of its parts does it, alone or together; and what it speaks of that
does not exist (any more).
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from listkeeper.audience import segment as segments
from listkeeper.audience import segment_language, segment_query, segment_tree
from listkeeper.audience.mailing_list import MailingList
from listkeeper.audience.segment_names import Names
from listkeeper.audience.segment_tree import All, AnyOf, Tree, conditions
from listkeeper.foundation import language

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
    count = _count(session, mailing_list, tree)
    whole = _count(session, mailing_list, segment_tree.EVERYBODY)
    said: tuple[str, ...] = ()
    if whole and count == 0:
        said = _nobody(session, mailing_list, tree)
    elif whole and count == whole:
        said = _everybody(session, mailing_list, tree, whole)
    return Check(count, whole, said, missing(session, mailing_list, tree))


def missing(session: Session, mailing_list: MailingList, tree: Tree) -> tuple[str, ...]:
    """Return what a segment speaks of that does not exist, each as half a sentence."""
    names = Names(session, mailing_list)
    written_out = segments.written_out(session, mailing_list.id, tree)
    return tuple(dict.fromkeys(words for each in conditions(written_out) if (words := names.missing(each))))


def _count(session: Session, mailing_list: MailingList, tree: Tree) -> int:
    return segment_query.count_tree(session, mailing_list, tree)


def _nobody(session: Session, mailing_list: MailingList, tree: Tree) -> tuple[str, ...]:
    if not isinstance(tree, All) or len(tree.parts) > _MOST_PARTS:
        return (language.text("Nobody on the list fits."),)
    alone = [part for part in tree.parts if not _count(session, mailing_list, part)]
    if alone:
        return tuple(
            language.text("Nobody on the list fits, because this alone is true of nobody: %(what)s", what=_shown(part))
            for part in alone
        )
    return (language.text("Each condition is true of somebody, but all of them together of nobody."),)


def _everybody(session: Session, mailing_list: MailingList, tree: Tree, whole: int) -> tuple[str, ...]:
    if isinstance(tree, AnyOf) and len(tree.parts) <= _MOST_PARTS:
        alone = [part for part in tree.parts if _count(session, mailing_list, part) == whole]
        if alone:
            return tuple(
                language.text(
                    "Everybody on the list fits, because this alone is true of all: %(what)s", what=_shown(part)
                )
                for part in alone
            )
        return (language.text("Together these conditions are true of everybody on the list."),)
    return (language.text("Everybody on the list fits: this leaves nobody out."),)


def _shown(part: Tree) -> str:
    return segment_language.printed(part)[:200]

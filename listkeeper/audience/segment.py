"""A segment: some of a list's people, told by what they have in common, in a sentence that is read anew each time.

It holds no people, so nobody is added to it or taken out of it: whoever it is
true of today is in it. It is kept as text (``segment_language``), which stays
readable when what it speaks of is gone: such a condition is true of nobody. An
archived segment is offered no more, and what uses it goes on using it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import ForeignKey, String, Text, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import segment_language, segment_tree
from listkeeper.audience.mailing_list import MailingList
from listkeeper.audience.segment_tree import All, AnyOf, Condition, Not, Tree
from listkeeper.foundation import clock, columns, language
from listkeeper.foundation.columns import UtcDateTime
from listkeeper.foundation.errors import Conflict, Invalid, NotFound
from listkeeper.foundation.table import Table

NAME_LIMIT = 80
MOST = 200
# Of a segment with those inside it written out.
MOST_WRITTEN_OUT = 500
_INSIDE = "in_segment"


class Segment(Table):
    """One segment of one list."""

    __tablename__ = "segment"

    id: Mapped[int] = columns.row_id()
    public_id: Mapped[str] = columns.public_id("seg")
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    list_id: Mapped[int] = mapped_column(ForeignKey("mailing_list.id"), index=True)
    name: Mapped[str] = mapped_column(String(NAME_LIMIT))
    # In our own language, as it is printed; nothing of it ever becomes SQL.
    source: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = columns.created_at()
    archived_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    @property
    def tree(self) -> Tree:
        """The segment, read."""
        return segment_language.parse(self.source)


def create(session: Session, organisation: Organisation, mailing_list: MailingList, name: str, source: str) -> Segment:
    """Store a segment of a list.

    Raises Invalid for a name or a text that cannot be (``segment_language.Misread`` says where), Conflict when the
    list has one of that name or has too many.
    """
    if mailing_list.is_service:
        raise Invalid("service_list", language.text("A list for status notices has no segments. Nothing was stored."))
    here = every(session, mailing_list)
    if len(here) >= MOST:
        raise Conflict("too_many_segments", language.text("A list can have 200 segments. Archive some first."))
    made = Segment(organisation_id=organisation.id, list_id=mailing_list.id, name=_named(name, here), source="")
    _write(session, made, source)
    session.add(made)
    session.flush()
    return made


def change(session: Session, segment: Segment, *, name: str | None = None, source: str | None = None) -> None:
    """Give a segment another name or text; raises as ``create`` does, and Invalid when it would be inside itself."""
    if name is not None:
        mailing_list = session.get_one(MailingList, segment.list_id)
        segment.name = _named(name, [each for each in every(session, mailing_list) if each.id != segment.id])
    if source is not None:
        _write(session, segment, source)
    session.flush()


def copy(session: Session, organisation: Organisation, segment: Segment) -> Segment:
    """Store the same once more, under a name of its own."""
    mailing_list = session.get_one(MailingList, segment.list_id)
    taken = {each.name for each in every(session, mailing_list)}
    stem = segment.name[: NAME_LIMIT - 4]
    name = next(wanted for number in range(2, MOST + 3) if (wanted := f"{stem} {number}") not in taken)
    return create(session, organisation, mailing_list, name, segment.source)


def archive(segment: Segment) -> None:
    """Offer it no more; what uses it goes on using it."""
    if segment.archived_at is None:
        segment.archived_at = clock.now()


def restore(segment: Segment) -> None:
    """Offer it again."""
    segment.archived_at = None


def _named(name: str, others: list[Segment]) -> str:
    named = " ".join(name.split())
    if not named:
        raise Invalid("missing", language.text("Please give the segment a name."), place="name")
    if len(named) > NAME_LIMIT or any(unicodedata.category(sign) in {"Cc", "Cs"} for sign in named):
        sentence = language.text("Please keep the name of the segment below 80 characters.")
        raise Invalid("too_long", sentence, place="name")
    if any(each.name.casefold() == named.casefold() for each in others):
        sentence = language.text("This list has a segment “%(name)s” already.", name=named)
        raise Conflict("segment_exists", sentence, place="name")
    return named


def _write(session: Session, segment: Segment, source: str) -> None:
    tree = segment_language.parse(source)
    written_out(session, segment.list_id, tree, own=segment.public_id or "", strict=True)
    segment.source = segment_language.printed(tree)


def identified(session: Session, organisation: Organisation, public_id: str) -> Segment:
    """Return the organisation's segment with a public id, also an archived one. Raises NotFound."""
    query = select(Segment).where(Segment.public_id == public_id, Segment.organisation_id == organisation.id)
    found = session.scalars(query).first()
    if found is None:
        raise NotFound("no_segment", language.text("There is no segment with the id %(id)s.", id=public_id[:60]))
    return found


def of_list(session: Session, mailing_list: MailingList, public_id: str) -> Segment:
    """Return a segment that a letter to this list can go to. Raises NotFound, also for an archived one."""
    query = select(Segment).where(
        Segment.public_id == public_id, Segment.list_id == mailing_list.id, Segment.archived_at.is_(None)
    )
    found = session.scalars(query).first()
    if found is None:
        raise NotFound("no_segment", language.text("This list has no segment with the id %(id)s.", id=public_id[:60]))
    return found


def all_of(session: Session, mailing_list: MailingList) -> list[Segment]:
    """Return the segments of a list that are offered, by name."""
    return [each for each in every(session, mailing_list) if each.archived_at is None]


def every(session: Session, mailing_list: MailingList) -> list[Segment]:
    """Return all segments of a list, the archived ones too, by name."""
    query = select(Segment).where(Segment.list_id == mailing_list.id)
    return sorted(session.scalars(query), key=lambda each: (each.name.casefold(), each.id))


def follow(session: Session, source: MailingList, target: MailingList) -> None:
    """Let the segments of a list come along when its people do."""
    taken = {each.name.casefold() for each in every(session, target)}
    for each in every(session, source):
        if each.name.casefold() in taken:
            each.name = f"{each.name[:40]} ({source.name[:30]})"[:NAME_LIMIT]
        each.list_id = target.id
    session.flush()


def whole(session: Session, segment: Segment) -> Tree:
    """Return the tree of a segment with the segments inside it written out."""
    return written_out(session, segment.list_id, segment.tree, own=segment.public_id)


def whole_text(session: Session, segment: Segment) -> str:
    """Return the same as text: what a letter was sent by, whatever becomes of the segments later."""
    return segment_language.printed(whole(session, segment))


def written_out(session: Session, list_id: int, tree: Tree, *, own: str = "", strict: bool = False) -> Tree:
    """Return a tree in which segments of this list stand as what they say.

    One that does not exist (any more) stays as it is, and is true of nobody; so is one that would be inside itself,
    which ``strict`` refuses: raises Invalid. It also does when all of it together is too long.
    """
    found = _written_out(session, list_id, tree, (own,) if own else (), strict=strict)
    for number, _ in enumerate(segment_tree.conditions(found), 1):
        if number > MOST_WRITTEN_OUT:
            sentence = language.text("With the segments inside it, this one is too long. Please make it simpler.")
            raise Invalid("segment_too_long", sentence)
    return found


def _written_out(session: Session, list_id: int, tree: Tree, trail: tuple[str, ...], *, strict: bool) -> Tree:
    match tree:
        case Condition(phrase="in_segment", value=wanted):
            if wanted in trail or len(trail) > segment_tree.DEEPEST:
                if strict:
                    raise Invalid("segment_loop", _loop(wanted))
                return segment_tree.NOBODY
            query = select(Segment).where(Segment.public_id == wanted, Segment.list_id == list_id)
            inner = session.scalars(query).first()
            return (
                tree if inner is None else _written_out(session, list_id, inner.tree, (*trail, wanted), strict=strict)
            )
        case Condition():
            return tree
        case All(parts):
            return All(tuple(_written_out(session, list_id, part, trail, strict=strict) for part in parts))
        case AnyOf(parts):
            return AnyOf(tuple(_written_out(session, list_id, part, trail, strict=strict) for part in parts))
        case Not(part):
            return Not(_written_out(session, list_id, part, trail, strict=strict))


def _loop(wanted: str) -> str:
    return language.text(
        "The segment %(id)s would be inside itself, or too deep in others. Nothing was stored.", id=wanted
    )


def named_in(
    session: Session, mailing_list: MailingList, phrase_ids: frozenset[str]
) -> Iterator[tuple[Segment, Condition]]:
    """Yield the conditions of some phrases with the offered segments of a list that they stand in."""
    for each in all_of(session, mailing_list):
        for condition in segment_tree.conditions(each.tree):
            if condition.phrase in phrase_ids:
                yield each, condition


def containing(session: Session, segment: Segment) -> list[Segment]:
    """Return the segments that have this one inside them."""
    mailing_list = session.get_one(MailingList, segment.list_id)
    found = named_in(session, mailing_list, frozenset({_INSIDE}))
    return list({each.id: each for each, condition in found if condition.value == segment.public_id}.values())

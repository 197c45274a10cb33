"""A segment: some of a list's people, told by what they have in common, in a sentence that is read anew each time.

It holds no people, so nobody is added to it or taken out of it: whoever it is
true of today is in it. It is kept as text (``segment_language``), which stays
readable when what it speaks of is gone: such a condition is true of nobody. An
archived segment is offered no more, and what uses it goes on using it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import ForeignKey, String, Text, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from listkeeper.accounts.organisation import Organisation
from listkeeper.audience.mailing_list import MailingList
from listkeeper.audience.segments import segment_inside, segment_language, segment_topics
from listkeeper.audience.segments.segment_inside import Inside
from listkeeper.audience.segments.segment_tree import Tree
from listkeeper.foundation import clock, columns, language
from listkeeper.foundation.columns import UtcDateTime
from listkeeper.foundation.errors import Conflict, Invalid, NotFound
from listkeeper.foundation.table import Table

NAME_LIMIT = 80
MOST = 200


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
        return segment_language.read(self.source)


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
    named, tree = _named(name, here), _stored(session, mailing_list.id, source)
    written_out(session, mailing_list.id, tree)
    text = segment_language.storable(tree)
    made = Segment(organisation_id=organisation.id, list_id=mailing_list.id, name=named, source=text)
    session.add(made)
    session.flush()
    return made


def change(session: Session, segment: Segment, *, name: str | None = None, source: str | None = None) -> None:
    """Give a segment another name or text.

    Raises as ``create`` does, and Invalid when it would be inside itself, or one that has it inside could not be read.
    """
    if name is not None:
        mailing_list = session.get_one(MailingList, segment.list_id)
        segment.name = _named(name, [each for each in every(session, mailing_list) if each.id != segment.id])
    if source is not None:
        text = segment_language.storable(_stored(session, segment.list_id, source))
        _demand_readable(session, segment, text)
        segment.source = text
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


def _stored(session: Session, list_id: int, source: str) -> Tree:
    """Return what was typed as it is stored."""
    return segment_topics.by_id(session, list_id, segment_language.parse(source))


def _demand_readable(session: Session, segment: Segment, text: str) -> None:
    """Raise Invalid when the segment could not be read with another text, or one that has it inside."""
    written = inside(session, segment.list_id, {segment.public_id: text})
    written.of(segment.public_id)
    for each in _around(session, segment):
        try:
            written.of(each.public_id)
        except Invalid as problem:
            what = language.text("“%(name)s” has this segment inside it.", name=each.name)
            raise Invalid(problem.code, f"{what} {problem.message}") from None


def _around(session: Session, segment: Segment) -> list[Segment]:
    """Return the segments with this one inside them, near or far, the archived ones too."""
    here = list(session.scalars(select(Segment).where(Segment.list_id == segment.list_id)))
    found: dict[str, Segment] = {}
    waiting = [segment.public_id]
    while waiting:
        wanted = waiting.pop()
        for each in here:
            if wanted in each.source and each.public_id not in found and each.id != segment.id:
                found[each.public_id] = each
                waiting.append(each.public_id)
    return list(found.values())


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


def whole(session: Session, segment: Segment) -> Tree:
    """Return the tree of a segment with the segments inside it written out; raises as ``written_out`` does."""
    tree = segment.tree
    if not segment_inside.names_any(tree):
        return tree
    return inside(session, segment.list_id).of(segment.public_id)


def whole_text(session: Session, segment: Segment) -> str:
    """Return the same as text: what a letter was sent by, whatever becomes of the segments and topics later."""
    return segment_language.printed(segment_topics.by_name(session, segment.list_id, whole(session, segment)))


def said(session: Session, segment: Segment) -> str:
    """Return what a segment says, as people read it: with the names of topics."""
    try:
        tree = segment.tree
    except Invalid:
        return segment.source
    return segment_language.printed(segment_topics.by_name(session, segment.list_id, tree))


def written_out(session: Session, list_id: int, tree: Tree) -> Tree:
    """Return a tree in which segments of this list stand as what they say.

    One that does not exist (any more) stays as it is, and is true of nobody. Raises Invalid when all of it together is
    too long, segments stand too deep in one another, or one is inside itself.
    """
    return inside(session, list_id).of_tree(tree) if segment_inside.names_any(tree) else tree


def inside(session: Session, list_id: int, changed: Mapping[str, str] | None = None) -> Inside:
    """Return the segments of a list, to be written out; ``changed`` are texts that are not stored yet."""
    query = select(Segment.public_id, Segment.source).where(Segment.list_id == list_id)
    return Inside({row.public_id: row.source for row in session.execute(query)} | dict(changed or {}))

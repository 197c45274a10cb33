"""Topics of a list: they divide what people agreed to there, and widen nothing.

Whoever has chosen no topic gets all of them, which is what the consent text
says. A subscription names topics by id, so that a new name changes nobody's
choice; a retired one is offered no more and no letter can be about it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import ForeignKey, String, Text, cast, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column
from sqlalchemy.sql import ColumnElement

from listkeeper.audience.mailing_list import MailingList
from listkeeper.audience.subscription import Subscription
from listkeeper.foundation import clock, columns, language
from listkeeper.foundation.columns import UtcDateTime
from listkeeper.foundation.errors import Conflict, Invalid, NotFound
from listkeeper.foundation.table import Table

# More than a phone shows without scrolling is no choice any more.
MOST = 12
_NAME_LIMIT = 60


class Topic(Table):
    """One part of what a list is about."""

    __tablename__ = "topic"

    id: Mapped[int] = columns.row_id()
    public_id: Mapped[str] = columns.public_id("top")
    list_id: Mapped[int] = mapped_column(ForeignKey("mailing_list.id"), index=True)
    name: Mapped[str] = mapped_column(String(80))
    created_at: Mapped[datetime] = columns.created_at()
    retired_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


def offered(session: Session, list_id: int) -> list[Topic]:
    """Return the topics that can be chosen on a list, the oldest first."""
    query = select(Topic).where(Topic.list_id == list_id, Topic.retired_at.is_(None))
    return list(session.scalars(query.order_by(Topic.id)))


def every(session: Session, mailing_list: MailingList) -> list[Topic]:
    """Return all topics a list has ever had, the oldest first."""
    return list(session.scalars(select(Topic).where(Topic.list_id == mailing_list.id).order_by(Topic.id)))


def named(session: Session, mailing_list: MailingList, name: str) -> Topic:
    """Return a topic that can be chosen, by id or name. Raises NotFound."""
    wanted = name.strip()
    for found in offered(session, mailing_list.id):
        if wanted == found.public_id or wanted.casefold() == found.name.casefold():
            return found
    raise NotFound("no_topic", language.text("There is no topic “%(name)s” on this list.", name=wanted[:60]))


def add(session: Session, mailing_list: MailingList, name: str) -> Topic:
    """Store a new topic. Raises Invalid without a name, Conflict when it is there, or there are too many."""
    here = offered(session, mailing_list.id)
    made = Topic(list_id=mailing_list.id, name=_checked(name, here))
    if len(here) >= MOST:
        raise Conflict("too_many_topics", language.text("A list can have 12 topics. Retire one first."))
    session.add(made)
    session.flush()
    return made


def rename(session: Session, mailing_list: MailingList, topic: Topic, name: str) -> None:
    """Give a topic another name; whoever chose it has chosen it still.

    Segments go on meaning it where ``segment_meaning.rename_topic`` calls this.
    """
    others = [each for each in offered(session, mailing_list.id) if each.id != topic.id]
    topic.name = _checked(name, others)


def retire(topic: Topic) -> None:
    """Take a topic out of use: it is offered no more, and no letter can be about it."""
    if topic.retired_at is None:
        topic.retired_at = clock.now()


def _checked(name: str, others: Iterable[Topic]) -> str:
    named_so = " ".join(name.split())
    if not named_so:
        raise Invalid("missing", language.text("Please give the topic a name."))
    if len(named_so) > _NAME_LIMIT or any(unicodedata.category(char) == "Cc" for char in named_so):
        raise Invalid("too_long", language.text("Please keep the name of the topic below 60 characters."))
    if any(each.name.casefold() == named_so.casefold() for each in others):
        raise Conflict("topic_exists", language.text("This list has a topic “%(name)s” already.", name=named_so))
    return named_so


def wanted(public_id: str) -> ColumnElement[bool]:
    """Return whether a subscription wants letters about a topic: it was chosen, or no topic was."""
    # As text, which both databases understand; an id is letters, digits and one underscore, and unique.
    chosen = cast(Subscription.topics, Text)
    return (chosen == "[]") | chosen.contains(f'"{public_id}"', autoescape=True)


def chose(session: Session, topic: Topic) -> int:
    """Return how many people chose a topic by name."""
    named_it = cast(Subscription.topics, Text).contains(f'"{topic.public_id}"', autoescape=True)
    return session.scalar(select(func.count()).select_from(Subscription).where(named_it)) or 0


def follow(session: Session, source: MailingList, target: MailingList) -> None:
    """Let the topics of a list come along when its people do, so that what they chose still means something."""
    taken = {each.name.casefold() for each in offered(session, target.id)}
    for each in every(session, source):
        if each.name.casefold() in taken:
            each.name = f"{each.name} ({source.name})"[:80]
        each.list_id = target.id
    session.flush()

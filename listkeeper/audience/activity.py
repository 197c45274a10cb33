"""Activity: that a person did something with a list's letters: followed a link, wrote back, answered, bought.

These are human acts alone; what a machine did is told apart before it comes
here (``feedback.engagement``), and an open is none. A click stands here only
for whoever lets us see her clicks (``tracking``), so its absence says nothing
of anybody else. The chapters above write it, segments and follow-ups read it.
No rule of permission does. Whoever does something rests no longer (``resting``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime
from enum import StrEnum
from typing import Any, NamedTuple, cast

from sqlalchemy import Date, ForeignKey, Index, UniqueConstraint, bindparam, delete, select, update
from sqlalchemy import Table as Rows
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from listkeeper.audience.subscription import Subscription
from listkeeper.foundation import columns
from listkeeper.foundation.among import among
from listkeeper.foundation.columns import UtcDateTime
from listkeeper.foundation.table import Table


class ActivityKind(StrEnum):
    """What somebody did."""

    CLICKED = "clicked"
    REPLIED = "replied"
    # A poll, a tap ("how is it going?") or a profile question.
    ANSWERED = "answered"
    # An event that the owner's shop posted (``posted_event``).
    BOUGHT = "bought"


class Act(NamedTuple):
    """One thing somebody did; ``campaign_id`` is 0 where it belongs to no letter."""

    subscriber_id: int
    list_id: int
    kind: ActivityKind
    at: datetime
    campaign_id: int = 0


class Activity(Table):
    """At most one row for a person, list, kind, letter and day (UTC): the first of the day."""

    __tablename__ = "activity"

    id: Mapped[int] = columns.row_id()
    subscriber_id: Mapped[int] = mapped_column(ForeignKey("subscriber.id"))
    list_id: Mapped[int] = mapped_column(ForeignKey("mailing_list.id"))
    kind: Mapped[ActivityKind] = columns.enum(ActivityKind)
    # No foreign key: 0 is no letter, so that the day is unique all the same.
    campaign_id: Mapped[int] = mapped_column(columns.RowId, default=0)
    day: Mapped[date] = mapped_column(Date)
    at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (
        UniqueConstraint("subscriber_id", "list_id", "kind", "campaign_id", "day"),
        Index("ix_activity_list", "list_id", "kind", "at", "subscriber_id"),
        Index("ix_activity_campaign", "campaign_id", "kind", "subscriber_id"),
    )


class LatestAct(Table):
    """When a person did something of a kind last on a list, in one row: what segments ask of a million people."""

    __tablename__ = "latest_act"

    id: Mapped[int] = columns.row_id()
    subscriber_id: Mapped[int] = mapped_column(ForeignKey("subscriber.id"))
    list_id: Mapped[int] = mapped_column(ForeignKey("mailing_list.id"))
    kind: Mapped[ActivityKind] = columns.enum(ActivityKind)
    at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (
        UniqueConstraint("subscriber_id", "list_id", "kind"),
        # In the order of people, so that it is read alongside the subscriptions.
        Index("ix_latest_act_list", "list_id", "kind", "subscriber_id", "at"),
    )


def note(session: Session, acts: Iterable[Act]) -> None:
    """Write down what people did; told twice it is written once."""
    acts = list(acts)
    rows = [
        {
            "subscriber_id": act.subscriber_id,
            "list_id": act.list_id,
            "kind": act.kind,
            "campaign_id": act.campaign_id,
            "day": act.at.date(),
            "at": act.at,
        }
        for act in acts
    ]
    if rows:
        insert = postgresql_insert if session.get_bind().dialect.name == "postgresql" else sqlite_insert
        session.execute(insert(Activity).on_conflict_do_nothing(), rows)
        _note_latest(session, acts)
        _wake(session, rows)


def _note_latest(session: Session, acts: Iterable[Act]) -> None:
    latest: dict[tuple[int, int, ActivityKind], datetime] = {}
    for act in acts:
        whose = (act.subscriber_id, act.list_id, act.kind)
        latest[whose] = max(act.at, latest.get(whose, act.at))
    insert = postgresql_insert if session.get_bind().dialect.name == "postgresql" else sqlite_insert
    newest = insert(LatestAct)
    newest = newest.on_conflict_do_update(
        index_elements=["subscriber_id", "list_id", "kind"],
        set_={"at": newest.excluded.at},
        where=LatestAct.at < newest.excluded.at,
    )
    # In one order, so that two who write of the same people never wait for each other.
    rows = [
        {"subscriber_id": person, "list_id": list_id, "kind": kind, "at": at}
        for (person, list_id, kind), at in sorted(latest.items())
    ]
    session.execute(newest, rows)


def _wake(session: Session, rows: Iterable[Mapping[str, Any]]) -> None:
    """Let whoever did something on a list rest there no longer."""
    by_list: dict[int, list[int]] = {}
    for row in rows:
        by_list.setdefault(row["list_id"], []).append(row["subscriber_id"])
    for number, people in by_list.items():
        session.execute(_WAKE, {"list": number, "people": people}, execution_options={"synchronize_session": False})


_RESTING = cast("Rows", Subscription.__table__)
_WAKE = (
    update(_RESTING)
    .where(_RESTING.c.list_id == bindparam("list"), among(_RESTING.c.subscriber_id, "people"))
    .where(_RESTING.c.rest_batch_id.is_not(None))
    .values(resting_since=None, rest_batch_id=None)
)


def did(session: Session, campaign_id: int, kind: ActivityKind) -> bool:
    """Return whether anybody is known to have done that with a letter."""
    query = select(Activity.id).where(Activity.campaign_id == campaign_id, Activity.kind == kind)
    return session.scalars(query.limit(1)).first() is not None


def forget(
    session: Session, subscriber_id: int, *, lists: Collection[int] | None = None, kind: ActivityKind | None = None
) -> None:
    """Let go of what a person did: all of it, or that on some lists, or of one kind."""
    for table in (Activity, LatestAct):
        hers = delete(table).where(table.subscriber_id == subscriber_id)
        if lists is not None:
            hers = hers.where(table.list_id.in_(list(lists)))
        if kind is not None:
            hers = hers.where(table.kind == kind)
        session.execute(hers, execution_options={"synchronize_session": False})

"""Growth counts: how many people of a list asked, joined and ended in which months, by the source they came from.

A subscription says where somebody stands today and since when; its event and
its first sign-up say when she said yes and when she asked. Out of these the
database adds up one row for each way and months, a few thousand for a list of
a million, so that the page need not count people. The counts of a long list
are kept by an hourly job; a short one is counted when somebody looks.

Whoever left and came back counts from the day she came back, and whoever was
erased is in no count any more. Months are those of the business's own clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, ColumnElement, Select, String, case, delete, func, insert, select
from sqlalchemy.orm import Mapped, Session, aliased, mapped_column

from listkeeper.accounts import storefront
from listkeeper.accounts.organisation import Organisation
from listkeeper.audience.consent import ConsentEvent, EventKind
from listkeeper.audience.importing.batch import ImportBatch
from listkeeper.audience.mailing_list import ListState, MailingList
from listkeeper.audience.signup import Signup
from listkeeper.audience.subscription import Subscription, SubscriptionState
from listkeeper.foundation import clock, columns, throttle
from listkeeper.foundation.columns import UtcDateTime
from listkeeper.foundation.table import Table
from listkeeper.insight import month

S = SubscriptionState
# States that end a membership which had begun.
ENDS = (S.UNSUBSCRIBED, S.COMPLAINED, S.BOUNCED, S.LAPSED)
# So many people are counted in the time of a page: whoever has fewer sees what happened a second ago.
COUNTED_AT_ONCE = 20_000
_MONTH = 7


class GrowthCount(Table):
    """One kept count; months are written as "2026-11", and empty where it did not happen."""

    __tablename__ = "growth_count"

    id: Mapped[int] = columns.row_id()
    # No foreign key: a count is nobody's doing, and keeps no list that is taken away (``audience.demo_leaving``).
    list_id: Mapped[int] = mapped_column(columns.RowId, index=True)
    # 0 for none of the owner's links; sources are never deleted.
    source_id: Mapped[int] = mapped_column(columns.RowId)
    by_file: Mapped[bool] = mapped_column()
    asked: Mapped[str] = mapped_column(String(_MONTH))
    joined: Mapped[str] = mapped_column(String(_MONTH))
    state: Mapped[SubscriptionState] = columns.enum(SubscriptionState)
    ended: Mapped[str] = mapped_column(String(_MONTH))
    people: Mapped[int] = mapped_column(BigInteger)
    counted_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Count(NamedTuple):
    """How many people have the same story."""

    source_id: int
    by_file: bool
    asked: str
    joined: str
    state: SubscriptionState
    ended: str
    people: int


class Counted(NamedTuple):
    """The counts of some lists, and as of when."""

    counts: Sequence[Count]
    at: datetime


def of_lists(session: Session, organisation: Organisation, lists: Sequence[MailingList]) -> Counted:
    """Return the counts of some lists: the kept ones of a long list, and fresh ones of a short one."""
    counts: list[Count] = []
    at = clock.now()
    for each in lists:
        kept = _kept(session, each)
        if kept.counts:
            counts += kept.counts
            at = min(at, kept.at)
        else:
            counts += look(session, organisation, each)
    return Counted(counts, at)


_ROWS: Any = GrowthCount.__table__
_COLUMNS = [_ROWS.c[name] for name in Count._fields]


def _kept(session: Session, mailing_list: MailingList) -> Counted:
    ours = _ROWS.c.list_id == mailing_list.id
    found = session.connection().execute(select(*_COLUMNS).where(ours)).all()
    at = session.scalar(select(func.min(GrowthCount.counted_at)).where(ours)) if found else None
    return Counted([Count(*row) for row in found], at or clock.now())


def keep(session: Session, mailing_list: MailingList, counts: Sequence[Count]) -> None:
    """Put fresh counts of a long list in the place of the kept ones; a short one is counted when somebody looks."""
    # Two who put theirs in the place of the same one would both stay.
    throttle.take_turns(session, "growth", str(mailing_list.id))
    session.execute(delete(GrowthCount).where(GrowthCount.list_id == mailing_list.id))
    at = clock.now()
    if sum(count.people for count in counts) > COUNTED_AT_ONCE:
        rows = [{**count._asdict(), "list_id": mailing_list.id, "counted_at": at} for count in counts]
        session.execute(insert(GrowthCount), rows)


def forget_gone(session: Session, lists: Sequence[int]) -> None:
    """Let go of the counts of lists that are there no more; ``lists`` are the numbers of those that are."""
    session.execute(delete(GrowthCount).where(GrowthCount.list_id.not_in(lists)))


def lists_of(session: Session, organisation: Organisation) -> list[MailingList]:
    """Return the lists whose growth is counted: all that were not taken away."""
    query = select(MailingList).where(
        MailingList.organisation_id == organisation.id, MailingList.state != ListState.TOMBSTONED
    )
    return list(session.scalars(query.order_by(MailingList.id)))


def look(session: Session, organisation: Organisation, mailing_list: MailingList) -> list[Count]:
    """Count a list now; of a million people this takes seconds."""
    zone = storefront.zone_of(session, organisation)
    on_sqlite = session.get_bind().dialect.name != "postgresql"
    found = session.execute(_question(mailing_list, zone, on_sqlite=on_sqlite))
    return [Count(*row) for row in found]


def _question(mailing_list: MailingList, zone: str, *, on_sqlite: bool) -> Select[*tuple[Any, ...]]:
    row, event = Subscription, ConsentEvent
    by_file = row.import_id.is_not(None) & (row.consent_event_id.is_(None) | (event.kind == EventKind.RENEWED))
    moments = {
        "asked": func.coalesce(Signup.received_at, ImportBatch.finished_at, event.at, row.since),
        "joined": _joined(by_file),
        "ended": case((row.state.in_(ENDS), row.since), else_=None),
    }
    stories = (
        select(
            func.coalesce(row.source_id, 0).label("source_id"),
            by_file.label("by_file"),
            row.state.label("state"),
            *(month.in_database(moment, zone, on_sqlite=on_sqlite).label(name) for name, moment in moments.items()),
        )
        .select_from(row)
        .outerjoin(event, event.id == row.consent_event_id)
        .outerjoin(Signup, Signup.id == row.first_signup_id)
        .outerjoin(ImportBatch, ImportBatch.id == row.import_id)
        .where(row.list_id == mailing_list.id)
        .subquery()
    )
    told = stories.c
    kinds = (
        told.source_id, told.by_file, told.asked, func.coalesce(told.joined, ""), told.state,
        func.coalesce(told.ended, ""),
    )  # fmt: skip
    return select(*kinds, func.count()).group_by(*kinds)


def _joined(by_file: ColumnElement[bool]) -> ColumnElement[Any]:
    """Return when somebody came to the list: by her yes, or with the file that claims one; NULL while she did not."""
    row, event = Subscription, ConsentEvent
    renewed = aliased(ConsentEvent)
    # A renewal is cited in the place of the yes that it renews, which is looked up for it alone.
    first_yes = (
        select(func.min(renewed.at))
        .where(
            renewed.subject_ref == event.subject_ref, renewed.list_id == row.list_id, renewed.kind == EventKind.GIVEN
        )
        .correlate(row, event)
        .scalar_subquery()
    )
    return case(
        (by_file & row.state.in_((S.CONFIRMED, *ENDS)), func.coalesce(ImportBatch.finished_at, row.since)),
        (event.kind == EventKind.RENEWED, func.coalesce(first_yes, event.at)),
        else_=event.at,
    )

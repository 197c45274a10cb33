"""How many mails of a domain left on each day, and by which way: what receivers' reports are laid beside."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from listkeeper.campaigns.campaign import Campaign
from listkeeper.sending.delivery import SENT, Delivery
from listkeeper.sending.handing_over.way import PRACTICE

# Mails by day (UTC) and name of the way.
LeftByDay = Mapping[date, Mapping[str, int]]


def of(session: Session, organisation_id: int, domain: str, since: date, until: date) -> LeftByDay:
    """Return how many mails under a domain, or one below it, were accepted on each day (UTC) from one to another.

    A mail belongs to the day on which it was handed over. What practice mode caught never left, and is not counted.
    """
    begin = datetime.combine(since, time(), UTC)
    end = datetime.combine(until + timedelta(days=1), time(), UTC)
    day = _day(session)
    query = (
        select(day, Delivery.way, func.count())
        .where(
            Delivery.organisation_id == organisation_id,
            _of_the_time(session, begin, end),
            Delivery.state.in_(SENT),
            Delivery.handed_at >= begin,
            Delivery.handed_at < end,
            or_(*(Delivery.message_id.endswith(f"{sign}{domain}>", autoescape=True) for sign in "@.")),
        )
        .group_by(day, Delivery.way)
    )
    found: dict[date, dict[str, int]] = defaultdict(dict)
    for said, way, number in session.execute(query):
        if way is not None and way != PRACTICE.name:
            found[date.fromisoformat(str(said))][way] = number
    return dict(found)


def _of_the_time(session: Session, begin: datetime, end: datetime) -> ColumnElement[bool]:
    """Leave out the letters of other times, whose rows the index on letters then spares the database to look at."""
    under_way = select(Campaign.id).where(
        Campaign.started_at < end, or_(Campaign.finished_at.is_(None), Campaign.finished_at >= begin)
    )
    # By their numbers: PostgreSQL uses no index for a query within an "or".
    letters = list(session.scalars(under_way))
    return or_(Delivery.campaign_id.in_(letters), Delivery.campaign_id.is_(None))


def _day(session: Session) -> ColumnElement[date]:
    """Return the day (UTC) of the hand-over; PostgreSQL would take that of its own zone, SQLite keeps UTC."""
    if session.get_bind().dialect.name == "postgresql":
        return func.date(func.timezone("UTC", Delivery.handed_at))
    return func.date(Delivery.handed_at)

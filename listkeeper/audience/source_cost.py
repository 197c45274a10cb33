"""What a source costs, as its owner types it in: once, or every month from a day on.

A month that has begun is paid for whole, as rents and subscriptions are. All
costs of a business are in one currency, so that they can be added up.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from enum import StrEnum

from sqlalchemy import BigInteger, Date, ForeignKey, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from listkeeper.accounts.organisation import Organisation
from listkeeper.audience.mailing_list import MailingList
from listkeeper.audience.signup_form import SignupForm
from listkeeper.audience.source import Source
from listkeeper.foundation import clock, columns, language, money
from listkeeper.foundation.errors import Conflict, Invalid, NotFound
from listkeeper.foundation.table import Table


class CostPer(StrEnum):
    """Whether an amount is paid once or every month."""

    ONCE = "once"
    MONTH = "month"


class SourceCost(Table):
    """One amount that is paid for a source."""

    __tablename__ = "source_cost"

    id: Mapped[int] = columns.row_id()
    public_id: Mapped[str] = columns.public_id("cst")
    source_id: Mapped[int] = mapped_column(ForeignKey("source.id"), index=True)
    # In minor units: øre, cents.
    amount: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    per: Mapped[CostPer] = columns.enum(CostPer)
    starts_on: Mapped[date] = mapped_column(Date)
    # The last day that a monthly cost is paid for; empty while it goes on.
    ends_on: Mapped[date | None] = mapped_column(Date)
    created_at: Mapped[datetime] = columns.created_at()

    source: Mapped[Source] = relationship()


def add(  # noqa: PLR0913 - what, how often, from when
    session: Session,
    organisation: Organisation,
    source: Source,
    *,
    written: str,
    currency: str,
    per: CostPer,
    starts_on: date,
) -> SourceCost:
    """Store a cost. Raises Invalid for what is no amount, Conflict for a second currency."""
    code = money.checked(currency)
    amount = money.parse(written, code)
    others = {row.currency for row in every(session, organisation)} - {code}
    if others:
        sentence = language.text(
            "Your other costs are in %(currency)s. Please type this one in %(currency)s too, so that they add up.",
            currency=min(others),
        )
        raise Conflict("other_currency", sentence)
    made = SourceCost(source_id=source.id, amount=amount, currency=code, per=per, starts_on=starts_on)
    made.source = source
    session.add(made)
    session.flush()
    return made


def end(cost: SourceCost, last_day: date) -> None:
    """Pay a monthly cost no longer than to a day. Raises Conflict for one that is paid once."""
    if cost.per is not CostPer.MONTH:
        raise Conflict("paid_once", language.text("This was paid once: there is nothing to end."))
    if last_day < cost.starts_on:
        raise Invalid("day", language.text("It cannot end before it begins."))
    cost.ends_on = last_day


def remove(session: Session, cost: SourceCost) -> None:
    """Take away a cost that was typed in by mistake."""
    session.delete(cost)
    session.flush()


def every(session: Session, organisation: Organisation) -> list[SourceCost]:
    """Return all costs of a business, the oldest first."""
    query = (
        select(SourceCost)
        .join(Source)
        .join(SignupForm)
        .join(MailingList)
        .where(MailingList.organisation_id == organisation.id)
    )
    return list(session.scalars(query.order_by(SourceCost.starts_on, SourceCost.id)))


def named(session: Session, organisation: Organisation, public_id: str) -> SourceCost:
    """Return one cost of a business. Raises NotFound."""
    for cost in every(session, organisation):
        if cost.public_id == public_id:
            return cost
    raise NotFound("no_cost", language.text("There is no such cost."))


def so_far(cost: SourceCost, today: date) -> int:
    """Return what a cost has come to, in minor units: nothing before it begins, then each month begun."""
    if cost.starts_on > today:
        return 0
    if cost.per is CostPer.ONCE:
        return cost.amount
    return cost.amount * _months_begun(cost.starts_on, min(today, cost.ends_on or today))


def _months_begun(start: date, last: date) -> int:
    months = (last.year - start.year) * 12 + last.month - start.month
    # The 31st begins on the last day of a shorter month.
    begins = clock.months_later(datetime.combine(start, time(), UTC), months).date()
    return months + (1 if last >= begins else 0)

"""Resting: people who never reacted get no letters for a while, by their owner's choice and not by their own.

Nothing of what they said changes: the permission stands, its clocks run on,
and no proof is touched. They are left out where a letter to everybody is
planned (``subscription.mailable``), and nowhere else: the gate knows nothing
of it, because the gate is about what a person wants. Whoever is heard of
wakes at once (``subscription.wake``, ``activity.note``), and for a year one
button wakes all those of a batch who still rest, also after their list became
part of another one.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Integer, Select, String, and_, func, select, update
from sqlalchemy.engine import CursorResult
from sqlalchemy.orm import Mapped, Session, mapped_column

from listkeeper.accounts.organisation import Organisation
from listkeeper.audience.mailing_list import ListState, MailingList
from listkeeper.audience.subscription import Subscription, SubscriptionState
from listkeeper.foundation import clock, columns, language
from listkeeper.foundation.columns import UtcDateTime
from listkeeper.foundation.errors import Conflict, Invalid, NotFound
from listkeeper.foundation.table import Table

# For so long one button wakes them all.
UNDO_WITHIN = timedelta(days=365)


class RestReason(StrEnum):
    """Why somebody rests."""

    NEVER_REACTED = "never_reacted"


class RestBatch(Table):
    """People of one list who were put to rest together, and what was known when that was decided."""

    __tablename__ = "rest_batch"

    id: Mapped[int] = columns.row_id()
    public_id: Mapped[str] = columns.public_id("rst")
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    list_id: Mapped[int] = mapped_column(ForeignKey("mailing_list.id"), index=True)
    reason: Mapped[RestReason] = columns.enum(RestReason)
    number: Mapped[int] = mapped_column(Integer)
    # The rule and the numbers of the proposal (``insight.clean_up``).
    figures: Mapped[dict[str, Any]] = mapped_column(columns.Json)
    actor: Mapped[str] = mapped_column(String(80))
    started_at: Mapped[datetime] = columns.created_at()
    # When the owner woke whoever still rested, and how many those were.
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    woken: Mapped[int | None] = mapped_column(Integer)

    @property
    def may_be_undone(self) -> bool:
        """Whether the button still wakes them."""
        return self.ended_at is None and self.started_at + UNDO_WITHIN > clock.now()


def begin(
    session: Session, mailing_list: MailingList, people: Select[int], *, actor: str, figures: Mapping[str, Any]
) -> RestBatch:
    """Let the people of a SELECT (numbers of subscriptions of this list) rest, in one statement.

    Raises Conflict for a list that is closed, Invalid when it is nobody.
    """
    if mailing_list.state is not ListState.ACTIVE:
        raise Conflict("list_inactive", language.text("This list is closed. Nothing was changed."))
    made = RestBatch(
        organisation_id=mailing_list.organisation_id,
        list_id=mailing_list.id,
        reason=RestReason.NEVER_REACTED,
        number=0,
        figures=dict(figures),
        actor=actor,
    )
    session.add(made)
    session.flush()
    # Found first, so that no row is changed while it is asked for.
    found = people.correlate(None).subquery()
    made.number = _changed(
        session,
        update(Subscription)
        .where(
            Subscription.id.in_(select(found.c.id)),
            Subscription.list_id == mailing_list.id,
            Subscription.state == SubscriptionState.CONFIRMED,
            Subscription.rest_batch_id.is_(None),
        )
        .values(resting_since=made.started_at, rest_batch_id=made.id),
    )
    if made.number == 0:
        raise Invalid("nobody", language.text("There is nobody to let rest now. Nothing was changed."))
    return made


def undo(session: Session, batch: RestBatch) -> int:
    """Wake all of a batch who still rest; return how many. Raises Conflict when it is over, or too long ago."""
    session.flush()
    session.refresh(batch, with_for_update=True)
    if batch.ended_at is not None:
        raise Conflict("undone", language.text("These people were woken already. Nothing was changed."))
    if not batch.may_be_undone:
        raise Conflict("too_late", language.text("That was more than a year ago. Nothing was changed."))
    batch.woken = _changed(
        session,
        update(Subscription)
        .where(Subscription.rest_batch_id == batch.id)
        .values(resting_since=None, rest_batch_id=None),
    )
    batch.ended_at = clock.now()
    return batch.woken


def follow(session: Session, source: MailingList, target: MailingList) -> None:
    """Let the batches of a list come along when its people do, so that they are woken where they are now.

    Where some of a batch stay behind, those who moved become a batch of their own, as old as the first.
    """
    batches = select(RestBatch.id).where(RestBatch.list_id == source.id, RestBatch.ended_at.is_(None))
    query = (
        select(Subscription.rest_batch_id, Subscription.list_id, func.count())
        .where(Subscription.rest_batch_id.in_(list(session.scalars(batches))))
        .group_by(Subscription.rest_batch_id, Subscription.list_id)
    )
    found = {(row[0], row[1]): row[2] for row in session.execute(query)}
    for batch_id, moved in sorted((number, many) for (number, on), many in found.items() if on == target.id):
        batch = session.get_one(RestBatch, batch_id)
        if (batch_id, source.id) in found:
            _divide(session, batch, target, moved)
        else:
            batch.list_id = target.id
    session.flush()


def _divide(session: Session, batch: RestBatch, target: MailingList, moved: int) -> None:
    """Make those of a batch who moved to another list a batch of that list."""
    made = RestBatch(
        organisation_id=batch.organisation_id,
        list_id=target.id,
        reason=batch.reason,
        number=moved,
        figures=dict(batch.figures),
        actor=batch.actor,
        started_at=batch.started_at,
    )
    batch.number -= moved
    session.add(made)
    session.flush()
    hers = update(Subscription).where(Subscription.rest_batch_id == batch.id, Subscription.list_id == target.id)
    _changed(session, hers.values(rest_batch_id=made.id))


def _changed(session: Session, change: Any) -> int:  # noqa: ANN401 - an UPDATE of SQLAlchemy's
    result = session.execute(change.execution_options(synchronize_session=False))
    session.expire_all()
    return result.rowcount if isinstance(result, CursorResult) else 0


def count(session: Session, mailing_list: MailingList) -> int:
    """Return how many people of a list rest. Found by their batches, which are few, and not among a million people."""
    going_on = select(RestBatch.id).where(
        RestBatch.organisation_id == mailing_list.organisation_id, RestBatch.ended_at.is_(None)
    )
    resting_now = Subscription.rest_batch_id.in_(list(session.scalars(going_on)))
    return _number(session, and_(resting_now, Subscription.list_id == mailing_list.id))


def still(session: Session, batch: RestBatch) -> int:
    """Return how many of a batch rest still."""
    return _number(session, Subscription.rest_batch_id == batch.id)


def _number(session: Session, which: Any) -> int:  # noqa: ANN401 - a condition of SQLAlchemy's
    query = select(func.count()).select_from(Subscription).where(Subscription.rest_batch_id.is_not(None), which)
    return session.scalar(query) or 0


def all_of(session: Session, mailing_list: MailingList) -> list[RestBatch]:
    """Return the batches of a list, the newest first."""
    query = select(RestBatch).where(RestBatch.list_id == mailing_list.id)
    return list(session.scalars(query.order_by(RestBatch.id.desc())))


def identified(session: Session, organisation: Organisation, public_id: str) -> RestBatch:
    """Return a batch of a business by its public id. Raises NotFound."""
    query = select(RestBatch).where(RestBatch.public_id == public_id, RestBatch.organisation_id == organisation.id)
    found = session.scalars(query).first()
    if found is None:
        raise NotFound("no_rest", language.text("There is no such clean-up."))
    return found


def reason_words(reason: RestReason) -> str:
    """Say why somebody rests."""
    return {RestReason.NEVER_REACTED: language.text("Rest: never reacted")}[reason]

"""The weekly mail about the board, in the post: what it says was written down when the week came, once a week.

What the numbers are is known to ``insight`` alone, which stands above: it
hands over the words, and this queues one mail to each user who gets it. A week
has one row, so a second look, another machine or a restart adds nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy import Date, ForeignKey, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from listkeeper.accounts.organisation import Organisation
from listkeeper.accounts.user import User
from listkeeper.audience.handover import MessageClass, NoticeKind
from listkeeper.foundation import columns, throttle
from listkeeper.foundation.outbox import Lane
from listkeeper.foundation.table import Table
from listkeeper.sending import delivery
from listkeeper.sending.delivery import Delivery


class BoardMail(Table):
    """What the mail of one week says; ``week`` is its Monday by the calendar of the business."""

    __tablename__ = "board_mail"

    id: Mapped[int] = columns.row_id()
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    week: Mapped[date] = mapped_column(Date)
    # As ``rendering.board_mail`` reads it.
    content: Mapped[dict[str, Any]] = mapped_column(columns.Json)
    made_at: Mapped[datetime] = columns.created_at()

    __table_args__ = (UniqueConstraint("organisation_id", "week"),)


def of_week(session: Session, organisation: Organisation, week: date) -> BoardMail | None:
    """Return what was written for a week, if anything was."""
    query = select(BoardMail).where(BoardMail.organisation_id == organisation.id, BoardMail.week == week)
    return session.scalars(query).first()


def post(
    session: Session, organisation: Organisation, week: date, content: Mapping[str, Any], to: Iterable[User]
) -> list[Delivery]:
    """Write a week's mail down and queue it to these users; nothing where the week had one."""
    throttle.take_turns(session, "board-mail", str(organisation.id))
    if of_week(session, organisation, week) is not None:
        return []
    made = BoardMail(organisation_id=organisation.id, week=week, content=dict(content))
    session.add(made)
    session.flush()
    rows = [
        Delivery(
            organisation_id=organisation.id,
            message_class=MessageClass.SYSTEM,
            lane=Lane.URGENT,
            occasion=f"board:{organisation.id}:{week.isoformat()}:{person.id}",
            notice=NoticeKind.BOARD,
            notice_id=made.id,
            typed_address=person.address,
        )
        for person in to
        if person.address
    ]
    return delivery.queue_all(session, rows)

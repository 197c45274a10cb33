"""A run: one person on the line of one follow-up, for one occasion; and an act: what became of a step for her.

A run stands before its next step until that is due, is planned as a delivery
like any other, and goes on when that was really handed over. Every step leaves
an act behind, also the one that she did not get, and why: what somebody gets
and does not get can be read, and nothing is lost in silence.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, Integer, String, UniqueConstraint, delete, literal_column
from sqlalchemy.orm import Mapped, Session, mapped_column

from listkeeper.foundation import clock, columns
from listkeeper.foundation.columns import UtcDateTime
from listkeeper.foundation.table import Table


class RunState(StrEnum):
    """Where a run is."""

    RUNNING = "running"
    FINISHED = "finished"
    STOPPED = "stopped"


class StopWhy(StrEnum):
    """Why a run ended before its line did."""

    REPLIED = "replied"
    CLICKED = "clicked"
    EVENT = "event"
    SEGMENT = "segment"
    # She left, or may be mailed no more for another reason that is hers.
    LEFT = "left"
    # She called a letter spam.
    COMPLAINED = "complained"
    # Her address takes no mail any more.
    BOUNCED = "bounced"
    # Her permission ended by itself.
    CONSENT_OVER = "consent_over"
    LIST_CLOSED = "list_closed"
    SWITCHED_OFF = "switched_off"
    # A copy of the database was put back: what was due since may have left already.
    RESTORED = "restored"
    # She was in the segment before the follow-up was switched on, so she did not come into it.
    WAS_THERE = "was_there"


class ActKind(StrEnum):
    """What became of a step."""

    MAILED = "mailed"
    SKIPPED = "skipped"
    POSTPONED = "postponed"


class Reason(StrEnum):
    """Why a step was left out or put off."""

    # She is not in the segment that the step asks for.
    CONDITION = "condition"
    # She had as many letters as one person gets in so many days.
    CAP = "cap"
    # It was due so long ago that it would be out of place now.
    TOO_LATE = "too_late"
    NOTHING_TO_ASK = "nothing_to_ask"
    # Her permission does not end soon, or is none that can be renewed.
    NOTHING_TO_RENEW = "nothing_to_renew"
    # Nobody has let the words of the step go.
    NO_WORDS = "no_words"
    # Another letter of a follow-up reached her just now, or is about to.
    ANOTHER = "another"
    # Nothing was at work here when it was due, and what waited is spread over the hours.
    CAME_LATE = "came_late"


class FollowUpRun(Table):
    """One person on one line; ``occasion`` makes a doubled fact harmless."""

    __tablename__ = "follow_up_run"

    id: Mapped[int] = columns.row_id()
    follow_up_id: Mapped[int] = mapped_column(ForeignKey("follow_up.id"))
    subscriber_id: Mapped[int] = mapped_column(ForeignKey("subscriber.id"))
    # What began it: "yes", "segment:7", "event:12", "ends:2027-01-31".
    occasion: Mapped[str] = mapped_column(String(60))
    # How often before she has begun this line.
    round: Mapped[int] = mapped_column(Integer, default=0)
    state: Mapped[RunState] = columns.enum(RunState, default=RunState.RUNNING)
    why: Mapped[StopWhy | None] = columns.enum(StopWhy, nullable=True)
    next_step_id: Mapped[int | None] = mapped_column(ForeignKey("follow_up_step.id"))
    # When the next step was due first, and when it is looked at next: later, where it was put off.
    planned_for: Mapped[datetime | None] = mapped_column(UtcDateTime)
    due_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # The next step as it waits to be handed over; no foreign key, as of nothing that counts deliveries.
    delivery_id: Mapped[int | None] = mapped_column(columns.RowId)
    begun_at: Mapped[datetime] = mapped_column(UtcDateTime, default=clock.now)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__ = (
        UniqueConstraint("follow_up_id", "subscriber_id", "occasion"),
        Index(
            "ix_follow_up_run_due",
            "follow_up_id",
            "due_at",
            postgresql_where=state == RunState.RUNNING,
            sqlite_where=state == RunState.RUNNING,
        ),
        Index(
            "ix_follow_up_run_under_way",
            "delivery_id",
            postgresql_where=delivery_id.is_not(None),
            sqlite_where=delivery_id.is_not(None),
        ),
        Index("ix_follow_up_run_subscriber", "subscriber_id"),
        # How many are on a line, reached its end or were stopped, and why, is counted from it alone. The state comes
        # last, so that nobody looks here for the few that run.
        Index("ix_follow_up_run_state", "follow_up_id", "why", "state"),
    )


# As the partial index has it, word for word: a parameter in it would not find the index.
IS_RUNNING = FollowUpRun.state == literal_column("'running'")


class FollowUpAct(Table):
    """What became of one step for one person: mailed or skipped once, perhaps put off before."""

    __tablename__ = "follow_up_act"

    # No foreign keys: PostgreSQL would lock and rewrite every row that is named, a hundred thousand at a time.
    id: Mapped[int] = columns.row_id()
    run_id: Mapped[int] = mapped_column(columns.RowId)
    step_id: Mapped[int] = mapped_column(columns.RowId)
    subscriber_id: Mapped[int] = mapped_column(columns.RowId)
    kind: Mapped[ActKind] = columns.enum(ActKind)
    why: Mapped[Reason | None] = columns.enum(Reason, nullable=True)
    delivery_id: Mapped[int | None] = mapped_column(columns.RowId)
    # Until when it was put off.
    until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=clock.now)

    __table_args__ = (
        Index(
            "uq_follow_up_act_done",
            "run_id",
            "step_id",
            unique=True,
            postgresql_where=kind != ActKind.POSTPONED,
            sqlite_where=kind != ActKind.POSTPONED,
        ),
        # What became of a step is counted from it alone, and how much of it left since when.
        Index("ix_follow_up_act_step", "step_id", "kind", "why", "at"),
        Index("ix_follow_up_act_newest", "step_id", "id"),
        Index("ix_follow_up_act_subscriber", "subscriber_id"),
    )


def forget(session: Session, subscriber_id: int) -> None:
    """Let go of somebody's runs, and of what became of them."""
    for table in (FollowUpAct, FollowUpRun):
        hers = delete(table).where(table.subscriber_id == subscriber_id)
        session.execute(hers, execution_options={"synchronize_session": False})

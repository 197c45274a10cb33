"""A follow-up: a few letters on a line that one person gets after something happened to her, one at a time.

She said yes, she bought something, her permission is about to end, or she came
to be in a segment: that is the trigger. From then on she walks along at most
five steps (``follow_up_step``), each after its wait. It ends for her when she
has reached the end of the line, or before, when she does what the stop rules
name, or leaves. Nothing begins on a birthday, because nobody is asked for one.

Who is where on the line, and what became of each step, is kept by
``sending.follow_up_run``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, Integer, String, false, select, true
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import posted_event
from listkeeper.audience.event_count import LONGEST_NAME
from listkeeper.audience.mailing_list import MailingList
from listkeeper.foundation import clock, columns, language
from listkeeper.foundation.columns import UtcDateTime
from listkeeper.foundation.errors import Conflict, Invalid, NotFound
from listkeeper.foundation.table import Table

_NAME_LIMIT = 80
_LONGEST_WORD = 60
MOST_DAYS_BEFORE = 90
MOST_DAYS_APART = 3650
_DAYS_BEFORE, _DAYS_APART = 30, 90


class FollowUpState(StrEnum):
    """The words scripts rely on. ``paused``: everybody on the line stands where they are."""

    DRAFT = "draft"
    ON = "on"
    PAUSED = "paused"
    ARCHIVED = "archived"


S = FollowUpState
TRANSITIONS: dict[FollowUpState, frozenset[FollowUpState]] = {
    S.DRAFT: frozenset({S.ON, S.ARCHIVED}),
    # Switched off: whoever is on the line leaves it, and its owner may change it.
    S.ON: frozenset({S.PAUSED, S.DRAFT}),
    S.PAUSED: frozenset({S.ON, S.DRAFT}),
    S.ARCHIVED: frozenset(),
}


class Trigger(StrEnum):
    """What a follow-up begins with."""

    SAID_YES = "said_yes"
    # Something her shop told us of her (``audience.posted_event``).
    EVENT = "event"
    # Her permission ends by itself so many days from now.
    CONSENT_ENDS = "consent_ends"
    # She is in a segment, and was not before; looked at once a day, and counted once.
    SEGMENT = "segment"


class FollowUp(Table):
    """One line of steps on one list."""

    __tablename__ = "follow_up"

    id: Mapped[int] = columns.row_id()
    public_id: Mapped[str] = columns.public_id("fup")
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    list_id: Mapped[int] = mapped_column(ForeignKey("mailing_list.id"))
    name: Mapped[str] = mapped_column(String(_NAME_LIMIT))
    state: Mapped[FollowUpState] = columns.enum(FollowUpState, default=FollowUpState.DRAFT)
    trigger: Mapped[Trigger] = columns.enum(Trigger)
    # What the trigger needs: the event's name, how long before the end, the segment's number.
    event_name: Mapped[str | None] = mapped_column(String(LONGEST_NAME))
    days_before: Mapped[int | None] = mapped_column(Integer)
    segment_id: Mapped[int | None] = mapped_column(columns.RowId)
    # An event that comes again begins it anew, but not sooner than this after the last time.
    again_after_days: Mapped[int] = mapped_column(Integer, default=_DAYS_APART, server_default=str(_DAYS_APART))
    # At a step's hour by each reader's own clock, as far as it is known; else by the clocks of the business.
    each_zone: Mapped[bool] = mapped_column(default=False, server_default=false())
    # What ends it for somebody before its end.
    stop_on_reply: Mapped[bool] = mapped_column(default=True, server_default=true())
    stop_on_click: Mapped[bool] = mapped_column(default=False, server_default=false())
    stop_event: Mapped[str | None] = mapped_column(String(LONGEST_NAME))
    stop_segment_id: Mapped[int | None] = mapped_column(columns.RowId)
    # Why it stands still though its owner did not pause it: a code.
    halted: Mapped[dict[str, Any] | None] = mapped_column(columns.Json)
    on_since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # Since when it stands still; as long as it did, everybody on the line waits longer.
    paused_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # What it began with when it was switched on last, as ``begins_with`` says it.
    was_on_with: Mapped[str | None] = mapped_column(String(_LONGEST_WORD))
    # When it was last looked at who is in the segment, or whose permission ends.
    looked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    demo: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = columns.created_at()

    mailing_list: Mapped[MailingList] = relationship()

    __table_args__ = (Index("ix_follow_up_list", "list_id", "state"),)

    @property
    def begins_with(self) -> str:
        """What begins it, in a word: another trigger, or another segment, is another word."""
        return self.trigger.value if self.segment_id is None else f"{self.trigger.value}:{self.segment_id}"

    @property
    def can_change(self) -> bool:
        """Whether its line may be changed now: nobody's next step is changed under her feet."""
        return self.state in {FollowUpState.DRAFT, FollowUpState.PAUSED}


@dataclass(frozen=True)
class Start:
    """What begins it, as its owner chose."""

    trigger: Trigger
    event_name: str = ""
    days_before: int = _DAYS_BEFORE
    segment_id: int | None = None
    again_after_days: int = _DAYS_APART


@dataclass(frozen=True)
class Stops:
    """What ends it early for somebody."""

    on_reply: bool = True
    on_click: bool = False
    event: str = ""
    segment_id: int | None = None


def create(
    session: Session, organisation: Organisation, mailing_list: MailingList, name: str, start: Start
) -> FollowUp:
    """Store a new line without steps. Raises Invalid for a list of notices, and for a start that cannot be."""
    if mailing_list.is_service:
        sentence = language.text("People on a list of status notices get notices alone. Choose another list.")
        raise Invalid("purpose_mismatch", sentence)
    made = FollowUp(
        organisation_id=organisation.id, list_id=mailing_list.id, name=_named(name), demo=mailing_list.demo,
        trigger=start.trigger,
    )  # fmt: skip
    made.mailing_list = mailing_list
    begin_with(made, start)
    session.add(made)
    session.flush()
    return made


def _named(name: str) -> str:
    named = " ".join(name.split())
    if not named or len(named) > _NAME_LIMIT or not named.isprintable():
        raise Invalid(
            "name", language.text("Please give it a name of at most %(limit)s characters.", limit=_NAME_LIMIT)
        )
    return named


def rename(found: FollowUp, name: str) -> None:
    """Give it another name. Raises Invalid."""
    found.name = _named(name)


def begin_with(found: FollowUp, start: Start) -> None:
    """Choose what begins it. Raises Invalid and changes nothing."""
    event = event_named(start.event_name) if start.trigger is Trigger.EVENT else None
    if start.trigger is Trigger.CONSENT_ENDS and not 1 <= start.days_before <= MOST_DAYS_BEFORE:
        sentence = language.text("Please choose between 1 and %(most)s days before the end.", most=MOST_DAYS_BEFORE)
        raise Invalid("days_before", sentence)
    if start.trigger is Trigger.SEGMENT and start.segment_id is None:
        raise Invalid("segment", language.text("Please choose the segment that it begins with."))
    if not 1 <= start.again_after_days <= MOST_DAYS_APART:
        sentence = language.text(
            "Please choose between 1 and %(most)s days until it may begin again.", most=MOST_DAYS_APART
        )
        raise Invalid("again_after", sentence)
    found.trigger, found.event_name = start.trigger, event
    found.days_before = start.days_before if start.trigger is Trigger.CONSENT_ENDS else None
    found.segment_id = start.segment_id if start.trigger is Trigger.SEGMENT else None
    found.again_after_days = start.again_after_days


def event_named(typed: str) -> str:
    """Return the name of an event as a shop posts it. Raises Invalid."""
    name = typed.strip().lower()
    if not posted_event.NAME.fullmatch(name):
        sentence = language.text("Please name the event as your shop posts it, for example “order”.")
        raise Invalid("event_name", sentence)
    return name


def stop_when(found: FollowUp, stops: Stops) -> None:
    """Choose what ends it early for somebody. Raises Invalid and changes nothing."""
    event = event_named(stops.event) if stops.event.strip() else None
    found.stop_on_reply, found.stop_on_click = stops.on_reply, stops.on_click
    found.stop_event, found.stop_segment_id = event, stops.segment_id


def lock(session: Session, found: FollowUp) -> FollowUp:
    """Lock its row and read it fresh: two people who change it at once see each other."""
    session.flush()
    session.refresh(found, with_for_update=True)
    return found


def demand_changeable(found: FollowUp) -> None:
    """Raise Conflict while people walk along the line."""
    if not found.can_change:
        sentence = language.text("Pause it first, then change it. Nothing was changed.")
        raise Conflict("follow_up_on", sentence)


def move(found: FollowUp, target: FollowUpState) -> None:
    """Change the state by the table above. Raises Conflict for a way that does not exist."""
    if target not in TRANSITIONS[found.state]:
        sentence = language.text("That is not possible now. Look at the page again. Nothing was changed.")
        raise Conflict("follow_up_state", sentence)
    if target is FollowUpState.ON and found.state is FollowUpState.DRAFT:
        found.on_since = clock.now()
    if target is not FollowUpState.PAUSED:
        found.halted = None
    found.paused_at = clock.now() if target is FollowUpState.PAUSED else None
    found.state = target


def identified(session: Session, organisation: Organisation, public_id: str) -> FollowUp:
    """Return the organisation's follow-up with a public id. Raises NotFound."""
    query = select(FollowUp).where(FollowUp.public_id == public_id, FollowUp.organisation_id == organisation.id)
    found = session.scalars(query).first()
    if found is None:
        raise NotFound("no_follow_up", language.text("There is no follow-up with the id %(id)s.", id=public_id))
    return found


def all_of(session: Session, organisation: Organisation, *, archived: bool = False) -> list[FollowUp]:
    """Return the organisation's follow-ups, oldest first."""
    query = select(FollowUp).where(FollowUp.organisation_id == organisation.id)
    if not archived:
        query = query.where(FollowUp.state != FollowUpState.ARCHIVED)
    return list(session.scalars(query.order_by(FollowUp.id)))


def on(session: Session, *conditions: Any) -> list[FollowUp]:  # noqa: ANN401 - conditions on its columns
    """Return those that are on, oldest first."""
    query = select(FollowUp).where(FollowUp.state == FollowUpState.ON, *conditions)
    return list(session.scalars(query.order_by(FollowUp.id)))

"""The board: three numbers that make somebody act, read by programs, and what was done about them, noted by them."""

from __future__ import annotations

from typing import Annotated, Literal

from apiflask import APIBlueprint
from flask import Response
from pydantic import Field
from sqlalchemy.orm import Session

from listkeeper import store
from listkeeper.accounts.api_key import ApiKey, Scope
from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import mailing_list, resting
from listkeeper.foundation import clock
from listkeeper.foundation.errors import NotFound
from listkeeper.insight import board, board_log, clean_up
from listkeeper.insight.board import Card, Status
from listkeeper.insight.board_log import BoardLog
from listkeeper.insight.board_number import NUMBERS, NumberKind, Unit
from listkeeper.insight.board_reading import Unknown
from listkeeper.web.api import change, lock
from listkeeper.web.api.change import Done
from listkeeper.web.api.shape import Moment, Shape

blueprint = APIBlueprint("api_board", __name__, url_prefix=lock.NOW, tag="Board")


class OneNumber(Shape):
    """A number of the board, as it was counted last."""

    kind: NumberKind
    unit: Unit = Field(description="How values are read: a share is in thousandths, money in minor units.")
    value: int | None = Field(description="Empty where it could not be measured; it is never taken for good.")
    before: int | None = Field(description="What it was before: in the time before, or a week ago.")
    unknown: Unknown | None = Field(description="Why there is no value.")
    target: int | None
    status: Status
    action: str = Field(description="What to do about it.", examples=["share_form"])
    path: str = Field(description="The page of the studio that does it.", examples=["/studio/lists"])
    counted_at: Moment | None


class Board(Shape):
    """At most three numbers."""

    numbers: list[OneNumber]


class Deed(Shape):
    """Something that was done about a number."""

    kind: NumberKind
    did: Annotated[str, Field(max_length=board_log.LONGEST, description="What you did.", examples=["Code on the till"])]
    days: Literal[7, 14, 30] = Field(default=7, description="After how many days the effect is looked for.")


class OneDeed(Shape):
    """What was done, with the value of then and, once its day has come, the value after."""

    id: str = Field(pattern=r"^blg_[0-9a-z]{20}$", examples=["blg_7k2v9m4c0x8q3w6n1t5z"])
    kind: NumberKind
    day: str = Field(description="By the calendar of the business.", examples=["2026-11-23"])
    did: str
    by: str = Field(examples=["user:1"])
    value_then: int | None
    due_on: str = Field(description="When the effect is looked for.", examples=["2026-11-30"])
    value_after: int | None
    measured_at: Moment | None


class Deeds(Shape):
    """What was done last, the newest first."""

    log: list[OneDeed]


class CleanUp(Shape):
    """Who of a list never reacted, as it was counted last; the five groups add up to ``confirmed``."""

    months: int
    letters: int
    counted_at: Moment
    confirmed: int = Field(description="Who was looked at: confirmed, and not resting.")
    reacted: int = Field(description="Clicked, wrote back, answered or bought.")
    new: int = Field(description="On the list for too short a time.")
    unseen: int = Field(description="Cannot be judged: their clicks may not be seen, or not for long enough.")
    few: int = Field(description="Got too few letters.")
    silent: int = Field(description="Never reacted: who would rest.")
    mails_fewer_a_month: int
    complaints_of_10000_mails: int | None
    complaints_of_10000_mails_then: int | None = Field(description="Roughly, without them; empty where unknown.")
    resting: int = Field(description="Who rests already.")


@blueprint.get("/board")
@lock.needs(Scope.READ)
@blueprint.output(Board)
def show() -> Board:
    """Show the board."""
    with store.reading() as session:
        owner = session.get_one(Organisation, lock.caller().organisation_id)
        return Board(numbers=[_shown(each) for each in board.show(session, owner)])


@blueprint.get("/board/log")
@lock.needs(Scope.READ)
@blueprint.output(Deeds)
def show_log() -> Deeds:
    """Show what was done about the numbers, and what came after."""
    with store.reading() as session:
        owner = session.get_one(Organisation, lock.caller().organisation_id)
        return Deeds(log=[_deed(each) for each in board_log.newest(session, owner)])


@blueprint.post("/board/log")
@lock.needs(Scope.CAMPAIGNS)
@blueprint.input(Deed, arg_name="deed")
@blueprint.output(OneDeed, status_code=201)
def note(deed: Deed) -> Response:
    """Note what was done about a number; the same words on the same day are one note."""

    def act(session: Session, owner: Organisation, key: ApiKey) -> Done:
        made = board_log.note(session, owner, deed.kind, deed.did, actor=key.actor, days=deed.days)
        return Done(_deed(made), "board.noted", made.public_id, status=201)

    return change.made(act)


@blueprint.get("/lists/<list_id>/clean-up")
@lock.needs(Scope.READ)
@blueprint.output(CleanUp)
def show_clean_up(list_id: str) -> CleanUp:
    """Show who of a list never reacted; a program lets nobody rest."""
    with store.reading() as session:
        owner = session.get_one(Organisation, lock.caller().organisation_id)
        listed = mailing_list.named(session, owner, list_id)
        found = clean_up.kept(session, listed)
        if found is None:
            raise NotFound("not_counted", "Nobody has counted yet who of this list never reacted.")
        figures = {name: value for name, value in found.as_json().items() if name in CleanUp.model_fields}
        return CleanUp(**figures, resting=resting.count(session, listed))


def _shown(each: Card) -> OneNumber:
    reading = each.reading
    return OneNumber(
        kind=each.kind,
        unit=NUMBERS[each.kind].unit,
        value=reading.value if reading else None,
        before=reading.before if reading else None,
        unknown=reading.unknown if reading else None,
        target=each.pick.target,
        status=each.status,
        action=each.action.code,
        path=each.action.path,
        counted_at=clock.as_text(each.counted_at) if each.counted_at else None,
    )


def _deed(each: BoardLog) -> OneDeed:
    return OneDeed(
        id=each.public_id,
        kind=each.kind,
        day=each.day.isoformat(),
        did=each.did,
        by=each.actor,
        value_then=each.value_then,
        due_on=each.due_on.isoformat(),
        value_after=each.value_after,
        measured_at=clock.as_text(each.measured_at) if each.measured_at else None,
    )

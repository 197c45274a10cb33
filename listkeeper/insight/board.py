"""The board: at most three numbers, each with its target, somebody who looks after it, and one button.

A status is a word, and green is earned: what was not measured is "not
measured", also when nothing speaks against it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy.orm import Session

from listkeeper.accounts import user
from listkeeper.accounts.organisation import Organisation
from listkeeper.foundation import language
from listkeeper.insight import board_action, board_number, board_pick, board_reading, board_trust, board_value
from listkeeper.insight.board_action import Action
from listkeeper.insight.board_number import NUMBERS, Better, Number, NumberKind, Unit
from listkeeper.insight.board_pick import Pick
from listkeeper.insight.board_reading import Reading
from listkeeper.insight.board_trust import Part, Stand
from listkeeper.insight.board_value import BoardValue


class Status(StrEnum):
    """How a number stands to its target; the words scripts rely on."""

    ON_TARGET = "on_target"
    OFF_TARGET = "off_target"
    NO_TARGET = "no_target"
    UNKNOWN = "unknown"
    NOT_COUNTED = "not_counted"


@dataclass(frozen=True)
class Card:
    """One number as it is shown. ``value`` and ``change`` are words; empty where there is nothing to say."""

    kind: NumberKind
    title: str
    sentence: str
    status: Status
    value: str
    detail: str
    change: str
    target: str
    action: Action
    # Who looks after it, by the address they sign in with; empty: every owner.
    owner: str
    counted_at: datetime | None
    reading: Reading | None
    pick: Pick

    @property
    def status_words(self) -> str:
        """The status as a word."""
        return status_words(self.status)

    @property
    def tone(self) -> str:
        """The colour beside the word."""
        return {Status.ON_TARGET: "good", Status.OFF_TARGET: "warn", Status.UNKNOWN: "warn"}.get(self.status, "")


def show(session: Session, organisation: Organisation) -> list[Card]:
    """Return the board as it was counted last."""
    values = board_value.newest(session, organisation)
    people = {each.public_id: each.address or "" for each in user.everyone(session, organisation.id)}
    picks = board_pick.of(session, organisation)
    return [card(pick, values.get(pick.kind), people.get(pick.user, "")) for pick in picks]


def card(pick: Pick, row: BoardValue | None, owner: str = "") -> Card:
    """Return one number as it is shown."""
    number, reading = NUMBERS[pick.kind], row.reading if row else None
    known = reading is not None and reading.value is not None
    return Card(
        kind=pick.kind,
        title=board_number.title(pick.kind),
        sentence=board_number.sentence(pick.kind),
        status=_status(number, pick, reading),
        value=board_number.written(number, reading.value or 0, reading.currency) if reading and known else "",
        detail=_detail(pick.kind, reading),
        change=_change(number, reading) if reading and known else "",
        target=board_number.target_words(number, pick.target, reading.currency if reading else ""),
        action=board_action.of(pick.kind, reading or Reading(None)),
        owner=owner,
        counted_at=row.counted_at if row else None,
        reading=reading,
        pick=pick,
    )


def _status(number: Number, pick: Pick, reading: Reading | None) -> Status:
    if reading is None:
        return Status.NOT_COUNTED
    if reading.value is None:
        return Status.UNKNOWN
    if pick.target is None:
        return Status.NO_TARGET
    met = reading.value >= pick.target if number.better is Better.MORE else reading.value <= pick.target
    if met and number.unit is Unit.FAULTS and Stand.UNKNOWN in reading.facts.get("parts", {}).values():
        return Status.UNKNOWN
    return Status.ON_TARGET if met else Status.OFF_TARGET


def status_words(status: Status) -> str:
    """Say how a number stands."""
    return {
        Status.ON_TARGET: language.text("On target"),
        Status.OFF_TARGET: language.text("Not there yet"),
        Status.NO_TARGET: language.text("No target yet"),
        Status.UNKNOWN: language.text("Not measured"),
        Status.NOT_COUNTED: language.text("Not counted yet"),
    }[status]


def _detail(kind: NumberKind, reading: Reading | None) -> str:
    """Say what a value rests on, or why there is none."""
    if reading is None:
        return language.text("It is counted within the next minutes.")
    if kind is NumberKind.TRUST:
        parts = reading.facts.get("parts", {})
        said = [board_trust.words(part, Stand(parts[part])) for part in Part if part in parts]
        return " · ".join(said)
    if reading.unknown is not None:
        return board_reading.unknown_words(reading.unknown)
    if "whole" in reading.facts:
        part, whole = (language.number(reading.facts[name]) for name in ("part", "whole"))
        return language.text("%(part)s of %(whole)s", part=part, whole=whole)
    return ""


def _change(number: Number, reading: Reading) -> str:
    """Say how it was before: in the time before, or a week ago."""
    if reading.before is None:
        return ""
    before = board_number.written(number, reading.before, reading.currency)
    if number.kind is NumberKind.CLICKED_LAST:
        return language.text("The letter before: %(before)s", before=before)
    match number.days if number.unit is Unit.COUNT else 0:
        case 7:
            return language.text("Last week: %(before)s", before=before)
        case 30:
            return language.text("The 30 days before: %(before)s", before=before)
        case _:
            return language.text("A week ago: %(before)s", before=before)


def most_urgent(cards: list[Card]) -> Card | None:
    """Return the number to do something about first: off its target, then not known; None when all is well."""
    order = (Status.OFF_TARGET, Status.UNKNOWN, Status.NOT_COUNTED, Status.NO_TARGET)
    known = [each for each in cards if each.status in order]
    return min(known, key=lambda each: order.index(each.status), default=None)

"""The log of the board: what was done about a number, by whom, and what came of it.

The value of then is kept, and so many days later the value of that day beside
it. What came after is not what came of it: the words say what changed, and
"no difference seen" where chance alone could have done as much. Owners may
delete what was noted by mistake.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Date, ForeignKey, Index, Integer, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from listkeeper.accounts.organisation import Organisation
from listkeeper.foundation import clock, columns, language, throttle
from listkeeper.foundation.columns import UtcDateTime
from listkeeper.foundation.errors import Invalid, NotFound
from listkeeper.foundation.table import Table
from listkeeper.insight import board_number, board_value
from listkeeper.insight.board_number import NUMBERS, Better, Number, NumberKind, Unit

# After how many days the effect is looked for.
DAYS = (7, 14, 30)
LONGEST = 500
# Beyond so many standard deviations chance is no likely reason (95 %).
_CHANCE = 1.96
_THOUSAND = 1000


class BoardLog(Table):
    """One thing that was done."""

    __tablename__ = "board_log"

    id: Mapped[int] = columns.row_id()
    public_id: Mapped[str] = columns.public_id("blg")
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    kind: Mapped[NumberKind] = columns.enum(NumberKind)
    # By the calendar of the business.
    day: Mapped[date] = mapped_column(Date)
    did: Mapped[str] = mapped_column(String(LONGEST))
    actor: Mapped[str] = mapped_column(String(80))
    at: Mapped[datetime] = columns.created_at()
    value_then: Mapped[int | None] = mapped_column(BigInteger)
    facts_then: Mapped[dict[str, Any]] = mapped_column(columns.Json)
    days: Mapped[int] = mapped_column(Integer)
    due_on: Mapped[date] = mapped_column(Date)
    value_after: Mapped[int | None] = mapped_column(BigInteger)
    facts_after: Mapped[dict[str, Any] | None] = mapped_column(columns.Json)
    # Empty until the effect was looked for.
    measured_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__ = (Index("ix_board_log_organisation", "organisation_id", "kind"),)


@dataclass(frozen=True)
class Effect:
    """What came after; ``better`` is None where nothing can be said."""

    words: str
    better: bool | None = None


def note(  # noqa: PLR0913 - what was done, by whom, and when it is looked at
    session: Session, organisation: Organisation, kind: NumberKind, did: str, *, actor: str, days: int = DAYS[0]
) -> BoardLog:
    """Note what was done about a number today; the same words on the same day are one note. Raises Invalid."""
    said = " ".join(did.split())
    if not said:
        raise Invalid("nothing_done", language.text("Please write what you did. Nothing was changed."))
    if len(said) > LONGEST or not said.isprintable():
        raise Invalid("too_long", language.text("Please say it in fewer words. Nothing was changed."))
    if days not in DAYS:
        raise Invalid("days", language.text("Please choose 7, 14 or 30 days. Nothing was changed."))
    throttle.take_turns(session, "board", str(organisation.id))
    day = board_value.today(session, organisation)
    same = select(BoardLog).where(
        BoardLog.organisation_id == organisation.id, BoardLog.kind == kind, BoardLog.day == day, BoardLog.did == said
    )
    before = session.scalars(same).first()
    if before is not None:
        return before
    now = board_value.newest(session, organisation).get(kind)
    made = BoardLog(
        organisation_id=organisation.id,
        kind=kind,
        day=day,
        did=said,
        actor=actor,
        value_then=now.value if now else None,
        facts_then=now.facts if now else {},
        days=days,
        due_on=day + timedelta(days=days),
    )
    session.add(made)
    session.flush()
    return made


def delete(session: Session, organisation: Organisation, public_id: str) -> None:
    """Delete a note for good, with the values beside it: no person stands in it, and no number rests on it.

    Raises NotFound.
    """
    found = session.scalars(
        select(BoardLog).where(BoardLog.organisation_id == organisation.id, BoardLog.public_id == public_id)
    ).first()
    if found is None:
        raise NotFound("no_note", language.text("There is no such note. Nothing was changed."))
    session.delete(found)
    session.flush()


def fill_in(session: Session, organisation: Organisation) -> int:
    """Look for the effect of what is due, in the value of the day it was due; return how many were filled in.

    Where nothing was counted on that day, because the machine slept, the first day after it counts.
    """
    day = board_value.today(session, organisation)
    query = select(BoardLog).where(
        BoardLog.organisation_id == organisation.id, BoardLog.measured_at.is_(None), BoardLog.due_on <= day
    )
    filled = 0
    for row in session.scalars(query.order_by(BoardLog.id)).all():
        found = board_value.first_from(session, organisation, row.kind, row.due_on)
        if found is None:
            continue
        row.value_after, row.facts_after, row.measured_at = found.value, found.facts, clock.now()
        filled += 1
    session.flush()
    return filled


def newest(
    session: Session, organisation: Organisation, *, kind: NumberKind | None = None, limit: int = 50
) -> list[BoardLog]:
    """Return what was done last, the newest first."""
    query = select(BoardLog).where(BoardLog.organisation_id == organisation.id)
    if kind is not None:
        query = query.where(BoardLog.kind == kind)
    return list(session.scalars(query.order_by(BoardLog.id.desc()).limit(limit)))


def effect(row: BoardLog) -> Effect:
    """Say what came after something was done."""
    if row.measured_at is None:
        return Effect(language.text("The effect is looked for on %(day)s.", day=language.day(row.due_on)))
    if row.value_then is None or row.value_after is None:
        return Effect(language.text("Nothing can be said: the number was not known."))
    number = NUMBERS[row.kind]
    if not differs(number, row):
        return Effect(language.text("No difference seen: %(then)s then, %(after)s after.", **_both(number, row)))
    better = (row.value_after > row.value_then) is (number.better is Better.MORE)
    values = {"change": _change(number, row), **_both(number, row)}
    return Effect(language.text("%(change)s: %(then)s then, %(after)s after.", **values), better)


def _both(number: Number, row: BoardLog) -> dict[str, str]:
    then, after = row.value_then or 0, row.value_after or 0
    if number.unit is Unit.FAULTS:
        # What is counted the change says already.
        return {"then": language.number(then), "after": language.number(after)}
    currency = str(row.facts_then.get("currency", ""))
    return {
        "then": board_number.written(number, then, currency),
        "after": board_number.written(number, after, currency),
    }


def _change(number: Number, row: BoardLog) -> str:
    """Say by how much it changed, with its sign: “+12 in a week”."""
    gap = (row.value_after or 0) - (row.value_then or 0)
    sign = "+" if gap > 0 else "\N{MINUS SIGN}"
    if number.unit is Unit.SHARE:
        points = language.decimal(abs(gap) / 10)
        return language.text("%(sign)s%(points)s percentage points", sign=sign, points=points)
    amount = board_number.written(number, abs(gap), str(row.facts_then.get("currency", "")))
    match number.days:
        case 7:
            return language.text("%(sign)s%(amount)s a week", sign=sign, amount=amount)
        case 30:
            return language.text("%(sign)s%(amount)s in 30 days", sign=sign, amount=amount)
        case _:
            return f"{sign}{amount}"


def differs(number: Number, row: BoardLog) -> bool:
    """Return whether the two values differ by more than chance alone would likely make them."""
    then, after = row.value_then or 0, row.value_after or 0
    if number.unit is Unit.SHARE:
        return _shares_differ(row.facts_then, row.facts_after or {}, then, after)
    if number.unit is Unit.COUNT and number.days:
        # So many that came in a time vary by the root of their number.
        return abs(after - then) > _CHANCE * math.sqrt(after + then)
    return after != then


def _shares_differ(first: dict[str, Any], second: dict[str, Any], then: int, after: int) -> bool:
    whole, whole_after = first.get("whole"), second.get("whole")
    if not whole or not whole_after:
        return then != after
    together = (first["part"] + second["part"]) / (whole + whole_after)
    spread = math.sqrt(together * (1 - together) * (1 / whole + 1 / whole_after))
    return spread > 0 and abs(after - then) / _THOUSAND > _CHANCE * spread

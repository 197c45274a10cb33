"""What an owner picked for the board: at most three numbers, each with a target and somebody who looks after it.

A fourth is refused. Whoever looks at ten numbers acts on none; all others are
reports that one asks for. Nobody has to pick: three are there to begin with.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Integer, UniqueConstraint, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from listkeeper.accounts import user
from listkeeper.accounts.organisation import Organisation
from listkeeper.accounts.user import User
from listkeeper.foundation import columns, language, throttle
from listkeeper.foundation.errors import Conflict, Invalid, NotFound
from listkeeper.foundation.table import Table
from listkeeper.insight.board_number import DEFAULT, NUMBERS, NumberKind

MOST = 3
_HIGHEST = 10**12


class BoardPick(Table):
    """One number on the board of a business."""

    __tablename__ = "board_pick"

    id: Mapped[int] = columns.row_id()
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    # From 1, in the order in which they are shown.
    place: Mapped[int] = mapped_column(Integer)
    kind: Mapped[NumberKind] = columns.enum(NumberKind)
    target: Mapped[int | None] = mapped_column(BigInteger)
    # Who looks after it; empty: every owner.
    user_id: Mapped[int | None] = mapped_column(ForeignKey("studio_user.id"))
    picked_at: Mapped[datetime] = columns.created_at()

    __table_args__ = (UniqueConstraint("organisation_id", "place"), UniqueConstraint("organisation_id", "kind"))


@dataclass(frozen=True)
class Pick:
    """One number as it was picked; ``user`` is its public id, empty for every owner."""

    kind: NumberKind
    target: int | None = None
    user: str = ""


def of(session: Session, organisation: Organisation) -> list[Pick]:
    """Return what is on the board of a business, in order; the three to begin with where nobody picked."""
    query = (
        select(BoardPick.kind, BoardPick.target, User.public_id)
        .outerjoin(User, (User.id == BoardPick.user_id) & User.active)
        .where(BoardPick.organisation_id == organisation.id)
        .order_by(BoardPick.place)
    )
    found = [Pick(row[0], row[1], row[2] or "") for row in session.execute(query)]
    return found or [Pick(kind, NUMBERS[kind].target) for kind in DEFAULT]


def choose(session: Session, organisation: Organisation, picks: Sequence[Pick]) -> None:
    """Put these numbers on the board, and no others.

    Raises Conflict for a fourth; Invalid for none, the same one twice, or a target that is none; NotFound for a user
    who does not work here.
    """
    if len(picks) > MOST:
        raise Conflict(
            "fourth_number",
            language.text(
                "The board holds three numbers. Take one off before you pick another; all others are reports. "
                "Nothing was changed."
            ),
        )
    if not picks:
        raise Invalid("no_number", language.text("Please keep at least one number. Nothing was changed."))
    if len({pick.kind for pick in picks}) < len(picks):
        raise Invalid("same_number", language.text("Please pick each number once. Nothing was changed."))
    for pick in picks:
        if pick.target is not None and not 0 <= pick.target <= _HIGHEST:
            raise Invalid("target", language.text("A target is a number from 0 on. Nothing was changed."))
    owners = [user.named(session, organisation.id, pick.user).id if pick.user else None for pick in picks]
    throttle.take_turns(session, "board", str(organisation.id))
    session.execute(delete(BoardPick).where(BoardPick.organisation_id == organisation.id))
    session.add_all(
        BoardPick(organisation_id=organisation.id, place=place, kind=pick.kind, target=pick.target, user_id=owner)
        for place, (pick, owner) in enumerate(zip(picks, owners, strict=True), 1)
    )
    session.flush()


def kind_named(name: str) -> NumberKind:
    """Return a kind by its word. Raises NotFound."""
    try:
        return NumberKind(name)
    except ValueError:
        raise NotFound("no_number", language.text("There is no number “%(name)s”.", name=name[:40])) from None

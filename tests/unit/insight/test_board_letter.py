"""When the weekly mail is due, and to whom it goes."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.accounts import user
from listkeeper.accounts.user import Role
from listkeeper.insight import board_letter, board_pick
from listkeeper.insight.board_number import NumberKind
from listkeeper.insight.board_pick import Pick
from listkeeper.rendering.mails import board_mail
from listkeeper.sending.board_mail import BoardMail
from listkeeper.sending.delivery import Delivery
from tests.makers import cafe
from tests.makers.cafe import Cafe

# Copenhagen is an hour ahead in November, and the café speaks English: London.
MONDAY = date(2026, 11, 23)


@pytest.fixture
def house(session: Session) -> Cafe:
    with time_machine.travel(datetime(2026, 11, 20, 12, tzinfo=UTC), tick=False):
        return cafe.found(session)


@pytest.mark.parametrize(
    ("moment", "week"),
    [
        (datetime(2026, 11, 23, 7, 59, tzinfo=UTC), None),
        (datetime(2026, 11, 23, 8, 0, tzinfo=UTC), MONDAY),
        (datetime(2026, 11, 26, 7, 59, tzinfo=UTC), MONDAY),
        # Too late to be of use: the next one is near.
        (datetime(2026, 11, 26, 8, 1, tzinfo=UTC), None),
        (datetime(2026, 11, 29, 23, 0, tzinfo=UTC), None),
        (datetime(2026, 11, 30, 8, 0, tzinfo=UTC), date(2026, 11, 30)),
        # Before the business was there, nothing is due.
        (datetime(2026, 11, 18, 12, 0, tzinfo=UTC), None),
        # Summer time: eight in London is seven by UTC.
        (datetime(2027, 6, 7, 6, 59, tzinfo=UTC), None),
        (datetime(2027, 6, 7, 7, 0, tzinfo=UTC), date(2027, 6, 7)),
    ],
)
def test_it_is_due_on_monday_at_eight_where_the_business_lives(
    session: Session, house: Cafe, moment: datetime, week: date | None
) -> None:
    with time_machine.travel(moment, tick=False):
        assert board_letter.week_due(session, house.organisation) == week


def test_it_is_written_once_a_week(session: Session, house: Cafe) -> None:
    with time_machine.travel(datetime(2026, 11, 23, 8, tzinfo=UTC), tick=False) as clock:
        [first] = board_letter.post_due(session, house.organisation)
        assert board_letter.post_due(session, house.organisation) == []
        clock.shift(timedelta(days=7))
        [second] = board_letter.post_due(session, house.organisation)
    assert (first.typed_address, first.occasion) == ("owner@cafe.example", f"board:1:2026-11-23:{house.owner.id}")
    assert second.occasion.startswith("board:1:2026-11-30:")
    [week, _next] = session.scalars(select(BoardMail).order_by(BoardMail.id)).all()
    written = board_mail.stored(week.content)
    assert [row.title for row in written.rows] == ["New this week", "Clicked the last letter", "Trust account"]
    assert {row.status for row in written.rows} == {"Not counted yet"}


def test_it_goes_to_those_who_look_after_a_number_or_to_every_owner(session: Session, house: Cafe) -> None:
    names = {"gerd": Role.EDITOR, "karl": Role.OWNER, "mia": Role.EDITOR}
    made = {
        name: user.create(session, written=f"{name}@cafe.example", organisation_id=house.organisation.id, role=role)
        for name, role in names.items()
    }
    gerds = Pick(NumberKind.LEFT, 5, made["gerd"].public_id)
    cases = (
        ([gerds], {"gerd"}),
        ([gerds, Pick(NumberKind.REACH)], {"gerd", "owner", "karl"}),
        ([Pick(NumberKind.REACH)], {"owner", "karl"}),
    )
    with time_machine.travel(datetime(2026, 11, 23, 8, tzinfo=UTC), tick=False) as clock:
        for picks, expected in cases:
            board_pick.choose(session, house.organisation, picks)
            rows = board_letter.post_due(session, house.organisation)
            assert {(row.typed_address or "").partition("@")[0] for row in rows} == expected
            clock.shift(timedelta(days=7))
        made["karl"].board_mail = house.owner.board_mail = False
        session.flush()
        assert board_letter.post_due(session, house.organisation) == []
        # The week is over all the same.
        house.owner.board_mail = True
        assert board_letter.post_due(session, house.organisation) == []
    assert session.scalars(select(Delivery.message_class).distinct()).all() == ["system"]

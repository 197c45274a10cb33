"""A statement that is compiled once says and hears the same as SQLAlchemy's own way, on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any, cast

import pytest
from sqlalchemy import Table, bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from listkeeper.audience.handover import MessageClass
from listkeeper.audience.subscription import Subscription, SubscriptionState
from listkeeper.foundation.among import among
from listkeeper.foundation.compiled_once import CompiledOnce
from listkeeper.foundation.outbox import Fact, Lane
from listkeeper.sending import tally
from listkeeper.sending.delivery import DeliveryState
from listkeeper.sending.tally import DeliveryTally, Kind
from tests.makers import cafe, multitude

_HELD = cast("Table", Subscription.__table__)
_ALL = select(_HELD).where(among(_HELD.c.id, "ids")).order_by(_HELD.c.id)
_AT = datetime(2026, 5, 12, 9, 30, 1, 234567, tzinfo=timezone(timedelta(hours=2)))


@pytest.fixture
def held(session: Session) -> list[int]:
    """A dozen subscriptions."""
    made = cafe.found(session)
    multitude.gather(session, made, 12)
    session.flush()
    return list(session.scalars(select(Subscription.id).order_by(Subscription.id)))


def _as_sqlalchemy_has_them(session: Session, ids: list[int]) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in session.connection().execute(_ALL, {"ids": ids})]


def test_rows_are_the_same(session: Session, held: list[int]) -> None:
    once = CompiledOnce(_ALL)
    for ids in (held, held[:1], [*held, 10**9], []):
        assert once.rows(session.connection(), {"ids": ids}) == _as_sqlalchemy_has_them(session, ids)


def test_what_is_written_is_the_same(session: Session, held: list[int]) -> None:
    written = update(_HELD).where(_HELD.c.id == bindparam("row"), _HELD.c.state == SubscriptionState.CONFIRMED)
    written = written.values(last_contact_at=bindparam("now"), purpose=bindparam("why"), snooze_until=None)
    connection = session.connection()
    connection.execute(written, [{"row": row, "now": _AT, "why": f"w{row}"} for row in held])
    told = _as_sqlalchemy_has_them(session, held)
    assert {row[_HELD.c.keys().index("last_contact_at")] for row in told} == {_AT.astimezone(UTC)}
    connection.execute(update(_HELD).values(last_contact_at=None, purpose=""))
    once = CompiledOnce(written)
    once.each(connection, [{"row": row, "why": f"w{row}"} for row in held], now=_AT)
    assert _as_sqlalchemy_has_them(session, held) == told
    once.each(connection, [{"row": held[0], "why": "", "now": _AT + timedelta(1)}])
    once.run(connection, {"row": held[1], "why": "", "now": None})
    once.each(connection, [], now=_AT)
    first, second, *rest = _as_sqlalchemy_has_them(session, held)
    assert (first != told[0], second != told[1], rest) == (True, True, told[2:])


def test_rows_are_added_and_a_refusal_is_raised_as_sqlalchemy_does(session: Session) -> None:
    once = CompiledOnce(insert(DeliveryTally), "outcome", "lane", "message_class", "provider", "number")
    row = {"outcome": DeliveryState.ACCEPTED, "lane": Lane.SENDING, "message_class": MessageClass.MARKETING}
    once.each(session.connection(), [{"number": 3}, {"number": 4}], provider="gmail", **row)
    kind = Kind(DeliveryState.ACCEPTED, Lane.SENDING, MessageClass.MARKETING, "gmail")
    assert tally.totals(session) == {kind: 7}
    with pytest.raises(IntegrityError):
        once.run(session.connection(), {**row, "provider": None, "number": 1})


def test_a_text_that_depends_on_its_parameters_is_refused(session: Session) -> None:
    for statement in (select(_HELD.c.id).where(_HELD.c.id.in_([1, 2])), insert(Fact)):
        with pytest.raises(ValueError, match="not the same"):
            CompiledOnce(statement, "name").run(session.connection(), {"name": "x"})

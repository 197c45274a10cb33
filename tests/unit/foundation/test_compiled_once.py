"""A statement that is compiled once says and hears the same as SQLAlchemy's own way, on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any, cast

import pytest
from flask import Flask
from sqlalchemy import Table, bindparam, func, insert, select, text, update
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.orm import Session

from listkeeper import store
from listkeeper.audience.handover import MessageClass
from listkeeper.audience.subscription import Subscription, SubscriptionState
from listkeeper.foundation.among import among
from listkeeper.foundation.compiled_once import CompiledOnce, UpdatedEach, in_one_go, rows_of_each
from listkeeper.foundation.errors import TryAgain
from listkeeper.foundation.outbox import Fact, Lane
from listkeeper.sending import tally
from listkeeper.sending.delivery import DeliveryState
from listkeeper.sending.tally import DeliveryTally, Kind
from tests.fakes.databases import Database
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


def test_many_rows_are_changed_each_in_its_own_way(session: Session, held: list[int]) -> None:
    changed = UpdatedEach(
        lambda of: (
            update(_HELD)
            .where(_HELD.c.id == of("number"), _HELD.c.state == SubscriptionState.CONFIRMED)
            .values(state=of("becomes"), purpose=of("why"), turned_seq=of("seq"), last_contact_at=bindparam("now"))
        ),
        number=_HELD.c.id.type,
        becomes=_HELD.c.state.type,
        why=_HELD.c.purpose.type,
        seq=_HELD.c.turned_seq.type,
    )
    long = "ø" * 4_000
    rows = [
        {"number": number, "becomes": SubscriptionState.UNSUBSCRIBED, "why": f"{place}", "seq": place}
        for place, number in enumerate(held[:3])
    ]
    connection = session.connection()
    changed.run(connection, rows, now=_AT)
    changed.run(connection, [], now=_AT)
    # It has moved on, and is left alone.
    changed.run(connection, [{**rows[0], "why": "again"}], now=_AT)
    found = select(_HELD.c.id, _HELD.c.state, _HELD.c.purpose, _HELD.c.turned_seq, _HELD.c.last_contact_at)
    told = [tuple(row) for row in connection.execute(found.order_by(_HELD.c.id))]
    gone = SubscriptionState.UNSUBSCRIBED
    assert told[:3] == [(number, gone, f"{place}", place, _AT) for place, number in enumerate(held[:3])]
    assert {row[1] for row in told[3:]} == {SubscriptionState.CONFIRMED}
    if connection.dialect.name == "postgresql":
        with pytest.raises(DataError):
            changed.run(connection, [{**rows[0], "number": held[3], "why": long}], now=_AT)


def test_several_are_asked_and_told_in_one_go(session: Session, held: list[int]) -> None:
    every, lists = CompiledOnce(_ALL), CompiledOnce(select(_HELD.c.list_id).where(among(_HELD.c.id, "ids")))
    changed = CompiledOnce(update(_HELD).where(among(_HELD.c.id, "ids")).values(purpose=bindparam("why")))
    connection = session.connection()
    with in_one_go(connection):
        changed.run(connection, {"ids": held[:2], "why": "first"})
        changed.run(connection, {"ids": held[1:2], "why": "second"})
    rows, none, numbers = rows_of_each(connection, (every, {"ids": held}), (every, {"ids": []}), (lists, {"ids": held}))
    assert rows == _as_sqlalchemy_has_them(session, held)
    assert [row[_HELD.c.keys().index("purpose")] for row in rows[:2]] == ["first", "second"]
    assert (none, len(numbers)) == ([], len(held))


def test_a_refusal_in_one_go_is_raised_as_sqlalchemy_does(session: Session, held: list[int]) -> None:
    connection = session.connection()
    changed = CompiledOnce(update(_HELD).where(_HELD.c.id == bindparam("number")).values(list_id=bindparam("list")))
    with pytest.raises(IntegrityError), in_one_go(connection):
        changed.run(connection, {"number": held[0], "list": None})
    session.rollback()
    asked = CompiledOnce(select(_HELD.c.id).where(_HELD.c.id == bindparam("number"), text("1 = 1 / 0")))
    if connection.dialect.name == "postgresql":
        with pytest.raises(DataError):
            rows_of_each(session.connection(), (asked, {"number": 1}), (asked, {"number": 2}))


@pytest.mark.only_on("postgresql")
def test_a_line_that_is_lost_in_one_go_may_be_tried_again(app: Flask, database: Database) -> None:
    ends = CompiledOnce(select(func.pg_terminate_backend(func.pg_backend_pid())))
    with app.app_context():
        with pytest.raises(TryAgain), store.transaction() as session:
            rows_of_each(session.connection(), (ends, {}), (ends, {}))
        with store.reading() as session:
            assert session.scalar(select(1)) == 1

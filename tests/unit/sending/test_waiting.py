"""What waits and why: each reason told apart, and at a million rows without reading them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy import event, update
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from listkeeper.audience.handover import MessageClass
from listkeeper.campaigns import campaign as campaigns
from listkeeper.campaigns.campaign import Campaign, CampaignState
from listkeeper.foundation import clock
from listkeeper.foundation.outbox import Lane
from listkeeper.sending import claim, delivery, pilot, planning, waiting
from listkeeper.sending.delivery import Delivery, DeliveryState
from listkeeper.sending.pilot import PilotState
from listkeeper.sending.waiting import Letter, Line, Why
from tests.fakes.databases import Database
from tests.makers import cafe, crowd
from tests.makers.cafe import Cafe

SITE = "https://mail.cafe.example"
S = DeliveryState
MINUTE = timedelta(minutes=1)


@pytest.fixture
def house(session: Session) -> Cafe:
    """A café with four people on its list."""
    made = cafe.found(session)
    crowd.gather(session, made, 4)
    return made


@pytest.fixture
def letter(session: Session, house: Cafe, frozen_clock: time_machine.Traveller) -> Campaign:
    """A letter on its way, at a moment that stands still."""
    made = cafe.draft(session, house)
    planning.send_campaign(session, house.organisation, made, site=SITE)
    session.commit()
    return made


def _only(session: Session) -> Letter:
    session.flush()
    [found] = waiting.look(session).letters
    return found


def _lines(session: Session) -> dict[Lane, Line]:
    session.flush()
    return {line.lane: line for line in waiting.look(session).lines}


def test_what_is_due_and_since_when(session: Session, letter: Campaign, frozen_clock: time_machine.Traveller) -> None:
    since = clock.now()
    frozen_clock.shift(MINUTE)
    session.execute(update(Delivery).where(Delivery.id == 1).values(due_at=clock.now() + MINUTE))
    assert _lines(session)[Lane.SENDING] == Line(Lane.SENDING, due=3, later=1, oldest=since)
    assert _lines(session)[Lane.URGENT] == Line(Lane.URGENT, due=0, later=0, oldest=None)
    assert waiting.waiting(session) == {Lane.URGENT: 0, Lane.SENDING: 4, Lane.BACKGROUND: 0}
    found = _only(session)
    assert (found.due, found.later, found.oldest, found.why) == (3, 1, since, None)


def test_a_single_mail_is_looked_for_on_its_lane(session: Session, house: Cafe) -> None:
    row = Delivery(
        organisation_id=house.organisation.id, message_class=MessageClass.DOI, lane=Lane.URGENT, occasion="x"
    )
    delivery.queue(session, row)
    assert (_lines(session)[Lane.URGENT].due, _lines(session)[Lane.URGENT].oldest) == (1, row.due_at)
    row.due_at = clock.now() + MINUTE
    assert (_lines(session)[Lane.URGENT].later, _lines(session)[Lane.URGENT].oldest) == (1, None)


def _pause(session: Session, letter: Campaign) -> None:
    campaigns.move(letter, CampaignState.PAUSED)


def _watch(session: Session, letter: Campaign) -> None:
    letter.waves_open = 0


def _ask(session: Session, letter: Campaign) -> None:
    letter.waves_open = 0
    letter.pilot = replace(pilot.plan(share=50, wait=MINUTE, bounces=10), state=PilotState.ASKS).as_json()


def _put_off(session: Session, letter: Campaign) -> None:
    session.execute(update(Delivery).values(due_at=clock.now() + MINUTE, state=S.DEFERRED, provider="gmail"))


def _hold(session: Session, letter: Campaign) -> None:
    letter.state, letter.held_until = CampaignState.HELD, clock.now() + MINUTE


def _schedule(session: Session, letter: Campaign) -> None:
    letter.state, letter.scheduled_for = CampaignState.SCHEDULED, clock.now() + MINUTE


@pytest.mark.parametrize(
    ("arrange", "why", "until"),
    [
        (_pause, Why.PAUSED, None),
        (_watch, Why.WATCHED, None),
        (_ask, Why.ASKS, None),
        (_put_off, Why.LATER, MINUTE),
        (_hold, Why.HELD, MINUTE),
        (_schedule, Why.SCHEDULED, MINUTE),
    ],
)
def test_why_a_letter_does_not_move(
    session: Session, letter: Campaign, arrange: Callable[[Session, Campaign], None], why: Why, until: timedelta | None
) -> None:
    arrange(session, letter)
    found = _only(session)
    assert found.why is why
    assert found.until == (clock.now() + until if until else None)
    assert found.due + found.later == 4
    # Nobody may claim it, so nothing of it is late.
    assert waiting.oldest_due(session)[Lane.SENDING] is None
    assert not waiting.is_due(session, letter.id, letter.waves_open) or letter.state is not CampaignState.SENDING


def test_a_letter_that_is_over_is_not_told(session: Session, letter: Campaign) -> None:
    letter.state = CampaignState.FINISHED
    session.flush()
    assert waiting.look(session).letters == []


def test_what_is_under_way_in_doubt_and_put_off(session: Session, letter: Campaign) -> None:
    claim.lease(session, Lane.SENDING, "me", 2)
    session.execute(update(Delivery).where(Delivery.id == 1).values(state=S.HANDED))
    session.execute(update(Delivery).where(Delivery.id == 3).values(state=S.IN_DOUBT, settled_at=clock.now()))
    session.execute(update(Delivery).where(Delivery.id == 4).values(state=S.DEFERRED, provider="gmail"))
    assert waiting.under_way(session) == {S.LEASED: 1, S.HANDED: 1}
    assert waiting.in_doubt(session) == 1
    assert waiting.in_doubt(session, since=clock.now() + MINUTE) == 0
    assert [(row.provider, row.number) for row in waiting.put_off(session)] == [("gmail", 1)]


CHEAP: tuple[Callable[[Session], object], ...] = (
    waiting.oldest_due,
    waiting.under_way,
    waiting.in_doubt,
    waiting.put_off,
    lambda session: waiting.is_due(session, 1, 1),
)


def test_what_is_asked_often_is_looked_up_and_not_read_through(
    session: Session, engine: Engine, letter: Campaign, database: Database
) -> None:
    """SQLite uses a partial index only for states that stand in the statement; here it says what it would do."""
    said: list[tuple[str, Any]] = []

    @event.listens_for(engine, "before_cursor_execute")
    def note(*details: Any) -> None:  # noqa: ANN401 - SQLAlchemy's own arguments
        said.append((details[2], details[3]))

    for look in CHEAP:
        look(session)
    event.remove(engine, "before_cursor_execute", note)
    asked = [(statement, values) for statement, values in said if "FROM delivery" in statement]
    assert len(asked) > 6
    if database.kind != "sqlite":
        # PostgreSQL plans by what it knows of the rows, and here are four.
        return
    plans = [
        str(row[3])
        for statement, values in asked
        for row in session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
    ]
    assert [plan for plan in plans if plan == "SCAN delivery"] == []
    assert {part for plan in plans for part in plan.split() if part.startswith("ix_")} == {
        "ix_delivery_waiting", "ix_delivery_under_way", "ix_delivery_in_doubt", "ix_delivery_put_off",
    }  # fmt: skip

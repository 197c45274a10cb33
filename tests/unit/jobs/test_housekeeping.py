"""The small jobs of the timetable, and the shape of what reacts to facts."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import func, select, update

from listkeeper import store
from listkeeper.campaigns.campaign import Campaign, CampaignState
from listkeeper.foundation import clock, outbox, throttle
from listkeeper.foundation.outbox import Fact, Lane
from listkeeper.foundation.throttle import ThrottleWindow
from listkeeper.jobs import handing, housekeeping, identity
from listkeeper.jobs.timetable import TABLE
from listkeeper.sending import claim, planning
from listkeeper.sending.delivery import Delivery, DeliveryState
from tests.fakes.databases import Database
from tests.makers import cafe, crowd


def test_what_is_past_is_forgotten_and_nothing_else(
    app: Flask, database: Database, frozen_clock: time_machine.Traveller
) -> None:
    with app.app_context():
        with store.transaction() as session:
            outbox.write(session, "thing.happened", 1)
            outbox.write(session, "thing.happened", 2)
            session.flush()
            fact = outbox.claim(session, 1)
            assert fact is not None
            outbox.done(fact)
            throttle.allow(session, "signup", "x", 1, timedelta(hours=1))
        frozen_clock.shift(timedelta(days=8))
        with store.transaction() as session:
            throttle.allow(session, "signup", "x", 1, timedelta(hours=1))
        housekeeping.forget_past()
        with store.reading() as session:
            assert session.scalars(select(Fact.subject_id)).all() == [2]
            assert session.scalar(select(func.count()).select_from(ThrottleWindow)) == 1


def test_what_a_dead_worker_held_is_settled_and_the_letter_finished(
    app: Flask, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with app.app_context():
        with store.transaction() as session:
            made = cafe.found(session)
            crowd.gather(session, made, 3)
            letter = cafe.draft(session, made)
            planning.send_campaign(session, made.organisation, letter, site="http://localhost:8025")
            claim.lease(session, Lane.SENDING, "gone", 3)
            states = (DeliveryState.HANDED, DeliveryState.HANDED, DeliveryState.ACCEPTED)
            for row, state in zip(session.scalars(select(Delivery)), states, strict=True):
                row.state, row.lease_until = state, clock.now() + timedelta(hours=1)
        housekeeping.settle_left_behind()
        with store.reading() as session:
            assert session.scalars(select(Campaign.state)).one() is CampaignState.SENDING, "it was not known to be dead"
        monkeypatch.setattr(identity, "is_dead", lambda name: name == "gone")
        housekeeping.settle_left_behind()
        with store.reading() as session:
            found = sorted(session.scalars(select(Delivery.state)))
            assert found == [DeliveryState.ACCEPTED, DeliveryState.IN_DOUBT, DeliveryState.IN_DOUBT]
            assert session.scalars(select(Campaign.state)).one() is CampaignState.FINISHED


def test_a_lane_with_nothing_due_is_left_alone(app: Flask, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    rung: list[list[Lane]] = []
    monkeypatch.setattr("listkeeper.parts.ring", lambda lanes: rung.append(list(lanes)))
    with app.app_context():
        housekeeping.look_for_lost_bells()
        with store.transaction() as session:
            made = cafe.found(session)
            crowd.gather(session, made, 1)
            planning.send_campaign(session, made.organisation, cafe.draft(session, made), site="http://localhost:8025")
            session.execute(update(Fact).values(reacted_at=clock.now()))
            outbox.rung_lanes(session)
        housekeeping.look_for_lost_bells()
        with store.transaction() as session:
            session.execute(update(Delivery).values(due_at=clock.now() + timedelta(hours=1)))
            outbox.write(session, "thing.happened", 1, Lane.BACKGROUND)
            outbox.rung_lanes(session)
        housekeeping.look_for_lost_bells()
    assert rung == [[], [Lane.SENDING], [Lane.BACKGROUND]]


def test_answers_are_kept_trying_for_two_minutes() -> None:
    waits = list(handing._waits())  # noqa: SLF001
    assert sum(waits) > 120
    assert waits[0] <= 0.1
    assert max(waits) == 5.0


def test_a_dead_worker_is_found_within_a_minute() -> None:
    """Field section 3.2: a dead worker's lease is taken over in under 60 seconds, a lost bell is found sooner."""
    every = {function.rpartition(".")[2]: seconds for function, seconds, _ in TABLE}
    assert every["settle_left_behind"] <= 30
    assert every["look_for_lost_bells"] <= 30

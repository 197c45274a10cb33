"""The clocks of a permission: what ends by itself ends with its event, and the owner hears of it before."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.audience import consent, lifecycle, mailing_list, subscription
from listkeeper.audience.confirmation import LIFETIME
from listkeeper.audience.consent import ConsentEvent, EventKind, Method
from listkeeper.audience.lifecycle import WARN_BEFORE
from listkeeper.audience.proof import ledger, ledger_audit
from listkeeper.audience.proof.ledger import LedgerRow
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import SubscriptionState
from listkeeper.foundation import clock
from tests.makers import cafe, gate
from tests.makers.cafe import Cafe
from tests.unit.audience.conftest import as_stored

ANNA, BO = "anna@people.example", "bo@people.example"
S = SubscriptionState
MOMENT = timedelta(milliseconds=1)


@pytest.fixture
def anna(session: Session, house: Cafe, frozen_clock: time_machine.Traveller) -> Subscriber:
    """Somebody on the list, at a moment that stands still."""
    return cafe.subscribe(session, house, ANNA)


def _last(session: Session, person: Subscriber) -> ConsentEvent:
    return consent.history(session, person)[-1]


def test_a_question_nobody_answers_ends_after_its_week(
    session: Session, house: Cafe, frozen_clock: time_machine.Traveller
) -> None:
    asked = cafe.sign_up(session, house, BO)
    person = session.get_one(Subscriber, asked.subscriber_id)
    frozen_clock.shift(LIFETIME - MOMENT)
    assert lifecycle.end_due(session) == 0
    frozen_clock.shift(MOMENT)
    assert lifecycle.end_due(session) == 1
    assert as_stored(session, house, person).state is S.EXPIRED
    assert (_last(session, person).kind, _last(session, person).method) == (EventKind.EXPIRED, Method.CLOCK)
    assert lifecycle.end_due(session) == 0


def test_a_permission_given_for_a_time_ends_at_the_gate_and_then_in_the_books(
    session: Session, house: Cafe, anna: Subscriber, frozen_clock: time_machine.Traveller
) -> None:
    held = as_stored(session, house, anna)
    held.valid_until = clock.now() + timedelta(days=3)
    session.flush()
    frozen_clock.shift(timedelta(days=3) - MOMENT)
    assert gate.says(session, anna, house.mailing_list) == gate.GRANTED
    assert lifecycle.end_due(session) == 0
    frozen_clock.shift(MOMENT)
    # The gate needs no nightly job to know what time it is.
    assert gate.says(session, anna, house.mailing_list) == "expired"
    assert lifecycle.end_due(session) == 1
    assert held.state is S.LAPSED
    assert _last(session, anna).kind is EventKind.EXPIRED


def test_a_yes_that_is_not_used_in_time_lapses(
    session: Session, house: Cafe, anna: Subscriber, frozen_clock: time_machine.Traveller
) -> None:
    held = as_stored(session, house, anna)
    assert held.first_use_deadline is not None
    used = cafe.subscribe(session, house, BO)
    as_stored(session, house, used).last_contact_at = clock.now()
    session.flush()
    frozen_clock.move_to(held.first_use_deadline)
    assert gate.says(session, anna, house.mailing_list) == "lapsed"
    assert lifecycle.end_due(session) == 1
    assert held.state is S.LAPSED
    assert as_stored(session, house, used).state is S.CONFIRMED
    row = session.scalars(select(LedgerRow).where(LedgerRow.type == EventKind.LAPSED.value)).one()
    assert (row.subject, ledger.fields_of(row)["actor"]) == (anna.subject_ref, "system")
    assert ledger_audit.check(session, house.organisation).faults == []


def test_the_clocks_take_a_limited_number_at_a_time(
    session: Session, house: Cafe, frozen_clock: time_machine.Traveller
) -> None:
    for number in range(5):
        cafe.sign_up(session, house, f"guest-{number}@people.example")
    frozen_clock.shift(LIFETIME)
    assert [lifecycle.end_due(session, limit=2) for _ in range(4)] == [2, 2, 1, 0]


def test_a_clock_ends_nothing_of_somebody_who_left(
    session: Session, house: Cafe, anna: Subscriber, frozen_clock: time_machine.Traveller
) -> None:
    held = as_stored(session, house, anna)
    held.valid_until = clock.now()
    subscription.move(held, S.UNSUBSCRIBED)
    session.flush()
    frozen_clock.shift(timedelta(days=800))
    assert lifecycle.end_due(session) == 0
    assert held.state is S.UNSUBSCRIBED


# Warnings


def test_the_owner_is_warned_before_a_permission_ends(
    session: Session, house: Cafe, anna: Subscriber, frozen_clock: time_machine.Traveller
) -> None:
    held = as_stored(session, house, anna)
    held.last_contact_at = clock.now()
    held.valid_until = clock.now() + WARN_BEFORE + MOMENT
    session.flush()
    assert lifecycle.warnings(session, house.organisation) == []
    frozen_clock.shift(MOMENT)
    (warning,) = lifecycle.warnings(session, house.organisation)
    assert (warning.list_public_id, warning.expiring, warning.unused, warning.dormant) == (
        house.mailing_list.public_id, 1, 0, 0,
    )  # fmt: skip


def test_the_owner_is_warned_before_an_unused_yes_lapses(
    session: Session, house: Cafe, anna: Subscriber, frozen_clock: time_machine.Traveller
) -> None:
    deadline = as_stored(session, house, anna).first_use_deadline
    assert deadline is not None
    frozen_clock.move_to(deadline - WARN_BEFORE - MOMENT)
    assert [warning.unused for warning in lifecycle.warnings(session, house.organisation)] in ([], [0])
    frozen_clock.shift(MOMENT)
    assert [warning.unused for warning in lifecycle.warnings(session, house.organisation)] == [1]
    assert gate.says(session, anna, house.mailing_list) == gate.GRANTED


def test_the_owner_is_warned_of_a_long_silence_before_the_gate_refuses(
    session: Session, house: Cafe, anna: Subscriber, frozen_clock: time_machine.Traveller
) -> None:
    held = as_stored(session, house, anna)
    held.last_contact_at = clock.now()
    session.flush()
    frozen_clock.move_to(clock.months_later(held.last_contact_at, 12))
    (warning,) = lifecycle.warnings(session, house.organisation)
    assert (warning.dormant, warning.any) == (1, True)
    assert gate.says(session, anna, house.mailing_list) == gate.GRANTED
    frozen_clock.move_to(clock.months_later(held.last_contact_at, 24))
    assert gate.says(session, anna, house.mailing_list) == "dormant"


def test_nobody_is_warned_of_a_closed_list(
    session: Session, house: Cafe, anna: Subscriber, frozen_clock: time_machine.Traveller
) -> None:
    as_stored(session, house, anna).valid_until = clock.now() + timedelta(days=1)
    session.flush()
    assert len(lifecycle.warnings(session, house.organisation)) == 1
    mailing_list.archive(house.mailing_list)
    session.flush()
    assert lifecycle.warnings(session, house.organisation) == []

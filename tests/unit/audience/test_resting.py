"""People who rest: left out of letters and nothing else, awake as soon as they are heard of, and all back by undo."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.audience import activity, mailing_list, preferences, resting, subscription, tracking, unsubscribe
from listkeeper.audience.activity import Act, ActivityKind
from listkeeper.audience.consent import ConsentEvent, Method
from listkeeper.audience.proof.ledger import LedgerRow
from listkeeper.audience.resting import RestBatch
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Frequency, Subscription, SubscriptionState
from listkeeper.foundation import clock
from listkeeper.foundation.errors import Conflict, Invalid, NotFound
from tests.makers import cafe, gate, silent
from tests.makers.cafe import Cafe


@pytest.fixture
def house(session: Session) -> Cafe:
    return cafe.found(session)


def _rest(session: Session, house: Cafe, *which: Subscription) -> RestBatch:
    people = select(Subscription.id).where(Subscription.id.in_([each.id for each in which]))
    return resting.begin(session, house.mailing_list, people, actor="user:1", figures={"silent": len(which)})


def _planned(session: Session, house: Cafe) -> set[int]:
    return set(session.scalars(subscription.mailable(house.mailing_list, practice=False)))


def test_who_rests_is_left_out_of_letters_and_her_yes_stands(session: Session, house: Cafe) -> None:
    anna, bo = silent.people(session, house, "anna bo")
    events = len(session.scalars(select(ConsentEvent)).all())
    rows = len(session.scalars(select(LedgerRow)).all())
    batch = _rest(session, house, anna)
    assert (batch.number, resting.count(session, house.mailing_list), resting.still(session, batch)) == (1, 1, 1)
    assert _planned(session, house) == {bo.subscriber_id}
    assert (anna.state, anna.basis.value, anna.resting_since) == (
        SubscriptionState.CONFIRMED,
        "consent",
        batch.started_at,
    )
    assert len(session.scalars(select(ConsentEvent)).all()) == events
    assert len(session.scalars(select(LedgerRow)).all()) == rows


def test_a_letter_that_was_planned_before_still_goes(session: Session, house: Cafe) -> None:
    """The gate is about what a person wants, and a rest is her owner's choice."""
    [anna] = silent.people(session, house, "anna")
    _rest(session, house, anna)
    person = session.get_one(Subscriber, anna.subscriber_id)
    assert gate.says(session, person, house.mailing_list) == gate.GRANTED


def _clicks(session: Session, current: Subscription) -> None:
    act = Act(current.subscriber_id, current.list_id, ActivityKind.CLICKED, clock.now(), 1)
    activity.note(session, [act])
    session.expire_all()


def _writes_back(session: Session, current: Subscription) -> None:
    activity.note(session, [Act(current.subscriber_id, current.list_id, ActivityKind.REPLIED, clock.now())])
    session.expire_all()


def _chooses(session: Session, current: Subscription) -> None:
    assert preferences.choose_frequency(session, current.subscriber_id, current.list_id, Frequency.MONTHLY)


def _pauses(session: Session, current: Subscription) -> None:
    assert preferences.snooze(session, current.subscriber_id, current.list_id, 30)
    assert preferences.resume(session, current.subscriber_id, current.list_id)


def _shuts_her_clicks(session: Session, current: Subscription) -> None:
    assert tracking.withdraw(session, current.subscriber_id, current.list_id)


@pytest.mark.parametrize("acts", [_clicks, _writes_back, _chooses, _pauses, _shuts_her_clicks])
def test_whoever_is_heard_of_wakes_by_herself(
    session: Session, house: Cafe, acts: Callable[[Session, Subscription], None]
) -> None:
    anna, bo = silent.people(session, house, "anna bo")
    batch = _rest(session, house, anna, bo)
    acts(session, anna)
    session.flush()
    session.refresh(anna)
    assert (anna.resting_since, anna.rest_batch_id) == (None, None)
    assert _planned(session, house) == {anna.subscriber_id}
    assert resting.still(session, batch) == 1
    assert resting.undo(session, batch) == 1


def test_an_act_on_another_list_wakes_nobody_here(session: Session, house: Cafe) -> None:
    [anna] = silent.people(session, house, "anna")
    other = mailing_list.create(session, house.organisation, name="Events")
    _rest(session, house, anna)
    activity.note(session, [Act(anna.subscriber_id, other.id, ActivityKind.CLICKED, clock.now(), 1)])
    session.refresh(anna)
    assert anna.rest_batch_id is not None


def test_whoever_leaves_rests_no_more_and_undo_does_not_bring_her_back(session: Session, house: Cafe) -> None:
    anna, bo = silent.people(session, house, "anna bo")
    batch = _rest(session, house, anna, bo)
    unsubscribe.leave(session, anna.subscriber_id, house.mailing_list.id, Method.PAGE)
    assert (anna.state, anna.rest_batch_id) == (SubscriptionState.UNSUBSCRIBED, None)
    assert resting.undo(session, batch) == 1
    assert _planned(session, house) == {bo.subscriber_id}


def test_whoever_says_yes_again_is_awake(session: Session, house: Cafe) -> None:
    [anna] = silent.people(session, house, "anna")
    _rest(session, house, anna)
    unsubscribe.leave(session, anna.subscriber_id, house.mailing_list.id, Method.PAGE)
    cafe.subscribe(session, house, "anna@guest.example")
    assert _planned(session, house) == {anna.subscriber_id}


def test_only_confirmed_people_of_the_list_are_put_to_rest_and_each_once(session: Session, house: Cafe) -> None:
    anna, bo, carl = silent.people(session, house, "anna bo carl")
    unsubscribe.leave(session, carl.subscriber_id, house.mailing_list.id, Method.PAGE)
    first = _rest(session, house, anna)
    second = _rest(session, house, anna, bo, carl)
    assert (first.number, second.number) == (1, 1)
    assert (anna.rest_batch_id, bo.rest_batch_id, carl.rest_batch_id) == (first.id, second.id, None)
    assert [each.id for each in resting.all_of(session, house.mailing_list)] == [second.id, first.id]


def test_bad_input_is_refused_in_a_sentence(
    session: Session, house: Cafe, frozen_clock: time_machine.Traveller
) -> None:
    [anna] = silent.people(session, house, "anna")
    with pytest.raises(Invalid, match="nobody to let rest"):
        _rest(session, house)
    with pytest.raises(NotFound):
        resting.identified(session, house.organisation, "rst_nothing")
    batch = _rest(session, house, anna)
    frozen_clock.shift(timedelta(days=364))
    assert batch.may_be_undone
    frozen_clock.shift(timedelta(days=2))
    with pytest.raises(Conflict, match="more than a year ago"):
        resting.undo(session, batch)
    frozen_clock.shift(timedelta(days=-3))
    assert resting.undo(session, batch) == 1
    with pytest.raises(Conflict, match="woken already"):
        resting.undo(session, batch)
    mailing_list.archive(house.mailing_list)
    with pytest.raises(Conflict, match="closed"):
        _rest(session, house, anna)


_COLUMNS = [column.key for column in Subscription.__table__.columns]


def _rows(session: Session) -> dict[int, tuple[object, ...]]:
    session.flush()
    session.expire_all()
    return {row.id: tuple(getattr(row, name) for name in _COLUMNS) for row in session.scalars(select(Subscription))}


@pytest.fixture
def eight(session: Session, house: Cafe) -> list[Subscription]:
    return silent.people(session, house, "a b c d e f g h")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(chosen=st.sets(st.integers(0, 7), min_size=1), heard=st.sets(st.integers(0, 7)))
def test_undo_restores_exactly(
    session: Session, house: Cafe, eight: list[Subscription], chosen: set[int], heard: set[int]
) -> None:
    before = _rows(session)
    batch = _rest(session, house, *(eight[place] for place in chosen))
    asleep = {row_id for row_id, row in _rows(session).items() if row != before[row_id]}
    assert asleep == {eight[place].id for place in chosen}
    acts = [
        Act(eight[place].subscriber_id, house.mailing_list.id, ActivityKind.CLICKED, clock.now()) for place in heard
    ]
    activity.note(session, acts)
    session.expire_all()
    assert resting.undo(session, batch) == len(chosen - heard)
    assert _rows(session) == before

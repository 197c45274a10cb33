"""Leaving: one act, at once, remembered; and only the person's own way back."""

from __future__ import annotations

import contextlib
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from listkeeper.audience import (
    answering,
    confirmation,
    consent,
    mailing_list,
    signup_form,
    subscription,
    suppression,
    unsubscribe,
)
from listkeeper.audience.answering import Answer
from listkeeper.audience.consent import ConsentEvent, EventKind, Method
from listkeeper.audience.mailing_list import ListState
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Basis, SubscriptionState
from listkeeper.audience.suppression import Reason, Suppression
from listkeeper.audience.unsubscribe import Leaving, Left
from listkeeper.foundation import clock, signing
from listkeeper.foundation.errors import Conflict
from tests.makers import cafe
from tests.makers.cafe import Cafe
from tests.unit.audience.conftest import HER, as_stored


def _leave(session: Session, house: Cafe, person: Subscriber, method: Method = Method.ONE_CLICK) -> Left:
    return unsubscribe.leave(session, person.id, house.mailing_list.id, method, delivery_id=7)


def _state(session: Session, house: Cafe, person: Subscriber) -> SubscriptionState:
    return as_stored(session, house, person).state


def _scopes(session: Session, house: Cafe, person: Subscriber) -> list[tuple[str, Reason]]:
    rows = suppression.reasons(session, house.organisation.id, person.suppression_key)
    return sorted((row.scope, row.reason) for row in rows)


@pytest.mark.parametrize("method", [Method.ONE_CLICK, Method.PAGE, Method.OPERATOR])
def test_one_act_changes_state_suppression_and_proof(
    session: Session, house: Cafe, person: Subscriber, method: Method
) -> None:
    assert _leave(session, house, person, method).leaving is Leaving.LEFT
    assert _state(session, house, person) is SubscriptionState.UNSUBSCRIBED
    assert _scopes(session, house, person) == [(suppression.list_scope(house.mailing_list.id), Reason.UNSUBSCRIBED)]
    last = consent.history(session, person)[-1]
    assert (last.kind, last.method, last.delivery_id) == (EventKind.WITHDRAWN, method, 7)
    assert last.consent_text_id is not None


def test_a_second_post_is_calm_and_adds_nothing(session: Session, house: Cafe, person: Subscriber) -> None:
    _leave(session, house, person)
    assert _leave(session, house, person) == Left(Leaving.HAD_LEFT, None)
    assert [event.kind for event in consent.history(session, person)].count(EventKind.WITHDRAWN) == 1
    assert len(_scopes(session, house, person)) == 1


def test_a_second_post_is_a_no_to_what_was_asked_between_the_two(
    session: Session, house: Cafe, person: Subscriber
) -> None:
    _leave(session, house, person)
    asked = cafe.sign_up(session, house, HER)
    assert _leave(session, house, person, Method.PAGE) == Left(Leaving.HAD_LEFT, None)
    assert answering.confirm(session, confirmation.token_of(asked)).answer is Answer.NO_EFFECT
    assert _state(session, house, person) is SubscriptionState.UNSUBSCRIBED
    again = cafe.sign_up(session, house, HER)
    assert answering.confirm(session, confirmation.token_of(again)).answer is Answer.CONFIRMED


def test_it_leaves_one_list_and_no_other(session: Session, house: Cafe, person: Subscriber) -> None:
    bread = mailing_list.create(session, house.organisation, name="Bread club")
    other = Cafe(house.organisation, house.owner, bread, signup_form.create(session, house.organisation, bread))
    cafe.subscribe(session, other, HER)
    _leave(session, house, person)
    states = {row.list_id: row.state for row, _ in subscription.all_of(session, person)}
    assert states == {house.mailing_list.id: SubscriptionState.UNSUBSCRIBED, bread.id: SubscriptionState.CONFIRMED}


@pytest.mark.parametrize("state", ListState)
def test_it_works_whatever_became_of_the_list(
    session: Session, house: Cafe, person: Subscriber, state: ListState
) -> None:
    house.mailing_list.state = state
    assert _leave(session, house, person).leaving is Leaving.LEFT
    assert unsubscribe.list_of(session, house.mailing_list.id) is house.mailing_list


@pytest.mark.parametrize("state", SubscriptionState)
def test_every_state_can_leave_or_has_left(
    session: Session, house: Cafe, person: Subscriber, state: SubscriptionState
) -> None:
    current = subscription.of(session, person.id, house.mailing_list.id)
    assert current is not None
    current.state = state
    gone = state in {SubscriptionState.UNSUBSCRIBED, SubscriptionState.COMPLAINED, SubscriptionState.REFUSED}
    left = _leave(session, house, person)
    assert left.leaving is (Leaving.HAD_LEFT if gone else Leaving.LEFT)
    assert _state(session, house, person) is (state if gone else SubscriptionState.UNSUBSCRIBED)
    # An undo restores a yes that was there. Nobody gets one by leaving first.
    assert (left.undo is not None) == (state is SubscriptionState.CONFIRMED)


def test_who_was_never_there_has_left(session: Session, house: Cafe, person: Subscriber) -> None:
    bread = mailing_list.create(session, house.organisation, name="Bread club")
    assert unsubscribe.leave(session, person.id, bread.id, Method.PAGE) == Left(Leaving.HAD_LEFT, None)


def test_the_suppression_outlives_subscriber_subscription_and_list(
    session: Session, house: Cafe, person: Subscriber, frozen_clock: time_machine.Traveller
) -> None:
    key = person.suppression_key
    _leave(session, house, person)
    person.email_send = person.email_key = "erased"
    person.erased_at = clock.now()
    house.mailing_list.state = ListState.TOMBSTONED
    session.flush()
    frozen_clock.shift(timedelta(days=36_500 / 2))
    assert suppression.key_of(house.organisation.id, HER) == key
    assert [row.scope for row in suppression.reasons(session, house.organisation.id, key)] == [
        suppression.list_scope(house.mailing_list.id)
    ]


# The token


@pytest.mark.usefixtures("_keys")
def test_the_token_names_one_delivery_for_ever(frozen_clock: time_machine.Traveller) -> None:
    token = unsubscribe.token_for(12)
    frozen_clock.shift(timedelta(days=3_650))
    assert (unsubscribe.delivery_of(token), len(token)) == (12, 32)
    assert unsubscribe.token_for(12) == token != unsubscribe.token_for(13)


@pytest.mark.usefixtures("_keys")
def test_forged_tokens_are_nobodys() -> None:
    token = unsubscribe.token_for(12)
    flipped = token[:-1] + ("A" if token[-1] != "A" else "B")
    for forged in (
        "",
        "12",
        token[:-1],
        token + "AAAA",
        flipped,
        signing.token("undo-unsubscribe", 12),
        "ø",
        "\x00" * 24,
    ):
        assert unsubscribe.delivery_of(forged) is None, forged


# The way back


def test_undo_takes_the_leave_back(session: Session, house: Cafe, person: Subscriber) -> None:
    left = _leave(session, house, person)
    assert left.undo is not None
    assert unsubscribe.undo(session, left.undo)
    assert _state(session, house, person) is SubscriptionState.CONFIRMED
    assert _scopes(session, house, person) == []
    current = subscription.of(session, person.id, house.mailing_list.id)
    given = consent.history(session, person)[-1]
    assert current is not None
    assert (given.kind, given.method) == (EventKind.GIVEN, Method.UNDO)
    assert (current.basis, current.consent_event_id) == (Basis.CONSENT, given.id)
    assert current.consent_text_id == given.consent_text_id is not None


def test_undo_works_once(session: Session, house: Cafe, person: Subscriber) -> None:
    left = _leave(session, house, person)
    assert left.undo is not None
    assert unsubscribe.undo(session, left.undo)
    assert not unsubscribe.undo(session, left.undo)
    assert session.scalar(select(func.count()).where(ConsentEvent.method == Method.UNDO)) == 1


def test_leave_undo_leave_and_the_first_undo_is_spent(session: Session, house: Cafe, person: Subscriber) -> None:
    """A page still open from the first leave must not bring her back after the second."""
    first = _leave(session, house, person)
    assert first.undo is not None
    assert unsubscribe.undo(session, first.undo)
    second = _leave(session, house, person)
    assert second.leaving is Leaving.LEFT
    assert not unsubscribe.undo(session, first.undo)
    assert _state(session, house, person) is SubscriptionState.UNSUBSCRIBED
    assert _scopes(session, house, person) == [(suppression.list_scope(house.mailing_list.id), Reason.UNSUBSCRIBED)]
    assert second.undo is not None
    assert unsubscribe.undo(session, second.undo)


def test_undo_ends_after_an_hour(
    session: Session, house: Cafe, frozen_clock: time_machine.Traveller, person: Subscriber
) -> None:
    left = _leave(session, house, person)
    assert left.undo is not None
    frozen_clock.shift(timedelta(hours=1, milliseconds=1))
    assert not unsubscribe.undo(session, left.undo)
    frozen_clock.shift(timedelta(milliseconds=-1))
    assert unsubscribe.undo(session, left.undo)


def test_an_operator_gets_no_undo_and_makes_none(session: Session, house: Cafe, person: Subscriber) -> None:
    assert _leave(session, house, person, Method.OPERATOR) == Left(Leaving.LEFT, None)
    assert _state(session, house, person) is SubscriptionState.UNSUBSCRIBED


def test_undo_lifts_its_own_suppression_and_no_other(session: Session, house: Cafe, person: Subscriber) -> None:
    left = _leave(session, house, person)
    scope = suppression.list_scope(house.mailing_list.id)
    others = [reason for reason in Reason if reason not in suppression.HER_OWN_WORD]
    for reason in others:
        suppression.add(session, house.organisation.id, person.suppression_key, scope=scope, reason=reason)
    assert left.undo is not None
    assert unsubscribe.undo(session, left.undo)
    assert {reason for _, reason in _scopes(session, house, person)} == set(others)


@pytest.mark.parametrize("reason", sorted(suppression.HER_OWN_WORD - {Reason.UNSUBSCRIBED}))
def test_undo_does_not_outvote_what_she_said_otherwise(
    session: Session, house: Cafe, person: Subscriber, reason: Reason
) -> None:
    left = _leave(session, house, person)
    key = person.suppression_key
    suppression.add(session, house.organisation.id, key, scope=suppression.MARKETING, reason=reason)
    assert left.undo is not None
    assert not unsubscribe.undo(session, left.undo)
    assert _state(session, house, person) is SubscriptionState.UNSUBSCRIBED
    assert len(_scopes(session, house, person)) == 2


def test_undo_of_one_leave_does_not_undo_stopping_everything(session: Session, house: Cafe, person: Subscriber) -> None:
    left = _leave(session, house, person)
    assert unsubscribe.leave_everything(session, person.id) == [], "she was on no list any more"
    assert left.undo is not None
    assert not unsubscribe.undo(session, left.undo)


def test_undo_restores_the_basis_there_was(session: Session, house: Cafe, person: Subscriber) -> None:
    """A purchase or an import is not turned into a consent by leaving and coming back."""
    current = subscription.of(session, person.id, house.mailing_list.id)
    assert current is not None
    current.basis, current.categories, current.import_id = Basis.SOFT_OPT_IN, ["buns"], 7
    left = _leave(session, house, person)
    assert left.undo is not None
    assert unsubscribe.undo(session, left.undo)
    assert (current.state, current.basis) == (SubscriptionState.CONFIRMED, Basis.SOFT_OPT_IN)
    assert (current.categories, current.import_id) == (["buns"], 7)
    assert consent.history(session, person)[-1].basis == "soft_opt_in"


@pytest.mark.parametrize("state", [state for state in SubscriptionState if state is not SubscriptionState.UNSUBSCRIBED])
def test_undo_answers_a_leave_and_nothing_else(
    session: Session, house: Cafe, person: Subscriber, state: SubscriptionState
) -> None:
    left = _leave(session, house, person)
    current = subscription.of(session, person.id, house.mailing_list.id)
    assert current is not None
    assert left.undo is not None
    current.state = state
    assert not unsubscribe.undo(session, left.undo)
    assert _state(session, house, person) is state


def test_undo_of_an_erased_person_has_no_effect(session: Session, house: Cafe, person: Subscriber) -> None:
    left = _leave(session, house, person)
    assert left.undo is not None
    person.erased_at = clock.now()
    assert not unsubscribe.undo(session, left.undo)


def test_forged_undos_have_no_effect(session: Session, house: Cafe, person: Subscriber) -> None:
    left = _leave(session, house, person)
    assert left.undo is not None
    events = consent.history(session, person)
    given = next(event for event in events if event.kind is EventKind.GIVEN)
    forged = ["", left.undo[:-1], left.undo + "A", unsubscribe.token_for(events[-1].id),
              signing.token("undo-unsubscribe", given.id), signing.token("undo-unsubscribe", 10**9)]  # fmt: skip
    assert [token for token in forged if unsubscribe.undo(session, token)] == []
    assert _state(session, house, person) is SubscriptionState.UNSUBSCRIBED


# Consent itself


def test_consent_is_given_by_the_persons_own_act_alone(session: Session, house: Cafe, person: Subscriber) -> None:
    given, before = [], len(consent.history(session, person))
    for method in Method:
        with contextlib.suppress(Conflict):
            consent.record(session, person, house.mailing_list.id, EventKind.GIVEN, method, consent.Circumstances())
            given.append(method)
    assert given == [Method.BUTTON, Method.CODE, Method.UNDO, Method.DEMO]
    assert len(consent.history(session, person)) == before + len(given)


def test_an_event_of_the_demo_says_so(session: Session, house: Cafe, person: Subscriber) -> None:
    under = consent.Circumstances()
    real = consent.record(session, person, house.mailing_list.id, EventKind.GIVEN, Method.BUTTON, under)
    shown = consent.record(session, person, house.mailing_list.id, EventKind.GIVEN, Method.DEMO, under)
    person.demo = True
    hers = consent.record(session, person, house.mailing_list.id, EventKind.WITHDRAWN, Method.PAGE, under)
    assert (real.demo, shown.demo, hers.demo) == (False, True, True)


def test_no_row_is_left_of_a_suppression_stored_twice(session: Session, house: Cafe) -> None:
    key, until = suppression.key_of(house.organisation.id, HER), clock.now() + timedelta(days=1)
    for moment in (until, until, until - timedelta(hours=1), None, None):
        suppression.add(session, house.organisation.id, key, scope="all", reason=Reason.MANUAL, until=moment)
    assert len(session.scalars(select(Suppression)).all()) == 2


def test_a_suppression_ends_with_its_time(session: Session, house: Cafe, frozen_clock: time_machine.Traveller) -> None:
    key, until = suppression.key_of(house.organisation.id, HER), clock.now() + timedelta(days=1)
    suppression.add(session, house.organisation.id, key, scope="all", reason=Reason.MANUAL, until=until)
    frozen_clock.shift(timedelta(days=1, milliseconds=-1))
    assert [row.scope for row in suppression.reasons(session, house.organisation.id, key)] == ["all"]
    frozen_clock.shift(timedelta(milliseconds=1))
    assert suppression.reasons(session, house.organisation.id, key) == []
    assert suppression.reasons(session, house.organisation.id, key) == []

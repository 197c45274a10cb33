"""Who says yes, then no, then yes again, while clocks jump and addresses change: the last word counts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy.orm import Session

from listkeeper.audience import (
    access_link,
    address_change,
    complaint,
    confirmation,
    lifecycle,
    subscription,
    suppression,
    unsubscribe,
)
from listkeeper.audience.address_change import AddressChange, ChangeOutcome
from listkeeper.audience.answering import Answer
from listkeeper.audience.consent import Method
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import SubscriptionState
from tests.makers import cafe, signups
from tests.makers.cafe import Cafe

HER = "freja@guest.example"
S = SubscriptionState
_Act = Callable[[Session, Cafe, int], object]
# Each of these ends whatever was asked before, also of somebody who was not on the list.
_NOES: dict[str, _Act] = {
    "complaint": lambda session, _house, person: complaint.complain(session, person),
    "objection": lambda session, _house, person: complaint.object_to_marketing(session, person, method=Method.PAGE),
    "everything": lambda session, _house, person: complaint.stop_everything(session, person, method=Method.PAGE),
}


def _leave(session: Session, house: Cafe, person: int) -> object:
    return unsubscribe.leave(session, person, house.mailing_list.id, Method.ONE_CLICK)


def _state(session: Session, house: Cafe, person: int) -> SubscriptionState:
    session.flush()
    found = subscription.of(session, person, house.mailing_list.id)
    assert found is not None
    return found.state


@pytest.mark.parametrize("act", [*_NOES.values(), _leave], ids=[*_NOES, "leave"])
@pytest.mark.parametrize("back", [timedelta(0), timedelta(hours=3)], ids=["clock right", "clock set back"])
def test_a_question_from_before_a_no_asks_no_more(
    session: Session, house: Cafe, frozen_clock: time_machine.Traveller, act: _Act, back: timedelta
) -> None:
    asked = cafe.sign_up(session, house, HER)
    frozen_clock.shift(-back)
    act(session, house, asked.subscriber_id)
    assert signups.press(session, asked) is Answer.NO_EFFECT


@pytest.mark.parametrize("act", [*_NOES.values(), _leave], ids=[*_NOES, "leave"])
@pytest.mark.parametrize("back", [timedelta(0), timedelta(hours=3)], ids=["clock right", "clock set back"])
def test_a_question_from_after_a_no_can_be_answered(
    session: Session, house: Cafe, frozen_clock: time_machine.Traveller, act: _Act, back: timedelta
) -> None:
    person = cafe.subscribe(session, house, HER)
    act(session, house, person.id)
    frozen_clock.shift(-back)
    assert signups.press(session, cafe.sign_up(session, house, HER)) is Answer.CONFIRMED


@pytest.mark.parametrize("act", _NOES.values(), ids=_NOES)
@pytest.mark.parametrize("state", [S.UNSUBSCRIBED, S.COMPLAINED, S.REFUSED, S.EXPIRED, S.LAPSED, S.BOUNCED])
def test_a_no_counts_from_every_state(session: Session, house: Cafe, act: _Act, state: SubscriptionState) -> None:
    """Also where the state says no already: she had asked to come back, and thought better of it."""
    person = cafe.subscribe(session, house, HER)
    current = subscription.of(session, person.id, house.mailing_list.id)
    assert current is not None
    current.state = state
    again = cafe.sign_up(session, house, HER)
    act(session, house, person.id)
    assert signups.press(session, again) is Answer.NO_EFFECT
    assert suppression.MARKETING in {
        row.scope for row in suppression.reasons(session, house.organisation.id, person.suppression_key)
    }


def test_who_signs_up_again_may_answer_the_newer_question(
    session: Session, house: Cafe, frozen_clock: time_machine.Traveller
) -> None:
    first = cafe.sign_up(session, house, HER)
    frozen_clock.shift(timedelta(days=6))
    newer = cafe.sign_up(session, house, HER)
    frozen_clock.shift(timedelta(days=2))
    assert lifecycle.end_due(session) == 0
    assert signups.press(session, first) is Answer.NO_EFFECT
    assert signups.press(session, newer) is Answer.CONFIRMED


def test_a_question_nobody_answered_ends(session: Session, house: Cafe, frozen_clock: time_machine.Traveller) -> None:
    asked = cafe.sign_up(session, house, HER)
    frozen_clock.shift(confirmation.LIFETIME - timedelta(milliseconds=1))
    assert lifecycle.end_due(session) == 0
    frozen_clock.shift(timedelta(milliseconds=1))
    assert lifecycle.end_due(session) == 1
    assert _state(session, house, asked.subscriber_id) is S.EXPIRED


# Another address


def _moved(session: Session, person: Subscriber, to: str) -> AddressChange:
    change = address_change.ask(session, person, to)
    assert address_change.confirm(session, address_change.token_of(change)).outcome is ChangeOutcome.CHANGED
    return change


def test_the_first_address_takes_back_all_that_followed(session: Session, house: Cafe) -> None:
    """Who led her mail to a second and a third address cannot take it there again from the second."""
    person = cafe.subscribe(session, house, HER)
    first = _moved(session, person, "second@else.example")
    later = _moved(session, person, "third@else.example")
    open_wish = address_change.ask(session, person, "fourth@else.example")
    assert address_change.cancel(session, address_change.cancel_token_of(first)).outcome is ChangeOutcome.CANCELLED
    assert person.email_key == HER
    for change in (later, first, open_wish):
        again = address_change.cancel(session, address_change.cancel_token_of(change))
        assert again.outcome is ChangeOutcome.NO_EFFECT
    taken = address_change.confirm(session, address_change.token_of(open_wish))
    assert (taken.outcome, person.email_key) == (ChangeOutcome.NO_EFFECT, HER)


def test_taking_an_address_back_closes_every_door(session: Session, house: Cafe) -> None:
    person = cafe.subscribe(session, house, HER)
    change = _moved(session, person, "second@else.example")
    opened, unused = access_link.ask(session, person), access_link.ask(session, person)
    assert opened is not None
    assert unused is not None
    visit = access_link.use(session, access_link.token_of(opened))
    assert visit is not None
    assert access_link.visitor(session, visit) is person
    address_change.cancel(session, address_change.cancel_token_of(change))
    session.expire_all()
    assert access_link.visitor(session, visit) is None
    assert access_link.use(session, access_link.token_of(unused)) is None


def test_what_was_said_follows_to_the_new_address_and_back(session: Session, house: Cafe) -> None:
    person = cafe.subscribe(session, house, HER)
    change = _moved(session, person, "second@else.example")
    complaint.complain(session, person.id)
    address_change.cancel(session, address_change.cancel_token_of(change))
    for address in (HER, "second@else.example"):
        key = suppression.key_of(house.organisation.id, address)
        assert [row.scope for row in suppression.reasons(session, house.organisation.id, key)] == ["marketing"]

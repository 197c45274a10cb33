"""A burst of leaves from one provider: shown as a scanner's, and nobody is brought back by that."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy.orm import Session

from listkeeper.audience import subscription, unsubscribe
from listkeeper.audience.consent import Method
from listkeeper.audience.subscription import SubscriptionState
from listkeeper.feedback import leave_burst
from listkeeper.foundation import clock
from listkeeper.sending import incident
from listkeeper.sending.delivery import Delivery
from listkeeper.sending.incident import IncidentKind
from tests.makers import cafe
from tests.makers.cafe import Cafe
from tests.makers.came_back import Postman


@pytest.fixture
def house(session: Session) -> Cafe:
    return cafe.found(session)


def _letters(session: Session, house: Cafe, number: int, provider: str = "microsoft") -> list[Delivery]:
    letter = cafe.draft(session, house)
    found = []
    for place in range(number):
        person = cafe.subscribe(session, house, f"{provider}{place}.{letter.id}@guest.example")
        mail = Postman(session, house, person).letter()
        mail.provider, mail.campaign_id = provider, letter.id
        found.append(mail)
    session.flush()
    return found


def _leave(session: Session, mails: list[Delivery], method: Method = Method.ONE_CLICK) -> None:
    for mail in mails:
        assert mail.subscriber_id is not None
        assert mail.list_id is not None
        unsubscribe.leave(session, mail.subscriber_id, mail.list_id, method, mail.id)


def test_many_of_one_provider_in_a_minute_look_like_a_scanner_and_stay_away(
    session: Session, house: Cafe, frozen_clock: time_machine.Traveller
) -> None:
    mails = _letters(session, house, leave_burst.ENOUGH)
    frozen_clock.shift(timedelta(hours=1))
    _leave(session, mails)
    frozen_clock.shift(timedelta(seconds=30))
    [burst] = leave_burst.look(session, house.organisation)
    assert (burst.provider, burst.number, burst.of, burst.usual) == ("microsoft", 5, 5, 0.0)
    [told] = leave_burst.tell(session, house.organisation)
    assert told.kind is IncidentKind.LEAVE_BURST
    assert told.stops is False
    assert "looks like a scanner" in told.words
    assert told.facts is not None
    assert told.facts["number"] == leave_burst.ENOUGH
    # Told again it is the same incident, and everyone is where the press put them.
    assert leave_burst.tell(session, house.organisation) == [told]
    states = {
        found.state
        for mail in mails
        if (found := subscription.of(session, mail.subscriber_id or 0, house.mailing_list.id)) is not None
    }
    assert states == {SubscriptionState.UNSUBSCRIBED}
    frozen_clock.shift(timedelta(days=1, minutes=1))
    assert leave_burst.tell(session, house.organisation) == []
    assert incident.standing(session) == []


@pytest.mark.parametrize(
    ("each", "spread", "method"),
    [
        # Four are people.
        ([("microsoft", 4)], 0, Method.ONE_CLICK),
        # Of several providers.
        ([("microsoft", 4), ("gmail", 4)], 0, Method.ONE_CLICK),
        # Over ten minutes.
        ([("microsoft", 10)], 60, Method.ONE_CLICK),
        # Those were taken off by somebody, and pressed nothing.
        ([("microsoft", 10)], 0, Method.OPERATOR),
    ],
)
def test_people_who_leave_are_no_scanner(  # noqa: PLR0917 - the fixtures and a row of the table
    session: Session,
    house: Cafe,
    frozen_clock: time_machine.Traveller,
    each: list[tuple[str, int]],
    spread: int,
    method: Method,
) -> None:
    mails = [mail for provider, number in each for mail in _letters(session, house, number, provider)]
    frozen_clock.shift(timedelta(hours=1))
    for mail in mails:
        _leave(session, [mail], method)
        frozen_clock.shift(timedelta(seconds=spread))
    assert leave_burst.look(session, house.organisation) == []


@pytest.mark.parametrize(
    ("number", "of", "usual", "is_one"),
    [(5, 250, 0.0, True), (5, 251, 0.0, False), (40, 100, 10.0, False), (50, 100, 10.0, True), (4, 4, 0.0, False)],
)
def test_what_is_usual_there_or_few_of_many_is_no_burst(number: int, of: int, usual: float, is_one: bool) -> None:
    burst = leave_burst.Burst("gmail", 1, number, of, clock.now(), timedelta(seconds=50), usual)
    assert burst.looks_like_a_scanner is is_one

"""A few first: spread as all are, waited for, concluded from what came back, and never a green light by default."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Subscription
from listkeeper.campaigns import schedule
from listkeeper.campaigns.campaign import Campaign, CampaignState
from listkeeper.campaigns.schedule import Leaving
from listkeeper.deliverability.gate import Gate
from listkeeper.deliverability.reply_class import ReplyClass
from listkeeper.foundation import clock, outbox
from listkeeper.foundation.errors import Conflict, Invalid
from listkeeper.foundation.outbox import Lane
from listkeeper.sending import beginning, claim, delivery, outlook, pilot, planning, progress, steering
from listkeeper.sending.delivery import Delivery, DeliveryState
from listkeeper.sending.link_visit import Agent, LinkVisit
from listkeeper.sending.pilot import Pilot, PilotState
from tests.makers import cafe, multitude
from tests.makers.cafe import Cafe
from tests.unit.sending.test_batch import ME

S = DeliveryState
C = CampaignState
SITE = "https://mail.cafe.example"
TWO_HOURS = timedelta(hours=2)
_NOT_KNOWN = "how many came is not known: too few readers let it be seen."
# Six in ten at one provider, and every small domain alone.
DOMAINS = {"gmail.com": 600, "web.de": 300, "small.example": 40}


@pytest.fixture
def house(session: Session, frozen_clock: time_machine.Traveller) -> Cafe:
    """A café with a thousand people, at two large providers and many small ones."""
    made = cafe.found(session)
    multitude.gather(session, made, 1_000)
    domains = [domain for domain, count in DOMAINS.items() for _ in range(count)]
    for number, person in enumerate(session.scalars(select(Subscriber).order_by(Subscriber.id)).all()):
        person.email_key = f"person@{domains[number] if number < len(domains) else f'own-{number}.example'}"
        person.email_key = person.email_key.replace("person", f"person-{number}")
    session.commit()
    return made


def _send(session: Session, house: Cafe, test: Pilot | None, leaves: Leaving = schedule.AT_ONCE) -> Campaign:
    letter = cafe.draft(session, house)
    planning.send_campaign(session, house.organisation, letter, site=SITE, test=test, leaves=leaves)
    session.commit()
    return letter


def _settle(session: Session, count: int, state: DeliveryState = S.ACCEPTED, **values: object) -> None:
    """Let the next of the few come to this end."""
    query = select(Delivery).where(Delivery.state == S.QUEUED, Delivery.wave == 0).order_by(Delivery.id).limit(count)
    for row in session.scalars(query).all():
        row.state = state
        for name, value in values.items():
            setattr(row, name, value)
    session.commit()


def _look(session: Session, letter: Campaign) -> str | None:
    found = delivery.counts(session, letter.id)
    happened = steering.act(session, letter) if steering.calls(session, letter, found) else None
    session.commit()
    return happened


def _state(letter: Campaign) -> PilotState | None:
    test = pilot.of(letter)
    return test.state if test is not None else None


# Who gets it first


def test_the_few_are_spread_over_the_providers_as_all_are(session: Session, house: Cafe) -> None:
    letter = _send(session, house, pilot.plan(share=100, wait=TWO_HOURS))
    query = select(Subscriber.email_key).join(Delivery, Delivery.subscriber_id == Subscriber.id)
    first = list(session.scalars(query.where(Delivery.wave == 0)))
    counted = Counter(address.partition("@")[2] for address in first)
    assert len(first) == 100
    for domain, count in DOMAINS.items():
        assert abs(counted[domain] - count / 10) <= 1, domain
    assert sum(number for domain, number in counted.items() if domain not in DOMAINS) == 100 - sum(
        counted[domain] for domain in DOMAINS
    )
    # By chance, and not the oldest of each.
    numbers = [int(address.partition("@")[0].removeprefix("person-")) for address in first if "gmail.com" in address]
    assert max(numbers) - min(numbers) > 300
    assert (letter.waves_open, letter.recipients, _state(letter)) == (0, 1_000, PilotState.WAITING)


def test_only_they_leave_until_the_rest_is_released(session: Session, house: Cafe) -> None:
    letter = _send(session, house, pilot.plan(share=50, wait=TWO_HOURS))
    first = claim.lease(session, Lane.SENDING, ME, 1_000)
    assert len(first) == 50
    assert {session.get_one(Delivery, number).wave for number in first} == {0}
    assert not claim.anything_due(session, Lane.SENDING)
    session.commit()
    outbox.rung_lanes(session)
    steering.release(session, letter)
    assert outbox.rung_lanes(session) == {Lane.SENDING}
    assert (letter.waves_open, _state(letter)) == (1, PilotState.RELEASED)
    assert len(claim.lease(session, Lane.SENDING, ME, 1_000)) == 950
    with pytest.raises(Conflict):
        steering.release(session, letter)


@pytest.mark.parametrize(("share", "size"), [(1, 50), (50, 50), (51, 51), (500, 500)])
def test_at_least_fifty_get_it(session: Session, house: Cafe, share: int, size: int) -> None:
    letter = _send(session, house, pilot.plan(share=share, wait=TWO_HOURS))
    rows = list(session.scalars(select(Delivery.wave).where(Delivery.campaign_id == letter.id)))
    assert (rows.count(0), rows.count(1)) == (size, 1_000 - size)


def test_without_a_test_everybody_gets_it_at_once(session: Session, house: Cafe) -> None:
    letter = _send(session, house, None)
    assert (letter.waves_open, letter.pilot) == (1, None)
    assert len(claim.lease(session, Lane.SENDING, ME, 1_000)) == 1_000


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"share": 0}, "pilot_share"), ({"share": 501}, "pilot_share"),
        ({"wait": timedelta(seconds=1)}, "pilot_wait"), ({"wait": timedelta(days=4)}, "pilot_wait"),
        ({"clicks": 1_001}, "pilot_expects"), ({"bounces": -1}, "pilot_expects"),
        ({"by_itself": True}, "pilot_expects"),
    ],
)  # fmt: skip
def test_a_test_that_can_tell_nothing_is_refused(asked: dict[str, object], code: str) -> None:
    with pytest.raises(Invalid) as refused:
        pilot.plan(**({"share": 50, "wait": TWO_HOURS} | asked))  # type: ignore[arg-type]
    assert refused.value.code == code


def test_a_list_too_short_for_a_test_is_told_so() -> None:
    with pytest.raises(Invalid) as refused:
        pilot.size_of(pilot.plan(share=50, wait=TWO_HOURS), 99)
    assert refused.value.code == "pilot_too_small"
    assert "at least 100 people" in refused.value.message
    assert pilot.size_of(pilot.plan(share=50, wait=TWO_HOURS), 100) == 50


def test_a_test_may_be_ordered_for_later(session: Session, house: Cafe, frozen_clock: time_machine.Traveller) -> None:
    letter = _send(session, house, pilot.plan(share=50, wait=TWO_HOURS), Leaving(hold=timedelta(minutes=10)))
    assert (_state(letter), letter.waves_open) == (PilotState.PLANNED, 1)
    with pytest.raises(Conflict):
        steering.release(session, letter)
    # Another moment is chosen: the test stays.
    planning.send_campaign(
        session, house.organisation, letter, site=SITE, leaves=Leaving(at=clock.now() + timedelta(minutes=5))
    )
    session.commit()
    frozen_clock.shift(timedelta(minutes=5))
    assert beginning.begin_due(session, letter.id, site=SITE, practice=True, late=schedule.LATE, gate=Gate.HINT)
    session.commit()
    test = pilot.of(letter)
    assert test is not None
    assert (test.state, test.size, test.results_at) == (PilotState.WAITING, 50, clock.now() + TWO_HOURS)
    assert letter.waves_open == 0


def test_taken_back_it_has_no_test_any_more(session: Session, house: Cafe) -> None:
    letter = _send(session, house, pilot.plan(share=50, wait=TWO_HOURS), Leaving(hold=timedelta(minutes=10)))
    schedule.take_back(session, letter)
    session.commit()
    assert letter.pilot is None


# What comes back


def _tested(session: Session, house: Cafe, **asked: object) -> Campaign:
    return _send(session, house, pilot.plan(**({"share": 100, "wait": TWO_HOURS} | asked)))  # type: ignore[arg-type]


def test_nothing_is_concluded_before_the_time_is_over_and_enough_has_come_back(
    session: Session, house: Cafe, frozen_clock: time_machine.Traveller
) -> None:
    letter = _tested(session, house, bounces=10, by_itself=True)
    said = outlook.sentence(letter, progress.report(session, letter), "UTC")
    assert said.startswith("100 people get it first. The others wait for what comes back until this time: Monday")
    _settle(session, 79)
    assert _look(session, letter) is None
    frozen_clock.shift(TWO_HOURS)
    assert (_look(session, letter), _state(letter)) == (None, PilotState.WAITING)
    assert "wait until enough has come back." in outlook.sentence(letter, progress.report(session, letter), "UTC")
    _settle(session, 1)
    assert (_look(session, letter), _state(letter)) == ("campaign.released", PilotState.RELEASED)
    assert letter.waves_open == 1
    assert _look(session, letter) is None


def test_who_gets_it_late_is_waited_for_as_long(
    session: Session, house: Cafe, frozen_clock: time_machine.Traveller
) -> None:
    letter = _tested(session, house, bounces=10, by_itself=True)
    frozen_clock.shift(2 * TWO_HOURS)
    _settle(session, 100, handed_at=clock.now())
    due = clock.now() + TWO_HOURS
    assert (_look(session, letter), _state(letter), letter.waves_open) == (None, PilotState.WAITING, 0)
    test = pilot.of(letter)
    assert test is not None
    assert test.results_at == due
    frozen_clock.shift(TWO_HOURS)
    assert (_look(session, letter), _state(letter)) == ("campaign.released", PilotState.RELEASED)


@pytest.mark.parametrize(
    ("asked", "failed", "state", "said"),
    [
        ({"bounces": 20, "by_itself": True}, 2, PilotState.RELEASED, "at most 2% expected, 2% came."),
        ({"bounces": 20, "by_itself": True}, 3, PilotState.ASKS, "at most 2% expected, 3% came."),
        ({"bounces": 20}, 0, PilotState.ASKS, "at most 2% expected, 0% came."),
        ({"clicks": 30, "by_itself": True}, 0, PilotState.ASKS, f"at least 3% expected; {_NOT_KNOWN}"),
        ({}, 0, PilotState.ASKS, None),
    ],
)  # fmt: skip
def test_the_rest_goes_only_if_what_was_expected_came(
    session: Session,
    house: Cafe,
    frozen_clock: time_machine.Traveller,
    *,
    asked: dict[str, object],
    failed: int,
    state: PilotState,
    said: str | None,
) -> None:
    letter = _tested(session, house, **asked)
    _settle(session, failed, S.FAILED, reply_code=550, reply_class=ReplyClass.INVALID_ADDRESS)
    _settle(session, 100)
    frozen_clock.shift(TWO_HOURS)
    _look(session, letter)
    assert (_state(letter), letter.waves_open) == (state, int(state is PilotState.RELEASED))
    test = pilot.of(letter)
    assert test is not None
    assert [line.partition(": ")[2] for line in outlook.results_of(test)] == ([said] if said else [])
    if state is PilotState.ASKS:
        assert "the others wait for your word" in outlook.sentence(letter, progress.report(session, letter), "UTC")
        steering.release(session, letter)
        assert letter.waves_open == 1


def _let_be_seen(session: Session, count: int) -> list[Delivery]:
    """Let so many of those who got it agree that their clicks are seen; return their deliveries."""
    query = select(Delivery).where(Delivery.state == S.ACCEPTED).order_by(Delivery.id).limit(count)
    rows = list(session.scalars(query))
    people = [row.subscriber_id for row in rows]
    agreed = update(Subscription).where(Subscription.subscriber_id.in_(people)).values(tracking_since=clock.now())
    session.execute(agreed)
    return rows


@pytest.mark.parametrize(
    ("seen", "clicked", "measured"), [(60, 2, 33), (60, 1, 17), (50, 2, 40), (49, 49, None), (0, 0, None)]
)
def test_clicks_are_those_of_readers_who_let_them_be_seen(
    session: Session,
    house: Cafe,
    frozen_clock: time_machine.Traveller,
    *,
    seen: int,
    clicked: int,
    measured: int | None,
) -> None:
    letter = _tested(session, house, clicks=30, by_itself=True)
    _settle(session, 100)
    rows = _let_be_seen(session, seen)
    for row in rows[:clicked]:
        for agent in (Agent.BROWSER, Agent.BROWSER, Agent.PROGRAM):
            session.add(LinkVisit(link_id=1, delivery_id=row.id, agent=agent))
    # A scanner followed every link of somebody who did nothing; and somebody unseen came by.
    session.add(LinkVisit(link_id=1, delivery_id=rows[-1].id if rows else None, agent=Agent.PROGRAM))
    session.add(LinkVisit(link_id=1, delivery_id=None, agent=Agent.BROWSER))
    session.commit()
    frozen_clock.shift(TWO_HOURS)
    _look(session, letter)
    test = pilot.of(letter)
    assert test is not None
    assert [each.measured for each in test.results] == [measured]
    met = measured is not None and measured >= 30
    assert test.state is (PilotState.RELEASED if met else PilotState.ASKS)


def test_too_many_bad_addresses_among_the_few_stop_it_at_once(session: Session, house: Cafe) -> None:
    letter = _tested(session, house, bounces=10)
    _settle(session, 26, S.FAILED, reply_code=550, reply_class=ReplyClass.INVALID_ADDRESS)
    assert _look(session, letter) == "campaign.paused"
    assert (letter.state, _state(letter), letter.waves_open) == (C.PAUSED, PilotState.STOPPED, 0)
    # Gone on with, the few go on, and the others still wait.
    steering.resume(session, letter)
    assert (letter.state, _state(letter), letter.waves_open) == (C.SENDING, PilotState.WAITING, 0)
    steering.pause(session, letter)
    steering.release(session, letter)
    session.flush()
    assert (letter.state, letter.waves_open) == (C.SENDING, 1)


@pytest.mark.parametrize(("put_off", "happened"), [(19, "campaign.pilot_asked"), (20, "campaign.paused")])
def test_too_many_who_say_not_now_stop_it_when_the_time_is_over(
    session: Session, house: Cafe, frozen_clock: time_machine.Traveller, put_off: int, happened: str
) -> None:
    letter = _tested(session, house)
    _settle(session, put_off, S.DEFERRED, provider="gmail")
    _settle(session, 100)
    assert _look(session, letter) is None
    frozen_clock.shift(TWO_HOURS)
    assert _look(session, letter) == happened
    if happened == "campaign.paused":
        assert letter.halted is not None
        assert (letter.halted["code"], letter.halted["number"], letter.halted["of"]) == ("deferred", 20, 100)
        steering.resume(session, letter)
        session.commit()
        assert _look(session, letter) == "campaign.pilot_asked"


def test_what_is_stored_comes_back_as_it_was(session: Session, house: Cafe) -> None:
    letter = _tested(session, house, clicks=30, bounces=10, by_itself=True)
    test = pilot.of(letter)
    assert test is not None
    assert Pilot.of(test.as_json()) == test
    assert progress.told(letter, progress.report(session, letter))["pilot"] == test.as_json()

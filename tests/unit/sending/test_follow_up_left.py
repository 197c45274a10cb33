"""Who left, or whose permission ended, and came back since: the old line is over for her, and nothing of it leaves."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy.orm import Session

from listkeeper.audience import complaint, lifecycle, subscription, undeliverable, unsubscribe
from listkeeper.audience.consent import Method
from listkeeper.audience.segments import segment
from listkeeper.audience.subscriber import Subscriber
from listkeeper.campaigns.follow_up import FollowUp, Start, Stops, Trigger, stop_when
from listkeeper.campaigns.follow_up_step import StepKind
from listkeeper.foundation import clock
from listkeeper.sending.delivery import DeliveryState
from listkeeper.sending.following import follow_up_entry, follow_up_settling
from listkeeper.sending.following.follow_up_run import RunState, StopWhy
from tests.makers import cafe, follow_ups
from tests.makers.cafe import Cafe

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
HER = "freja@guest.example"
ORDER = Start(Trigger.EVENT, event_name="order")
Clock = time_machine.Traveller
Goes = Callable[[Session, Cafe, Subscriber], object]


@pytest.fixture
def freja(session: Session, house: Cafe, frozen_clock: Clock) -> Subscriber:
    """Somebody who has just said yes."""
    return cafe.subscribe(session, house, HER)


def _leaves(session: Session, house: Cafe, person: Subscriber) -> None:
    unsubscribe.leave(session, person.id, house.mailing_list.id, Method.ONE_CLICK)


def _complains(session: Session, _house: Cafe, person: Subscriber) -> None:
    complaint.complain(session, person.id)


def _objects(session: Session, _house: Cafe, person: Subscriber) -> None:
    complaint.object_to_marketing(session, person.id, method=Method.MAIL)


def _bounces(session: Session, _house: Cafe, person: Subscriber) -> None:
    undeliverable.hold(session, person.id, actor="feedback:dsn")


def _lapses(session: Session, house: Cafe, person: Subscriber) -> None:
    held = subscription.of(session, person.id, house.mailing_list.id)
    assert held is not None
    held.first_use_deadline = clock.now()
    session.flush()
    assert lifecycle.end_due(session) == 1


GOES: dict[Goes, StopWhy] = {
    _leaves: StopWhy.LEFT,
    _objects: StopWhy.LEFT,
    _complains: StopWhy.COMPLAINED,
    _bounces: StopWhy.BOUNCED,
    _lapses: StopWhy.CONSENT_OVER,
}


def _sets_out(session: Session, house: Cafe, person: Subscriber, trigger: Trigger) -> FollowUp:
    turns = ((StepKind.LETTER, 2), (StepKind.LETTER, 3))
    if trigger is Trigger.SEGMENT:
        all_of_them = segment.create(session, house.organisation, house.mailing_list, "All", "joined within 9 days")
        start = Start(trigger, segment_id=all_of_them.id)
        made = follow_ups.line(session, house, turns, start=start)
        for run in follow_ups.runs(session, made):
            session.delete(run)
        follow_up_entry.look(session, made, practice=False)
        return made
    made = follow_ups.line(session, house, turns, start=ORDER if trigger is Trigger.EVENT else None)
    if trigger is Trigger.EVENT:
        follow_ups.buys(session, person, "A1")
    else:
        follow_ups.says_yes(session, person)
    return made


@pytest.mark.parametrize("goes", list(GOES))
@pytest.mark.parametrize("trigger", [Trigger.SAID_YES, Trigger.EVENT, Trigger.SEGMENT])
def test_who_comes_back_does_not_go_on_where_she_stood(  # noqa: PLR0917 - one case each
    session: Session, house: Cafe, freja: Subscriber, frozen_clock: Clock, trigger: Trigger, goes: Goes
) -> None:
    made = _sets_out(session, house, freja, trigger)
    stop_when(made, Stops(on_reply=False))
    frozen_clock.shift(DAY)
    goes(session, house, freja)
    frozen_clock.shift(MINUTE)
    cafe.subscribe(session, house, HER)
    frozen_clock.shift(DAY)
    follow_ups.look(session, made)
    assert follow_ups.mails(session, made) == []
    (run,) = follow_ups.runs(session, made)
    assert (run.state, run.why) == (RunState.STOPPED, GOES[goes])


@pytest.mark.parametrize("goes", list(GOES))
def test_what_waited_for_the_morning_does_not_leave_when_she_has_come_back(
    session: Session, house: Cafe, freja: Subscriber, frozen_clock: Clock, goes: Goes
) -> None:
    made = _sets_out(session, house, freja, Trigger.SAID_YES)
    frozen_clock.shift(2 * DAY)
    follow_ups.look(session, made)
    goes(session, house, freja)
    frozen_clock.shift(MINUTE)
    cafe.subscribe(session, house, HER)
    assert follow_up_settling.call_back(session, made) == 1
    (row,), (run,) = follow_ups.mails(session, made), follow_ups.runs(session, made)
    session.refresh(row)
    assert (row.state, run.state, run.why) == (DeliveryState.CANCELLED, RunState.STOPPED, GOES[goes])


@pytest.mark.parametrize("trigger", [Trigger.SAID_YES, Trigger.EVENT, Trigger.SEGMENT])
def test_who_stays_goes_on(
    session: Session, house: Cafe, freja: Subscriber, frozen_clock: Clock, trigger: Trigger
) -> None:
    """What happened before she set out is no leaving of hers since."""
    _leaves(session, house, freja)
    frozen_clock.shift(MINUTE)
    cafe.subscribe(session, house, HER)
    made = _sets_out(session, house, freja, trigger)
    frozen_clock.shift(2 * DAY)
    follow_ups.look(session, made)
    assert len(follow_ups.mails(session, made)) == 1


def test_an_order_from_just_before_her_yes_is_still_followed(
    session: Session, house: Cafe, freja: Subscriber, frozen_clock: Clock
) -> None:
    made = follow_ups.line(session, house, ((StepKind.LETTER, 2),), start=ORDER)
    follow_ups.buys(session, freja, "A1", at=clock.now() - MINUTE)
    frozen_clock.shift(2 * DAY)
    follow_ups.look(session, made)
    assert len(follow_ups.mails(session, made)) == 1

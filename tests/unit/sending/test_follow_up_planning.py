"""Along a line: waits count from the hand-over, no step comes twice, and what stops somebody stops her."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from listkeeper.audience import activity, unsubscribe
from listkeeper.audience.activity import Act, ActivityKind
from listkeeper.audience.consent import Method
from listkeeper.audience.handover import MessageClass, RefusalCode
from listkeeper.audience.subscriber import Subscriber
from listkeeper.campaigns import follow_up, follow_up_step
from listkeeper.campaigns.follow_up import FollowUpState, Start, Stops, Trigger
from listkeeper.campaigns.follow_up_step import StepKind, Turn
from listkeeper.foundation.errors import Conflict
from listkeeper.foundation.outbox import Lane
from listkeeper.sending import restoring
from listkeeper.sending.delivery import Delivery, DeliveryState
from listkeeper.sending.following import follow_up_planning, follow_up_steering
from listkeeper.sending.following.follow_up_run import ActKind, FollowUpAct, Reason, RunState, StopWhy
from tests.makers import cafe, follow_ups
from tests.makers.cafe import Cafe

DAY = timedelta(days=1)
ORDER = Start(Trigger.EVENT, event_name="order", again_after_days=30)


Clock = time_machine.Traveller


def test_a_step_is_a_delivery_like_any_other(
    session: Session, house: Cafe, freja: Subscriber, frozen_clock: Clock
) -> None:
    made = follow_ups.line(session, house)
    follow_ups.says_yes(session, freja)
    assert follow_ups.look(session, made) == 0
    frozen_clock.shift(2 * DAY)
    assert follow_ups.look(session, made) == 1
    (row,) = follow_ups.mails(session, made)
    step = follow_ups.steps(session, made)[0]
    assert (row.message_class, row.lane, row.state) == (MessageClass.MARKETING, Lane.SENDING, DeliveryState.QUEUED)
    assert (row.campaign_id, row.revision_id, row.subscriber_id) == (step.campaign_id, step.revision_id, freja.id)
    assert row.list_id == house.mailing_list.id


def test_the_wait_counts_from_when_the_step_before_was_really_handed_over(
    session: Session, house: Cafe, freja: Subscriber, frozen_clock: Clock
) -> None:
    made = follow_ups.line(session, house)
    follow_ups.says_yes(session, freja)
    frozen_clock.shift(2 * DAY)
    follow_ups.look(session, made)
    # It waits for a day and a half before a server takes it.
    frozen_clock.shift(1.5 * DAY)
    assert follow_ups.look(session, made) == 0
    follow_ups.hand_over(session)
    frozen_clock.shift(3 * DAY - timedelta(minutes=1))
    assert follow_ups.look(session, made) == 0
    frozen_clock.shift(timedelta(minutes=1))
    assert follow_ups.look(session, made) == 1
    follow_ups.hand_over(session)
    follow_ups.look(session, made)
    (run,) = follow_ups.runs(session, made)
    assert (run.state, len(follow_ups.mails(session, made))) == (RunState.FINISHED, 2)


def test_planned_twice_nobody_gets_a_step_twice(
    session: Session, house: Cafe, freja: Subscriber, frozen_clock: Clock
) -> None:
    made = follow_ups.line(session, house)
    follow_ups.says_yes(session, freja)
    follow_ups.says_yes(session, freja)
    frozen_clock.shift(2 * DAY)
    for _ in range(3):
        follow_ups.look(session, made)
    assert len(follow_ups.runs(session, made)) == len(follow_ups.mails(session, made)) == 1
    act = session.scalars(select(FollowUpAct)).one()
    again = FollowUpAct(run_id=act.run_id, step_id=act.step_id, subscriber_id=act.subscriber_id, kind=ActKind.SKIPPED)
    session.add(again)
    with pytest.raises(IntegrityError):
        session.flush()


def test_an_event_begins_it_once_and_again_after_its_distance(
    session: Session, house: Cafe, freja: Subscriber, frozen_clock: Clock
) -> None:
    made = follow_ups.line(session, house, ((StepKind.HOW_IS_IT_GOING, 5),), start=ORDER)
    assert follow_ups.buys(session, freja, "A1") == 1
    frozen_clock.shift(5 * DAY)
    follow_ups.look(session, made)
    follow_ups.hand_over(session)
    follow_ups.look(session, made)
    assert follow_ups.buys(session, freja, "A2") == 0
    frozen_clock.shift(26 * DAY)
    assert follow_ups.buys(session, freja, "A3") == 1
    frozen_clock.shift(5 * DAY)
    follow_ups.look(session, made)
    rows = follow_ups.mails(session, made)
    assert [(row.subscriber_id, row.round) for row in rows] == [(freja.id, 0), (freja.id, 1)]


@pytest.mark.parametrize("name", ["visit", "orders"])
def test_another_event_begins_nothing(session: Session, house: Cafe, freja: Subscriber, name: str) -> None:
    follow_ups.line(session, house, ((StepKind.HOW_IS_IT_GOING, 5),), start=ORDER)
    assert follow_ups.buys(session, freja, "A1", name) == 0


def test_what_a_shop_tells_months_later_is_history(session: Session, house: Cafe, freja: Subscriber) -> None:
    follow_ups.line(session, house, ((StepKind.HOW_IS_IT_GOING, 5),), start=ORDER)
    long_ago = datetime.now(UTC) - 60 * DAY
    assert follow_ups.buys(session, freja, "A1", at=long_ago) == 0


def test_who_left_goes_no_further(session: Session, house: Cafe, freja: Subscriber, frozen_clock: Clock) -> None:
    made = follow_ups.line(session, house)
    follow_ups.says_yes(session, freja)
    unsubscribe.leave(session, freja.id, house.mailing_list.id, Method.ONE_CLICK)
    frozen_clock.shift(2 * DAY)
    follow_ups.look(session, made)
    (run,) = follow_ups.runs(session, made)
    assert (run.state, run.why, follow_ups.mails(session, made)) == (RunState.STOPPED, StopWhy.LEFT, [])


@pytest.mark.parametrize(
    ("kind", "stops", "why"),
    [
        (ActivityKind.REPLIED, Stops(on_reply=True), StopWhy.REPLIED),
        (ActivityKind.CLICKED, Stops(on_click=True), StopWhy.CLICKED),
        (ActivityKind.CLICKED, Stops(on_click=False), None),
        (ActivityKind.REPLIED, Stops(on_reply=False), None),
    ],
)
def test_the_stop_rules_stop_and_no_others(  # noqa: PLR0917 - one case each
    session: Session, house: Cafe, freja: Subscriber, frozen_clock: Clock, kind: ActivityKind, stops: Stops,
    why: StopWhy | None,
) -> None:  # fmt: skip
    made = follow_ups.line(session, house)
    follow_up.stop_when(made, stops)
    follow_ups.says_yes(session, freja)
    frozen_clock.shift(DAY)
    activity.note(session, [Act(freja.id, house.mailing_list.id, kind, datetime.now(UTC))])
    frozen_clock.shift(DAY)
    follow_ups.look(session, made)
    assert follow_ups.runs(session, made)[0].why is why
    assert len(follow_ups.mails(session, made)) == (0 if why else 1)


def test_who_bought_meanwhile_gets_no_more(
    session: Session, house: Cafe, freja: Subscriber, frozen_clock: Clock
) -> None:
    made = follow_ups.line(session, house)
    follow_up.stop_when(made, Stops(event="Order"))
    follow_ups.says_yes(session, freja)
    frozen_clock.shift(DAY)
    follow_ups.buys(session, freja, "A1")
    frozen_clock.shift(DAY)
    follow_ups.look(session, made)
    assert follow_ups.runs(session, made)[0].why is StopWhy.EVENT


def test_what_the_gate_refused_is_passed_over_and_who_is_gone_stops(
    session: Session, house: Cafe, freja: Subscriber, frozen_clock: Clock
) -> None:
    made = follow_ups.line(session, house)
    karl = cafe.subscribe(session, house, "karl@guest.example")
    for person in (freja, karl):
        follow_ups.says_yes(session, person)
    frozen_clock.shift(2 * DAY)
    follow_ups.look(session, made)
    codes = {freja.id: RefusalCode.SNOOZED, karl.id: RefusalCode.WITHDRAWN}
    for row in follow_ups.mails(session, made):
        row.state, row.settled_at = DeliveryState.REFUSED, datetime.now(UTC)
        row.refusal_code = codes[row.subscriber_id or 0]
    session.flush()
    follow_ups.look(session, made)
    states = {run.subscriber_id: (run.state, run.why) for run in follow_ups.runs(session, made)}
    assert states == {freja.id: (RunState.RUNNING, None), karl.id: (RunState.STOPPED, StopWhy.LEFT)}


def test_paused_it_stands_still_and_off_it_ends(
    session: Session, house: Cafe, freja: Subscriber, frozen_clock: Clock
) -> None:
    made = follow_ups.line(session, house)
    follow_ups.says_yes(session, freja)
    follow_up_steering.pause(session, made)
    frozen_clock.shift(2 * DAY)
    assert follow_ups.look(session, made) == 0
    follow_ups.switch_on(session, house, made)
    # She stood still for two days, and waits for as long as she would have waited.
    assert follow_ups.look(session, made) == 0
    frozen_clock.shift(2 * DAY)
    assert follow_ups.look(session, made) == 1
    assert follow_up_steering.switch_off(session, made) == 1
    (run,), (row,) = follow_ups.runs(session, made), follow_ups.mails(session, made)
    session.refresh(row)
    assert (run.why, row.state) == (StopWhy.SWITCHED_OFF, DeliveryState.CANCELLED)


def test_a_line_that_is_on_is_not_changed_under_anybodys_feet(session: Session, house: Cafe) -> None:
    made = follow_ups.line(session, house)
    step = follow_ups.steps(session, made)[0]
    with pytest.raises(Conflict):
        follow_up_step.remove(session, step)
    with pytest.raises(Conflict):
        follow_up_step.change(session, step, Turn(1))
    with pytest.raises(Conflict):
        follow_up_step.shift(session, step, up=False)


def test_after_another_order_nobody_gets_a_step_twice(
    session: Session, house: Cafe, freja: Subscriber, frozen_clock: Clock
) -> None:
    made = follow_ups.line(session, house)
    follow_ups.says_yes(session, freja)
    frozen_clock.shift(2 * DAY)
    follow_ups.look(session, made)
    follow_ups.hand_over(session)
    follow_ups.look(session, made)
    follow_up_steering.pause(session, made)
    follow_up_step.shift(session, follow_ups.steps(session, made)[0], up=False)
    follow_ups.switch_on(session, house, made)
    frozen_clock.shift(3 * DAY)
    for _ in range(3):
        follow_ups.look(session, made)
        follow_ups.hand_over(session)
        frozen_clock.shift(5 * DAY)
    assert len(follow_ups.mails(session, made)) == 2
    assert follow_ups.runs(session, made)[0].state is RunState.FINISHED


def test_a_step_that_was_taken_out_is_passed_over(
    session: Session, house: Cafe, freja: Subscriber, frozen_clock: Clock
) -> None:
    made = follow_ups.line(session, house)
    follow_ups.says_yes(session, freja)
    follow_up_steering.pause(session, made)
    follow_up_step.remove(session, follow_ups.steps(session, made)[0])
    follow_ups.switch_on(session, house, made)
    frozen_clock.shift(2 * DAY)
    follow_ups.look(session, made)
    frozen_clock.shift(3 * DAY)
    follow_ups.look(session, made)
    (row,) = follow_ups.mails(session, made)
    assert row.campaign_id == follow_ups.steps(session, made)[0].campaign_id


def test_two_lines_do_not_reach_somebody_at_once(
    session: Session, house: Cafe, freja: Subscriber, frozen_clock: Clock
) -> None:
    first, second = (follow_ups.line(session, house, ((StepKind.LETTER, 2),)) for _ in range(2))
    follow_ups.says_yes(session, freja)
    frozen_clock.shift(2 * DAY)
    for made in (first, second):
        follow_ups.look(session, made)
    assert [len(follow_ups.mails(session, made)) for made in (first, second)] == [1, 0]
    assert [(act.kind, act.why) for act in follow_ups.acts(session)][1:] == [(ActKind.POSTPONED, Reason.ANOTHER)]
    follow_ups.hand_over(session)
    frozen_clock.shift(timedelta(hours=12, minutes=1))
    follow_ups.look(session, second)
    assert len(follow_ups.mails(session, second)) == 1


def test_a_line_that_is_paused_holds_back_no_other(
    session: Session, house: Cafe, freja: Subscriber, frozen_clock: Clock
) -> None:
    first, second = (follow_ups.line(session, house, ((StepKind.LETTER, 2),)) for _ in range(2))
    follow_ups.says_yes(session, freja)
    frozen_clock.shift(2 * DAY)
    follow_ups.look(session, first)
    follow_up_steering.pause(session, first)
    follow_ups.look(session, second)
    assert len(follow_ups.mails(session, second)) == 1


def test_what_another_letter_keeps_away_for_more_than_a_week_is_left_out_and_said_so(
    session: Session, house: Cafe, freja: Subscriber, frozen_clock: Clock
) -> None:
    first, second = (follow_ups.line(session, house, ((StepKind.LETTER, 2),)) for _ in range(2))
    follow_ups.says_yes(session, freja)
    frozen_clock.shift(2 * DAY)
    follow_ups.look(session, first)
    # Receivers put the first one off, for days.
    for _ in range(16):
        follow_ups.look(session, second)
        frozen_clock.shift(timedelta(hours=12, minutes=1))
    assert follow_ups.mails(session, second) == []
    told = [(act.kind, act.why) for act in follow_ups.acts(session)][1:]
    assert told[-1] == (ActKind.SKIPPED, Reason.ANOTHER)
    assert set(told[:-1]) == {(ActKind.POSTPONED, Reason.ANOTHER)}
    assert follow_ups.runs(session, second)[0].state is RunState.FINISHED


def test_a_closed_list_ends_what_runs_on_it(session: Session, house: Cafe, freja: Subscriber) -> None:
    from listkeeper.audience import mailing_list  # noqa: PLC0415

    made = follow_ups.line(session, house)
    follow_ups.says_yes(session, freja)
    mailing_list.archive(house.mailing_list)
    session.flush()
    assert follow_up_steering.close_those_of_closed_lists(session) == 1
    session.refresh(made)
    assert (made.state, follow_ups.runs(session, made)[0].why) == (FollowUpState.DRAFT, StopWhy.LIST_CLOSED)
    with pytest.raises(Conflict):
        follow_ups.switch_on(session, house, made)


def test_a_copy_that_was_put_back_sends_nothing_again(
    session: Session, house: Cafe, freja: Subscriber, frozen_clock: Clock
) -> None:
    made = follow_ups.line(session, house)
    follow_ups.says_yes(session, freja)
    frozen_clock.shift(DAY)
    karl = cafe.subscribe(session, house, "karl@guest.example")
    follow_ups.says_yes(session, karl)
    frozen_clock.shift(DAY)
    # Freja's step waits to leave, Karl's is not due yet.
    assert follow_ups.look(session, made) == 1
    assert restoring.hold_what_waited(session) == 1
    (row,) = follow_ups.mails(session, made)
    session.refresh(row)
    # It may have left since the copy was made: nobody says that it stayed home.
    assert (row.state, row.subscriber_id) == (DeliveryState.IN_DOUBT, freja.id)
    assert (made.state, made.halted) == (FollowUpState.PAUSED, {"code": "restored"})
    frozen_clock.shift(9 * DAY)
    follow_ups.switch_on(session, house, made)
    follow_ups.look(session, made)
    assert len(follow_ups.mails(session, made)) == 1
    assert {run.why for run in follow_ups.runs(session, made)} == {StopWhy.RESTORED}


def test_a_step_without_chosen_words_is_left_out_and_said_so(
    session: Session, house: Cafe, freja: Subscriber, frozen_clock: Clock
) -> None:
    made = follow_ups.line(session, house)
    follow_ups.says_yes(session, freja)
    step = follow_ups.steps(session, made)[0]
    step.revision_id = step.chosen = None
    session.flush()
    frozen_clock.shift(2 * DAY)
    follow_ups.look(session, made)
    assert [(act.kind, act.why) for act in follow_ups.acts(session)] == [(ActKind.SKIPPED, Reason.NO_WORDS)]
    assert session.scalars(select(Delivery).where(Delivery.campaign_id.is_not(None))).all() == []


def test_a_batch_takes_no_more_than_it_is_told(session: Session, house: Cafe, frozen_clock: Clock) -> None:
    made = follow_ups.line(session, house)
    for number in range(3):
        follow_ups.says_yes(session, cafe.subscribe(session, house, f"guest-{number}@guest.example"))
    frozen_clock.shift(2 * DAY)
    assert follow_up_planning.plan(session, made, site=follow_ups.SITE, most=2) == 2
    assert follow_up_planning.plan(session, made, site=follow_ups.SITE, most=2) == 1

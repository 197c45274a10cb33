"""A line that is changed while people stand on it: what was planned goes with the change, and nobody is forgotten."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import update
from sqlalchemy.orm import Session

from listkeeper.audience.segments import segment
from listkeeper.audience.subscriber import Subscriber
from listkeeper.campaigns import campaign as campaigns
from listkeeper.campaigns import follow_up, follow_up_step
from listkeeper.campaigns.follow_up import FollowUp, Start, Trigger
from listkeeper.campaigns.follow_up_step import FollowUpStep, StepKind
from listkeeper.campaigns.revision import Draft
from listkeeper.foundation.outbox import Lane
from listkeeper.sending import batch, claim
from listkeeper.sending.delivery import Delivery, DeliveryState
from listkeeper.sending.following import follow_up_entry, follow_up_steering
from listkeeper.sending.following.follow_up_run import ActKind, Reason, RunState, StopWhy
from tests.makers import cafe, follow_ups
from tests.makers.cafe import Cafe

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
ME = "here:1:1"
S = DeliveryState
Clock = time_machine.Traveller


@pytest.fixture
def planned(session: Session, house: Cafe, freja: Subscriber, frozen_clock: Clock) -> FollowUp:
    """A line whose first step waits to leave."""
    made = follow_ups.line(session, house)
    follow_ups.says_yes(session, freja)
    frozen_clock.shift(2 * DAY)
    follow_ups.look(session, made)
    return made


def _stands(session: Session, made: FollowUp, state: DeliveryState) -> Delivery:
    """Bring the mail that waits to one of the ways of waiting."""
    (row,) = follow_ups.mails(session, made)
    held = {S.LEASED: ME, S.HANDED: ME}.get(state)
    handed = datetime.now(UTC) if state in {S.DEFERRED, S.HANDED} else None
    session.execute(
        update(Delivery).where(Delivery.id == row.id).values(state=state, worker=held, handed_at=handed),
        execution_options={"synchronize_session": False},
    )
    session.expire_all()
    return row


# Taken out, and words corrected


@pytest.mark.parametrize("state", [S.QUEUED, S.DEFERRED, S.LEASED])
def test_what_waits_of_a_step_that_is_taken_out_stays_home(
    session: Session, house: Cafe, planned: FollowUp, frozen_clock: Clock, state: DeliveryState
) -> None:
    row = _stands(session, planned, state)
    follow_up_steering.pause(session, planned)
    follow_up_steering.take_out(session, follow_ups.steps(session, planned)[0])
    session.refresh(row)
    assert (row.state, row.worker) == (S.CANCELLED, None)
    follow_ups.switch_on(session, house, planned)
    assert claim.lease(session, Lane.SENDING, ME, 32) == []
    follow_ups.look(session, planned)
    frozen_clock.shift(3 * DAY)
    assert follow_ups.look(session, planned) == 1
    assert [mail.state for mail in follow_ups.mails(session, planned)] == [S.CANCELLED, S.QUEUED]


def test_what_comes_back_of_a_step_that_is_taken_out_waits_for_nothing(session: Session, planned: FollowUp) -> None:
    row = _stands(session, planned, S.HANDED)
    follow_up_steering.pause(session, planned)
    step = follow_ups.steps(session, planned)[0]
    follow_up_steering.take_out(session, step)
    # Its grant grew old before the hand-over had begun.
    batch.record(session, {row.id: None}, worker=ME)
    session.flush()
    session.refresh(row)
    assert row.state is S.CANCELLED


def _correct(session: Session, house: Cafe, step: FollowUpStep) -> int:
    new = Draft("A note", "From the oven", "The oven is cold today.")
    campaigns.write(session, step.campaign, new, base=step.campaign.version)
    follow_up_steering.let_words_go(session, house.organisation, step, site=follow_ups.SITE)
    return step.revision_id or 0


@pytest.mark.parametrize("paused", [True, False])
@pytest.mark.parametrize("state", [S.QUEUED, S.LEASED])
def test_corrected_words_are_those_that_leave(
    session: Session, house: Cafe, planned: FollowUp, state: DeliveryState, *, paused: bool
) -> None:
    row = _stands(session, planned, state)
    if paused:
        follow_up_steering.pause(session, planned)
    number = _correct(session, house, follow_ups.steps(session, planned)[0])
    session.refresh(row)
    # A worker that has prepared the words of before has it no more.
    assert (row.revision_id, row.state, row.worker) == (number, S.QUEUED, None)


@pytest.mark.parametrize("state", [S.DEFERRED, S.HANDED, S.ACCEPTED])
def test_what_may_have_left_keeps_the_words_it_left_with(
    session: Session, house: Cafe, planned: FollowUp, state: DeliveryState
) -> None:
    row = _stands(session, planned, state)
    session.execute(update(Delivery).where(Delivery.id == row.id).values(handed_at=datetime.now(UTC)))
    before = row.revision_id
    assert _correct(session, house, follow_ups.steps(session, planned)[0]) != before
    session.refresh(row)
    assert (row.revision_id, row.state) == (before, state)


def test_switched_on_again_with_newer_words_the_old_ones_do_not_leave(
    session: Session, house: Cafe, planned: FollowUp
) -> None:
    step = follow_ups.steps(session, planned)[0]
    follow_up_steering.pause(session, planned)
    new = Draft("A note", "From the oven", "The oven is cold today.")
    campaigns.write(session, step.campaign, new, base=step.campaign.version)
    follow_ups.switch_on(session, house, planned)
    (row,) = follow_ups.mails(session, planned)
    assert row.revision_id == step.revision_id == campaigns.newest(session, step.campaign).id


# Off


@pytest.mark.parametrize("state", [S.QUEUED, S.DEFERRED, S.LEASED])
def test_switched_off_and_on_nothing_of_before_leaves(
    session: Session, house: Cafe, planned: FollowUp, state: DeliveryState
) -> None:
    row = _stands(session, planned, state)
    follow_up_steering.switch_off(session, planned)
    session.refresh(row)
    assert (row.state, row.worker) == (S.CANCELLED, None)
    follow_ups.switch_on(session, house, planned)
    assert claim.lease(session, Lane.SENDING, ME, 32) == []


def test_what_comes_back_of_a_line_that_is_off_waits_for_nothing(session: Session, planned: FollowUp) -> None:
    row = _stands(session, planned, S.HANDED)
    follow_up_steering.switch_off(session, planned)
    batch.record(session, {row.id: None}, worker=ME)
    session.flush()
    session.refresh(row)
    assert row.state is S.CANCELLED


def test_what_comes_back_of_a_line_that_is_paused_waits(session: Session, planned: FollowUp) -> None:
    row = _stands(session, planned, S.HANDED)
    follow_up_steering.pause(session, planned)
    batch.record(session, {row.id: None}, worker=ME)
    session.flush()
    session.refresh(row)
    assert row.state is S.QUEUED


# Another order


def test_a_step_that_comes_before_where_somebody_stands_is_not_lost(
    session: Session, house: Cafe, freja: Subscriber, frozen_clock: Clock
) -> None:
    made = follow_ups.line(session, house)
    follow_ups.says_yes(session, freja)
    follow_up_steering.pause(session, made)
    first, second = follow_ups.steps(session, made)
    follow_up_step.shift(session, first, up=False)
    follow_ups.switch_on(session, house, made)
    for _ in range(3):
        frozen_clock.shift(4 * DAY)
        follow_ups.look(session, made)
        follow_ups.hand_over(session)
        follow_ups.look(session, made)
    assert [row.campaign_id for row in follow_ups.mails(session, made)] == [first.campaign_id, second.campaign_id]
    assert follow_ups.runs(session, made)[0].state is RunState.FINISHED


# Another beginning


def _segment(session: Session, house: Cafe, language: str) -> int:
    return segment.create(
        session, house.organisation, house.mailing_list, f"In {language}", f"language is {language}"
    ).id  # fmt: skip


def _speaks(session: Session, house: Cafe, name: str, language: str) -> Subscriber:
    person = cafe.subscribe(session, house, f"{name}@guest.example")
    person.language = language
    session.flush()
    return person


def _begins(session: Session, house: Cafe, language: str) -> Start:
    return Start(Trigger.SEGMENT, segment_id=_segment(session, house, language))


@pytest.mark.parametrize("first", [None, "da"])
def test_begun_with_another_segment_whoever_is_in_it_by_then_sets_out_never(
    session: Session, house: Cafe, first: str | None
) -> None:
    made = follow_ups.line(session, house, start=_begins(session, house, first) if first else None)
    for number in range(3):
        _speaks(session, house, f"guest-{number}", "pl")
    follow_up_steering.pause(session, made)
    follow_up.begin_with(made, _begins(session, house, "pl"))
    follow_ups.switch_on(session, house, made)
    assert follow_up_entry.look(session, made, practice=False) == 0
    _speaks(session, house, "ola", "pl")
    assert follow_up_entry.look(session, made, practice=False) == 1


def test_who_came_by_one_segment_or_was_there_sets_out_for_another_too(
    session: Session, house: Cafe, frozen_clock: Clock
) -> None:
    there = _speaks(session, house, "there", "da")
    made = follow_ups.line(session, house, ((StepKind.LETTER, 2),), start=_begins(session, house, "da"))
    walked = _speaks(session, house, "walked", "da")
    follow_up_entry.look(session, made, practice=False)
    frozen_clock.shift(2 * DAY)
    follow_ups.look(session, made)
    follow_ups.hand_over(session)
    follow_ups.look(session, made)
    follow_up_steering.pause(session, made)
    follow_up.begin_with(made, _begins(session, house, "pl"))
    follow_ups.switch_on(session, house, made)
    for person in (there, walked):
        person.language = "pl"
    session.flush()
    assert follow_up_entry.look(session, made, practice=False) == 2
    assert follow_up_entry.look(session, made, practice=False) == 0


def test_who_is_still_on_the_line_does_not_walk_along_it_twice_at_once(
    session: Session, house: Cafe, frozen_clock: Clock
) -> None:
    made = follow_ups.line(session, house, ((StepKind.LETTER, 2),), start=_begins(session, house, "da"))
    walks = _speaks(session, house, "walks", "da")
    follow_up_entry.look(session, made, practice=False)
    follow_up_steering.pause(session, made)
    follow_up.begin_with(made, _begins(session, house, "pl"))
    follow_ups.switch_on(session, house, made)
    walks.language = "pl"
    session.flush()
    assert follow_up_entry.look(session, made, practice=False) == 0
    frozen_clock.shift(2 * DAY)
    follow_ups.look(session, made)
    follow_ups.hand_over(session)
    follow_ups.look(session, made)
    # She has reached its end, and is in the other segment: now it is her turn.
    assert follow_up_entry.look(session, made, practice=False) == 1


def test_paused_and_on_again_with_the_same_segment_who_came_meanwhile_sets_out(session: Session, house: Cafe) -> None:
    made = follow_ups.line(session, house, start=_begins(session, house, "pl"))
    follow_up_steering.pause(session, made)
    _speaks(session, house, "ola", "pl")
    follow_ups.switch_on(session, house, made)
    assert follow_up_entry.look(session, made, practice=False) == 1


# A pause


@pytest.mark.parametrize("hour", [None, 9])
def test_a_pause_is_no_lateness(session: Session, house: Cafe, frozen_clock: Clock, hour: int | None) -> None:
    frozen_clock.move_to(datetime(2026, 12, 7, 10, 0, tzinfo=UTC))
    made = follow_ups.line(session, house, hour=hour)
    follow_ups.says_yes(session, cafe.subscribe(session, house, "freja@guest.example"))
    frozen_clock.shift(DAY)
    follow_up_steering.pause(session, made)
    frozen_clock.shift(8 * DAY + 3 * HOUR)
    follow_ups.switch_on(session, house, made)
    assert follow_ups.look(session, made) == 0
    (run,) = follow_ups.runs(session, made)
    # A day was left when it was paused; a step that waits for the morning waits for the next one.
    due = datetime(2026, 12, 17, 13, 0, tzinfo=UTC) if hour is None else datetime(2026, 12, 19, 9, 0, tzinfo=UTC)
    assert run.due_at == run.planned_for == due
    frozen_clock.move_to(due)
    follow_ups.look(session, made)
    assert [(act.kind, act.why) for act in follow_ups.acts(session)] == [(ActKind.MAILED, None)]


def test_what_was_put_off_before_a_pause_stays_put_off_for_as_long(
    session: Session, house: Cafe, freja: Subscriber, frozen_clock: Clock
) -> None:
    made = follow_ups.line(session, house, ((StepKind.LETTER, 2),))
    follow_ups.says_yes(session, freja)
    frozen_clock.shift(2 * DAY)
    (run,) = follow_ups.runs(session, made)
    begun = datetime.now(UTC)
    run.due_at = begun + 6 * DAY
    session.flush()
    follow_up_steering.pause(session, made)
    frozen_clock.shift(9 * DAY)
    follow_ups.switch_on(session, house, made)
    (run,) = follow_ups.runs(session, made)
    assert (run.planned_for, run.due_at) == (begun + 9 * DAY, begun + 15 * DAY)


def test_in_each_zone_the_hour_is_the_hour_also_after_the_clocks_changed(
    session: Session, house: Cafe, frozen_clock: Clock
) -> None:
    frozen_clock.move_to(datetime(2027, 3, 25, 10, 0, tzinfo=UTC))
    made = follow_ups.line(session, house, ((StepKind.LETTER, 2),), hour=9, on=False)
    made.each_zone = True
    freja, karl = (cafe.subscribe(session, house, f"{name}@guest.example") for name in ("freja", "karl"))
    freja.time_zone, karl.time_zone = "Europe/Copenhagen", "America/New_York"
    session.flush()
    follow_ups.switch_on(session, house, made)
    for person in (freja, karl):
        follow_ups.says_yes(session, person)
    follow_up_steering.pause(session, made)
    frozen_clock.shift(3 * DAY)
    follow_ups.switch_on(session, house, made)
    found = {run.subscriber_id: run.due_at for run in follow_ups.runs(session, made)}
    # The summer has begun in Copenhagen meanwhile: seven o'clock here is nine there.
    assert found == {
        freja.id: datetime(2027, 3, 31, 7, 0, tzinfo=UTC),
        karl.id: datetime(2027, 3, 30, 13, 0, tzinfo=UTC),
    }


def test_many_who_stood_still_are_moved_once_each(session: Session, house: Cafe, frozen_clock: Clock) -> None:
    """The moment of one, moved, is where another stood before: nobody is moved on twice."""
    made = follow_ups.line(session, house, ((StepKind.LETTER, 2),))
    begun = []
    for number in range(6):
        follow_ups.says_yes(session, cafe.subscribe(session, house, f"guest-{number}@guest.example"))
        begun.append(datetime.now(UTC))
        frozen_clock.shift(HOUR)
    follow_up_steering.pause(session, made)
    frozen_clock.shift(HOUR)
    follow_ups.switch_on(session, house, made)
    assert [run.due_at for run in follow_ups.runs(session, made)] == [at + 2 * DAY + HOUR for at in begun]


def test_after_a_week_of_pause_nothing_is_left_out(
    session: Session, house: Cafe, freja: Subscriber, frozen_clock: Clock
) -> None:
    made = follow_ups.line(session, house)
    follow_ups.says_yes(session, freja)
    frozen_clock.shift(2 * DAY - HOUR)
    follow_up_steering.pause(session, made)
    frozen_clock.shift(8 * DAY)
    follow_ups.switch_on(session, house, made)
    frozen_clock.shift(HOUR)
    follow_ups.look(session, made)
    assert Reason.TOO_LATE not in {act.why for act in follow_ups.acts(session)}
    assert len(follow_ups.mails(session, made)) == 1


def test_switched_off_there_is_no_pause_to_make_up_for(
    session: Session, house: Cafe, freja: Subscriber, frozen_clock: Clock
) -> None:
    made = follow_ups.line(session, house)
    follow_up_steering.pause(session, made)
    frozen_clock.shift(DAY)
    follow_up_steering.switch_off(session, made)
    assert made.paused_at is None
    frozen_clock.shift(DAY)
    follow_ups.switch_on(session, house, made)
    follow_ups.says_yes(session, freja)
    (run,) = follow_ups.runs(session, made)
    assert (run.why, run.state) == (None, RunState.RUNNING)
    assert StopWhy.WAS_THERE not in {each.why for each in follow_ups.runs(session, made)}

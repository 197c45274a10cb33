"""After a sleep: an hour for as many as have time left, none fuller than an ordinary one, and nobody too late."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Subscription
from listkeeper.campaigns.follow_up import FollowUp, Start, Trigger
from listkeeper.campaigns.follow_up_step import StepKind
from listkeeper.sending.following import follow_up_late
from listkeeper.sending.following.follow_up_run import ActKind, FollowUpAct, FollowUpRun, Reason, RunState
from tests.makers import cafe, follow_ups, multitude
from tests.makers.cafe import Cafe

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
# A Monday, at half past eleven by the clocks of the café.
NOW = datetime(2026, 12, 7, 10, 30, tzinfo=UTC)
ZONE = "Europe/Copenhagen"
Clock = time_machine.Traveller


@pytest.fixture
def house(session: Session, frozen_clock: Clock) -> Cafe:
    """A café that wakes on a Monday."""
    frozen_clock.move_to(NOW)
    return cafe.found(session)


def _wait(session: Session, made: FollowUp, moments: Sequence[datetime], since: datetime) -> None:
    """Let people wait for the first step of a line, due at these moments, and first at another."""
    step = follow_ups.steps(session, made)[0]
    people = session.scalars(select(Subscriber.id).order_by(Subscriber.id))
    rows = [
        {
            "follow_up_id": made.id, "subscriber_id": person, "occasion": "yes", "round": 0, "next_step_id": step.id,
            "state": RunState.RUNNING, "planned_for": since, "due_at": moment, "begun_at": since,
        }
        for person, moment in zip(people, moments, strict=False)
    ]  # fmt: skip
    session.execute(insert(FollowUpRun), rows)
    session.flush()


def _left(session: Session, made: FollowUp, moments: Sequence[datetime]) -> None:
    """Write down that the first step of a line was planned for somebody at these moments."""
    step = follow_ups.steps(session, made)[0]
    for number, at in enumerate(moments):
        session.add(FollowUpAct(run_id=number, step_id=step.id, subscriber_id=1, kind=ActKind.MAILED, at=at))
    session.flush()


def _slots(session: Session, house: Cafe, count: int, until: datetime) -> list[datetime]:
    found = follow_up_late.slots(session, house.organisation, ZONE, [until] * count, NOW)
    return [moment for moment in found if moment is not None]


def _by_hour(moments: Sequence[datetime]) -> Counter[str]:
    return Counter(f"{moment:%Y-%m-%d %H}" for moment in moments)


def test_nobody_gets_an_hour_later_than_her_week(session: Session, house: Cafe) -> None:
    """Five thousand that are three days late: four days are left, of twelve hours of twenty each."""
    until = NOW + 4 * DAY
    found = _slots(session, house, 5_000, until)
    assert max(found) <= until
    assert max(_by_hour(found).values()) == follow_up_late.LEAST_AN_HOUR
    # Today from half past eleven, three whole days, and the last one until half past eleven.
    assert len(found) == (9 + 3 * 12 + 3) * 20 + 11
    assert found == sorted(found)


def test_what_was_spread_before_keeps_its_place_however_far_it_is(session: Session, house: Cafe) -> None:
    """Two times five thousand whose permissions end in two months: the second ones come behind the first."""
    multitude.gather(session, house, 5_000)
    made = follow_ups.line(session, house)
    until = NOW + 60 * DAY
    first = _slots(session, house, 5_000, until)
    assert (len(first), max(first) > NOW + 14 * DAY) == (5_000, True)
    # The very first leaves now.
    _left(session, made, first[:1])
    _wait(session, made, first[1:], NOW - DAY)
    second = _slots(session, house, 5_000, until)
    together = _by_hour([*first, *second])
    assert (len(second), max(together.values())) == (5_000, follow_up_late.LEAST_AN_HOUR)
    assert min(second) >= max(first) - HOUR


def test_no_hour_takes_what_no_other_did(session: Session, house: Cafe) -> None:
    """Twenty thousand at once: most of them have no hour, and none is made for them."""
    found = follow_up_late.slots(session, house.organisation, ZONE, [NOW + 60 * DAY] * 20_000, NOW)
    hours = _by_hour([moment for moment in found if moment is not None])
    assert max(hours.values()) == follow_up_late.LEAST_AN_HOUR
    assert found.count(None) == 20_000 - sum(hours.values()) > 5_000


def test_who_has_least_time_left_comes_first(session: Session, house: Cafe, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow_up_late, "LEAST_AN_HOUR", 1)
    until = [NOW + 4 * HOUR, NOW - HOUR, NOW + 10 * DAY, NOW + HOUR / 4, NOW + 2 * HOUR]
    found = follow_up_late.slots(session, house.organisation, ZONE, until, NOW)
    eleven, twelve = NOW + HOUR / 2, NOW + HOUR * 1.5
    assert found == [twelve, None, twelve + HOUR, NOW, eleven]


def test_the_slots_are_by_day_and_leave_room_for_what_is_due_anyway(
    session: Session, house: Cafe, frozen_clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow_up_late, "LEAST_AN_HOUR", 2)
    made = follow_ups.line(session, house)
    cafe.subscribe(session, house, "freja@guest.example")
    now = datetime(2026, 12, 7, 18, 0, tzinfo=UTC)
    frozen_clock.move_to(now)
    _wait(session, made, [now + HOUR], now - DAY)
    found = follow_up_late.slots(session, house.organisation, "Europe/London", [now + DAY] * 4, now)
    # Two now, one beside what is due at seven, and the last one not before the morning.
    assert [moment.hour for moment in found if moment is not None] == [18, 18, 19, 8]


def test_what_has_left_in_this_hour_leaves_less_room_in_it(session: Session, house: Cafe) -> None:
    made = follow_ups.line(session, house)
    _left(session, made, [NOW - HOUR / 4] * 15 + [NOW - HOUR] * 3)
    hours = _by_hour(_slots(session, house, 30, NOW + DAY))
    assert (hours[f"{NOW:%Y-%m-%d %H}"], sum(hours.values())) == (5, 30)
    # What has been due for some minutes leaves in this hour too; what is late waits for an hour itself.
    multitude.gather(session, house, 4)
    _wait(session, made, [NOW, NOW - HOUR / 4, NOW - DAY, NOW - 2 * DAY], NOW - 2 * DAY)
    assert _by_hour(_slots(session, house, 30, NOW + DAY))[f"{NOW:%Y-%m-%d %H}"] == 3


def test_an_hour_holds_as_many_as_the_busiest_of_four_weeks(session: Session, house: Cafe) -> None:
    made = follow_ups.line(session, house)
    _left(session, made, [NOW - 3 * DAY] * 33 + [NOW - 2 * DAY] * 25 + [NOW - 29 * DAY] * 40)
    assert follow_up_late.allowance(session, house.organisation, NOW) == 33


@pytest.mark.parametrize(
    ("begins", "ends", "hours"),
    [
        (None, None, set(range(8, 20))), (22 * 60, 7 * 60, set(range(8, 20))),
        (18 * 60, 9 * 60 + 30, set(range(10, 18))),
        # Who rests all day is written to at night.
        (8 * 60, 20 * 60, {*range(8), *range(20, 24)}), (0, 20 * 60, set(range(20, 24))),
    ],
)  # fmt: skip
def test_nobody_gets_a_quiet_hour(
    session: Session, house: Cafe, begins: int | None, ends: int | None, hours: set[int]
) -> None:
    house.organisation.quiet_from, house.organisation.quiet_until = begins, ends
    found = follow_up_late.slots(session, house.organisation, "UTC", [NOW + 3 * DAY] * 2_000, NOW)
    assert {moment.hour for moment in found if moment is not None} == hours


# On a line


def _late(session: Session, house: Cafe, kind: StepKind, late: timedelta, people: int = 8) -> FollowUp:
    multitude.gather(session, house, people)
    start = Start(Trigger.CONSENT_ENDS, days_before=30) if kind is StepKind.RENEWAL else None
    made = follow_ups.line(session, house, ((kind, 0),), start=start)
    _wait(session, made, [NOW - late] * people, NOW - late)
    return made


def _became(session: Session) -> Counter[tuple[ActKind, Reason | None]]:
    return Counter((act.kind, act.why) for act in follow_ups.acts(session))


def test_who_finds_no_hour_within_her_week_is_left_out_and_it_is_said_so(
    session: Session, house: Cafe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow_up_late, "LEAST_AN_HOUR", 1)
    made = _late(session, house, StepKind.LETTER, 7 * DAY - 4 * HOUR)
    follow_ups.look(session, made)
    # One at once, and one in each of four hours: the last at half past two, which is the end of her week.
    assert _became(session) == {
        (ActKind.MAILED, None): 1, (ActKind.POSTPONED, Reason.CAME_LATE): 4, (ActKind.SKIPPED, Reason.TOO_LATE): 3,
    }  # fmt: skip
    assert {run.state for run in follow_ups.runs(session, made) if run.due_at is None} == {
        RunState.FINISHED, RunState.RUNNING,
    }  # fmt: skip


def test_a_renewal_is_in_time_until_the_permission_ends(
    session: Session, house: Cafe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow_up_late, "LEAST_AN_HOUR", 1)
    made = _late(session, house, StepKind.RENEWAL, 9 * DAY)
    held = list(session.scalars(select(Subscription).order_by(Subscription.subscriber_id)))
    for place, each in enumerate(held):
        each.valid_until = NOW + (2 * HOUR if place < 5 else 20 * DAY)
    session.flush()
    follow_ups.look(session, made)
    # Of the five that end in two hours three find one; the others come behind them, though they are nine days late.
    assert _became(session) == {
        (ActKind.MAILED, None): 1, (ActKind.POSTPONED, Reason.CAME_LATE): 5, (ActKind.SKIPPED, Reason.TOO_LATE): 2,
    }  # fmt: skip

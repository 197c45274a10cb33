"""Who does not get a step that is due, and why: its condition, its kind, the cap, and after a sleep."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy.orm import Session

from listkeeper.audience import profile, profile_question, renewal, subscription
from listkeeper.audience.profile import How
from listkeeper.audience.profile_words import QuestionKind, Wording
from listkeeper.audience.renewal import Standing
from listkeeper.audience.segments import segment
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Basis, Subscription, SubscriptionState
from listkeeper.campaigns.follow_up import FollowUp, Start, Trigger
from listkeeper.campaigns.follow_up_step import StepKind
from listkeeper.sending.following import follow_up_entry, follow_up_late, follow_up_verdict
from listkeeper.sending.following.follow_up_line import Line
from listkeeper.sending.following.follow_up_run import ActKind, Reason, RunState, StopWhy
from listkeeper.sending.following.follow_up_verdict import Due
from tests.makers import cafe, follow_ups
from tests.makers.cafe import Cafe

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
ENDS = Start(Trigger.CONSENT_ENDS, days_before=30)
ORDER = Start(Trigger.EVENT, event_name="order", again_after_days=1)
Clock = time_machine.Traveller


def _held(session: Session, house: Cafe, person: Subscriber) -> Subscription:
    held = subscription.of(session, person.id, house.mailing_list.id)
    assert held is not None
    return held


def _until_before_its_end(session: Session, house: Cafe, person: Subscriber, clock: Clock, days: int) -> None:
    """Let time go by until so many days before a permission ends by itself."""
    ends = renewal.ends_at(_held(session, house, person), house.mailing_list)
    assert ends is not None
    clock.move_to(ends - days * DAY)


def _said(session: Session) -> list[tuple[ActKind, Reason | None]]:
    return [(act.kind, act.why) for act in follow_ups.acts(session)]


def test_only_who_is_in_its_segment_gets_a_step(
    session: Session, house: Cafe, freja: Subscriber, frozen_clock: Clock
) -> None:
    karl = cafe.subscribe(session, house, "karl@guest.example")
    chosen = segment.create(session, house.organisation, house.mailing_list, "Frejas", "not language is da")
    made = follow_ups.line(session, house, on=False)
    follow_ups.steps(session, made)[0].segment_id = chosen.id
    karl.language = "da"
    session.flush()
    follow_ups.switch_on(session, house, made)
    for person in (freja, karl):
        follow_ups.says_yes(session, person)
    frozen_clock.shift(2 * DAY)
    follow_ups.look(session, made)
    assert [row.subscriber_id for row in follow_ups.mails(session, made)] == [freja.id]
    assert (ActKind.SKIPPED, Reason.CONDITION) in _said(session)


def test_who_comes_into_a_segment_sets_out_once_and_who_was_there_does_not(
    session: Session, house: Cafe, freja: Subscriber, frozen_clock: Clock
) -> None:
    chosen = segment.create(session, house.organisation, house.mailing_list, "All", "not language is da")
    made = follow_ups.line(session, house, start=Start(Trigger.SEGMENT, segment_id=chosen.id))
    karl = cafe.subscribe(session, house, "karl@guest.example")
    assert follow_up_entry.look(session, made, practice=False) == 1
    assert follow_up_entry.look(session, made, practice=False) == 0
    states = {run.subscriber_id: run.state for run in follow_ups.runs(session, made)}
    assert states == {freja.id: RunState.STOPPED, karl.id: RunState.RUNNING}


def test_a_step_that_asks_goes_to_whom_there_is_something_to_ask(
    session: Session, house: Cafe, freja: Subscriber, frozen_clock: Clock
) -> None:
    made = follow_ups.line(session, house, ((StepKind.ASK_ONE_MORE, 2),))
    karl = cafe.subscribe(session, house, "karl@guest.example")
    said = Wording("Bread or cakes?", "So that we bake it.", "News of it.", ("Bread", "Cakes"))
    asked = profile_question.create(
        session, house.organisation, house.mailing_list, "likes", kind=QuestionKind.CHOICE, words={"en": said}
    )
    asked.state = profile_question.QuestionState.ASKED
    session.flush()
    ((question, version),) = profile_question.asked_on(session, [house.mailing_list.id])
    profile.give(session, karl.id, (question, version), [version.choice_keys[0]], How.LETTER)
    for person in (freja, karl):
        follow_ups.says_yes(session, person)
    frozen_clock.shift(2 * DAY)
    follow_ups.look(session, made)
    assert [row.subscriber_id for row in follow_ups.mails(session, made)] == [freja.id]
    assert (ActKind.SKIPPED, Reason.NOTHING_TO_ASK) in _said(session)


def test_who_renewed_in_time_is_not_asked_again(
    session: Session, house: Cafe, freja: Subscriber, frozen_clock: Clock
) -> None:
    _until_before_its_end(session, house, freja, frozen_clock, 20)
    made = follow_ups.line(session, house, ((StepKind.RENEWAL, 0), (StepKind.RENEWAL, 7)), start=ENDS)
    assert follow_up_entry.look(session, made, practice=False) == 1
    follow_ups.look(session, made)
    follow_ups.hand_over(session)
    words = renewal.text(session, freja, house.mailing_list)
    assert words is not None
    assert renewal.renew(session, freja.id, house.mailing_list.id, seen=words.sha256) is Standing.ASKS
    follow_ups.look(session, made)
    frozen_clock.shift(8 * DAY)
    follow_ups.look(session, made)
    assert len(follow_ups.mails(session, made)) == 1
    assert _said(session)[-1] == (ActKind.SKIPPED, Reason.NOTHING_TO_RENEW)
    # Her new end is an occasion of its own.
    _until_before_its_end(session, house, freja, frozen_clock, 20)
    assert follow_up_entry.look(session, made, practice=False) == 1


@pytest.mark.parametrize("used", [False, True])
def test_before_a_yes_is_lost_because_nobody_made_use_of_it_she_is_asked(
    session: Session, house: Cafe, freja: Subscriber, frozen_clock: Clock, *, used: bool
) -> None:
    """A permission ends unused, or in silence; no day of its own is written beside it."""
    if used:
        frozen_clock.shift(90 * DAY)
        subscription.contacted(session, house.mailing_list.id, [freja.id])
        session.expire_all()
    assert _held(session, house, freja).valid_until is None
    _until_before_its_end(session, house, freja, frozen_clock, 31)
    made = follow_ups.line(session, house, ((StepKind.RENEWAL, 0),), start=ENDS)
    assert follow_up_entry.look(session, made, practice=False) == 0
    frozen_clock.shift(11 * DAY)
    assert follow_up_entry.look(session, made, practice=False) == 1
    assert follow_ups.look(session, made) == 1
    assert len(follow_ups.mails(session, made)) == 1


def test_a_permission_that_has_ended_ends_the_line_before_the_nightly_job_has_said_so(
    session: Session, house: Cafe, freja: Subscriber, frozen_clock: Clock
) -> None:
    _until_before_its_end(session, house, freja, frozen_clock, 1)
    made = follow_ups.line(session, house, ((StepKind.HOW_IS_IT_GOING, 2),), start=ORDER)
    follow_ups.buys(session, freja, "A1")
    frozen_clock.shift(2 * DAY)
    follow_ups.look(session, made)
    assert (follow_ups.mails(session, made), follow_ups.runs(session, made)[0].why) == ([], StopWhy.CONSENT_OVER)


@pytest.mark.parametrize("basis", list(Basis))
def test_a_renewal_goes_to_a_living_permission_that_ends_soon_and_to_no_other(
    session: Session, house: Cafe, freja: Subscriber, frozen_clock: Clock, basis: Basis
) -> None:
    """Every state of a subscription, with this basis, ending soon, late, and not at all, or over already."""
    made = follow_ups.line(session, house, ((StepKind.RENEWAL, 0),), start=ENDS)
    held, now = _held(session, house, freja), datetime.now(UTC)
    got = set()
    for state in SubscriptionState:
        for ends in (None, now - DAY, now + 29 * DAY, now + 31 * DAY):
            held.state, held.basis, held.first_use_deadline = state, basis, ends
            made.looked_at = None
            for run in follow_ups.runs(session, made):
                session.delete(run)
            session.flush()
            if follow_up_entry.look(session, made, practice=False):
                got.add((state, ends))
    wanted = set() if basis is Basis.NONE else {(SubscriptionState.CONFIRMED, now + 29 * DAY)}
    assert got == wanted


@pytest.mark.parametrize("basis", [Basis.CONSENT, Basis.NONE])
@pytest.mark.parametrize("state", list(SubscriptionState))
def test_a_renewal_that_is_due_looks_once_more_at_the_permission(  # noqa: PLR0917 - one case each
    session: Session, house: Cafe, freja: Subscriber, frozen_clock: Clock, state: SubscriptionState, basis: Basis
) -> None:
    _until_before_its_end(session, house, freja, frozen_clock, 20)
    made = follow_ups.line(session, house, ((StepKind.RENEWAL, 0),), start=ENDS)
    follow_up_entry.look(session, made, practice=False)
    held = _held(session, house, freja)
    held.state, held.basis = state, basis
    session.flush()
    follow_ups.look(session, made)
    may = state is SubscriptionState.CONFIRMED and basis is Basis.CONSENT
    assert len(follow_ups.mails(session, made)) == (1 if may else 0)


def _bought(session: Session, house: Cafe, people: int, *, days: int = 1) -> FollowUp:
    made = follow_ups.line(session, house, ((StepKind.HOW_IS_IT_GOING, days),), start=ORDER)
    for number in range(people):
        person = cafe.subscribe(session, house, f"guest-{number}@guest.example")
        follow_ups.buys(session, person, f"A{number}")
    return made


def test_what_is_more_than_a_week_late_is_left_out_and_said_so(
    session: Session, house: Cafe, frozen_clock: Clock
) -> None:
    made = _bought(session, house, 1)
    frozen_clock.shift(8 * DAY + HOUR)
    follow_ups.look(session, made)
    assert (follow_ups.mails(session, made), _said(session)) == ([], [(ActKind.SKIPPED, Reason.TOO_LATE)])


def test_after_a_sleep_no_hour_holds_more_than_an_ordinary_one(
    session: Session, house: Cafe, frozen_clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow_up_late, "LEAST_AN_HOUR", 2)
    made = _bought(session, house, 7)
    frozen_clock.move_to(datetime(2026, 12, 7, 10, 30, tzinfo=UTC))
    made_now = datetime.now(UTC)
    for run in follow_ups.runs(session, made):
        run.planned_for = run.due_at = made_now - 3 * DAY
    session.flush()
    left: Counter[str] = Counter()
    for _ in range(40):
        follow_ups.look(session, made)
        left[f"{datetime.now(UTC):%d %H}"] += follow_ups.hand_over(session)
        frozen_clock.shift(HOUR / 4)
    assert sum(left.values()) == 7
    assert max(left.values()) <= 2
    assert {row.kind for row in follow_ups.acts(session)} == {ActKind.POSTPONED, ActKind.MAILED}


@pytest.mark.parametrize(
    ("begins", "ends", "hours"), [(None, None, 12), (22 * 60, 7 * 60, 12), (18 * 60, 9 * 60, 16), (0, 20 * 60, 21)]
)
def test_a_night_is_no_lateness(house: Cafe, begins: int | None, ends: int | None, hours: int) -> None:
    house.organisation.quiet_from, house.organisation.quiet_until = begins, ends
    assert follow_up_late.grace(house.organisation) == hours * HOUR


def test_the_first_of_two_runs_goes_and_the_other_waits(session: Session, house: Cafe, freja: Subscriber) -> None:
    made = follow_ups.line(session, house)
    now, (step, _second) = datetime.now(UTC), follow_ups.steps(session, made)
    rows = [Due(number, freja.id, step.id, now, now) for number in (1, 2)]
    line = Line(made, house.organisation, (step,), {step.id: step}, "Europe/London")
    found = follow_up_verdict.of_step(session, line, step, rows, now)
    assert {number: verdict.why for number, verdict in found.items()} == {2: Reason.ANOTHER}

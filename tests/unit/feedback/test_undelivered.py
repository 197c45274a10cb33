"""The policy of bounces: how many in a row are enough, over which time, and what begins a row anew."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
import time_machine
from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.audience import suppression
from listkeeper.audience.suppression import Reason
from listkeeper.deliverability.reply_class import CAMPAIGN_FAULT, SENDER_FAULT, ReplyClass
from listkeeper.feedback import undelivered
from listkeeper.feedback.event import FeedbackKind, Outcome
from listkeeper.feedback.undelivered import UndeliveredRun
from listkeeper.foundation import clock
from tests.makers import cafe
from tests.makers.came_back import Postman

R = ReplyClass
_HOURS = 24


@pytest.fixture
def postman(session: Session) -> Postman:
    house = cafe.found(session)
    return Postman(session, house, cafe.subscribe(session, house, "freja@guest.example"))


def _held(postman: Postman) -> bool:
    found = suppression.reasons(postman.session, postman.cafe.organisation.id, postman.person.suppression_key)
    return any(row.reason is Reason.HARD_BOUNCE for row in found)


def _bounce_at(
    postman: Postman, frozen: time_machine.Traveller, hours: list[float], found: ReplyClass, *, permanent: bool = False
) -> list[Outcome]:
    """Let a mail come back at each of these hours from now; return what came of each."""
    start, outcomes = clock.now(), []
    for hour in hours:
        frozen.move_to(start + timedelta(hours=hour))
        outcomes.append(postman.bounces(found, permanent=permanent).outcome)
    return outcomes


_DAYS = [24.0 * day for day in range(0, 301, 5)]


@pytest.mark.parametrize(
    ("found", "hours", "held_at"),
    [
        # One is enough where there is no such address.
        (R.INVALID_ADDRESS, [0], 1),
        (R.INVALID_DOMAIN, [0, 23.9], None),
        (R.INVALID_DOMAIN, [0, 12, 24], 3),
        (R.INVALID_DOMAIN, [0, 24], 2),
        (R.INACTIVE, [0], None),
        (R.INACTIVE, [0, 24 * 14], 2),
        (R.INACTIVE, [0, 24 * 14 + 1], None),
        (R.INACTIVE, [0, 24 * 15, 24 * 16], 3),
        (R.MAILBOX_FULL, [0, 24, 48, 72, 96], None),
        (R.MAILBOX_FULL, [0, 24, 48, 24 * 30], None),
        (R.MAILBOX_FULL, [0, 24, 48, 72, 24 * 30], 5),
        (R.MAILBOX_FULL, [0, 24, 48, 72, 96, 24 * 30], 6),
        (R.TEMPORARY, [24 * day for day in (0, 1, 2, 3, 4, 5, 6)], None),
        (R.TEMPORARY, [24 * day for day in (0, 4, 8, 12, 16, 20, 24, 30)], 8),
        (R.TEMPORARY, [24 * day for day in (0, 1, 2, 3, 4, 5, 6, 7, 29)], None),
    ],
)
def test_what_is_enough(
    postman: Postman, frozen_clock: time_machine.Traveller, found: ReplyClass, hours: list[float], held_at: int | None
) -> None:
    outcomes = _bounce_at(postman, frozen_clock, hours, found, permanent=found in {R.INVALID_ADDRESS, R.INVALID_DOMAIN})
    assert Outcome.HELD not in outcomes[: (held_at or len(hours)) - 1]
    assert (outcomes[-1] is Outcome.HELD) == (held_at == len(hours))
    assert _held(postman) == (held_at is not None)


@pytest.mark.parametrize("found", sorted(SENDER_FAULT | CAMPAIGN_FAULT | {R.RATE}))
def test_what_is_about_the_sender_the_letter_or_the_pace_is_never_counted(
    postman: Postman, frozen_clock: time_machine.Traveller, found: ReplyClass
) -> None:
    outcomes = set(_bounce_at(postman, frozen_clock, _DAYS, found))
    assert outcomes <= {Outcome.SENDER, Outcome.LETTER, Outcome.NOTED}
    assert postman.session.scalars(select(UndeliveredRun)).all() == []
    assert not _held(postman)


def test_every_class_has_a_policy_and_only_these_are_counted() -> None:
    counted = set(undelivered.LIMITS) | undelivered.AT_ONCE
    assert counted | SENDER_FAULT | CAMPAIGN_FAULT | {R.RATE} == set(ReplyClass)
    assert not counted & (SENDER_FAULT | CAMPAIGN_FAULT | {R.RATE})


def test_come_back_later_is_never_for_good_whatever_the_words(
    postman: Postman, frozen_clock: time_machine.Traveller
) -> None:
    # Greylisting servers say "user unknown" with 450.
    assert _bounce_at(postman, frozen_clock, [0, 1, 2, 3], R.INVALID_ADDRESS, permanent=False) == [Outcome.COUNTED] * 4
    assert postman.session.scalars(select(UndeliveredRun.run)).all() == [undelivered.Run.SOFT]


def test_rows_of_different_kinds_are_counted_apart(postman: Postman, frozen_clock: time_machine.Traveller) -> None:
    start = clock.now()
    for day in range(8):
        frozen_clock.move_to(start + timedelta(days=5 * day))
        postman.bounces(R.MAILBOX_FULL if day % 2 else R.TEMPORARY)
    assert not _held(postman)
    assert set(postman.session.scalars(select(UndeliveredRun.number))) == {4}


def _full(postman: Postman, frozen: time_machine.Traveller, days: list[int]) -> list[Outcome]:
    return _bounce_at(postman, frozen, [24.0 * day for day in days], R.MAILBOX_FULL)


def test_a_mail_that_got_through_begins_the_row_anew(postman: Postman, frozen_clock: time_machine.Traveller) -> None:
    _full(postman, frozen_clock, [0, 10, 20, 28])
    frozen_clock.shift(timedelta(hours=1))
    postman.letter()
    # Taken, and in three days nothing came back of it.
    assert _full(postman, frozen_clock, [4]) == [Outcome.COUNTED]
    assert postman.session.scalars(select(UndeliveredRun.number)).all() == [1]


def test_a_mail_that_was_taken_just_now_proves_nothing_yet(
    postman: Postman, frozen_clock: time_machine.Traveller
) -> None:
    _full(postman, frozen_clock, [0, 10, 20, 28])
    frozen_clock.shift(timedelta(hours=1))
    postman.letter()
    assert _full(postman, frozen_clock, [2]) == [Outcome.HELD]


@pytest.mark.parametrize("kind", [FeedbackKind.DELIVERED, FeedbackKind.REPLIED])
def test_who_is_heard_of_begins_anew(
    postman: Postman, frozen_clock: time_machine.Traveller, kind: FeedbackKind
) -> None:
    _full(postman, frozen_clock, [0, 10, 20, 28])
    frozen_clock.shift(timedelta(hours=1))
    postman.told(kind, postman.letter())
    assert postman.session.scalars(select(UndeliveredRun)).all() == []
    assert _full(postman, frozen_clock, [5]) == [Outcome.COUNTED]


def test_her_own_act_begins_anew(postman: Postman, frozen_clock: time_machine.Traveller) -> None:
    _full(postman, frozen_clock, [0, 10, 20, 28])
    frozen_clock.shift(timedelta(hours=1))
    cafe.subscribe(postman.session, postman.cafe, "freja@guest.example")
    frozen_clock.shift(timedelta(hours=1))
    assert _full(postman, frozen_clock, [1]) == [Outcome.COUNTED]


def test_a_mail_counts_once_however_often_it_is_reported(
    postman: Postman, frozen_clock: time_machine.Traveller
) -> None:
    mail = postman.letter()
    for day in range(40):
        frozen_clock.shift(timedelta(days=1))
        postman.told(FeedbackKind.BOUNCED, mail, found=R.TEMPORARY, again=str(day))
    assert postman.session.scalars(select(UndeliveredRun.number)).all() == [1]
    assert not _held(postman)


def test_the_count_says_which_it_was_and_since_when(postman: Postman, frozen_clock: time_machine.Traveller) -> None:
    start: datetime = clock.now()
    first = postman.bounces(R.MAILBOX_FULL)
    frozen_clock.shift(timedelta(days=9))
    second = postman.bounces(R.MAILBOX_FULL)
    assert [(one.number, one.since) for one in (first, second)] == [(1, start), (2, start)]

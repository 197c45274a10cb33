"""The clock of each conversation, the word to the owners before it breaks, and the honest figure."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.audience import thread_mail
from listkeeper.audience.handover import NoticeKind
from listkeeper.audience.thread import Conversation, ConversationState
from listkeeper.feedback import answering, promise
from listkeeper.feedback.promise import Promise
from listkeeper.foundation import clock
from listkeeper.sending import incident, watch_words
from listkeeper.sending.delivery import Delivery, DeliveryState
from listkeeper.sending.incident import IncidentKind
from tests.makers import cafe
from tests.makers.letters_in import Postbox, written

GIVEN = Promise(timedelta(hours=24), timedelta(hours=1))
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


@pytest.fixture
def box(session: Session, frozen_clock: time_machine.Traveller) -> Postbox:
    """The postbox of a café, on a Monday at eight."""
    return Postbox(session, cafe.found(session))


def _mail(box: Postbox, number: int = 1) -> Conversation:
    return box.begins(written(sender=f"p{number}@s.example", message_id=f"<{number}@s.example>"))


def _look(box: Postbox, given: Promise = GIVEN) -> bool:
    box.session.flush()
    return promise.look(box.session, box.cafe.organisation, given) is not None


def _told(box: Postbox) -> int:
    query = select(Delivery).where(Delivery.notice == NoticeKind.INCIDENT)
    return len(box.session.scalars(query).all())


def _answer(box: Postbox, found: Conversation, text: str = "From nine.") -> Delivery:
    return answering.answer(box.session, found, text, actor="user:1", given=GIVEN)


def test_the_clock_runs_around_the_clock_from_when_the_mail_came(box: Postbox) -> None:
    found = _mail(box)
    assert GIVEN.due(found) - found.opened_at == 24 * HOUR
    found.urgent = True
    assert GIVEN.due(found) - found.opened_at == HOUR


def test_a_promise_that_is_changed_later_does_not_change_what_was_promised(box: Postbox) -> None:
    found = _mail(box)
    _look(box)
    assert Promise(timedelta(hours=240)).due(found) - found.opened_at == 24 * HOUR


@pytest.mark.parametrize(
    ("urgent", "last_quiet"), [(False, 18 * HOUR - MINUTE), (True, 45 * MINUTE - MINUTE)], ids=["usual", "urgent"]
)
def test_owners_are_told_once_when_a_quarter_of_the_time_is_left(
    box: Postbox, frozen_clock: time_machine.Traveller, *, urgent: bool, last_quiet: timedelta
) -> None:
    found = _mail(box)
    promise.mark(found, GIVEN, urgent=urgent)
    frozen_clock.shift(last_quiet)
    assert not _look(box)
    frozen_clock.shift(MINUTE)
    assert _look(box)
    assert _told(box) == 1
    frozen_clock.shift(6 * HOUR)
    assert not _look(box)
    assert _told(box) == 1
    assert [row.kind for row in incident.standing(box.session)] == [IncidentKind.REPLY_DUE]


def test_ten_minutes_are_left_at_least(box: Postbox, frozen_clock: time_machine.Traveller) -> None:
    found = _mail(box)
    short = Promise(timedelta(minutes=20))
    assert promise.nearly_over(found, short) - found.opened_at == 10 * MINUTE


def test_each_new_one_is_told_and_the_incident_ends_with_the_last(
    box: Postbox, frozen_clock: time_machine.Traveller
) -> None:
    first = _mail(box, 1)
    frozen_clock.shift(2 * HOUR)
    second = _mail(box, 2)
    frozen_clock.shift(16 * HOUR)
    assert _look(box)
    frozen_clock.shift(2 * HOUR)
    assert _look(box)
    assert _told(box) == 2
    _answer(box, first)
    _look(box)
    assert incident.standing(box.session)
    answering.done(box.session, second)
    _look(box)
    assert not incident.standing(box.session)


def test_the_incident_says_how_long_is_left_and_stops_nothing(
    box: Postbox, frozen_clock: time_machine.Traveller
) -> None:
    _mail(box)
    frozen_clock.shift(20 * HOUR)
    _look(box)
    [stands] = incident.standing(box.session)
    assert "4 hours" in watch_words.of(stands)
    assert not stands.stops
    frozen_clock.shift(5 * HOUR)
    _look(box)
    assert "longer than you promised" in watch_words.of(stands)


def test_an_answer_that_did_not_arrive_lets_the_clock_run_on(
    box: Postbox, frozen_clock: time_machine.Traveller
) -> None:
    found = _mail(box)
    began = found.waits_since
    sent = _answer(box, found)
    assert (found.state, found.in_time) == (ConversationState.ANSWERED, True)
    frozen_clock.shift(HOUR)
    sent.state = DeliveryState.FAILED
    _look(box)
    assert (found.state, found.waits_since, found.first_answer_at) == (ConversationState.OPEN, began, None)


def test_who_writes_again_waits_anew(box: Postbox, frozen_clock: time_machine.Traveller) -> None:
    found = _mail(box)
    frozen_clock.shift(20 * HOUR)
    _look(box)
    sent = _answer(box, found)
    frozen_clock.shift(HOUR)
    box.begins(written("And?", sender="p1@s.example", message_id="<2@s.example>"), sent)
    assert (GIVEN.due(found) - clock.now(), found.escalated_at) == (24 * HOUR, None)


def test_three_mails_and_no_end_is_a_matter_of_its_own(box: Postbox) -> None:
    found = _mail(box)
    for number in (2, 3):
        assert not promise.is_stuck(found)
        box.begins(written("?", sender="p1@s.example", message_id=f"<{number}@x.example>"))
    assert promise.is_stuck(found)
    answering.done(box.session, found)
    assert not promise.is_stuck(found)


def test_the_figure_is_what_happened(box: Postbox, frozen_clock: time_machine.Traveller) -> None:
    since = clock.now()
    threads = [_mail(box, number) for number in range(7)]
    answering.set_aside(box.session, threads[6])
    _look(box)
    frozen_clock.shift(HOUR)
    _answer(box, threads[0])
    frozen_clock.shift(2 * HOUR)
    _answer(box, threads[1])
    answering.done(box.session, threads[4])
    frozen_clock.shift(22 * HOUR)
    _answer(box, threads[2])
    late = _mail(box, 9)
    box.session.flush()
    found = promise.figure(box.session, box.cafe.organisation, since)
    # Two in time, one late, two that nobody answered; one closed, one no person's, one that has time still.
    assert (found.letters, found.in_time, found.closed, found.alone) == (5, 2, 1, 2)
    assert (found.median, found.per_mille) == (3 * HOUR, 400)
    assert late.state is ConversationState.OPEN


def test_without_letters_there_is_no_share(box: Postbox) -> None:
    found = promise.figure(box.session, box.cafe.organisation, clock.now())
    assert (found.letters, found.per_mille, found.median) == (0, None, None)


def test_a_look_at_nothing_finds_nothing(box: Postbox) -> None:
    assert not promise.is_anybody_there(box.session, box.cafe.organisation)
    _mail(box)
    assert promise.is_anybody_there(box.session, box.cafe.organisation)
    assert thread_mail.KEPT > promise.FIGURE_OF

"""Follow-ups through real jobs to a mail server: after the yes, past the gate, not at night, and forgotten with her."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import time_machine
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from listkeeper.accounts import quiet_hours
from listkeeper.audience import answering, confirmation, erasure
from listkeeper.audience.confirmation import Confirmation
from listkeeper.audience.handover import RefusalCode
from listkeeper.audience.posted_event import POSTED, PostedEvent
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Subscription
from listkeeper.campaigns.follow_up import FollowUp, Start, Trigger
from listkeeper.campaigns.follow_up_step import StepKind
from listkeeper.feedback import traces
from listkeeper.foundation import clock, outbox
from listkeeper.foundation.outbox import Lane
from listkeeper.jobs import following
from listkeeper.sending import own_data
from listkeeper.sending.delivery import Delivery, DeliveryState
from listkeeper.sending.following import follow_up_view
from listkeeper.sending.following.follow_up_run import FollowUpAct, FollowUpRun
from tests.fakes.smtp_sink import SmtpSink
from tests.makers import cafe, follow_ups
from tests.makers.cafe import Cafe
from tests.makers.works import Works

DAY = timedelta(days=1)
MORNING = datetime(2026, 12, 7, 10, 0, tzinfo=UTC)
Clock = time_machine.Traveller


def _look(works: Works) -> None:
    with works.app.app_context():
        following.look()
    works.work(Lane.SENDING, 2)


def _says_yes(works: Works) -> None:
    works.post()
    works.work(Lane.URGENT, 2)

    def confirm(session: Session, _house: Cafe) -> None:
        asked = session.scalars(select(Confirmation).order_by(Confirmation.id.desc()).limit(1)).one()
        answering.confirm(session, confirmation.token_of(asked))

    works.write(confirm)
    works.work(Lane.URGENT, 2)


def _subjects(sink: SmtpSink) -> list[str]:
    return [str(kept.message["Subject"]) for kept in sink.messages]


def test_a_yes_is_followed_step_by_step(works: Works, smtp_sink: SmtpSink, frozen_clock: Clock) -> None:
    frozen_clock.move_to(MORNING)
    works.write(follow_ups.line)
    _says_yes(works)
    for days in (1, 1, 1, 2, 4):
        frozen_clock.shift(days * DAY)
        _look(works)
        _look(works)
    assert _subjects(smtp_sink).count("A note") == 2
    mail = next(kept.message for kept in smtp_sink.messages if kept.message["Subject"] == "A note")
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"

    def told(session: Session) -> tuple[list[bool], int]:
        line = session.scalars(select(FollowUp)).one()
        return [each.was_sent for each in follow_up_view.log(session, line)], follow_up_view.lines(
            session, line
        ).finished

    assert works.read(told) == ([True, True], 1)


def test_an_event_of_the_shop_begins_it(works: Works, smtp_sink: SmtpSink, frozen_clock: Clock) -> None:
    frozen_clock.move_to(MORNING)
    start = Start(Trigger.EVENT, event_name="order")

    def sell(session: Session, house: Cafe) -> None:
        follow_ups.line(session, house, ((StepKind.HOW_IS_IT_GOING, 3),), start=start)
        person = cafe.subscribe(session, house, "freja@guest.example")
        told = PostedEvent(
            organisation_id=house.organisation.id, subscriber_id=person.id, name="order", external_id="1",
            at=clock.now(),
        )  # fmt: skip
        session.add(told)
        session.flush()
        outbox.write(session, POSTED, told.id, Lane.BACKGROUND)

    works.write(sell)
    works.work(Lane.BACKGROUND)
    frozen_clock.shift(3 * DAY)
    _look(works)
    assert "How is it going?" in _subjects(smtp_sink)


def test_what_the_gate_refuses_stands_in_the_log_with_its_reason(
    works: Works, smtp_sink: SmtpSink, frozen_clock: Clock
) -> None:
    frozen_clock.move_to(MORNING)
    works.write(follow_ups.line)
    _says_yes(works)
    frozen_clock.shift(2 * DAY)

    def snooze(session: Session, _house: Cafe) -> None:
        session.scalars(select(Subscription)).one().snooze_until = clock.now() + 9 * DAY

    works.write(snooze)
    _look(works)
    assert "A note" not in _subjects(smtp_sink)

    def refused(session: Session) -> list[RefusalCode | None]:
        line = session.scalars(select(FollowUp)).one()
        return [each.refusal for each in follow_up_view.log(session, line)]

    assert works.read(refused) == [RefusalCode.SNOOZED]


def test_in_quiet_hours_nothing_is_planned_and_nothing_leaves(
    works: Works, smtp_sink: SmtpSink, frozen_clock: Clock
) -> None:
    frozen_clock.move_to(MORNING.replace(hour=23))

    def rest(session: Session, house: Cafe) -> None:
        quiet_hours.choose(house.organisation, "21:00", "08:00")
        follow_ups.line(session, house)

    works.write(rest)
    _says_yes(works)
    frozen_clock.shift(2 * DAY)
    _look(works)
    assert works.read(lambda session: session.scalar(select(func.count()).select_from(FollowUpAct))) == 0
    frozen_clock.shift(timedelta(hours=9, minutes=1))
    _look(works)
    assert "A note" in _subjects(smtp_sink)


def test_paused_also_what_was_planned_already_stays(works: Works, smtp_sink: SmtpSink, frozen_clock: Clock) -> None:
    frozen_clock.move_to(MORNING)
    works.write(follow_ups.line)
    _says_yes(works)
    frozen_clock.shift(2 * DAY)
    with works.app.app_context():
        following.look()

    def pause(session: Session, _house: Cafe) -> None:
        from listkeeper.sending.following import follow_up_steering  # noqa: PLC0415

        follow_up_steering.pause(session, session.scalars(select(FollowUp)).one())

    works.write(pause)
    works.work(Lane.SENDING, 2)
    assert "A note" not in _subjects(smtp_sink)
    works.write(lambda session, house: follow_ups.switch_on(session, house, session.scalars(select(FollowUp)).one()))
    works.work(Lane.SENDING, 2)
    assert "A note" in _subjects(smtp_sink)


def test_she_takes_it_home_and_erased_nothing_of_it_is_left(
    works: Works, smtp_sink: SmtpSink, frozen_clock: Clock
) -> None:
    frozen_clock.move_to(MORNING)
    works.write(follow_ups.line)
    _says_yes(works)
    frozen_clock.shift(2 * DAY)
    _look(works)

    def home(session: Session, house: Cafe) -> None:
        person = session.scalars(select(Subscriber)).one()
        packed = own_data.pack(session, house.organisation, person, site=follow_ups.SITE)
        with zipfile.ZipFile(io.BytesIO(packed)) as opened:
            held = json.loads(opened.read("my-data.json"))
        assert (len(held["follow_ups"]), len(held["steps_of_follow_ups"]), held["letters_left_out"]) == (1, 1, [])
        erasure.erase(session, person.id, actor="subscriber", forget_copies=traces.forgetter(Path("/nonexistent")))

    works.write(home)

    def left(session: Session) -> list[int | None]:
        return [session.scalar(select(func.count()).select_from(table)) for table in (FollowUpRun, FollowUpAct)]

    assert works.read(left) == [0, 0]
    _look(works)
    assert [row.state for row in works.deliveries() if row.campaign_id] == [DeliveryState.ACCEPTED]
    assert (
        works.read(lambda session: session.scalar(select(func.count()).where(Delivery.subscriber_id.is_not(None)))) == 0
    )

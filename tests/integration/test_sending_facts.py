"""Bells and facts: a lost bell loses nothing, a bad fact stops no other, a doubled job doubles nothing.

Every test runs on both databases, through the real jobs, with a real mail server on loopback. Unless it says so
there is no queue server: a bell that cannot ring must never matter.
"""

from __future__ import annotations

import time

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from listkeeper import parts
from listkeeper.audience import confirmation, signup, suppression
from listkeeper.audience.signup import Signup, SignupDecision
from listkeeper.foundation import log, outbox
from listkeeper.foundation.errors import TryAgain
from listkeeper.foundation.outbox import Fact, Lane
from listkeeper.jobs import housekeeping, lanes, reactions
from listkeeper.sending.delivery import DeliveryState
from tests.fakes.queue_server import QueueServer
from tests.fakes.smtp_sink import SmtpSink
from tests.makers.cafe import Cafe
from tests.makers.works import HER, Works, recipients

S = DeliveryState


# Bells


def test_without_a_queue_server_nothing_is_lost_and_no_commit_breaks(
    works: Works, smtp_sink: SmtpSink, capfd: pytest.CaptureFixture[str]
) -> None:
    # As the program does at its start: other tests of this process may have sent the log elsewhere.
    log.configure("WARNING")
    works.post()
    assert "bell.not_rung" in "".join(capfd.readouterr())
    assert works.read(lambda session: session.scalar(select(func.count()).select_from(Signup))) == 1
    with works.app.app_context():
        housekeeping.look_for_lost_bells()
    works.work(Lane.URGENT)
    assert recipients(smtp_sink) == {HER: 1}


def test_a_lost_bell_is_rung_again(works: Works, queue: QueueServer, smtp_sink: SmtpSink) -> None:
    works.post()
    with works.app.app_context():
        assert [job.args for job in parts.queue(Lane.URGENT).jobs] == [["urgent"]]
        queue.client.flushall()
        housekeeping.look_for_lost_bells()
        assert [job.func_name for job in parts.queue(Lane.URGENT).jobs] == [parts.WORK]
        assert parts.queue(Lane.SENDING).count == parts.queue(Lane.BACKGROUND).count == 0
    works.drain(Lane.URGENT)
    with works.app.app_context():
        queue.client.flushall()
        housekeeping.look_for_lost_bells()
        assert parts.queue(Lane.URGENT).count == 0
    works.gather(1)
    works.start()
    with works.app.app_context():
        queue.client.flushall()
        housekeeping.look_for_lost_bells()
        assert parts.queue(Lane.SENDING).count == 1


def test_no_address_is_ever_given_to_the_queue_server(works: Works, queue: QueueServer, smtp_sink: SmtpSink) -> None:
    works.post("kanariefugl@canary.example")
    works.work(Lane.URGENT)
    works.gather(3)
    works.start()
    with works.app.app_context():
        housekeeping.look_for_lost_bells()
    kept = queue.contents()
    assert any(b"listkeeper.jobs.lanes.work" in value for value in kept), "nothing was read, so nothing is proven"
    assert not [value for value in kept if b"@" in value or b"kanariefugl" in value]


def test_a_slice_that_was_too_short_rings_for_the_rest(
    works: Works, queue: QueueServer, smtp_sink: SmtpSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        works.post(f"guest-{number}@guest.example")
    monkeypatch.setattr(lanes, "SLICE_SECONDS", 0.0)
    queue.client.flushall()
    works.work(Lane.URGENT)
    with works.app.app_context():
        assert parts.queue(Lane.URGENT).count == 1
    monkeypatch.undo()
    works.work(Lane.URGENT)
    assert len(smtp_sink.messages) == 3


def test_many_facts_do_not_keep_mail_waiting(
    works: Works, smtp_sink: SmtpSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Deciding takes the whole slice; the mail that is due leaves all the same."""
    works.post("first@guest.example")
    with works.app.app_context():
        reactions.react(Lane.URGENT, time.monotonic() + 60)
    for number in range(3):
        works.post(f"guest-{number}@guest.example")
    monkeypatch.setattr(lanes, "SLICE_SECONDS", 1.0)
    decide = reactions.TOGETHER[signup.RECEIVED]

    def slowly(session: Session, numbers: list[int]) -> None:
        time.sleep(1.1)
        decide(session, numbers)

    monkeypatch.setitem(reactions.TOGETHER, signup.RECEIVED, slowly)
    works.work(Lane.URGENT)
    assert "first@guest.example" in recipients(smtp_sink)


# Facts and their reactions


def test_a_fact_that_cannot_be_reacted_to_is_parked_after_five_tries(works: Works, smtp_sink: SmtpSink) -> None:
    def misfortune(session: Session, _house: Cafe) -> None:
        outbox.write(session, confirmation.ASKED, 10**6, Lane.URGENT)
        outbox.write(session, "nobody.knows", 1, Lane.URGENT)

    works.write(misfortune)
    works.post()
    works.work(Lane.URGENT)
    assert recipients(smtp_sink) == {HER: 1}, "a bad fact kept a good one waiting"
    assert _tries(works) == [1, 1]
    works.work(Lane.URGENT, times=6)
    assert _tries(works) == [outbox.TRIES, outbox.TRIES]
    assert works.read(lambda session: outbox.waiting(session, Lane.URGENT)) == []


def _tries(works: Works) -> list[int]:
    return works.read(lambda session: list(session.scalars(select(Fact.tries).where(Fact.reacted_at.is_(None)))))


def test_more_bad_facts_than_one_look_takes_do_not_hide_the_good_one(works: Works, smtp_sink: SmtpSink) -> None:
    def misfortune(session: Session, _house: Cafe) -> None:
        for number in range(120):
            outbox.write(session, confirmation.ASKED, 10**6 + number, Lane.URGENT)

    works.write(misfortune)
    works.post()
    with works.app.app_context():
        assert not reactions.react(Lane.URGENT, time.monotonic() + 60)
    works.work(Lane.URGENT)
    assert recipients(smtp_sink) == {HER: 1}


def test_a_busy_database_costs_no_try(works: Works, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(_session: Session, _numbers: list[int]) -> None:
        raise TryAgain("database_unavailable", "The database is busy.")

    monkeypatch.setitem(reactions.TOGETHER, signup.RECEIVED, away)
    works.post()
    for _ in range(7):
        with pytest.raises(TryAgain):
            works.work(Lane.URGENT)
    assert _tries(works) == [0]


def test_a_doubled_job_doubles_nothing(works: Works, smtp_sink: SmtpSink) -> None:
    works.post()
    works.work(Lane.URGENT, times=3)
    works.write(lambda session, _house: session.execute(update(Fact).values(reacted_at=None, tries=0)))
    works.work(Lane.URGENT, times=3)
    assert recipients(smtp_sink) == {HER: 1}
    assert works.read(lambda session: session.scalars(select(Signup.decision)).all()) == [SignupDecision.ASKED]


def test_a_bell_of_another_lane_is_not_swallowed(
    works: Works, queue: QueueServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def elsewhere(session: Session, _numbers: list[int]) -> None:
        outbox.write(session, "campaign.started", 1, Lane.SENDING)

    monkeypatch.setitem(reactions.TOGETHER, signup.RECEIVED, elsewhere)
    works.post()
    queue.client.flushall()
    with works.app.app_context():
        reactions.react(Lane.URGENT, time.monotonic() + 60)
        assert (parts.queue(Lane.URGENT).count, parts.queue(Lane.SENDING).count) == (0, 1)


def test_suppressions_that_come_meanwhile_wait_for_their_own_bell(
    works: Works, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hundreds leave in a second: one look for each bell, and not one for every two or three of them."""
    rounds: list[int] = []
    write_all = reactions.TOGETHER[suppression.ADDED]

    def meanwhile(session: Session, numbers: list[int]) -> None:
        rounds.append(len(numbers))
        write_all(session, numbers)
        # As another process does at this very moment.
        outbox.write(session, suppression.ADDED, 4711, Lane.URGENT)

    works.write(lambda session, _house: outbox.write_all(session, suppression.ADDED, [1, 2, 3], Lane.URGENT))
    monkeypatch.setitem(reactions.TOGETHER, suppression.ADDED, meanwhile)
    with works.app.app_context():
        assert not reactions.react(Lane.URGENT, time.monotonic() + 60)
        assert rounds == [3]
        monkeypatch.undo()
        assert not reactions.react(Lane.URGENT, time.monotonic() + 60)
    assert works.read(lambda session: outbox.waiting(session, Lane.URGENT)) == []

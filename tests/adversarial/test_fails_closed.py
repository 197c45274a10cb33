"""Cases 41 and 42: what a line cannot carry, and what breaks around the gate: no hand-over, and never a second one."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from rq.job import Job
from sqlalchemy import delete, text
from sqlalchemy.exc import DBAPIError, InvalidRequestError
from sqlalchemy.orm import Session

from listkeeper import parts
from listkeeper.audience.handover import RefusalCode
from listkeeper.audience.proof.ledger import LedgerHead
from listkeeper.foundation.outbox import Lane
from listkeeper.jobs import housekeeping, identity, lanes, sending, worker
from listkeeper.sending.delivery import DeliveryState
from tests.fakes import database_doors
from tests.fakes import smtp_sink as sink
from tests.fakes.at_once import at_once
from tests.fakes.databases import Database
from tests.fakes.queue_server import QueueServer
from tests.fakes.running_up import until
from tests.fakes.smtp_sink import SmtpSink
from tests.makers import cafe
from tests.makers.cafe import Cafe
from tests.makers.works import HER, Works, make_due, recipients

S = DeliveryState
NORDIC = "frøja@guest.example"


# Case 41


@pytest.fixture(params=["ascii only", "smtputf8"])
def smtp_sink(request: pytest.FixtureRequest) -> Iterator[SmtpSink]:
    """A mail server that carries ASCII addresses only, or others too; tests that do not say get the usual one."""
    with sink.running(smtputf8=request.param == "smtputf8") as running:
        yield running


_USUAL = pytest.mark.parametrize("smtp_sink", ["smtputf8"], indirect=True)


def _spell(session: Session, house: Cafe) -> None:
    """Let her address be what no form takes and an import might bring."""
    cafe.subscribe(session, house, HER).email_send = NORDIC


def test_case_41_an_address_the_line_cannot_carry(
    works: Works, smtp_sink: SmtpSink, request: pytest.FixtureRequest
) -> None:
    carries = "smtputf8" in request.node.callspec.params["smtp_sink"]
    works.gather(3)
    works.write(_spell)
    letter = works.start()
    works.drain()
    told = works.progress(letter)
    said = [argument for step, argument in smtp_sink.commands if step in {"MAIL", "RCPT"}]
    if carries:
        # It is the line that refuses her, not a rule of ours: one that can say her address says it, and says how.
        assert (told.sent, told.failed, told.skipped) == (4, 0, 0)
        assert [argument for argument in said if "guest.example" in argument] == [f"TO:<{NORDIC}>"]
        assert len([argument for argument in said if "SMTPUTF8" in argument.upper().split()]) == 1
        return
    assert told.skipped_because == {RefusalCode.NO_SMTPUTF8: 1}
    assert (told.sent, told.skipped) == (3, 1)
    # Not one command speaks of her, and no mangled spelling of her address was tried either.
    assert len([argument for step, argument in smtp_sink.commands if step == "DATA"]) == 3
    assert sorted(recipients(smtp_sink)) == [f"person-{number}@crowd.example" for number in (1, 2, 3)]
    assert not any("guest.example" in argument or "SMTPUTF8" in argument.upper() for argument in said)
    [row] = [row for row in works.deliveries() if row.refusal_code]
    assert (row.state, row.attempts, row.handed_at) == (S.REFUSED, 0, None)


# Case 42


def _wreck(session: Session, _house: Cafe) -> None:
    """Put a word into the database that no program of ours ever wrote: the gate meets an exception."""
    session.execute(text("UPDATE subscription SET state = 'martian' WHERE id = (SELECT max(id) FROM subscription)"))


def _mend(session: Session, _house: Cafe) -> None:
    session.execute(text("UPDATE subscription SET state = 'confirmed' WHERE state = 'martian'"))


def _let_go(session: Session, _house: Cafe) -> None:
    """Let the leases of whoever failed run out."""
    session.execute(text("UPDATE delivery SET lease_until = due_at"))


@_USUAL
def test_case_42_an_exception_in_the_gate_hands_nothing_over(works: Works, smtp_sink: SmtpSink) -> None:
    works.gather(5)
    letter = works.start()
    works.write(_wreck)
    for _ in range(3):
        with pytest.raises((LookupError, DBAPIError, InvalidRequestError)):
            works.work(Lane.SENDING)
        works.write(_let_go)
        with works.app.app_context():
            housekeeping.settle_left_behind()
    assert smtp_sink.messages == []
    assert {row.handed_at for row in works.deliveries()} == {None}
    works.write(_mend)
    works.write(make_due)
    works.drain()
    assert works.progress(letter).sent == 5
    assert set(recipients(smtp_sink).values()) == {1}


@_USUAL
def test_case_42_a_gate_without_its_ledger_refuses(works: Works, smtp_sink: SmtpSink) -> None:
    works.gather(1)
    works.write(lambda session, house: cafe.subscribe(session, house, HER))
    letter = works.start()
    works.write(lambda session, _house: session.execute(delete(LedgerHead)))
    works.drain()
    assert works.progress(letter).sent == 0
    assert {row.refusal_code for row in works.deliveries() if row.campaign_id} == {RefusalCode.NO_BASIS}
    assert smtp_sink.messages == []


@_USUAL
def test_case_42_a_database_that_refuses_the_mark(works: Works, smtp_sink: SmtpSink, database: Database) -> None:
    """The gate has said yes, and "handed" cannot be written: then it was no yes."""
    works.gather(4)
    letter = works.start()
    with database_doors.shut(database, "UPDATE", "delivery"):
        for _ in range(3):
            with pytest.raises(DBAPIError):
                works.work(Lane.SENDING)
    assert smtp_sink.commands == [] or not any(step == "MAIL" for step, _ in smtp_sink.commands)
    works.drain()
    assert works.progress(letter).sent == 4
    assert set(recipients(smtp_sink).values()) == {1}


@_USUAL
def test_case_42_a_database_lost_after_the_hand_over(
    works: Works, smtp_sink: SmtpSink, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server has taken the letters and nothing can be written any more: in doubt, listed, never sent again."""
    works.gather(3)
    letter = works.start()
    smtp_sink.script("CONTENT", "250 taken", delay=0.2)
    died: list[BaseException] = []

    def work() -> None:
        try:
            works.work(Lane.SENDING)
        except DBAPIError as problem:
            died.append(problem)

    at_work = threading.Thread(target=work)
    at_work.start()
    until(lambda: len(smtp_sink.messages) >= 1)
    with database_doors.shut(database, "UPDATE", "delivery"):
        at_work.join(30)
    assert len(died) == 1
    taken = recipients(smtp_sink)
    # The worker that knew is gone.
    monkeypatch.setattr(identity, "is_dead", lambda _name: True)
    works.write(_let_go)
    for _ in range(3):
        with works.app.app_context():
            housekeeping.settle_left_behind()
        works.write(make_due)
        works.drain()
    assert recipients(smtp_sink) == taken
    assert set(taken.values()) == {1}
    told = works.progress(letter)
    assert (told.sent, set(told.in_doubt)) == (0, {f"person-{number}@crowd.example" for number in (1, 2, 3)})


def _jobs(works: Works) -> list[str | None]:
    with works.app.app_context():
        return [job.func_name for job in parts.queue(Lane.SENDING).jobs]


def _burst(works: Works) -> None:
    """Let a real worker of the queue take all that waits there."""
    with works.app.app_context():
        taker = worker.LaneWorker([Lane.SENDING], works.app.app_context, parts.queue_server())
        taker.work(burst=True, logging_level=None)


@_USUAL
def test_case_42_a_queue_server_that_forgot_everything(works: Works, smtp_sink: SmtpSink, queue: QueueServer) -> None:
    works.gather(5)
    letter = works.start()
    assert _jobs(works) == [parts.WORK]
    queue.client.flushall()
    _burst(works)
    assert smtp_sink.messages == []
    with works.app.app_context():
        housekeeping.look_for_lost_bells()
    assert _jobs(works) == [parts.WORK]
    _burst(works)
    assert works.progress(letter).sent == 5
    queue.client.flushall()
    with works.app.app_context():
        housekeeping.look_for_lost_bells()
    _burst(works)
    assert set(recipients(smtp_sink).values()) == {1}


@_USUAL
def test_case_42_a_job_tried_three_times_and_by_three_at_once(
    works: Works, smtp_sink: SmtpSink, queue: QueueServer
) -> None:
    works.gather(12)
    letter = works.start()
    queue.client.flushall()
    with works.app.app_context():
        lane = parts.queue(Lane.SENDING)
        # Past the mark that keeps a job from waiting twice, as a retry does.
        again = [lane.enqueue(parts.WORK, Lane.SENDING.value) for _ in range(3)]
    _burst(works)
    with works.app.app_context():
        assert all(Job.fetch(job.id, connection=lane.connection, serializer=lane.serializer) for job in again)

    def work(_number: int) -> None:
        with works.app.app_context():
            lanes.work(Lane.SENDING.value)

    at_once(3, work)
    works.drain()
    assert works.progress(letter).sent == 12
    assert set(recipients(smtp_sink).values()) == {1}
    second = works.start("And another")
    at_once(3, work)
    works.drain()
    assert works.progress(second).sent == 12
    assert set(recipients(smtp_sink).values()) == {2}
    assert not sending.draining.is_set()

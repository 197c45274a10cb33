"""What stands still is told: by the timetable itself, to the owners by mail, in the log, and until it is over."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from rq.cron import CronScheduler
from sqlalchemy.orm import Session

from listkeeper import parts
from listkeeper.foundation import clock, disk, log
from listkeeper.foundation.errors import TryAgain
from listkeeper.foundation.outbox import Lane
from listkeeper.jobs import rounds, shift, timetable, watching
from listkeeper.jobs.worker import LaneWorker
from listkeeper.sending import batch, incident, watch
from listkeeper.sending.delivery import Delivery, DeliveryState
from listkeeper.sending.handing_over.transport import Accepted, InDoubt, Reply
from listkeeper.sending.incident import Incident, IncidentKind
from listkeeper.settings import Settings
from tests.fakes.queue_server import QueueServer
from tests.fakes.smtp_sink import SmtpSink
from tests.makers.cafe import Cafe
from tests.makers.works import Works, recipients

K, S = IncidentKind, DeliveryState
MB = 1_000_000


@pytest.fixture(autouse=True)
def _fresh_eyes(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Look as a process does that has just been started."""
    monkeypatch.setattr(watching, "_memory", watch.Memory())
    monkeypatch.setattr(watching, "_had_room", [True])
    disk.forget()
    yield
    disk.forget()


@pytest.fixture
def room(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many megabytes the disk has left, to be changed."""
    left = [50_000]
    monkeypatch.setattr(disk, "free", lambda _folder: left[0] * MB)
    return left


def _look(works: Works) -> None:
    with works.app.app_context():
        watching.look()


def _standing(works: Works) -> list[IncidentKind]:
    return works.read(lambda session: [row.kind for row in incident.standing(session)])


def _kept(sink: SmtpSink, address: str) -> list[str]:
    return [kept.content.decode() for kept in sink.messages if address in kept.rcpt_tos]


def _birth(works: Works, queue: QueueServer) -> LaneWorker:
    worker = LaneWorker(tuple(Lane), works.app.app_context, queue.client)
    worker.register_birth()
    return worker


# The owners


def test_the_owners_hear_of_it_once_and_that_it_is_over(
    works: Works, smtp_sink: SmtpSink, queue: QueueServer, room: list[int]
) -> None:
    _birth(works, queue)
    room[0] = 900
    for _ in range(3):
        _look(works)
    assert _standing(works) == [K.DISK_LOW]
    works.drain(Lane.URGENT)
    [said] = _kept(smtp_sink, "owner@cafe.example")
    assert "Subject: Your mail does not leave as it should" in said
    assert "900 MB are free" in said
    assert "http://localhost:8025/studio/queue" in said.replace("=\r\n", "")
    assert "Auto-Submitted: auto-generated" in said
    room[0] = 50_000
    _look(works)
    assert _standing(works) == []
    works.drain(Lane.URGENT)
    assert sum(recipients(smtp_sink).values()) == 1


def test_word_that_comes_late_says_that_it_is_over(
    works: Works, smtp_sink: SmtpSink, queue: QueueServer, room: list[int]
) -> None:
    """The mail about mail that does not leave does not leave either, until it does."""
    _birth(works, queue)
    room[0] = 1
    _look(works)
    assert _standing(works) == [K.DISK_FULL]
    room[0] = 50_000
    _look(works)
    works.drain(Lane.URGENT)
    [said] = _kept(smtp_sink, "owner@cafe.example")
    assert "Subject: It is over" in said


def test_without_a_worker_an_incident_stands_until_one_comes(works: Works, queue: QueueServer) -> None:
    _look(works)
    assert _standing(works) == []
    watching._memory.since[K.NO_WORKER] -= timedelta(minutes=1)  # noqa: SLF001 - a minute passes
    _look(works)
    assert _standing(works) == [K.NO_WORKER]
    _birth(works, queue)
    _look(works)
    assert _standing(works) == []


def test_a_queue_server_that_is_away_hides_no_late_confirmation(works: Works) -> None:
    def ask_long_ago(session: Session, house: Cafe) -> None:
        session.add(
            Delivery(
                organisation_id=house.organisation.id, message_class="doi", lane=Lane.URGENT, occasion="x",
                due_at=clock.now() - timedelta(minutes=5),
            )
        )  # fmt: skip

    works.write(ask_long_ago)
    _look(works)
    watching._memory.since[K.CONFIRMATIONS_LATE] -= timedelta(minutes=1)  # noqa: SLF001 - a minute passes
    _look(works)
    assert _standing(works) == [K.CONFIRMATIONS_LATE]


# The disk


def test_a_full_disk_stops_sending_before_it_lies(
    works: Works, smtp_sink: SmtpSink, room: list[int], settings: Settings
) -> None:
    works.gather(5)
    letter = works.start()
    room[0] = 199
    works.work(Lane.SENDING, times=3)
    rows = works.deliveries()
    if settings.database_url is not None:
        assert {row.state for row in rows} == {S.ACCEPTED}, "the disk of another server is not ours to measure"
        return
    assert {(row.state, row.worker, row.attempts) for row in rows} == {(S.QUEUED, None, 0)}
    assert smtp_sink.messages == []
    assert _standing(works) == [K.DISK_FULL]
    [said] = works.progress(letter).standing_still
    assert "199 MB are free, and 200 MB are needed" in said
    room[0] = 200
    works.drain()
    assert works.progress(letter).sent == 5
    assert _standing(works) == []
    assert set(recipients(smtp_sink).values()) == {1}


def test_a_disk_that_takes_not_even_the_incident_still_stops_sending(
    works: Works, room: list[int], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    if settings.database_url is not None:
        return

    def refuse(*_anything: object) -> Incident:
        raise TryAgain("database_unavailable", "The disk is full.")

    monkeypatch.setattr(incident, "report", refuse)
    room[0] = 0
    with works.app.app_context():
        assert [watching.has_room(), watching.has_room()] == [False, False]
    room[0] = 300
    with works.app.app_context():
        assert watching.has_room()


# The timetable


def _own_rounds(monkeypatch: pytest.MonkeyPatch, looked: list[str]) -> list[rounds.OwnRound]:
    def break_down() -> None:
        looked.append("count")
        raise ValueError("a fault")

    monkeypatch.setattr(watching, "count", break_down)
    monkeypatch.setattr(watching, "look", lambda: looked.append("look"))
    return [rounds.OwnRound(queue_name="x", func_name=name, interval=60) for name, _seconds in timetable.OWN]


def test_the_timetable_looks_by_itself_and_survives_a_bad_round(works: Works, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no queue server here: nobody would take a job, and the look is taken all the same, once a minute."""
    looked: list[str] = []
    scheduler = CronScheduler(connection=parts.queue_server())
    scheduler.get_jobs().extend(_own_rounds(monkeypatch, looked))
    with works.app.app_context():
        assert [rounds._keep(scheduler), rounds._keep(scheduler)] == [False, False]  # noqa: SLF001
    assert looked == ["count", "look"]


def test_what_is_watched_is_no_job_for_a_worker() -> None:
    jobs = {name for name, _seconds, _lane in timetable.TABLE}
    assert {name for name, _seconds in timetable.OWN}.isdisjoint(jobs)
    assert max(seconds for _name, seconds in timetable.OWN) <= 60


# The log


def _logged(capfd: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capfd.readouterr().err.splitlines() if line.startswith("{")]


def test_each_job_that_handed_mail_over_says_so_in_one_line(
    works: Works, smtp_sink: SmtpSink, capfd: pytest.CaptureFixture[str]
) -> None:
    # As LISTKEEPER_LOG_JSON asks for.
    log.configure("DEBUG", as_json=True)
    works.gather(40)
    works.start()
    smtp_sink.script("RCPT", "550 5.1.1 nobody", to="person-2@")
    smtp_sink.script("RCPT", "451 4.7.1 greylisted", to="person-4@", times=1)
    works.leave(7)
    works.work(Lane.SENDING)
    works.work(Lane.SENDING)
    said = _logged(capfd)
    [worked] = [line for line in said if line["event"] == "lane.worked"]
    expected = {"lane": "sending", "mails": 40, "accepted": 37, "failed": 1, "deferred": 1, "not_granted": 1}
    assert expected.items() <= worked.items()
    assert (worked["level"], type(worked["seconds"])) == ("info", float)
    windows = [line for line in said if line["event"] == "window.settled"]
    assert {line["level"] for line in windows} == {"debug"}
    assert [line["mails"] for line in windows] == [batch.WINDOW, 40 - batch.WINDOW]
    assert worked["windows"] == len(windows)
    assert "@" not in str(said)


def test_a_shift_without_mail_says_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    log.configure("DEBUG", as_json=True)
    with shift.on(Lane.SENDING):
        pass
    assert _logged(capfd) == []
    with shift.on(Lane.SENDING):
        shift.settled(4, {1: Accepted(Reply(250, "ok")), 2: None, 3: InDoubt("lost")}, begun=0.0)
    window, worked = _logged(capfd)
    assert (window["event"], worked["event"]) == ("window.settled", "lane.worked")
    assert [worked[name] for name in ("accepted", "not_begun", "in_doubt", "not_granted")] == [1, 1, 1, 1]

"""Mail servers and messages in trouble: what waits, what fails, what is in doubt, and that nobody gets it twice.

Every test runs on both databases, through the real jobs, with a real mail server on loopback.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, func, select
from sqlalchemy.orm import Session

from listkeeper import store
from listkeeper.audience import suppression
from listkeeper.audience.handover import RefusalCode
from listkeeper.campaigns.campaign import CampaignState
from listkeeper.foundation import clock
from listkeeper.foundation.outbox import Lane
from listkeeper.jobs import handing, housekeeping, lines
from listkeeper.jobs.handing import Said
from listkeeper.rendering.content import Reader
from listkeeper.rendering.mime_slots import Cut
from listkeeper.sending import incident
from listkeeper.sending.delivery import DeliveryState
from listkeeper.sending.envelope import Envelope
from listkeeper.sending.handing_over.smtp_lines import SmtpLines
from listkeeper.sending.handing_over.transport import Outcome
from listkeeper.sending.prepared import Ready
from tests.fakes.smtp_sink import DROP, SmtpSink
from tests.makers import cafe
from tests.makers.cafe import Cafe
from tests.makers.works import HER, Works, make_due, recipients

S = DeliveryState


# Servers in trouble


def test_when_the_mail_server_is_away_all_waits_and_the_reason_is_told(works: Works, smtp_sink: SmtpSink) -> None:
    works.gather(5)
    letter = works.start()
    smtp_sink.script("BANNER", "421 4.3.2 not now")
    before = clock.now()
    works.work(Lane.SENDING, times=2)
    said = works.progress(letter)
    assert (said.state, said.waiting, said.sent) == (CampaignState.SENDING, 5, 0)
    assert said.standing_still == (f"The mail server at 127.0.0.1:{smtp_sink.port} does not answer as it should.",)
    rows = works.deliveries()
    assert {(row.state, row.attempts, row.worker) for row in rows} == {(S.QUEUED, 0, None)}
    assert min(row.due_at for row in rows) >= before + timedelta(seconds=30)
    smtp_sink.forget()
    works.write(make_due)
    works.drain()
    said = works.progress(letter)
    assert (said.state, said.sent, said.standing_still) == (CampaignState.FINISHED, 5, ())
    assert works.read(incident.standing) == []
    assert works.read(lambda session: session.scalar(select(func.count()).select_from(incident.Incident))) == 1


def test_a_server_lost_in_the_middle_leaves_the_rest_waiting(works: Works, smtp_sink: SmtpSink) -> None:
    works.gather(10)
    letter = works.start()
    with works.app.app_context():
        # The line is open before the server begins to turn callers away.
        lines.look()
    dropped = smtp_sink.script("RCPT", DROP, to="person-4@", times=1)
    closed = smtp_sink.script("BANNER", "421 4.3.2 closing")
    works.work(Lane.SENDING)
    assert (dropped.used, closed.used) == (1, 1)
    # The fourth was announced behind the third, and nothing of it had left: it waits like the others, and no attempt
    # counts. On a machine that stood still meanwhile it stood alone, and counts.
    states = Counter(row.state for row in works.deliveries())
    assert states in ({S.ACCEPTED: 3, S.QUEUED: 7}, {S.ACCEPTED: 3, S.DEFERRED: 1, S.QUEUED: 6})
    assert {row.attempts for row in works.deliveries() if row.state is S.QUEUED} == {0}
    assert works.progress(letter).standing_still != ()
    closed.left = 0
    works.write(make_due)
    works.drain()
    assert works.progress(letter).sent == 10
    assert set(recipients(smtp_sink).values()) == {1}


def test_what_a_line_can_carry_is_asked_of_an_open_one(works: Works, smtp_sink: SmtpSink) -> None:
    """The server hangs up after the last letter of a window; the next window is not judged by a line that is gone."""
    works.gather(33)
    works.write(_spell_in_nordic)
    letter = works.start()
    smtp_sink.script("CONTENT", "421 4.3.2 closing", to="person-32@", times=1)
    works.drain()
    assert RefusalCode.NO_SMTPUTF8 not in works.progress(letter).skipped_because


def _spell_in_nordic(session: Session, house: Cafe) -> None:
    cafe.subscribe(session, house, HER).email_send = "frøja@guest.example"


def test_doubts_are_listed_and_never_sent_again(works: Works, smtp_sink: SmtpSink) -> None:
    works.gather(10)
    letter = works.start()
    smtp_sink.script("CONTENT", DROP, to="person-3@", times=1)
    smtp_sink.script("CONTENT", DROP, to="person-7@", times=1)
    works.drain()
    with works.app.app_context():
        housekeeping.settle_left_behind()
        housekeeping.look_for_lost_bells()
    works.drain()
    said = works.progress(letter)
    assert (said.state, said.sent, said.in_doubt) == (
        CampaignState.FINISHED, 8, ("person-3@crowd.example", "person-7@crowd.example"),
    )  # fmt: skip
    assert len(smtp_sink.unanswered) == 2
    assert set(recipients(smtp_sink).values()) == {1}


def test_answers_of_every_kind_are_kept_apart(works: Works, smtp_sink: SmtpSink) -> None:
    works.gather(10)
    letter = works.start()
    smtp_sink.script("RCPT", "550 5.1.1 nobody", to="person-2@")
    smtp_sink.script("CONTENT", "554 5.7.1 no such letters", to="person-3@")
    smtp_sink.script("RCPT", "451 4.7.1 greylisted", to="person-4@", times=1)
    works.drain()
    said = works.progress(letter)
    assert (said.state, said.sent, said.failed, said.deferred) == (CampaignState.SENDING, 7, 2, 1)
    works.write(make_due)
    works.drain()
    said = works.progress(letter)
    assert (said.state, said.sent, said.failed, said.deferred) == (CampaignState.FINISHED, 8, 2, 0)
    # A receiver's no to one letter is no reason to forget the person (field F36).
    assert works.read(lambda session: session.scalars(select(suppression.Suppression)).all()) == []


def test_a_slow_server_gets_everybody_once(works: Works, smtp_sink: SmtpSink) -> None:
    """A grant lives one second: a window that takes longer is asked about again, and nobody is written to twice."""
    works.gather(12)
    letter = works.start()
    smtp_sink.script("CONTENT", "250 slowly", delay=0.3)
    works.drain()
    said = works.progress(letter)
    assert (said.state, said.sent) == (CampaignState.FINISHED, 12)
    assert set(recipients(smtp_sink).values()) == {1}
    assert {row.attempts for row in works.deliveries()} == {1}


def test_a_message_that_cannot_be_written_takes_no_answer_with_it(
    works: Works, smtp_sink: SmtpSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    works.gather(10)
    letter = works.start()
    write = Cut.write

    def broken(self: Cut, reader: Reader, **own: Any) -> bytes:  # noqa: ANN401 - as in Cut.write
        if reader.address == "person-5@crowd.example":
            raise KeyError("a fault of ours")
        return write(self, reader, **own)

    monkeypatch.setattr(Cut, "write", broken)
    works.drain()
    said = works.progress(letter)
    assert (said.sent, said.deferred, said.in_doubt) == (9, 1, ())
    monkeypatch.undo()
    works.write(make_due)
    works.drain()
    assert works.progress(letter).sent == 10
    assert set(recipients(smtp_sink).values()) == {1}


def test_no_transaction_is_open_and_nothing_is_asked_while_the_server_is_spoken_to(
    works: Works, monkeypatch: pytest.MonkeyPatch
) -> None:
    works.gather(3)
    works.start()
    works.post()
    speaking, asked, handed = threading.Event(), [], []
    hand_over_each = SmtpLines.hand_over_each

    def watched(self: SmtpLines, sealed: Iterator[Envelope]) -> Iterator[tuple[int, Outcome | None]]:
        for found in hand_over_each(self, sealed):
            assert not store.database.session().in_transaction()
            handed.append(found[0])
            yield found

    def sealing(ready: Sequence[Ready], said: Said) -> Iterator[Envelope]:
        speaking.set()
        try:
            yield from plain(ready, said)
        finally:
            speaking.clear()

    plain = handing._sealed  # noqa: SLF001
    monkeypatch.setattr(SmtpLines, "hand_over_each", watched)
    monkeypatch.setattr(handing, "_sealed", sealing)
    with works.app.app_context():
        engine = store.database.engine

    def hear(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if speaking.is_set():
            asked.append(statement)

    event.listen(engine, "before_cursor_execute", hear)
    works.work(Lane.URGENT)
    works.drain()
    event.remove(engine, "before_cursor_execute", hear)
    assert len(handed) == 4
    assert asked == []

"""The first message of a letter as a worker deals with it: alone, read, and only then the others."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy.orm import Session

from listkeeper.campaigns.campaign import Campaign, CampaignState
from listkeeper.foundation.outbox import Lane
from listkeeper.jobs import firsts, handing
from listkeeper.sending import first_message
from listkeeper.sending.delivery import DeliveryState
from listkeeper.sending.first_message import First, Verdict
from tests.fakes.smtp_sink import SmtpSink
from tests.makers.works import Works, make_due, recipients

S = DeliveryState


@pytest.fixture(autouse=True)
def _fresh_worker() -> Iterator[None]:
    """Let the worker know of no letter that was read: the next test has another one of the same number."""
    firsts.forget()
    yield
    firsts.forget()


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many mails each window held that was handed over."""
    held: list[int] = []
    record = handing.record

    def count(said: handing.Said) -> None:
        held.extend([len(said.outcomes)] if said.outcomes else [])
        record(said)

    monkeypatch.setattr(handing, "record", count)
    return held


def _letter(works: Works, number: int) -> tuple[CampaignState, str]:
    def look(session: Session) -> tuple[CampaignState, str]:
        found = session.get_one(Campaign, number)
        return found.state, (found.first_message or {}).get("verdict", "")

    return works.read(look)


def test_one_leaves_alone_and_is_read_before_the_others_follow(
    works: Works, smtp_sink: SmtpSink, windows: list[int]
) -> None:
    works.gather(8)
    letter = works.start(was_read=False)
    works.drain()
    assert recipients(smtp_sink).total() == len(recipients(smtp_sink)) == 8
    assert windows[0] == 1
    assert sum(windows) == 8
    # Nobody signs for the café here, and that is no fault of the letter.
    assert _letter(works, letter) == (CampaignState.FINISHED, First.UNSIGNED)


def test_a_first_message_that_is_wrong_stops_the_letter_and_keeps_the_others_at_home(
    works: Works, smtp_sink: SmtpSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong(*_: object, **__: object) -> Verdict:
        return Verdict(First.WRONG, "the signature does not verify")

    monkeypatch.setattr(first_message, "judge", wrong)
    works.gather(8)
    letter = works.start(was_read=False)
    works.drain()
    assert len(smtp_sink.messages) == 1
    assert _letter(works, letter) == (CampaignState.PAUSED, First.WRONG)
    assert sorted(row.state for row in works.deliveries()) == [S.ACCEPTED, *[S.QUEUED] * 7]
    assert {row.worker for row in works.deliveries() if row.state is S.QUEUED} == {None}


def test_while_another_worker_reads_it_the_others_wait(works: Works, smtp_sink: SmtpSink) -> None:
    works.gather(8)
    letter = works.start(was_read=False)
    works.write(lambda session, _house: first_message.take_up(session, letter, "elsewhere:1:0"))
    works.work(Lane.SENDING)
    assert smtp_sink.messages == []
    assert {(row.state, row.worker) for row in works.deliveries()} == {(S.QUEUED, None)}
    works.write(lambda session, _house: first_message.keep(session, letter, Verdict(First.RIGHT, "")))
    works.write(make_due)
    works.drain()
    assert len(smtp_sink.messages) == 8


def test_whoever_is_not_taken_is_followed_by_the_next(works: Works, smtp_sink: SmtpSink, windows: list[int]) -> None:
    smtp_sink.script("RCPT", "550 5.1.1 nobody", to="person-1@")
    smtp_sink.script("RCPT", "550 5.1.1 nobody", to="person-2@")
    works.gather(8)
    letter = works.start(was_read=False)
    works.drain()
    assert windows[:3] == [1, 1, 1]
    assert len(smtp_sink.messages) == 6
    assert _letter(works, letter) == (CampaignState.FINISHED, First.UNSIGNED)

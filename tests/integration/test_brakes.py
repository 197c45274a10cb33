"""A letter to a bad list stops within a second, not at the timetable's next round; a healthy one is left alone."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session

from listkeeper.campaigns.campaign import Campaign, CampaignState
from listkeeper.foundation.outbox import Lane
from listkeeper.jobs import brakes, steering
from listkeeper.sending.delivery import DeliveryState
from listkeeper.sending.halt import HaltCode
from listkeeper.sending.steering import resume
from tests.fakes.queue_server import QueueServer
from tests.fakes.smtp_sink import SmtpSink
from tests.makers import crowd, multitude
from tests.makers.works import Works

S = DeliveryState
NOBODY = "550 5.1.1 There is nobody of that name here"


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Which letters a worker looked at, in order."""
    seen: list[int] = []
    really = steering.look_at

    def look_at(number: int) -> int:
        seen.append(number)
        return really(number)

    monkeypatch.setattr(steering, "look_at", look_at)
    return seen


def _letter(works: Works, number: int) -> tuple[CampaignState, str | None]:
    def look(session: Session) -> tuple[CampaignState, str | None]:
        letter = session.get_one(Campaign, number)
        return letter.state, (letter.halted or {}).get("code")

    return works.read(look)


def _count(works: Works, state: DeliveryState) -> int:
    return sum(row.state is state for row in works.deliveries())


@pytest.mark.usefixtures("queue")
def test_a_letter_to_nobody_stops_at_the_end_of_its_first_block(works: Works, smtp_sink: SmtpSink) -> None:
    works.write(lambda session, house: multitude.gather(session, house, 900))
    smtp_sink.script("RCPT", NOBODY)
    letter = works.start()
    works.drain()
    assert _letter(works, letter) == (CampaignState.PAUSED, HaltCode.PERMANENT.value)
    # One block of a worker, and nobody waited for the timetable.
    assert 26 <= _count(works, S.FAILED) <= 200
    assert smtp_sink.messages == []


def test_a_healthy_letter_is_looked_at_once(
    queue: QueueServer, works: Works, smtp_sink: SmtpSink, looks: list[int]
) -> None:
    works.write(lambda session, house: multitude.gather(session, house, 700))
    works.write(lambda session, house: crowd.gather(session, house, 12, domain="gone.example"))
    smtp_sink.script("RCPT", NOBODY, to="@gone.example")
    letter = works.start()
    works.drain()
    assert _letter(works, letter) == (CampaignState.FINISHED, None)
    assert looks == [letter]
    # 700 and some are judged as they are: the 36th refusal of them would be too many.
    assert int(queue.client.get(f"listkeeper:brakes:{letter}") or 0) in range(24 - 12, 36)


@pytest.mark.usefixtures("queue")
def test_who_overrules_is_not_braked_again(works: Works, smtp_sink: SmtpSink, looks: list[int]) -> None:
    works.write(lambda session, house: multitude.gather(session, house, 450))
    smtp_sink.script("RCPT", NOBODY)
    letter = works.start()
    works.drain()
    assert _letter(works, letter)[0] is CampaignState.PAUSED
    works.write(lambda session, _house: resume(session, session.get_one(Campaign, letter)))
    works.drain()
    assert _letter(works, letter) == (CampaignState.FINISHED, None)
    assert _count(works, S.FAILED) == 450
    # Once to stop it, and once more if the rest took longer than a second.
    assert looks in ([letter], [letter, letter])


def test_no_two_looks_at_a_letter_within_a_second(
    queue: QueueServer, works: Works, smtp_sink: SmtpSink, looks: list[int]
) -> None:
    """However many workers find that it is time: one of them looks."""
    works.write(lambda session, house: multitude.gather(session, house, 300))
    smtp_sink.script("RCPT", NOBODY)
    letter = works.start()
    queue.client.set(f"listkeeper:brakes:{letter}:seen", 1)
    works.work(Lane.SENDING)
    assert looks == []
    assert _letter(works, letter)[0] is not CampaignState.PAUSED
    # It is not forgotten: the first who may look does, though nothing more was refused.
    queue.client.delete(f"listkeeper:brakes:{letter}:seen")
    with works.app.app_context():
        brakes.look()
    assert looks == [letter]


def test_without_a_queue_server_the_timetable_alone_looks(works: Works, smtp_sink: SmtpSink, looks: list[int]) -> None:
    works.gather(60)
    smtp_sink.script("RCPT", NOBODY)
    letter = works.start()
    works.drain()
    assert looks == []
    assert _count(works, S.FAILED) == 60
    assert _letter(works, letter)[0] is CampaignState.FINISHED

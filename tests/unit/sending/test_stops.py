"""When a letter stops by itself, and when it only warns: the published thresholds, at their edges."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.audience import complaint
from listkeeper.campaigns.campaign import Campaign, CampaignState
from listkeeper.deliverability.reply_class import ReplyClass
from listkeeper.foundation import clock, language
from listkeeper.sending import delivery, halt, outlook, planning, progress, steering, stops
from listkeeper.sending.delivery import Delivery, DeliveryState
from listkeeper.sending.halt import Figures, HaltCode
from listkeeper.sending.stops import Measured
from tests.makers import cafe, crowd

S = DeliveryState
C = CampaignState
NOBODY = (550, ReplyClass.INVALID_ADDRESS)
BLOCKED = (550, ReplyClass.POLICY)
README = Path(__file__).resolve().parents[3] / "README.md"


def _judged(*, outcomes: int = 0, permanent: int = 0, complaints: int = 0, recipients: int = 100_000) -> set[str]:
    measured = Measured(outcomes, outcomes - permanent, permanent, complaints, 0)
    return {f"{each.figures.code} {each.weight}" for each in stops.judge(measured, recipients)}


@pytest.mark.parametrize(
    ("outcomes", "permanent", "recipients", "said"),
    [
        # The first five hundred: more than 25 stop it, however early, and more than 10 warn.
        (30, 25, 100_000, {"permanent warns"}),
        (30, 26, 100_000, {"permanent stops"}),
        (500, 10, 100_000, set()),
        (500, 11, 100_000, {"permanent warns"}),
        (500, 25, 100_000, {"permanent warns"}),
        (500, 26, 100_000, {"permanent stops"}),
        # Later on it is the share of all.
        (10_000, 500, 100_000, {"permanent warns"}),
        (10_000, 501, 100_000, {"permanent stops"}),
        # A short letter is judged by its own length, but five bad addresses are nothing to stop for.
        (100, 5, 100, {"permanent warns"}),
        (100, 6, 100, {"permanent stops"}),
        (10, 5, 10, {"permanent warns"}),
        (0, 0, 100_000, set()),
    ],
)
def test_addresses_that_do_not_exist(outcomes: int, permanent: int, recipients: int, said: set[str]) -> None:
    assert _judged(outcomes=outcomes, permanent=permanent, recipients=recipients) == said


@pytest.mark.parametrize(
    ("outcomes", "permanent", "recipients", "room"),
    [
        (0, 0, 100_000, 26),
        (500, 20, 100_000, 6),
        (500, 25, 100_000, 1),
        (10_000, 100, 100_000, 401),
        # Five bad addresses stop nothing, however short the letter.
        (50, 3, 60, 3),
    ],
)
def test_sooner_than_after_so_many_refusals_nothing_is_passed(
    outcomes: int, permanent: int, recipients: int, room: int
) -> None:
    measured, letter = Measured(outcomes, outcomes - permanent, permanent, 0, 0), Campaign(recipients=recipients)
    assert stops.room(letter, measured) == room
    # Even if each of them is the very next.
    before = _judged(outcomes=outcomes + room - 1, permanent=permanent + room - 1, recipients=recipients)
    assert "permanent stops" not in before
    letter.overruled = [HaltCode.PERMANENT.value]
    assert stops.room(letter, measured) > recipients


@pytest.mark.parametrize(
    ("sent", "complaints", "said"),
    [
        (10_000, 9, set()),
        (10_000, 10, {"complaints warns"}),
        (10_000, 29, {"complaints warns"}),
        (10_000, 30, {"complaints stops"}),
        # One alone never stops anything.
        (200, 1, {"complaints warns"}),
        (200, 2, {"complaints stops"}),
    ],
)
def test_complaints(sent: int, complaints: int, said: set[str]) -> None:
    assert _judged(outcomes=sent, complaints=complaints) == said


def test_the_thresholds_are_those_that_are_published() -> None:
    told = " ".join(README.read_text(encoding="utf-8").split())
    for words in (
        f"more than {stops.PERMANENT_STOPS / 10:g} %", f"more than {stops.PERMANENT_WARNS / 10:g} %",
        f"{stops.COMPLAINTS_STOP / 10:g} %", f"{stops.COMPLAINTS_WARN / 10:g} %", f"{stops.DEFERRED_STOPS / 10:g} %",
        f"first {stops.FIRST}",
    ):  # fmt: skip
        assert words in told, words


# On a letter


@pytest.fixture
def letter(session: Session, frozen_clock: time_machine.Traveller) -> Campaign:
    """A letter on its way to a hundred people."""
    house = cafe.found(session)
    crowd.gather(session, house, 100)
    made = cafe.draft(session, house)
    planning.send_campaign(session, house.organisation, made, site="https://mail.cafe.example")
    session.commit()
    return made


def _fail(session: Session, count: int, code: int, said: ReplyClass) -> None:
    query = select(Delivery).where(Delivery.state == S.QUEUED).order_by(Delivery.id).limit(count)
    for row in session.scalars(query).all():
        row.state, row.reply_code, row.reply_class = S.FAILED, code, said
    session.commit()


def _look(session: Session, letter: Campaign) -> str | None:
    """Do what the timetable does: look first, and act only when there may be something to do."""
    found = delivery.counts(session, letter.id)
    happened = steering.act(session, letter) if steering.calls(session, letter, found) else None
    session.commit()
    return happened


def test_a_letter_to_addresses_that_do_not_exist_stops_and_says_why(session: Session, letter: Campaign) -> None:
    _fail(session, 5, *NOBODY)
    assert _look(session, letter) is None
    assert progress.report(session, letter).warnings == ("5 addresses do not exist (5%).",)
    _fail(session, 1, *NOBODY)
    assert _look(session, letter) == "campaign.paused"
    assert (letter.state, letter.halted) == (
        C.PAUSED, {"code": "permanent", "number": 6, "of": 100, "limit": 50},
    )  # fmt: skip
    said = outlook.sentence(letter, progress.report(session, letter), "UTC")
    assert said.startswith("It paused by itself: 6 addresses do not exist, which is 6%; more than 5%")
    assert _look(session, letter) is None


def test_who_overrules_is_not_asked_again_for_the_same_reason(session: Session, letter: Campaign) -> None:
    _fail(session, 10, *NOBODY)
    _look(session, letter)
    steering.resume(session, letter)
    session.commit()
    assert (letter.state, letter.halted, letter.overruled) == (C.SENDING, None, ["permanent"])
    _fail(session, 10, *NOBODY)
    assert _look(session, letter) is None
    # But for another reason it stops.
    for row in session.scalars(select(Delivery).where(Delivery.state == S.QUEUED)).all():
        row.state = S.ACCEPTED
    people = [row.subscriber_id for row in session.scalars(select(Delivery).where(Delivery.state == S.ACCEPTED))]
    for person in people[:2]:
        assert person is not None
        complaint.complain(session, person)
    session.commit()
    assert _look(session, letter) == "campaign.paused"
    assert letter.halted is not None
    assert (letter.halted["code"], letter.halted["number"]) == ("complaints", 2)


def test_the_fault_of_the_sender_stops_no_letter_here(session: Session, letter: Campaign) -> None:
    """Its receiver's queue is held instead, and no reader is to blame."""
    _fail(session, 60, *BLOCKED)
    assert _look(session, letter) is None
    assert progress.report(session, letter).warnings == ()


def test_only_complaints_of_those_who_got_it_and_since_it_began_count(session: Session, letter: Campaign) -> None:
    rows = list(session.scalars(select(Delivery).order_by(Delivery.id)))
    for row in rows[:50]:
        row.state = S.ACCEPTED
    for row in (rows[0], rows[60], rows[61]):
        assert row.subscriber_id is not None
        complaint.complain(session, row.subscriber_id)
    session.commit()
    assert stops.measure(session, letter).complaints == 1
    # The same person called an earlier letter so, before this one began.
    letter.started_at = clock.now() + timedelta(seconds=1)
    assert stops.measure(session, letter).complaints == 0


@pytest.mark.parametrize("code", HaltCode)
@pytest.mark.parametrize("spoken", language.LANGUAGES)
def test_every_reason_has_words_in_every_language(code: HaltCode, spoken: str) -> None:
    figures = Figures(code, 7, 100, 50)
    with language.using(spoken):
        said = halt.words(figures.as_json())
        assert "7" in said
        assert "%(" not in said + halt.warning(figures)
    assert halt.words({"code": "of another version"}) == "of another version"

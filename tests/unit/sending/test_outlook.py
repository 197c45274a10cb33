"""How fast a letter leaves and for how long still, and the one sentence that says what happens to it now."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
import time_machine
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from listkeeper.campaigns import schedule
from listkeeper.campaigns.campaign import Campaign, CampaignState
from listkeeper.campaigns.schedule import Leaving
from listkeeper.deliverability import sending_domain
from listkeeper.foundation import clock, language
from listkeeper.sending import delivery, incident, outlook, planning, progress
from listkeeper.sending.delivery import Delivery, DeliveryState
from listkeeper.sending.incident import IncidentKind
from listkeeper.sending.pacing import tempo, warmup
from listkeeper.sending.progress import PutOff
from tests.makers import cafe, multitude
from tests.makers.cafe import Cafe

S = DeliveryState
C = CampaignState
ZONE = "Europe/Copenhagen"
SITE = "https://mail.cafe.example"


@pytest.fixture
def house(session: Session) -> Cafe:
    """A café with three hundred people on its list."""
    made = cafe.found(session)
    multitude.gather(session, made, 300)
    return made


@pytest.fixture
def letter(session: Session, house: Cafe, frozen_clock: time_machine.Traveller) -> Campaign:
    """A letter on its way, at a moment that stands still."""
    made = cafe.draft(session, house)
    planning.send_campaign(session, house.organisation, made, site=SITE)
    session.commit()
    return made


def _settle(session: Session, count: int, state: DeliveryState = S.ACCEPTED, **values: object) -> None:
    """Let the next of those who wait come to this end."""
    rows = session.scalars(select(Delivery).where(Delivery.state == S.QUEUED).order_by(Delivery.id).limit(count))
    for row in rows.all():
        row.state = state
        for name, value in values.items():
            setattr(row, name, value)
    session.flush()


def _look(session: Session, letter: Campaign) -> None:
    tempo.note(session, {letter.id: progress.settled(delivery.counts(session, letter.id))})
    session.commit()


def _now(session: Session, letter: Campaign) -> str:
    session.flush()
    return outlook.sentence(letter, progress.report(session, letter), ZONE)


# How fast


def test_the_rate_is_that_of_the_last_minute(
    session: Session, letter: Campaign, frozen_clock: time_machine.Traveller
) -> None:
    said = progress.report(session, letter)
    assert (said.rate_per_minute, said.seconds_left) == (None, None)
    for _ in range(9):
        _look(session, letter)
        frozen_clock.shift(timedelta(seconds=10))
        _settle(session, 20)
    said = progress.report(session, letter)
    # Twenty in ten seconds; the first looks are too old to say anything of now.
    assert (said.sent, said.rate_per_minute, said.waiting, said.seconds_left) == (180, 120, 120, 60)
    rows = session.scalars(select(tempo.Tempo)).all()
    assert [len(row.looks) for row in rows] == [8]
    assert _now(session, letter) == "It is going out. Time left, roughly: 1 minute."


def test_nothing_is_said_of_the_pace_too_early_or_too_late(
    session: Session, letter: Campaign, frozen_clock: time_machine.Traveller
) -> None:
    _look(session, letter)
    frozen_clock.shift(timedelta(seconds=4))
    _settle(session, 50)
    assert progress.report(session, letter).rate_per_minute is None
    assert _now(session, letter) == "It is going out."
    frozen_clock.shift(timedelta(seconds=1))
    assert progress.report(session, letter).rate_per_minute == 600
    # Nobody looked for a while: the workers may have been asleep as well.
    frozen_clock.shift(timedelta(seconds=71))
    assert progress.report(session, letter).rate_per_minute is None
    _look(session, letter)
    frozen_clock.shift(timedelta(seconds=30))
    said = progress.report(session, letter)
    assert (said.rate_per_minute, said.seconds_left) == (0, None)


def test_what_is_not_under_way_has_no_pace_and_is_forgotten(
    session: Session, letter: Campaign, frozen_clock: time_machine.Traveller
) -> None:
    _look(session, letter)
    frozen_clock.shift(timedelta(seconds=30))
    letter.state = C.PAUSED
    assert progress.report(session, letter).rate_per_minute is None
    assert tempo.letters(session) == [letter.id]
    tempo.note(session, {})
    session.commit()
    assert tempo.letters(session) == []


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(1, "1 minute"), (59, "1 minute"), (300, "5 minutes"), (3_900, "1 hour"), (9_000, "2 hours"), (90_000, "1 day")],
)
def test_time_is_said_in_one_round_unit(seconds: int, said: str) -> None:
    assert language.span(timedelta(seconds=seconds)) == said


@pytest.mark.parametrize(
    ("measured", "said"), [(0, "0"), (7, "7"), (86, "86"), (934, "930"), (4_312, "4,300"), (55_812, "56,000")]
)
def test_a_measured_number_is_said_with_two_digits(measured: int, said: str) -> None:
    assert language.roughly(measured) == said


# What happens now


def test_each_state_has_its_sentence(session: Session, house: Cafe, letter: Campaign) -> None:
    draft = cafe.draft(session, house)
    assert _now(session, draft) == "It is a draft."
    draft.halted = {"code": "not_ready", "words": "The letter is empty."}
    assert _now(session, draft) == "It did not leave: The letter is empty."
    planning.send_campaign(
        session, house.organisation, draft, site=SITE, leaves=Leaving(at=clock.now() + timedelta(days=1))
    )
    assert _now(session, draft).startswith("It leaves at this time: Tuesday, November 24, 2026, 9:00")
    schedule.take_back(session, draft)
    planning.send_campaign(session, house.organisation, draft, site=SITE, leaves=Leaving(hold=timedelta(minutes=10)))
    assert _now(session, draft).startswith("It leaves in 10 minutes, to 300 people.")
    draft.held_until = clock.now()
    assert _now(session, draft) == "It leaves in this very moment."
    letter.state = C.PAUSED
    assert _now(session, letter) == "It is paused: 300 people wait until you go on."
    _settle(session, 1)
    letter.state = C.FINISHED
    assert _now(session, letter) == "It has left, and the servers of 1 person took it."
    _settle(session, 2, S.IN_DOUBT)
    assert _now(session, letter).endswith("Of 2 mails nobody knows: please look at them.")
    letter.state = C.CANCELLED
    assert _now(session, letter) == "It was stopped. 1 person got it before."


def test_why_it_stands_still_is_said_first(session: Session, letter: Campaign) -> None:
    incident.report(session, IncidentKind.TRANSPORT_UNAVAILABLE, "The mail server is away.")
    assert _now(session, letter) == "It stands still: The mail server is away."


def test_whoever_said_not_now_is_named_and_when_they_are_asked_again(session: Session, letter: Campaign) -> None:
    due = clock.now() + timedelta(minutes=5)
    for count, provider in ((2, "gmail"), (3, "microsoft"), (1, None)):
        _settle(session, count, S.DEFERRED, provider=provider, due_at=due)
        due += timedelta(minutes=10)
    said = progress.report(session, letter)
    assert (said.deferred, said.next_try) == (6, None)
    assert said.put_off_by == (PutOff("Microsoft", 3), PutOff("Gmail", 2), PutOff("", 1))
    _settle(session, 300)
    said = progress.report(session, letter)
    assert (said.waiting, said.next_try) == (0, clock.now() + timedelta(minutes=5))
    assert "said “not now” and are asked again in 5 minutes." in _now(session, letter)


def _wait_until(session: Session, moment: datetime) -> None:
    session.execute(update(Delivery).where(Delivery.state == S.QUEUED).values(due_at=moment))


def test_what_may_not_leave_before_tomorrow_says_when_and_why(session: Session, house: Cafe, letter: Campaign) -> None:
    """A domain that is new has sent what it may today: nothing moves, and nothing is wrong."""
    _settle(session, 50)
    due = clock.now() + timedelta(hours=15)
    _wait_until(session, due)
    when = "What may leave for now has left. The next ones leave from this time on: Tuesday, November 24, 2026"
    assert _now(session, letter).startswith(when)
    known = sending_domain.add(session, house.organisation.id, house.organisation.from_domain)
    plan = warmup.switch(session, known, on=True)
    assert _now(session, letter).endswith(" Warming up, day 1: 50 mails today. It has just begun.")
    plan.active = False
    assert "Warming up" not in _now(session, letter)
    # Whoever waits a moment for the pace is going out.
    _wait_until(session, clock.now() + timedelta(seconds=9))
    assert _now(session, letter) == "It is going out."
    # One that may leave now is enough.
    _wait_until(session, due)
    session.scalars(select(Delivery).where(Delivery.state == S.QUEUED).limit(1)).one().due_at = clock.now()
    session.flush()
    assert progress.report(session, letter).goes_on_at is None


def test_those_in_doubt_are_counted_and_the_first_are_named(session: Session, letter: Campaign) -> None:
    _settle(session, 5, S.IN_DOUBT)
    assert len(progress.report(session, letter).in_doubt) == 5
    said = progress.report(session, letter, named=2)
    assert (said.doubts, said.in_doubt) == (5, ("person-1@crowd.example", "person-2@crowd.example"))


def test_what_scripts_read_has_all_its_keys(session: Session, letter: Campaign) -> None:
    assert progress.told(letter, progress.report(session, letter)) == {
        "state": "sending", "recipients": 300, "sent": 0, "waiting": 300, "skipped": 0, "skipped_because": {},
        "deferred": 0, "deferred_by": {}, "failed": 0, "in_doubt": [], "standing_still": [], "first_message": None,
        "scheduled_for": None, "held_until": None, "late": False, "halted": None,
        "rate_per_minute": None, "seconds_left": None, "waves": {"open": 1}, "pilot": None, "warnings": [],
        "each_zone": False, "rests_until": None, "stance": None, "trial": None,
    }  # fmt: skip

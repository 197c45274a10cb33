"""The watch: what opens an incident, what does not yet, what follows from another, and that it closes by itself."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from listkeeper.audience.handover import MessageClass
from listkeeper.campaigns import campaign as campaigns
from listkeeper.campaigns.campaign import Campaign, CampaignState
from listkeeper.foundation import clock, language
from listkeeper.foundation.outbox import Lane
from listkeeper.sending import delivery, incident, planning, progress, watch, watch_words
from listkeeper.sending.delivery import Delivery, DeliveryState
from listkeeper.sending.incident import Incident, IncidentKind
from listkeeper.sending.watch import Facts, Memory, Outside
from tests.makers import cafe, crowd
from tests.makers.cafe import Cafe

K, S = IncidentKind, DeliveryState
SITE = "https://mail.cafe.example"
MINUTE, PATIENCE = timedelta(minutes=1), timedelta(minutes=10)
MB = 1_000_000
WELL = Outside(frozenset(Lane), free_bytes=50_000 * MB, least_free_bytes=200 * MB)


@pytest.fixture
def house(session: Session, frozen_clock: time_machine.Traveller) -> Cafe:
    """A café with four people on its list, at a moment that stands still."""
    made = cafe.found(session)
    crowd.gather(session, made, 4)
    session.commit()
    return made


class Looks:
    """A watch that looks every minute."""

    def __init__(self, session: Session, clock_hand: time_machine.Traveller) -> None:
        self.session = session
        self.clock_hand = clock_hand
        self.memory = Memory()
        self.told: list[IncidentKind] = []

    def once(self, outside: Outside = WELL) -> dict[IncidentKind, Facts | None]:
        """Look, write down, and return what stands, with its facts; then a minute passes."""
        seen = watch.look(self.session, outside, PATIENCE, self.memory)
        if watch.is_news(self.session, seen):
            self.told += [row.kind for row in watch.write_down(self.session, seen)]
        self.session.commit()
        self.clock_hand.shift(MINUTE)
        return {row.kind: row.facts for row in incident.standing(self.session)}

    def minutes(self, number: int, outside: Outside = WELL) -> list[set[IncidentKind]]:
        """Look some times and return what stood after each."""
        return [set(self.once(outside)) for _ in range(number)]


@pytest.fixture
def looks(session: Session, house: Cafe, frozen_clock: time_machine.Traveller) -> Looks:
    """A watch that has just been started."""
    return Looks(session, frozen_clock)


def _start(session: Session, house: Cafe, subject: str = "Buns") -> Campaign:
    letter = cafe.draft(session, house, subject=subject)
    planning.send_campaign(session, house.organisation, letter, site=SITE)
    session.commit()
    return letter


def _settle(session: Session, letter: Campaign, number: int = 1) -> None:
    rows = select(Delivery.id).where(Delivery.campaign_id == letter.id, Delivery.state == S.QUEUED).limit(number)
    session.execute(update(Delivery).where(Delivery.id.in_(list(session.scalars(rows)))).values(state=S.ACCEPTED))


def test_when_all_is_well_nothing_is_written(looks: Looks, session: Session) -> None:
    looks.minutes(3)
    assert session.scalars(select(Incident)).all() == []
    assert not watch.is_news(session, watch.look(session, WELL, PATIENCE, looks.memory))


# A letter


def test_a_letter_of_which_nothing_leaves(looks: Looks, session: Session, house: Cafe) -> None:
    _start(session, house)
    assert looks.minutes(10) == [set()] * 10
    assert looks.once() == {K.CAMPAIGN_STUCK: {"letters": ["Buns"], "minutes": 10}}
    assert looks.once()[K.CAMPAIGN_STUCK] == {"letters": ["Buns"], "minutes": 11}
    assert looks.told == [K.CAMPAIGN_STUCK]


def test_a_letter_that_moves_is_left_alone_and_closes_the_incident(looks: Looks, session: Session, house: Cafe) -> None:
    letter = _start(session, house)
    looks.minutes(9)
    _settle(session, letter)
    assert looks.minutes(10) == [set()] * 10
    assert set(looks.once()) == {K.CAMPAIGN_STUCK}
    _settle(session, letter)
    assert looks.once() == {}
    assert session.scalars(select(Incident.closed_at)).one() is not None


def _pause(session: Session, letter: Campaign) -> None:
    campaigns.move(letter, CampaignState.PAUSED)


def _put_off(session: Session, letter: Campaign) -> None:
    session.execute(update(Delivery).values(due_at=clock.now() + timedelta(hours=5), state=S.DEFERRED))


def _watch_the_first(session: Session, letter: Campaign) -> None:
    letter.waves_open = 0


@pytest.mark.parametrize("arrange", [_pause, _put_off, _watch_the_first])
def test_a_letter_that_has_a_reason_to_wait_is_not_stuck(
    looks: Looks, session: Session, house: Cafe, arrange: Callable[[Session, Campaign], None]
) -> None:
    arrange(session, _start(session, house))
    assert looks.minutes(15) == [set()] * 15


def test_time_in_which_nothing_was_due_does_not_count(looks: Looks, session: Session, house: Cafe) -> None:
    _put_off(session, _start(session, house))
    looks.minutes(15)
    session.execute(update(Delivery).values(due_at=clock.now()))
    # It counts from the last look at which nothing was due.
    assert looks.minutes(9) == [set()] * 9
    assert set(looks.once()) == {K.CAMPAIGN_STUCK}


def test_of_two_letters_the_one_that_stands_is_named(looks: Looks, session: Session, house: Cafe) -> None:
    _start(session, house, "Buns")
    moving = _start(session, house, "Rye")
    for _ in range(4):
        looks.minutes(3)
        _settle(session, moving)
    facts = looks.once()[K.CAMPAIGN_STUCK]
    assert facts is not None
    assert facts["letters"] == ["Buns"]


# Workers, confirmations, doubts


def test_nobody_works_is_told_at_the_second_look(looks: Looks) -> None:
    """When everything has just been started, the workers come after the timetable."""
    idle = Outside(frozenset({"sending"}), WELL.free_bytes, WELL.least_free_bytes)
    assert looks.once(idle) == {}
    assert looks.once() == {}
    assert looks.once(idle) == {}
    assert looks.once(idle) == {K.NO_WORKER: {"lanes": ["urgent", "background"]}}
    away = Outside(None, WELL.free_bytes, WELL.least_free_bytes)
    assert set(looks.once(away)) == {K.NO_WORKER}, "what cannot be asked has not ended"
    assert looks.once() == {}


def _ask(session: Session, house: Cafe, kind: MessageClass = MessageClass.DOI) -> Delivery:
    row = Delivery(
        organisation_id=house.organisation.id, message_class=kind, lane=Lane.URGENT, occasion=f"{kind}:{clock.now()}"
    )
    return delivery.queue(session, row)


def test_a_confirmation_that_waits(looks: Looks, session: Session, house: Cafe) -> None:
    row = _ask(session, house)
    _ask(session, house, MessageClass.SERVICE)
    assert looks.minutes(3) == [set(), set(), set()]
    assert looks.once() == {K.CONFIRMATIONS_LATE: {"minutes": 3}}
    row.state = S.ACCEPTED
    assert looks.once() == {}, "a note about a subscription may wait"


def test_doubts_are_news_for_an_hour(looks: Looks, session: Session, house: Cafe) -> None:
    letter = _start(session, house)
    session.execute(update(Delivery).where(Delivery.id <= 2).values(state=S.IN_DOUBT, settled_at=clock.now()))
    assert looks.once() == {K.DOUBT_GREW: {"number": 2}}
    assert progress.report(session, letter).standing_still == (), "nothing stands still because of it"
    for _ in range(59):
        _settle(session, letter)
        looks.once()
    assert set(looks.once()) <= {K.CAMPAIGN_STUCK, K.DOUBT_GREW}
    assert K.DOUBT_GREW not in looks.once()


# The disk


def _room(megabytes: int | None) -> Outside:
    return Outside(WELL.lanes_worked, None if megabytes is None else megabytes * MB, 200 * MB)


def test_a_disk_that_fills_up(looks: Looks) -> None:
    assert looks.once(_room(1_000)) == {}
    assert looks.once(_room(999)) == {K.DISK_LOW: {"megabytes": 999, "least": 200}}
    assert looks.once(_room(199)) == {K.DISK_FULL: {"megabytes": 199, "least": 200}}
    assert set(looks.once(_room(None))) == {K.DISK_FULL}, "what cannot be measured has not ended"
    assert set(looks.once(_room(200))) == {K.DISK_LOW}
    assert looks.once(_room(1_000)) == {}


def test_nobody_looks_at_the_disk_who_asks_for_no_room(looks: Looks) -> None:
    assert looks.once(Outside(WELL.lanes_worked, 0, 0)) == {}


# Causes and what follows


@pytest.mark.parametrize("cause", [K.TRANSPORT_UNAVAILABLE, K.LEDGER_FORKED, K.NO_WORKER, K.DISK_FULL])
def test_what_follows_from_something_that_stands_is_no_incident_of_its_own(
    looks: Looks, session: Session, house: Cafe, cause: IncidentKind
) -> None:
    _start(session, house)
    _ask(session, house)
    outside = {K.NO_WORKER: Outside(frozenset(), WELL.free_bytes, WELL.least_free_bytes), K.DISK_FULL: _room(1)}.get(
        cause, WELL
    )
    if outside is WELL:
        incident.report(session, cause, "It stands.")
    looks.minutes(2, outside)
    assert looks.minutes(13, outside) == [{cause}] * 13
    incident.over(session, cause)
    assert set(looks.once()) == {K.CAMPAIGN_STUCK, K.CONFIRMATIONS_LATE}


# Who is told


def test_the_same_is_told_again_after_six_hours_at_the_earliest(looks: Looks) -> None:
    for number in range(13 * 12):
        looks.once(_room(900 if number % 7 else 5_000))
        looks.clock_hand.shift(4 * MINUTE)
    assert looks.told == [K.DISK_LOW] * 3, "however often it opens and closes"


@pytest.mark.parametrize("kind", watch.KINDS)
@pytest.mark.parametrize("spoken", ["en", "pl"])
def test_its_words_are_said_anew_in_another_language(session: Session, kind: IncidentKind, spoken: str) -> None:
    facts = {
        "lanes": ["urgent"], "letters": ["Buns", "Rye"], "minutes": 11, "number": 3, "megabytes": 1_500, "least": 200
    }  # fmt: skip
    row = incident.report(session, kind, watch_words.said(kind, facts), facts)
    session.flush()
    session.expire_all()
    with language.using(spoken):
        said = watch_words.of(row)
    assert (said == row.words) == (spoken == "en")
    assert "%(" not in said
    plain = incident.report(session, K.TRANSPORT_UNAVAILABLE, "The server at 127.0.0.1 is away.")
    assert watch_words.of(plain) == plain.words

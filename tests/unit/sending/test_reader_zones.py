"""At nine by each reader's own clock: who gets it when, nobody in the night, and nobody before the quiet hours end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.accounts import quiet_hours, storefront
from listkeeper.audience import subscriber
from listkeeper.audience.subscriber import Subscriber
from listkeeper.campaigns import schedule
from listkeeper.campaigns.campaign import Campaign, CampaignState
from listkeeper.campaigns.schedule import LATE, Leaving
from listkeeper.deliverability.gate import Gate
from listkeeper.foundation import clock
from listkeeper.foundation.errors import Invalid
from listkeeper.foundation.outbox import Lane
from listkeeper.sending import beginning, claim, outlook, pilot, planning, progress, reader_zones, waiting
from listkeeper.sending.delivery import Delivery
from listkeeper.sending.waiting import Why
from tests.makers import cafe, crowd
from tests.makers.cafe import Cafe
from tests.unit.sending.test_batch import ME

SITE = "https://mail.cafe.example"
HOME = "Europe/Copenhagen"
# Nine o'clock on Wednesday, 25 November 2026, in each of them, as UTC.
NINE = {
    "Asia/Tokyo": "25 00:00", "Asia/Kolkata": "25 03:30", HOME: "25 08:00", "America/New_York": "25 14:00",
    "Pacific/Honolulu": "25 19:00",
}  # fmt: skip
AT = datetime(2026, 11, 25, 8, tzinfo=UTC)


@pytest.fixture
def house(session: Session, frozen_clock: time_machine.Traveller) -> Cafe:
    """A café in Copenhagen with readers on every side of the earth, and one of whom nothing is known."""
    made = cafe.found(session, spoken="da")
    storefront.tell(session, made.organisation, storefront.read(made.organisation, {"time_zone": HOME}))
    crowd.gather(session, made, len(NINE) + 1)
    for person, zone in zip(session.scalars(select(Subscriber).order_by(Subscriber.id)).all(), NINE, strict=False):
        subscriber.live_in(person, zone)
    session.commit()
    return made


def _order(session: Session, house: Cafe, at: datetime = AT) -> Campaign:
    letter = cafe.draft(session, house)
    leaves = Leaving(at=at, each_zone=True)
    planning.send_campaign(session, house.organisation, letter, site=SITE, leaves=leaves)
    session.commit()
    return letter


def _begin(session: Session, letter: Campaign) -> None:
    assert beginning.begin_due(session, letter.id, site=SITE, practice=True, late=LATE, gate=Gate.HINT)
    session.commit()


def _due(session: Session) -> dict[str | None, str]:
    query = select(Subscriber.time_zone, Delivery.due_at).join(Delivery, Delivery.subscriber_id == Subscriber.id)
    return {zone: due.strftime("%d %H:%M") for zone, due in session.execute(query)}


def test_everybody_gets_it_at_nine(session: Session, house: Cafe, frozen_clock: time_machine.Traveller) -> None:
    letter = _order(session, house)
    # It begins when it is nine in Tokyo, and nothing is planned before.
    assert (letter.state, letter.scheduled_for) == (CampaignState.SCHEDULED, AT)
    assert schedule.leaves_at(letter) == letter.begins_at == datetime(2026, 11, 25, tzinfo=UTC)
    said = outlook.sentence(letter, progress.report(session, letter), HOME)
    assert said.startswith("It leaves at each reader's own hour, which is here: Wednesday, November 25, 2026, 9:00")
    frozen_clock.move_to(datetime(2026, 11, 25, tzinfo=UTC), tick=False)
    assert schedule.due(session, clock.now()) == [letter.id]
    _begin(session, letter)
    assert dict(_due(session)) == dict([*NINE.items(), (None, NINE[HOME])])
    for hour, expected in ((0, 1), (3.5, 1), (8, 2), (14, 1), (19, 1)):
        frozen_clock.move_to(datetime(2026, 11, 25, tzinfo=UTC) + timedelta(hours=hour), tick=False)
        assert len(claim.lease(session, Lane.SENDING, ME, 10)) == expected, hour
        assert claim.lease(session, Lane.SENDING, ME, 10) == []
    session.commit()


def test_where_the_hour_is_over_it_is_tomorrow_s(
    session: Session, house: Cafe, frozen_clock: time_machine.Traveller
) -> None:
    """Ordered in Copenhagen at a quarter to nine, for nine: in Tokyo it is a quarter to five in the afternoon."""
    frozen_clock.move_to(AT - timedelta(minutes=15), tick=False)
    letter = _order(session, house)
    assert letter.begins_at == AT
    frozen_clock.move_to(AT, tick=False)
    _begin(session, letter)
    due = _due(session)
    assert (due["Asia/Tokyo"], due["Asia/Kolkata"], due[HOME], due[None]) == (
        "26 00:00", "26 03:30", "25 08:00", "25 08:00",
    )  # fmt: skip
    said = outlook.sentence(letter, progress.report(session, letter), HOME)
    assert "The last ones get it at this time: Thursday, November 26, 2026, 4:30" in said


def test_somebody_who_tells_her_zone_meanwhile_is_in_it(
    session: Session, house: Cafe, frozen_clock: time_machine.Traveller
) -> None:
    letter = _order(session, house)
    person = session.scalars(select(Subscriber).where(Subscriber.time_zone.is_(None))).one()
    # Further east than anybody who was known when it was ordered: for her it is tomorrow's.
    subscriber.live_in(person, "Pacific/Auckland")
    session.commit()
    frozen_clock.move_to(letter.begins_at or AT, tick=False)
    _begin(session, letter)
    assert _due(session)["Pacific/Auckland"] == "25 20:00"


def test_late_it_still_asks_and_then_keeps_to_the_hours_that_are_to_come(
    session: Session, house: Cafe, frozen_clock: time_machine.Traveller
) -> None:
    letter = _order(session, house)
    frozen_clock.move_to(AT + timedelta(hours=1), tick=False)
    assert schedule.due(session, clock.now()) == []
    assert schedule.is_late(letter, clock.now())
    planning.send_campaign(session, house.organisation, letter, site=SITE)
    session.commit()
    assert _due(session)["America/New_York"] == NINE["America/New_York"]
    # Tokyo, Kolkata, Copenhagen and whoever is not known: their nine o'clock has passed unseen.
    assert len(claim.lease(session, Lane.SENDING, ME, 10)) == 4


def test_sent_before_its_time_all_get_it_at_once(session: Session, house: Cafe) -> None:
    letter = _order(session, house)
    planning.send_campaign(session, house.organisation, letter, site=SITE)
    session.commit()
    assert not letter.each_zone
    assert len(claim.lease(session, Lane.SENDING, ME, 10)) == 6


def test_what_cannot_be_is_said_when_it_is_ordered(session: Session, house: Cafe) -> None:
    letter = cafe.draft(session, house)
    test = pilot.plan(share=500, wait=timedelta(hours=1))
    leaves = Leaving(at=AT, each_zone=True)
    with pytest.raises(Invalid) as refused:
        planning.send_campaign(session, house.organisation, letter, site=SITE, leaves=leaves, test=test)
    assert refused.value.code == "pilot_or_zone"
    session.rollback()
    for person in session.scalars(select(Subscriber)).all():
        subscriber.live_in(person, "")
    session.commit()
    with pytest.raises(Invalid) as refused:
        _order(session, house)
    session.rollback()
    assert refused.value.code == "no_zones"


def test_a_zone_is_one_of_the_world_s(session: Session, house: Cafe) -> None:
    person = session.scalars(select(Subscriber).limit(1)).one()
    for wrong in ("Mars/Olympus", "+01:00", "../etc/passwd", "europe/copenhagen"):
        with pytest.raises(Invalid):
            subscriber.live_in(person, wrong)
    assert reader_zones.known(session, house.mailing_list) == dict.fromkeys(NINE, 1)


def test_hours_keep_to_the_clock_on_the_wall_when_the_clocks_change() -> None:
    at = datetime(2027, 3, 28, 1, 30, tzinfo=UTC)
    found = reader_zones.moments(at, "UTC", ["Europe/Copenhagen", "America/New_York"], datetime(2027, 3, 1, tzinfo=UTC))
    # Half past one is there on that night, in both places, an hour before and after their clocks change.
    assert {zone: moment.strftime("%d %H:%M") for zone, moment in found.items()} == {
        "UTC": "28 01:30", "Europe/Copenhagen": "28 00:30", "America/New_York": "28 05:30",
    }  # fmt: skip


# Quiet hours


def test_nothing_of_a_letter_leaves_in_quiet_hours_and_confirmations_do(
    session: Session, house: Cafe, frozen_clock: time_machine.Traveller
) -> None:
    quiet_hours.choose(house.organisation, "21:00", "08:00")
    letter = cafe.draft(session, house)
    planning.send_campaign(session, house.organisation, letter, site=SITE)
    asked = cafe.sign_up(session, house, "new@guest.example")
    planning.mail_confirmation(session, asked.id)
    session.commit()
    frozen_clock.move_to(datetime(2026, 11, 23, 20, tzinfo=UTC), tick=False)
    assert claim.lease(session, Lane.SENDING, ME, 10) == []
    assert not claim.anything_due(session, Lane.SENDING)
    assert len(claim.lease(session, Lane.URGENT, ME, 10)) == 1
    said = progress.report(session, letter)
    assert said.rests_until == datetime(2026, 11, 24, 7, tzinfo=UTC)
    assert outlook.sentence(letter, said, HOME).startswith("It rests, because these are your quiet hours.")
    assert progress.told(letter, said)["rests_until"] == "2026-11-24T07:00:00.000Z"
    # Whoever watches from outside is not told that it is stuck.
    assert waiting.moving_letters(session) == []
    [seen] = waiting.look(session).letters
    assert (seen.why, seen.until) == (Why.QUIET, said.rests_until)
    frozen_clock.move_to(datetime(2026, 11, 24, 7, tzinfo=UTC), tick=False)
    assert len(claim.lease(session, Lane.SENDING, ME, 10)) == 6

"""When a letter leaves: moments as people type them, holding and undoing, what is due and what is late."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from listkeeper.accounts import organisation, storefront
from listkeeper.audience import mailing_list, topic
from listkeeper.campaigns import campaign as campaigns
from listkeeper.campaigns import revision as revisions
from listkeeper.campaigns import schedule
from listkeeper.campaigns.campaign import Campaign, CampaignState
from listkeeper.campaigns.revision import Draft
from listkeeper.campaigns.schedule import LATE, Leaving
from listkeeper.deliverability.gate import Gate
from listkeeper.foundation import clock, language
from listkeeper.foundation.errors import Conflict, Invalid
from listkeeper.sending import beginning, halt, planning, restoring
from listkeeper.sending.delivery import Delivery
from tests.makers import cafe
from tests.makers.cafe import Cafe

C = CampaignState
SITE = "https://mail.cafe.example"
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def house(session: Session) -> Cafe:
    """A café with one person on its list."""
    made = cafe.found(session, spoken="da")
    cafe.subscribe(session, made, "freja@guest.example")
    return made


@pytest.fixture
def letter(session: Session, house: Cafe, frozen_clock: time_machine.Traveller) -> Campaign:
    """A draft, at a moment that stands still."""
    made = cafe.draft(session, house)
    session.commit()
    return made


def _order(session: Session, letter: Campaign, leaves: Leaving) -> int:
    owner = organisation.only_one(session)
    planned = planning.send_campaign(session, owner, letter, site=SITE, leaves=leaves)
    session.commit()
    return planned


def _begin(session: Session, letter: Campaign) -> bool:
    begun = beginning.begin_due(session, letter.id, site=SITE, practice=True, late=LATE, gate=Gate.HINT)
    session.commit()
    return begun


def _planned(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(Delivery).where(Delivery.campaign_id.is_not(None))) or 0


# Moments


@pytest.mark.parametrize(
    ("typed", "zone", "moment"),
    [
        ("2026-12-24 09:00", "Europe/Copenhagen", "2026-12-24T08:00:00"),
        ("2026-12-24T09:00", "Europe/Copenhagen", "2026-12-24T08:00:00"),
        ("2026-07-01 09:00", "Europe/Copenhagen", "2026-07-01T07:00:00"),
        (" 2026-12-24T09:00:30 ", "Asia/Tokyo", "2026-12-24T00:00:30"),
        ("2026-12-24T09:00Z", "Asia/Tokyo", "2026-12-24T09:00:00"),
        ("2026-12-24T09:00+05:30", "Asia/Tokyo", "2026-12-24T03:30:00"),
        # In autumn there are two: the first of them, which is summer time still.
        ("2026-10-25 02:30", "Europe/Copenhagen", "2026-10-25T00:30:00"),
    ],
)
def test_a_moment_is_by_the_clocks_of_the_business_unless_it_says_otherwise(typed: str, zone: str, moment: str) -> None:
    assert schedule.read(typed, zone) == datetime.fromisoformat(moment).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "typed",
    ["", "tomorrow", "2026-12-24", "24.12.2026 09:00", "2026-13-01 09:00", "0001-01-01T00:00", "9999-12-31T23:59"],
)
def test_what_is_no_moment_is_refused(typed: str) -> None:
    with pytest.raises(Invalid) as refused:
        # The last ones are outside of what a clock of some zone can show.
        schedule.order(Campaign(state=C.DRAFT), Leaving(schedule.read(typed, "Pacific/Honolulu")), clock.now())
    assert refused.value.code in {"moment", "past", "too_far"}


def test_a_time_that_the_clocks_leap_over_is_refused() -> None:
    with pytest.raises(Invalid) as refused:
        schedule.read("2027-03-28 02:30", "Europe/Copenhagen")
    assert refused.value.code == "no_such_time"
    assert schedule.read("2027-03-28 03:30", "Europe/Copenhagen").hour == 1


def test_the_zone_is_the_one_the_business_told(session: Session, house: Cafe) -> None:
    assert storefront.zone_of(session, house.organisation) == "Europe/Copenhagen"
    storefront.tell(session, house.organisation, storefront.read(house.organisation, {"time_zone": "America/Nuuk"}))
    assert storefront.zone_of(session, house.organisation) == "America/Nuuk"
    with language.using("da"):
        said = language.appointment(datetime(2026, 12, 24, 8, tzinfo=UTC), "Europe/Copenhagen")
    assert said == "torsdag den 24. december 2026, 09.00 (Europe/Copenhagen)"


# Ordering and taking back


def test_what_leaves_later_is_bound_now_and_planned_then(session: Session, house: Cafe, letter: Campaign) -> None:
    when = clock.now() + 2 * HOUR
    assert _order(session, letter, Leaving(at=when)) == 1
    assert (letter.state, letter.scheduled_for, letter.held_until) == (C.SCHEDULED, when, None)
    assert letter.sent_revision_id == campaigns.newest(session, letter).id
    assert (_planned(session), letter.started_at) == (0, None)
    with pytest.raises(Conflict) as refused:
        campaigns.write(session, letter, Draft("Other", "", "words"), base=letter.version)
    assert refused.value.code == "not_a_draft"
    # Whoever comes before it leaves is in it.
    cafe.subscribe(session, house, "karl@guest.example")
    with time_machine.travel(when, tick=False):
        assert schedule.due(session, clock.now()) == [letter.id]
        assert _begin(session, letter)
        assert (letter.state, letter.recipients, _planned(session)) == (C.SENDING, 2, 2)
        assert not _begin(session, letter), "what has begun does not begin once more"
        assert schedule.due(session, clock.now()) == []
    assert _planned(session) == 2


def test_it_can_be_held_moved_and_taken_back(session: Session, letter: Campaign) -> None:
    _order(session, letter, Leaving(hold=10 * MINUTE))
    assert (letter.state, letter.held_until) == (C.HELD, clock.now() + 10 * MINUTE)
    for hours in (2, 1):
        _order(session, letter, Leaving(at=clock.now() + hours * HOUR))
        assert (letter.state, letter.held_until) == (C.SCHEDULED, None)
        assert letter.scheduled_for == clock.now() + hours * HOUR
    schedule.take_back(session, letter)
    session.commit()
    assert (letter.state, letter.scheduled_for, letter.sent_revision_id, letter.recipients) == (C.DRAFT, None, None, 0)
    assert schedule.due(session, clock.now() + 3 * HOUR) == []
    campaigns.write(session, letter, Draft("Other", "", "words"), base=letter.version)
    for _ in range(2):
        with pytest.raises(Conflict):
            schedule.take_back(session, letter)


@pytest.mark.parametrize(("away", "code"), [(-2 * MINUTE, "past"), (timedelta(days=367), "too_far")])
def test_a_moment_that_cannot_be_leaves_a_draft(session: Session, letter: Campaign, away: timedelta, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        _order(session, letter, Leaving(at=clock.now() + away))
    session.rollback()
    assert (refused.value.code, letter.state, letter.sent_revision_id) == (code, C.DRAFT, None)


def test_an_empty_list_is_said_when_it_is_ordered(session: Session, house: Cafe, letter: Campaign) -> None:
    empty = mailing_list.create(session, house.organisation, name="Events")
    nobody = campaigns.create(session, house.organisation, empty, Draft("Buns", "", "Warm"))
    session.commit()
    with pytest.raises(Invalid) as refused:
        _order(session, nobody, Leaving(at=clock.now() + HOUR))
    session.rollback()
    assert (refused.value.code, nobody.state) == ("empty_audience", C.DRAFT)


def test_ordered_again_it_stays_about_what_it_was_about(session: Session, house: Cafe, letter: Campaign) -> None:
    about = topic.add(session, house.mailing_list, "Bread")
    planning.send_campaign(
        session, house.organisation, letter, site=SITE, about=about, important=True, leaves=Leaving(hold=MINUTE)
    )
    session.commit()
    _order(session, letter, schedule.AT_ONCE)
    assert (letter.topic, letter.important, letter.state) == (about.public_id, True, C.SENDING)


# Due and late


@pytest.mark.parametrize("leaves", [Leaving(at=datetime(2026, 11, 23, 9, tzinfo=UTC)), Leaving(hold=HOUR)])
def test_what_should_have_left_long_ago_asks(
    session: Session, letter: Campaign, leaves: Leaving, frozen_clock: time_machine.Traveller
) -> None:
    _order(session, letter, leaves)
    for minutes, due, late in ((59, False, False), (60, True, False), (90, True, False), (91, False, True)):
        now = clock.now() + minutes * MINUTE
        assert (schedule.is_due(letter, now), schedule.is_late(letter, now)) == (due, late), minutes
        assert schedule.due(session, now) == ([letter.id] if due else [])
    frozen_clock.shift(91 * MINUTE)
    assert not _begin(session, letter)
    with pytest.raises(Conflict) as refused:
        schedule.demand_in_time(letter, clock.now(), "Europe/Copenhagen")
    assert refused.value.code == "late"
    # Its owner says so: then it leaves.
    assert _order(session, letter, schedule.AT_ONCE) == 1
    assert letter.state is C.SENDING
    schedule.demand_in_time(letter, clock.now(), "Europe/Copenhagen")


def test_whichever_waited_longest_begins_first(session: Session, house: Cafe, letter: Campaign) -> None:
    second = cafe.draft(session, house)
    _order(session, letter, Leaving(at=clock.now() + 20 * MINUTE))
    _order(session, second, Leaving(hold=10 * MINUTE))
    assert schedule.due(session, clock.now() + 20 * MINUTE) == [second.id, letter.id]


def test_words_that_are_not_those_that_were_ordered_do_not_leave(session: Session, letter: Campaign) -> None:
    """Nothing of ours changes an ordered letter; if something did, nobody saw what would leave."""
    _order(session, letter, Leaving(hold=MINUTE))
    letter.version += 1
    revisions.add(session, letter.id, letter.version, Draft("Other", "", "words"))
    session.commit()
    with time_machine.travel(clock.now() + MINUTE, tick=False):
        with pytest.raises(Conflict) as refused:
            _begin(session, letter)
        session.rollback()
        beginning.call_back(session, letter.id, refused.value)
    assert (letter.state, _planned(session)) == (C.DRAFT, 0)
    assert letter.halted is not None
    assert "er ændret" in halt.words(letter.halted)


def test_what_was_ordered_before_a_copy_was_put_back_is_looked_at_first(session: Session, letter: Campaign) -> None:
    _order(session, letter, Leaving(at=clock.now() + HOUR))
    restoring.hold_what_waited(session)
    session.commit()
    assert letter.state is C.DRAFT
    assert letter.halted is not None
    assert "may have left since" in halt.words(letter.halted)
    # Ordered again, the reason is over.
    _order(session, letter, Leaving(at=clock.now() + HOUR))
    assert letter.halted is None

"""A feed that becomes letters: never the past, each item once, one letter for all that is new."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy.orm import Session

from listkeeper.accounts import organisation
from listkeeper.audience import mailing_list
from listkeeper.campaigns import campaign as campaigns
from listkeeper.campaigns import feed_letter
from listkeeper.campaigns.campaign import Campaign, CampaignState
from listkeeper.campaigns.feed_letter import FeedLetter
from listkeeper.campaigns.feed_rhythm import Cadence, Rhythm
from listkeeper.foundation import clock
from listkeeper.foundation.errors import Conflict, Invalid
from listkeeper.rendering.document import RssBlock
from listkeeper.rendering.feeds import feed
from listkeeper.rendering.feeds.feed import Feed
from tests.fakes.feed_site import URL, FeedSite
from tests.makers import cafe
from tests.makers.cafe import Cafe

ZONE = "Europe/Copenhagen"
DAILY = Rhythm(Cadence.DAILY, 0, 9)


@pytest.fixture
def house(session: Session, frozen_clock: time_machine.Traveller) -> Cafe:
    """A café, at nine on a Monday."""
    del frozen_clock
    return cafe.found(session)


@pytest.fixture
def site() -> FeedSite:
    """A site with two items."""
    return FeedSite("Old", "Older", at=clock.now() - timedelta(days=3))


@pytest.fixture
def found(session: Session, house: Cafe, site: FeedSite) -> FeedLetter:
    """That site's feed, added."""
    return _add(session, house, site)


def _read(site: FeedSite) -> Feed:
    return feed.fetch(site, URL)


def _add(session: Session, house: Cafe, site: FeedSite, url: str = URL) -> FeedLetter:
    return feed_letter.add(
        session, house.organisation, house.mailing_list, url=url, read=_read(site), rhythm=DAILY, zone=ZONE
    )


def _look(session: Session, found: FeedLetter, site: FeedSite) -> Campaign | None:
    return feed_letter.take(session, found, _read(site), zone=ZONE)


def _titles(session: Session, letter: Campaign | None) -> list[str]:
    assert letter is not None
    blocks = campaigns.newest(session, letter).draft.blocks
    return [item.title for block in blocks if isinstance(block, RssBlock) for item in block.items]


def test_what_was_there_before_is_never_mailed(session: Session, found: FeedLetter, site: FeedSite) -> None:
    assert _look(session, found, site) is None
    assert campaigns.all_of(session, organisation.only_one(session)) == []


def test_what_is_new_becomes_one_letter(session: Session, found: FeedLetter, site: FeedSite) -> None:
    site.write("First", "Second", at=clock.now())
    letter = _look(session, found, site)
    assert letter is not None
    draft = campaigns.newest(session, letter).draft
    assert letter.state is CampaignState.DRAFT
    assert draft.subject == "The baker's notes: Second"
    assert draft.preheader == "First"
    assert [block.type for block in draft.blocks] == ["header", "rss"]
    assert _titles(session, letter) == ["Second", "First"]
    assert found.last_campaign is letter
    assert _look(session, found, site) is None


def test_a_machine_that_slept_makes_one_letter_and_goes_on(
    session: Session, found: FeedLetter, site: FeedSite, frozen_clock: time_machine.Traveller
) -> None:
    for day in range(1, 4):
        site.write(f"Day {day}", at=clock.now() + timedelta(days=day))
    frozen_clock.shift(timedelta(days=4))
    assert feed_letter.due(session, clock.now()) == [found.id]
    assert _titles(session, _look(session, found, site)) == ["Day 3", "Day 2", "Day 1"]
    assert feed_letter.due(session, clock.now()) == []
    assert found.next_at > clock.now()


def test_ten_items_are_a_letter_and_the_rest_is_not_sent_later(
    session: Session, found: FeedLetter, site: FeedSite
) -> None:
    site.write(*(f"Item {number:02}" for number in range(14)), at=clock.now())
    assert len(_titles(session, _look(session, found, site))) == 10
    assert _look(session, found, site) is None


def test_an_item_is_known_by_its_id_or_its_address(session: Session, found: FeedLetter, site: FeedSite) -> None:
    site.write("Same", at=clock.now())
    assert _look(session, found, site) is not None
    first = site._entries[0]  # noqa: SLF001 - the fake's own
    site._entries[0] = type(first)(f"{first.id}?new", first.title, first.updated, first.link)  # noqa: SLF001 - the same
    assert _look(session, found, site) is None


def test_a_site_that_names_everything_anew_mails_nobody_its_past(
    session: Session, found: FeedLetter, site: FeedSite, frozen_clock: time_machine.Traveller
) -> None:
    frozen_clock.shift(timedelta(hours=1))
    site.rename("?moved")
    assert _look(session, found, site) is None
    site.rename("?again")
    site.write("Really new", at=clock.now() + timedelta(minutes=1))
    assert _titles(session, _look(session, found, site)) == ["Really new"]


def test_off_and_on_again_leaves_out_what_came_between(session: Session, found: FeedLetter, site: FeedSite) -> None:
    feed_letter.switch_off(found)
    session.flush()
    assert feed_letter.due(session, clock.now() + timedelta(days=9)) == []
    site.write("Between", at=clock.now())
    feed_letter.switch_on(found, _read(site), ZONE)
    assert _look(session, found, site) is None
    site.write("After", at=clock.now())
    assert _titles(session, _look(session, found, site)) == ["After"]


def test_what_a_stranger_wrote_asks_nothing_about_our_readers(
    session: Session, found: FeedLetter, site: FeedSite
) -> None:
    site.name = "{{ subscriber.name }}"
    site.write("{% for n in (1..9) %}{{ links.unsubscribe }}", at=clock.now())
    draft = campaigns.newest(session, _look(session, found, site) or Campaign()).draft
    whole = draft.document.model_dump_json()
    assert "{{" not in whole
    assert "{%" not in whole


def test_a_feed_that_gives_no_answer_is_asked_again_in_an_hour_and_then_at_its_next_turn(
    session: Session, found: FeedLetter, frozen_clock: time_machine.Traveller
) -> None:
    frozen_clock.move_to(found.next_at)
    turn = found.next_at
    for hour in range(1, 7):
        feed_letter.note_trouble(found, "The feed gives no answer now.", ZONE)
        assert found.next_at == turn + timedelta(hours=hour)
        frozen_clock.move_to(found.next_at)
    feed_letter.note_trouble(found, "The feed gives no answer now.", ZONE)
    assert found.next_at == turn + timedelta(days=1)
    assert found.trouble


def test_once_it_answers_nothing_is_wrong_any_more(session: Session, found: FeedLetter, site: FeedSite) -> None:
    feed_letter.note_trouble(found, "No answer.", ZONE)
    assert _look(session, found, site) is None
    assert found.trouble is None


def test_the_same_feed_twice_and_a_list_without_letters_are_refused(
    session: Session, house: Cafe, found: FeedLetter, site: FeedSite
) -> None:
    del found
    with pytest.raises(Conflict) as caught:
        _add(session, house, site)
    assert caught.value.code == "feed_exists"
    mailing_list.archive(house.mailing_list)
    with pytest.raises(Conflict) as caught:
        _add(session, house, site)
    assert caught.value.code == "list_without_letters"


def test_no_more_than_twenty(session: Session, house: Cafe, found: FeedLetter, site: FeedSite) -> None:
    read = _read(site)
    for number in range(19):
        feed_letter.add(
            session, house.organisation, house.mailing_list, url=f"{URL}?{number}", read=read, rhythm=DAILY, zone=ZONE
        )
    with pytest.raises(Invalid) as caught:
        feed_letter.add(
            session, house.organisation, house.mailing_list, url=f"{URL}?x", read=read, rhythm=DAILY, zone=ZONE
        )
    assert caught.value.code == "too_many_feeds"
    assert found.switched_on


def test_a_closed_list_is_not_looked_at(session: Session, house: Cafe, found: FeedLetter) -> None:
    mailing_list.archive(house.mailing_list)
    session.flush()
    assert feed_letter.due(session, found.next_at) == []
    mailing_list.reopen(house.mailing_list)
    session.flush()
    assert feed_letter.due(session, found.next_at) == [found.id]


def test_after_a_restore_nothing_leaves_by_itself(session: Session, found: FeedLetter) -> None:
    feed_letter.change(found, DAILY, zone=ZONE, automatic=True)
    session.flush()
    feed_letter.hold_all(session)
    assert not found.automatic
    assert "may have been mailed since" in (found.trouble or "")


def test_a_draft_that_waits_is_named_until_it_is_sent(session: Session, found: FeedLetter, site: FeedSite) -> None:
    house = organisation.only_one(session)
    assert feed_letter.waiting(session, house) == []
    letter = feed_letter.take(session, found, _read(site), zone=ZONE, newest=5)
    assert _titles(session, letter) == ["Older", "Old"]
    assert feed_letter.waiting(session, house) == [found]
    campaigns.move(found.last_campaign or Campaign(), CampaignState.SCHEDULED)
    assert feed_letter.waiting(session, house) == []

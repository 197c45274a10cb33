"""The public archive: what is in it, what its owner chose, and pages that are the same whoever asks."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.audience import mailing_list
from listkeeper.campaigns import archive, welcome
from listkeeper.campaigns import campaign as campaigns
from listkeeper.campaigns.campaign import Campaign, CampaignState
from listkeeper.campaigns.revision import Draft
from listkeeper.foundation import clock
from listkeeper.foundation.errors import Conflict, NotFound
from listkeeper.rendering.archive_copy import Around
from listkeeper.sending import planning
from listkeeper.sending.delivery import Delivery
from tests.makers import cafe
from tests.makers.cafe import Cafe

SITE = "https://mail.cafe.example"


@pytest.fixture
def house(session: Session) -> Cafe:
    """A café with one reader, whose archive is open."""
    made = cafe.found(session)
    cafe.subscribe(session, made, "anna@guest.example")
    archive.publish(made.mailing_list, on=True)
    return made


def _sent(session: Session, house: Cafe, subject: str = "Cardamom buns") -> Campaign:
    letter = cafe.draft(session, house, subject=subject)
    planning.send_campaign(session, house.organisation, letter, site=SITE)
    session.flush()
    return letter


def _subjects(session: Session, house: Cafe) -> list[str]:
    letters = archive.shown(session, house.mailing_list, limit=20)
    return [line.subject for line in archive.lines(house.organisation, letters)]


def test_only_letters_that_went_to_everybody_are_in_it(session: Session, house: Cafe) -> None:
    cafe.draft(session, house, subject="A draft")
    welcome.begin(session, house.organisation, house.mailing_list, "en", Draft("Hello", "", "Hello"))
    letters = {state: _sent(session, house, subject=state.value) for state in CampaignState}
    for state, letter in letters.items():
        letter.state = state
    trial = _sent(session, house, subject="a trial")
    trial.waves_open = 0
    session.flush()
    assert sorted(_subjects(session, house)) == ["finished", "sending"]
    trial.waves_open = 1
    assert "a trial" in _subjects(session, house)


def test_its_owner_takes_a_letter_out_and_puts_it_back(session: Session, house: Cafe) -> None:
    letter = _sent(session, house)
    assert archive.is_shown(session, letter)
    archive.take_out(letter)
    assert not archive.is_shown(session, letter)
    assert _subjects(session, house) == []
    with pytest.raises(NotFound):
        archive.letter(session, house.organisation, "news", letter.public_id)
    archive.put(letter)
    assert archive.is_shown(session, letter)
    # It is there because its list says so, and goes when its list says no.
    archive.publish(house.mailing_list, on=False)
    assert not archive.is_shown(session, letter)


def test_a_letter_can_be_shown_by_itself(session: Session, house: Cafe) -> None:
    archive.publish(house.mailing_list, on=False)
    letter, other = _sent(session, house), _sent(session, house)
    archive.put(letter)
    session.flush()
    assert [archive.is_shown(session, each) for each in (letter, other)] == [True, False]
    assert archive.alone(session, house.mailing_list) == 1
    with pytest.raises(NotFound):
        archive.opened(session, house.organisation, "news")
    assert archive.letter(session, house.organisation, "news", letter.public_id).campaign is letter


def test_a_choice_made_while_it_is_a_draft_holds_once_it_has_left(session: Session, house: Cafe) -> None:
    letter = cafe.draft(session, house)
    archive.take_out(letter)
    assert not archive.is_wanted(letter)
    planning.send_campaign(session, house.organisation, letter, site=SITE)
    session.flush()
    assert not archive.is_shown(session, letter)


def test_what_never_goes_to_everybody_is_not_for_it(session: Session, house: Cafe) -> None:
    letter = welcome.begin(session, house.organisation, house.mailing_list, "en", Draft("Hello", "", "Hello")).campaign
    for act in (archive.put, archive.take_out):
        with pytest.raises(Conflict) as caught:
            act(letter)
        assert caught.value.code == "not_for_archive"


def test_an_address_of_another_list_leads_nowhere(session: Session, house: Cafe) -> None:
    letter = _sent(session, house)
    other = mailing_list.create(session, house.organisation, name="Other")
    archive.publish(other, on=True)
    with pytest.raises(NotFound):
        archive.letter(session, house.organisation, "other", letter.public_id)
    mailing_list.archive(house.mailing_list)
    assert archive.opened(session, house.organisation, "news") is house.mailing_list
    mailing_list.tombstone(session, house.mailing_list, actor="test")
    with pytest.raises(NotFound):
        archive.opened(session, house.organisation, "news")


def test_they_come_newest_first_and_page_by_page(session: Session, house: Cafe) -> None:
    now = clock.now()
    for number in range(5):
        letter = _sent(session, house, subject=str(number))
        # Two left in the same moment.
        letter.started_at = now + timedelta(minutes=number // 2)
    session.flush()
    pages, before = [], None
    while letters := archive.shown(session, house.mailing_list, limit=2, before=before):
        pages.append([each.sent.subject for each in letters])
        before = letters[-1].campaign
    assert pages == [["4", "3"], ["2", "1"], ["0"]]


def test_a_page_names_no_reader_and_is_the_same_for_all(session: Session, house: Cafe) -> None:
    anna = cafe.subscribe(session, house, "anna.berg@guest.example")
    letter = _sent(session, house)
    found = archive.letter(session, house.organisation, "news", letter.public_id)
    around = Around(f"{SITE}/archive/news/{letter.public_id}", "")
    page = archive.page_of(found, around)
    text = page.decode()
    assert archive.page_of(found, around) == page
    assert "Dear friend," in text
    assert "readers of “News”" in text
    rows = session.scalars(select(Delivery).where(Delivery.campaign_id == letter.id)).all()
    assert len(rows) == 2
    for gone in ("guest.example", "Unsubscribe", "/u/", "/w/", "/p/", "/y/", "/l/", anna.public_id, anna.subject_ref):
        assert gone not in text


def test_an_entry_of_a_feed_keeps_its_name_wherever_this_instance_is() -> None:
    assert archive.feed_id("cmp_1") == "urn:uuid:b5da57a4-5d81-527f-b5f0-c03a8e9c86ed"
    assert archive.feed_id("cmp_1") != archive.feed_id("cmp_2")


def test_the_words_that_were_sent_stay(session: Session, house: Cafe) -> None:
    letter = _sent(session, house)
    before = archive.stamp(house.organisation, house.mailing_list, archive.shown(session, house.mailing_list, limit=9))
    found = archive.letter(session, house.organisation, house.mailing_list.public_id, letter.public_id)
    house.organisation.brand_colour = "#112233"
    assert found.sent is campaigns.newest(session, letter)
    again = archive.stamp(house.organisation, house.mailing_list, archive.shown(session, house.mailing_list, limit=9))
    assert again == before

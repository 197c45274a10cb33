"""A feed at work: its hour comes, a letter is made, and it leaves by itself only if it may and nothing is wrong."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from PIL import Image
from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper import parts, store
from listkeeper.accounts import organisation
from listkeeper.audience import subscription
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import SubscriptionState
from listkeeper.campaigns import campaign as campaigns
from listkeeper.campaigns import feed_items, feed_letter
from listkeeper.campaigns.campaign import Campaign, CampaignState
from listkeeper.campaigns.feed_letter import FeedLetter
from listkeeper.campaigns.feed_rhythm import Cadence, Rhythm
from listkeeper.foundation import clock
from listkeeper.jobs import feeding
from listkeeper.rendering import document
from listkeeper.rendering.document import Document, RssBlock
from listkeeper.rendering.feeds import feed
from listkeeper.sending import restoring
from tests.fakes.databases import Database
from tests.fakes.feed_site import URL, FeedSite
from tests.makers import cafe
from tests.makers.studio import StudioBrowser, signed_in, the_cafe, words

ZONE = "Europe/London"


@pytest.fixture
def site(app: Flask, frozen_clock: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch) -> Iterator[FeedSite]:
    """A site whose feed a café has added, with one reader on its list."""
    del frozen_clock
    made = FeedSite("Old", at=clock.now() - timedelta(days=3))
    # Where the instance asks the web, which is not there.
    monkeypatch.setattr(parts, "documents", lambda: made)
    with app.app_context():
        with store.transaction() as session:
            cafe.subscribe(session, cafe.found(session), "anna@guest.example")
        yield made


def _add(site: FeedSite, *, automatic: bool = False) -> None:
    with store.transaction() as session:
        house = the_cafe(session)
        feed_letter.add(
            session,
            house.organisation,
            house.mailing_list,
            url=URL,
            read=feed.fetch(site, URL),
            rhythm=Rhythm(Cadence.DAILY, 0, 9),
            zone=ZONE,
            automatic=automatic,
        )


def _found(session: Session) -> FeedLetter:
    return feed_letter.all_of(session, organisation.only_one(session))[0]


def _letters(session: Session) -> list[Campaign]:
    return campaigns.all_of(session, organisation.only_one(session))


def _at_its_hour(traveller: time_machine.Traveller) -> None:
    with store.reading() as session:
        traveller.move_to(_found(session).next_at + timedelta(minutes=2))
    feeding.look()


def test_before_its_hour_nobody_is_asked(site: FeedSite) -> None:
    _add(site)
    site.write("New", at=clock.now())
    asked = site.asked
    feeding.look()
    assert site.asked == asked


def test_what_is_new_is_a_draft_once_however_often_it_is_looked_at(
    site: FeedSite, frozen_clock: time_machine.Traveller, database: Database
) -> None:
    del database
    _add(site)
    _at_its_hour(frozen_clock)
    site.write("New", at=clock.now())
    _at_its_hour(frozen_clock)
    feeding.look()
    with store.reading() as session:
        (letter,) = _letters(session)
        assert (letter.state, letter.halted) == (CampaignState.DRAFT, None)
        assert campaigns.newest(session, letter).subject == "The baker's notes: New"


def _while_the_site_answers(site: FeedSite, act: Callable[[], object]) -> None:
    """Look, and let something else happen while the site is waited for."""
    read = site.read

    def meanwhile(url: str, /, **options: Any) -> object:  # noqa: ANN401 - the fetcher's own
        site.read = read  # type: ignore[method-assign]
        act()
        return read(url, **options)

    site.read = meanwhile  # type: ignore[assignment, method-assign]
    feeding.look()


def _put_off() -> None:
    with store.transaction() as session:
        feed_letter.change(_found(session), Rhythm(Cadence.DAILY, 0, 18), zone=ZONE, automatic=False)


def _switch_off() -> None:
    with store.transaction() as session:
        feed_letter.switch_off(_found(session))


@pytest.mark.parametrize(("act", "letters"), [(feeding.look, 1), (_put_off, 0), (_switch_off, 0)])
def test_two_looks_at_once_make_one_letter_and_its_owner_has_the_last_word(
    site: FeedSite, frozen_clock: time_machine.Traveller, act: Callable[[], object], letters: int
) -> None:
    _add(site)
    site.write("New", at=clock.now())
    with store.reading() as session:
        frozen_clock.move_to(_found(session).next_at)
    _while_the_site_answers(site, act)
    with store.reading() as session:
        assert len(_letters(session)) == letters


def test_an_automatic_one_leaves_by_itself_with_time_to_undo(
    site: FeedSite, frozen_clock: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_hold = parts.settings().model_copy(update={"hold_minutes": 10})
    monkeypatch.setattr(parts, "settings", lambda: with_hold)
    _add(site, automatic=True)
    site.write("New", at=clock.now())
    _at_its_hour(frozen_clock)
    with store.reading() as session:
        (letter,) = _letters(session)
        assert letter.state is CampaignState.HELD
        assert letter.held_until == clock.now() + timedelta(minutes=10)
        assert letter.recipients == 1


def test_without_a_hold_it_is_on_its_way(site: FeedSite, frozen_clock: time_machine.Traveller) -> None:
    _add(site, automatic=True)
    site.write("New", at=clock.now())
    _at_its_hour(frozen_clock)
    with store.reading() as session:
        assert [letter.state for letter in _letters(session)] == [CampaignState.SENDING]


def test_what_blocks_keeps_it_at_home_and_says_why(site: FeedSite, frozen_clock: time_machine.Traveller) -> None:
    _add(site, automatic=True)
    with store.transaction() as session:
        # Whoever was on the list has left.
        person = session.scalars(select(Subscriber)).one()
        current = subscription.of(session, person.id, the_cafe(session).mailing_list.id)
        assert current is not None
        current.state = SubscriptionState.UNSUBSCRIBED
    site.write("New", at=clock.now())
    _at_its_hour(frozen_clock)
    with store.reading() as session:
        (letter,) = _letters(session)
        assert letter.state is CampaignState.DRAFT
        assert letter.halted == {"code": "not_ready", "words": "There is nobody on this list who may be mailed now."}


def _picture(width: int = 40) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (width, 30), "brown").save(file, "PNG")
    return file.getvalue()


def test_pictures_are_brought_home_and_no_reader_asks_the_site_for_one(
    site: FeedSite, frozen_clock: time_machine.Traveller
) -> None:
    _add(site)
    good, broken, gone = (f"https://site.example/{name}.png" for name in ("good", "broken", "gone"))
    site.pictures = {good: _picture(), broken: b"no picture"}
    site.write("Gone", at=clock.now(), picture=gone)
    site.write("Broken", at=clock.now(), picture=broken)
    site.write("Good", at=clock.now(), picture=good)
    _at_its_hour(frozen_clock)
    with store.reading() as session:
        (letter,) = _letters(session)
        block = campaigns.newest(session, letter).draft.blocks[1]
        assert isinstance(block, RssBlock)
        first, *others = (item.picture for item in block.items)
        assert first is not None
        assert (first.width, first.height, first.decorative) == (40, 30, True)
        assert first.src.startswith("/media/")
        assert (parts.media_folder() / first.src.removeprefix("/media/")).read_bytes()
        assert others == [None, None]


def test_one_whose_hour_passed_unseen_asks_its_owner(site: FeedSite, frozen_clock: time_machine.Traveller) -> None:
    _add(site, automatic=True)
    site.write("New", at=clock.now())
    with store.reading() as session:
        frozen_clock.move_to(_found(session).next_at + timedelta(hours=3))
    feeding.look()
    with store.reading() as session:
        (letter,) = _letters(session)
        assert letter.state is CampaignState.DRAFT
        assert (letter.halted or {})["code"] == "late"


def test_a_site_that_is_away_costs_nothing_and_is_asked_again(
    site: FeedSite, frozen_clock: time_machine.Traveller
) -> None:
    _add(site, automatic=True)
    site.write("New", at=clock.now())
    site.away = "no answer in time"
    _at_its_hour(frozen_clock)
    with store.reading() as session:
        found = _found(session)
        assert "no answer in time" in (found.trouble or "")
        assert found.next_at == clock.now() + timedelta(hours=1)
        assert _letters(session) == []
    site.away = ""
    _at_its_hour(frozen_clock)
    with store.reading() as session:
        assert _found(session).trouble is None
        # It is late by the site, and not by us.
        assert [letter.state for letter in _letters(session)] == [CampaignState.SENDING]


def test_after_a_restore_it_makes_drafts(site: FeedSite, frozen_clock: time_machine.Traveller) -> None:
    _add(site, automatic=True)
    with store.transaction() as session:
        restoring.hold_what_waited(session)
    site.write("New", at=clock.now())
    _at_its_hour(frozen_clock)
    with store.reading() as session:
        assert [letter.state for letter in _letters(session)] == [CampaignState.DRAFT]


def test_a_block_of_a_letter_is_filled_anew_and_keeps_what_it_had(site: FeedSite) -> None:
    written = Document.model_validate(
        {"blocks": [{"id": document.new_id(), "type": "rss", "url": URL},
                    {"id": document.new_id(), "type": "rss", "url": "https://other.example/feed"},
                    {"id": document.new_id(), "type": "text", "html": "<p>Hello</p>"}]}
    )  # fmt: skip
    first = feed_items.refreshed(written, site)
    assert [item.title for item in first.document.blocks[0].items] == ["Old"]  # type: ignore[union-attr]
    assert len(first.troubles) == 1
    assert "https://other.example/feed" in first.troubles[0]
    site.away = "no answer in time"
    again = feed_items.refreshed(first.document, site)
    assert again.document == first.document
    assert len(again.troubles) == 2


# The studio


@pytest.fixture
def browser(app: Flask, site: FeedSite) -> StudioBrowser:
    """The owner, signed in."""
    del site
    return signed_in(app)


def _news() -> str:
    with store.reading() as session:
        return the_cafe(session).mailing_list.public_id


def test_a_feed_is_read_and_then_added(browser: StudioBrowser, site: FeedSite) -> None:
    assert "No feed becomes letters yet." in words(browser.get("/studio/feeds"))
    shown = browser.post("/studio/feeds/read", {"url": URL})
    assert "The baker's notes" in words(shown)
    assert "Old" in words(shown)
    typed = {"url": URL, "list": _news(), "cadence": "weekly", "weekday": "4", "hour": "7"}
    assert browser.post("/studio/feeds", typed).status_code == 303
    with store.reading() as session:
        found = _found(session)
        assert (found.rhythm, found.automatic) == (Rhythm(Cadence.WEEKLY, 4, 7), False)
        public_id = found.public_id
    page = words(browser.get("/studio/feeds"))
    assert "Makes drafts" in page
    assert "What is there now counts as seen" in page
    nothing = browser.post(f"/studio/feeds/{public_id}/look", follow_redirects=True)
    assert "Nothing is new there." in words(nothing)
    site.write("New", at=clock.now())
    answer = browser.post(f"/studio/feeds/{public_id}/look")
    assert answer.status_code == 303
    assert "/studio/letters/cmp_" in answer.headers["Location"]


def test_what_cannot_be_read_is_said_and_the_address_kept(browser: StudioBrowser, site: FeedSite) -> None:
    site.away = "no answer in time"
    answer = browser.post("/studio/feeds/read", {"url": URL})
    assert answer.status_code == 503
    assert "no answer in time" in words(answer)
    assert f'value="{URL}"' in answer.text
    site.away = ""
    refused = browser.post("/studio/feeds", {"url": URL, "list": _news(), "cadence": "hourly", "hour": "7"})
    assert refused.status_code == 422
    assert "how often" in words(refused)
    with store.reading() as session:
        assert feed_letter.all_of(session, organisation.only_one(session)) == []


def test_a_feed_is_changed_switched_and_taken_away(browser: StudioBrowser, site: FeedSite) -> None:
    _add(site)
    with store.reading() as session:
        here = f"/studio/feeds/{_found(session).public_id}"
    browser.post(here, {"cadence": "daily", "hour": "6", "automatic": "1"})
    with store.reading() as session:
        assert (_found(session).hour, _found(session).automatic) == (6, True)
    assert "Leaves by itself" in words(browser.get("/studio/feeds"))
    browser.post(f"{here}/switch", {"state": "off"})
    assert "Switch on" in words(browser.get("/studio/feeds"))
    site.write("Between", at=clock.now())
    browser.post(f"{here}/switch", {"state": "on"})
    assert "Nothing is new there." in words(browser.post(f"{here}/look", follow_redirects=True))
    # What is there can be had as a draft all the same.
    assert "/studio/letters/cmp_" in browser.post(f"{here}/draft").headers["Location"]
    browser.post(f"{here}/remove")
    with store.reading() as session:
        assert feed_letter.all_of(session, organisation.only_one(session)) == []
        assert len(_letters(session)) == 1

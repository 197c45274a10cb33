"""A letter that was ordered: undone, sent at once, moved to another time; paused, gone on with, tried once more."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from listkeeper import store
from listkeeper.accounts.audit_log import AuditEntry
from listkeeper.audience import subscription, unsubscribe
from listkeeper.audience.consent import Method
from listkeeper.audience.handover import MessageClass
from listkeeper.audience.subscriber import Subscriber
from listkeeper.campaigns import campaign as campaigns
from listkeeper.campaigns.campaign import Campaign, CampaignState
from listkeeper.deliverability.reply_class import ReplyClass
from listkeeper.foundation import clock
from listkeeper.jobs import steering
from listkeeper.sending.delivery import Delivery, DeliveryState
from listkeeper.settings import Settings
from tests.integration import test_studio_letters as of_letters
from tests.makers import cafe, crowd, studio
from tests.makers.studio import StudioBrowser, words


@pytest.fixture
def browser(app: Flask) -> StudioBrowser:
    """The owner of a café with two readers."""
    with app.app_context(), store.transaction() as session:
        made = cafe.found(session)
        for name in ("anna", "bo"):
            cafe.subscribe(session, made, f"{name}@people.example")
    return studio.signed_in(app)


@pytest.fixture
def holding(app: Flask, settings: Settings) -> None:
    """What is sent can be undone for ten minutes, as delivered."""
    app.config["LISTKEEPER"] = settings.model_copy(update={"hold_minutes": 10})


def _order(browser: StudioBrowser, **typed: str) -> str:
    address = of_letters.draft(browser)
    answer = browser.post(f"{address}/send", {"sha256": of_letters.seen(browser, address), **typed})
    assert answer.status_code == 303, words(answer)
    return address


def _letter(app: Flask) -> Campaign:
    with app.app_context(), store.reading() as session:
        found = session.scalars(select(Campaign).order_by(Campaign.id.desc()).limit(1)).one()
        session.expunge_all()
        return found


def _acts(app: Flask) -> list[str]:
    with app.app_context(), store.reading() as session:
        query = select(AuditEntry.action).where(AuditEntry.action.startswith("campaign."))
        return list(session.scalars(query.order_by(AuditEntry.id)))


def _look_around(app: Flask) -> None:
    with app.app_context():
        steering.look_around()


def _planned(app: Flask) -> int:
    return of_letters.deliveries(app, MessageClass.MARKETING)


@pytest.mark.usefixtures("holding")
def test_a_send_is_held_says_for_how_long_and_can_be_undone(
    app: Flask, browser: StudioBrowser, frozen_clock: time_machine.Traveller
) -> None:
    address = of_letters.draft(browser)
    assert "for 10 minutes you can take it back" in words(browser.get(f"{address}/send"))
    browser.post(f"{address}/send", {"sha256": of_letters.seen(browser, address)})
    assert (_letter(app).state, _planned(app)) == (CampaignState.HELD, 0)
    frozen_clock.shift(timedelta(minutes=1))
    shown = browser.get(f"{address}/progress")
    assert "It leaves in 9 minutes, to 2 people. Until then you can take it back." in words(shown)
    assert f'action="{address}/undo"' in shown.text
    home = browser.get("/studio/")
    assert "Ready to leave Rye bread It leaves in 9 minutes, to 2 people." in words(home)
    assert f'href="{address}/progress"' in home.text
    _look_around(app)
    assert _letter(app).state is CampaignState.HELD
    assert browser.post(f"{address}/undo").location == address
    assert "Taken back." in words(browser.get(address))
    assert "Ready to leave" not in words(browser.get("/studio/"))
    assert (_letter(app).state, _letter(app).sent_revision_id, _planned(app)) == (CampaignState.DRAFT, None, 0)
    frozen_clock.shift(timedelta(minutes=10))
    _look_around(app)
    assert (_letter(app).state, _planned(app)) == (CampaignState.DRAFT, 0)
    # Taken back it can be written on, and a second undo changes nothing.
    assert 'class="notice bad"' in browser.post(f"{address}/undo", follow_redirects=True).text
    assert browser.post(address, {**of_letters.WORDS, "version": "2", "markdown": "Other"}).status_code == 303
    assert _acts(app)[-2:] == ["campaign.held", "campaign.taken_back"]


@pytest.mark.usefixtures("holding")
def test_a_held_letter_leaves_by_itself_or_at_once(
    app: Flask, browser: StudioBrowser, frozen_clock: time_machine.Traveller
) -> None:
    _order(browser)
    frozen_clock.shift(timedelta(minutes=10))
    _look_around(app)
    assert (_letter(app).state, _planned(app), _acts(app)[-1]) == (CampaignState.SENDING, 2, "campaign.started")
    address = _order(browser)
    assert "It leaves now." in words(browser.post(f"{address}/now", follow_redirects=True))
    assert _planned(app) == 4
    refused = browser.post(f"{address}/now", follow_redirects=True)
    assert "not waiting to leave" in words(refused)
    assert _planned(app) == 4


def test_a_letter_is_sent_at_the_time_that_was_chosen(
    app: Flask, browser: StudioBrowser, frozen_clock: time_machine.Traveller
) -> None:
    frozen_clock.move_to("2026-12-01T12:00:00Z", tick=False)
    address = _order(browser, when="at", at="2026-12-24T09:00")
    # No business of this café told its zone: what its language suggests, which the page names.
    shown = browser.get(f"{address}/progress")
    assert "Thursday, December 24, 2026, 9:00" in words(shown)
    assert "(Europe/London)" in words(shown)
    assert "Thursday, December 24, 2026, 9:00" in words(browser.get("/studio/"))
    assert "hx-trigger" not in shown.text.split('id="progress"')[1].split(">")[0]
    assert "its time is over" not in words(browser.get("/studio/letters"))
    browser.post(f"{address}/reschedule", {"at": "2026-12-24T10:30"})
    assert clock.as_text(_letter(app).scheduled_for or clock.now()) == "2026-12-24T10:30:00.000Z"
    for wrong in ("", "soon", "2026-11-01T09:00", "2029-01-01T09:00"):
        assert 'class="notice bad"' in browser.post(f"{address}/reschedule", {"at": wrong}, follow_redirects=True).text
    frozen_clock.move_to("2026-12-24T10:29:59Z", tick=False)
    _look_around(app)
    assert _letter(app).state is CampaignState.SCHEDULED
    frozen_clock.shift(timedelta(seconds=1))
    _look_around(app)
    _look_around(app)
    assert (_letter(app).state, _planned(app)) == (CampaignState.SENDING, 2)


def test_a_wrong_time_is_said_beside_the_button(app: Flask, browser: StudioBrowser) -> None:
    address = of_letters.draft(browser)
    typed = {"sha256": of_letters.seen(browser, address), "when": "at", "at": "2020-01-01T09:00"}
    answer = browser.post(f"{address}/send", typed)
    assert answer.status_code == 422
    assert "That moment is over already" in words(answer)
    assert 'value="2020-01-01T09:00"' in answer.text
    assert _letter(app).state is CampaignState.DRAFT


def test_a_letter_whose_time_passed_unseen_asks(
    app: Flask, browser: StudioBrowser, frozen_clock: time_machine.Traveller
) -> None:
    address = _order(browser, when="at", at="2026-11-23T09:00")
    frozen_clock.move_to("2026-11-23T09:30:01Z", tick=False)
    _look_around(app)
    assert (_letter(app).state, _planned(app)) == (CampaignState.SCHEDULED, 0)
    shown = browser.get(f"{address}/progress")
    assert "It should have left at this time: Monday, November 23, 2026, 9:00" in words(shown)
    for way in ("now", "reschedule", "undo"):
        assert f'action="{address}/{way}"' in shown.text
    assert "its time is over: it asks you" in words(browser.get("/studio/letters"))
    browser.post(f"{address}/now")
    assert (_letter(app).state, _planned(app)) == (CampaignState.SENDING, 2)


def test_a_letter_that_cannot_leave_is_a_draft_again_and_says_why(
    app: Flask, browser: StudioBrowser, frozen_clock: time_machine.Traveller
) -> None:
    address = _order(browser, when="at", at=(clock.now() + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M"))
    with app.app_context(), store.transaction() as session:
        news = studio.the_cafe(session).mailing_list
        for person in session.scalars(subscription.mailable(news, practice=False)).all():
            unsubscribe.leave(session, person, news.id, Method.PAGE)
    frozen_clock.shift(timedelta(hours=1))
    _look_around(app)
    assert (_letter(app).state, _planned(app)) == (CampaignState.DRAFT, 0)
    assert "It did not leave: There is nobody on this list who may be mailed now." in words(browser.get(address))
    assert "it did not leave" in words(browser.get("/studio/letters"))


def test_a_letter_under_way_is_paused_goes_on_and_is_tried_again(app: Flask, browser: StudioBrowser) -> None:
    address = _order(browser)
    assert "Paused. Whoever has it has it" in words(browser.post(f"{address}/pause", follow_redirects=True))
    assert of_letters.state(app) is CampaignState.PAUSED
    shown = browser.get(f"{address}/progress")
    assert f'action="{address}/resume"' in shown.text
    assert f'action="{address}/pause"' not in shown.text
    refused = browser.post(f"{address}/pause", follow_redirects=True)
    assert 'class="notice bad"' in refused.text
    assert "goes on where it stood" in words(browser.post(f"{address}/resume", follow_redirects=True))
    with app.app_context(), store.transaction() as session:
        for row in session.scalars(select(Delivery).where(Delivery.message_class == MessageClass.MARKETING)):
            row.state, row.reply_code, row.reply_text = DeliveryState.FAILED, 550, "5.7.1 not today"
        campaigns.move(session.scalars(select(Campaign)).one(), CampaignState.FINISHED)
    assert "Try 2 failed mails once more" in words(browser.get(f"{address}/progress"))
    assert "2 mails are tried once more" in words(browser.post(f"{address}/retry", follow_redirects=True))
    assert of_letters.state(app) is CampaignState.SENDING
    assert {"campaign.paused", "campaign.resumed", "campaign.retried"} <= set(_acts(app))


def _put_in_doubt(app: Flask) -> list[int]:
    with app.app_context(), store.transaction() as session:
        rows = list(session.scalars(select(Delivery).where(Delivery.message_class == MessageClass.MARKETING)))
        for row in rows:
            row.state, row.handed_at, row.attempts = DeliveryState.IN_DOUBT, clock.now(), 1
            row.message_id, row.reply_text = (
                f"<{row.id}@cafe.example>",
                "the worker stopped before an answer was recorded",
            )
        campaigns.move(session.scalars(select(Campaign)).one(), CampaignState.FINISHED)
        return [row.id for row in rows]


def test_what_is_in_doubt_is_looked_through_and_settled(app: Flask, browser: StudioBrowser) -> None:
    address = _order(browser)
    first, second = _put_in_doubt(app)
    assert f'href="{address}/doubts"' in browser.get(f"{address}/progress").text
    shown = words(browser.get(f"{address}/doubts"))
    assert "anna@people.example" in shown
    for told in (f"<{first}@cafe.example>", "1 attempt", "the worker stopped before an answer was recorded"):
        assert told in shown
    for wrong in ({}, {"how": "sent"}, {"how": "perhaps", "all": "1"}, {"how": "sent", "number": "x"}):
        assert 'class="notice bad"' in browser.post(f"{address}/doubts", wrong, follow_redirects=True).text
    said = browser.post(f"{address}/doubts", {"how": "sent", "number": str(first)}, follow_redirects=True)
    assert "1 mail is settled." in words(said)
    gone = browser.post(f"{address}/doubts", {"how": "again", "number": str(first)}, follow_redirects=True)
    assert "None of these is in doubt any more" in words(gone)
    again = browser.post(f"{address}/doubts", {"how": "again", "all": "1"}, follow_redirects=True)
    assert "1 mail is sent once more." in words(again)
    assert "Nothing is in doubt" in words(again)
    with app.app_context(), store.reading() as session:
        states = {row.id: row.state for row in session.scalars(select(Delivery)) if row.id in {first, second}}
        lines = [(row.action, row.subject) for row in session.scalars(select(AuditEntry).order_by(AuditEntry.id))]
    assert states == {first: DeliveryState.ACCEPTED, second: DeliveryState.QUEUED}
    assert _letter(app).state is CampaignState.SENDING
    name = _letter(app).public_id
    assert lines[-2:] == [("delivery.settled_sent", f"{name}/{first}"), ("delivery.queued_again", f"{name}/{second}")]


def test_a_few_get_it_first_and_the_owner_lets_the_rest_go(
    app: Flask, browser: StudioBrowser, frozen_clock: time_machine.Traveller
) -> None:
    assert "Test small first" not in words(browser.get(f"{of_letters.draft(browser)}/send"))
    with app.app_context(), store.transaction() as session:
        crowd.gather(session, studio.the_cafe(session), 118)
    address = of_letters.draft(browser)
    assert "Test small first" in words(browser.get(f"{address}/send"))
    typed = {"test": "1", "share": "5", "wait_hours": "0,5", "clicks": "", "bounces": "1.5"}
    seen = {"sha256": of_letters.seen(browser, address)}
    for wrong in ({"share": "60"}, {"share": "much"}, {"wait_hours": "NaN"}, {"bounces": "101"}, {"share": ""}):
        refused = browser.post(f"{address}/send", seen | typed | wrong)
        assert (refused.status_code, _letter(app).state) == (422, CampaignState.DRAFT), wrong
        assert "Nothing was sent" in words(refused)
    assert browser.post(f"{address}/send", seen | typed).status_code == 303
    shown = words(browser.get(f"{address}/progress"))
    assert "50 people get it first. The others wait for what comes back until this time" in shown
    with app.app_context(), store.transaction() as session:
        for row in session.scalars(select(Delivery).where(Delivery.wave == 0)):
            row.state = DeliveryState.ACCEPTED
    frozen_clock.shift(timedelta(minutes=30))
    _look_around(app)
    shown = words(browser.get(f"{address}/progress"))
    assert "The results are in: the others wait for your word." in shown
    assert "What came of the first few: Addresses that do not exist: at most 1.5% expected, 0% came." in shown
    # It goes no further by itself, and says so wherever it is listed.
    assert "Waits for you" in shown
    assert "goes on without you" not in shown
    assert "the others wait for your word Waits for you" in words(browser.get("/studio/queue"))
    first = browser.get("/studio/")
    assert "Rye bread: The results are in: the others wait for your word. Look at it" in words(first)
    assert f'href="{address}/progress">Look at it' in first.text
    assert "Everybody else gets it now." in words(browser.post(f"{address}/release", follow_redirects=True))
    assert _letter(app).waves_open == 1
    assert 'class="notice bad"' in browser.post(f"{address}/release", follow_redirects=True).text
    assert _acts(app)[-3:] == ["campaign.started", "campaign.pilot_asked", "campaign.released"]


def test_a_letter_that_stopped_by_itself_says_why_on_the_first_screen(app: Flask, browser: StudioBrowser) -> None:
    with app.app_context(), store.transaction() as session:
        crowd.gather(session, studio.the_cafe(session), 100)
    address = _order(browser)
    with app.app_context(), store.transaction() as session:
        query = select(Delivery).where(Delivery.message_class == MessageClass.MARKETING).limit(7)
        for row in session.scalars(query):
            row.state, row.reply_code = DeliveryState.FAILED, 550
            row.reply_class = ReplyClass.INVALID_ADDRESS
    _look_around(app)
    why = "It paused by itself: 7 addresses do not exist"
    for page in (f"{address}/progress", "/studio/"):
        assert why in words(browser.get(page)), page
    browser.post(f"{address}/resume")
    _look_around(app)
    assert (_letter(app).state, _letter(app).halted) == (CampaignState.SENDING, None)
    assert why not in words(browser.get("/studio/"))


def test_quiet_hours_are_chosen_in_the_settings_and_said_beside_the_button(
    app: Flask, browser: StudioBrowser, frozen_clock: time_machine.Traveller
) -> None:
    wrong = browser.post("/studio/settings/quiet", {"quiet_from": "7:30", "quiet_until": ""})
    assert wrong.status_code == 422
    assert "write both times" in words(wrong)
    chosen = {"quiet_from": "07:30", "quiet_until": "09:00"}
    saved = browser.post("/studio/settings/quiet", chosen, follow_redirects=True)
    assert "Saved. No letter leaves in these hours." in words(saved)
    assert 'value="07:30"' in saved.text
    address = of_letters.draft(browser)
    assert "These are your quiet hours." in words(browser.get(f"{address}/send"))
    browser.post(f"{address}/send", {"sha256": of_letters.seen(browser, address)})
    assert "It rests, because these are your quiet hours." in words(browser.get(f"{address}/progress"))
    frozen_clock.shift(timedelta(hours=1))
    assert "It is going out." in words(browser.get(f"{address}/progress"))
    said = browser.post("/studio/settings/quiet", {"quiet_from": "", "quiet_until": ""}, follow_redirects=True)
    assert "Letters leave at any hour." in words(said)


def test_each_reader_s_own_hour_is_offered_where_somebody_told_her_zone(app: Flask, browser: StudioBrowser) -> None:
    address = of_letters.draft(browser)
    assert "each reader’s own clock" not in words(browser.get(f"{address}/send"))
    with app.app_context(), store.transaction() as session:
        session.scalars(select(Subscriber).limit(1)).one().time_zone = "Asia/Tokyo"
    shown = words(browser.get(f"{address}/send"))
    assert "by each reader’s own clock: it is known of 1 person" in shown
    when = (clock.now() + timedelta(days=2)).strftime("%Y-%m-%dT%H:%M")
    typed = {"sha256": of_letters.seen(browser, address), "when": "at", "at": when, "each_zone": "1"}
    assert browser.post(f"{address}/send", typed).status_code == 303
    assert "It leaves at each reader's own hour" in words(browser.get(f"{address}/progress"))
    browser.post(f"{address}/reschedule", {"at": (clock.now() + timedelta(days=3)).strftime("%Y-%m-%dT%H:%M")})
    assert (_letter(app).each_zone, _letter(app).state) == (True, CampaignState.SCHEDULED)

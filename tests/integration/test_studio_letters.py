"""Writing, seeing, checking and sending a letter: nothing lost, nothing sent that was not seen."""

from __future__ import annotations

import html
import re

import pytest
from flask import Flask
from sqlalchemy import func, select

from listkeeper import store
from listkeeper.accounts import organisation
from listkeeper.audience.handover import MessageClass
from listkeeper.audience.mailing_list import MailingList
from listkeeper.campaigns import campaign as campaigns
from listkeeper.campaigns.campaign import Campaign, CampaignState
from listkeeper.sending.delivery import Delivery, DeliveryState
from listkeeper.settings import Settings
from tests.makers import cafe, studio
from tests.makers.studio import StudioBrowser, words

WORDS = {"subject": "Rye bread", "preheader": "On Thursday", "markdown": "# Rye\n\nDark and *sour*."}
JSON = {"Accept": "application/json"}


@pytest.fixture
def browser(app: Flask) -> StudioBrowser:
    """The owner of a café with two readers and one who has not confirmed."""
    with app.app_context(), store.transaction() as session:
        made = cafe.found(session)
        cafe.subscribe(session, made, "anna@people.example")
        cafe.subscribe(session, made, "bo@people.example")
        cafe.sign_up(session, made, "cecilie@people.example")
    return studio.signed_in(app)


def begin(browser: StudioBrowser, start: str = "markdown") -> str:
    page = browser.get("/studio/letters/new").text
    chosen = re.search(r'name="list" value="([^"]+)"', page)
    assert chosen
    answer = browser.post("/studio/letters", {"list": chosen.group(1), "start": start})
    assert answer.status_code == 303
    return str(answer.location)


def draft(browser: StudioBrowser, **changed: str) -> str:
    """Begin a letter and write on it; return its address."""
    address = begin(browser)
    assert browser.post(address, {**WORDS, "version": "1", **changed}).status_code == 303
    return address


def newest(app: Flask) -> tuple[int, str]:
    with app.app_context(), store.reading() as session:
        letter = session.scalars(select(Campaign)).one()
        return letter.version, campaigns.newest(session, letter).markdown


def state(app: Flask) -> CampaignState:
    with app.app_context(), store.reading() as session:
        return session.scalars(select(Campaign.state)).one()


def deliveries(app: Flask, kind: MessageClass) -> int:
    with app.app_context(), store.reading() as session:
        query = select(func.count()).select_from(Delivery).where(Delivery.message_class == kind)
        return session.scalar(query) or 0


def seen(browser: StudioBrowser, address: str) -> str:
    found = re.search(r'name="sha256" value="([0-9a-f]{64})"', browser.get(f"{address}/send").text)
    assert found
    return found.group(1)


# Writing


def test_a_blank_letter_opens_with_what_is_missing(browser: StudioBrowser) -> None:
    shown = words(browser.get(begin(browser)))
    assert "Not ready" in shown
    assert "The letter has no subject." in shown
    assert "The letter is empty." in shown


def test_a_welcome_is_written_in_the_language_of_the_business(app: Flask, browser: StudioBrowser) -> None:
    with app.app_context(), store.transaction() as session:
        organisation.only_one(session).language = "en"
    browser.post("/studio/language", {"language": "da"})
    page = browser.get(begin(browser, "welcome")).text
    assert 'value="Welcome to Café Kardemomme"' in page


def test_saving_makes_the_next_version(app: Flask, browser: StudioBrowser) -> None:
    address = begin(browser)
    assert browser.post(address, {**WORDS, "version": "1"}).location == address
    assert newest(app) == (2, WORDS["markdown"])
    page = browser.get(address).text
    assert 'name="version" value="2"' in page
    assert 'value="Rye bread"' in page


def test_a_script_saves_and_gets_the_version(app: Flask, browser: StudioBrowser) -> None:
    address = begin(browser)
    answer = browser.post(address, {**WORDS, "version": "1"}, headers=JSON)
    assert answer.status_code == 200
    assert answer.get_json()["version"] == 2
    # The same words again are the same version.
    assert browser.post(address, {**WORDS, "version": "2"}, headers=JSON).get_json()["version"] == 2
    assert newest(app)[0] == 2


def test_a_save_on_an_old_version_changes_nothing_and_loses_nothing(app: Flask, browser: StudioBrowser) -> None:
    address = draft(browser)
    mine = {**WORDS, "markdown": "Mine, written <elsewhere>", "version": "1"}
    answer = browser.post(address, mine)
    assert answer.status_code == 412
    assert newest(app) == (2, WORDS["markdown"])
    assert "Mine, written &lt;elsewhere&gt;</textarea>" in answer.text
    assert html.escape(WORDS["markdown"]) in answer.text
    assert "nothing of it is lost" in words(answer)
    # Saving once more from that page is a decision: it carries the present version.
    assert 'name="version" value="2"' in answer.text
    assert browser.post(address, {**mine, "version": "2"}).status_code == 303
    assert newest(app) == (3, "Mine, written <elsewhere>")


def test_a_script_on_an_old_version_gets_the_present_one(app: Flask, browser: StudioBrowser) -> None:
    address = draft(browser)
    answer = browser.post(address, {**WORDS, "markdown": "Mine", "version": "1"}, headers=JSON)
    assert answer.status_code == 412
    said = answer.get_json()
    held = said["document"]
    assert (said["version"], held["subject"], held["markdown"]) == (2, WORDS["subject"], WORDS["markdown"])
    assert newest(app)[1] == WORDS["markdown"]


@pytest.mark.parametrize("version", ["", "x", "-1", "999"])
def test_a_save_without_its_version_changes_nothing(app: Flask, browser: StudioBrowser, version: str) -> None:
    address = draft(browser)
    assert browser.post(address, {**WORDS, "markdown": "Mine", "version": version}).status_code == 412
    assert newest(app) == (2, WORDS["markdown"])


def test_a_letter_has_a_limit(browser: StudioBrowser) -> None:
    address = begin(browser)
    answer = browser.post(address, {**WORDS, "markdown": "x" * 400_000, "version": "1"}, follow_redirects=True)
    assert answer.status_code == 422
    assert "the most is 300,000" in words(answer)


# Seeing


def test_the_preview_is_the_letter_alone_under_the_policy_of_letters(browser: StudioBrowser) -> None:
    answer = browser.get(f"{draft(browser)}/preview")
    assert answer.headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
    assert "<em>sour</em>" in re.sub(r"<em [^>]*>", "<em>", answer.text)
    assert "Havnegade 1" in answer.text
    assert "csrf_token" not in answer.text
    text = browser.get(f"{draft(browser)}/preview?part=text")
    assert text.content_type == "text/plain; charset=utf-8"
    assert "sour" in text.text


def test_the_page_around_it_may_frame_only_our_own(browser: StudioBrowser) -> None:
    answer = browser.get(draft(browser))
    policy = answer.headers["Content-Security-Policy"]
    assert "frame-src 'self'" in policy
    assert "unsafe" not in policy
    assert 'title="Preview of the letter" sandbox ' in answer.text


def test_a_letter_that_cannot_be_drawn_says_where(browser: StudioBrowser) -> None:
    address = draft(browser, markdown="Dear {{ subscriber.first_name ")
    shown = browser.get(f"{address}/preview")
    assert shown.status_code == 200
    assert shown.content_type == "text/plain; charset=utf-8"
    assert "Not ready" in words(browser.get(address))


def test_a_script_in_the_letter_does_not_live(browser: StudioBrowser) -> None:
    bad = "<script>alert(1)</script>\n\n<img src=x onerror=alert(1)>\n\n[x](javascript:alert(1))"
    address = draft(browser, markdown=bad)
    shown = browser.get(f"{address}/preview").text
    assert "<script" not in shown
    assert "onerror" not in shown
    assert "javascript:" not in shown
    # And in the textarea it is text.
    assert "&lt;script&gt;" in browser.get(address).text


# Checking


def test_findings_say_how_bad_what_and_where(browser: StudioBrowser) -> None:
    address = draft(browser, subject="", markdown="Dear {{ subscriber.first_name }}, [see](nowhere)")
    part = browser.get(f"{address}/check", headers={"HX-Request": "true"})
    assert part.text.lstrip().startswith('<div id="check"')
    said = words(part)
    assert "Blocks sending The letter has no subject." in said
    assert "Better so" in said
    assert "Mend this" in said
    assert 'data-jump="subject"' in part.text


def test_links_that_could_not_be_followed_are_unknown_and_never_fine(
    app: Flask, settings: Settings, browser: StudioBrowser
) -> None:
    app.config["LISTKEEPER"] = settings.model_copy(update={"check_links": False})
    address = draft(browser, markdown="[See](https://cafe.example/bread)")
    assert "Not known Whether the link https://cafe.example/bread works" in words(browser.get(f"{address}/check"))


# Testing


def test_a_test_goes_to_any_typed_address(app: Flask, browser: StudioBrowser) -> None:
    address = draft(browser)
    answer = browser.post(f"{address}/test", {"to": "friend@else.example"}, follow_redirects=True)
    assert "on its way to the practice inbox" in words(answer)
    with app.app_context(), store.reading() as session:
        made = session.scalars(select(Delivery).where(Delivery.message_class == MessageClass.TEST)).one()
        assert made.typed_address == "friend@else.example"
    answer = browser.post(f"{address}/test", {"to": "no address"}, follow_redirects=True)
    assert 'class="notice bad"' in answer.text
    assert deliveries(app, MessageClass.TEST) == 1


def test_tests_have_an_hourly_limit(app: Flask, settings: Settings, browser: StudioBrowser) -> None:
    app.config["LISTKEEPER"] = settings.model_copy(update={"tests_per_hour": 2})
    address = draft(browser)
    form = {"to": "friend@else.example"}
    said = [words(browser.post(f"{address}/test", form, follow_redirects=True)) for _ in range(3)]
    assert ["this hour" in each for each in said] == [False, False, True]
    assert deliveries(app, MessageClass.TEST) == 2


# Sending


def test_the_summary_says_to_whom_and_who_is_left_out(browser: StudioBrowser) -> None:
    shown = words(browser.get(f"{draft(browser)}/send"))
    assert "To 2 confirmed people on “News”, from Café Kardemomme." in shown
    assert "Left out 1 Not confirmed yet" in shown
    assert "Send it to 2 people" in shown


def test_the_button_sends_what_was_seen(app: Flask, browser: StudioBrowser) -> None:
    address = draft(browser)
    answer = browser.post(f"{address}/send", {"sha256": seen(browser, address)})
    assert answer.location == f"{address}/progress"
    assert state(app) is CampaignState.SENDING
    assert deliveries(app, MessageClass.MARKETING) == 2
    shown = browser.get(f"{address}/progress")
    assert "0 of 2 sent" in words(shown)
    assert 'hx-trigger="every 1500ms"' in shown.text
    assert browser.get(address).location == f"{address}/progress"
    assert browser.get(f"{address}/send").location == f"{address}/progress"


def test_a_letter_that_moved_since_is_shown_again_and_not_sent(app: Flask, browser: StudioBrowser) -> None:
    address = draft(browser)
    old = seen(browser, address)
    browser.post(address, {**WORDS, "markdown": "Changed in another tab", "version": "2"})
    answer = browser.post(f"{address}/send", {"sha256": old})
    assert answer.status_code == 412
    assert "has changed since you looked at it" in words(answer)
    assert seen(browser, address) != old
    assert state(app) is CampaignState.DRAFT
    assert deliveries(app, MessageClass.MARKETING) == 0


def test_a_button_without_a_name_sends_nothing(app: Flask, browser: StudioBrowser) -> None:
    address = draft(browser)
    assert browser.post(f"{address}/send", {}).status_code == 412
    assert state(app) is CampaignState.DRAFT


def test_what_is_blocked_cannot_be_sent(app: Flask, browser: StudioBrowser) -> None:
    address = draft(browser, subject="")
    page = browser.get(f"{address}/send").text
    assert 'name="sha256"' not in page
    with app.app_context(), store.reading() as session:
        letter = session.scalars(select(Campaign)).one()
        sha256 = campaigns.newest(session, letter).sha256
    answer = browser.post(f"{address}/send", {"sha256": sha256})
    assert answer.status_code == 422
    assert "Nothing was sent" in words(answer)
    assert state(app) is CampaignState.DRAFT


def test_pressing_twice_sends_once(app: Flask, browser: StudioBrowser) -> None:
    address = draft(browser)
    sha256 = seen(browser, address)
    for _ in range(2):
        answer = browser.post(f"{address}/send", {"sha256": sha256})
        assert answer.location == f"{address}/progress"
    assert deliveries(app, MessageClass.MARKETING) == 2


def test_a_sent_letter_cannot_be_changed(app: Flask, browser: StudioBrowser) -> None:
    address = draft(browser)
    browser.post(f"{address}/send", {"sha256": seen(browser, address)})
    answer = browser.post(address, {**WORDS, "markdown": "Too late", "version": "2"}, headers=JSON)
    assert answer.status_code == 409
    assert "has been sent" in answer.get_json()["detail"]
    page = browser.post(address, {**WORDS, "markdown": "Too late", "version": "2"})
    assert page.status_code == 409
    assert newest(app) == (2, WORDS["markdown"])


def test_progress_names_those_in_doubt_and_why_others_were_left_out(app: Flask, browser: StudioBrowser) -> None:
    address = draft(browser)
    browser.post(f"{address}/send", {"sha256": seen(browser, address)})
    with app.app_context(), store.transaction() as session:
        one, two = session.scalars(select(Delivery).where(Delivery.message_class == MessageClass.MARKETING))
        one.state = DeliveryState.IN_DOUBT
        two.state = DeliveryState.REFUSED
        two.refusal_code = "withdrawn"  # type: ignore[assignment]
    shown = words(browser.get(f"{address}/progress"))
    assert "In doubt 1" in shown
    assert "anna@people.example" in shown
    assert "1 · unsubscribed in the meantime" in shown
    part = browser.get(f"{address}/progress", headers={"HX-Request": "true"})
    assert part.text.lstrip().startswith('<div id="progress"')


def test_a_finished_letter_stops_asking(app: Flask, browser: StudioBrowser) -> None:
    address = draft(browser)
    browser.post(f"{address}/send", {"sha256": seen(browser, address)})
    with app.app_context(), store.transaction() as session:
        for row in session.scalars(select(Delivery).where(Delivery.message_class == MessageClass.MARKETING)):
            row.state = DeliveryState.ACCEPTED
        campaigns.move(session.scalars(select(Campaign)).one(), CampaignState.FINISHED)
    shown = browser.get(f"{address}/progress")
    assert "2 of 2 sent" in words(shown)
    assert "hx-trigger" not in shown.text.split('id="progress"')[1].split(">")[0]
    assert "Stop for good" not in words(shown)


def test_sending_can_be_stopped(app: Flask, browser: StudioBrowser) -> None:
    address = draft(browser)
    browser.post(f"{address}/send", {"sha256": seen(browser, address)})
    answer = browser.post(f"{address}/cancel", follow_redirects=True)
    assert "Stopped. 2 mails stayed home." in words(answer)
    assert state(app) is CampaignState.CANCELLED
    again = browser.post(f"{address}/cancel", follow_redirects=True)
    assert 'class="notice bad"' in again.text


def test_letters_stand_under_what_became_of_them(browser: StudioBrowser) -> None:
    address = draft(browser)
    assert "Drafts Rye bread" in words(browser.get("/studio/letters"))
    browser.post(f"{address}/send", {"sha256": seen(browser, address)})
    shown = words(browser.get("/studio/letters"))
    assert "On their way Rye bread" in shown
    assert "to 2 people" in shown


def test_a_letter_of_nobody_is_not_found(app: Flask, browser: StudioBrowser) -> None:
    for path in ("", "/preview", "/check", "/send", "/progress"):
        assert browser.get(f"/studio/letters/cmp_nothing{path}").status_code == 404
    assert browser.post("/studio/letters", {"list": "lst_nothing"}).status_code == 404
    with app.app_context(), store.reading() as session:
        assert session.scalar(select(func.count()).select_from(MailingList)) == 1

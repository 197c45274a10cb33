"""The studio's page about the guidance blocks, and what is behind them on a reader's side: help, pictures, "done"."""

from __future__ import annotations

import html
import re
from itertools import product

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from listkeeper import store
from listkeeper.accounts import organisation
from listkeeper.accounts.audit_log import AuditEntry
from listkeeper.audience.subscriber import Subscriber
from listkeeper.campaigns.preview import SAMPLE_TOKEN
from listkeeper.foundation import clock, language, signing
from listkeeper.rendering.inbox_help import Program
from listkeeper.sending import planning
from listkeeper.sending.delivery import Delivery, DeliveryState
from tests.fakes.databases import Database
from tests.makers import cafe, studio
from tests.makers.studio import StudioBrowser, words

SITE = "http://localhost:8025"


@pytest.fixture
def browser(app: Flask) -> StudioBrowser:
    """The owner of a café with two readers who are asked and one who is not."""
    with app.app_context(), store.transaction() as session:
        made = cafe.found(session)
        for address in ("anna@gmail.com", "bo@me.com", "ida@people.example"):
            cafe.subscribe(session, made, address)
    return studio.signed_in(app)


def _send(app: Flask) -> dict[str, tuple[int, str | None]]:
    """Send a letter; return the delivery of each reader, and what it was planned with."""
    with app.app_context(), store.transaction() as session:
        made = studio.the_cafe(session)
        letter = cafe.draft(session, made)
        planning.send_campaign(session, made.organisation, letter, site=SITE)
        query = select(Subscriber.email_key, Delivery).join(Subscriber, Subscriber.id == Delivery.subscriber_id)
        rows = [(row[0], row[1]) for row in session.execute(query.where(Delivery.campaign_id == letter.id))]
        for _key, row in rows:
            row.state, row.handed_at = DeliveryState.ACCEPTED, clock.now()
        return {key: (row.id, row.guidance) for key, row in rows}


def _chosen(app: Flask) -> tuple[str, int | None]:
    with app.app_context(), store.reading() as session:
        owner = organisation.only_one(session)
        return owner.guidance_off, owner.guidance_holdout


def test_the_page_says_who_is_asked_when_it_stops_and_what_it_cannot_do(browser: StudioBrowser) -> None:
    page = browser.get("/studio/guidance")
    said = words(page)
    assert "no setting moves mail" in said
    assert "After the welcome letter and the first 3 letters." in said
    assert re.findall(r'name="program" value="([a-z]+)" checked', page.text) == ["gmail", "apple", "outlook"]
    assert '<option value="">Nobody</option>' in page.text
    assert "sandbox" in page.text
    assert "frame-src 'self'" in page.headers["Content-Security-Policy"]


def test_each_block_is_shown_as_readers_get_it(browser: StudioBrowser) -> None:
    for program, code in product(Program, language.LANGUAGES):
        page = browser.get(f"/studio/guidance?program={program}&spoken={code}")
        # Of what nobody could be found who knows, that is said.
        assert ("Not sure" in words(page)) == (code in _UNSURE[program])
        found = re.search(r'<iframe [^>]*src="([^"]+)"', page.text)
        assert found
        letter = browser.get(html.unescape(found.group(1)))
        assert letter.headers["Content-Security-Policy"].startswith("sandbox;")
        assert f'class="tab" lang="{code}"' in letter.text
        assert len(re.findall(rf'src="{SITE}/guidance/1/{program}-[a-z]+\.png" alt=""', letter.text)) == 2
        assert f"{SITE}/p/{SAMPLE_TOKEN}/inbox" in letter.text


def test_the_pictures_come_from_our_host_and_are_kept_for_ever(client: FlaskClient) -> None:
    for program, device in product(Program, ("phone", "computer")):
        answer = client.get(f"/guidance/1/{program}-{device}.png", buffered=True)
        assert (answer.status_code, answer.content_type) == (200, "image/png")
        assert "immutable" in answer.headers["Cache-Control"]
        assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
        assert "Set-Cookie" not in answer.headers
    assert "immutable" not in client.get("/guidance/99/gmail-phone.png", buffered=True).headers["Cache-Control"]
    for path in ("/guidance/1/nobody.png", "/guidance/x/gmail-phone.png", "/guidance/1/..%2Fa.png"):
        assert client.get(path).status_code == 404


_UNSURE = {
    Program.GMAIL: {"da", "nb", "ru"},
    Program.APPLE: {"da", "nb", "sv", "pl", "ru"},
    Program.OUTLOOK: {"da", "pl", "ru", "de"},
}


def test_a_choice_counts_from_the_next_letter_on(app: Flask, browser: StudioBrowser, database: Database) -> None:
    del database
    assert {planned for _id, planned in _send(app).values()} == {"gmail", "apple", None}
    answer = browser.post("/studio/guidance", {"program": ["gmail"], "holdout": "2"}, follow_redirects=True)
    assert "It counts from the next letter on." in words(answer)
    assert _chosen(app) == ("apple outlook", 2)
    assert {key: planned for key, (_id, planned) in _send(app).items()} in (
        {"anna@gmail.com": name, "bo@me.com": None, "ida@people.example": None} for name in ("gmail", "gmail:held")
    )
    assert '<option value="2" selected>' in browser.get("/studio/guidance").text
    measured = browser.get("/studio/guidance/measure")
    assert measured.status_code == 200
    assert "Gmail" in words(measured)
    with app.app_context(), store.reading() as session:
        assert session.scalar(select(func.count()).where(AuditEntry.action == "guidance.chosen")) == 1


def test_a_choice_that_makes_no_sense_is_refused_in_words(app: Flask, browser: StudioBrowser) -> None:
    for typed in ({"program": "aol"}, {"holdout": "1"}, {"holdout": "-5"}, {"holdout": "many"}, {"holdout": "9" * 40}):
        answer = browser.post("/studio/guidance", {"program": "gmail", **typed})
        assert answer.status_code == 422
        assert "Nothing was changed." in words(answer)
    assert _chosen(app) == ("", None)


def test_the_measure_says_when_there_is_nothing_to_compare(app: Flask, browser: StudioBrowser) -> None:
    assert "No letter has asked anybody yet" in words(browser.get("/studio/guidance/measure"))
    _send(app)
    said = words(browser.get("/studio/guidance/measure"))
    assert "Nobody has been held back" in said
    assert "Gmail 1 person was asked. 0 people were held back." in said
    assert "<table" not in browser.get("/studio/guidance/measure").text


def test_the_measure_lays_both_sides_beside_each_other(app: Flask, browser: StudioBrowser) -> None:
    _send(app)
    _send(app)
    with app.app_context(), store.transaction() as session:
        made = studio.the_cafe(session)
        held = cafe.subscribe(session, made, "per@gmail.com").id
    _send(app)
    _send(app)
    with app.app_context(), store.transaction() as session:
        for row in session.scalars(select(Delivery).where(Delivery.subscriber_id == held)):
            row.guidance = "gmail:held" if row.guidance else None
    said = words(browser.get("/studio/guidance/measure"))
    assert "Wrote to you 0 of 1 Asked 0 of 1 Held back Too few to say anything." in said
    assert "better" not in said


# The reader's side


def test_done_is_said_on_a_page_of_her_own_and_ends_it(app: Flask, client: FlaskClient, browser: StudioBrowser) -> None:
    del browser
    number, planned = _send(app)["anna@gmail.com"]
    assert planned == "gmail"
    place = f"/p/{signing.token('preferences', number)}/inbox"
    page = client.get(place)
    assert "Do not ask me again" in words(page)
    assert "In Gmail" in words(page)
    assert "In Outlook" not in words(page)
    assert page.headers["Cache-Control"] == "no-store"
    # Looking changes nothing.
    assert _send(app)["anna@gmail.com"][1] == "gmail"
    for _twice in range(2):
        assert "Thank you." in words(client.post(place))
    assert "Do not ask me again" not in words(client.get(place))
    assert {key: row[1] for key, row in _send(app).items()} == {
        "anna@gmail.com": None, "bo@me.com": "apple", "ida@people.example": None,
    }  # fmt: skip


def test_who_is_not_known_any_more_is_told_so(app: Flask, client: FlaskClient, browser: StudioBrowser) -> None:
    del browser
    number, _planned = _send(app)["ida@people.example"]
    place = f"/p/{signing.token('preferences', number)}/inbox"
    # At a domain of one's own every program is shown.
    assert {"In Gmail", "In Apple Mail", "In Outlook"} <= set(
        re.findall(r"<summary>([^<]+)</summary>", client.get(place).text)
    )
    with app.app_context(), store.transaction() as session:
        session.get_one(Delivery, number).subscriber_id = None
    for answer in (client.get(place), client.post(place)):
        assert answer.status_code == 200
        assert "We no longer know whose letter this was" in words(answer)


def test_a_made_up_link_is_refused_and_a_test_changes_nothing(client: FlaskClient, browser: StudioBrowser) -> None:
    del browser
    for token in ("x", "preview%00", "A" * 43):
        assert client.get(f"/p/{token}/inbox").status_code == 404
        assert client.post(f"/p/{token}/inbox").status_code == 404
    assert "This was only a test" in words(client.get(f"/p/{SAMPLE_TOKEN}/inbox"))
    assert "This was only a test" in words(client.post(f"/p/{SAMPLE_TOKEN}/inbox"))

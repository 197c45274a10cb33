"""Status notices in the studio: looked at before they are told, told once, and loud when more is overdue."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from listkeeper import store
from listkeeper.accounts.audit_log import AuditEntry
from listkeeper.campaigns import campaign as campaigns
from listkeeper.campaigns.campaign import Campaign, CampaignKind
from listkeeper.campaigns.status_notice import NoticeState, StatusNotice, StatusUpdate, UpdateState
from listkeeper.jobs import escalating
from listkeeper.sending.delivery import Delivery
from tests.makers import cafe, studio, trouble
from tests.makers.studio import StudioBrowser, words

PAGE = "/studio/notices"
WORDS = "We are looking for the cause."
TYPED = {
    "title": "The till is out of order",
    "owner_name": "Gerda",
    "affected": "yes",
    "affects": "You cannot pay by card.",
    "words": WORDS,
    "state": "investigating",
    "next_update_at": "2026-11-23T09:30",
    "key": "k1",
}


@pytest.fixture
def browser(app: Flask, frozen_clock: time_machine.Traveller) -> StudioBrowser:
    """The owner of a café with one reader of letters, and one person who wants to hear of trouble."""
    with app.app_context(), store.transaction() as session:
        made = cafe.found(session)
        cafe.subscribe(session, made, "reader@guest.example")
        room = trouble.room(session, made)
        cafe.subscribe(session, room, "anna@guest.example")
        cafe.sign_up(session, room, "bo@guest.example")
    return studio.signed_in(app)


def _typed(browser: StudioBrowser, **more: str) -> dict[str, str]:
    chosen = re.search(r'<option value="(lst_\w+)"', browser.get(f"{PAGE}/new").text)
    assert chosen is not None
    return {**TYPED, "list": chosen[1], **more}


def _seen(page: str) -> str:
    found = re.search(r'name="sha256" value="(\w{64})"', page)
    assert found is not None, page
    return found[1]


def _begin(browser: StudioBrowser, **more: str) -> str:
    typed = _typed(browser, **more)
    seen = _seen(browser.post(f"{PAGE}/look", typed).text)
    answer = browser.post(PAGE, {**typed, "sha256": seen})
    assert answer.status_code == 303, words(answer)
    return str(answer.location)


def _read(app: Flask, query: object) -> list[object]:
    with app.app_context(), store.reading() as session:
        rows = list(session.scalars(query))  # type: ignore[call-overload]
        session.expunge_all()
        return rows


def _here(path: str) -> str:
    return path.removeprefix("http://localhost")


def test_nothing_is_wrong_and_the_page_teaches(browser: StudioBrowser) -> None:
    said = words(browser.get(PAGE))
    assert "Nothing is out of order" in said
    for starter in ("Something is out of order", "Planned work", "Slower than usual"):
        assert starter in said
    planned = browser.get(f"{PAGE}/new?start=planned").text
    assert 'value="Planned work"' in planned
    assert '<option value="planned" selected>' in planned
    assert "Does it affect its reader?" in planned
    assert "News" not in re.findall(r'<option value="lst_\w+"[^>]*>([^<]+)', planned), "its people said yes to letters"


def test_it_is_looked_at_as_it_would_go_and_to_whom(app: Flask, browser: StudioBrowser) -> None:
    page = browser.post(f"{PAGE}/look", _typed(browser))
    said = words(page)
    assert "To 1 person on “Trouble”, and on the status page." in said
    assert "Left out 1 Not confirmed yet" in said
    assert "Tell 1 person" in said
    frame = re.search(rf'src="({PAGE}/see/[^"]+/html)', page.text)
    assert frame is not None
    letter = browser.get(frame[1])
    assert WORDS in letter.text
    assert letter.headers["Content-Security-Policy"].startswith("sandbox;")
    assert WORDS in browser.get(frame[1].replace("/html", "/text")).text
    assert "<html" not in browser.get(f"{frame[1]}?part=text").text
    assert browser.get(f"{PAGE}/see/forged/html").status_code == 404
    assert _read(app, select(StatusNotice)) == [], "looking tells nobody"


def test_it_is_told_once_and_its_timeline_grows(app: Flask, browser: StudioBrowser) -> None:
    where = _here(_begin(browser))
    again = _typed(browser)
    seen = _seen(browser.post(f"{PAGE}/look", again).text)
    assert _here(str(browser.post(PAGE, {**again, "sha256": seen}).location)) == where, "a second click begins no other"
    shown = words(browser.get(where))
    assert "Next update by Monday, November 23, 2026, 9:30" in shown
    assert "to 1 person , Going out" in shown
    [first] = _read(app, select(StatusUpdate))
    assert isinstance(first, StatusUpdate)
    more = {"words": "The line was cut.", "state": "known", "newest": str(first.id), "by_mail": "1"}
    seen = _seen(browser.post(f"{where}/look", more).text)
    for _click in range(2):
        assert browser.post(where, {**more, "sha256": seen}).status_code == 303
    told = _read(app, select(StatusUpdate).order_by(StatusUpdate.id))
    assert [row.state for row in told if isinstance(row, StatusUpdate)] == [
        UpdateState.INVESTIGATING,
        UpdateState.KNOWN,
    ]
    assert len(_read(app, select(Campaign).where(Campaign.kind == CampaignKind.NOTICE))) == 2
    acts = _read(app, select(AuditEntry.action).where(AuditEntry.action.like("notice.%")).order_by(AuditEntry.id))
    assert acts[0] == "notice.begun"
    assert acts[-1] == "notice.updated"


def test_somebody_who_told_more_meanwhile_is_seen(app: Flask, browser: StudioBrowser) -> None:
    where = _here(_begin(browser))
    [first] = _read(app, select(StatusUpdate.id))
    other = {"words": "The line was cut.", "state": "known", "newest": str(first)}
    assert browser.post(where, {**other, "sha256": _seen(browser.post(f"{where}/look", other).text)}).status_code == 303
    mine = {"words": "Mice.", "state": "known", "newest": str(first)}
    answer = browser.post(where, {**mine, "sha256": _seen(browser.post(f"{where}/look", mine).text)})
    assert answer.status_code == 412
    assert "Somebody told more in the meantime." in words(answer)
    assert ">Mice.</textarea>" in answer.text
    assert len(_read(app, select(StatusUpdate))) == 2


def test_words_changed_after_the_look_are_looked_at_again(app: Flask, browser: StudioBrowser) -> None:
    typed = _typed(browser)
    seen = _seen(browser.post(f"{PAGE}/look", typed).text)
    answer = browser.post(PAGE, {**typed, "words": "Everything burns.", "sha256": seen})
    assert answer.status_code == 409
    assert "The words have changed since you looked at them." in words(answer)
    assert _read(app, select(StatusNotice)) == []


def test_advertising_needs_a_word_that_it_is_none(app: Flask, browser: StudioBrowser) -> None:
    typed = _typed(browser, words="Down. And buns are 20 % off.")
    page = browser.post(f"{PAGE}/look", typed)
    assert "These words sell something" in words(page)
    assert "N3a" in page.text
    answer = browser.post(PAGE, {**typed, "sha256": _seen(page.text)})
    assert answer.status_code == 409
    assert _read(app, select(Delivery).where(Delivery.campaign_id.is_not(None))) == []
    assert browser.post(PAGE, {**typed, "sha256": _seen(page.text), "sure": "1"}).status_code == 303


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"next_update_at": "2026-11-23T07:00"}, "must be promised for a time to come"),
        ({"next_update_at": "soon"}, "Please write the moment as"),
        ({"words": " "}, "Please say what you know."),
        ({"owner_name": ""}, "Please name who answers for it"),
        ({"title": "{{ x }}"}, "merge tags"),
    ],
)
def test_bad_input_gets_a_sentence_and_keeps_what_was_typed(
    app: Flask, browser: StudioBrowser, wrong: dict[str, str], sentence: str
) -> None:
    answer = browser.post(f"{PAGE}/look", _typed(browser, **wrong))
    assert answer.status_code == 422
    assert sentence in words(answer)
    assert "You cannot pay by card." in answer.text
    assert _read(app, select(StatusNotice)) == []


def test_home_and_letters_say_what_is_open_and_what_is_overdue(
    app: Flask, browser: StudioBrowser, frozen_clock: time_machine.Traveller
) -> None:
    where = _here(_begin(browser))
    assert "Status notice The till is out of order" in words(browser.get("/studio/"))
    assert "Status notices 1" in words(browser.get("/studio/letters"))
    frozen_clock.shift(timedelta(hours=2))
    with app.app_context():
        escalating.look_at_notices()
    home = browser.get("/studio/")
    assert "You promised to tell more about “The till is out of order”" in words(home)
    assert f'href="{PAGE}"' in home.text
    assert "Update overdue" in words(home)
    assert "Update overdue" in words(browser.get(PAGE))
    assert "Say what you know, even if it is that nothing is new." in words(browser.get(where))
    over = {"words": "It works again.", "state": "resolved", "newest": str(_read(app, select(StatusUpdate.id))[0])}
    seen = _seen(browser.post(f"{where}/look", over).text)
    assert "On the status page alone." in words(browser.post(f"{where}/look", over))
    assert browser.post(where, {**over, "sha256": seen}).status_code == 303
    with app.app_context():
        escalating.look_at_notices()
    assert "Status notice The till" not in words(browser.get("/studio/"))
    assert [row.state for row in _read(app, select(StatusNotice)) if isinstance(row, StatusNotice)] == [
        NoticeState.RESOLVED
    ]
    assert len(_read(app, select(Campaign).where(Campaign.kind == CampaignKind.NOTICE))) == 1, "the page alone was told"


def test_a_list_for_notices_is_made_in_the_studio_and_takes_no_letter(app: Flask, browser: StudioBrowser) -> None:
    assert browser.post("/studio/lists", {"name": "Outages", "purpose": "service"}).status_code == 303
    assert browser.post("/studio/lists", {"name": "Bread", "purpose": "bread"}).status_code == 422
    page = browser.get("/studio/lists").text
    assert page.count("Status notices</span>") == 2
    assert "Outages" not in browser.get("/studio/letters/new").text
    with app.app_context(), store.reading() as session:
        assert campaigns.all_of(session, studio.the_cafe(session).organisation) == []

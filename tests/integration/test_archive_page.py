"""The public archive in a browser and a feed reader: open to all, the same for all, and moved by nobody."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from lxml import etree
from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper import store
from listkeeper.accounts import organisation
from listkeeper.audience import mailing_list, signup_form
from listkeeper.campaigns import archive
from listkeeper.campaigns import campaign as campaigns
from listkeeper.campaigns.campaign import CampaignState
from listkeeper.foundation import clock, signing
from listkeeper.rendering.feeds import feed
from listkeeper.sending import planning
from listkeeper.sending.delivery import Delivery
from listkeeper.settings import Settings
from listkeeper.web import headers
from tests.architecture import routes
from tests.fakes import typed
from tests.makers import cafe
from tests.makers.programs import program
from tests.makers.studio import StudioBrowser, signed_in, the_cafe, words

SITE = "http://localhost:8025"


@pytest.fixture
def letter(app: Flask) -> Iterator[str]:
    """A letter in an open archive, by its id."""
    with app.app_context():
        with store.transaction() as session:
            made = cafe.found(session)
            cafe.subscribe(session, made, "anna@guest.example")
            archive.publish(made.mailing_list, on=True)
            sent = cafe.draft(session, made)
            planning.send_campaign(session, made.organisation, sent, site=SITE)
            found = sent.public_id
        yield found


def _send(*subjects: str) -> None:
    with store.transaction() as session:
        made = the_cafe(session)
        for number, subject in enumerate(subjects):
            written = cafe.draft(session, made, subject=subject)
            planning.send_campaign(session, made.organisation, written, site=SITE)
            written.started_at = clock.now() + timedelta(minutes=number + 1)


def _past(session: Session, subject: str, at: datetime) -> None:
    """Let a letter have left, without one delivery."""
    sent = cafe.draft(session, the_cafe(session), subject=subject)
    campaigns.move(sent, CampaignState.SENDING)
    campaigns.move(sent, CampaignState.FINISHED)
    sent.sent_revision_id, sent.started_at = campaigns.newest(session, sent).id, at


def test_the_letter_is_alone_under_the_policy_of_letters_and_may_be_found(client: FlaskClient, letter: str) -> None:
    answer = client.get(f"/archive/news/{letter}")
    assert answer.status_code == 200
    assert answer.headers["Content-Security-Policy"] == headers.LETTER
    assert "X-Robots-Tag" not in answer.headers
    assert answer.headers["Cache-Control"] == "public, max-age=300"
    assert "Dear friend," in answer.text
    assert f'<link rel="canonical" href="{SITE}/archive/news/{letter}">' in answer.text
    assert f"{SITE}/f/news" in answer.text
    assert f"{SITE}/archive/news" in answer.text


def test_nothing_of_a_reader_is_in_any_of_its_pages(app: Flask, client: FlaskClient, letter: str) -> None:
    with app.app_context(), store.reading() as session:
        sent = session.scalars(select(Delivery)).one()
        purposes = ("unsubscribe", "preferences", "web-view", "why")
        tokens = [signing.token(purpose, sent.id) for purpose in purposes]
    for path in (f"/archive/news/{letter}", "/archive/news", "/archive/news/feed.xml"):
        text = client.get(path).text
        assert client.get(path, headers={"Cookie": "a=b", "User-Agent": "Other"}).text == text
        assert [token for token in tokens if token in text] == []
        assert "guest.example" not in text
        assert not re.search(r"/(u|p|w|y|l|q)/[A-Za-z0-9_-]{8,}", text)


def test_the_list_of_letters_says_what_they_are_twenty_at_a_time(app: Flask, client: FlaskClient, letter: str) -> None:
    with app.app_context(), store.transaction() as session:
        for number in range(22):
            _past(session, f"Letter {number}", clock.now() + timedelta(minutes=number + 1))
    first = client.get("/archive/news")
    assert first.headers["Content-Security-Policy"] == headers.STRICT
    assert words(first).index("Letter 21") < words(first).index("Letter 20")
    assert "Letter 2 " in words(first)
    assert "Letter 1 " not in words(first)
    assert 'type="application/atom+xml"' in first.text
    assert 'href="/f/news"' in first.text
    older = re.search(r'href="([^"]+)" rel="next"', first.text)
    assert older is not None
    second = client.get(older[1])
    assert "Letter 1 " in words(second)
    assert "Cardamom buns" in words(second)
    assert "Warm from seven" in words(second)
    assert 'rel="next"' not in second.text
    assert len(gzip.compress(first.data)) < 15 * 1024


def test_a_feed_reader_finds_the_letters_whole(app: Flask, client: FlaskClient, letter: str) -> None:
    with app.app_context():
        _send("Rye & <bread>")
    answer = client.get("/archive/news/feed.xml")
    assert answer.content_type == "application/atom+xml; charset=utf-8"
    etree.fromstring(answer.data)
    read = feed.read(answer.data, answer.content_type, f"{SITE}/archive/news/feed.xml")
    assert read.title == "News"
    assert [item.title for item in read.items] == ["Rye & <bread>", "Cardamom buns"]
    assert [item.link for item in read.items][1] == f"{SITE}/archive/news/{letter}"
    assert read.items[0].summary == "Warm from seven"
    assert read.items[0].id.startswith("urn:uuid:")
    assert "Dear friend," in answer.text


def test_who_knows_it_already_is_told_so(app: Flask, client: FlaskClient, letter: str) -> None:
    paths = ("/archive/news", "/archive/news/feed.xml", f"/archive/news/{letter}")
    known = {path: client.get(path).headers["ETag"] for path in paths}
    for path, tag in known.items():
        again = client.get(path, headers={"If-None-Match": tag})
        assert (again.status_code, again.data) == (304, b"")
        head = client.head(path)
        assert (head.status_code, head.headers["ETag"], head.data) == (200, tag, b"")
    with app.app_context(), store.transaction() as session:
        mailing_list.rename(session, the_cafe(session).mailing_list, "New name")
    for path, tag in known.items():
        assert client.get(path, headers={"If-None-Match": tag}).status_code == 200


def test_a_feed_reader_that_knows_a_moment_only_is_answered_too(app: Flask, client: FlaskClient, letter: str) -> None:
    seen = client.get("/archive/news/feed.xml").headers["Last-Modified"]
    assert client.get("/archive/news/feed.xml", headers={"If-Modified-Since": seen}).status_code == 304
    with app.app_context():
        _send("Newer")
    assert client.get("/archive/news/feed.xml", headers={"If-Modified-Since": seen}).status_code == 200


def test_a_shut_archive_is_not_there(app: Flask, client: FlaskClient, letter: str) -> None:
    paths = [f"/archive/news{rest}" for rest in ("", "/feed.xml", f"/{letter}", f"?before={letter}")]
    assert {client.get(path).status_code for path in paths} == {200}
    with app.app_context(), store.transaction() as session:
        archive.publish(the_cafe(session).mailing_list, on=False)
    others = ("/archive/other", f"/archive/other/{letter}", "/archive/news/cmp_x", "/archive/news?before=x")
    assert {client.get(path).status_code for path in (*paths, *others)} == {404}


def test_looking_changes_nothing_and_nobody_may_write(app: Flask, client: FlaskClient, letter: str) -> None:
    with routes.watching(app) as written:
        for path in ("/archive/news", "/archive/news/feed.xml", f"/archive/news/{letter}"):
            for method in ("GET", "HEAD", "OPTIONS"):
                assert client.open(path, method=method).status_code == 200
            assert client.post(path).status_code == 405
        assert not written()


def test_whoever_has_just_said_yes_finds_the_door(app: Flask, client: FlaskClient, letter: str) -> None:
    with app.app_context(), store.transaction() as session:
        made = the_cafe(session)
        address = f"/c/{cafe.confirmation.token_of(cafe.sign_up(session, made, 'bo@guest.example'))}"
    answer = client.post(address)
    assert "Read earlier letters" in words(answer)
    assert 'href="/archive/news"' in answer.text


# The studio


@pytest.fixture
def browser(app: Flask, letter: str) -> StudioBrowser:
    """The owner, signed in."""
    return signed_in(app)


def _list_id() -> str:
    with store.reading() as session:
        return mailing_list.all_of(session, organisation.only_one(session))[0].public_id


def test_the_owner_shuts_and_opens_the_archive(browser: StudioBrowser, client: FlaskClient) -> None:
    settings = f"/studio/lists/{_list_id()}/settings"
    assert "http://localhost:8025/archive/news" in browser.get(settings).text
    answer = browser.post(settings.replace("settings", "public-archive"), {"public": "no"})
    assert answer.status_code == 303
    assert client.get("/archive/news").status_code == 404
    assert "Open it, and anybody can read" in words(browser.get(settings))
    browser.post(settings.replace("settings", "public-archive"), {"public": "yes"})
    assert client.get("/archive/news").status_code == 200


def test_the_owner_takes_one_letter_out(browser: StudioBrowser, client: FlaskClient, letter: str) -> None:
    page = f"/studio/letters/{letter}/progress"
    assert f"/archive/news/{letter}" in browser.get(page).text
    assert browser.post(f"/studio/letters/{letter}/archive", {"shown": "no"}).status_code == 303
    assert client.get(f"/archive/news/{letter}").status_code == 404
    assert "Nobody can read this letter but who got it." in words(browser.get(page))
    browser.post(f"/studio/letters/{letter}/archive", {"shown": "yes"})
    assert client.get(f"/archive/news/{letter}").status_code == 200


def test_what_is_ticked_beside_the_button_holds(browser: StudioBrowser, client: FlaskClient) -> None:
    for ticked, expected in ((True, 200), (False, 404)):
        with store.transaction() as session:
            draft = cafe.draft(session, the_cafe(session), subject="Ticked")
            public_id, sha256 = draft.public_id, campaigns.newest(session, draft).sha256
        if ticked:
            assert 'name="in_archive" value="1" checked' in browser.get(f"/studio/letters/{public_id}/send").text
        typed = {"sha256": sha256, "archive_asked": "1"} | ({"in_archive": "1"} if ticked else {})
        assert browser.post(f"/studio/letters/{public_id}/send", typed).status_code == 303
        assert client.get(f"/archive/news/{public_id}").status_code == expected


def test_a_form_that_was_closed_is_offered_to_nobody(app: Flask, client: FlaskClient, letter: str) -> None:
    with app.app_context(), store.transaction() as session:
        signup_form.close(the_cafe(session).form)
    assert "/f/news" not in client.get("/archive/news").text
    assert "/f/news" not in client.get(f"/archive/news/{letter}").text


# Programs and commands


def test_a_program_reads_where_a_letter_is(app: Flask, letter: str) -> None:
    shop = program(app)
    assert shop.get(f"/campaigns/{letter}").json["archive_url"] == f"{SITE}/archive/news/{letter}"  # type: ignore[index]
    with app.app_context(), store.transaction() as session:
        archive.take_out(campaigns.identified(session, organisation.only_one(session), letter))
    assert shop.get(f"/campaigns/{letter}").json["archive_url"] is None  # type: ignore[index]


def test_the_archive_is_opened_and_shut_on_the_command_line(
    monkeypatch: pytest.MonkeyPatch, settings: Settings, letter: str
) -> None:
    type_ = typed.typing(monkeypatch, settings)
    here = f"{SITE}/archive/news"
    assert type_("campaign", "archive", letter, "--json").json == {
        "id": letter, "in_archive": True, "archive_url": f"{here}/{letter}",
    }  # fmt: skip
    assert type_("campaign", "archive", letter, "--off", "--json").json["archive_url"] is None
    assert "Nobody can read it but who got it." in type_("campaign", "archive", letter).out
    assert type_("campaign", "archive", letter, "--on", "--json").json["archive_url"] == f"{here}/{letter}"
    opened = type_("list", "publish", "news", "--json").json
    assert (opened["public"], opened["feed_url"]) == (True, f"{here}/feed.xml")
    assert type_("list", "publish", "news", "--off", "--json").json["archive_url"] is None
    assert type_("campaign", "archive", letter, "--json").json["archive_url"] is None

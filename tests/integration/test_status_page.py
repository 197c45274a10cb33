"""The public status page: what is open and what was promised, honestly late, in its reader's language, no script."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from listkeeper import store
from listkeeper.campaigns import status_notice
from listkeeper.campaigns.status_notice import News, UpdateState
from listkeeper.foundation import clock
from listkeeper.sending import notice_watch
from tests.makers import cafe, studio, trouble
from tests.makers.studio import words

HOUR = timedelta(hours=1)


@pytest.fixture
def public_id(app: Flask, frozen_clock: time_machine.Traveller) -> str:
    """A notice that promises more within an hour."""
    with app.app_context(), store.transaction() as session:
        return trouble.begun(session, cafe.found(session), clock.now() + HOUR).notice.public_id


def _tell(app: Flask, public_id: str, news: News) -> None:
    with app.app_context(), store.transaction() as session:
        notice = status_notice.named(session, studio.the_cafe(session).organisation, public_id)
        status_notice.update(session, notice, news, actor="user:1")


def test_it_says_what_is_known_and_by_when_more_is_told(client: FlaskClient, public_id: str) -> None:
    said = words(client.get("/status"))
    for sentence in (
        "The till is out of order",
        "We are looking for the cause",
        "Cash works.",
        "Next update by Monday, November 23, 2026, 9:00 AM (Europe/London), in 1 hour.",
    ):
        assert sentence in said
    one = client.get(f"/status/{public_id}")
    assert "Gerda at the counter" in words(one)
    assert "Does it affect you? Yes: You cannot pay by card." in words(one)
    assert "<em>Cash</em>" in one.text
    assert "<script" not in one.text
    assert "Set-Cookie" not in one.headers
    assert '<time datetime="2026-11-23T08:00:00.000Z">' in one.text


def test_it_says_honestly_that_an_update_is_late(
    app: Flask, client: FlaskClient, public_id: str, frozen_clock: time_machine.Traveller
) -> None:
    frozen_clock.shift(HOUR + timedelta(minutes=20))
    for page in ("/status", f"/status/{public_id}"):
        said = words(client.get(page))
        assert "9:00 AM (Europe/London). It is late by 20 minutes." in said
        assert "Who answers for it has been told." not in said, "nobody has been told yet"
    with app.app_context(), store.transaction() as session:
        notice_watch.look(session, studio.the_cafe(session).organisation)
    assert "Who answers for it has been told." in words(client.get("/status"))


def test_the_newest_is_first_and_what_is_over_stays_for_ninety_days(
    app: Flask, client: FlaskClient, public_id: str, frozen_clock: time_machine.Traveller
) -> None:
    frozen_clock.shift(timedelta(minutes=10))
    _tell(app, public_id, News("It works again.", UpdateState.RESOLVED))
    one = words(client.get(f"/status/{public_id}"))
    assert one.index("It works again.") < one.index("Cash works.")
    assert "Next update" not in one
    said = words(client.get("/status"))
    assert "Nothing that we know of is out of order. Over since, in the last 90 days The till is out of order" in said
    frozen_clock.shift(timedelta(days=91))
    assert "The till" not in words(client.get("/status"))
    assert "The till" in words(client.get(f"/status/{public_id}")), "an old letter's link still leads there"


def test_it_speaks_the_language_of_its_reader(client: FlaskClient, public_id: str) -> None:
    page = client.get(f"/status/{public_id}", headers={"Accept-Language": "da"})
    assert '<html lang="da"' in page.text
    assert '<h1 lang="en">The till is out of order</h1>' in page.text
    assert "mandag den 23. november 2026" in page.text


def test_what_does_not_exist_is_a_page_with_a_sentence(app: Flask, client: FlaskClient) -> None:
    assert client.get("/status").status_code == 404
    with app.app_context(), store.transaction() as session:
        cafe.found(session)
    assert client.get("/status").status_code == 200
    assert client.get("/status/ntc_none").status_code == 404


def test_what_its_owner_wrote_can_do_nothing_here(app: Flask, client: FlaskClient, public_id: str) -> None:
    evil = (
        "<script>alert(1)</script> ![x](https://evil.example/x.png) [y](javascript:alert(1)) [ok](https://cafe.example)"
    )
    _tell(app, public_id, News(evil, UpdateState.KNOWN))
    page = client.get(f"/status/{public_id}").text
    assert "<script" not in page
    assert "<img" not in page
    assert 'href="javascript' not in page
    assert '<a href="https://cafe.example" rel="noopener noreferrer">ok</a>' in page

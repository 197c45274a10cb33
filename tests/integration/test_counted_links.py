"""Links of letters, from her yes on her own page to the visit in the database; and every way in which it ends."""

from __future__ import annotations

import io
import json
import os
import zipfile

import pytest
from flask.testing import FlaskClient
from sqlalchemy import delete, update
from sqlalchemy.orm import Session

from listkeeper import store
from listkeeper.audience import erasure
from listkeeper.campaigns.campaign import Campaign
from listkeeper.campaigns.revision import Revision
from listkeeper.foundation.errors import TryAgain
from listkeeper.foundation.outbox import Lane
from listkeeper.sending import planning, traces
from listkeeper.sending.delivery import Delivery
from listkeeper.sending.link_visit import Agent
from tests.fakes import headless
from tests.fakes.databases import Database
from tests.fakes.smtp_sink import SmtpSink
from tests.makers import cafe, seen
from tests.makers.cafe import Cafe
from tests.makers.own import Guest, actions, words
from tests.makers.works import SITE, Works

URL = "https://cafe.example/bread"
BROWSER = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}


@pytest.fixture
def her(works: Works, smtp_sink: SmtpSink, client: FlaskClient) -> Guest:
    """Somebody on the list who lets her links be seen."""
    guest = Guest(works, smtp_sink, client)
    guest.subscribe()
    seen.agree(guest)
    return guest


def _number(her: Guest) -> int:
    return her.works.read(lambda session: her.letter(session).id)


def test_only_her_own_letters_hold_counted_links(her: Guest, client: FlaskClient) -> None:
    other = Guest(her.works, her.sink, client, "bo@guest.example")
    other.subscribe()
    links = her.get_letter()
    [counted] = seen.counted(her)
    assert URL not in headless.text_of(her.sink.to(her.address)[-1], "html")
    assert "bread" not in counted
    # Without her yes the links are plain, and what leads to her own pages is never counted.
    assert seen.counted(other) == []
    assert URL in headless.text_of(her.sink.to(other.address)[-1], "html")
    assert {"u", "p", "w", "y"} <= set(links)
    # The letter in the browser is shown to whoever has its address.
    page = client.get(links["w"])
    assert URL in page.text
    assert "/l/" not in page.text


def test_tests_hold_none(her: Guest) -> None:
    def send(session: Session, house: Cafe) -> None:
        letter = cafe.draft(session, house)
        planning.mail_test(session, house.organisation, letter, her.address, site=SITE, per_hour=10)

    her.works.write(send)
    her.works.drain(Lane.URGENT)
    assert seen.counted(her) == []
    assert URL in headless.text_of(her.sink.to(her.address)[-1], "html")


def test_it_leads_on_and_counts_a_get(her: Guest, client: FlaskClient) -> None:
    her.get_letter()
    [counted] = seen.counted(her)
    answer = client.get(counted, headers=BROWSER)
    assert (answer.status_code, answer.headers["Location"], answer.data) == (302, URL, b"")
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in answer.headers
    assert seen.visits(her) == [(_number(her), Agent.BROWSER)]
    client.get(counted, headers={"User-Agent": "curl/8.0"})
    client.get(counted, headers=BROWSER | {"Sec-Purpose": "prefetch"})
    assert [agent for _, agent in seen.visits(her)] == [Agent.BROWSER, Agent.PROGRAM, Agent.PROGRAM]
    # A HEAD is led as well, and not counted; nothing else is known here.
    head = client.head(counted, headers=BROWSER)
    assert (head.status_code, head.headers["Location"]) == (302, URL)
    assert client.options(counted).status_code == 200
    for method in ("POST", "PUT", "DELETE"):
        assert client.open(counted, method=method).status_code == 405
    assert len(seen.visits(her)) == 3


def test_she_takes_it_back_by_the_letter_itself(her: Guest, client: FlaskClient) -> None:
    links = her.get_letter()
    [counted] = seen.counted(her)
    client.get(counted, headers=BROWSER)
    shown = client.get(links["p"])
    assert "may see which of these e-mails you open and which links you follow" in words(shown)
    [stop] = [action for action in actions(shown) if action.endswith("/unseen")]
    assert "Nobody sees or counts what you do with e-mails that come from now on" in words(client.post(stop))
    # The link of a letter gives nothing: it travels with the letter.
    assert not any(action.endswith("/seen") for action in actions(client.get(links["p"])))
    assert client.get(counted, headers=BROWSER).headers["Location"] == URL
    assert [number for number, _ in seen.visits(her)] == [_number(her), None]
    # What was seen before is a number soon after, and her next letter holds plain links.
    her.works.work(Lane.BACKGROUND)
    assert [number for number, _ in seen.visits(her)] == [None, None]
    her.get_letter("Rye bread")
    assert seen.counted(her) == []


def test_on_her_own_page_she_takes_it_back_and_has_it_in_what_she_takes_home(her: Guest, client: FlaskClient) -> None:
    her.get_letter()
    [counted] = seen.counted(her)
    client.get(counted, headers=BROWSER)
    page = seen.list_page(her)
    history = client.get(f"{page.rpartition('/lists/')[0]}/history")
    assert "Let the sender see what is done with the letters" in words(history)
    visit = page.rpartition("/lists/")[0]
    assert _taken_home(client.post(f"{visit}/download").data) == [URL]
    stop = f"{page}/unseen"
    assert stop in actions(client.get(page))
    assert client.post(stop).status_code == 200
    her.works.work(Lane.BACKGROUND)
    assert _taken_home(client.post(f"{visit}/download").data) == []


def _taken_home(packed: bytes) -> list[str]:
    with zipfile.ZipFile(io.BytesIO(packed)) as parcel:
        told = json.loads(parcel.read("my-data.json"))
    assert "tracking_since" in told["subscriptions"][0]
    return [each["link"] for each in told["links_followed"]]


def test_words_that_changed_since_are_read_once_more(works: Works, smtp_sink: SmtpSink, client: FlaskClient) -> None:
    guest = Guest(works, smtp_sink, client)
    guest.subscribe()
    page = seen.list_page(guest)
    for said in ("0" * 64, "", "x" * 2000):
        answer = client.post(f"{page}/seen", data={"words": said})
        assert answer.status_code == 422
        assert "read them once more" in words(answer)
    assert guest.subscription().tracking_since is None


def test_it_leads_on_after_she_was_forgotten_and_the_letter_is_gone(her: Guest, client: FlaskClient) -> None:
    her.get_letter()
    [counted] = seen.counted(her)
    client.get(counted, headers=BROWSER)

    def forget(session: Session, _house: Cafe) -> None:
        forgetter = traces.forgetter(her.works.app.config["LISTKEEPER"].data_folder / "practice")
        erasure.erase(session, her.person(session).id, actor="subscriber", forget_copies=forgetter)

    her.works.write(forget)
    assert seen.visits(her) == [(None, Agent.BROWSER)]
    assert client.get(counted, headers=BROWSER).headers["Location"] == URL

    def remove(session: Session, _house: Cafe) -> None:
        session.execute(delete(Delivery))
        session.execute(update(Campaign).values(sent_revision_id=None))
        session.execute(delete(Revision))

    her.works.write(remove)
    assert client.get(counted, headers=BROWSER).headers["Location"] == URL
    assert [number for number, _ in seen.visits(her)] == [None] * 3


def test_a_database_that_takes_nothing_down_keeps_nobody_from_reading_on(
    her: Guest, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    her.get_letter()
    [counted] = seen.counted(her)

    def refuse(*_arguments: object) -> None:
        raise TryAgain("database_unavailable", "The disk is full.")

    monkeypatch.setattr(store, "shared", refuse)
    assert client.get(counted, headers=BROWSER).headers["Location"] == URL
    assert seen.visits(her) == []


@pytest.mark.only_on("sqlite")
def test_it_is_on_the_disk_before_she_is_led_on(
    her: Guest, client: FlaskClient, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    her.get_letter()
    [counted] = seen.counted(her)
    client.get(counted, headers=BROWSER)
    synced: list[int] = []
    fsync = os.fsync

    def watched(file: int) -> None:
        synced.append(len(seen.visits(her)))
        fsync(file)

    monkeypatch.setattr(os, "fsync", watched)
    client.get(counted, headers=BROWSER)
    # When the log is synced the visit stands in it.
    assert synced[-1] == 2

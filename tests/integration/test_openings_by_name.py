"""Openings with her name: from the words on her own page to what is seen of it, and every way in which it ends."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from listkeeper.accounts.api_key import Scope
from listkeeper.audience import erasure
from listkeeper.audience.activity import Activity, LatestAct
from listkeeper.campaigns import link
from listkeeper.campaigns.campaign import Campaign
from listkeeper.feedback import engagement
from listkeeper.feedback.engagement import Counts, Engagement
from listkeeper.foundation import clock
from listkeeper.foundation.outbox import Lane
from listkeeper.insight import campaign_report, report_plain
from listkeeper.jobs import counting
from listkeeper.sending import link_visit, opening, pilot, traces
from listkeeper.sending.link_visit import Agent, LinkVisit
from listkeeper.web.public.opened_page import PIXEL
from tests.fakes.smtp_sink import SmtpSink
from tests.makers import older_yes, programs, seen, studio
from tests.makers.cafe import Cafe
from tests.makers.own import Guest, actions, words
from tests.makers.works import Works

BROWSER = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}
APPLE = {"User-Agent": "Mozilla/5.0"}
GOOGLE = {"User-Agent": "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko (via ggpht.com GoogleImageProxy)"}


@pytest.fixture
def older(works: Works, smtp_sink: SmtpSink, client: FlaskClient) -> Guest:
    """Somebody who said yes with her name to the words of before."""
    guest = Guest(works, smtp_sink, client)
    guest.subscribe()
    works.write(lambda session, house: older_yes.say(session, house, guest.person(session)))
    return guest


@pytest.fixture
def her(works: Works, smtp_sink: SmtpSink, client: FlaskClient) -> Guest:
    """Somebody who said yes with her name to the words of today."""
    guest = Guest(works, smtp_sink, client)
    guest.subscribe()
    seen.agree(guest)
    return guest


def _picture(her: Guest) -> str:
    _canary, picture = seen.unseen(her)
    return picture


def _judge(her: Guest) -> None:
    with time_machine.travel(clock.now() + timedelta(minutes=10), tick=False), her.works.app.app_context():
        counting.judge()


def _found(her: Guest) -> Engagement:
    letter = her.works.read(lambda session: session.scalars(select(Campaign.id)).one())
    return her.works.read(lambda session: engagement.of_campaign(session, letter))


def _open(her: Guest, client: FlaskClient, **later: float) -> str:
    """Open her newest letter some minutes after it came."""
    picture = _picture(her)
    with time_machine.travel(clock.now() + timedelta(**(later or {"minutes": 1})), tick=False):
        assert client.get(picture, headers=BROWSER).data == PIXEL
    return picture


def test_the_words_of_before_hold_no_picture_and_are_shown_as_they_were(older: Guest, client: FlaskClient) -> None:
    older.get_letter()
    [canary] = seen.unseen(older)
    assert canary.startswith("/l/")
    assert len(seen.counted(older)) == 1
    # What a picture of hers would be called counts nothing.
    forged = older.works.read(lambda session: _token(session, older))
    assert client.get(f"/o/{forged}", headers=BROWSER).data == PIXEL
    assert seen.visits(older) == []
    page = seen.list_page(older)
    shown = client.get(page)
    assert older_yes.WORDS in words(shown)
    assert "may see which links you follow in these e-mails" in words(shown)
    # The words of today stand beside them with their button; nobody is moved by looking.
    assert "e-mails of “News” I open and which links I follow" in words(shown)
    assert f"{page}/seen" in actions(shown)
    assert older.subscription().opens_since is None


def _token(session: Session, guest: Guest) -> str:
    letter = guest.letter(session)
    marks = link.marks(session, letter.revision_id or 0)
    assert marks is not None
    return link_visit.token_of(letter.id, marks.picture)


def test_whoever_says_yes_to_the_words_of_today_gets_the_picture(older: Guest, client: FlaskClient) -> None:
    since = older.subscription().tracking_since
    page = seen.list_page(older)
    seen.press(older, page, "seen")
    assert older.subscription().tracking_since == since
    assert older.subscription().opens_since is not None
    shown = client.get(page)
    assert older_yes.WORDS not in words(shown)
    assert "may see which of these e-mails you open and which links you follow" in words(shown)
    assert f"{page}/seen" not in actions(shown)
    older.get_letter()
    assert _picture(older).startswith("/o/")


def test_she_opens_and_everybody_sees_as_much_as_one_can_tell(her: Guest, client: FlaskClient) -> None:
    her.get_letter()
    _open(her, client)
    assert seen.visits(her) == [(her.works.read(lambda session: her.letter(session).id), Agent.BROWSER)]
    _judge(her)
    assert _found(her) == Engagement(1, 0, Counts(), Counts(human=1), pictured=1)
    person = her.works.read(lambda session: her.person(session).public_id)
    browser = studio.signed_in(her.works.app)
    assert "Opened, as far as one can tell Cardamom buns" in words(browser.get(f"/studio/people/{person}"))
    [told] = _taken_home(her, client)
    assert (told["letter"], told["by"], told["it_was"]) == ("Cardamom buns", "browser", "human")
    # An opening is no act: nothing that asks what she did hears of it.
    her.works.read(_nothing_was_done)


def _nothing_was_done(session: Session) -> None:
    for held in (Activity, LatestAct):
        assert session.scalar(select(func.count()).select_from(held)) == 0
    followed = select(func.count()).select_from(LinkVisit).where(link_visit.by_human())
    assert session.scalar(followed) == 0
    assert pilot.clickers(session, session.scalars(select(Campaign)).one()) == (0, 1)


def _taken_home(her: Guest, client: FlaskClient) -> list[dict[str, str]]:
    visit = seen.list_page(her).rpartition("/lists/")[0]
    with zipfile.ZipFile(io.BytesIO(client.post(f"{visit}/download").data)) as parcel:
        told = json.loads(parcel.read("my-data.json"))
    assert told["links_followed"] == []
    opened: list[dict[str, str]] = told["letters_opened"]
    return opened


def test_the_report_says_of_how_many_it_is(her: Guest, works: Works, smtp_sink: SmtpSink, client: FlaskClient) -> None:
    number, nothing, older = (Guest(works, smtp_sink, client, f"{name}@guest.example") for name in ("bo", "cy", "di"))
    for guest in (number, nothing, older):
        guest.subscribe()
    seen.agree(number, "counted")
    works.write(lambda session, house: older_yes.say(session, house, older.person(session)))
    her.get_letter()
    _open(her, client)
    _judge(her)

    def report(session: Session) -> dict[str, object]:
        letter = session.scalars(select(Campaign)).one()
        return report_plain.of(letter, campaign_report.of(session, letter))

    told = her.works.read(report)
    # She, and whoever is a number; of links alone it is known of one more.
    assert told["opens"] == {"human": 1, "machine": 0, "unknown": 0, "counted": 2}
    assert _found(her).counted == 3
    letter = told["id"]
    page = studio.signed_in(works.app).get(f"/studio/letters/{letter}/report")
    assert "Of the letters of 2 readers who let that be counted, as a number or with a name." in words(page)
    answer = programs.program(works.app, Scope.READ).get(f"/campaigns/{letter}/report")
    assert answer.json is not None
    assert answer.json["opens"] == told["opens"]


def test_what_fetches_it_is_told_from_people(her: Guest, client: FlaskClient) -> None:
    her.get_letter()
    picture, begins = _picture(her), clock.now()
    canary = seen.unseen(her)[0]
    for after, asked, agent in (
        (30, picture, APPLE),
        (40, picture, GOOGLE),
        (500, picture, BROWSER),
        (510, canary, BROWSER),
    ):
        with time_machine.travel(begins + timedelta(seconds=after), tick=False):
            client.get(asked, headers=agent)
    with time_machine.travel(begins + timedelta(minutes=20), tick=False), her.works.app.app_context():
        counting.judge()
    assert _found(her).opens == Counts(human=0, machine=2, unknown=1)
    assert her.works.read(lambda session: opening.opened(session, her.person(session).id)) == []


@pytest.mark.parametrize("way", ["withdraws", "leaves", "becomes a number", "is erased"])
def test_when_it_ends_it_is_let_go_of_and_the_picture_counts_nothing(
    her: Guest, client: FlaskClient, tmp_path: Path, way: str
) -> None:
    links = her.get_letter()
    picture = _open(her, client)
    _judge(her)
    before = _found(her)
    person = her.works.read(lambda session: her.person(session).id)
    page = seen.list_page(her)
    if way == "withdraws":
        client.post(f"{page}/unseen")
    elif way == "leaves":
        client.post(links["u"])
    elif way == "becomes a number":
        seen.press(her, page, "counted")
    else:
        her.works.write(lambda session, house: _erase(session, house, person, tmp_path))
    her.works.work(Lane.BACKGROUND)
    assert [number for number, _agent in seen.visits(her)] == [None]
    assert her.works.read(lambda session: opening.of_person(session, person)) == []
    assert client.get(picture, headers=BROWSER).data == PIXEL
    assert len(seen.visits(her)) == 1
    # What was counted stays a number.
    assert _found(her) == before


def _erase(session: Session, _house: Cafe, person: int, folder: Path) -> None:
    erasure.erase(session, person, actor="subscriber", forget_copies=traces.forgetter(folder))


def test_only_the_picture_of_that_letter_counts(her: Guest, client: FlaskClient) -> None:
    her.get_letter()
    first = _picture(her)
    [followed] = seen.counted(her)
    client.get(followed.replace("/l/", "/o/"), headers=BROWSER)
    other = link_visit.read(first.removeprefix("/o/"))
    assert other is not None
    for wrong in ((other.delivery_id, other.link_id + 1), (other.delivery_id + 1, other.link_id), (0, other.link_id)):
        assert client.get(f"/o/{link_visit.token_of(*wrong)}", headers=BROWSER).data == PIXEL
    assert client.head(first, headers=BROWSER).status_code == 200
    assert seen.visits(her) == []
    client.get(first, headers=BROWSER)
    assert len(seen.visits(her)) == 1

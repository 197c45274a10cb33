"""Counted as a number: from her choice on her own page to a letter that nobody can lead back to her."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.audience import tracking
from listkeeper.audience.consent import ConsentEvent, EventKind
from listkeeper.audience.tracking import Counting
from listkeeper.campaigns.campaign import Campaign
from listkeeper.feedback import engagement
from listkeeper.feedback.engagement import Counts, Engagement
from listkeeper.foundation import clock
from listkeeper.foundation.outbox import Lane
from listkeeper.foundation.table import Table
from listkeeper.jobs import counting
from listkeeper.sending import link_visit
from listkeeper.sending.link_visit import Agent, LinkVisit
from listkeeper.web.public.opened_page import PIXEL
from tests.fakes import headless
from tests.fakes.smtp_sink import SmtpSink
from tests.makers import seen
from tests.makers import works as working
from tests.makers.own import Guest, actions, words
from tests.makers.works import Works

URL = "https://cafe.example/bread"
BROWSER = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}


@pytest.fixture
def her(works: Works, smtp_sink: SmtpSink, client: FlaskClient) -> Guest:
    """Somebody on the list who chose to be counted as a number."""
    guest = Guest(works, smtp_sink, client)
    guest.subscribe()
    seen.agree(guest, "counted")
    return guest


def _visits(her: Guest) -> list[tuple[int | None, bool, Agent]]:
    query = select(LinkVisit.delivery_id, LinkVisit.mail_number, LinkVisit.agent).order_by(LinkVisit.id)
    rows = her.works.read(lambda session: session.execute(query).all())
    return [(row[0], row[1] is not None, row[2]) for row in rows]


def _judged(her: Guest) -> Engagement:
    with time_machine.travel(clock.now() + timedelta(minutes=10), tick=False), her.works.app.app_context():
        counting.judge()
        counting.look_after()
    letter = her.works.read(lambda session: session.scalars(select(Campaign.id)).one())
    return her.works.read(lambda session: engagement.of_campaign(session, letter))


def test_her_letter_says_nothing_of_her_and_is_counted_all_the_same(her: Guest, client: FlaskClient) -> None:
    her.get_letter()
    [counted] = seen.counted(her)
    canary, picture = seen.unseen(her)
    named = link_visit.read(counted.removeprefix("/l/"))
    assert named is not None
    assert (named.delivery_id, named.mail_number > 0) == (0, True)
    client.get(picture, headers=BROWSER)
    assert client.get(counted, headers=BROWSER).headers["Location"] == URL
    assert _visits(her) == [(None, True, Agent.BROWSER)] * 2
    assert _judged(her) == Engagement(1, 1, Counts(human=1), Counts(human=1), pictured=1)
    # What she finds of herself, and what stands in the studio, holds nothing of it.
    her.works.read(lambda session: _nothing_of(session, her, named.mail_number))
    assert canary.startswith("/l/")


def _nothing_of(session: Session, her: Guest, mail_number: int) -> None:
    assert link_visit.of_person(session, her.person(session).id) == []
    holders = {
        table.name
        for table in Table.metadata.sorted_tables
        for row in session.execute(select(table))
        if any(str(mail_number) in str(value) for value in row)
    }
    assert holders == {"link_visit"}


def test_each_mail_has_a_number_of_its_own(her: Guest) -> None:
    numbers = set()
    for subject in ("Buns", "Rye bread"):
        her.get_letter(subject)
        [counted] = seen.counted(her)
        named = link_visit.read(counted.removeprefix("/l/"))
        assert named is not None
        numbers.add(named.mail_number)
    assert len(numbers) == 2


def test_who_chose_nothing_has_plain_links_and_no_picture(
    her: Guest, works: Works, smtp_sink: SmtpSink, client: FlaskClient
) -> None:
    other = Guest(works, smtp_sink, client, "bo@guest.example")
    other.subscribe()
    her.get_letter()
    html = headless.text_of(smtp_sink.to(other.address)[-1], "html")
    assert URL in html
    assert "/l/" not in html
    assert "/o/" not in html
    assert seen.unseen(other) == []
    # Nothing unseen stands in anybody's text part.
    plain = headless.text_of(smtp_sink.to(her.address)[-1])
    assert all(path not in plain for path in seen.unseen(her))


@pytest.mark.parametrize("chosen", ["counted", "seen"])
def test_whoever_stops_it_is_told_that_letters_she_has_go_on_being_counted(
    her: Guest, works: Works, smtp_sink: SmtpSink, client: FlaskClient, chosen: str
) -> None:
    page = seen.list_page(her)
    if chosen == "seen":
        seen.press(her, page, "seen")
    links = her.get_letter()
    client.post(f"{page}/unseen")
    told = "Those that you have already go on being counted, as numbers and without you."
    for shown in (page, next(path for path in links.values() if path.startswith("/p/"))):
        said = words(client.get(shown))
        assert told in said, shown
        assert "what you do with these e-mails" not in said
    [counted] = seen.counted(her)
    client.get(counted, headers=BROWSER)
    assert _visits(her) == [(None, chosen == "counted", Agent.BROWSER)]
    # Of whoever never chose anything nothing goes on.
    other = Guest(works, smtp_sink, client, "bo@guest.example")
    other.subscribe()
    assert told not in words(client.get(seen.list_page(other)))


def test_one_choice_ends_the_other_and_each_is_written_down(her: Guest, client: FlaskClient) -> None:
    assert her.subscription().counted_since is not None
    page = seen.list_page(her)
    seen.press(her, page, "seen")
    current = her.subscription()
    assert (current.counted_since, current.tracking_since is not None) == (None, True)
    seen.press(her, page, "counted")
    shown = client.get(page)
    assert "counts these e-mails without your name" in words(shown)
    # What she has is not offered once more.
    assert [action.rpartition("/")[2] for action in actions(shown) if action.endswith(("seen", "counted"))] == [
        "unseen", "seen",
    ]  # fmt: skip
    client.post(f"{page}/unseen")
    current = her.subscription()
    assert (current.counted_since, current.tracking_since) == (None, None)
    kinds = her.works.read(lambda session: session.scalars(select(ConsentEvent.kind).order_by(ConsentEvent.id)).all())
    given, seen_, ended, not_seen = (
        EventKind.COUNTING_GIVEN, EventKind.TRACKING_GIVEN, EventKind.COUNTING_WITHDRAWN, EventKind.TRACKING_WITHDRAWN,
    )  # fmt: skip
    assert [kind for kind in kinds if kind.value.startswith("tracking.")] == [
        given, ended, seen_, not_seen, given, ended,
    ]  # fmt: skip
    history = client.get(f"{page.rpartition('/lists/')[0]}/history")
    assert "Let the letters be counted, without a name" in words(history)


def test_the_letters_link_takes_it_back_and_gives_nothing(her: Guest, client: FlaskClient) -> None:
    link = her.get_letter()["p"]
    shown = client.get(link)
    assert not any(action.endswith(("/seen", "/counted")) for action in actions(shown))
    assert client.post(f"{link}/counted", data={"words": "0" * 64}).status_code in {404, 405}
    [stop] = [action for action in actions(shown) if action.endswith("/unseen")]
    client.post(stop)
    assert her.subscription().counted_since is None
    her.works.work(Lane.BACKGROUND)
    her.get_letter("Rye bread")
    assert seen.counted(her) == []
    assert seen.unseen(her) == []


@pytest.mark.parametrize("said", ["", "0" * 64, "x" * 3_000])
def test_other_words_than_those_of_today_are_no_yes(
    works: Works, smtp_sink: SmtpSink, client: FlaskClient, said: str
) -> None:
    guest = Guest(works, smtp_sink, client)
    guest.subscribe()
    page = seen.list_page(guest)
    answer = client.post(f"{page}/counted", data={"words": said})
    assert answer.status_code == 422
    assert "read them once more" in words(answer)
    # The words of the one are not those of the other.
    shown = works.read(lambda session: _words(session, guest, Counting.PERSON))
    assert client.post(f"{page}/counted", data={"words": shown}).status_code == 422
    assert guest.subscription().counted_since is None


def _words(session: Session, guest: Guest, how: Counting) -> str:
    house = working.here(session)
    return tracking.text(house.organisation, house.mailing_list, guest.person(session).language, how).sha256


def test_the_picture_is_always_the_same_and_counts_what_is_ours(her: Guest, client: FlaskClient) -> None:
    her.get_letter()
    _canary, picture = seen.unseen(her)
    [counted] = seen.counted(her)
    answer = client.get(picture, headers=BROWSER)
    assert (answer.status_code, answer.mimetype, answer.data) == (200, "image/gif", PIXEL)
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert "Set-Cookie" not in answer.headers
    assert len(_visits(her)) == 1
    for odd in ("/o/x", f"{picture}A", f"{picture[:-3]}AAA", "/o/ø", f"/o/{'x' * 3_000}", "/o/%00"):
        answer = client.get(odd, headers=BROWSER)
        assert (answer.status_code, answer.data) == (200, PIXEL), odd
    assert client.head(picture, headers=BROWSER).status_code == 200
    assert client.post(picture).status_code == 405
    assert len(_visits(her)) == 1
    # Neither does the address of the one count as the other's.
    assert client.get(picture.replace("/o/", "/l/")).status_code == 404
    assert client.get(counted.replace("/l/", "/o/")).status_code == 200
    for agent in ("Mozilla/5.0", "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko (via ggpht.com GoogleImageProxy)"):
        client.get(picture, headers={"User-Agent": agent})
    assert [each[2] for each in _visits(her)][-2:] == [Agent.PROGRAM, Agent.PROXY]


def test_the_canary_leads_to_a_page_that_says_what_it_is(her: Guest, client: FlaskClient) -> None:
    her.get_letter()
    canary, _picture = seen.unseen(her)
    answer = client.get(canary, headers=BROWSER, follow_redirects=True)
    assert (answer.status_code, answer.request.path) == (200, "/unseen-link")
    assert "No reader can see or reach it" in words(answer)
    danish = client.get("/unseen-link", headers={"Accept-Language": "da"})
    assert '<html lang="da"' in danish.text
    for path in seen.counted(her):
        client.get(path, headers=BROWSER)
    assert _judged(her).clicks == Counts(machine=1)

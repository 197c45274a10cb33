"""The page that renews a consent, by the link of a letter and on her own page: a look changes nothing, a press does."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import time_machine
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from listkeeper.audience import consent, mailing_list, renewal_link, subscription
from listkeeper.audience.consent import EventKind
from listkeeper.audience.renewal import ASKED_BEFORE
from listkeeper.audience.subscription import SubscriptionState
from listkeeper.foundation import clock
from listkeeper.sending import first_message, planning
from listkeeper.sending.first_message import First, Verdict
from tests.fakes.smtp_sink import SmtpSink
from tests.makers import cafe
from tests.makers.cafe import Cafe
from tests.makers.own import Guest, actions, words
from tests.makers.works import HER, SITE, Works

LETTER = "Still welcome?\n\n[Keep my letters coming]({{ links.renew }})\n"
BUTTON = "Keep my letters coming"


@pytest.fixture
def her(works: Works, smtp_sink: SmtpSink, client: FlaskClient) -> Guest:
    """Somebody on the list, whose permission ends in a week."""
    guest = Guest(works, smtp_sink, client)
    guest.subscribe()
    _let_end(guest, timedelta(days=7))
    return guest


def _let_end(her: Guest, span: timedelta) -> None:
    def act(session: Session, house: Cafe) -> None:
        current = subscription.of(session, her.person(session).id, house.mailing_list.id)
        assert current is not None
        current.valid_until = clock.now() + span

    her.works.write(act)


@pytest.fixture
def link(her: Guest) -> str:
    """Where the link of a letter to her leads."""

    def send(session: Session, house: Cafe) -> None:
        letter = cafe.draft(session, house, subject="Still welcome?", markdown=LETTER)
        planning.send_campaign(session, house.organisation, letter, site=SITE)
        first_message.keep(session, letter.id, Verdict(First.UNSIGNED, ""))

    her.works.write(send)
    her.works.drain()
    return her.links()["renew"]


def _renewals(her: Guest) -> int:
    def look(session: Session) -> int:
        return [each.kind for each in consent.history(session, her.person(session))].count(EventKind.RENEWED)

    return her.works.read(look)


def _shown(page: str) -> str:
    found = re.search(r'name="words" value="([0-9a-f]{64})"', page)
    return found[1] if found else ""


def _press(client: FlaskClient, path: str) -> str:
    return words(client.post(path, data={"words": _shown(client.get(path).text)}))


def test_looking_renews_nothing(her: Guest, link: str, client: FlaskClient) -> None:
    before = her.subscription().valid_until
    for _ in range(3):
        client.get(link)
        client.head(link)
        client.options(link)
    page = client.get(link)
    assert page.status_code == 200
    assert actions(page) == [link]
    assert "ends on" in words(page)
    assert "may send me News by e-mail" in words(page)
    assert BUTTON in words(page)
    assert HER not in page.text
    assert "no-store" in page.headers["Cache-Control"]
    assert (her.subscription().valid_until, _renewals(her)) == (before, 0)


def test_the_button_renews_once_and_says_so_again(her: Guest, link: str, client: FlaskClient) -> None:
    shown = _shown(client.get(link).text)
    assert "“News” keeps coming." in words(client.post(link, data={"words": shown}))
    current = her.subscription()
    assert (current.state, current.valid_until) == (SubscriptionState.CONFIRMED, None)
    assert "You have said so already." in words(client.post(link, data={"words": shown}))
    again = client.get(link)
    assert "You have said so already." in words(again)
    assert actions(again) == []
    assert _renewals(her) == 1


@pytest.mark.parametrize("posted", [{}, {"words": ""}, {"words": "0" * 64}, {"other": "x"}])
def test_a_press_without_the_words_is_shown_the_words(
    her: Guest, link: str, client: FlaskClient, posted: dict[str, str]
) -> None:
    answer = client.post(link, data=posted)
    assert answer.status_code == 422
    assert "Please read them once more." in words(answer)
    assert _shown(answer.text)
    assert _renewals(her) == 0


def test_who_has_left_is_brought_back_by_the_form_alone(her: Guest, link: str, client: FlaskClient) -> None:
    shown = _shown(client.get(link).text)
    her.works.leave(her.subscription().subscriber_id)
    for answer in (client.get(link), client.post(link, data={"words": shown})):
        assert answer.status_code == 200
        assert "that is the only way" in words(answer)
        assert actions(answer) == []
        assert "/f/" in answer.text
    assert her.subscription().state is SubscriptionState.UNSUBSCRIBED
    assert _renewals(her) == 0


def test_what_has_ended_is_not_renewed_though_nobody_has_noticed_yet(
    her: Guest, link: str, client: FlaskClient
) -> None:
    shown = _shown(client.get(link).text)
    _let_end(her, timedelta(0))
    assert "that is the only way" in words(client.post(link, data={"words": shown}))
    assert _renewals(her) == 0


def test_links_of_nobody_and_of_previews(her: Guest, link: str, client: FlaskClient) -> None:
    token = link.split("/")[2]

    def of(person: int, on: int) -> str:
        return her.works.read(lambda _session: renewal_link.token_of(person, on))

    nobody = of(10_000, her.works.list_id), of(her.subscription().subscriber_id, 10_000)
    for forged in (token[:-2] + "xx", token[::-1], "x", "A" * 2_000, "%00", *nobody):
        for answer in (client.get(f"/renew/{forged}"), client.post(f"/renew/{forged}")):
            assert answer.status_code == 404, forged
            assert answer.data == client.get("/renew/x").data
    for answer in (client.get("/renew/preview"), client.post("/renew/preview")):
        assert answer.status_code == 200
        assert "<form" not in answer.text
    assert client.post(link, data={"words": "x" * 100_000}).status_code == 413
    assert _renewals(her) == 0


def test_a_link_ends_after_its_sixty_days(her: Guest, client: FlaskClient) -> None:
    number = her.subscription().subscriber_id
    with time_machine.travel(clock.now() - renewal_link.LASTS - timedelta(seconds=2), tick=False):
        old = her.works.read(lambda _session: renewal_link.token_of(number, her.works.list_id))
    answer = client.get(f"/renew/{old}")
    assert answer.status_code == 404
    assert "It may be too old" in words(answer)
    assert client.post(f"/renew/{old}").status_code == 404


def test_her_own_page_asks_when_the_end_is_near(her: Guest, client: FlaskClient) -> None:
    visit = her.enter()
    assert "Still welcome? It ends on" in words(client.get(visit))
    [page] = re.findall(r'href="(/mine/[^"#]+/lists/[^"#]+)"', client.get(visit).text)
    shown = client.get(page)
    assert f"{page}/renew" in actions(shown)
    assert _renewals(her) == 0
    assert client.post(f"{page}/renew", data={"words": _shown(shown.text)}).status_code == 200
    assert _renewals(her) == 1
    assert f"{page}/renew" not in actions(client.get(page))
    assert "Still welcome?" not in words(client.get(visit))
    assert client.post("/mine/nobody/lists/lst_x/renew").status_code == 404


def test_her_own_page_does_not_ask_long_before(her: Guest, client: FlaskClient) -> None:
    _let_end(her, ASKED_BEFORE + timedelta(days=1))

    def use(session: Session, house: Cafe) -> None:
        subscription.contacted(session, house.mailing_list.id, [her.person(session).id])

    her.works.write(use)
    visit = her.enter()
    assert "Still welcome?" not in words(client.get(visit))
    [page] = re.findall(r'href="(/mine/[^"#]+/lists/[^"#]+)"', client.get(visit).text)
    assert f"{page}/renew" not in actions(client.get(page))


def test_her_history_says_it_in_words(her: Guest, link: str, client: FlaskClient) -> None:
    _press(client, link)
    history = words(client.get(f"{her.enter()}/history"))
    assert "Renewed the consent" in history
    assert BUTTON in history


def test_a_list_she_was_never_on_has_nothing_to_renew(her: Guest, client: FlaskClient) -> None:
    her.works.write(lambda session, house: mailing_list.create(session, house.organisation, name="Bread club"))
    number = her.subscription().subscriber_id
    token = her.works.read(lambda _session: renewal_link.token_of(number, her.works.list_id + 1))
    assert "that is the only way" in words(client.get(f"/renew/{token}"))

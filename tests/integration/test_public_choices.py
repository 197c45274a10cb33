"""The links of a letter, beside leaving: fewer, a pause, everything, a reason, and why it came. On both databases."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from listkeeper.audience import leaving_reason, suppression
from listkeeper.audience.consent import ConsentEvent, EventKind, Method
from listkeeper.audience.leaving_reason import LeavingReason, Why
from listkeeper.audience.subscription import Frequency, SubscriptionState
from listkeeper.foundation import clock, signing
from tests.fakes.smtp_sink import SmtpSink
from tests.makers.own import Guest, actions, words
from tests.makers.works import Works, here


@pytest.fixture
def her(works: Works, smtp_sink: SmtpSink, client: FlaskClient) -> Guest:
    """Somebody on the list."""
    guest = Guest(works, smtp_sink, client)
    guest.subscribe()
    return guest


def _kinds(her: Guest) -> list[EventKind]:
    return her.works.read(
        lambda session: list(
            session.scalars(
                select(ConsentEvent.kind)
                .where(ConsentEvent.subject_ref == her.person(session).subject_ref)
                .order_by(ConsentEvent.id)
            )
        )
    )


def test_she_chooses_how_often_and_in_which_language(her: Guest, client: FlaskClient) -> None:
    page = her.get_letter()["p"]
    assert "every e-mail, as agreed" in words(client.get(page)).lower()
    answer = client.post(page, data={"frequency": "monthly", "language": "da", "topic": "x"})
    assert answer.status_code == 200
    assert '<html lang="da"' in answer.text
    assert '<option value="monthly" selected>' in answer.text
    current = her.subscription()
    assert (current.frequency, current.topics) == (Frequency.MONTHLY, [])
    again = client.post(page, data={"frequency": "monthly", "language": "da"})
    assert again.status_code == 200
    assert _kinds(her).count(EventKind.NARROWED) == 1
    assert client.post(page, data={"frequency": "hourly", "language": "xx"}).status_code == 200
    assert her.subscription().frequency is Frequency.MONTHLY


@pytest.mark.parametrize("days", ["30", "60", "90", "-7", "999999999999999999999999", "never", "", "9" * 5000])
def test_a_pause_has_a_day_on_which_it_ends_and_a_button_to_end_it(her: Guest, client: FlaskClient, days: str) -> None:
    page = her.get_letter()["p"]
    paused = client.post(f"{page}/pause", data={"days": days})
    assert paused.status_code == 200
    until = her.subscription().snooze_until
    assert until is not None
    least, most = clock.now() + timedelta(days=29, hours=23), clock.now() + timedelta(days=90)
    assert least < until <= most
    assert f"{until.day} {until:%B %Y}" in words(paused)
    assert f"{page}/resume" in actions(paused)
    assert her.works.start("Rye bread")
    her.works.drain()
    assert her.works.deliveries()[-1].refusal_code == "snoozed"
    assert client.post(f"{page}/resume").status_code == 200
    assert her.subscription().snooze_until is None
    assert f"{page}/pause" in actions(client.get(page))


def test_after_thirty_days_the_link_shows_nothing_and_offers_a_fresh_one(her: Guest, client: FlaskClient) -> None:
    links = her.get_letter()
    with time_machine.travel(clock.now() + timedelta(days=29), tick=True):
        assert client.post(links["p"], data={"frequency": "weekly"}).status_code == 200
    with time_machine.travel(clock.now() + timedelta(days=58), tick=True):
        assert "What you agreed to" in words(client.get(links["p"]))
    with time_machine.travel(clock.now() + timedelta(days=60), tick=True):
        page = client.get(links["p"])
        assert page.status_code == 200
        assert "What you agreed to" not in words(page)
        assert "freja" not in page.text
        assert "f…@" not in page.text
        assert actions(page) == [f"{links['p']}/link", links["u"]]
        for path, data in ((links["p"], {"frequency": "monthly"}), (f"{links['p']}/pause", {"days": "30"})):
            assert client.post(path, data=data).status_code == 404
        current = her.subscription()
        assert (current.frequency, current.snooze_until) == (Frequency.WEEKLY, None)
        assert client.post(links["u"]).status_code == 200
    assert her.subscription().state is SubscriptionState.UNSUBSCRIBED


def test_fewer_and_a_pause_stand_beside_the_button_to_leave(her: Guest, client: FlaskClient) -> None:
    leave = her.get_letter()["u"]
    assert actions(client.get(leave)) == [leave, f"{leave}/fewer", f"{leave}/pause", f"{leave}/everything"]
    assert "at most one a month" in words(client.post(f"{leave}/fewer")).lower()
    assert her.subscription().frequency is Frequency.MONTHLY
    assert actions(client.get(leave)) == [leave, f"{leave}/pause", f"{leave}/everything"]
    paused = client.post(f"{leave}/pause")
    assert "Paused until" in words(paused)
    assert actions(paused) == [f"{leave}/resume", leave]
    assert her.subscription().snooze_until is not None
    client.post(f"{leave}/resume")
    assert her.subscription().snooze_until is None
    assert her.subscription().state is SubscriptionState.CONFIRMED
    client.post(leave)
    for path in ("fewer", "pause", "resume"):
        assert "no more e-mails" in words(client.post(f"{leave}/{path}"))
    assert her.subscription().snooze_until is None


def test_everything_is_left_with_one_press_and_comes_back_with_one(her: Guest, client: FlaskClient) -> None:
    leave = her.get_letter()["u"]
    goodbye = client.post(f"{leave}/everything")
    assert goodbye.status_code == 200
    assert her.subscription().state is SubscriptionState.UNSUBSCRIBED

    def scopes() -> set[str]:
        return her.works.read(
            lambda session: {
                row.scope
                for row in suppression.reasons(
                    session, her.person(session).organisation_id, her.person(session).suppression_key
                )
            }
        )

    assert suppression.MARKETING in scopes()
    secrets = sorted(set(re.findall(r'name="undo" value="([^"]+)"', goodbye.text)))
    assert len(secrets) == 1
    with time_machine.travel(clock.now() + timedelta(hours=2), tick=True):
        assert client.post(f"{leave}/undo", data={"undo": secrets}).status_code == 404
    assert client.post(f"{leave}/undo", data={"undo": secrets}).status_code == 200
    assert her.subscription().state is SubscriptionState.CONFIRMED
    assert scopes() == set()
    her.works.start("Rye bread")
    her.works.drain()
    assert her.works.deliveries()[-1].state == "accepted"


def test_an_older_undo_does_not_open_what_everything_closed(her: Guest, client: FlaskClient) -> None:
    leave = her.get_letter()["u"]
    [first] = set(re.findall(r'name="undo" value="([^"]+)"', client.post(leave).text))
    client.post(f"{leave}/everything")
    assert client.post(f"{leave}/undo", data={"undo": first}).status_code == 404
    assert her.subscription().state is SubscriptionState.UNSUBSCRIBED


def test_a_reason_is_asked_for_afterwards_and_tied_to_nobody(her: Guest, client: FlaskClient) -> None:
    leave = her.get_letter()["u"]
    early = client.post(f"{leave}/reason", data={"why": "other", "words": "too early"})
    assert early.status_code == 200
    assert her.works.read(lambda session: session.scalar(select(func.count()).select_from(LeavingReason))) == 0
    goodbye = client.post(leave)
    assert f"{leave}/reason" in actions(goodbye)
    wrong = client.post(f"{leave}/reason", data={"why": "too_many", "words": f"I am {her.address}", "undo": "kept"})
    assert wrong.status_code == 422
    assert her.address in wrong.text
    assert 'aria-describedby="words-wrong"' in wrong.text
    assert 'name="undo" value="kept"' in wrong.text
    for _ in range(5):
        told = client.post(f"{leave}/reason", data={"why": "too_many", "words": "Every day is too much <b>"})
        assert told.status_code == 200
        assert "Thank you" in words(told)
    client.post(f"{leave}/reason", data={"why": "because"})
    assert her.works.read(lambda session: leaving_reason.counts(session, here(session).mailing_list)) == dict.fromkeys(
        Why, 0
    ) | {Why.TOO_MANY: 3}


def test_every_letter_names_the_event_that_let_it_go(her: Guest, client: FlaskClient) -> None:
    links = her.get_letter("Cardamom buns today")
    page = client.get(links["y"])
    assert page.status_code == 200
    said = words(page)
    assert "Cardamom buns today" in said
    assert "Gave consent" in said
    assert "Yes please: Café Kardemomme may send me" in said

    kind, method, seq, noted = her.works.read(_authorising(her))
    assert (kind, method, seq) == (EventKind.GIVEN, Method.BUTTON, noted)
    assert f"Row {seq} of our record" in said
    assert "guest.example" not in page.text
    client.post(links["u"])
    assert "You have left this list since" in words(client.get(links["y"]))
    # The reason stays what it was when the letter went.
    assert f"Row {seq} of our record" in words(client.get(links["y"]))


def _authorising(her: Guest) -> Callable[[Session], tuple[EventKind, Method, int | None, int | None]]:
    def look(session: Session) -> tuple[EventKind, Method, int | None, int | None]:
        letter = her.letter(session)
        event = session.get_one(ConsentEvent, letter.grant_event_id)
        return event.kind, event.method, event.ledger_seq, letter.grant_seq

    return look


def test_a_letter_not_yet_sent_says_so(her: Guest, client: FlaskClient) -> None:
    her.works.start()
    token = her.works.read(lambda session: signing.token("why", her.letter(session).id))
    assert "has not been sent yet" in words(client.get(f"/y/{token}"))
    assert client.get("/y/forged").status_code == 404
    assert "only a test" in words(client.get("/y/preview"))

"""The confirmation link as scanners, double clicks, strangers and its owner use it."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from listkeeper import store
from listkeeper.audience import confirmation, signup_form, subscription, suppression
from listkeeper.audience.confirmation import Confirmation
from listkeeper.audience.consent import ConsentEvent, EventKind, Method
from listkeeper.audience.signup_form import SignupForm
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import SubscriptionState
from tests.makers import cafe

ADDRESS = "anna@gmail.com"


@pytest.fixture
def token(app: Flask) -> Iterator[str]:
    """The secret of one confirmation link, in a café that speaks Danish."""
    with app.app_context():
        with store.transaction() as session:
            made = cafe.found(session, spoken="da", list_name="Nyt fra ovnen")
            secret = confirmation.token_of(cafe.sign_up(session, made, ADDRESS))
        yield secret


def _state() -> SubscriptionState:
    with store.reading() as session:
        asked = session.scalars(select(Confirmation).order_by(Confirmation.id)).first()
        assert asked is not None
        current = subscription.of(session, asked.subscriber_id, asked.list_id)
        assert current is not None
        return current.state


def _given() -> list[ConsentEvent]:
    with store.reading() as session:
        events = list(session.scalars(select(ConsentEvent).where(ConsentEvent.kind == EventKind.GIVEN)))
        session.expunge_all()
        return events


def test_the_page_shows_list_sender_and_the_exact_text_in_the_language_of_the_form(
    client: FlaskClient, token: str
) -> None:
    page = client.get(f"/c/{token}", headers={"Accept-Language": "pl"})
    assert page.status_code == 200
    assert '<html lang="da" dir="ltr">' in page.text
    with store.reading() as session:
        text = signup_form.shown(session, session.scalars(select(SignupForm.slug)).one()).text
        for part in ("Nyt fra ovnen", "Café Kardemomme", text.body, text.withdrawal, text.button_label, "Havnegade 1"):
            assert part in page.text
    assert page.text.count("<button") == 1
    assert "Må vi skrive til dig?" in page.text


def test_nothing_is_stored_indexed_or_told_to_the_next_page(client: FlaskClient, token: str) -> None:
    for answer in (client.get(f"/c/{token}"), client.post(f"/c/{token}"), client.get("/c/forged")):
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert "noindex" in answer.headers["X-Robots-Tag"]
        assert "Set-Cookie" not in answer.headers
        assert "<script" not in answer.text


def test_a_scanner_changes_nothing_and_uses_nothing_up(client: FlaskClient, token: str) -> None:
    for _ in range(25):
        client.get(f"/c/{token}")
        client.head(f"/c/{token}?confirm=true")
        client.options(f"/c/{token}")
        client.get(f"/n/{token}?_method=POST")
    assert client.get(f"/c/{token}", headers={"X-HTTP-Method-Override": "POST"}).status_code == 200
    assert _state() is SubscriptionState.PENDING
    assert client.post(f"/c/{token}").status_code == 200
    assert _state() is SubscriptionState.CONFIRMED


def test_the_button_confirms_and_twice_is_harmless(client: FlaskClient, token: str) -> None:
    first = client.post(f"/c/{token}")
    assert "Velkommen til »Nyt fra ovnen«" in first.text
    again = client.post(f"/c/{token}")
    assert again.status_code == 200
    assert "Du er allerede med på listen" in again.text
    assert "Du er allerede med på listen" in client.get(f"/c/{token}").text
    [event] = _given()
    assert event.method is Method.BUTTON
    assert event.consent_text_id is not None


def test_twenty_presses_at_once_are_one_consent(app: Flask, token: str) -> None:
    def press(_number: int) -> int:
        return app.test_client().post(f"/c/{token}").status_code

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(press, range(20))) == {200}
    assert len(_given()) == 1


def test_forged_old_and_spent_links_get_the_same_page_of_no_effect(client: FlaskClient, token: str) -> None:
    flipped = token[:-1] + ("A" if token[-1] != "A" else "B")
    forged = [client.get(f"/c/{wrong}") for wrong in (flipped, token[:-1], "x", "preview", token + token, "%00", "ø")]
    forged += [client.post(f"/c/{flipped}"), client.get(f"/n/{flipped}"), client.post(f"/n/{flipped}")]
    forged.append(client.post(f"/c/{flipped}/not-me"))
    with time_machine.travel(timedelta(days=8)):
        old = [client.get(f"/c/{token}"), client.post(f"/c/{token}")]
    answers = forged + old
    assert {(answer.status_code, answer.data) for answer in answers} == {(404, forged[0].data)}
    assert _state() is SubscriptionState.PENDING


def test_a_link_used_before_leaving_brings_nobody_back(client: FlaskClient, token: str) -> None:
    client.post(f"/c/{token}")
    with store.transaction() as session:
        asked = session.scalars(select(Confirmation)).one()
        current = subscription.of(session, asked.subscriber_id, asked.list_id)
        assert current is not None
        subscription.move(current, SubscriptionState.UNSUBSCRIBED)
    assert client.post(f"/c/{token}").status_code == 404
    assert client.get(f"/c/{token}").status_code == 404
    assert _state() is SubscriptionState.UNSUBSCRIBED


def test_not_me_stops_confirmation_mail_and_the_link(client: FlaskClient, token: str) -> None:
    page = client.get(f"/n/{token}")
    assert page.status_code == 200
    assert f'action="/c/{token}/not-me"' in page.text or f'action="/n/{token}"' in page.text
    assert _state() is SubscriptionState.PENDING
    assert client.post(f"/c/{token}/not-me").status_code == 200
    assert client.post(f"/n/{token}").status_code == 200
    assert client.get(f"/n/{token}").status_code == 200
    assert _state() is SubscriptionState.REFUSED
    assert client.post(f"/c/{token}").status_code == 404
    assert _state() is SubscriptionState.REFUSED
    with store.reading() as session:
        person = session.scalars(select(Subscriber)).one()
        rows = suppression.reasons(session, person.organisation_id, person.suppression_key)
        assert [row.scope for row in rows] == [suppression.CONFIRMATIONS]


def test_not_me_after_confirming_has_no_effect(client: FlaskClient, token: str) -> None:
    client.post(f"/c/{token}")
    assert client.post(f"/c/{token}/not-me").status_code == 404
    assert _state() is SubscriptionState.CONFIRMED


def test_a_link_is_good_for_its_own_page_only(client: FlaskClient, token: str) -> None:
    for path in (f"/u/{token}", f"/p/{token}", f"/w/{token}"):
        assert client.get(path).status_code == 404
    assert client.post(f"/u/{token}").status_code == 404
    with store.reading() as session:
        assert session.scalar(select(func.count()).select_from(ConsentEvent)) == 1

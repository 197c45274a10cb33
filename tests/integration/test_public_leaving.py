"""The links of a letter: leaving by page and by mail program, undo, preferences, the letter in the browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete, select, update

from listkeeper import store
from listkeeper.audience import subscription, suppression, unsubscribe
from listkeeper.audience.consent import ConsentEvent, EventKind, Method
from listkeeper.audience.mailing_list import ListState, MailingList
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Subscription, SubscriptionState
from listkeeper.foundation import signing
from listkeeper.sending import planning
from listkeeper.sending.delivery import Delivery
from listkeeper.web import headers
from tests.makers import cafe

SITE = "http://localhost:8025"
ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@dataclass(frozen=True)
class Links:
    """The links of one reader's letter."""

    leave: str
    preferences: str
    letter: str


@pytest.fixture
def links(app: Flask) -> Iterator[Links]:
    """A letter planned for Anna and for Bo; the links are Anna's."""
    with app.app_context():
        with store.transaction() as session:
            made = cafe.found(session, list_name="Nyt fra ovnen", spoken="da")
            anna = cafe.subscribe(session, made, "anna@shop.example")
            cafe.subscribe(session, made, "bo@shop.example")
            planning.send_campaign(session, made.organisation, cafe.draft(session, made), site=SITE)
            row = session.scalars(select(Delivery).where(Delivery.subscriber_id == anna.id)).one()
            found = Links(
                f"/u/{unsubscribe.token_for(row.id)}",
                f"/p/{signing.token('preferences', row.id)}",
                f"/w/{signing.token('web-view', row.id)}",
            )
        yield found


def _states() -> dict[str, SubscriptionState]:
    with store.reading() as session:
        query = select(Subscriber.email_send, Subscription.state).join(
            Subscription, Subscription.subscriber_id == Subscriber.id
        )
        return {row[0].split("@")[0]: row[1] for row in session.execute(query)}


def _events(kind: EventKind) -> list[Method]:
    with store.reading() as session:
        return list(session.scalars(select(ConsentEvent.method).where(ConsentEvent.kind == kind)))


def test_opening_the_page_leaves_nobody(client: FlaskClient, links: Links) -> None:
    page = client.get(links.leave)
    for _ in range(10):
        client.get(links.leave)
        client.head(links.leave)
        client.options(links.leave)
    assert page.status_code == 200
    assert re.findall(r'action="([^"]+)"', page.text) == [
        links.leave, f"{links.leave}/fewer", f"{links.leave}/pause", f"{links.leave}/everything"
    ]  # fmt: skip
    assert "Nyt fra ovnen" in page.text
    assert _states() == {"anna": SubscriptionState.CONFIRMED, "bo": SubscriptionState.CONFIRMED}


@pytest.mark.parametrize("as_form", [True, False])
def test_a_mail_programs_post_leaves_at_once(client: FlaskClient, links: Links, *, as_form: bool) -> None:
    kind = "application/x-www-form-urlencoded" if as_form else "multipart/form-data"
    answer = client.post(links.leave, data=ONE_CLICK, content_type=kind)
    assert answer.status_code == 200
    assert "Location" not in answer.headers
    assert "Set-Cookie" not in answer.headers
    assert _states() == {"anna": SubscriptionState.UNSUBSCRIBED, "bo": SubscriptionState.CONFIRMED}
    assert _events(EventKind.WITHDRAWN) == [Method.ONE_CLICK]
    with store.reading() as session:
        anna = session.scalars(select(Subscriber).where(Subscriber.email_send == "anna@shop.example")).one()
        [row] = suppression.reasons(session, anna.organisation_id, anna.suppression_key)
        assert row.scope.startswith("list:")


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", None),
        (b"\xff\xfe\x00", "application/octet-stream"),
        (b"{", "application/json"),
        (b"List-Unsubscribe=Something&email=bo%40shop.example", "application/x-www-form-urlencoded"),
        (b"no boundary here", "multipart/form-data"),
        (b"x" * 100_000, "application/x-www-form-urlencoded"),
    ],
)
def test_no_body_stops_anybody_from_leaving(client: FlaskClient, links: Links, body: bytes, kind: str | None) -> None:
    assert client.post(links.leave, data=body, content_type=kind).status_code == 200
    assert _states() == {"anna": SubscriptionState.UNSUBSCRIBED, "bo": SubscriptionState.CONFIRMED}


def test_leaving_twice_is_harmless(client: FlaskClient, links: Links) -> None:
    client.post(links.leave)
    assert client.post(links.leave).status_code == 200
    page = client.get(links.leave)
    assert page.status_code == 200
    assert "<button" not in page.text
    assert len(_events(EventKind.WITHDRAWN)) == 1


def test_an_altered_link_is_refused_plainly_and_changes_nothing(client: FlaskClient, links: Links) -> None:
    token = links.leave.removeprefix("/u/")
    flipped = token[:5] + ("A" if token[5] != "A" else "B") + token[6:]
    for wrong in (flipped, token[:-2], token + "A", "x", "ø", "%00", links.preferences.removeprefix("/p/")):
        answer = client.post(f"/u/{wrong}", data=ONE_CLICK)
        assert answer.status_code == 404
        assert client.get(f"/u/{wrong}").status_code == 404
        assert "anna" not in answer.text
    assert set(_states().values()) == {SubscriptionState.CONFIRMED}


def test_undo_brings_back_whom_it_belongs_to_and_only_for_an_hour(client: FlaskClient, links: Links) -> None:
    goodbye = client.post(links.leave)
    [secret] = set(re.findall(r'name="undo" value="([^"]+)"', goodbye.text))
    assert client.post(f"{links.leave}/undo", data={"undo": "forged"}).status_code == 404
    assert client.post(f"{links.leave}/undo").status_code == 404
    assert _states()["anna"] is SubscriptionState.UNSUBSCRIBED
    with time_machine.travel(timedelta(hours=2)):
        assert client.post(f"{links.leave}/undo", data={"undo": secret}).status_code == 404
    assert client.get(f"{links.leave}/undo").status_code == 405
    assert client.post(f"{links.leave}/undo", data={"undo": secret}).status_code == 200
    assert _states() == {"anna": SubscriptionState.CONFIRMED, "bo": SubscriptionState.CONFIRMED}
    assert Method.UNDO in _events(EventKind.GIVEN)
    assert client.post(f"{links.leave}/undo", data={"undo": secret}).status_code == 200
    assert _events(EventKind.GIVEN).count(Method.UNDO) == 1


def test_a_spent_undo_does_not_work_for_a_later_leave(client: FlaskClient, links: Links) -> None:
    [secret] = set(re.findall(r'name="undo" value="([^"]+)"', client.post(links.leave).text))
    client.post(f"{links.leave}/undo", data={"undo": secret})
    client.post(links.leave)
    assert _states()["anna"] is SubscriptionState.UNSUBSCRIBED


def test_leaving_works_for_years_and_after_the_list_is_gone(client: FlaskClient, links: Links) -> None:
    with store.transaction() as session:
        session.execute(update(MailingList).values(state=ListState.TOMBSTONED))
    with time_machine.travel(timedelta(days=4000)):
        assert client.get(links.leave).status_code == 200
        assert client.post(links.leave, data=ONE_CLICK).status_code == 200
    assert _states()["anna"] is SubscriptionState.UNSUBSCRIBED


def test_leaving_is_calm_after_the_person_is_forgotten(client: FlaskClient, links: Links) -> None:
    with store.transaction() as session:
        anna = session.scalars(select(Subscriber).where(Subscriber.email_send == "anna@shop.example")).one()
        session.execute(update(Delivery).where(Delivery.subscriber_id == anna.id).values(subscriber_id=None))
        session.execute(delete(Subscription).where(Subscription.subscriber_id == anna.id))
    for answer in (client.get(links.leave), client.post(links.leave, data=ONE_CLICK)):
        assert answer.status_code == 200
        assert "<button" not in answer.text


def test_the_preferences_page_says_what_was_agreed_to_and_hides_the_address(client: FlaskClient, links: Links) -> None:
    page = client.get(links.preferences)
    assert page.status_code == 200
    with store.reading() as session:
        current = session.scalars(select(Subscription)).first()
        assert current is not None
    assert "Nyt fra ovnen" in page.text
    assert "Ja tak: Café Kardemomme må sende mig" in page.text
    assert "a…@shop.example" in page.text
    assert "anna@" not in page.text
    [stop, everything] = re.findall(r'action="(/u/[^"]+)"', page.text)
    assert everything == f"{stop}/everything"
    assert client.post(stop).status_code == 200
    assert _states()["anna"] is SubscriptionState.UNSUBSCRIBED
    assert re.findall(r'action="([^"]+)"', client.get(links.preferences).text) == [f"{links.preferences}/link"]


def test_the_letter_stands_in_the_browser_as_it_was_sent_under_the_sandbox(client: FlaskClient, links: Links) -> None:
    page = client.get(links.letter)
    assert page.status_code == 200
    assert page.headers["Content-Security-Policy"] == headers.LETTER
    assert "Cross-Origin-Opener-Policy" not in page.headers
    assert page.headers["Cache-Control"] == "no-store"
    assert '<meta name="viewport"' in page.text
    assert "Cardamom buns" in page.text
    assert f"{SITE}{links.leave}" in page.text
    assert "anna@" not in page.text


def test_links_of_tests_and_previews_lead_to_a_page_that_says_so(client: FlaskClient, links: Links) -> None:
    with store.transaction() as session:
        made = session.scalars(select(Delivery)).first()
        assert made is not None
        made.message_class = "test"  # type: ignore[assignment]
        made.subscriber_id = None
        token = unsubscribe.token_for(made.id)
    for answer in (
        client.get("/u/preview"),
        client.post("/u/preview"),
        client.get("/p/preview"),
        client.get("/w/preview"),
        client.get(f"/u/{token}"),
        client.post(f"/u/{token}", data=ONE_CLICK),
    ):
        assert answer.status_code == 200
        assert "Det var kun en test" in answer.text
        assert "<button" not in answer.text
    assert set(_states().values()) == {SubscriptionState.CONFIRMED}


def test_a_person_in_another_state_can_always_leave(client: FlaskClient, links: Links) -> None:
    with store.transaction() as session:
        for current in session.scalars(select(Subscription)):
            subscription.move(current, SubscriptionState.BOUNCED)
    assert client.post(links.leave).status_code == 200
    assert _states()["anna"] is SubscriptionState.UNSUBSCRIBED

"""The button of a mail program is answered before the application is asked, as the application would answer it."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator

import pytest
from flask import Flask, request
from flask.testing import FlaskClient
from sqlalchemy import select, update

from listkeeper import store
from listkeeper.audience import unsubscribe
from listkeeper.audience.consent import ConsentEvent, EventKind, Method
from listkeeper.audience.proof import ledger_audit
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Subscription, SubscriptionState
from listkeeper.foundation import pen
from listkeeper.sending import planning
from listkeeper.sending.delivery import Delivery
from tests.fakes import slow_database
from tests.fakes.databases import Database
from tests.makers import cafe

FORM = "application/x-www-form-urlencoded"
SAID = b"List-Unsubscribe=One-Click"
PEOPLE = [f"guest-{number}@shop.example" for number in range(10)]
# Not exactly what the RFC says, and so the application's.
OTHERS = {
    "a charset": (f"{FORM}; charset=utf-8", SAID),
    "no such charset": (f"{FORM}; charset=klingon", SAID),
    "one field more": (FORM, SAID + b"&list=2"),
    "twice": (FORM, SAID + b"&" + SAID),
    "another word of the same length": (FORM, b"List-Unsubscribe=Two-Click"),
    "no type": (None, SAID),
    "a part": (
        "multipart/form-data; boundary=b",
        b'--b\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--b--\r\n',
    ),
    "nothing": (FORM, b""),
}


@pytest.fixture
def asked(app: Flask) -> list[str]:
    """What the application itself was asked for."""
    found: list[str] = []
    app.before_request(lambda: found.append(f"{request.method} {request.path}"))
    return found


@pytest.fixture
def ways_out(app: Flask) -> Iterator[list[str]]:
    """The ways out of a Danish letter, one for each of some people."""
    with app.app_context():
        with store.transaction() as session:
            made = cafe.found(session, spoken="da")
            for address in PEOPLE:
                cafe.subscribe(session, made, address)
            planning.send_campaign(session, made.organisation, cafe.draft(session, made), site="http://localhost:8025")
            query = select(Delivery.id).where(Delivery.campaign_id.is_not(None)).order_by(Delivery.subscriber_id)
            numbers = session.scalars(query).all()
        yield [f"/u/{unsubscribe.token_for(number)}" for number in numbers]


def _left() -> list[str]:
    with store.reading() as session:
        query = select(Subscriber.email_send).join(Subscription, Subscription.subscriber_id == Subscriber.id)
        return list(
            session.scalars(query.where(Subscription.state == SubscriptionState.UNSUBSCRIBED).order_by(Subscriber.id))
        )


def _methods() -> list[Method]:
    with store.reading() as session:
        query = select(ConsentEvent.method).where(ConsentEvent.kind == EventKind.WITHDRAWN)
        return list(session.scalars(query.order_by(ConsentEvent.id)))


def test_it_is_the_answer_of_the_application_without_asking_it(
    client: FlaskClient, ways_out: list[str], asked: list[str]
) -> None:
    mine = client.post(ways_out[0], data=SAID, content_type=FORM)
    again = client.post(ways_out[0], data=SAID, content_type=FORM.upper())
    assert asked == []
    theirs = client.post(ways_out[1], data=SAID, content_type=f"{FORM}; charset=utf-8")
    assert asked == [f"POST {ways_out[1]}"]
    for answer in (mine, again):
        assert (answer.status, answer.text) == (theirs.status, theirs.text)
        # The application has looked for a cookie, which is told to caches that may keep nothing of this anyway.
        assert sorted(answer.headers) == sorted(header for header in theirs.headers if header != ("Vary", "Cookie"))
    assert mine.text == "Klaret: ingen flere mails"
    assert _left() == PEOPLE[:2]
    assert _methods() == [Method.ONE_CLICK] * 2
    with store.reading() as session:
        owner = session.scalars(select(Subscriber)).first()
        assert owner is not None
        organisation = session.get_one(cafe.Organisation, owner.organisation_id)
        assert ledger_audit.check(session, organisation).faults == []


def test_what_the_rfc_does_not_say_is_the_applications(
    client: FlaskClient, ways_out: list[str], asked: list[str]
) -> None:
    for path, (kind, body) in zip(ways_out, OTHERS.values(), strict=False):
        assert client.post(path, data=body, content_type=kind).status_code == 200
    assert asked == [f"POST {path}" for path in ways_out[: len(OTHERS)]]
    assert _left() == PEOPLE[: len(OTHERS)]


def test_no_other_method_and_no_other_page_is_answered_ahead(
    client: FlaskClient, ways_out: list[str], asked: list[str]
) -> None:
    tried = [(method, ways_out[0]) for method in ("GET", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE")]
    tried += [("POST", f"{ways_out[0]}/"), ("POST", f"{ways_out[0]}/undo"), ("POST", ways_out[0].replace("/u/", "/p/"))]
    tried += [("POST", "/u/x"), ("POST", ways_out[0][:-1]), ("POST", "/u/"), ("POST", ways_out[0].upper())]
    statuses = [client.open(path, method=method, data=SAID, content_type=FORM).status_code for method, path in tried]
    # An undo without its secret has nothing to take back from whoever has not left.
    assert statuses == [200, 200, 200, 405, 405, 405, 404, 200, 404, 404, 404, 404, 404]
    assert asked == [f"{method} {path}" for method, path in tried]
    assert _left() == []


def test_whoever_was_forgotten_and_a_test_get_the_page(
    client: FlaskClient, ways_out: list[str], asked: list[str]
) -> None:
    with store.transaction() as session:
        numbers = session.scalars(select(Delivery.id).order_by(Delivery.subscriber_id)).all()[:2]
        tokens = [f"/u/{unsubscribe.token_for(number)}" for number in numbers]
        session.execute(update(Delivery).where(Delivery.id == numbers[0]).values(subscriber_id=None))
        session.execute(
            update(Delivery).where(Delivery.id == numbers[1]).values(message_class="test", subscriber_id=None)
        )
    for path in tokens:
        answer = client.post(path, data=SAID, content_type=FORM)
        assert (answer.status_code, answer.mimetype) == (200, "text/html")
    assert asked == [f"POST {path}" for path in tokens]
    assert _left() == []


def test_many_at_once_leave_together_and_each_is_answered(app: Flask, ways_out: list[str], asked: list[str]) -> None:
    answers: dict[str, int] = {}

    def press(path: str) -> None:
        answers[path] = app.test_client().post(path, data=SAID, content_type=FORM).status_code

    threads = [threading.Thread(target=press, args=(path,)) for path in ways_out]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert answers == dict.fromkeys(ways_out, 200)
    assert _left() == PEOPLE
    assert asked == []


@pytest.mark.only_on("sqlite")
def test_a_busy_database_is_told_and_nobody_waits_for_it_twice(
    client: FlaskClient, ways_out: list[str], database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    taken_up = pen._taken_up  # noqa: SLF001 - counted, and done all the same

    def counted(driver: sqlite3.Connection) -> bool:
        waits.append(1)
        return taken_up(driver)

    monkeypatch.setattr(pen, "_taken_up", counted)
    monkeypatch.setattr(pen, "WAITS_MILLISECONDS", 50)
    with slow_database.pen_taken(database):
        answer = client.post(ways_out[0], data=SAID, content_type=FORM)
    assert answer.status_code == 503
    assert len(waits) == 1
    assert _left() == []
    assert client.post(ways_out[0], data=SAID, content_type=FORM).status_code == 200
    assert _left() == PEOPLE[:1]

"""The door of the mail providers: what is proven is kept once, unread, and all else is turned away and counted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from io import BytesIO

import pytest
from flask import Flask
from sqlalchemy import event, select
from structlog.testing import capture_logs
from werkzeug.test import TestResponse

from listkeeper import parts, store
from listkeeper.accounts import organisation
from listkeeper.accounts.api_key import Scope
from listkeeper.feedback import esp, esp_address, esp_sns, inbound
from listkeeper.feedback.inbound import Arrived, Inbound, Taken, Way
from listkeeper.foundation import clock, outbox
from listkeeper.foundation.errors import TryAgain
from listkeeper.foundation.outbox import Lane
from listkeeper.settings import Settings
from tests.fakes import typed
from tests.fakes.databases import Database
from tests.fakes.queue_server import QueueServer
from tests.makers import cafe, esp_posts
from tests.makers.esp_posts import PROVIDERS, TOPIC, Amazon, Post
from tests.makers.programs import program

SITE = "http://localhost:8025"
NOT_EXPECTED = "brevo"
EXPECTED = [provider for provider in PROVIDERS if provider != NOT_EXPECTED]
LARGEST = 5 * 1024 * 1024


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Settings that expect all providers but one."""
    return settings.model_copy(update={"hooks": tuple((name, esp_posts.secret(name)) for name in EXPECTED)})


@pytest.fixture
def amazon(monkeypatch: pytest.MonkeyPatch) -> Iterator[Amazon]:
    """Amazon's web server, as this process would reach it."""
    there = Amazon()
    monkeypatch.setattr(parts, "fetcher", cache(lambda: there))
    esp_sns._kept.clear()  # noqa: SLF001 - as in a process that has just begun
    yield there
    esp_sns._kept.clear()  # noqa: SLF001 - the next test has another certificate


@pytest.fixture
def door(app: Flask, database: Database, amazon: Amazon) -> Flask:
    """A café, on each database, that expects what providers tell."""
    with app.app_context(), store.transaction() as session:
        cafe.found(session)
    return app


def post(app: Flask, provider: str, said: Post, path: str | None = None) -> TestResponse:
    with app.app_context():
        path = path or esp_address.of("", provider)
    return app.test_client().post(path, data=said.body, headers=said.headers, content_type="application/json")


def sent(provider: str, name: str | None = None) -> Post:
    """Return a payload as it is posted at this moment."""
    name = name or next(iter(esp_posts.payloads(provider)))
    return esp_posts.named(provider, name, clock.now())


def kept(app: Flask) -> list[Arrived]:
    with app.app_context(), store.reading() as session:
        found = [inbound.opened(session, number) for number in session.scalars(select(Inbound.id))]
    return [one for one in found if one is not None]


def facts(app: Flask) -> int:
    with app.app_context(), store.reading() as session:
        return len(outbox.waiting(session, Lane.BACKGROUND, 1000))


@pytest.mark.parametrize("provider", EXPECTED)
def test_what_is_proven_is_kept_once_and_unread(door: Flask, provider: str) -> None:
    before, said = facts(door), sent(provider)
    for _ in range(3):
        answer = post(door, provider, said)
        assert (answer.status_code, answer.data) == (200, b"")
    (one,) = kept(door)
    assert (one.way.value, one.content, one.envelope_to) == (provider, said.body, ())
    assert facts(door) == before + 1
    assert esp.events(one.way.value, one.content) == esp.events(provider, said.body)


@pytest.mark.parametrize("provider", EXPECTED)
def test_a_post_that_does_not_say_how_long_it_is_is_kept_by_the_application(door: Flask, provider: str) -> None:
    said = sent(provider)
    with door.app_context():
        path = esp_address.of("", provider)
    answer = door.test_client().post(
        path, input_stream=BytesIO(said.body), headers=said.headers | {"transfer-encoding": "chunked"},
        environ_overrides={"wsgi.input_terminated": True},
    )  # fmt: skip
    assert (answer.status_code, answer.data) == (200, b"")
    assert [one.content for one in kept(door)] == [said.body]
    # And it is the same post as one that says it.
    assert post(door, provider, said).status_code == 200
    assert len(kept(door)) == 1


@pytest.mark.parametrize("provider", EXPECTED)
def test_without_a_proof_nothing_is_kept_and_nothing_told(door: Flask, provider: str) -> None:
    bare = Post({}, json.dumps(esp_posts.payloads(provider)).encode())
    for said in (bare, Post({}, b""), Post({"authorization": "Basic Og=="}, bare.body)):
        answer = post(door, provider, said)
        assert (answer.status_code, answer.data) == (403, b"")
        assert "WWW-Authenticate" not in answer.headers
    assert kept(door) == []


@pytest.mark.parametrize(("provider", "name"), [("ses", "bounce"), ("sendgrid", "bounce"), ("resend", "bounced")])
def test_a_changed_event_is_turned_away(door: Flask, provider: str, name: str) -> None:
    said = sent(provider, name)
    changed = said.with_body(said.body.replace(b"anna@", b"anne@"))
    assert changed.body != said.body
    assert post(door, provider, changed).status_code == 403
    assert kept(door) == []
    assert post(door, provider, said).status_code == 200


def test_the_secret_of_the_address_is_asked_for_first(door: Flask) -> None:
    with door.app_context():
        right, of_another = esp_address.of("", "postmark"), esp_address.of("", "mailjet")
    said = sent("postmark")
    for path in (
        f"{right}x", right[:-1], right.rpartition("/")[0] + "/x", of_another.replace("mailjet", "postmark"),
        "/hooks/in/postmark/<secret>", "/hooks/in/<provider>/<secret>", "/hooks/in/pigeon/x", "/hooks/in/brevo/x",
    ):  # fmt: skip
        answer = post(door, "postmark", said, path)
        assert (answer.status_code, answer.data) == (403, b""), path
    assert kept(door) == []
    assert post(door, "postmark", said, right).status_code == 200


def test_who_is_not_expected_is_not_there(door: Flask) -> None:
    assert post(door, NOT_EXPECTED, sent(NOT_EXPECTED)).status_code == 404
    assert post(door, "pigeon", Post({}, b"{}")).status_code == 404
    assert kept(door) == []


def test_an_address_takes_posts_alone(door: Flask) -> None:
    with door.app_context():
        path = esp_address.of("", "postmark")
    client, headers = door.test_client(), sent("postmark").headers
    for method in ("GET", "HEAD", "PUT", "DELETE", "PATCH"):
        assert client.open(path, method=method, headers=headers).status_code == 405
    for beside in ("/hooks", "/hooks/", "/hooks/in/postmark", f"{path}/more"):
        assert client.post(beside, headers=headers).status_code == 404


def test_five_megabytes_are_taken_and_not_one_byte_more(door: Flask) -> None:
    body = b"[" + b" " * (LARGEST - 2) + b"]"
    assert post(door, "postmark", esp_posts.signed("postmark", body + b" ")).status_code == 413
    assert kept(door) == []
    assert post(door, "postmark", esp_posts.signed("postmark", body)).status_code == 200
    assert [len(one.content) for one in kept(door)] == [LARGEST]


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\x00\xfe", b"[" * 100_000, b'{"a":' * 100_000], ids=range(5))
def test_what_is_no_json_is_kept_when_it_is_proven_and_tells_nothing(door: Flask, body: bytes) -> None:
    for provider in ("sendgrid", "resend", "postmark"):
        assert post(door, provider, esp_posts.signed(provider, body, clock.now())).status_code == 200
    # Their proof stands inside.
    for provider in ("ses", "mailgun"):
        assert post(door, provider, Post({}, body)).status_code == 403
    # The same bytes are kept once, whoever sent them.
    assert [one.content for one in kept(door)] == [body]
    assert esp.events("sendgrid", body) == []


def test_a_word_that_nobody_knows_is_kept(door: Flask) -> None:
    for provider in ("ses", "sendgrid", "mailgun", "postmark", "mailjet", "sparkpost"):
        assert post(door, provider, sent(provider, "unknown")).status_code == 200
    told = [esp.events(one.way.value, one.content) for one in kept(door)]
    assert [[one.kind.value for one in events] for events in told] == [["unknown"]] * 6


def test_a_subscription_is_confirmed_for_our_topic_alone(door: Flask, amazon: Amazon) -> None:
    assert post(door, "ses", esp_posts.subscription(TOPIC + "2", clock.now())).status_code == 403
    assert amazon.asked == []
    assert post(door, "ses", esp_posts.subscription(at=clock.now())).status_code == 200
    certificate, confirmed = amazon.asked
    assert certificate == esp_posts.CERTIFICATE_URL
    assert confirmed.startswith("https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=arn%3Aaws")
    assert kept(door) == []


def test_what_cannot_be_checked_just_now_is_asked_for_again(door: Flask, amazon: Amazon) -> None:
    amazon.answers = False
    assert post(door, "ses", sent("ses")).status_code == 503
    amazon.answers = True
    assert post(door, "ses", sent("ses")).status_code == 200
    amazon.answers = False
    # Its certificate is known, but nobody hears the yes.
    assert post(door, "ses", esp_posts.subscription(at=clock.now())).status_code == 503
    assert len(kept(door)) == 1


def test_a_busy_database_lets_the_provider_come_again(door: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(*_: object, **__: object) -> None:
        raise TryAgain("database_unavailable", "The database is busy.")

    with monkeypatch.context() as patched:
        patched.setattr(store, "shared", busy)
        assert post(door, "postmark", sent("postmark")).status_code == 503
    assert kept(door) == []


def test_one_event_is_one_row_and_one_fact(door: Flask) -> None:
    said = sent("sendgrid")
    # Statements are compiled, and the line is there.
    post(door, "sendgrid", sent("sendgrid", "bounce"))
    with door.app_context():
        engine = store.database.engine
    asked: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        asked.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    assert post(door, "sendgrid", said).status_code == 200
    event.remove(engine, "before_cursor_execute", note)
    written = [statement.split()[2] for statement in asked if statement.startswith("INSERT")]
    assert written == ["inbound", "fact"]
    assert [statement for statement in asked if statement.startswith(("UPDATE", "DELETE"))] == []
    assert len(asked) <= 6


def test_those_that_come_at_once_are_kept_each_once(door: Flask) -> None:
    said = [(Way.SENDGRID, b"%d" % number) for number in range(20)]
    before = facts(door)
    with door.app_context(), store.transaction() as session:
        here = organisation.only_one(session).id
        assert inbound.take(session, here, *said[3]) is Taken.NEW
        found = inbound.take_all(session, here, [*said, said[5]])
        assert [place for place, taken in enumerate(found) if taken is Taken.KNOWN] == [3]
        assert inbound.take_all(session, here, said) == [Taken.KNOWN] * 20
        assert inbound.take_all(session, here, []) == []
    assert sorted(one.content for one in kept(door)) == sorted(content for _, content in said)
    assert facts(door) == before + 20


def test_many_posts_at_the_same_moment_are_all_kept(door: Flask) -> None:
    said = [esp_posts.signed("sendgrid", b'[{"event":"x%d"}]' % (number % 40), clock.now()) for number in range(60)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda one: post(door, "sendgrid", one).status_code, said))
    assert answers == [200] * 60
    assert len(kept(door)) == 40


def test_who_is_turned_away_is_counted(door: Flask, queue: QueueServer) -> None:
    for _ in range(3):
        post(door, "sendgrid", Post({}, b"[]"))
    post(door, "pigeon", Post({}, b"[]"), "/hooks/in/pigeon/x")
    post(door, "postmark", sent("postmark"))
    who = program(door, Scope.METRICS)
    figures = who.client.get("/metrics", headers=who.headers).text
    assert 'listkeeper_hook_posts_refused_total{provider="sendgrid"} 3' in figures
    assert 'listkeeper_hook_posts_refused_total{provider="unknown"} 1' in figures
    assert 'listkeeper_hook_posts_refused_total{provider="postmark"}' not in figures


def test_nobody_s_address_and_no_secret_reach_the_log(door: Flask) -> None:
    said = sent("mailgun", "bounce")
    with capture_logs() as lines:
        assert post(door, "mailgun", said).status_code == 200
        assert post(door, "mailgun", Post({}, said.body.replace(b'"token": "', b'"token": "x'))).status_code == 403
        post(door, "postmark", Post({"authorization": f"Bearer {esp_posts.secret('postmark')}x"}, said.body))
    assert [line["why"] for line in lines if line["event"] == "hook.refused"] == ["wrong", "wrong"]
    out = repr(lines)
    for secret in ("guest.example", esp_posts.secret("postmark"), esp_posts.secret("mailgun"), "/hooks/in"):
        assert secret not in out


def test_the_command_shows_the_address_for_each_provider(
    door: Flask, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    type_ = typed.typing(monkeypatch, settings.model_copy(update={"hooks": ()}))
    monkeypatch.setenv("LISTKEEPER_HOOKS", " ".join(f"{name}={secret}" for name, secret in settings.hooks))
    shown = type_("hook", "list", "--json")
    assert shown.code == 0, shown.out
    said = shown.json
    assert [one["provider"] for one in said["hooks"]] == EXPECTED
    for one in said["hooks"]:
        path = one["url"].removeprefix(SITE)
        assert path.startswith(f"/hooks/in/{one['provider']}/")
        assert post(door, one["provider"], sent(one["provider"]), path).status_code == 200
    monkeypatch.delenv("LISTKEEPER_HOOKS")
    assert type_("hook", "list", "--json").json == {"hooks": []}

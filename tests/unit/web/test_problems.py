"""The five kinds of error, and everything else, become a calm answer in the visitor's language."""

from __future__ import annotations

import json

import pytest
import structlog.testing
from flask import Flask, request
from flask.testing import FlaskClient

from listkeeper.foundation import places
from listkeeper.foundation.errors import Conflict, Forbidden, Invalid, ListkeeperError, NotFound, TryAgain
from listkeeper.web import asset, doors, headers, problems

SECRET = "postgresql://owner:hunter2@db/list"


@pytest.fixture
def client() -> FlaskClient:
    app = Flask(__name__, template_folder=str(places.templates()), static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = 100
    doors.give_words(app)
    asset.attach(app)
    headers.attach(app)
    problems.attach(app)

    @app.route("/raise/<kind>", methods=["GET", "POST"])
    def fail(kind: str) -> str:
        raise {
            "invalid": Invalid("colour", "The colour is wrong."),
            "not_found": NotFound("no_list", "There is no such list."),
            "conflict": Conflict("stale", "It changed."),
            "forbidden": Forbidden("locked", "Not yours."),
            "try_again": TryAgain("database_unavailable", "The database is busy."),
            "too_many": TryAgain("too_many_sign_ins", "Please wait."),
            "bug": RuntimeError(SECRET),
            "os": OSError(28, f"No space left on {SECRET}"),
        }[kind]

    @app.post("/form")
    def form() -> str:
        return str(len(request.form))

    @app.get("/folder/")
    def folder() -> str:
        return "folder"

    return app.test_client()


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/raise/invalid", 400),
        ("POST", "/raise/invalid", 422),
        ("GET", "/raise/not_found", 404),
        ("GET", "/raise/conflict", 409),
        ("GET", "/raise/forbidden", 403),
        ("GET", "/raise/try_again", 503),
        ("POST", "/raise/too_many", 429),
        ("GET", "/raise/bug", 500),
        ("GET", "/raise/os", 500),
        ("GET", "/nowhere", 404),
        ("GET", "/form", 405),
    ],
)
def test_each_kind_has_its_status_as_page_and_as_json(client: FlaskClient, method: str, path: str, status: int) -> None:
    page = client.open(path, method=method)
    assert page.status_code == status
    assert page.mimetype == "text/html"
    assert '<html lang="en"' in page.text
    assert "Traceback" not in page.text
    assert "hunter2" not in page.text
    assert page.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in page.headers
    answer = client.open(path, method=method, headers={"Accept": "application/json"})
    assert answer.status_code == status
    assert answer.content_type == "application/problem+json"
    said = json.loads(answer.text)
    assert said["status"] == status
    assert {"type", "title", "detail", "code"} <= set(said)
    assert "hunter2" not in answer.text


def test_the_sentence_of_the_error_is_what_people_read(client: FlaskClient) -> None:
    assert "There is no such list." in client.get("/raise/not_found").text


def test_who_should_come_back_later_is_told_when(client: FlaskClient) -> None:
    assert int(client.get("/raise/try_again").headers["Retry-After"]) > 0
    assert int(client.post("/raise/too_many").headers["Retry-After"]) > 60


def test_a_wrong_method_names_the_right_ones(client: FlaskClient) -> None:
    assert "POST" in client.get("/form").headers["Allow"]


def test_too_much_at_once_is_refused(client: FlaskClient) -> None:
    assert client.post("/form", data={"email": "x" * 200}).status_code == 413


def test_a_redirect_stays_a_redirect(client: FlaskClient) -> None:
    assert client.get("/folder").status_code == 308


@pytest.mark.parametrize("accept", ["*/*", "text/html,application/xhtml+xml,*/*;q=0.8", ""])
def test_browsers_and_mail_programs_get_the_page(client: FlaskClient, accept: str) -> None:
    assert client.get("/nowhere", headers={"Accept": accept}).mimetype == "text/html"


def test_the_page_speaks_the_visitors_language(client: FlaskClient) -> None:
    page = client.get("/nowhere", headers={"Accept-Language": "da-DK,da;q=0.9"})
    assert '<html lang="da"' in page.text
    assert "Der er ingen side her" in page.text


def test_an_unforeseen_error_is_logged_by_its_endpoint_because_a_path_may_hold_a_token(client: FlaskClient) -> None:
    with structlog.testing.capture_logs() as logged:
        client.get("/raise/bug?token=abc123")
    assert [(line["event"], line["endpoint"], line["method"]) for line in logged] == [("request.failed", "fail", "GET")]
    assert "abc123" not in repr(logged)


def test_every_kind_is_mapped() -> None:
    assert set(problems.STATUS) == set(ListkeeperError.__subclasses__())

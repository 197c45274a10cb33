"""Answered ahead: only what is plainly a page's own; everything else reaches the application as it came."""

from __future__ import annotations

from collections.abc import Iterable
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask, current_app, request
from flask.testing import FlaskClient

from listkeeper.foundation.errors import TryAgain
from listkeeper.web.public import ahead
from listkeeper.web.public.ahead import Ahead

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse

BUSY = TryAgain("database_unavailable", "The database is busy.")


def _answer(token: str, environ: dict[str, Any], start: StartResponse) -> Iterable[bytes] | None:
    match token:
        case "busy":
            raise BUSY
        case "bug":
            raise ValueError("mine")
        case "none":
            said = environ["wsgi.input"].read()
            environ["wsgi.input"] = BytesIO(said)
            return None
    start("200 OK", [("Content-Length", "5")])
    return [current_app.config["SAYS"]]


@pytest.fixture
def client() -> FlaskClient:
    app = Flask(__name__)
    app.config["SAYS"] = b"ahead"

    @app.route("/x/<path:token>", methods=["GET", "POST", "PUT"])
    @app.route("/y/<token>", methods=["POST"])
    def ask(token: str) -> str:
        return f"asked for {token}: {request.get_data(as_text=True)}"

    @app.errorhandler(TryAgain)
    def busy(problem: TryAgain) -> tuple[str, int]:
        return f"told: {problem.code}", 503

    ahead.attach(app, [Ahead("/x/", frozenset({"POST"}), _answer), Ahead("/z/", frozenset({"GET"}), _answer)])
    return app.test_client()


def test_its_own_is_answered_in_the_applications_context(client: FlaskClient) -> None:
    assert client.post("/x/token", data="a").data == b"ahead"
    assert client.get("/z/token").data == b"ahead"


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/x/token"), ("PUT", "/x/token"), ("POST", "/y/token"), ("POST", "/x/token/more"), ("POST", "/x/none")],
)
def test_everything_else_is_the_applications(client: FlaskClient, method: str, path: str) -> None:
    answer = client.open(path, method=method, data="all of it")
    assert answer.text == f"asked for {path[3:]}: all of it"


def test_a_busy_database_is_told_by_the_application_without_asking_it_again(client: FlaskClient) -> None:
    answer = client.post("/x/busy")
    assert (answer.status_code, answer.text) == (503, "told: database_unavailable")


def test_any_other_problem_is_left_to_the_application(client: FlaskClient) -> None:
    assert client.post("/x/bug", data="b").text == "asked for bug: b"

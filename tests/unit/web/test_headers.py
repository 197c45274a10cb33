"""Every response carries the security headers; letters and token pages carry their own."""

from __future__ import annotations

import pytest
from flask import Flask, Response
from flask.testing import FlaskClient

from listkeeper.web import headers


def _client(public_url: str = "http://localhost:8025") -> FlaskClient:
    app = Flask(__name__)
    headers.attach(app, public_url)
    app.add_url_rule("/page", view_func=lambda: Response("page"), endpoint="page")
    app.add_url_rule("/token", view_func=lambda: headers.private(Response("token")), endpoint="token")
    app.add_url_rule("/letter", view_func=lambda: headers.letter(Response("letter")), endpoint="letter")
    app.add_url_rule("/frame", view_func=lambda: headers.framing(Response("frame")), endpoint="frame")
    app.add_url_rule("/picture", view_func=lambda: headers.for_everyone(Response("picture")), endpoint="picture")
    return app.test_client()


@pytest.mark.parametrize("path", ["/page", "/token", "/letter", "/frame", "/picture", "/nothing-here"])
def test_every_response_is_covered(path: str) -> None:
    answer = _client().get(path)
    assert answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] in {"same-origin", "no-referrer"}
    assert "camera=()" in answer.headers["Permissions-Policy"]


def test_the_house_policy_allows_nothing_unsafe_and_nothing_foreign() -> None:
    policy = _client().get("/page").headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "http" not in policy
    assert "*" not in policy
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == rules["style-src"] == rules["form-action"] == "'self'"
    assert rules["base-uri"] == rules["frame-ancestors"] == "'none'"


def test_a_letter_runs_nothing_loads_nothing_and_keeps_no_opener_policy() -> None:
    answer = _client().get("/letter")
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("sandbox; default-src 'none'")
    assert "script" not in policy
    assert "allow-" not in policy
    # With one, a browser answers a sandboxed page with a network error.
    assert "Cross-Origin-Opener-Policy" not in answer.headers
    assert answer.headers["Referrer-Policy"] == "no-referrer"


def test_only_a_framing_page_may_hold_a_frame_and_only_of_ours() -> None:
    client = _client()
    assert "frame-src" not in client.get("/page").headers["Content-Security-Policy"]
    assert client.get("/frame").headers["Content-Security-Policy"].endswith("frame-src 'self'")


def test_a_token_page_leaves_no_trace() -> None:
    answer = _client().get("/token")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "noindex" in answer.headers["X-Robots-Tag"]


def test_pictures_may_be_shown_by_mail_programs() -> None:
    answer = _client().get("/picture")
    assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert "immutable" in answer.headers["Cache-Control"]


@pytest.mark.parametrize(
    ("public_url", "promised"),
    [("https://mail.example.dk", True), ("http://localhost:8025", False), ("http://https.example", False)],
)
def test_https_is_promised_only_where_it_is_spoken(public_url: str, *, promised: bool) -> None:
    assert ("Strict-Transport-Security" in _client(public_url).get("/page").headers) is promised

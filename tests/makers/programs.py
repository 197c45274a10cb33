"""A program with a key: asks the api as a shop or a script would."""

from __future__ import annotations

from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from listkeeper import store
from listkeeper.accounts import api_key, organisation
from listkeeper.accounts.api_key import Scope

NOW = "/api/v1"


class Program:
    """One program, with the key it was given."""

    def __init__(self, app: Flask, public_id: str, secret: str) -> None:
        self.app = app
        self.public_id = public_id
        self.secret = secret
        self.client: FlaskClient = app.test_client()

    @property
    def headers(self) -> dict[str, str]:
        """What every request of this program carries."""
        return {"Authorization": f"Bearer {self.secret}"}

    def get(self, path: str, **options: Any) -> TestResponse:  # noqa: ANN401 - werkzeug's own options
        """Look at something below ``/api/v1``."""
        return self.client.get(f"{NOW}{path}", headers=self.headers | options.pop("headers", {}), **options)

    def post(self, path: str, body: object = None, *, name: str | None = None, **options: Any) -> TestResponse:  # noqa: ANN401
        """Send a JSON body, under an Idempotency-Key when ``name`` says so."""
        headers = self.headers | ({"Idempotency-Key": name} if name else {}) | options.pop("headers", {})
        return self.client.post(f"{NOW}{path}", json={} if body is None else body, headers=headers, **options)

    def put(self, path: str, body: object, **options: Any) -> TestResponse:  # noqa: ANN401
        """Send a JSON body in place of what is there."""
        return self.client.put(f"{NOW}{path}", json=body, headers=self.headers | options.pop("headers", {}), **options)


def program(app: Flask, *scopes: Scope, name: str = "Shop") -> Program:
    """Make a key with these scopes (all when none are named) and return a program that holds it."""
    with app.app_context(), store.transaction() as session:
        owner = organisation.only_one(session)
        made, secret = api_key.make(session, owner, name=name, scopes=scopes or tuple(Scope))
        return Program(app, made.public_id, secret)


def code_of(answer: TestResponse) -> str:
    """Return the stable code of a problem document."""
    assert answer.content_type == "application/problem+json", (answer.status_code, answer.text[:300])
    assert answer.json is not None
    assert answer.json["status"] == answer.status_code
    return str(answer.json["code"])

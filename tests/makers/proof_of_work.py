"""A browser that is asked to work first, by the published protocol of altcha (challenge, salt, number; base64 JSON)."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from typing import Any

from flask.testing import FlaskClient

FORM = "/f/news"


def raise_risk(client: FlaskClient) -> None:
    """Behave like a machine: many addresses from one place within a minute."""
    for number in range(15):
        client.post(FORM, data={"email": f"flood-{number}@guest.example"})


def challenge(client: FlaskClient, form: str = FORM) -> dict[str, Any]:
    """Return the challenge that a form puts to a risky visitor."""
    page = client.post(form, data={"email": "one-more@guest.example"})
    found = re.search(r'challenge(?:url|json)?="([^"]+)"', page.text)
    assert found, "the page holds no challenge"
    asked = html.unescape(found[1])
    put: dict[str, Any] = json.loads(asked) if asked.startswith("{") else client.get(asked).get_json()
    return put


def solved(challenge: dict[str, Any]) -> str:
    """Return the answer to a challenge, as the hidden field carries it."""
    for number in range(int(challenge["maxnumber"]) + 1):
        if hashlib.sha256(f"{challenge['salt']}{number}".encode()).hexdigest() == challenge["challenge"]:
            answer = {key: challenge[key] for key in ("algorithm", "challenge", "salt", "signature")}
            return base64.b64encode(json.dumps(answer | {"number": number}).encode()).decode()
    raise AssertionError("the challenge has no answer")

"""Every route of the web, with real values in its places, so that each can be asked as a visitor would."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.routing import Rule

from listkeeper import parts, store
from listkeeper.accounts import sign_in_link, user
from listkeeper.audience import confirmation, unsubscribe
from listkeeper.deliverability import sending_domain
from listkeeper.foundation import caught_mail, signing
from listkeeper.foundation.table import Table
from listkeeper.sending import planning
from listkeeper.sending.delivery import Delivery
from tests.makers import cafe

SAFE = ("GET", "HEAD", "OPTIONS")
STUDIO = "/studio"
_MAIL = b"""From: Cafe <hello@cafe.example>
To: anna@example.example
Subject: Rye bread
MIME-Version: 1.0
Content-Type: text/html; charset=utf-8

<p>Warm from seven.</p>
"""
_TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')


@dataclass(frozen=True)
class Filled:
    """An instance in which everything exists once, and the names by which routes find it."""

    app: Flask
    places: tuple[tuple[str, dict[str, str]], ...]

    def address(self, rule: Rule) -> str:
        """Return a real address for a rule; the longest matching prefix of the table says how to fill it."""
        fitting = [values for prefix, values in self.places if rule.rule.startswith(prefix)]
        merged: dict[str, str] = {}
        for values in fitting:
            merged |= values
        missing = rule.arguments - set(merged) - set(rule.defaults or {})
        assert not missing, f"tests/architecture/routes.py must say what {missing} of {rule.rule} may be"
        with self.app.test_request_context():
            built = self.app.url_map.bind("localhost").build(
                rule.endpoint, {name: merged[name] for name in rule.arguments if name in merged}, method=None
            )
        return str(built)


def rules(app: Flask, *methods: str) -> Iterator[tuple[Rule, str]]:
    """Yield every rule with each of the methods it takes; a rule only for building addresses answers nobody."""
    answering = [rule for rule in app.url_map.iter_rules() if not rule.build_only]
    for rule in sorted(answering, key=lambda found: found.rule):
        for method in methods:
            if method in (rule.methods or ()):
                yield rule, method


def fill(app: Flask) -> Filled:
    """Make one of everything, and commit it."""
    with app.app_context(), store.transaction() as session:
        place = _fill(session)
    return Filled(app, place)


def _fill(session: Session) -> tuple[tuple[str, dict[str, str]], ...]:
    made = cafe.found(session)
    person = cafe.subscribe(session, made, "anna@example.example")
    waiting = cafe.sign_up(session, made, "bo@example.example")
    draft = cafe.draft(session, made)
    sent = cafe.draft(session, made, subject="Rye bread")
    planning.send_campaign(session, made.organisation, sent, site="http://localhost:8025")
    handed = session.scalars(select(Delivery).where(Delivery.campaign_id == sent.id)).one()
    key = caught_mail.write(
        parts.practice_folder(), _MAIL.replace(b"\n", b"\r\n"), "b@cafe.example", ["anna@example.example"]
    )
    link = sign_in_link.make(session, user.first(session))
    confirm, leave = confirmation.token_of(waiting), unsubscribe.token_for(handed.id)
    domain = sending_domain.add(session, made.organisation.id, "cafe.example")
    parts.media_folder().mkdir(exist_ok=True)
    (parts.media_folder() / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    session.flush()
    return (
        ("/brand/", {"name": f"{made.organisation.public_id}-0"}),
        ("/media/", {"name": "picture.png"}),
        ("/f/", {"slug": made.form.slug}),
        ("/c/", {"token": confirm}),
        ("/n/", {"token": confirm}),
        ("/u/", {"token": leave}),
        ("/p/", {"token": signing.token("preferences", handed.id)}),
        ("/w/", {"token": signing.token("web-view", handed.id)}),
        ("/studio/enter/", {"token": link}),
        ("/studio/again/", {"token": "not-a-token"}),
        ("/studio/security/", {"token": "not-a-token"}),
        ("/studio/sign-in/", {"token": "not-a-token"}),
        ("/studio/lists/", {"public_id": made.mailing_list.public_id}),
        ("/studio/people/", {"public_id": person.public_id}),
        ("/studio/forms/", {"public_id": made.form.public_id}),
        ("/studio/letters/", {"public_id": draft.public_id}),
        ("/studio/inbox/", {"key": key}),
        ("/studio/domains/", {"public_id": domain.public_id}),
    )


def sign_in(app: Flask) -> FlaskClient:
    """Return a browser in which the owner is signed in, by the one-time link and its button."""
    with app.app_context(), store.transaction() as session:
        token = sign_in_link.make(session, user.first(session))
    client = app.test_client()
    address = f"{STUDIO}/enter/{token}"
    answer = client.post(address, data={"csrf_token": csrf_token(client, address)})
    assert answer.status_code in {302, 303}, answer.get_data(as_text=True)[:500]
    return client


def csrf_token(client: FlaskClient, address: str) -> str:
    """Return the token that a page of the studio carries in its forms."""
    found = _TOKEN.search(client.get(address).get_data(as_text=True))
    assert found, f"{address} carries no token"
    return found.group(1)


def fingerprint(app: Flask) -> dict[str, str]:
    """Return a digest of every row of every table."""
    with app.app_context(), store.reading() as session:
        return {table.name: _digest(session, table) for table in Table.metadata.sorted_tables}


def _digest(session: Session, table: Any) -> str:  # noqa: ANN401 - SQLAlchemy's FromClause
    rows = sorted(repr(tuple(row)) for row in session.execute(select(table)))
    return f"{len(rows)} rows, {hashlib.sha256(chr(10).join(rows).encode()).hexdigest()}"

"""No address reaches a log line: not by our own words, not by a library's, not in a traceback."""

from __future__ import annotations

import ast
import logging
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import structlog
from flask import Flask
from sqlalchemy import select

from listkeeper import store
from listkeeper.accounts import organisation
from listkeeper.audience import mailing_list
from listkeeper.audience.confirmation import Confirmation, token_of
from listkeeper.audience.unsubscribe import token_for
from listkeeper.campaigns import campaign
from listkeeper.campaigns.revision import Draft
from listkeeper.foundation import log
from listkeeper.foundation.outbox import Lane
from listkeeper.jobs import lanes
from listkeeper.sending import planning
from listkeeper.sending.delivery import Delivery
from tests.architecture import routes, source
from tests.fakes.smtp_sink import SmtpSink
from tests.makers import cafe

CANARY = "kanariefugl.42@canary.example"
LEAVES = re.compile(r"kanariefugl|canary\.example", re.IGNORECASE)
EVENT = re.compile(r"^[a-z_]+\.[a-z_]+$")
NAMES_OF_ADDRESSES = {"address", "email", "mail", "recipient", "recipients", "to", "sender", "typed", "from_address"}


def test_a_foreign_web_server_gets_masked_logs_too(tmp_path: Path) -> None:
    """``gunicorn wsgi:app`` starts without our commands, so wsgi.py sets the logs up itself."""
    words = f"import wsgi; from listkeeper.foundation import log; log.get('x').warning('mail.lost', who='{CANARY}')"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LISTKEEPER_")}
    environment["LISTKEEPER_DATA"] = str(tmp_path / "data")
    python = [sys.executable, "-c", words]
    done = subprocess.run(python, cwd=source.CHECKOUT, env=environment, capture_output=True, text=True, check=True)
    assert "mail.lost" in done.stderr
    assert LEAVES.search(done.stdout + done.stderr) is None


@contextmanager
def _logging_as_in_life() -> Iterator[None]:
    """Log everything to the standard error of this moment, and put pytest's own handlers back afterwards."""
    root = logging.getLogger()
    handlers, level, configured = root.handlers[:], root.level, structlog.get_config()
    log.configure("DEBUG")
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        structlog.configure(**configured)


def _log_calls() -> Iterator[tuple[str, ast.Call]]:
    for file in source.package():
        for node in ast.walk(file.tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                levels = {"debug", "info", "warning", "error", "exception", "critical"}
                if node.func.attr in levels and source.dotted(node.func.value) in {"_log", "log", "logger"}:
                    yield f"{file.name}:{node.lineno}", node


def test_events_are_nouns_and_verbs() -> None:
    calls = list(_log_calls())
    assert len(calls) > 5
    names = [(where, node.args[0].value if isinstance(node.args[0], ast.Constant) else None) for where, node in calls]
    assert [(where, name) for where, name in names if not isinstance(name, str) or not EVENT.match(name)] == []


def test_no_log_line_is_given_an_address() -> None:
    given = [
        f"{where} {word.arg}"
        for where, node in _log_calls()
        for word in node.keywords
        if word.arg in NAMES_OF_ADDRESSES
    ]
    assert given == []


def test_journeys_leave_no_address_in_the_log(
    app: Flask, smtp_sink: SmtpSink, capfd: pytest.CaptureFixture[str]
) -> None:
    smtp_sink.script("CONTENT", f"550 5.1.1 <{CANARY}>: nobody here", times=1)
    with app.app_context(), store.transaction() as session:
        slug = cafe.found(session).form.slug
    with _logging_as_in_life():
        _sign_up(app, slug)
        _send(app)
        _go_wrong(app)
    said = "".join(capfd.readouterr())
    assert len(said.splitlines()) > 3, "nothing was logged, so nothing is proven"
    assert [line for line in said.splitlines() if LEAVES.search(line)] == []
    assert any(CANARY in kept.rcpt_tos for kept in (*smtp_sink.refused, *smtp_sink.messages))


def _sign_up(app: Flask, slug: str) -> None:
    client = app.test_client()
    assert client.post(f"/f/{slug}", data={"email": CANARY}).status_code < 400
    with app.app_context():
        for _ in range(3):
            lanes.work(Lane.URGENT.value)
        with store.reading() as session:
            token = token_of(session.scalars(select(Confirmation)).one())
    assert client.post(f"/c/{token}").status_code < 400


def _send(app: Flask) -> None:
    with app.app_context():
        with store.transaction() as session:
            business = organisation.only_one(session)
            news = mailing_list.all_of(session, business)[0]
            letter = campaign.create(session, business, news, Draft("Buns", "Warm", "Good morning."))
            planning.send_campaign(session, business, letter, site="http://localhost:8025")
        for _ in range(3):
            lanes.work(Lane.SENDING.value)
        with store.reading() as session:
            number = session.scalars(select(Delivery.id).where(Delivery.campaign_id.is_not(None))).one()
    answer = app.test_client().post(f"/u/{token_for(number)}", data={"List-Unsubscribe": "One-Click"})
    assert answer.status_code < 400


def _go_wrong(app: Flask) -> None:
    """A wrong password, an address in an address bar, and a fault of ours whose message holds an address."""
    client = app.test_client()
    sign_in = f"{routes.STUDIO}/sign-in"
    token = routes.csrf_token(client, sign_in)
    client.post(sign_in, data={"email": CANARY, "password": "wrong", "csrf_token": token})
    client.get(f"/f/{CANARY}")
    logging.getLogger("somebody.else").warning("cannot reach %s", CANARY)
    try:
        raise ValueError(CANARY)  # noqa: TRY301 - a fault must be under way to be logged
    except ValueError:
        logging.getLogger("somebody.else").exception("while talking to <%s>", CANARY)
        log.get("test").exception("test.failed")

"""Invariant 7: no address, name or network of a person leaves by a log, job, error, URL, ledger or audit entry.

One person with marks that stand nowhere else goes every way there is, things go wrong on purpose, and afterwards all
that the program has put out is searched for her.
"""

from __future__ import annotations

import logging
import re
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote, unquote

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from listkeeper import parts
from listkeeper.audience import erasure, signup_form
from listkeeper.feedback import traces
from listkeeper.foundation import log
from listkeeper.foundation.outbox import Lane
from listkeeper.foundation.table import Table
from listkeeper.jobs import housekeeping, journal
from listkeeper.settings import Settings
from tests.architecture import routes
from tests.fakes.database_doors import shut
from tests.fakes.databases import Database
from tests.fakes.queue_server import QueueServer
from tests.fakes.smtp_sink import SmtpSink
from tests.makers import exports, programs
from tests.makers.imports import PROVEN, Court
from tests.makers.own import Guest

HER, NEW, NAME = "kanariefugl.42@canary.example", "kanariefugl.43@canary.example", "Kanarina"
NETWORK, V6 = "203.0.113.177", "2001:db8:cafe:77::5"
MARKS = re.compile(r"kanarie|canary\.example|kanarina|203\.0\.113\.177|2001:db8:cafe", re.IGNORECASE)
# Rows that are read by machines, by whoever runs the program, or for ever: none of them may name her.
TOLD = (
    "ledger", "ledger_head", "fact", "audit_entry", "incident", "erasure", "checkpoint", "throttle_window",
    "suppression", "kept_answer", "import_row", "leaving_reason", "delivery", "consent_event", "mail_template",
)  # fmt: skip


@pytest.fixture
def her(guest: Guest) -> Guest:
    """The person with the marks, on no list yet."""
    guest.address = HER
    guest.client.environ_base["REMOTE_ADDR"] = NETWORK
    return guest


def _lives(her: Guest, folder: Path, sink: SmtpSink) -> list[str]:
    """Let her come, read, choose, move, and go; return the address of every page she was led to."""
    works, client = her.works, her.client
    client.post("/f/news", data={"email": HER, "name": NAME, "s": "window"}, environ_base={"REMOTE_ADDR": V6})
    works.work(Lane.URGENT, 2)
    led = list(her.links().values())
    assert client.post(her.links()["c"]).status_code == 200
    rows = [{"Email": HER, "First Name": NAME, "OPTIN_TIME": exports.ASKED, "CONFIRM_TIME": exports.CONFIRMED}]
    file = exports.write(folder / "people.csv", exports.table(list(rows[0]), rows))
    Court(works.app, folder, works.list_id).load(file, replace(PROVEN, columns=("First Name",)))
    # The receiving server repeats her address in what it says.
    sink.script("RCPT", f"451 4.2.0 <{HER}> is over quota", to=HER, times=1)
    works.start()
    works.drain()
    sink.forget()
    led += her.get_letter("Rye bread").values()
    visit = her.enter()
    client.post(f"{visit}/address", data={"email": NEW})
    works.work(Lane.URGENT, 2)
    led += [visit, *her.links().values()]
    shop, form = programs.program(works.app), works.read(lambda session: Court.house(session).form.public_id)
    shop.post("/signups", {"form": form, "address": HER}, name="order-1", environ_base={"REMOTE_ADDR": V6})
    shop.post("/subscribers/lookup", {"address": HER})
    shop.post("/suppressions", {"address": NEW, "reason": "manual"}, name="order-2")
    client.post(led[2], data={"List-Unsubscribe": "One-Click"})
    works.work(Lane.URGENT, 3)
    return led


def _goes_wrong(her: Guest, database: Database, folder: Path) -> None:
    """Break the program in the middle of her request, of a job about her, and of a file with her name in it."""
    works, typed = her.works, {"email": HER, "s": NAME, "utm_source": NAME}
    works.app.testing = False
    with shut(database, "INSERT", "fact"):
        for accepted in ("text/html", "application/json"):
            answer = her.client.post("/f/news", data=typed, headers={"Accept": accepted, "User-Agent": NAME})
            assert (answer.status_code, MARKS.search(answer.text)) == (500, None)
    her.client.post("/f/news", data=typed, headers={"User-Agent": NAME})
    with shut(database, "UPDATE", "signup"):
        works.work(Lane.URGENT)
    rows = [{"Email": f"x{HER}", "First Name": NAME, "OPTIN_TIME": exports.ASKED, "CONFIRM_TIME": exports.CONFIRMED}]
    file = exports.write(folder / "more.csv", exports.table(list(rows[0]), rows))
    with (
        shut(database, "INSERT", "subscriber"),
        works.app.app_context(),
        pytest.raises((DBAPIError, psycopg.Error)) as broken,
    ):
        Court(works.app, folder, works.list_id).load(file, replace(PROVEN, columns=("First Name",)))
    log.get("test").error("import.failed", exc_info=broken.value)
    # As PostgreSQL says which row it could not take.
    quoted = (
        f'null value\nDETAIL:  Failing row contains (7, {NAME}, {NETWORK}).\nCONTEXT:  COPY signup, line 1: "7 {NAME}"'
    )
    log.get("test").error("row.refused", exc_info=RuntimeError(quoted))
    logging.getLogger("elsewhere").error(quoted)
    log.get("test").error("letter.failed", exc_info=RuntimeError(f"cannot write to <{HER}> or {NEW!r}"))
    works.app.testing = True


def _errors(app: Flask, client: FlaskClient) -> int:
    """Ask every public address wrongly, with her in path, query, body and headers; return how many errors came."""
    errors = 0
    for rule, method in routes.rules(app, "GET", "POST"):
        # The studio's pages know where one wanted to go, and say so: that is the asker's own address bar.
        if rule.rule.startswith(("/static", routes.STUDIO)) or rule.endpoint == "signup_page.receive":
            continue
        path = re.sub(r"<[^>]+>", quote(HER), rule.rule)
        data = {"email": HER, "code": HER, "visit": HER} if method == "POST" else None
        headers = {"User-Agent": NAME, "Referer": f"https://x.example/{HER}", "Authorization": f"Bearer {HER}"}
        answer = client.open(path, method=method, data=data, headers=headers)
        errors += answer.status_code >= 400
        said = f"{answer.text} {answer.headers.get('Location', '')}"
        assert MARKS.search(unquote(said)) is None, f"{method} {rule.rule} says whom it was asked about"
    return errors


def _rows(session: Session) -> list[str]:
    tables = [table for table in Table.metadata.sorted_tables if table.name in TOLD]
    assert {table.name for table in tables} == set(TOLD)
    return [f"{table.name}: {tuple(row)!r}" for table in tables for row in session.execute(select(table))]


def test_nothing_that_is_put_out_names_her(  # noqa: PLR0917 - the parts of a whole machine
    her: Guest, database: Database, queue: QueueServer, smtp_sink: SmtpSink, tmp_path: Path, settings: Settings,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    # Everything there is to log, as when the owner looks for a fault; the fixtures put the log back as it was.
    log.configure("DEBUG")
    works, kept = her.works, []
    led = _lives(her, tmp_path, smtp_sink)
    kept += queue.contents()
    _goes_wrong(her, database, tmp_path)
    assert _errors(works.app, her.client) > 30
    kept += queue.contents()
    works.write(
        lambda session, _house: erasure.erase(
            session, her.person(session).id, actor="cli", forget_copies=traces.forgetter(parts.practice_folder())
        )
    )
    with works.app.app_context():
        housekeeping.sign_ledger()
        journal.write_down()
    works.work(Lane.URGENT, 2)
    said = "".join(capfd.readouterr())
    expected = {"request.failed", "fact.reaction_failed", "import.failed", "letter.failed"}
    assert {event for event in expected if event in said} == expected
    assert [line for line in said.splitlines() if MARKS.search(line)] == []
    assert any(b"listkeeper.jobs.lanes.work" in value for value in kept), "nothing was read, so nothing is proven"
    assert [value for value in kept if MARKS.search(value.decode("utf-8", "replace"))] == []
    assert len(led) > 6
    assert [path for path in led if MARKS.search(unquote(path))] == []
    assert [row for row in works.read(_rows) if MARKS.search(row)] == []
    files = [file for file in settings.journal_folder.rglob("*") if file.is_file()]
    assert files
    assert [file.name for file in files if MARKS.search(file.read_bytes().decode("utf-8", "replace"))] == []
    assert works.read(lambda session: session.scalars(select(signup_form.SignupForm.slug)).all()) == ["news"]

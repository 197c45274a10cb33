"""The process that mail comes in by, as it runs in life: killed, stopped, watched by `up` and looked at by `doctor`."""

from __future__ import annotations

import json
import signal
import smtplib
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from listkeeper import store
from listkeeper.app import create_app
from listkeeper.feedback import inbound
from listkeeper.feedback.inbound import Arrived, Inbound
from listkeeper.foundation import server_address
from listkeeper.sending import return_path
from listkeeper.settings import Settings
from tests.fakes import databases, imap_server, mortal_postgres, running_up, tls_server
from tests.fakes.databases import Database
from tests.fakes.own_listener import Stranger
from tests.fakes.queue_server import QueueServer
from tests.makers import cafe

pytestmark = pytest.mark.whole_program

DOMAIN = "bounce.cafe.example"
BOUNCE = b"From: mailer@relay.example\r\nSubject: Undelivered\r\n\r\nGone"
# Dies in the moment between the commit and the answer.
_DIES = """
import os, signal
from listkeeper.cli.main import main
from listkeeper.mailroom.dialogue import Dialogue
Dialogue.answer = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
main(["receive"])
"""
_RECEIVES = "from listkeeper.cli.main import main; main(['receive'])"


@pytest.fixture
def told(app: Flask, database: Database, house: None, data_folder: Path) -> dict[str, str]:
    """The environment of a process that receives for the café."""
    more = {"database_url": database.setting} if database.setting else {}
    return running_up.environment(
        data=str(data_folder), smtp_listen="127.0.0.1:0", lmtp_listen="127.0.0.1:0", return_path=DOMAIN, **more
    )


@contextmanager
def _receiving(told: dict[str, str], words: str = _RECEIVES) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    place = Path(told["LISTKEEPER_DATA"]) / "run" / "listener.json"
    process = subprocess.Popen([sys.executable, "-c", words], cwd=running_up.ROOT, env=told, stderr=subprocess.PIPE)
    try:
        _until(lambda: _announced(place).get("pid") == process.pid)
        yield process, int(_announced(place)["smtp"])
    finally:
        process.terminate()
        process.communicate(timeout=60)


def _announced(place: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(place.read_text())
    except (OSError, ValueError):
        return {}
    return found


def _kept() -> list[Arrived]:
    with store.reading() as session:
        rows = session.scalars(select(Inbound.id).order_by(Inbound.id))
        return [found for number in rows if (found := inbound.opened(session, number)) is not None]


def test_killed_between_keeping_and_saying_so_it_doubles_nothing(told: dict[str, str]) -> None:
    token = return_path.of_delivery(DOMAIN, 5)
    with _receiving(told, _DIES) as (process, port):
        line = Stranger(port)
        line.ask(b"EHLO relay.example")
        with pytest.raises((AssertionError, ConnectionError)):
            assert line.bring(BOUNCE, token)
        line.close()
        assert process.wait(30) == -signal.SIGKILL
    assert len(_kept()) == 1
    with _receiving(told) as (_, port), smtplib.SMTP("127.0.0.1", port, timeout=20) as client:
        client.sendmail("", [token], BOUNCE + b"\r\n")
    assert [mail.content for mail in _kept()] == [BOUNCE + b"\r\n"]


def test_a_database_server_that_is_killed_is_waited_for(data_folder: Path, settings: Settings) -> None:
    with mortal_postgres.cluster() as cluster, ExitStack() as stack:
        databases.migrate(Database("postgresql", cluster.url))
        app = create_app(settings.model_copy(update={"database_url": server_address.database(cluster.url)}))
        stack.callback(_let_go, app)
        stack.enter_context(app.app_context())
        with store.transaction() as session:
            cafe.found(session)
        told = running_up.environment(
            data=str(data_folder), database_url=cluster.url, smtp_listen="127.0.0.1:0", return_path=DOMAIN
        )
        with _receiving(told) as (_, port):
            line = Stranger(port)
            line.ask(b"EHLO relay.example")
            token = return_path.of_delivery(DOMAIN, 5)
            assert line.bring(b"Subject: 1\r\n", token).startswith("250")
            cluster.kill()
            assert line.bring(b"Subject: 2\r\n", token).startswith("451 4.3.0")
            cluster.start()
            said = [line.bring(b"Subject: 2\r\n", token)[:3] for _ in range(3)]
            assert said[-1] == "250"
            line.close()
        store.database.engine.dispose()
        assert [mail.content for mail in _kept()] == [b"Subject: 1\r\n\r\n", b"Subject: 2\r\n\r\n"]


def _let_go(app: Flask) -> None:
    with app.app_context():
        store.database.session.remove()
        store.database.engine.dispose()


def test_stopped_in_order_it_parts_with_everybody(told: dict[str, str]) -> None:
    with _receiving(told) as (process, port):
        line = Stranger(port)
        process.terminate()
        assert line.hear().startswith("421 4.3.2")
        assert line.hear() == ""
        line.close()
        assert process.wait(30) == 0


@pytest.mark.only_on("sqlite")
def test_mailboxes_are_looked_into_as_long_as_it_runs(told: dict[str, str], queue: QueueServer, tmp_path: Path) -> None:
    shown = tls_server.certificate(tmp_path)
    with imap_server.serving(shown) as server:
        server.put(BOUNCE)
        written = f"imaps://nobody:xyz@127.0.0.1:1 imaps://b:secret@127.0.0.1:{server.port}?ca={shown.file}&name=back"
        with _receiving(told | {"LISTKEEPER_MAILBOXES": written, "LISTKEEPER_REDIS_URL": queue.url}):
            _until(lambda: bool(_kept()))
    assert [(mail.way, mail.content) for mail in _kept()] == [("imap", BOUNCE)]


def test_without_a_place_it_says_what_is_missing(tmp_path: Path) -> None:
    done = running_up.command("receive", data=str(tmp_path))
    assert done.returncode == 2
    assert "LISTKEEPER_SMTP_LISTEN" in done.stderr


def test_a_place_that_is_taken_is_told_in_a_sentence(told: dict[str, str]) -> None:
    with _receiving(told) as (_, port):
        done = subprocess.run(
            [sys.executable, "-c", _RECEIVES], cwd=running_up.ROOT, capture_output=True, text=True, timeout=60,
            env=told | {"LISTKEEPER_SMTP_LISTEN": f"127.0.0.1:{port}"}, check=False,
        )  # fmt: skip
    assert done.returncode == 12
    assert f"Another program already listens on 127.0.0.1:{port}" in done.stderr
    assert "Traceback" not in done.stderr


def _take(told: dict[str, str], mail: bytes, *words: str) -> subprocess.CompletedProcess[bytes]:
    typed = f"from listkeeper.cli.main import main; main(['mail', 'take', *{words!r}])"
    return subprocess.run(
        [sys.executable, "-c", typed], cwd=running_up.ROOT, env=told, input=mail, capture_output=True, timeout=60,
        check=False,
    )  # fmt: skip


def test_a_mail_is_taken_from_a_mail_server_that_pipes_it(told: dict[str, str]) -> None:
    token = return_path.of_delivery(DOMAIN, 5)
    done = _take(told, b"From a@relay.example Mon Nov 23 08:00:00 2026\n" + BOUNCE, "--to", f"<{token}>", "--to", "x@y")
    # Some mail servers take any word for a fault.
    assert (done.returncode, done.stdout) == (0, b"")
    done = _take(told, BOUNCE, "--from", "", "--json")
    assert json.loads(done.stdout) == {"outcome": "known"}
    [mail] = _kept()
    assert (mail.content, mail.way) == (BOUNCE, "pipe")
    assert (mail.envelope_from, mail.envelope_to) == ("a@relay.example", (token, "x@y"))


@pytest.mark.only_on("sqlite")
def test_a_mail_that_cannot_be_taken_now_is_never_sent_back(told: dict[str, str], tmp_path: Path) -> None:
    nowhere = _take(told | {"LISTKEEPER_DATA": str(tmp_path / "nowhere")}, BOUNCE)
    mistaken = _take(told | {"LISTKEEPER_SMTP_LISTEN": "everywhere"}, BOUNCE)
    away = _take(told | {"LISTKEEPER_DATABASE_URL": "postgresql://127.0.0.1:1/away"}, BOUNCE)
    assert [done.returncode for done in (nowhere, mistaken, away)] == [75, 75, 75]
    assert all(done.stderr.strip() and b"Traceback" not in done.stderr for done in (nowhere, mistaken, away))


def test_up_keeps_it_running_and_the_doctor_finds_it() -> None:
    with running_up.short_folder() as data, running_up.up(data, smtp_listen="127.0.0.1:0") as instance:
        place = data / "run" / "listener.json"
        _until(lambda: "smtp" in _announced(place))
        first = _announced(place)["pid"]
        assert instance.of("receive") == [first]
        findings = json.loads(running_up.command("doctor", "--json", data=str(data), smtp_listen="127.0.0.1:0").stdout)[
            "findings"
        ]
        assert [one["message"] for one in findings if one["code"] == "incoming"] == [
            "Mail comes in by SMTP at 127.0.0.1:0."
        ]
        subprocess.run(["kill", "-9", str(first)], check=True)
        _until(lambda: _announced(place).get("pid", first) != first)
    assert not place.exists()


def test_the_doctor_says_where_nobody_takes_mail(tmp_path: Path) -> None:
    said = running_up.command(
        "doctor", "--json", data=str(tmp_path), smtp_listen="127.0.0.1:1", mailboxes="imaps://b:xyz@127.0.0.1:1"
    )
    found = {one["code"]: one for one in json.loads(said.stdout)["findings"]}
    assert found["incoming"]["message"] == "Nobody takes mail by SMTP at 127.0.0.1:1."
    assert found["mailbox"]["message"] == "The mailbox imap:127.0.0.1 cannot be read. It refuses connections."
    assert found["incoming"]["mend"]
    assert found["mailbox"]["mend"]


def _until(true: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)

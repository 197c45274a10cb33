"""Practice mode's mail server, run as `listkeeper catch`: everything is kept byte for byte before it says 250."""

from __future__ import annotations

import json
import os
import signal
import smtplib
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email import policy
from email.message import EmailMessage
from pathlib import Path

import pytest

from listkeeper.foundation import caught_mail
from listkeeper.mailroom import catcher

_LETTER = (
    b"From: caf\xc3\xa9 <cafe@cafe.example>\r\nTo: anna@x.example\r\nSubject: =?utf-8?q?K=C3=A6re?=\r\n\r\n"
    b".hidden\r\n..\r\n.\ttab\r\nbare\nlf\r\n\r\n  \r\n"
)


@contextmanager
def _catching(data: Path) -> Iterator[subprocess.Popen[bytes]]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LISTKEEPER_")}
    words = [sys.executable, "-m", "listkeeper.cli.main", "catch", "--data", str(data)]
    process = subprocess.Popen(words, env=environment, stderr=subprocess.PIPE)
    try:
        _until(lambda: _place(data).get("pid") == process.pid)
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=60)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def line(data: Path) -> Iterator[smtplib.SMTP]:
    """A client of a running catcher."""
    with _catching(data), smtplib.SMTP("127.0.0.1", int(str(_place(data)["port"])), timeout=20) as client:
        yield client


def test_a_mail_is_kept_byte_for_byte_with_its_envelope(line: smtplib.SMTP, data: Path) -> None:
    line.ehlo()
    line.mail("bounce@cafe.example", ["BODY=8BITMIME"])
    line.rcpt("anna@x.example")
    line.rcpt("bo@x.example")
    line.docmd("DATA")
    line.send(_LETTER.replace(b"\r\n.", b"\r\n..") + b".\r\n")
    code, words = line.getreply()
    assert code == 250
    [entry] = caught_mail.entries(data / "practice")
    assert entry.key.encode() in words
    assert entry.subject == "Kære"
    mail = caught_mail.read(data / "practice", entry.key)
    assert mail.raw == _LETTER
    assert mail.envelope == caught_mail.CaughtEnvelope("bounce@cafe.example", ("anna@x.example", "bo@x.example"))


def test_it_offers_what_a_good_submission_server_offers(line: smtplib.SMTP) -> None:
    line.ehlo()
    offered = set(line.esmtp_features)
    assert {"8bitmime", "smtputf8", "size", "pipelining", "enhancedstatuscodes"} <= offered
    assert int(line.esmtp_features["size"]) == catcher.SIZE_LIMIT


def test_addresses_beyond_ascii_are_taken(line: smtplib.SMTP, data: Path) -> None:
    line.ehlo()
    line.send_message(_message("smørrebrød@ø.example"), "cafe@cafe.example", ["smørrebrød@ø.example"])
    [entry] = caught_mail.entries(data / "practice")
    assert entry.envelope.rcpt_tos == ("smørrebrød@ø.example",)


def test_a_mail_that_is_too_large_is_refused_and_not_kept(line: smtplib.SMTP, data: Path) -> None:
    line.ehlo()
    code, _ = line.mail("a@x.example", [f"SIZE={catcher.SIZE_LIMIT + 1}"])
    assert code == 552
    assert caught_mail.count(data / "practice") == 0


def test_commands_sent_ahead_are_answered_in_order(line: smtplib.SMTP, data: Path) -> None:
    line.ehlo()
    line.send(b"MAIL FROM:<a@x.example>\r\nRCPT TO:<b@x.example>\r\nDATA\r\n")
    assert [line.getreply()[0] for _ in range(3)] == [250, 250, 354]
    line.send(b"Subject: one\r\n\r\n1\r\n.\r\nMAIL FROM:<a@x.example>\r\nRCPT TO:<c@x.example>\r\nDATA\r\n")
    assert [line.getreply()[0] for _ in range(4)] == [250, 250, 250, 354]
    line.send(b"Subject: two\r\n\r\n2\r\n.\r\n")
    assert line.getreply()[0] == 250
    assert [entry.subject for entry in caught_mail.entries(data / "practice")] == ["two", "one"]


def test_a_mail_that_cannot_be_kept_is_put_off_not_lost(line: smtplib.SMTP, data: Path) -> None:
    # A file where the folder should be: root ignores permissions, but not this.
    (data / "practice").write_text("in the way")
    line.ehlo()
    with pytest.raises(smtplib.SMTPDataError) as refused:
        line.send_message(_message("a@x.example"), "f@x.example", ["a@x.example"])
    assert refused.value.smtp_code == 452
    (data / "practice").unlink()
    line.send_message(_message("a@x.example"), "f@x.example", ["a@x.example"])
    assert caught_mail.count(data / "practice") == 1


def test_it_comes_back_on_the_same_port_and_withdraws_its_address_when_it_ends(data: Path) -> None:
    with _catching(data) as first:
        port = _place(data)["port"]
        first.send_signal(signal.SIGKILL)
        first.wait()
    with _catching(data):
        assert _place(data)["port"] == port
    assert _place(data) == {}


def test_every_mail_acknowledged_before_a_kill_is_there(data: Path) -> None:
    acknowledged: list[str] = []
    with _catching(data) as process:
        port = int(str(_place(data)["port"]))
        senders = [threading.Thread(target=_pour, args=(port, name, acknowledged)) for name in "abc"]
        for sender in senders:
            sender.start()
        _until(lambda: len(acknowledged) > 60)
        process.kill()
        for sender in senders:
            sender.join(10)
    kept = [entry.subject for entry in caught_mail.entries(data / "practice", limit=100_000)]
    assert len(kept) == len(set(kept))
    assert set(acknowledged) <= set(kept)


def test_many_mails_on_one_line_are_all_kept(line: smtplib.SMTP, data: Path) -> None:
    line.ehlo()
    letter = b"Subject: s\r\n\r\n" + (b"y" * 76 + b"\r\n") * 160
    for _ in range(150):
        line.sendmail("a@x.example", ["b@x.example"], letter)
    assert caught_mail.count(data / "practice") == 150


def _pour(port: int, name: str, acknowledged: list[str]) -> None:
    """Send until the server is gone, noting what it said yes to."""
    try:
        with smtplib.SMTP("127.0.0.1", port, timeout=10) as client:
            for number in range(100_000):
                client.sendmail("f@x.example", ["a@x.example"], f"Subject: {name}{number}\r\n\r\nx\r\n")
                acknowledged.append(f"{name}{number}")
    except (smtplib.SMTPException, OSError):
        return


def _message(to: str) -> EmailMessage:
    message = EmailMessage(policy=policy.SMTPUTF8)
    message["From"], message["To"], message["Subject"] = "cafe@cafe.example", to, "Kære"
    message.set_content("Hej")
    return message


def _place(data: Path) -> dict[str, object]:
    try:
        found = json.loads((data / "run" / "practice.json").read_text())
    except FileNotFoundError:
        return {}
    assert isinstance(found, dict)
    return found


def _until(true: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            pytest.fail("it did not happen in time")
        time.sleep(0.03)

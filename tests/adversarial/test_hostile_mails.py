"""Mails that are made to hurt: whatever the size, the depth and the bytes, they cost little time and memory.

The bounds are of the processor's own seconds and generous: an honest mail takes about a millisecond.
"""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listkeeper.deliverability import reply_class
from listkeeper.feedback import bounce_form, mail_reading
from listkeeper.feedback.mail_reading import MailKind, MailReading

_SECONDS = 2.0
_DAEMON = b"Return-Path: <>\nFrom: MAILER-DAEMON@mx.example\nSubject: Undelivered mail\n"
_MIB = 1_048_576


def _read(raw: bytes) -> MailReading:
    return mail_reading.read(raw, token_of=lambda _: None)


def _nested(depth: int, kind: bytes = b"multipart/mixed") -> bytes:
    head = b"".join(b"Content-Type: %s; boundary=b%d\n\n--b%d\n" % (kind, level, level) for level in range(depth))
    return _DAEMON + head + b"Content-Type: text/plain\n\n550 5.1.1 <a@b.example> user unknown\n"


def _report(status: bytes) -> bytes:
    return (
        _DAEMON
        + b"Content-Type: multipart/report; boundary=b\n\n--b\nContent-Type: message/delivery-status\n\n"
        + status
    )


def _form(text: bytes) -> bytes:
    return _DAEMON + b"\nHi. This is the qmail-send program\n" + text


HOSTILE: dict[str, Callable[[], bytes]] = {
    "50 MB of text": lambda: _DAEMON + b"\n" + b"550 user unknown " * 3_000_000,
    "50 MB on one line": lambda: _DAEMON + b"\n" + b"x" * 50_000_000,
    "50 MB of header": lambda: _DAEMON + b"X-A: b\n" * 7_000_000,
    "50 MB of addresses": lambda: _form(b"<a@b.example>:\n550 no\n" * 2_200_000),
    "50 MB of base64": lambda: _DAEMON + b"Content-Transfer-Encoding: base64\n\n" + b"QUFB" * 12_500_000,
    "1,000 nested parts": lambda: _nested(1_000),
    "1,000 nested messages": lambda: _nested(1_000, b"message/rfc822"),
    "100,000 parts": lambda: _DAEMON + b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\n1\n" * 100_000,
    "a delimiter like any other line": lambda: (
        _DAEMON + b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--bb\n" * 200_000
    ),
    "no delimiter but many lines like one": lambda: (
        _DAEMON + b"Content-Type: multipart/mixed\n\n" + (b"--" + b"x" * 190 + b"\n") * 5_000
    ),
    "a header of one field": lambda: _DAEMON.replace(b"Undelivered", b"=?utf-8?q?" + b"=41" * 300_000) + b"\n\nx\n",
    "a header of folds": lambda: _DAEMON + b"X-A:" + b"\n a" * 300_000 + b"\n\nx\n",
    "10,000 recipients": lambda: _report(b"Final-Recipient: rfc822; a@b.example\nAction: failed\n\n" * 10_000),
    "fields without an end": lambda: _report(b"Final-Recipient: rfc822; " + b"a" * 900_000),
    "diagnostics that all rules try": lambda: _report(
        b"\n".join(
            b"Final-Recipient: rfc822; a%d@b.example\nAction: failed\nDiagnostic-Code: smtp; 550 %s\n"
            % (number, (b"user mailbox account recipient address sender host domain message size " * 15)[:1_000])
            for number in range(100)
        )
    ),
    "recipients in a text": lambda: _form(
        b"".join(
            b"<a%d@b.example>:\n%s\n" % (number, b"user address mailbox message is " * 20) for number in range(100)
        )
    ),
    "HTML of tags": lambda: _DAEMON + b"Content-Type: text/html\n\n" + b"<script>" * 100_000,
    "HTML of brackets": lambda: _DAEMON + b"Content-Type: text/html\n\n" + b"<p <" * 200_000,
    "NULs": lambda: _DAEMON + b"\n" + b"\0" * 1_000_000,
    "bytes of no character set": lambda: (
        _DAEMON + b"Content-Type: text/plain; charset=punycode\n\n" + b"\xff-a" * 300_000
    ),
    "spaces": lambda: _form(b" " * 500_000 + b"<a@b.example>:"),
    "brackets": lambda: _form(b"<" * 300_000),
    "at signs": lambda: _form(b"a@" * 300_000),
    "colons": lambda: _DAEMON + b"\n" + b"a:b\n" * 300_000,
    "header fields in the text": lambda: _DAEMON + b"\n" + b"From: a\nTo: b\n\n" * 60_000,
    "dots": lambda: _form(b"5." * 400_000),
    "subjects of subjects": lambda: _DAEMON.replace(b"Undelivered", b"Re: " * 100_000) + b"\n\nx\n",
    "tokens of tokens": lambda: _DAEMON + b"To: " + b"SRS0=a=b=c=" * 50_000 + b"@x.example\n\nx\n",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_mail_is_read_in_little_time(name: str) -> None:
    raw = HOSTILE[name]()
    start = time.process_time()
    reading = _read(raw)
    assert time.process_time() - start < _SECONDS
    assert reading.kind in MailKind
    assert len(reading.recipients) <= 100
    assert len(reading.subject) <= 300


@pytest.mark.parametrize("name", ["50 MB of text", "50 MB of base64", "50 MB of header", "100,000 parts"])
def test_a_hostile_mail_takes_little_memory(name: str) -> None:
    raw = HOSTILE[name]()
    _read(_DAEMON)
    tracemalloc.start()
    try:
        _read(raw)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 32 * _MIB


def test_memory_is_flat_over_many_mails() -> None:
    mails = [form.example.encode() for form in bounce_form.forms()]

    def held() -> int:
        for number in range(300):
            _read(mails[number % len(mails)].replace(b"freja", b"freja%d" % number))
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        held()
        before = held()
        assert held() - before < 200_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "character", ["a", "1", " ", ".", "<", "@", "-", "user ", "5.1.", "sender ", "host is ", "no ", "rfc "]
)
def test_no_rule_takes_long_for_any_reply(character: str) -> None:
    reply = "550 " + character * (1_000 // len(character)) + "!"
    start = time.process_time()
    for _ in range(10):
        reply_class.classify(None, None, reply)
    # Fifty recipients of whom each says the worst stay within the bound of one mail.
    assert (time.process_time() - start) / 10 < _SECONDS / 50


_LINES = [
    "a", "a@", "<", " ", "a.", "(", '"', "*", "- ", "> ", "\t", ". ", "From: ", "X-A: b ", "rcpt to:", "error ",
    "to a@b.c ", "the original message ", "message headers follow ", "could not be delivered to ",
    "has been delivery to the following ",
]  # fmt: skip


@pytest.mark.parametrize("words", _LINES)
def test_no_form_takes_long_for_any_text(words: str) -> None:
    line = words * (1_900 // len(words)) + "\n"
    raw = b"From: MAILER-DAEMON@mx.example\nSubject: Returned mail\n\n" + (line * 400).encode()
    start = time.process_time()
    _read(raw)
    assert time.process_time() - start < _SECONDS


def test_a_mail_of_nothing_readable_is_of_the_kind_other() -> None:
    for raw in (b"", b"\0" * 5_000, bytes(range(256)) * 40, b"\xff\xfe" * 4_000, b"\n" * 10_000, b":" * 10_000):
        assert _read(raw).kind is MailKind.OTHER


def test_a_bounce_that_quotes_ours_with_another_address_proves_nothing() -> None:
    forged = _report(b"Final-Recipient: rfc822; victim@guest.example\nAction: failed\nStatus: 5.1.1\n")
    reading = _read(forged)
    assert (reading.token, reading.token_valid, reading.message_id) == (None, None, "")


_PIECES = st.sampled_from([
    b"From: MAILER-DAEMON@mx.example\n", b"Content-Type: multipart/report; boundary=b\n", b"\n", b"--b\n", b"--b--\n",
    b"Content-Type: message/delivery-status\n", b"Final-Recipient: rfc822; a@b.example\n", b"Action: failed\n",
    b"Status: 5.1.1\n", b"Content-Type: message/rfc822\n", b"Feedback-Type: abuse\n", b"<a@b.example>:\n", b"\0\xff",
    b"550 5.1.1 user unknown\n", b"Hi. This is the qmail-send program\n", b"Received: x\nMessage-ID: <1@b>\nDate: x\n",
    b"Content-Transfer-Encoding: base64\n", b"=?utf-8?b?", b"Content-Type: text/html; charset=x\n", b"<p>", b" ",
])  # fmt: skip


@given(st.lists(st.one_of(_PIECES, st.binary(max_size=20)), max_size=40))
def test_pieces_of_reports_in_any_order_are_read(pieces: list[bytes]) -> None:
    raw = b"".join(pieces)
    reading = _read(raw)
    assert (reading.kind in {MailKind.BOUNCE, MailKind.DELAYED}) <= bool(reading.recipients)
    assert mail_reading.as_json("x", reading)["kind"] == reading.kind

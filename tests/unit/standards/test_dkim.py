"""What we sign must verify elsewhere (dkimpy), and nothing signed may be changed unseen."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime

import dkim as dkimpy
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from listkeeper.foundation.errors import Invalid
from listkeeper.standards import dkim, dkim_key_record
from listkeeper.standards.dkim import PrivateKey, SigningKey

_NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
_RSA = rsa.generate_private_key(65537, 2048)
_ED25519 = Ed25519PrivateKey.generate()

_MESSAGE = (
    b"From: =?utf-8?q?Caf=C3=A9?= <news@shop.example>\r\n"
    b"To: reader@example.net\r\n"
    b"Subject: A long subject that is\r\n\tfolded   over two lines\r\n"
    b"Date: Mon, 23 Nov 2026 08:00:00 +0000\r\n"
    b"Message-ID: <1@shop.example>\r\n"
    b"MIME-Version: 1.0\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\n"
    b"Content-Transfer-Encoding: 7bit\r\n"
    b"Reply-To: hello@shop.example\r\n"
    b"List-Unsubscribe: <https://mail.shop.example/u/x>\r\n"
    b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
    b"List-Id: News <news.shop.example>\r\n"
    b"Feedback-ID: cmp:list:account:lstkeepr\r\n"
    b"X-Own: not signed\r\n"
    b"\r\n"
    b"Hello \t reader,  \r\n"
    b"\r\n"
    b"until soon.\r\n"
    b"\r\n"
    b"\r\n"
)


def _signed(message: bytes = _MESSAGE, key: PrivateKey = _RSA) -> bytes:
    by = SigningKey("shop.example", "lk1", key)
    return dkim.sign(message, "b@shop.example", "reader@example.net", key=by, now=_NOW) + message


def _verifies(message: bytes, key: PrivateKey = _RSA) -> bool:
    record = dkim_key_record.record_for(key).encode()
    published = {b"lk1._domainkey.shop.example.": record}
    return bool(dkimpy.verify(message, dnsfunc=lambda name, **_: published.get(name)))


def _tags(message: bytes) -> dict[str, str]:
    header = re.split(rb"\r\n(?![ \t])", message)[0].partition(b":")[2].decode()
    pairs = [part.split("=", 1) for part in header.split(";")]
    return {name.strip(): "".join(value.split()) for name, value in pairs}


@pytest.mark.parametrize("key", [_RSA, _ED25519], ids=["rsa", "ed25519"])
def test_dkimpy_verifies_what_we_sign(key: PrivateKey) -> None:
    assert _verifies(_signed(key=key), key)


def test_the_signature_covers_what_it_must_and_more_often_than_it_occurs() -> None:
    tags = _tags(_signed())
    named = tags["h"].split(":")
    twice = {"from", "to", "subject", "date", "list-unsubscribe", "list-unsubscribe-post"}
    once = {"message-id", "mime-version", "content-type", "reply-to", "list-id", "feedback-id"}
    assert {name for name in named if named.count(name) == 2} == twice
    assert {name for name in named if named.count(name) == 1} == once
    assert tags | {"h": "", "b": "", "bh": ""} == {
        "v": "1",
        "a": "rsa-sha256",
        "c": "relaxed/relaxed",
        "d": "shop.example",
        "s": "lk1",
        "t": "1795420800",
        "h": "",
        "bh": "",
        "b": "",
    }


def test_the_header_is_folded_and_ends_as_a_header_ends() -> None:
    header = _signed().removesuffix(_MESSAGE)
    assert header.endswith(b"\r\n")
    assert not header.endswith(b"\r\n\r\n")
    assert max(len(line) for line in header.split(b"\r\n")) <= 78
    assert all(line.startswith(b" ") for line in header.removesuffix(b"\r\n").split(b"\r\n")[1:])


_CHANGES = {
    "from": (b"news@shop.example", b"boss@shop.example"),
    "to": (b"To: reader@", b"To: other@"),
    "subject": (b"A long subject", b"A short subject"),
    "date": (b"08:00:00", b"09:00:00"),
    "message-id": (b"<1@", b"<2@"),
    "reply-to": (b"hello@", b"evil@"),
    "list-unsubscribe": (b"/u/x", b"/u/y"),
    "list-unsubscribe-post": (b"One-Click", b"Two-Click"),
    "list-unsubscribe-post gone": (b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n", b""),
    "list-id": (b"<news.shop", b"<olds.shop"),
    "feedback-id": (b"cmp:list", b"cmp:host"),
    "content-type": (b"text/plain", b"text/html"),
    "body": (b"until soon", b"until never"),
    "body, a line more": (b"until soon.\r\n", b"until soon.\r\nPS\r\n"),
    "second from": (b"X-Own:", b"From: boss@shop.example\r\nX-Own:"),
    "second subject": (b"X-Own:", b"Subject: Invoice\r\nX-Own:"),
    "second to": (b"X-Own:", b"To: other@example.net\r\nX-Own:"),
    "second date": (b"X-Own:", b"Date: Mon, 23 Nov 2026 10:00:00 +0000\r\nX-Own:"),
    "second list-unsubscribe": (b"X-Own:", b"List-Unsubscribe: <https://evil.example/>\r\nX-Own:"),
    "second list-unsubscribe-post": (b"X-Own:", b"List-Unsubscribe-Post: x\r\nX-Own:"),
}


@pytest.mark.parametrize("change", _CHANGES)
def test_a_changed_copy_fails(change: str) -> None:
    before, after = _CHANGES[change]
    signed = _signed()
    changed = signed.replace(before, after)
    assert changed != signed
    assert not _verifies(changed)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"X-Own: not signed\r\n", b""),
        (b"folded   over", b"folded over"),
        (b"\r\n\tfolded", b" folded"),
        (b"Hello \t reader,  \r\n", b"Hello reader,\r\n"),
        (b"soon.\r\n\r\n\r\n", b"soon.\r\n"),
        (b"Subject:", b"SUBJECT:"),
    ],
)
def test_what_relays_do_to_white_space_does_no_harm(before: bytes, after: bytes) -> None:
    signed = _signed()
    assert before in signed
    assert _verifies(signed.replace(before, after))


def test_a_header_the_message_lacks_is_signed_as_absent() -> None:
    bare = b"From: a@shop.example\r\n\r\nHello\r\n"
    signed = _signed(bare)
    assert _tags(signed)["h"].split(":") == [
        "from",
        "from",
        "to",
        "subject",
        "date",
        "list-unsubscribe",
        "list-unsubscribe-post",
    ]
    assert _verifies(signed)
    assert not _verifies(signed.replace(b"\r\n\r\nHello", b"\r\nSubject: Invoice\r\n\r\nHello"))


@pytest.mark.parametrize(
    "body", [b"", b"\r\n", b"\r\n\r\n\r\n", b" \r\n", b"no line end", b"trailing \t", b" a\r\n \r\n"]
)
def test_odd_bodies_verify(body: bytes) -> None:
    message = b"From: a@shop.example\r\nSubject: x\r\n\r\n" + body
    assert _verifies(_as_on_the_wire(_signed(message)))


def _as_on_the_wire(message: bytes) -> bytes:
    # SMTP ends the last line of every message.
    return message if message.endswith(b"\r\n") else message + b"\r\n"


def test_body_hash_of_the_empty_body_is_that_of_the_rfc() -> None:
    assert dkim.body_hash(b"") == "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
    assert dkim.body_hash(b"\r\n \r\n") == dkim.body_hash(b"")


def test_a_shared_body_hash_gives_the_same_signature() -> None:
    shared = dkim.body_hash(_MESSAGE.partition(b"\r\n\r\n")[2])
    by = SigningKey("shop.example", "lk1", _RSA)
    header = dkim.sign(_MESSAGE, "", "", key=by, now=_NOW, shared_body_hash=shared)
    assert header + _MESSAGE == _signed()


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (b"To: a@b.example\r\n\r\nx", "not_one_from"),
        (b"From: a@b.example\r\nFrom: c@d.example\r\n\r\nx", "not_one_from"),
        (b"", "not_one_from"),
        (b"From: a@b.example\n\nx", "bare_line_end"),
        (b"From: a@b.example\r\n\r\nx\ry", "bare_line_end"),
    ],
)
def test_what_nobody_would_believe_is_not_signed(message: bytes, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        _signed(message)
    assert refused.value.code == code


@given(st.binary(max_size=200))
def test_any_body_with_proper_line_ends_verifies(body: bytes) -> None:
    proper = body.replace(b"\r", b"").replace(b"\n", b"\r\n")
    signed = _signed(b"From: a@shop.example\r\n\r\n" + proper, _ED25519)
    assert _verifies(_as_on_the_wire(signed), _ED25519)


def test_signing_stays_near_the_bare_rsa_operation() -> None:
    message = _MESSAGE + b"x" * 70 + b"\r\n" * 200
    took = []
    for _ in range(20):
        began = time.perf_counter()
        _signed(message)
        took.append(time.perf_counter() - began)
    # Ten times what the machine needs: this catches a return to pure Python (6 ms), not a busy machine.
    assert min(took) < 0.003

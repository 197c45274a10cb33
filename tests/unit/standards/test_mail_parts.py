"""Mails taken apart: as Python's own parser does where the mail is honest, and within bounds where it is not."""

from __future__ import annotations

import email
import email.policy
import time
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listkeeper.standards import mail_parts
from tests.makers import receiver_reports as reports

_MEDIA = st.sampled_from(["text/plain", "application/gzip", "image/png", "text/html"])
_contents = st.lists(st.tuples(_MEDIA, st.binary(max_size=200)), min_size=1, max_size=5)


def _kinds(message: bytes) -> list[str]:
    return [part.kind for part in mail_parts.parts(message)]


@given(_contents, st.booleans())
def test_parts_are_those_that_were_put_in(contents: list[tuple[str, bytes]], crlf: bool) -> None:
    message = EmailMessage(policy=email.policy.SMTP if crlf else email.policy.default)
    message["Subject"] = "A report"
    message.set_content("Hello\n")
    for kind, content in contents:
        main, _, sub = kind.partition("/")
        message.add_attachment(content, main, sub, filename="x")
    found = mail_parts.parts(bytes(message))
    assert [(part.kind, part.content) for part in found[1:]] == contents
    assert (found[0].kind, found[0].content.strip()) == ("text/plain", b"Hello")


def test_fields_are_unfolded_and_cleaned() -> None:
    head = b"Subject: a\r\n\t folded  line\r\nX-Odd : \x1b[2J\xff\r\nno field\r\nSubject: second\r\n"
    read = mail_parts.fields(head)
    assert read == (("subject", "a folded line"), ("x-odd", "\ufffd[2J\ufffd"), ("subject", "second"))
    assert mail_parts.value(read, "subject") == "a folded line"
    assert mail_parts.value(read, "to") == ""


@pytest.mark.parametrize(
    ("message", "kinds"),
    [
        (b"", ["text/plain"]),
        (b"\r\n<a>", ["text/plain"]),
        (b"Content-Type: TEXT/XML; charset=x\n\n<a>", ["text/xml"]),
        # Without a boundary, or with one that never comes, it is one part.
        (b"Content-Type: multipart/mixed\n\n--b\n\n<a>\n--b--", ["multipart/mixed"]),
        (b"Content-Type: multipart/mixed; boundary=c\n\n--b\n\n<a>\n--b--", ["multipart/mixed"]),
        (b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\n<a>\n--b--\n--b\n\nbehind", ["text/plain"]),
        (b'Content-Type: multipart/mixed; BOUNDARY = "b"\n\n--b \n\n<a>\n--bc\n--b', ["text/plain"]),
        # Cut off: the last part ends where the mail does.
        (
            b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b\nContent-Type: a/b\n\ntw",
            ["text/plain", "a/b"],
        ),
        (b"Content-Type: multipart/digest; boundary=b\n\n--b\n\nSubject: s\n\nx\n--b--", ["message/rfc822"]),
    ],
)
def test_forms_of_a_mail(message: bytes, kinds: list[str]) -> None:
    assert _kinds(message) == kinds


def test_multiparts_in_multiparts() -> None:
    inner = (
        b"Content-Type: multipart/alternative; boundary=i\n\n--i\n\none\n--i\nContent-Type: text/html\n\ntwo\n--i--\n"
    )
    message = (
        b"Content-Type: multipart/mixed; boundary=o\n\n--o\n" + inner + b"--o\nContent-Type: a/b\n\nthree\n--o--\n"
    )
    contents = [(part.kind, part.content) for part in mail_parts.parts(message)]
    assert contents == [("text/plain", b"one"), ("text/html", b"two"), ("a/b", b"three")]


@pytest.mark.parametrize(
    ("encoding", "body", "content"),
    [
        (b"base64", b"PGE+\r\n", b"<a>"),
        (b"BASE64", b"P G\nE+ !", b"<a>"),
        (b"base64", b"PGE", b"<a"),
        (b"base64", b"PGE+P", b"<a>"),
        (b"base64", b"PGEg\nPg==\n-- \nThis mail was scanned", b"<a >"),
        (b"quoted-printable", b"<a b=3D'1'=\r\n>", b"<a b='1'>"),
        (b"8bit", b"<\xff>", b"<\xff>"),
        (b"no such thing", b"<a>", b"<a>"),
    ],
)
def test_encodings(encoding: bytes, body: bytes, content: bytes) -> None:
    (part,) = mail_parts.parts(b"Content-Transfer-Encoding: " + encoding + b"\n\n" + body)
    assert part.content == content


_HEAD = b"Content-Type: multipart/mixed; boundary=b\n\n"


@pytest.mark.parametrize(
    "message",
    [
        _HEAD + b"--b\n" * 500_000,
        _HEAD + b"--bX\n" * 500_000,
        b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (i, i) for i in range(40_000)),
        _HEAD + b"--b\nContent-Type: multipart/x; boundary=c\n\n" * 40_000,
        b"A: b\n" * 400_000,
        b"A: b\n" + b" \n" * 1_000_000,
        b"Content-Type: multipart/mixed" + b"; " * 1_000_000,
        b'Content-Type: multipart/mixed; boundary="' + b"\\" * 100_000,
        b"Content-Transfer-Encoding: quoted-printable\n\n" + b"=" * 2_000_000,
    ],
    ids=["delimiters", "near", "nested", "empty", "fields", "folds", "parameters", "quoted", "encoded"],
)
def test_a_mail_made_to_keep_a_reader_busy_is_read_quickly(message: bytes) -> None:
    began = time.process_time()
    assert 1 <= len(mail_parts.parts(message)) <= mail_parts.MOST_PARTS
    assert time.process_time() - began < 3


@given(
    st.binary(max_size=300), st.sampled_from([b"", _HEAD, _HEAD + b"--b\n", b"Content-Transfer-Encoding: base64\n\n"])
)
def test_any_bytes_are_parts(data: bytes, start: bytes) -> None:
    found = mail_parts.parts(start + data)
    assert 1 <= len(found) <= mail_parts.MOST_PARTS
    assert all(text.isprintable() for part in found for _, text in part.fields)
    # Nothing is made up: undoing an encoding never makes more.
    assert sum(len(part.content) for part in found) <= len(start + data)


@given(st.integers(0, 1_300))
def test_a_mail_that_was_cut_off_gives_what_there_is(length: int) -> None:
    whole = reports.mail(("text/plain", b"Hello"), ("text/plain", b"x" * 900))
    begins = whole.index(b"x" * 900)
    found = mail_parts.parts(whole[:length])
    assert [part.content for part in mail_parts.parts(whole)] == [b"Hello", b"x" * 900]
    if length > begins:
        assert found[0].content == b"Hello"
        # Of a delimiter that is not whole nobody can know that it is one.
        assert found[1].content.rstrip(b"\r\n-=_b") == b"x" * min(length - begins, 900)

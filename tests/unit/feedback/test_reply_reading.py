"""What somebody wrote, as it is kept: plain, bounded, files by name, nothing that could run or load."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listkeeper.feedback import reply_reading
from tests.makers.letters_in import written

_BOTH = (
    "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=M\r\n"
    "\r\n--M\r\nContent-Type: multipart/alternative; boundary=A\r\n"
    "\r\n--A\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n{plain}\r\n"
    "--A\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>Hello <b>you</b></p>\r\n--A--\r\n"
    '--M\r\nContent-Type: image/png; name="=?utf-8?q?K=C3=A6r.png?="\r\n'
    "Content-Disposition: attachment\r\n\r\nxx\r\n"
    "--M\r\nContent-Type: text/plain\r\nContent-Disposition: attachment; filename*=utf-8''Bon.txt\r\n\r\na file\r\n"
    "--M\r\nContent-Type: message/rfc822\r\n\r\nSubject: x\r\n\r\nforwarded\r\n--M--\r\n"
)


def test_plain_text_comes_before_html_and_files_are_names() -> None:
    plain = base64.b64encode("Hej fra København".encode()).decode()
    said = reply_reading.read(written("", more=_BOTH.format(plain=plain)))
    assert said.text == "Hej fra København"
    assert said.files == ("Kær.png", "Bon.txt")
    assert (said.sender, said.sender_name) == ("freja@guest.example", "Freja")


def test_html_alone_is_read_as_text() -> None:
    page = "<style>p{}</style><script>alert(1)</script><p>Hello</p>"
    page += '<img src="https://x.example/p.png"><a href="javascript:x">go</a>'
    said = reply_reading.read(written(page, more="Content-Type: text/html; charset=utf-8\r\n"))
    assert said.text.split() == ["Hello", "go"]


def test_names_and_subject_are_read_and_bounded() -> None:
    raw = written(
        "x" * 50_000, sender='"=?utf-8?q?J=C3=B8rgen?=" <j@s.example>', subject="=?utf-8?b?w4ZibGU=?= " + "y" * 500
    )
    said = reply_reading.read(raw)
    assert (said.sender_name, said.subject[:5]) == ("Jørgen", "Æble ")
    assert (len(said.text), len(said.subject)) == (reply_reading.LONGEST, 200)


def test_references_are_names_and_nothing_else() -> None:
    raw = written(references="<a@x.example> nonsense <b@x.example>", message_id="<c d@x> <e@x.example>")
    said = reply_reading.read(raw)
    assert said.references == ("<a@x.example>", "<b@x.example>")
    assert said.message_id == "<e@x.example>"


def test_signs_that_turn_the_line_round_are_left_out() -> None:
    assert reply_reading.read(written("pay \u202eeno\u200b now\x07")).text == "pay eno now"


@pytest.mark.parametrize("raw", [b"", b"\0" * 100, b"From:", b"\xff\xfe" * 50, b"Content-Type: multipart/mixed\n\n"])
def test_anything_is_read(raw: bytes) -> None:
    assert reply_reading.read(raw).sender == ""


@given(st.binary(max_size=400))
def test_no_bytes_raise(raw: bytes) -> None:
    said = reply_reading.read(b"Content-Type: text/plain\n\n" + raw)
    assert len(said.text) <= reply_reading.LONGEST
    assert all(sign.isprintable() or sign in "\n\t" for sign in said.text)

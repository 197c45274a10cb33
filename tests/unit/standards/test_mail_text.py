"""Words as people read them: encoded words and character sets against Python's own, HTML, and false declarations."""

from __future__ import annotations

import email.header
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listkeeper.standards import mail_text
from listkeeper.standards.mail_parts import Part

_PLAIN = st.text(st.characters(exclude_categories=["C", "Z"], include_characters=" "), min_size=1, max_size=80)


@given(_PLAIN, st.sampled_from(["utf-8", "iso-8859-1", "iso-2022-jp", "koi8-r"]))
def test_what_python_encodes_is_read(text: str, charset: str) -> None:
    try:
        text.encode(charset)
    except UnicodeEncodeError:
        return
    line = " ".join(text.split())
    encoded = email.header.Header(line, charset, maxlinelen=60).encode()
    assert mail_text.words(encoded) == line


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ("=?utf-8?q?Frav=C3=A6r?=", "Fravær"), ("=?ISO-8859-1?B?5vjl?= buns", "æøå buns"),
        ("=?utf-8?q?a?= =?utf-8?q?b?=", "ab"), ("=?utf-8*da?q?hej_du?=", "hej du"), ("=?nowhere?q?hej?=", "hej"),
        ("=?utf-8?x?hej?=", "=?utf-8?x?hej?="), ("=?utf-8?b?!!!!?=", ""), ("=?utf-8?q?a", "=?utf-8?q?a"),
        ("plain\n\t text", "plain text"), ("=?utf-8?q?a=0Ab?=", "a b"), ("", ""),
    ],
)  # fmt: skip
def test_encoded_words(field: str, words: str) -> None:
    assert mail_text.words(field) == words


@pytest.mark.parametrize(
    "charset", ["zlib", "rot13", "hex", "punycode", "idna", "unicode_escape", "undefined", "x" * 300, ""]
)
def test_what_is_no_character_set_is_taken_for_utf_8(charset: str) -> None:
    assert mail_text.decoded("bøller".encode(), charset) == "bøller"


@pytest.mark.parametrize(
    ("content_type", "content", "text"),
    [
        ("text/plain; charset=iso-8859-1", b"b\xf8ller\r\n", "bøller\n"),
        ('text/plain; charset="UTF-8"', "bøller".encode(), "bøller"),
        ("text/plain; charset=unicode-1-1-utf-7", b"a+AOY-b", "aæb"),
        ("text/plain", b"\x1b$B%f!<%6!<\x1b(B", "ユーザー"),
        ("text/plain; charset=us-ascii", b"b\xffller\0", "b\ufffdller\ufffd"),
    ],
)
def test_the_text_of_a_part(content_type: str, content: bytes, text: str) -> None:
    assert mail_text.text_of(Part((("content-type", content_type),), "text/plain", content)) == text


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("<p>One<br>two</p>three", "\nOne\ntwo\nthree"),
        ("<style>p { }</style><script>x</script>seen<!-- not -->", "seen"),
        ("&lt;freja@guest.example&gt; &amp; more", "<freja@guest.example> & more"),
        ("a\nb", "a b"),
        ("1 < 2 and <mailto:x> is kept? <b>b</b>", "1 < 2 and  is kept? b".replace("  ", " ")),
        ("seen<script>never ended", "seen"),
        ("<td>a</td><td>b</td>", "a b"),
    ],
)
def test_of_a_page_what_is_to_be_read(page: str, text: str) -> None:
    assert mail_text.without_tags(page) == text


@pytest.mark.parametrize(
    "page",
    ["<script>" * 9_000, "<!--" * 16_000, "<p<" * 20_000, "<a " * 20_000, "<style></style>" * 4_000, "&" * 60_000],
)
def test_a_page_costs_no_more_than_its_length(page: str) -> None:
    part = Part((("content-type", "text/html"),), "text/html", page.encode())
    start = time.process_time()
    mail_text.text_of(part)
    assert time.process_time() - start < 2


@given(st.text(max_size=200), st.binary(max_size=200), st.text(max_size=20))
def test_nothing_raises_and_words_are_one_line(field: str, content: bytes, charset: str) -> None:
    assert len(mail_text.words(field).splitlines()) <= 1
    part = Part((("content-type", f"text/html; charset={charset}"),), "text/html", content)
    assert "\0" not in mail_text.text_of(part)

"""Encoded words are read back by the standard library, short enough, and never hold a second line."""

from __future__ import annotations

from email.header import decode_header, make_header

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listkeeper.foundation.errors import Invalid
from listkeeper.standards import encoded_word

_LINE = st.text(
    alphabet=st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp"), exclude_characters="\ufffe\uffff"), max_size=200
)


@pytest.mark.parametrize("text", ["", "Plain words", "100 % & more; (yes)", "x" * 60])
def test_ascii_stays_as_it_is(text: str) -> None:
    assert encoded_word.unstructured(text) == text


@pytest.mark.parametrize("text", ["Brød", "=?utf-8?q?x?=", "x" * 61, "日本語" * 30, "🥐 morgen"])
def test_other_text_becomes_words_of_at_most_75_characters(text: str) -> None:
    value = encoded_word.unstructured(text)
    assert value.isascii()
    assert all(word.startswith("=?utf-8?B?") and word.endswith("?=") and len(word) <= 75 for word in value.split(" "))
    assert str(make_header(decode_header(value))) == text


@given(_LINE)
def test_every_line_is_read_back(text: str) -> None:
    value = encoded_word.unstructured(text)
    assert value.isascii()
    assert str(make_header(decode_header(value))) == " ".join(text.split())


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("Café", "=?utf-8?B?Q2Fmw6k=?="),
        ("Shop", "Shop"),
        ("Shop, Inc.", '"Shop, Inc."'),
        ('a "b" \\', '"a \\"b\\" \\\\"'),
        ("", ""),
    ],
)
def test_names_are_quoted_or_encoded(name: str, written: str) -> None:
    assert encoded_word.phrase(name) == written


@pytest.mark.parametrize(
    "bad", ["\r", "\n", "\x00", "\x0b", "\x1c", "\x7f", "\x85", "\u2028", "\u2029", "\ud800", "\uffff"]
)
def test_a_second_line_is_refused(bad: str) -> None:
    for written in (encoded_word.unstructured, encoded_word.phrase):
        with pytest.raises(Invalid) as refusal:
            written(f"x{bad}y")
        assert refusal.value.code == "header_refused"

"""Parts, comments and quoted strings of header values."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listkeeper.standards import structured_header
from listkeeper.standards.structured_header import Part


@pytest.mark.parametrize(
    ("value", "parts", "unclosed"),
    [
        ("", [Part("", ())], False),
        ("a  b\r\n\tc", [Part("a b c", ())], False),
        ("a(x)b; c", [Part("a b", ("x",)), Part("c", ())], False),
        ("a (x (y; z) \\) w) b", [Part("a b", ("x (y; z) ) w",))], False),
        ('a "x; (y) \\" z"; b', [Part('a "x; (y) \\" z"', ()), Part("b", ())], False),
        ("a ) b", [Part("a b", ())], False),
        ("a (b; c", [Part("a", ("b; c",))], True),
        ("a (b\\", [Part("a", ("b\\",))], True),
        ('a "b; c', [Part("a b; c", ())], True),
    ],
)
def test_splits(value: str, parts: list[Part], unclosed: bool) -> None:
    found = structured_header.split(value)
    assert (list(found.parts), found.unclosed) == (parts, unclosed)


@pytest.mark.parametrize(
    ("text", "meant"),
    [('"a \\" b"', 'a " b'), ('""', ""), ("a", "a"), ('"', '"'), ('"a"b', '"a"b'), ('"a" "b"', '"a" "b"')],
)
def test_unquotes_whole_strings_only(text: str, meant: str) -> None:
    assert structured_header.unquoted(text) == meant


@given(st.text(max_size=100))
def test_text_has_no_comments_and_single_spaces_outside_of_quotes(text: str) -> None:
    found = structured_header.split(text)
    if '"' not in text:
        for part in found.parts:
            assert part.text == " ".join(part.text.split())
            assert not set(part.text) & set("();")
    if not set(text) & set('"()\\'):
        assert [part.text for part in found.parts] == [" ".join(one.split()) for one in text.split(";")]


def test_reads_the_beginning_of_what_is_endless() -> None:
    assert len(structured_header.split(";" * 1_000_000).parts) < 1_000

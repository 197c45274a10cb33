"""Words of strangers: whatever they are, one printable line of bounded length comes out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listkeeper.standards import foreign_text


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", ""),
        ("  Café \r\n\t Ø  ", "Café Ø"),
        ("a\x1b[2Jb\x00c\x9b", "a\ufffd[2Jb\ufffdc\ufffd"),
        # What turns the direction of writing makes a line read as another.
        ("abc\u202egnp.exe", "abc\ufffdgnp.exe"),
        ("lone \ud800 half", "lone \ufffd half"),
        ("two\u2028lines", "two lines"),
        ("1234567890", "1234567890"),
        ("12345678901", "123456789…"),
    ],
)
def test_lines(text: str, line: str) -> None:
    assert foreign_text.clean(text, 10 if text.startswith("123") else 100) == line


@given(st.text(st.characters(), max_size=50), st.integers(1, 60))
def test_any_text_becomes_a_line_that_can_be_stored_and_shown(text: str, most: int) -> None:
    line = foreign_text.clean(text, most)
    assert line.isprintable()
    assert len(line) <= most
    line.encode()
    assert foreign_text.clean(line, most) == line
    if text.isprintable() and "  " not in text and text == text.strip() and len(text) <= most:
        assert line == text

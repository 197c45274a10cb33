"""What is said in SMTP as it stands: judged by what a server makes of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listkeeper.sending.handing_over import smtp_turn
from listkeeper.standards import plain_lines


@given(st.lists(st.sampled_from([b"a", b".", b"\r\n", b"\r", b"\n", b" ", b"\r\n."]), max_size=12).map(b"".join))
def test_plain_octets_need_nothing_done_to_them(octets: bytes) -> None:
    whole = octets + b"\r\n"
    as_said = smtp_turn._stuffed(smtp_turn.whole_lines(whole))  # noqa: SLF001 - the definition
    assert plain_lines.are_plain(octets) == (as_said == whole and octets[-1:] != b"\r")


@pytest.mark.parametrize("octets", [b"", b"a\r\nb", b"a.b\r\n", b"a.", b"\r\n"])
def test_plain(octets: bytes) -> None:
    assert plain_lines.are_plain(octets)


@pytest.mark.parametrize("octets", [b".", b"a\r\n.b", b"a\nb", b"a\rb", b"a\r", b"a\r\r\nb", b"\n"])
def test_not_plain(octets: bytes) -> None:
    assert not plain_lines.are_plain(octets)

"""Replies of a mail server: honest ones are read whole however they arrive, and nothing else is taken for one."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listkeeper.standards import smtp_reply
from listkeeper.standards.smtp_reply import NotAReply, Replies, Reply

_codes = st.integers(200, 599)
_words = st.text(st.characters(categories=("L", "N", "P", "Zs")), max_size=20)
_replies = st.lists(st.tuples(_codes, st.lists(_words, min_size=1, max_size=4)), max_size=5)


def _written(code: int, lines: list[str]) -> bytes:
    marks = ["-"] * (len(lines) - 1) + [" "]
    return b"".join(f"{code}{mark}{line}\r\n".encode() for mark, line in zip(marks, lines, strict=True))


def _read(*pieces: bytes) -> list[Reply]:
    replies, found = Replies(), list[Reply]()
    for piece in pieces:
        replies.feed(piece)
        while (reply := replies.take()) is not None:
            found.append(reply)
    assert replies.empty
    return found


@given(_replies, st.integers(1, 40))
def test_replies_are_the_same_in_whatever_pieces_they_come(said: list[tuple[int, list[str]]], size: int) -> None:
    octets = b"".join(_written(*reply) for reply in said)
    expected = [Reply(code, "\n".join(lines)) for code, lines in said]
    texts = [Reply(reply.code, _shown(reply.text)) for reply in expected]
    assert _read(octets) == texts
    assert _read(*(octets[at : at + size] for at in range(0, len(octets), size))) == texts


def _shown(text: str) -> str:
    return "".join(sign if sign.isprintable() or sign == "\n" else "\N{REPLACEMENT CHARACTER}" for sign in text)


@given(st.lists(st.binary(max_size=200), max_size=8))
def test_any_octets_are_replies_or_none(pieces: list[bytes]) -> None:
    replies = Replies()
    with contextlib.suppress(NotAReply):
        for piece in pieces:
            replies.feed(piece)
            while (reply := replies.take()) is not None:
                assert 0 <= reply.code <= 999
                assert all(sign.isprintable() or sign in "\n\t" for sign in reply.text)


@pytest.mark.parametrize(
    ("octets", "reply"),
    [
        (b"250 ok\r\n", Reply(250, "ok")),
        (b"250\r\n", Reply(250, "")),
        (b"250 \r\n", Reply(250, "")),
        (b"250 ok\n", Reply(250, "ok")),
        (b"250-a\r\n250\r\n", Reply(250, "a\n")),
        # A database cannot store the first, and a terminal would obey the second.
        (b"250 a\x00b\x1b[2Jc\td\r\n", Reply(250, "a\ufffdb\ufffd[2Jc\td")),
        (b"250 \xff\xfe\r\n", Reply(250, "\ufffd\ufffd")),
    ],
)
def test_forms_of_a_reply(octets: bytes, reply: Reply) -> None:
    assert _read(octets) == [reply]


@pytest.mark.parametrize(
    "octets",
    [
        b"\r\n", b"25\r\n", b"2 5 0 ok\r\n", b"hello\r\n", b"250ok\r\n", b"250_ok\r\n", b"-250 ok\r\n",
        b"\xb2\xb5\xb0 ok\r\n",
        b"250-a\r\n251 b\r\n", b"250-a\r\nb\r\n",
        b"250 " + b"x" * smtp_reply.LINE_OCTETS + b"\r\n", b"2" * (smtp_reply.LINE_OCTETS + 1),
        b"250-x\r\n" * (smtp_reply.REPLY_LINES + 1), (b"250-" + b"x" * 4_000 + b"\r\n") * 9,
    ],
)  # fmt: skip
def test_what_is_no_reply(octets: bytes) -> None:
    with pytest.raises(NotAReply):
        _read(octets)


@pytest.mark.parametrize(
    ("reply", "enhanced"),
    [
        (Reply(550, "5.1.1 nobody"), "5.1.1"),
        (Reply(550, "5.1.1"), "5.1.1"),
        (Reply(421, "4.7.28 [192.0.2.1] slow down\n4.7.28 please"), "4.7.28"),
        (Reply(250, "2.0.0 Ok: queued"), "2.0.0"),
        # The class of one contradicts the other: which of them lies is not ours to say.
        (Reply(550, "4.2.2 full"), None),
        (Reply(550, "nobody 5.1.1"), None),
        (Reply(550, "5.1.1.2 is an address"), None),
        (Reply(550, "5.1 half"), None),
        (Reply(550, "5.1.1111 too long"), None),
        (Reply(550, ""), None),
        (Reply(0, "5.3.4 words of ours"), None),
    ],
)
def test_enhanced_codes(reply: Reply, enhanced: str | None) -> None:
    assert (None if reply.enhanced is None else str(reply.enhanced)) == enhanced

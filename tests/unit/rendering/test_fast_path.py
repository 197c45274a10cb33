"""The fast path and the slow one make the same bytes, or refuse in the same words, for any letter and any reader."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import dkim as dkimpy
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from listkeeper.foundation.errors import Invalid
from listkeeper.rendering import compiled, filling, mime_slots
from listkeeper.rendering.compiled import CompiledLetter
from listkeeper.rendering.content import Letter, Reader
from listkeeper.standards import dkim_key_record, dkim_verify, list_headers, plain_lines
from listkeeper.standards.dkim import SigningKey
from listkeeper.standards.dkim_verify import Result
from listkeeper.standards.dns import StaticResolver
from listkeeper.standards.plain_lines import PlainLines
from tests.unit.rendering import letters
from tests.unit.rendering.conftest import READER, SENDER, attempt

_NOW = datetime(2026, 11, 23, 8, 15, 9, tzinfo=UTC)
_KEYS = (
    SigningKey("fuglsang.example", "lk1", rsa.generate_private_key(65537, 2048)),
    SigningKey("fuglsang.example", "lk1e", Ed25519PrivateKey.generate()),
)
_PUBLISHED = {f"{key.selector}._domainkey.fuglsang.example.": dkim_key_record.record_for(key.private) for key in _KEYS}
_ZONE = {name: {"TXT": [record]} for name, record in _PUBLISHED.items()}
_SHARED = (
    list_headers.list_unsubscribe_post(),
    list_headers.list_id('Nyheder på dansk: brød, kaffe & "kage"', "lst-abc", "fuglsang.example"),
    list_headers.feedback_id("cmp1", "lst1", "org1", sender_id="fuglsang"),
)
_BY_MAIL = "mailto:u+21i3v9.abcdefghijklmnop@bounce.fuglsang.example?subject=unsubscribe"
_OWN = st.sampled_from(4 * [
    [("List-Unsubscribe", "<https://n.fuglsang.example/u/abc>")],
    [("List-Unsubscribe", f"<https://n.fuglsang.example/u/{'k' * 120}>, <mailto:u@a.example>"), ("X-A", "a  b")],
    [("List-Unsubscribe", f"<https://n.fuglsang.example/u/abc>, <{_BY_MAIL}>")],
    [],
] + [
    [("List-Id", "<twice.fuglsang.example>")],
    [("Bcc", "thief@evil.example")],
    [("X-A", "a\r\nBcc: thief@evil.example")],
])  # fmt: skip
_IDS = st.sampled_from([*["<k3j4.12@fuglsang.example>"] * 10, "no id", "<a@b\r\nBcc: x>"])

Made = bytes | tuple[str, str]


def _outcome(make: Callable[[], bytes]) -> Made:
    try:
        return make()
    except Invalid as refused:
        return refused.code, refused.message


def _both(
    form: CompiledLetter, reader: Reader, own: list[tuple[str, str]], name: str, keys: tuple[SigningKey, ...] = ()
) -> Made:
    """Make a message both ways, demand that they agree, and return it."""
    usual: dict[str, Any] = {"recipient": reader.address, "message_id": name, "date": _NOW, "keys": keys}
    slow = _outcome(lambda: mime_slots.whole(form, reader, sender=SENDER, headers=[*own, *_SHARED], **usual))
    cut = mime_slots.cut(form, SENDER, _SHARED)
    if isinstance(slow, bytes):
        # Not by going the slow way itself.
        quick = cut.quickly(reader, own_headers=own, **usual)
        assert quick == slow
        # What is vouched for is true, and holds for any letter whose own words begin no line with a dot.
        is_plain = plain_lines.are_plain(quick) and quick.endswith(b"\r\n")
        assert is_plain or not isinstance(quick, PlainLines)
    assert _outcome(lambda: cut.write(reader, own_headers=own, **usual)) == slow
    return slow


@pytest.mark.timeout(1800)
@given(
    form=letters.forms(),
    readers=st.lists(letters.readers(), min_size=1, max_size=3),
    own=_OWN,
    name=_IDS,
    keys=st.sampled_from([(), _KEYS]),
)
def test_any_form_is_the_same_both_ways(
    form: CompiledLetter, readers: list[Reader], own: list[tuple[str, str]], name: str, keys: tuple[SigningKey, ...]
) -> None:
    for reader in readers:
        _both(form, reader, own, name, keys)


@pytest.mark.timeout(1800)
@given(letter=letters.letters(), readers=st.lists(letters.readers(), min_size=1, max_size=2))
def test_any_letter_is_the_same_both_ways_reads_clean_and_verifies(letter: Letter, readers: list[Reader]) -> None:
    form, _ = attempt(lambda: compiled.compile_letter(letter))
    for reader in readers if form else ():
        assert form is not None
        way_out = list_headers.list_unsubscribe(READER.unsubscribe_url, _BY_MAIL)
        raw = _both(form, reader, [way_out], "<k3j4.12@fuglsang.example>", _KEYS)
        if isinstance(raw, bytes):
            filled = filling.fill(form, reader)
            assert _read(raw) == {"text/plain": filled.text, "text/html": filled.html}
            for number in range(len(_KEYS)):
                assert dkimpy.DKIM(raw).verify(number, dnsfunc=lambda asked, **_: _PUBLISHED[asked.decode()].encode())
            verdicts = dkim_verify.verify(raw, StaticResolver(_ZONE), _NOW)
            assert [verdict.result for verdict in verdicts] == [Result.PASS, Result.PASS]


@pytest.mark.parametrize("keys", [(), _KEYS])
def test_a_usual_letter_is_vouched_for_so_that_nobody_searches_it_for_dots(
    letter_of: Callable[..., Letter], keys: tuple[SigningKey, ...]
) -> None:
    usual: dict[str, Any] = {"recipient": READER.address, "message_id": "<k3j4.12@fuglsang.example>", "date": _NOW}
    for markdown, vouched in (("# Buns\n\nWarm from *seven*.", True), ("# Buns\n\n\\...and rye.", False)):
        cut = mime_slots.cut(compiled.compile_letter(letter_of(markdown)), SENDER, _SHARED)
        quick = cut.quickly(READER, own_headers=[], keys=keys, **usual)
        assert isinstance(quick, PlainLines) is vouched is plain_lines.are_plain(quick or b"")


def _read(raw: bytes) -> dict[str, str]:
    """Return the bodies of a message by their kinds; nothing in it may need to be forgiven."""
    parsed = email.message_from_bytes(raw, policy=email.policy.SMTPUTF8)
    parts = list(parsed.walk())
    assert [part.defects for part in parts] == [[], [], []]
    # A mailbox beyond ASCII is a defect to this parser, which speaks of RFC 5322 alone.
    values = [value for part in parts for name, value in part.items() if name != "To" or str(value).isascii()]
    assert [value.defects for value in values] == [()] * len(values)
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    return {part.get_content_type(): part.get_content().replace("\r\n", "\n") for part in parts[1:]}

"""The bytes that travel: read back by the standard library, every message is clean and says what was put in."""

from __future__ import annotations

import email
import email.policy
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import parseaddr
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listkeeper.foundation.errors import Invalid
from listkeeper.rendering import compiled, filling, message, trial_letter
from listkeeper.rendering.content import Filled, Letter, Reader
from listkeeper.standards import list_headers
from tests.unit.rendering.conftest import SENDER

FILLED = Filled("Brød & kaffe", "", "<p>Hej Åse</p>\n", "Hej Åse\n")
ID = "<k3j4.12@fuglsang.example>"
NOW = datetime(2026, 11, 23, 8, 15, tzinfo=UTC)
LIST_HEADERS = (
    list_headers.list_unsubscribe(
        "https://n.fuglsang.example/u/" + "x" * 300, "mailto:u+abc@n.fuglsang.example?subject=unsubscribe"
    ),
    list_headers.list_unsubscribe_post(),
    list_headers.list_id('Nyheder på dansk: brød, kaffe & "kage"', "lst-abc", "fuglsang.example"),
    list_headers.feedback_id("cmp1", "lst1", "org1", sender_id="fuglsang"),
)
_TEXT = st.text(alphabet=st.characters(exclude_categories=("Cs", "Cc"), include_characters="\n\t"), max_size=400)
_LINE = st.text(
    alphabet=st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp"), exclude_characters="\ufffe\uffff"), max_size=200
)


def _build(filled: Filled = FILLED, **changes: Any) -> bytes:  # noqa: ANN401 - the arguments of message.build
    usual: dict[str, Any] = {"sender": SENDER, "recipient": "aase@post.example", "message_id": ID, "date": NOW}
    return message.build(filled, **{**usual, **changes})


def _read(raw: bytes) -> EmailMessage:
    parsed = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(parsed, EmailMessage)
    return parsed


def _demand_clean(raw: bytes) -> EmailMessage:
    """Hold a message to the format table: F1 to F5, F7 and F13 of the deliverability rules."""
    assert re.search(rb"(?<!\r)\n|\r(?!\n)|\x00", raw) is None
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    head = raw.partition(b"\r\n\r\n")[0]
    assert head.isascii()
    parsed = _read(raw)
    names = [name.lower() for name in parsed.keys()]  # noqa: SIM118 - a header may be there twice
    assert len(names) == len(set(names))
    assert {"from", "to", "subject", "date", "message-id", "mime-version", "content-type"} <= set(names)
    for part in parsed.walk():
        assert part.defects == []
        assert [value.defects for value in part.values()] == [()] * len(part)
    assert [part.get_content_type() for part in parsed.walk()] == ["multipart/alternative", "text/plain", "text/html"]
    return parsed


def _content(parsed: EmailMessage, kind: str) -> str:
    part = parsed.get_body((kind,))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


def test_a_whole_letter_is_a_clean_message(letter_of: Callable[..., Letter], reader_of: Callable[..., Reader]) -> None:
    filled = filling.fill(compiled.compile_letter(letter_of()), reader_of(guidance="gmail"))
    parsed = _demand_clean(
        _build(filled, extra_headers=LIST_HEADERS, sender=replace(SENDER, reply_to="svar@fuglsang.example"))
    )
    assert parsed["from"] == "Kaffe Fuglsang <hej@fuglsang.example>"
    assert parsed["to"] == "aase@post.example"
    assert parsed["reply-to"] == "svar@fuglsang.example"
    assert parsed["subject"] == "Åse: brød & kaffe"
    assert parsed["date"].datetime == NOW
    assert parsed["message-id"] == ID
    assert parsed["list-unsubscribe-post"] == "List-Unsubscribe=One-Click"
    assert parsed["list-id"] == 'Nyheder på dansk: brød, kaffe & "kage" <lst-abc.fuglsang.example>'
    assert parsed["list-unsubscribe"].startswith("<https://n.fuglsang.example/u/xxx")
    assert _content(parsed, "html") == filled.html
    assert _content(parsed, "plain") == filled.text


def test_long_headers_are_folded() -> None:
    head = _build(extra_headers=LIST_HEADERS).partition(b"\r\n\r\n")[0]
    assert b">,\r\n <mailto:" in head
    assert [len(line) > 78 for line in head.split(b"\r\n")].count(True) == 1


@given(subject=_LINE, name=_LINE)
def test_any_subject_and_name_are_read_back(subject: str, name: str) -> None:
    raw = _build(replace(FILLED, subject=subject), sender=replace(SENDER, name=name))
    parsed = _demand_clean(raw)
    assert parsed["subject"] == " ".join(subject.split())
    assert parsed["from"].addresses[0].addr_spec == SENDER.address
    # The modern parser shows the space between two encoded words of a name; it should not, and the older one does not.
    shown, where = parseaddr(str(email.message_from_bytes(raw)["from"]))
    assert where == SENDER.address
    assert str(make_header(decode_header(shown))) == " ".join(name.split())
    for line in raw.partition(b"\r\n\r\n")[0].split(b"\r\n"):
        assert len(line) <= 78
        assert line.strip()


@given(text=_TEXT, html=_TEXT)
def test_any_body_is_read_back(text: str, html: str) -> None:
    raw = _build(replace(FILLED, text=text, html=html))
    parsed = _demand_clean(raw)
    assert _content(parsed, "plain") == text
    assert _content(parsed, "html") == html
    assert max(map(len, raw.split(b"\r\n"))) <= 78


@pytest.mark.parametrize(
    "content", ["", "x", " ", "a \n", "a\t\n.\n..\n", "=", "=3D", "--x--\n", "From here\n", "é" * 200, "x" * 5000]
)
def test_awkward_bodies(content: str) -> None:
    assert _content(_demand_clean(_build(replace(FILLED, text=content))), "plain") == content


@pytest.mark.parametrize("lines", ["a\r\nb", "a\rb", "a\nb"])
def test_every_line_ends_in_crlf(lines: str) -> None:
    assert _content(_demand_clean(_build(replace(FILLED, text=lines))), "plain") == "a\nb"


def test_a_boundary_can_stand_in_no_body() -> None:
    boundary = re.search(rb'boundary="([^"]+)"', _build())
    assert boundary is not None
    parsed = _demand_clean(_build(replace(FILLED, text=f"--{boundary[1].decode()}--\n")))
    assert boundary[1].decode() in _content(parsed, "plain")


def test_what_looks_encoded_is_read_as_it_was_written() -> None:
    parsed = _demand_clean(_build(replace(FILLED, subject="=?utf-8?B?eA==?= x")))
    assert parsed["subject"] == "=?utf-8?B?eA==?= x"


_BREAKS = ["\r\nBcc: thief@evil.example", "\n", "\r", "\x00", "\x0b", "\x1c", "\x85", "\u2028", "\ud800"]


@pytest.mark.parametrize("injected", _BREAKS)
@pytest.mark.parametrize(
    "where", ["subject", "name", "address", "reply_to", "recipient", "message_id", "value", "header"]
)
def test_no_header_can_be_smuggled_in(where: str, injected: str) -> None:
    changes: dict[str, dict[str, Any]] = {
        "subject": {"filled": replace(FILLED, subject=f"x{injected}y")},
        "name": {"sender": replace(SENDER, name=f"x{injected}y")},
        "address": {"sender": replace(SENDER, address=f"x{injected}y@fuglsang.example")},
        "reply_to": {"sender": replace(SENDER, reply_to=f"x{injected}y@fuglsang.example")},
        "recipient": {"recipient": f"x@post.example{injected}"},
        "message_id": {"message_id": f"<a@b.example{injected}>"},
        "value": {"extra_headers": [("X-A", f"x{injected}y")]},
        "header": {"extra_headers": [(f"X-A{injected}", "y")]},
    }
    with pytest.raises(Invalid):
        _build(**changes[where])


@pytest.mark.parametrize(
    "header",
    [
        ("Bcc", "x@y.example"),
        ("To", "x@y.example"),
        ("subject", "x"),
        ("FROM", "x"),
        ("Date", "x"),
        ("Content-Type", "x"),
        ("X A", "x"),
        ("", "x"),
        ("X-A:", "x"),
        ("X-A", ""),
        ("X-A", " x"),
        ("X-A", "x "),
        ("X-A", "é"),
        ("X-A", "x" * 1_000),
        ("Return-Path", "<x@y.example>"),
    ],
)
def test_an_extra_header_that_may_not_be_there_is_refused(header: tuple[str, str]) -> None:
    with pytest.raises(Invalid) as refusal:
        _build(extra_headers=[header])
    assert refusal.value.code == "header_refused"


def test_an_extra_header_comes_once() -> None:
    with pytest.raises(Invalid, match="list-id"):
        _build(extra_headers=[("List-Id", "<a.b.example>"), ("list-id", "<a.b.example>")])


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("Aase@Post.EXAMPLE", "Aase@post.example"),
        ("a+b.c@post.example", "a+b.c@post.example"),
        ("x@straße.example", "x@xn--strae-oqa.example"),
        ("x@почта.example", "x@xn--80a1acny.example"),
    ],
)
def test_addresses_are_written_in_ascii(written: str, sent: str) -> None:
    assert _demand_clean(_build(recipient=written))["to"] == sent


@pytest.mark.parametrize("local", ["åse", "пётр", "用户", "jörg.müller+news", "straße"])
def test_a_mailbox_beyond_ascii_is_written_in_utf8_and_nothing_else_is(local: str) -> None:
    raw = _build(recipient=f"{local}@økologi.example", extra_headers=[("List-Id", "<a.b.example>")])
    head, _, body = raw.partition(b"\r\n\r\n")
    wide = [line for line in head.split(b"\r\n") if not line.isascii()]
    assert wide == [f"To: {local}@xn--kologi-9xa.example".encode()]
    assert body.isascii()
    read = _read(raw)
    assert str(read["to"]) == f"{local}@xn--kologi-9xa.example"
    assert read.defects == []


@pytest.mark.parametrize("where", ["sender", "reply to"])
def test_our_own_addresses_stay_in_ascii(where: str) -> None:
    """Everybody must be able to answer; only a recipient's own server has to know what its mailbox is called."""
    own = {"sender": {"address": "åse@cafe.example"}, "reply to": {"reply_to": "åse@cafe.example"}}[where]
    with pytest.raises(Invalid) as refusal:
        _build(sender=replace(SENDER, **own))
    assert refusal.value.code == "address_unwritable"


@pytest.mark.parametrize(
    "address",
    [
        "",
        "x",
        "@post.example",
        "x@",
        "x@y@z.example",
        "a b@post.example",
        "<x@post.example>",
        "x@post.example, y@post.example",
        ".åse@post.example",
        "å\u202ese@post.example",
        "å\u200bse@post.example",
        "å\u2028se@post.example",
        "å\u00a0se@post.example",
        "å\u0085se@post.example",
        "å\ud800se@post.example",
        f"{'å' * 33}@post.example",
        ".x@post.example",
        "x..y@post.example",
        '"x"@post.example',
        "x@[127.0.0.1]",
        "x@post..example",
        f"{'x' * 65}@post.example",
        "x@" + "a." * 140 + "example",
    ],
)
def test_an_address_that_cannot_be_written_is_refused_without_naming_it(address: str) -> None:
    with pytest.raises(Invalid) as refusal:
        _build(recipient=address)
    assert refusal.value.code == "address_unwritable"
    assert address == "" or len(address) < 3 or address not in refusal.value.message


@pytest.mark.parametrize(
    "message_id",
    ["", "a@b.example", "<a@b.example", "<a b@c.example>", "<a@>", "<@b>", "<å@b.example>", f"<{'a' * 990}@b.example>"],
)
def test_a_message_id_must_be_one(message_id: str) -> None:
    with pytest.raises(Invalid):
        _build(message_id=message_id)


def test_the_date_is_in_utc_and_must_know_its_zone() -> None:
    local = datetime(2026, 11, 23, 9, 15, tzinfo=timezone(timedelta(hours=1)))
    assert b"Date: Mon, 23 Nov 2026 08:15:00 +0000\r\n" in _build(date=local)
    with pytest.raises(ValueError, match="time zone"):
        _build(date=datetime(2026, 11, 23, 9, 15))  # noqa: DTZ001 - that is the point


def test_a_body_that_cannot_be_written_is_refused() -> None:
    with pytest.raises(Invalid, match="plain text"):
        _build(replace(FILLED, text="a\ud800b"))


def test_a_trial_letter_says_so_and_is_otherwise_the_same() -> None:
    marked = trial_letter.marked(FILLED)
    assert marked == replace(FILLED, subject="[TEST] Brød & kaffe")
    assert _demand_clean(_build(marked))["subject"] == "[TEST] Brød & kaffe"

"""Where a cut could go wrong by one character: columns, line ends, limits, and marks that are none."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from listkeeper.foundation.errors import Invalid
from listkeeper.rendering import mime_slots
from listkeeper.rendering.compiled import CompiledLetter
from listkeeper.rendering.content import AnswerLink, AskedQuestion, Reader
from listkeeper.rendering.live_lines import NotThisWay
from listkeeper.standards.dkim import SigningKey
from tests.unit.rendering import letters
from tests.unit.rendering.conftest import READER, SENDER

_USUAL: dict[str, Any] = {
    "recipient": READER.address,
    "message_id": "<k3j4.12@fuglsang.example>",
    "date": datetime(2026, 11, 23, 8, tzinfo=UTC),
    "keys": (SigningKey("fuglsang.example", "lk1e", Ed25519PrivateKey.generate()),),
}
_NAME = "{{ subscriber.first_name }}"
_TAIL = (
    "a tail of a line = that is long enough to be cut off, with an é in it, so that it is looked up by its column " * 2
)


def _reader(name: str) -> Reader:
    return READER._replace(profile={"first_name": name})


def _demand_the_same(form: CompiledLetter, *names: str) -> None:
    for name in names:
        slow = mime_slots.whole(form, _reader(name), sender=SENDER, headers=(), **_USUAL)
        assert mime_slots.cut(form, SENDER, ()).quickly(_reader(name), own_headers=(), **_USUAL) == slow


def test_a_tail_begins_in_any_column() -> None:
    form = letters.form(html_body=f"Dear {_NAME}{_TAIL}\nand one more line\n")
    _demand_the_same(form, "", *("y" * count for count in range(1, 160)), "=", "é" * 20, "y" * 70 + "=")


def test_a_line_is_cut_before_its_place_only_where_it_is_broken_in_any_case() -> None:
    for count in range(140, 320):
        _demand_the_same(letters.form(html_body=f"{'x' * count}{_NAME}\nnext\n"), "", "y", "=")
    for count in range(20, 60):
        _demand_the_same(letters.form(html_body=f"{'xé=' * count}{_NAME}\nnext\n"), "", ".")


@pytest.mark.parametrize("name", [".", "..", "a."])
@pytest.mark.parametrize("after", [_TAIL, "\n", "", f"\n{_TAIL}"])
def test_a_dot_alone_in_its_line_is_a_dot_alone(name: str, after: str) -> None:
    _demand_the_same(letters.form(html_body=f"first\n{_NAME}{after}", text_body=f"first\n{_NAME}{after}"), name)


def test_white_space_that_runs_over_a_cut_counts_once_for_the_signature() -> None:
    spaced = "{% if subscriber.first_name %}word \t{% endif %}"
    _demand_the_same(letters.form(html_body=f"{spaced}  {_TAIL}", text_body=f"  {spaced}  x\n"), "y", "")


@pytest.mark.parametrize("end", ["\r\n", "\r", "\n"])
def test_any_kind_of_line_end_is_one(end: str) -> None:
    fallback = f"{{{{ subscriber.first_name | default: 'd{end}e' }}}}"
    holes = f"a{_NAME}{end}{end}{end}b{end}{_NAME}{end}{end}{end}{end}c {fallback}"
    _demand_the_same(letters.form(html_body=holes, text_body=holes), "", "y")


def test_places_beside_empty_lines_leave_no_holes_in_the_text() -> None:
    line = "a line that is long enough to be taken out of the text for every reader, and begins with a letter\n"
    for before in ("", "\n", "\n\n\n", "  \n\n"):
        for after in ("", "\n", "\n\n\n", " \n \n\n"):
            text = f"{line}{before}{_NAME}{after}\n{line}{after}{line}{_NAME}"
            _demand_the_same(letters.form(text_body=text), "", "y")
            _demand_the_same(letters.form(text_body=f"{before}{_NAME}\n{after}  indented {line}"), "", "y")


@pytest.mark.parametrize("room", [0, 1, 100, 2_000, 20_000])
def test_what_is_too_much_for_liquid_is_too_much(room: int) -> None:
    form = letters.form(html_body=f"{'x' * 99}\n" * ((500_000 - room) // 100) + _NAME)
    said = set()
    for count in (1, 50, 99, 101, 1_000, 30_000):
        reader = _reader("y" * count)
        try:
            slow: bytes | str = mime_slots.whole(form, reader, sender=SENDER, headers=(), **_USUAL)
        except Invalid as refused:
            slow = refused.code
        try:
            quick: bytes | str = mime_slots.cut(form, SENDER, ()).write(reader, own_headers=(), **_USUAL)
        except Invalid as refused:
            quick = refused.code
        assert quick == slow
        said.add(slow if isinstance(slow, str) else "made")
    assert said <= {"made", "merge_tags_too_much"}
    assert "merge_tags_too_much" in said


def test_a_mark_that_somebody_wrote_is_no_mark() -> None:
    odd = AskedQuestion("en", "What?\x01\nAnd?", "\x01\n", "\x01", (AnswerLink("\x01\n", "https://n.example/q"),))
    form, reader = letters.form(html_body=f"{_NAME}\n", text_body=f"{_NAME}\n"), _reader("y")._replace(asked=odd)
    cut = mime_slots.cut(form, SENDER, ())
    with pytest.raises(NotThisWay):
        cut.quickly(reader, own_headers=(), **_USUAL)
    slow = mime_slots.whole(form, reader, sender=SENDER, headers=(), **_USUAL)
    assert cut.write(reader, own_headers=(), **_USUAL) == slow


def test_a_name_that_a_letter_gave_a_new_meaning_keeps_it() -> None:
    shadowed = "{% assign subscriber = sender %}{{ subscriber.name }} {{ subscriber.first_name | default: 'x' }}"
    _demand_the_same(letters.form(html_body=shadowed, text_body=shadowed), "y")

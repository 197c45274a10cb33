"""Canonical JSON: the vectors of RFC 8785 as far as our values go, a writer of the test's own, and what is refused."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listkeeper.standards import canonical_json

# Any text that is Unicode: half of a surrogate pair is not.
_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
_NUMBERS = st.integers(-canonical_json.GREATEST, canonical_json.GREATEST)
_VALUES = st.recursive(
    _TEXT | _NUMBERS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXT, inner, max_size=5)
)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        # Section 3.2.2: the text and the number of its sample that are ours.
        ({"string": "€$\x0f\nA'B\"\\\\\"/"}, r'{"string":"€$\u000f\nA' + "'" + r'B\"\\\\\"/"}'),
        # Section 3.2.3: names in the order of UTF-16, where the face (D83D DE00) stands before U+FB33.
        (
            {"€": "Euro Sign", "\r": "Carriage Return", "\ufb33": "Hebrew Letter Dalet With Dagesh", "1": "One",
             "\U0001f600": "Emoji: Grinning Face", "\x80": "Control", "ö": "Latin Small Letter O With Diaeresis"},
            ('{"\\r":"Carriage Return","1":"One","\x80":"Control","ö":"Latin Small Letter O With Diaeresis",'
             '"€":"Euro Sign","\U0001f600":"Emoji: Grinning Face","\ufb33":"Hebrew Letter Dalet With Dagesh"}'),
        ),
        # The author's corpus: structures.json, arrays.json and weird.json.
        (
            {"1": {"f": {"f": "hi", "F": 5}, "\n": 56}, "10": {}, "": "empty", "a": {}, "A": {"b": "123"},
             "111": [{"e": "yes", "E": "no"}]},
            '{"":"empty","1":{"\\n":56,"f":{"F":5,"f":"hi"}},"10":{},"111":[{"E":"no","e":"yes"}],"A":{"b":"123"},"a":{}}',
        ),
        ([56, {"d": 7, "10": "x", "1": []}], '[56,{"1":[],"10":"x","d":7}]'),
        (
            {"€": "E", "\r": "C", "\n": "N", "1": "One", "\x80": "Control\x7f", "\U0001f602": "S", "ö": "L",
             "\ufb33": "H", "</script>": "B"},
            ('{"\\n":"N","\\r":"C","1":"One","</script>":"B","\x80":"Control\x7f","ö":"L","€":"E",'
             '"\U0001f602":"S","\ufb33":"H"}'),
        ),
        # Section 3.2.2.2: seven short escapes, all others in lower case, and nothing else escaped.
        ('\b\t\n\f\r"\\', r'"\b\t\n\f\r\"\\"'),
        ("\x00\x1b\x1f\x7f\u2028\ufeff<>&", '"\\u0000\\u001b\\u001f\x7f\u2028\ufeff<>&"'),
        # Appendix B, whole numbers.
        (0, "0"), (-1, "-1"), (9007199254740991, "9007199254740991"), (-9007199254740991, "-9007199254740991"),
    ],
)  # fmt: skip
def test_vectors(value: object, written: str) -> None:
    assert canonical_json.dumps(value) == written.encode()
    assert canonical_json.loads_strict(written.encode()) == value


def _by_hand(value: object) -> str:
    """Write canonical JSON letter by letter, from the RFC's text alone."""
    if isinstance(value, dict):
        names = sorted(value, key=lambda name: list(memoryview(name.encode("utf-16-be")).tobytes()))
        return "{" + ",".join(f"{_by_hand(name)}:{_by_hand(value[name])}" for name in names) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_by_hand, value)) + "]"
    if isinstance(value, int):
        return format(value, "d")
    short = dict(zip('\b\t\n\f\r"\\', ["\\b", "\\t", "\\n", "\\f", "\\r", '\\"', "\\\\"], strict=True))
    escaped = [short.get(one) or (f"\\u{ord(one):04x}" if ord(one) < 0x20 else one) for one in str(value)]
    return f'"{"".join(escaped)}"'


@given(_VALUES)
def test_it_writes_what_the_rfc_says_and_reads_it_back(value: object) -> None:
    written = canonical_json.dumps(value)
    assert written == _by_hand(value).encode()
    assert json.loads(written) == value
    assert canonical_json.loads_strict(written) == value


@given(st.dictionaries(_TEXT, _NUMBERS | _TEXT, max_size=8), st.randoms(use_true_random=False))
def test_the_order_in_which_names_came_does_not_matter(record: dict[str, object], chance: object) -> None:
    names = list(record)
    chance.shuffle(names)  # type: ignore[attr-defined]
    assert canonical_json.dumps({name: record[name] for name in names}) == canonical_json.dumps(record)


def test_kinds_made_of_text_and_numbers_are_written_as_such() -> None:
    class Kind(StrEnum):
        GIVEN = "consent.given"

    assert canonical_json.dumps({"type": Kind.GIVEN, "all": [Kind.GIVEN]}) == (
        b'{"all":["consent.given"],"type":"consent.given"}'
    )


_ROUND: list[object] = []
_ROUND.append(_ROUND)


@pytest.mark.parametrize(
    "value",
    [
        1.0, float("nan"), True, None, b"bytes", ("a", "b"), {1}, 2**53, -(2**53), "\ud800", {"\udfff": 1},
        {"\ud83d": {"\ude00": 1}}, {1: "one"}, {1: "one", "a": "two"}, {None: 1}, {"deep": [{"at": 0.5}]}, _ROUND,
        {"flag": False}, {"far": 2**53}, {"nothing": None},
    ],
    ids=ascii,
)  # fmt: skip
def test_what_could_be_read_two_ways_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        canonical_json.dumps(value)


@pytest.mark.parametrize(
    "data",
    [
        b"", b"{", b'{"a": 1}', b'{"a":1}\n', b' {"a":1}', b'{"b":1,"a":2}', b'{"a":1,"a":1}', b'{"a":1,"a":2}',
        b'{"a":1.0}', b'{"a":1e2}', b'{"a":-0}', b'{"a":01}', b'{"a":true}', b'{"a":null}', b'{"a":NaN}',
        b'{"a":9007199254740992}',
        b'"\\u00e6"', b'"\\/"', b'"\\u000A"', b'"\\ud800"', b'"\xff"', b'\xef\xbb\xbf{"a":1}',
        '{"a":1}'.encode("utf-16"), b"[" * 100_000, b"[" * 40 + b"]" * 40, b"1" * 5000,
        b'{"\xf0\x9f\x98\x80":1,"\xef\xac\xb3":2} ',
        b'{"\xef\xac\xb3":2,"\xf0\x9f\x98\x80":1}',
    ],
    ids=lambda data: ascii(data[-40:]),
)  # fmt: skip
def test_bytes_that_are_no_canonical_form_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        canonical_json.loads_strict(data)


def test_a_ledger_can_be_written_at_speed(summarise: Callable[[str], None]) -> None:
    record: dict[str, object] = {
        "v": 1, "org": "org_0123456789ab", "seq": 1, "id": "0" * 32, "ts": 1764000000000, "type": "consent.given",
        "subject": "a" * 32, "list": "lst_0123456789", "purpose": "newsletter", "basis": "consent",
        "text_sha256": "b" * 64, "form_sha256": "c" * 64, "mail_sha256": "d" * 64, "method": "button",
        "actor": "subscriber", "evidence_commit": "e" * 64, "expires_at": 0, "supersedes": "", "prev": "f" * 64,
        "details": {},
    }  # fmt: skip
    began = time.process_time()
    for seq in range(5_000):
        canonical_json.dumps(record | {"seq": seq})
    rate = 5_000 / (time.process_time() - began)
    summarise(f"canonical_json: {rate:,.0f} ledger records/s")
    assert rate > 20_000

"""Any bytes are read, by any provider's table: bounded, never raising, and what comes out can be stored."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listkeeper.feedback import esp
from listkeeper.feedback import esp_reading as reading
from listkeeper.feedback.esp_event import EspEvent, EventKind
from tests.makers import esp_posts
from tests.makers.esp_posts import PROVIDERS

NAMES = st.text(max_size=9) | st.sampled_from(
    ["event", "type", "RecordType", "msys", "event-data", "data", "to", "mail", "Message", "Type", "bounce"]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda held: st.lists(held, max_size=3) | st.dictionaries(NAMES, held, max_size=4),
    max_leaves=12,
)


def is_well(one: EspEvent) -> bool:
    texts = (one.event_id, one.recipient, one.message_id, one.token, one.status, one.text, one.word)
    most = (100, 320, 1000, 320, 16, 1000, 64)
    return (
        all(len(text) <= limit for text, limit in zip(texts, most, strict=True))
        and not any("\0" in text for text in texts)
        and all(text.encode() for text in texts if text)
        and (one.at is None or one.at.tzinfo is not None)
        and (one.code is None or 200 <= one.code < 600)
        and bool(one.event_id)
    )


@given(st.sampled_from(PROVIDERS), st.binary(max_size=300))
def test_any_bytes_are_read(provider: str, body: bytes) -> None:
    assert all(is_well(one) for one in esp.events(provider, body))


@given(st.sampled_from(PROVIDERS), JSON)
def test_any_json_is_read(provider: str, value: Any) -> None:  # noqa: ANN401 - any JSON
    said = json.dumps(value)
    for body in (said, json.dumps({"Type": "Notification", "Message": said}), json.dumps([{"msys": value}])):
        assert all(is_well(one) for one in esp.events(provider, body.encode()))


def _mangled(value: Any, swaps: list[tuple[int, Any]]) -> Any:  # noqa: ANN401 - any JSON
    """Put other values in some places of a real payload."""
    counter = [0]
    chosen = dict(swaps)

    def walk(held: Any) -> Any:  # noqa: ANN401 - any JSON
        counter[0] += 1
        if counter[0] in chosen:
            return chosen[counter[0]]
        if isinstance(held, dict):
            return {name: walk(one) for name, one in held.items()}
        return [walk(one) for one in held] if isinstance(held, list) else held

    return walk(value)


@given(
    st.sampled_from([(provider, name) for provider in PROVIDERS for name in esp_posts.payloads(provider)]),
    st.lists(st.tuples(st.integers(1, 60), JSON), max_size=6),
)
def test_real_payloads_with_other_things_in_them_are_read(of: tuple[str, str], swaps: list[tuple[int, Any]]) -> None:
    provider, name = of
    mangled = _mangled(esp_posts.payloads(provider)[name], swaps)
    body = json.dumps({"Type": "Notification", "Message": json.dumps(mangled)} if provider == "ses" else mangled)
    first = esp.events(provider, body.encode())
    assert all(is_well(one) for one in first)
    assert first == esp.events(provider, body.encode())


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"null", b"[]", b"{}", b'[null, 1, "a", []]', b"\xff\xfe\x00", b"[" * 100_000, b'{"a":' * 100_000,
     b"[" * 400 + b"]" * 400, b"1" * 5000, b"NaN", b'"\\ud800"'],
    ids=range(13),
)  # fmt: skip
def test_what_is_no_event_is_none(provider: str, body: bytes) -> None:
    assert [one for one in esp.events(provider, body) if one.kind is not EventKind.UNKNOWN] == []


@pytest.mark.parametrize("provider", PROVIDERS)
def test_five_megabytes_are_read_in_bounded_time_and_number(provider: str) -> None:
    body = b"[" + b",".join([b'{"event":"x"}'] * 370_000) + b"]"
    assert len(body) > 5_000_000
    # By the processor's clock: other tests are at work beside this one.
    begun = time.process_time()
    assert len(esp.events(provider, body)) <= 20_000
    assert time.process_time() - begun < 10


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (1796032800, datetime(2026, 11, 30, 10, 0, tzinfo=UTC)),
        (1796032800000, datetime(2026, 11, 30, 10, 0, tzinfo=UTC)),
        ("1796032800.5", datetime(2026, 11, 30, 10, 0, 0, 500_000, tzinfo=UTC)),
        ("2026-11-30T10:00:00.2735393-04:00", datetime(2026, 11, 30, 14, 0, 0, 273_539, tzinfo=UTC)),
        ("2026-11-30T10:00:00Z", datetime(2026, 11, 30, 10, 0, tzinfo=UTC)),
        ("2026-11-30 10:00:00", datetime(2026, 11, 30, 10, 0, tzinfo=UTC)),
        ("", None),
        ("yesterday", None),
        (-1, None),
        (1e300, None),
        ("0001-01-01T00:00:00+14:00", None),
        ("9999-12-31T23:59:59-14:00", None),
        (True, None),
        ({}, None),
    ],
)
def test_a_time_is_read_as_each_of_them_writes_it(written: object, meant: datetime | None) -> None:
    assert reading.moment(written) == meant


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("anna@guest.example", "anna@guest.example"),
        ("Anna <anna@guest.example>", "anna@guest.example"),
        ("<anna@guest.example>", "anna@guest.example"),
        ('"A <b>" <anna@guest.example>', "anna@guest.example"),
        (None, ""),
        (["anna@guest.example"], ""),
    ],
)
def test_an_address_is_read_with_a_name_and_without(written: object, meant: str) -> None:
    assert reading.address(written) == meant


def test_a_word_of_theirs_holds_no_address() -> None:
    assert reading.word("blocked", None, "for anna@guest.example", 7) == "blocked for <address> 7"


def test_an_id_that_is_too_long_is_made_shorter_and_stays_its_own() -> None:
    assert reading.event_id("abc", {"a": 1}) == "abc"
    long, longer = reading.event_id("x" * 101, {"a": 1}), reading.event_id("x" * 101, {"a": 2})
    assert len(long) == len(longer) == 64
    assert long != longer
    assert reading.event_id(None, {"a": 1, "b": 2}) == reading.event_id("", {"b": 2, "a": 1})

"""What a look from outside sees, and a log in which every change shows."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from listkeeper.deliverability import probe, probe_log
from listkeeper.deliverability.finding import Severity
from listkeeper.deliverability.probe import Look, Watched
from listkeeper.deliverability.probe_log import NOTHING, Checked
from listkeeper.foundation import clock
from listkeeper.foundation.errors import Invalid
from listkeeper.foundation.fetch import Outcome, Reached, Refused, Unreachable
from listkeeper.standards import canonical_json
from listkeeper.standards.dns import StaticResolver

_NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
_PUBLIC = _KEY.public_key()
_FORM, _TRACKING = "https://shop.example/f/news", "https://t.shop.example/l/x"
_DKIM = "v=DKIM1; k=ed25519; p=" + "A" * 43 + "="
_ZONE: dict[str, dict[str, list[str]]] = {
    "shop.example": {"A": ["192.0.2.1"], "TXT": ["v=spf1 -all"]},
    "t.shop.example": {"A": ["192.0.2.2"], "AAAA": ["2001:db8::2"]},
    "_dmarc.shop.example": {"TXT": ["v=DMARC1; p=none"]},
    "lk1._domainkey.shop.example": {"TXT": [_DKIM]},
}


class _Web:
    """Answers as told; what it does not know is not there."""

    def __init__(self, **said: Outcome) -> None:
        self._said = {_FORM: said.get("form"), _TRACKING: said.get("tracking")}

    def head(self, url: str, /) -> Outcome:
        return self._said.get(url) or Reached(200, url)


def _look(
    web: _Web | None = None, zone: dict[str, dict[str, list[str]]] = _ZONE, *, failing: tuple[str, ...] = ()
) -> Look:
    watched = Watched({"form": _FORM, "tracking": _TRACKING}, "shop.example", ("lk1",))
    return probe.look(watched, web or _Web(), StaticResolver(zone, failing=failing))


def test_all_is_well() -> None:
    seen = _look()
    assert seen.worst is Severity.INFO
    assert [(row["what"], row["status"], row["certificate"]) for row in seen.seen["pages"]] == [
        ("form", 200, "valid"),
        ("tracking", 200, "valid"),
    ]
    assert seen.seen["records"] == {"spf": "present", "dmarc": "present", "dkim lk1": "present"}
    told = {(row["name"], row["type"]): row["records"] for row in seen.seen["dns"]}
    assert told["t.shop.example", "AAAA"] == ["2001:db8::2"]
    assert told["shop.example", "TXT"] == ["v=spf1 -all"]
    assert len(seen.seen["records_sha256"]) == 64
    canonical_json.dumps(seen.seen)


@pytest.mark.parametrize(("days", "worst"), [(90, Severity.INFO), (14, Severity.INFO), (13, Severity.WARN)])
def test_a_certificate_that_ends_soon_is_told_before_it_does(
    frozen_clock: time_machine.Traveller, days: int, worst: Severity
) -> None:
    seen = _look(_Web(form=Reached(200, _FORM, clock.now() + timedelta(days=days, hours=1))))
    assert (seen.seen["pages"][0]["certificate_days"], seen.worst) == (days, worst)


@pytest.mark.parametrize(
    ("outcome", "status", "certificate"),
    [
        (Reached(503, _FORM), 503, "valid"),
        (Reached(404, "http://shop.example/"), 404, "none"),
        (Unreachable("its certificate is not valid: expired"), 0, "unknown"),
        (Refused("shop.example lies in a private network"), 0, "unknown"),
    ],
)
def test_a_page_that_does_not_answer_as_it_should(outcome: Outcome, status: int, certificate: str) -> None:
    seen = _look(_Web(form=outcome))
    row = seen.seen["pages"][0]
    assert (row["status"], row["certificate"]) == (status, certificate)
    assert row["problem"] == getattr(outcome, "reason", "")
    assert seen.worst is Severity.ERROR
    assert _look(_Web(form=Reached(204, _FORM))).worst is Severity.INFO


@pytest.mark.parametrize(
    ("name", "record"),
    [("shop.example", "spf"), ("_dmarc.shop.example", "dmarc"), ("lk1._domainkey.shop.example", "dkim lk1")],
)
def test_a_record_is_absent_or_unknown_and_never_mixed_up(name: str, record: str) -> None:
    whole = _look().seen["records_sha256"]
    gone = _look(zone={key: {"A": ["192.0.2.1"]} if key == name else at for key, at in _ZONE.items()})
    assert gone.seen["records"][record] == "absent"
    assert gone.worst is Severity.ERROR
    assert gone.seen["records_sha256"] not in {"", whole}
    zone = {key: at for key, at in _ZONE.items() if key != name} | {name: {"A": ["192.0.2.1"], "AAAA": []}}
    silent = _look(zone=zone, failing=(name,))
    assert silent.seen["records"][record] == "unknown"
    assert silent.worst is Severity.UNKNOWN
    assert silent.seen["records_sha256"] == ""


def test_the_hash_is_that_of_the_records_and_not_of_their_order() -> None:
    twice = _ZONE | {"t.shop.example": {"A": ["192.0.2.2", "192.0.2.3"], "AAAA": ["2001:db8::2"]}}
    turned = _ZONE | {"t.shop.example": {"A": ["192.0.2.3", "192.0.2.2"], "AAAA": ["2001:db8::2"]}}
    hashes = {_look(zone=zone).seen["records_sha256"] for zone in (twice, turned)}
    assert len(hashes) == 1
    assert _look().seen["records_sha256"] not in hashes


def test_a_withdrawn_key_is_no_key_and_bytes_of_strangers_do_no_harm() -> None:
    zone = _ZONE | {"lk1._domainkey.shop.example": {"TXT": ["v=DKIM1; p="]}, "shop.example": {"TXT": ["\xff\x00\x85"]}}
    seen = _look(zone=zone)
    assert seen.seen["records"] == {"spf": "absent", "dmarc": "present", "dkim lk1": "absent"}
    canonical_json.dumps(seen.seen)
    assert probe.look(Watched({"form": "http://[bad"}, "shop.example"), _Web(), StaticResolver(zone)).seen["pages"]


def _log(count: int) -> list[bytes]:
    lines, end = [], NOTHING
    for number in range(count):
        line, end = probe_log.signed({"pages": [], "x": f"ø {number}"}, end, _NOW + timedelta(minutes=number), _KEY)
        lines.append(line)
    return lines


def _check(lines: list[bytes]) -> Checked:
    return probe_log.verify(lines, _PUBLIC)


def _places(lines: list[bytes]) -> list[tuple[int, str]]:
    return [(fault.line, fault.code) for fault in _check(lines).faults]


def test_a_log_that_nobody_touched_is_true() -> None:
    lines = _log(5)
    checked = _check(lines)
    assert (checked.lines, checked.faults) == (5, ())
    assert (checked.first.number, checked.last.number, checked.last.at) == (1, 5, "2026-11-23T08:04:00.000Z")
    assert probe_log.end_of(lines[-1][:-1], _PUBLIC) == checked.last
    assert all(canonical_json.loads_strict(line[:-1]) for line in lines)
    assert _check([]).lines == 0


def test_what_was_taken_out_moved_or_put_in_shows() -> None:
    lines = _log(5)
    assert _places([*lines[:2], *lines[3:]]) == [(3, "order")]
    assert _places(lines[1:]) == [(1, "order")]
    assert "begins with line 2" in _check(lines[1:]).faults[0].sentence
    assert _places([lines[0], lines[2], lines[1], *lines[3:]]) == [(2, "order"), (3, "order"), (4, "order")]
    assert _places([*lines[:3], lines[2], *lines[3:]]) == [(4, "order")]
    other = probe_log.signed({"x": "y"}, probe_log.end_of(lines[1][:-1], _PUBLIC), _NOW, Ed25519PrivateKey.generate())[
        0
    ]
    assert _places([*lines[:2], other, *lines[3:]]) == [(3, "changed"), (4, "order")]
    # Nothing in the log itself tells of a missing end; its last line does, to who knows it.
    assert _places(lines[:3]) == []
    assert _check(lines[:3]).last != _check(lines).last


@given(st.data())
def test_every_changed_byte_shows(data: st.DataObject) -> None:
    lines = _log(3)
    which = data.draw(st.integers(0, 2))
    at = data.draw(st.integers(0, len(lines[which]) - 1))
    changed = bytearray(lines[which])
    changed[at] ^= data.draw(st.integers(1, 255))
    lines[which] = bytes(changed)
    assert _places(lines)
    assert _places(lines)[0][0] == which + 1


@given(st.lists(st.binary(max_size=60) | st.sampled_from(_log(3)), max_size=8))
def test_any_lines_are_read_and_only_the_log_itself_is_true(lines: list[bytes]) -> None:
    true = not _check(lines).faults
    assert true is (lines == _log(3)[: len(lines)])


@pytest.mark.parametrize(
    "change", [{"v": 2}, {"number": "1"}, {"signature": 7}, {"signature": "é"}, {"at": 1}, {"before": 0}]
)
def test_a_line_of_another_shape_is_none_of_such_a_log(change: dict[str, Any]) -> None:
    (line,) = _log(1)
    wrong = canonical_json.dumps(json.loads(line) | change) + b"\n"
    assert _places([wrong]) in ([(1, "unreadable")], [(1, "changed")])
    with pytest.raises(Invalid):
        probe_log.end_of(wrong[:-1], _PUBLIC)


def test_keys_are_printed_and_read() -> None:
    text = probe_log.public_text(_PUBLIC)
    assert len(text) == 44
    assert probe_log.public_key(f" {text}\n").public_bytes_raw() == _PUBLIC.public_bytes_raw()
    for wrong in ("", "AAAA", text[:-1], text + "A", "é" * 44):
        with pytest.raises(Invalid):
            probe_log.public_key(wrong)

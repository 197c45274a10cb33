"""TLS reports: every field is read, and what is none is refused in words."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listkeeper.standards import tls_report
from listkeeper.standards.packed_report import Refusal
from listkeeper.standards.tls_report import Failure, PolicyResult, Report
from tests.makers import receiver_reports as reports

_JSON = reports.tls()
_NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
_FAILURE = Failure("certificate-expired", 2, "", "", "mx.shop.example", "", "", "")
_POLICY = PolicyResult("sts", "shop.example", ("version: STSv1",), ("*.shop.example",), 7, 2, (_FAILURE,))
_REPORT = Report(
    "Sender", "tls@sender.example", "t-1",
    datetime(2026, 11, 22, tzinfo=UTC), datetime(2026, 11, 22, 23, 59, 59, tzinfo=UTC), (_POLICY,),
)  # fmt: skip


@pytest.mark.parametrize(
    "data",
    [
        _JSON,
        b"\xef\xbb\xbf\n" + _JSON,
        _JSON.decode().encode("utf-16"),
        reports.gzipped(_JSON),
        reports.zipped(_JSON, "x.xml"),
        reports.mail(("text/plain", b"A report."), ("application/tlsrpt+gzip", reports.gzipped(_JSON))),
        reports.mail(("application/tlsrpt+json", _JSON)),
        reports.mail(("text/html", b"<a>"), ("application/octet-stream", reports.zipped(_JSON))),
    ],
    ids=range(8),
)
def test_every_form_is_read(data: bytes) -> None:
    assert tls_report.read(data, now=_NOW) == _REPORT
    assert (_REPORT.successful, _REPORT.failed) == (7, 2)


def _of_one(policy: dict[str, Any]) -> Report | Refusal:
    return tls_report.read(reports.tls(policies=[policy]), now=_NOW)


def test_what_is_not_said_is_empty_and_what_has_the_wrong_kind_too() -> None:
    nothing = PolicyResult("", "", (), (), 0, 0, ())
    wrong: dict[str, Any] = {"policy": {"policy-type": 5, "policy-string": 7}, "failure-details": {}}
    policies: list[dict[str, Any]] = [{}, {"policy": []}, wrong]
    for policy in policies:
        found = _of_one(policy)
        assert isinstance(found, Report)
        assert found.policies == (nothing,)
    found = tls_report.read(reports.tls(policies=[1, None, [], "x"]))
    assert isinstance(found, Report)
    assert found.policies == ()


def test_every_field_of_a_failure_is_read_and_made_safe() -> None:
    details = {
        "result-type": "STARTTLS-not-supported", "sending-mta-ip": "192.0.2.1", "receiving-ip": "2001:db8::2",
        "receiving-mx-hostname": "MX.shop.example", "receiving-mx-helo": "Helo.example", "failed-session-count": "12",
        "additional-information": "https://x.example/\u001b[2J\ud800", "failure-reason-code": "E\u0000 1",
    }  # fmt: skip
    policy = {"policy": {"policy-type": "TLSA", "mx-host": ["a", 5, "b"], "policy-string": "one"}}
    found = _of_one(policy | {"failure-details": [details, "no object"]})
    assert isinstance(found, Report)
    (read,) = found.policies
    assert (read.policy_type, read.mx_hosts, read.policy_string) == ("tlsa", ("a", "b"), ("one",))
    assert read.failures == (
        Failure(
            "starttls-not-supported", 12, "192.0.2.1", "2001:db8::2", "mx.shop.example", "helo.example",
            "https://x.example/\ufffd[2J\ufffd", "E\ufffd 1",
        ),
    )  # fmt: skip


def test_moments_with_an_offset_are_put_into_utc() -> None:
    span = {"start-datetime": "2026-11-22T01:00:00+01:00", "end-datetime": "2026-11-22 23:59:59"}
    found = tls_report.read(reports.tls(**{"date-range": span}))
    assert isinstance(found, Report)
    assert (found.begin, found.end) == (_REPORT.begin, _REPORT.end)


def _span(start: object, end: object) -> bytes:
    return reports.tls(**{"date-range": {"start-datetime": start, "end-datetime": end}})


def _counting(number: object) -> bytes:
    return reports.tls(policies=[{"summary": {"total-failure-session-count": number}}])


_AHEAD = (_NOW + timedelta(days=3)).isoformat()


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty"),
        (b"<feedback/>", "not_tls_report"),
        (b"[]", "not_tls_report"),
        (b"{}", "not_tls_report"),
        (b'{"policies": {}}', "not_tls_report"),
        (b"{", "not_json"),
        (_JSON[:-1], "not_json"),
        (b'{"policies": [NaN]}', "not_json"),
        (b'{"policies": [' + b"9" * 5_000 + b"]}", "not_json"),
        (b'{"policies": ' + b"[" * 200_000, "not_json"),
        (b'{"policies": ["\xff"]}', "not_json"),
        (reports.tls(**{"report-id": 5}), "no_report_id"),
        (reports.tls(**{"report-id": " "}), "no_report_id"),
        (reports.tls(**{"date-range": None}), "date_range"),
        (_span("yesterday", "2026-11-22T00:00:00Z"), "date_range"),
        (_span("2026-11-22T00:00:00Z", 5), "date_range"),
        (_span("2026-11-22T00:00:01Z", "2026-11-22T00:00:00Z"), "date_range"),
        (_span("2024-11-22T00:00:00Z", "2026-11-22T00:00:00Z"), "date_range"),
        (_span("0001-01-01T00:00:00+23:00", "2026-11-22T00:00:00Z"), "date_range"),
        (_span("2026-11-22T00:00:00Z", _AHEAD), "date_range"),
        (_counting(-1), "count"),
        (_counting(True), "count"),
        (_counting(1.5), "count"),
        (_counting(10**12), "count"),
        (_counting([]), "count"),
        (reports.tls(policies=[{}] * 1_001), "too_many_rows"),
        (reports.tls(policies=[{"failure-details": [{}] * 5_001}] * 2), "too_many_rows"),
        (b'{"policies": [' + b" " * 5_000_000 + b"]}", "too_large"),
    ],
)
def test_what_is_no_report_is_refused_in_words(data: bytes, code: str) -> None:
    found = tls_report.read(data, now=_NOW)
    assert isinstance(found, Refusal)
    assert found.code == code
    assert found.reason.endswith(".")


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(sorted(json.loads(_JSON))), inner),
    max_leaves=10,
)


@given(st.dictionaries(st.sampled_from(sorted(json.loads(_JSON))), _json))
def test_any_values_are_read_or_refused(changed: dict[str, Any]) -> None:
    found = tls_report.read(reports.tls(**changed))
    if isinstance(found, Report):
        assert found.begin <= found.end
        assert found.report_id.isprintable()
        assert found.organization_name.isprintable()
    else:
        assert found.reason


@given(st.binary(max_size=200), st.integers(0, len(_JSON)), st.integers(0, 30))
def test_any_bytes_are_read_or_refused(data: bytes, place: int, length: int) -> None:
    for changed in (data, b"{" + data, _JSON[:place] + data[:10] + _JSON[place + length :]):
        found = tls_report.read(changed)
        assert isinstance(found, Report) or found.reason

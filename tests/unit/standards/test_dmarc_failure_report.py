"""Failure reports: the few fields that matter, the head of the message and never its body, or a refusal in words."""

from __future__ import annotations

from datetime import UTC, datetime
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listkeeper.standards import dmarc_failure_report
from listkeeper.standards.dmarc_failure_report import FailureReport
from listkeeper.standards.packed_report import USUAL, Limits, Refusal
from tests.makers import receiver_reports as reports

_MAIL = reports.failure()


def _read(data: bytes, limits: Limits = USUAL) -> FailureReport:
    found = dmarc_failure_report.read(data, limits)
    assert isinstance(found, FailureReport), found
    return found


def test_the_fields_and_the_head_of_the_message_are_read() -> None:
    changed = reports.failure(
        DKIM_Domain="D.example", DKIM_Selector="s1", Original_Mail_From="<a@b.example>",
        Original_Rcpt_To="<c@d.example>", Authentication_Results="r.example; dmarc=fail", Delivery_Result="Reject",
        Reported_Domain="Shop.example.",
    )  # fmt: skip
    assert _read(changed) == FailureReport(
        source_ip=ip_address("192.0.2.9"),
        reported_domain="shop.example",
        auth_failure="dmarc",
        delivery_result="reject",
        identity_alignment="none",
        dkim_domain="d.example",
        dkim_selector="s1",
        original_mail_from="<a@b.example>",
        original_rcpt_to="<c@d.example>",
        arrival_date=datetime(2026, 11, 22, 9, tzinfo=UTC),
        authentication_results=("r.example; dmarc=fail",),
        user_agent="Receiver/1.0",
        headers=(("from", "shop@shop.example"), ("subject", "Not from us")),
    )


@pytest.mark.parametrize(
    ("written", "source"),
    [
        ("192.0.2.1 (host.example)", "192.0.2.1"), ("[2001:db8::1]", "2001:db8::1"),
        ("::ffff:192.0.2.1", "192.0.2.1"), ("nowhere", None), ("", None), ("fe80::1%eth0", None),
    ],
)  # fmt: skip
def test_forms_of_the_source(written: str, source: str | None) -> None:
    found = _read(reports.failure(Source_IP=written)).source_ip
    assert (None if found is None else str(found)) == source


@pytest.mark.parametrize(
    "written", ["", "yesterday", "Sun, 99 Nov 2026 10:00:00 +0100", "Fri, 31 Dec 9999 23:59:00 -2300"]
)
def test_a_date_that_is_none_is_none(written: str) -> None:
    assert _read(reports.failure(Arrival_Date=written)).arrival_date is None


def test_wrong_media_types_and_a_report_without_the_message_are_read() -> None:
    for wrong in (b"text/plain", b"application/octet-stream"):
        assert _read(_MAIL.replace(b"message/feedback-report", wrong)) == _read(_MAIL)
    alone = b"Content-Type: message/feedback-report\n\nFeedback-Type: Auth-Failure\nReported-Domain: shop.example\n"
    assert _read(alone).headers == ()
    headers = _MAIL.replace(b"message/rfc822", b"text/rfc822-headers")
    assert _read(headers).headers == (("from", "shop@shop.example"), ("subject", "Not from us"))


def test_texts_and_headers_are_bounded_and_safe() -> None:
    long = _MAIL.replace(b"Subject: Not", b"X: \x1b[2J\r\n" * 400 + b"Subject: " + b"y" * 3_000)
    read = _read(long.replace(b"Receiver/1.0", b"\x9b" + b"z" * 3_000), Limits(text=50, extras=10))
    assert len(read.headers) == 10
    assert read.headers[1] == ("x", "\ufffd[2J")
    assert (len(read.user_agent), read.user_agent[0], read.user_agent[-1]) == (50, "\ufffd", "…")


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty"),
        (reports.xml(), "not_feedback"),
        (reports.gzipped(_MAIL), "not_feedback"),
        (b"hello", "not_feedback"),
        (reports.mail(("text/plain", b"Hello")), "not_feedback"),
        (b"Content-Type: message/feedback-report\n\nVersion: 1\n", "not_feedback"),
        (reports.failure(Feedback_Type="abuse"), "not_auth_failure"),
        (reports.failure(Reported_Domain=""), "no_domain"),
    ],
)
def test_what_is_none_is_refused_in_words(data: bytes, code: str) -> None:
    found = dmarc_failure_report.read(data)
    assert isinstance(found, Refusal)
    assert found.code == code
    assert found.reason.endswith(".")


def test_a_mail_that_is_too_large_is_refused() -> None:
    found = dmarc_failure_report.read(_MAIL, Limits(received=len(_MAIL) - 1))
    assert isinstance(found, Refusal)
    assert found.code == "too_large"
    assert _read(_MAIL, Limits(received=len(_MAIL))) == _read(_MAIL)


@given(st.integers(0, len(_MAIL)), st.integers(0, 60), st.binary(max_size=30))
def test_a_changed_report_is_read_or_refused(place: int, length: int, instead: bytes) -> None:
    found = dmarc_failure_report.read(_MAIL[:place] + instead + _MAIL[place + length :])
    if isinstance(found, FailureReport):
        assert found.reported_domain
        assert all(text.isprintable() for pair in found.headers for text in pair)
        assert found.arrival_date is None or found.arrival_date.tzinfo is UTC
    else:
        assert found.reason


@given(st.binary(max_size=300))
def test_any_bytes_are_refused_or_read(data: bytes) -> None:
    for start in (b"", b"Feedback-Type: auth-failure\n", b"A: b\n\nFeedback-Type: auth-failure\nReported-Domain: a\n"):
        found = dmarc_failure_report.read(start + data)
        assert isinstance(found, FailureReport) or found.reason

"""Feedback reports: kinds, whom they are about and what is blackened, in the standard's form and in an older one."""

from __future__ import annotations

from datetime import UTC, datetime
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listkeeper.standards import arf
from listkeeper.standards.arf import Feedback

_FIELDS = (
    "Feedback-Type: abuse\nUser-Agent: SomeGenerator/1.0\nVersion: 1\nOriginal-Mail-From: <b+1@bounce.shop.example>\n"
    "Original-Rcpt-To: <freja@guest.example>\nOriginal-Rcpt-To: ole@guest.example\n"
    "Arrival-Date: Mon, 23 Nov 2026 09:00:00 +0100\nSource-IP: 192.0.2.1\nReported-Domain: Shop.example\n"
    "Incidents: 3\n"
)


def _mail(fields: str = _FIELDS, kind: str = "message/feedback-report") -> bytes:
    return (
        "From: feedback@guest.example\nSubject: FW: buns\n"
        "Content-Type: multipart/report; report-type=feedback-report; boundary=b\n\n--b\n\nA reader complained.\n"
        f"--b\nContent-Type: {kind}\n\n{fields}\n--b\nContent-Type: message/rfc822\n\n"
        "Return-Path: <b+1@bounce.shop.example>\nMessage-ID: <1@shop.example>\n\nHello\n--b--\n"
    ).encode()


def test_all_that_a_report_says() -> None:
    assert arf.read(_mail()) == Feedback(
        kind="abuse",
        user_agent="SomeGenerator/1.0",
        source_ip=ip_address("192.0.2.1"),
        original_mail_from="b+1@bounce.shop.example",
        recipients=("freja@guest.example", "ole@guest.example"),
        arrival_date=datetime(2026, 11, 23, 8, tzinfo=UTC),
        reported_domains=("shop.example",),
        incidents=3,
        returned=(("return-path", "<b+1@bounce.shop.example>"), ("message-id", "<1@shop.example>")),
    )


@pytest.mark.parametrize(
    ("written", "kind"),
    [
        ("abuse", "abuse"), ("Fraud", "fraud"), ("not-spam", "not-spam"), ("opt-out", "opt-out"), ("virus", "virus"),
        ("auth-failure", "auth-failure"), ("other", "other"), ("abuse (a comment)", "abuse"), ("x" * 99, "x" * 40),
    ],
)  # fmt: skip
def test_the_kinds(written: str, kind: str) -> None:
    found = arf.read(_mail(f"Feedback-Type: {written}\n"))
    assert found is not None
    assert found.kind == kind


def test_only_the_kind_has_to_be_there() -> None:
    found = arf.read(_mail("Feedback-Type: abuse\nArrival-Date: soon\nSource-IP: here\nIncidents: many\n"))
    assert found is not None
    assert (found.recipients, found.arrival_date, found.source_ip, found.incidents) == ((), None, None, 1)


def test_a_blackened_recipient_is_none() -> None:
    found = arf.read(_mail("Feedback-Type: abuse\nOriginal-Rcpt-To: [REDACTED] by us\n"))
    assert found is not None
    assert found.recipients == ()


def test_fields_in_another_part() -> None:
    found = arf.read(_mail(kind="text/plain"))
    assert found is not None
    assert found.recipients[0] == "freja@guest.example"


_STAFF = (
    "From: staff@hotmail.com\nSubject: complaint about message from 192.0.2.1\n"
    "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: message/rfc822\n\n"
    "X-HmXmrOriginalRecipient: freja@guest.example\nDate: Mon, 23 Nov 2026 08:00:00 +0000\n"
    "Message-ID: <1@shop.example>\n\nHello\n--b--\n"
)


def test_the_complaint_that_is_only_the_message() -> None:
    found = arf.read(_STAFF.encode())
    assert found is not None
    assert (found.kind, found.recipients, str(found.source_ip)) == ("abuse", ("freja@guest.example",), "192.0.2.1")
    assert found.arrival_date == datetime(2026, 11, 23, 8, tzinfo=UTC)
    assert arf.read(_STAFF.replace("complaint about", "about a").encode()) is None
    assert arf.read(_STAFF.replace("X-HmXmr", "X-").encode()) is None


@pytest.mark.parametrize("mail", [b"", _mail(""), _mail("Version: 1\n"), b"Subject: x\n\nSome Feedback-Type: abuse\n"])
def test_what_names_no_kind_is_none(mail: bytes) -> None:
    assert arf.read(mail) is None


@given(st.binary(max_size=400), st.sampled_from(["abuse", "opt-out"]))
def test_no_bytes_raise_and_the_kind_stays(junk: bytes, kind: str) -> None:
    assert arf.read(junk) is None or b":" in junk
    found = arf.read(
        _mail(f"Feedback-Type: {kind}\n").replace(
            b"\n\n--b\nContent-Type: message", b"\n" + junk.replace(b"-", b"") + b"\n--b\nContent-Type: message"
        )
    )
    assert found is not None
    assert found.kind == kind

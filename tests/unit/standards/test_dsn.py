"""Reports on deliveries: as the standard writes them, and in the ways in which they come broken."""

from __future__ import annotations

from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listkeeper.standards import dsn, mail_parts
from listkeeper.standards.dsn import Action, Recipient, Report

_WHOLE = b"Reporting-MTA: dns; mx.guest.example\nOriginal-Envelope-Id: e-1\n"
_ONE = (
    b"Original-Recipient: rfc822; freja+news@guest.example\nFinal-Recipient: rfc822; freja@inside.example\n"
    b"Action: failed\nStatus: 5.1.1\nRemote-MTA: dns; mx2.guest.example\n"
    b"Diagnostic-Code: smtp; 550 5.1.1 <freja@inside.example>:\n User unknown\n"
)
_READ = Recipient(
    address="freja@inside.example",
    original="freja+news@guest.example",
    action=Action.FAILED,
    status="5.1.1",
    diagnostic="550 5.1.1 <freja@inside.example>: User unknown",
    remote_mta="mx2.guest.example",
)


def _mail(status: bytes, kind: bytes = b"message/delivery-status") -> bytes:
    return (
        b"From: MAILER-DAEMON@mx.example\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n\n"
        b"--b\n\nIt failed.\n--b\nContent-Type: " + kind + b"\n\n" + status + b"\n--b\nContent-Type: message/rfc822\n\n"
        b"Message-ID: <1@shop.example>\nSubject: buns\n\nHello\n--b--\n"
    )


def _one(status: bytes) -> Recipient:
    report = dsn.read(_mail(_WHOLE + b"\n" + status))
    assert report is not None
    (found,) = report.recipients
    return found


def test_a_report_as_the_standard_writes_it() -> None:
    assert dsn.read(_mail(_WHOLE + b"\n" + _ONE)) == Report("mx.guest.example", "e-1", (_READ,))


@pytest.mark.parametrize("lines", [b"\n", b"\r\n"])
@pytest.mark.parametrize(
    "status",
    [
        _WHOLE + _ONE,
        _ONE,
        b"\n\n" + _WHOLE + b"\n\n\n" + _ONE + b"\n \t\n",
        # An empty line between the fields of one recipient.
        _WHOLE + b"\n" + _ONE.replace(b"Status:", b"\nStatus:"),
    ],
)
def test_empty_lines_part_nothing_that_belongs_together(status: bytes, lines: bytes) -> None:
    report = dsn.read(_mail(status).replace(b"\n", lines))
    assert report is not None
    assert report.recipients == (_READ,)


def test_recipients_without_an_empty_line_between_them() -> None:
    status = b"".join(
        b"Final-Recipient: rfc822; %d@guest.example\nAction: failed\nStatus: 5.%d.0\n" % (n, n) for n in (1, 2, 3)
    )
    report = dsn.read(_mail(_WHOLE + b"\n" + status))
    assert report is not None
    assert [(one.address, one.status) for one in report.recipients] == [
        (f"{n}@guest.example", f"5.{n}.0") for n in (1, 2, 3)
    ]


@pytest.mark.parametrize("kind", [b"text/plain", b"message/global-delivery-status", b"Message/Delivery-Status"])
def test_a_report_in_another_part(kind: bytes) -> None:
    report = dsn.read(_mail(_WHOLE + b"\n" + _ONE, kind))
    assert report is not None
    assert report.recipients == (_READ,)
    assert report.reporting_mta == "mx.guest.example"


def test_another_delimiter_than_the_one_announced() -> None:
    broken = (
        _mail(_WHOLE + b"\n" + _ONE)
        .replace(b"boundary=b", b"boundary=other")
        .replace(b"--b\n\n", b"--b\nContent-Type: text/plain\n\n")
    )
    report = dsn.read(broken)
    assert report is not None
    assert report.recipients == (_READ,)


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("rfc822; freja@guest.example", "freja@guest.example"),
        ("RFC822;<freja@guest.example>", "freja@guest.example"),
        ("freja@guest.example", "freja@guest.example"),
        ("rfc822; freja@guest.example (Freja)", "freja@guest.example"),
        ("utf-8; fr\\x{E6}ja@guest.example", "fræja@guest.example"),
        ("utf-8; fræja@guest.example", "fræja@guest.example"),
        ("rfc822; freja+40guest.example", "freja@guest.example"),
        ("rfc822; freja+41@guest.example", "freja+41@guest.example"),
        ('rfc822; "two words"@guest.example', '"two words"@guest.example'),
        ("x400; /C=dk/S=Hansen", "/C=dk/S=Hansen"),
        ("rfc822; freja", "freja"),
        ("rfc822;", ""),
        ("rfc822; some words here", ""),
        ("utf-8; \\x{110000}a\\x{0}@b.example", "a@b.example"),
    ],
)
def test_forms_of_an_address(written: str, address: str) -> None:
    assert dsn.address_of(written) == address


@pytest.mark.parametrize(
    ("written", "action"),
    [
        ("failed", Action.FAILED), ("Failed (permanent)", Action.FAILED), ("failure", Action.FAILED),
        ("expired", Action.FAILED), ("delayed", Action.DELAYED), ("delivered (to mailbox)", Action.DELIVERED),
        ("relayed", Action.RELAYED), ("expanded", Action.EXPANDED), ("hopes", None), ("", None),
    ],
)  # fmt: skip
def test_words_for_what_was_done(written: str, action: Action | None) -> None:
    assert _one(f"Final-Recipient: rfc822; a@b.example\nAction: {written}\nX-Any: 1\n".encode()).action is action


@pytest.mark.parametrize(
    ("fields", "status", "diagnostic"),
    [
        ("Status: 5.0.0 (permanent failure)", "5.0.0", "permanent failure"),
        ("Status: 5.1.1\nDiagnostic-Code: X-Notes; not listed", "5.1.1", "not listed"),
        ("Status: 550 5.2.2", "5.2.2", ""),
        ("Status: unknown", "", "unknown"),
        ("Status: 192.5.1.1", "", "192.5.1.1"),
        ("Diagnostic-Code: 550 no such user", "", "550 no such user"),
    ],
)
def test_codes_and_words(fields: str, status: str, diagnostic: str) -> None:
    found = _one(f"Final-Recipient: rfc822; a@b.example\n{fields}\n".encode())
    assert (found.status, found.diagnostic) == (status, diagnostic)


def test_the_message_that_came_back() -> None:
    parts = mail_parts.parts(_mail(_ONE))
    assert dict(dsn.returned(parts)) == {"message-id": "<1@shop.example>", "subject": "buns"}
    assert dsn.has_status_part(parts)
    assert dsn.returned([]) == ()


@pytest.mark.parametrize(
    "mail",
    [
        b"", b"\n", b"Subject: hello\n\nFinal words\n", _mail(b""), _mail(_WHOLE),
        _mail(b"Final-Recipient:\nAction: failed\n"),
        b"Subject: x\n\n> Final-Recipient: rfc822; a@b.example\n> Action: failed\n",
    ],
)  # fmt: skip
def test_what_names_nobody_is_no_report(mail: bytes) -> None:
    assert dsn.read(mail) is None


def test_there_is_an_end_to_recipients() -> None:
    status = b"\n".join(b"Final-Recipient: rfc822; %d@guest.example\nStatus: 5.1.1\n" % n for n in range(500))
    report = dsn.read(_mail(status))
    assert report is not None
    assert len(report.recipients) == dsn.MOST_RECIPIENTS


_NAMES = st.sampled_from(["Final-Recipient", "Original-Recipient", "Action", "Status", "Diagnostic-Code", "Remote-MTA"])
_LINES = st.lists(st.tuples(_NAMES, st.text(st.characters(exclude_categories=["C"]), max_size=40)), max_size=20)


@given(_LINES, st.integers(0, 3))
def test_any_fields_are_read_in_their_order(lines: list[tuple[str, str]], gaps: int) -> None:
    status = ("\n" * gaps).join(f"{name}: {text}\n" for name, text in lines).encode()
    report = dsn.read(_mail(status))
    wanted = [
        found for name, text in lines if name == "Final-Recipient" and (found := dsn.address_of(" ".join(text.split())))
    ]
    got = [one.address for one in report.recipients if one.address] if report else []
    assert got == wanted


@given(st.binary(max_size=600))
def test_no_bytes_raise(junk: bytes) -> None:
    for mail in (junk, _mail(junk), _mail(_ONE + junk)):
        report = dsn.read(mail)
        assert report is None or report.recipients


_PEOPLE = st.from_regex(r"[a-z'+-][a-z.'+-]{0,12}@[a-z]{1,8}\.example", fullmatch=True)


@given(st.lists(_PEOPLE, min_size=1, max_size=5, unique=True))
def test_what_another_program_writes_is_read(people: list[str]) -> None:
    message = EmailMessage()
    message["Subject"] = "Report"
    message.set_content("It failed.")
    blocks = [_WHOLE, *(f"Final-Recipient: rfc822; {one}\nAction: failed\nStatus: 5.1.1\n".encode() for one in people)]
    message.add_attachment(b"\n".join(blocks), "message", "x-status")
    raw = bytes(message).replace(b"message/x-status", b"message/delivery-status")
    report = dsn.read(raw)
    assert report is not None
    assert [one.address for one in report.recipients] == people

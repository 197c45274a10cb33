"""Mails that come back, as servers write them: a DSN (RFC 3464), a complaint (RFC 5965), an answer of a machine."""

from __future__ import annotations

from email.message import EmailMessage
from email.utils import format_datetime

from listkeeper.foundation import clock

RETURNS = "bounce.cafe.example"


def dsn(to: str, recipient: str, status: str, said: str, *, action: str = "failed", message_id: str = "") -> bytes:
    """Return a report of a mail server that could not deliver, or not yet."""
    outer = EmailMessage()
    outer["From"] = "MAILER-DAEMON@mx.guest.example"
    outer["To"] = to
    outer["Subject"] = "Undelivered Mail Returned to Sender"
    outer["Auto-Submitted"] = "auto-replied"
    outer["Date"] = format_datetime(clock.now())
    boundary = "=_part"
    head = outer.as_bytes().rstrip(b"\n")
    parts = f"""
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="{boundary}"

--{boundary}
Content-Type: text/plain; charset=utf-8

Your message could not be delivered to <{recipient}>: {said}

--{boundary}
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.guest.example

Final-Recipient: rfc822; {recipient}
Action: {action}
Status: {status}
Diagnostic-Code: smtp; {said}

--{boundary}
Content-Type: text/rfc822-headers

From: hello@cafe.example
To: {recipient}
Subject: Cardamom buns
Message-ID: {message_id or "<none@cafe.example>"}

--{boundary}--
"""
    return (head + parts.encode()).replace(b"\n", b"\r\n")


def complaint(to: str, recipient: str, *, message_id: str = "", kind: str = "abuse") -> bytes:
    """Return the report of a feedback loop."""
    boundary = "=_arf"
    return f"""From: feedback@arf.mail.example
To: {to}
Subject: complaint
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="{boundary}"

--{boundary}
Content-Type: text/plain

This is an email abuse report.

--{boundary}
Content-Type: message/feedback-report

Feedback-Type: {kind}
User-Agent: Mailbox/1.0
Version: 1
Original-Rcpt-To: {recipient}
Source-IP: 192.0.2.10

--{boundary}
Content-Type: message/rfc822

From: hello@cafe.example
To: {recipient}
Subject: Cardamom buns
Message-ID: {message_id or "<none@cafe.example>"}

Warm.

--{boundary}--
""".replace("\n", "\r\n").encode()


def answer(to: str, sender: str, text: str, *, in_reply_to: str = "", automatic: bool = False) -> bytes:
    """Return what a person, or her machine while she is away, writes back."""
    made = EmailMessage()
    made["From"] = f"Freja <{sender}>"
    made["To"] = to
    made["Subject"] = "Automatic reply: Cardamom buns" if automatic else "Re: Cardamom buns"
    made["Date"] = format_datetime(clock.now())
    made["Message-ID"] = f"<{clock.in_milliseconds(clock.now())}.{len(text)}@guest.example>"
    if in_reply_to:
        made["In-Reply-To"] = in_reply_to
    if automatic:
        made["Auto-Submitted"] = "auto-replied"
    made.set_content(text)
    return made.as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")

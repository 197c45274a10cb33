"""Mail that comes back to us: bounces and complaints as other servers write them, handed to the mailroom."""

from __future__ import annotations

from listkeeper import parts
from listkeeper.foundation.outbox import Lane
from listkeeper.mailroom import pipe
from tests.fakes.smtp_sink import Received
from tests.makers.works import HER, Works

_REPORT = "multipart/report; report-type={kind}; boundary=b"


def _report(kind: str, sent: Received, part: str, fields: str) -> bytes:
    """Return a report about a mail of ours, as RFC 3464 and RFC 5965 want it."""
    lines = [
        "From: MAILER-DAEMON@mx.guest.example", f"To: {sent.mail_from}", "Subject: report", "MIME-Version: 1.0",
        f"Content-Type: {_REPORT.format(kind=kind)}", "", "--b", "Content-Type: text/plain", "", "A report.", "--b",
        f"Content-Type: {part}", "", *fields.splitlines(), "", "--b", "Content-Type: message/rfc822", "",
        sent.content.decode("utf-8", "replace").rstrip(), "--b--", "",
    ]  # fmt: skip
    return "\r\n".join(lines).encode()


def bounce(sent: Received, to: str = HER, status: str = "5.1.1") -> bytes:
    """Return the report that a mail could not be delivered (RFC 3464)."""
    about = f"Final-Recipient: rfc822; {to}\nAction: failed\nStatus: {status}"
    fields = f"Reporting-MTA: dns; mx.guest.example\n\n{about}"
    return _report("delivery-status", sent, "message/delivery-status", fields)


def complaint(sent: Received, to: str = HER) -> bytes:
    """Return the report that a reader called a mail spam (RFC 5965)."""
    fields = f"Feedback-Type: abuse\nUser-Agent: guest/1\nVersion: 1\nOriginal-Rcpt-To: {to}"
    return _report("feedback-report", sent, "message/feedback-report", fields)


def have_a_return_path(works: Works) -> None:
    """Let what cannot be delivered come back to addresses of our own from now on."""
    known = works.app.config["LISTKEEPER"].model_copy(update={"return_path": "bounce.cafe.example"})
    works.app.config["LISTKEEPER"] = known
    parts.open_all(known)


def comes_back(works: Works, sent: Received, raw: bytes) -> None:
    """Hand a mail to the mailroom, as a mail server's pipe does, and let the workers react."""
    with works.app.app_context():
        pipe.take(raw, "", [sent.mail_from])
    for lane in (Lane.URGENT, Lane.BACKGROUND):
        works.work(lane, 3)

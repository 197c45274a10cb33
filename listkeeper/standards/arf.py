"""Feedback reports: a reader pressed "spam", or a receiver tells what happened to a mail (RFC 5965, 6650, 6591).

Of the fields only Feedback-Type is asked for; the rest is often left out or
blackened. The form of one large receiver that is older than the standard, a
bare message from its staff, is read as what it means.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from listkeeper.standards import dmarc_row, dsn, mail_parts
from listkeeper.standards.dmarc_row import Address
from listkeeper.standards.mail_parts import Fields, Part

_REPORT = "message/feedback-report"
_BEGINS = b"feedback-type:"
_MOST = 100
_JMRP_SUBJECT = re.compile(r"\s*complaint about message from ", re.IGNORECASE)
_JMRP_FIELD = "x-hmxmroriginalrecipient"


@dataclass(frozen=True, slots=True)
class Feedback:
    """One report; what it does not say is empty or None.

    ``kind`` is the Feedback-Type in small letters: abuse, fraud, virus,
    not-spam, other (RFC 5965), opt-out, auth-failure. ``arrival_date`` is UTC.
    ``recipients`` are the Original-Rcpt-To fields, which may be blackened.
    ``returned`` are the header fields of the message that it is about.
    """

    kind: str
    user_agent: str
    source_ip: Address | None
    original_mail_from: str
    recipients: tuple[str, ...]
    arrival_date: datetime | None
    reported_domains: tuple[str, ...]
    incidents: int
    returned: Fields


def read(message: bytes) -> Feedback | None:
    """Read the feedback report in a mail; None where there is none. Never raises."""
    head, _ = mail_parts.head_and_body(message)
    return of_parts(mail_parts.parts(message), mail_parts.fields(head))


def of_parts(parts: Sequence[Part], head: Fields = ()) -> Feedback | None:
    """Read the feedback report in the parts of a mail; ``head``: its own header fields."""
    fields = next((found for part in parts if (found := report_fields(part))), None)
    returned = dsn.returned(parts)
    if fields is None:
        return _of_staff(head, returned)
    incidents = mail_parts.value(fields, "incidents")
    return Feedback(
        kind=mail_parts.value(fields, "feedback-type").lower().split(" ")[0][:40],
        user_agent=mail_parts.value(fields, "user-agent"),
        source_ip=dmarc_row.address_of(mail_parts.value(fields, "source-ip").partition(" ")[0].strip("[]")),
        original_mail_from=dsn.address_of(mail_parts.value(fields, "original-mail-from")),
        recipients=tuple(filter(None, map(dsn.address_of, _values(fields, "original-rcpt-to")))),
        arrival_date=moment(mail_parts.value(fields, "arrival-date") or mail_parts.value(fields, "received-date")),
        reported_domains=tuple(text.lower() for text in _values(fields, "reported-domain")),
        incidents=int(incidents) if incidents.isascii() and incidents.isdigit() and len(incidents) < 9 else 1,  # noqa: PLR2004
        returned=returned,
    )


def report_fields(part: Part) -> Fields:
    """Return the fields of a feedback report; also of one whose media type is wrong, which its first field shows."""
    content = part.content.lstrip()
    if part.kind == _REPORT or content[: len(_BEGINS)].lower() == _BEGINS:
        fields = mail_parts.fields(content)
        return fields if mail_parts.value(fields, "feedback-type") else ()
    return ()


def _of_staff(head: Fields, returned: Fields) -> Feedback | None:
    """Read a complaint of Microsoft's Junk Mail Reporting Program: the message alone, the reader in a field of it."""
    reader = mail_parts.value(returned, _JMRP_FIELD)
    subject = mail_parts.value(head, "subject")
    if not reader or not _JMRP_SUBJECT.match(subject):
        return None
    source = dmarc_row.address_of(subject.rpartition(" ")[2])
    sent = moment(mail_parts.value(returned, "date"))
    return Feedback("abuse", "JMRP", source, "", (dsn.address_of(reader),), sent, (), 1, returned)


def _values(fields: Fields, name: str) -> list[str]:
    return [text for known, text in fields if known == name][:_MOST]


def moment(text: str) -> datetime | None:
    """Return a moment as mail writes it (RFC 5322 section 3.3), in UTC; None for what is none."""
    try:
        found = parsedate_to_datetime(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None

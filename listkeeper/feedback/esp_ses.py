"""Amazon SES, whose events come by SNS: JSON in the message of a signed JSON.

The same things are told in two ways, as ``notificationType`` of an identity and
as ``eventType`` of a configuration set. The signature is in ``esp_sns``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from listkeeper.deliverability.reply_class import ReplyClass
from listkeeper.feedback import esp_reading as reading
from listkeeper.feedback.esp_event import REPORTED, EspEvent, EventKind

# As many as one of its mails may have.
MOST_RECIPIENTS = 50
K, R = EventKind, ReplyClass


@dataclass(frozen=True, slots=True)
class _Record:
    """What a kind of event is, and where in it its own part and the recipients stand."""

    kind: EventKind
    part: str
    recipients: str = ""


_RECORDS: Mapping[str, _Record] = {
    "Send": _Record(K.SENT, "send"),
    "Delivery": _Record(K.DELIVERED, "delivery", "recipients"),
    "DeliveryDelay": _Record(K.DEFERRED, "deliveryDelay", "delayedRecipients"),
    "Bounce": _Record(K.BOUNCED, "bounce", "bouncedRecipients"),
    "Complaint": _Record(K.COMPLAINED, "complaint", "complainedRecipients"),
    "Reject": _Record(K.REJECTED, "reject"),
    "Rendering Failure": _Record(K.FAILED, "failure"),
    "Open": _Record(K.OPENED, "open"),
    "Click": _Record(K.CLICKED, "click"),
    "Subscription": _Record(K.UNKNOWN, "subscription"),
}
_PERMANENT, _TRANSIENT = "Permanent", "Transient"
# The sorts of a bounce: what it is, what that means, and whether for good. "General" is whatever they cannot name.
_BOUNCES: Mapping[tuple[str, str], tuple[EventKind, ReplyClass | None, bool | None]] = {
    (_PERMANENT, "General"): (K.BOUNCED, R.INACTIVE, True),
    (_PERMANENT, "NoEmail"): (K.BOUNCED, R.INVALID_ADDRESS, True),
    # They did not try: somebody's mail to this address came back to them, or the account's own did.
    (_PERMANENT, "Suppressed"): (K.REJECTED, R.INACTIVE, True),
    (_PERMANENT, "OnAccountSuppressionList"): (K.REJECTED, R.INACTIVE, None),
    (_PERMANENT, "UnsubscribedRecipient"): (K.REJECTED, None, None),
    (_TRANSIENT, "General"): (K.BOUNCED, R.TEMPORARY, False),
    (_TRANSIENT, "MailboxFull"): (K.BOUNCED, R.MAILBOX_FULL, False),
    (_TRANSIENT, "MessageTooLarge"): (K.BOUNCED, R.TOO_BIG, False),
    (_TRANSIENT, "ContentRejected"): (K.BOUNCED, R.CONTENT, False),
    (_TRANSIENT, "AttachmentRejected"): (K.BOUNCED, R.CONTENT, False),
    (_TRANSIENT, "CustomTimeoutExceeded"): (K.BOUNCED, R.TEMPORARY, False),
}
_DELAYS: Mapping[str, ReplyClass] = {
    "MailboxFull": R.MAILBOX_FULL,
    "SpamDetected": R.SPAM,
    "IPFailure": R.REPUTATION,
    "BYOIPHostNameLookupUnavailable": R.AUTH,
}
_NOTIFICATION = "Notification"


def bounced(sort: str, finer: str) -> tuple[EventKind, ReplyClass | None, bool | None]:
    """Return what a bounce of these two words is, what that means, and whether for good."""
    known = _BOUNCES.get((sort, finer)) or _BOUNCES.get((sort, "General"))
    return known or (K.BOUNCED, R.TEMPORARY, None)


def events(value: object) -> Iterator[EspEvent]:
    """Yield the events of a body, one for each recipient."""
    envelope = reading.members(value)
    if reading.text(envelope.get("Type")) != _NOTIFICATION:
        return
    message = envelope.get("Message")
    one = reading.members(reading.parsed(message.encode("utf-8", "replace")) if isinstance(message, str) else None)
    if not one:
        return
    theirs = reading.text(one.get("eventType")) or reading.text(one.get("notificationType"))
    record = _RECORDS.get(theirs, _Record(K.UNKNOWN, ""))
    part = reading.members(one.get(record.part))
    mail = reading.members(one.get("mail"))
    recipients = reading.each(part.get(record.recipients)) or reading.each(mail.get("destination")) or [None]
    for recipient in recipients[:MOST_RECIPIENTS]:
        yield _event(one, theirs, record, recipient)


def _event(one: Mapping[str, object], theirs: str, record: _Record, recipient: object) -> EspEvent:
    part, mail = reading.members(one.get(record.part)), reading.members(one.get("mail"))
    kind, hint, for_good, words = _meaning(record, part)
    held = reading.members(recipient)
    whom = reading.address(held.get("emailAddress") if held else recipient)
    said = reading.text(held.get("diagnosticCode")) or reading.text(part.get("smtpResponse"))
    if kind is K.REJECTED:
        said = ""
    # A bounce or complaint has the same id in both ways in which it is told.
    known = reading.text(part.get("feedbackId")) or (part, mail.get("messageId"))
    return EspEvent(
        kind=kind,
        at=reading.moment(part.get("timestamp")) or reading.moment(mail.get("timestamp")),
        event_id=reading.identity(theirs, known, whom),
        recipient=whom,
        message_id=_message_id(mail),
        token=_envelope_sender(mail),
        code=reading.code(None, said),
        status=reading.status(held.get("status"), said),
        text=said,
        word=reading.word(theirs, words),
        hint=hint,
        permanent_hint=for_good,
        raw=reading.raw(one),
    )


def _meaning(record: _Record, part: Mapping[str, object]) -> tuple[EventKind, ReplyClass | None, bool | None, str]:
    match record.kind:
        case K.BOUNCED:
            sort, finer = reading.text(part.get("bounceType")), reading.text(part.get("bounceSubType"))
            return *bounced(sort, finer), f"{sort} {finer}"
        case K.COMPLAINED:
            report, finer = reading.text(part.get("complaintFeedbackType")), reading.text(part.get("complaintSubType"))
            # With a finer word nobody complained now: it was not even sent, because somebody once did.
            kind = K.REJECTED if finer else REPORTED.get(report, K.COMPLAINED)
            return kind, None, None, f"{report} {finer}"
        case K.DEFERRED:
            sort = reading.text(part.get("delayType"))
            return K.DEFERRED, _DELAYS.get(sort, R.TEMPORARY), False, sort
        case K.UNKNOWN if record.part == "subscription":
            left = reading.members(part.get("newTopicPreferences")).get("unsubscribeAll") is True
            return K.UNSUBSCRIBED if left else K.UNKNOWN, None, None, ""
        case _:
            return record.kind, None, None, reading.text(part.get("reason"))


def _message_id(mail: Mapping[str, object]) -> str:
    """Return the Message-ID as we wrote it: SES sends the mail under another one, its own."""
    common = reading.members(mail.get("commonHeaders")).get("messageId")
    return reading.message_id(reading.header(mail.get("headers"), "message-id")) or reading.message_id(common)


def _envelope_sender(mail: Mapping[str, object]) -> str:
    return reading.address(reading.header(mail.get("headers"), "return-path")) or reading.address(mail.get("source"))

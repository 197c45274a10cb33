"""Postmark: one event in each post, behind a password of ours.

Its ``MessageID`` is its own. What comes back of ours is ``Metadata``, into which
``sending.postmark_api`` puts our return path, and the bounced mail itself where
the webhook sends the content along.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from listkeeper.deliverability.reply_class import ReplyClass
from listkeeper.feedback import esp_reading as reading
from listkeeper.feedback.esp_event import EspEvent, EventKind

K, R = EventKind, ReplyClass
# What kind of record, and where it says when and of whom.
_RECORDS: Mapping[str, tuple[EventKind, str, str]] = {
    "Bounce": (K.BOUNCED, "BouncedAt", "Email"),
    "SpamComplaint": (K.COMPLAINED, "BouncedAt", "Email"),
    "Delivery": (K.DELIVERED, "DeliveredAt", "Recipient"),
    "Open": (K.OPENED, "ReceivedAt", "Recipient"),
    "Click": (K.CLICKED, "ReceivedAt", "Recipient"),
    "SubscriptionChange": (K.UNKNOWN, "ChangedAt", "Recipient"),
}
# The types of a bounce: what it is, what that means, and whether for good.
_BOUNCES: Mapping[str, tuple[EventKind, ReplyClass | None, bool | None]] = {
    "HardBounce": (K.BOUNCED, R.INVALID_ADDRESS, True),
    "BadEmailAddress": (K.BOUNCED, R.INVALID_ADDRESS, True),
    "AddressChange": (K.BOUNCED, R.INVALID_ADDRESS, False),
    "ManuallyDeactivated": (K.REJECTED, None, None),
    "Transient": (K.DEFERRED, R.TEMPORARY, False),
    "DnsError": (K.BOUNCED, R.TEMPORARY, False),
    "SoftBounce": (K.BOUNCED, R.TEMPORARY, False),
    "Undeliverable": (K.BOUNCED, R.TEMPORARY, False),
    "Unknown": (K.BOUNCED, R.TEMPORARY, False),
    "Blocked": (K.BOUNCED, R.REPUTATION, False),
    "DMARCPolicy": (K.BOUNCED, R.AUTH, False),
    "SpamNotification": (K.BOUNCED, R.SPAM, False),
    "VirusNotification": (K.BOUNCED, R.CONTENT, False),
    "OpenRelayTest": (K.BOUNCED, R.RELAY, False),
    "SMTPApiError": (K.FAILED, None, None),
    "TemplateRenderingFailed": (K.FAILED, None, None),
    "InboundError": (K.UNKNOWN, None, None),
    "Unconfirmed": (K.UNKNOWN, None, None),
    "AutoResponder": (K.AUTORESPONDED, None, None),
    "ChallengeVerification": (K.AUTORESPONDED, None, None),
    "SpamComplaint": (K.COMPLAINED, None, None),
    "Unsubscribe": (K.UNSUBSCRIBED, None, None),
    "Subscribe": (K.SUBSCRIBED, None, None),
}
_OURS = re.compile(r"^Message-ID:\s*(<[^<>\s]{3,300}>)", re.IGNORECASE | re.MULTILINE)
_CONTENT_READ = 200_000


def events(value: object) -> Iterator[EspEvent]:
    """Yield the event of a body."""
    for one in map(reading.members, reading.each(value)):
        yield _event(one)


def _event(one: Mapping[str, object]) -> EspEvent:
    record, sort = reading.text(one.get("RecordType")), reading.text(one.get("Type"))
    kind, when, whom = _RECORDS.get(record, (K.UNKNOWN, "", "Recipient"))
    hint, for_good = None, None
    if kind is K.BOUNCED:
        kind, hint, for_good = _BOUNCES.get(sort, (K.UNKNOWN, None, None))
    elif record == "SubscriptionChange":
        kind = _changed(one)
    said = reading.text(one.get("Details")) if kind in {K.BOUNCED, K.DEFERRED, K.DELIVERED} else ""
    number = reading.text(one.get("ID"))
    return EspEvent(
        kind=kind,
        at=reading.moment(one.get(when)),
        event_id=reading.event_id(f"{record} {number}" if number else "", one),
        recipient=reading.address(one.get(whom)),
        message_id=_message_id(one),
        token=reading.text(reading.members(one.get("Metadata")).get("return-path"), 320),
        code=reading.code(None, said),
        status=reading.status(None, said),
        text=said,
        word=reading.word(record, sort, one.get("SuppressionReason"), one.get("Origin")),
        hint=hint,
        permanent_hint=for_good,
        raw=reading.raw(one),
    )


def _changed(one: Mapping[str, object]) -> EventKind:
    """Say what a change of a suppression is; what the owner did there is no word of the person's."""
    if one.get("SuppressSending") is False:
        return K.SUBSCRIBED
    reason, origin = reading.text(one.get("SuppressionReason")), reading.text(one.get("Origin"))
    if reason == "SpamComplaint":
        return K.COMPLAINED
    return K.UNSUBSCRIBED if (reason, origin) == ("ManualSuppression", "Recipient") else K.UNKNOWN


def _message_id(one: Mapping[str, object]) -> str:
    # The last in the content of a bounce: the first is the bounce's own.
    found = _OURS.findall(reading.text(one.get("Content"), _CONTENT_READ))
    return reading.message_id(found[-1]) if len(found) > 1 else ""

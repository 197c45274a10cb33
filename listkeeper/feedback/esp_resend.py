"""Resend: one event in each post, signed as Standard Webhooks has it, with the names of Svix.

Resend sends through Amazon SES and has its words for a bounce from there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from listkeeper.feedback import esp_reading as reading
from listkeeper.feedback import esp_ses
from listkeeper.feedback.esp_event import EspEvent, EventKind
from listkeeper.feedback.esp_proof import Proof, is_fresh
from listkeeper.foundation import signing
from listkeeper.standards import webhook

K = EventKind
_KINDS: Mapping[str, EventKind] = {
    "email.scheduled": K.QUEUED,
    "email.sent": K.SENT,
    "email.delivered": K.DELIVERED,
    "email.delivery_delayed": K.DEFERRED,
    "email.bounced": K.BOUNCED,
    "email.suppressed": K.REJECTED,
    "email.failed": K.FAILED,
    "email.complained": K.COMPLAINED,
    "email.opened": K.OPENED,
    "email.clicked": K.CLICKED,
}


def events(value: object) -> Iterator[EspEvent]:
    """Yield the events of a body, one for each recipient."""
    body = reading.members(value)
    data = reading.members(body.get("data"))
    recipients = reading.each(data.get("to")) or [None]
    for recipient in recipients[: esp_ses.MOST_RECIPIENTS]:
        yield _event(body, data, recipient)


def _event(body: Mapping[str, object], data: Mapping[str, object], recipient: object) -> EspEvent:
    theirs, bounce = reading.text(body.get("type")), reading.members(data.get("bounce"))
    sorts = reading.text(bounce.get("type")), reading.text(bounce.get("subType"))
    kind, hint, for_good = _KINDS.get(theirs, K.UNKNOWN), None, None
    if kind is K.BOUNCED:
        kind, hint, for_good = esp_ses.bounced(*sorts)
    # ``message`` is their own prose about it.
    said = reading.text(" ".join(map(reading.text, reading.each(bounce.get("diagnosticCode")))))
    failed = reading.members(data.get("failed")).get("reason")
    headers = data.get("headers")
    return EspEvent(
        kind=kind,
        at=reading.moment(body.get("created_at")),
        event_id=reading.event_id("", body, recipient),
        recipient=reading.address(recipient),
        message_id=reading.message_id(data.get("message_id") or reading.header(headers, "message-id")),
        token=reading.address(reading.header(headers, "return-path")),
        code=reading.code(None, said),
        status=reading.status(None, said),
        text=said,
        word=reading.word(theirs, *sorts, failed),
        hint=hint,
        permanent_hint=for_good,
        raw=reading.raw(body),
    )


def verify(headers: Mapping[str, str], body: bytes, secret: str, now: datetime) -> Proof:
    """Check the signature with the signing secret of the settings; several may stand there, of which one is enough."""
    number, second, given = (headers.get(f"svix-{name}", "") for name in ("id", "timestamp", "signature"))
    if not (number and second and given):
        return Proof.MISSING
    at = reading.moment(second)
    if at is None:
        return Proof.WRONG
    made = webhook.headers(webhook.key(secret), number, int(at.timestamp()), body)["webhook-signature"]
    if not any(signing.same(made, one) for one in given.split()[:10]):
        return Proof.WRONG
    return Proof.RIGHT if is_fresh(at, now) else Proof.OLD

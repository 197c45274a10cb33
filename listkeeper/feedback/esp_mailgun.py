"""Mailgun: one event in each post, beside a signature of the second and a token.

The signature says that Mailgun made the token, and nothing of the event beside
it. What keeps others from using a token that they saw is the secret in the
address, and that it is old after five minutes.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator, Mapping
from datetime import datetime

from listkeeper.deliverability.reply_class import ReplyClass
from listkeeper.feedback import esp_reading as reading
from listkeeper.feedback.esp_event import EspEvent, EventKind
from listkeeper.feedback.esp_proof import Proof, is_fresh
from listkeeper.foundation import signing

K, R = EventKind, ReplyClass
_KINDS: Mapping[str, EventKind] = {
    "accepted": K.QUEUED,
    "rejected": K.REJECTED,
    "delivered": K.DELIVERED,
    # Until the severity says that it was for good.
    "failed": K.DEFERRED,
    "opened": K.OPENED,
    "clicked": K.CLICKED,
    "unsubscribed": K.UNSUBSCRIBED,
    "complained": K.COMPLAINED,
}
_PERMANENT = "permanent"
# Why it failed, where that is no receiver's word: Mailgun did not try.
_NOT_TRIED: Mapping[str, ReplyClass | None] = {
    "suppress-bounce": R.INACTIVE,
    "suppress-complaint": None,
    "suppress-unsubscribe": None,
}
_REASONS: Mapping[str, ReplyClass] = {"greylisted": R.TEMPORARY, "old": R.TEMPORARY, "espblock": R.REPUTATION}


def events(value: object) -> Iterator[EspEvent]:
    """Yield the event of a body."""
    body = reading.members(value)
    one = reading.members(body.get("event-data"))
    if one:
        yield _event(one)


def _event(one: Mapping[str, object]) -> EspEvent:
    theirs, severity, reason = (reading.text(one.get(name)) for name in ("event", "severity", "reason"))
    not_tried = reason in _NOT_TRIED
    kind = _KINDS.get(theirs, K.UNKNOWN)
    if kind is K.DEFERRED and severity == _PERMANENT:
        kind = K.REJECTED if not_tried else K.BOUNCED
    status = reading.members(one.get("delivery-status"))
    code = reading.code(status.get("code"))
    # Codes of 600 and more are Mailgun's own, with its own sentences.
    said = reading.text(status.get("message")) or reading.text(status.get("description")) if code else ""
    message = reading.members(reading.members(one.get("message")).get("headers"))
    return EspEvent(
        kind=kind,
        at=reading.moment(one.get("timestamp")),
        event_id=reading.event_id(one.get("id"), one),
        recipient=reading.address(one.get("recipient")),
        message_id=reading.message_id(message.get("message-id")),
        token=reading.address(reading.members(one.get("envelope")).get("sender")),
        code=code,
        status=reading.status(status.get("enhanced-code"), said),
        text=said,
        word=reading.word(theirs, severity, reason),
        hint=_NOT_TRIED[reason] if not_tried else _REASONS.get(reason),
        permanent_hint=severity == _PERMANENT if kind in {K.BOUNCED, K.REJECTED, K.DEFERRED} and severity else None,
        raw=reading.raw(one),
    )


def verify(_headers: Mapping[str, str], body: bytes, secret: str, now: datetime) -> Proof:
    """Check that Mailgun made the token, with the signing key of the settings."""
    signed = reading.members(reading.members(reading.parsed(body)).get("signature"))
    second, token, given = (reading.text(signed.get(name)) for name in ("timestamp", "token", "signature"))
    if not (second and token and given):
        return Proof.MISSING
    made = hmac.digest(secret.encode(), f"{second}{token}".encode(), "sha256").hex()
    if not signing.same(made, given):
        return Proof.WRONG
    return Proof.RIGHT if is_fresh(reading.moment(second), now) else Proof.OLD

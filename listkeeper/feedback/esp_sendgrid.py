"""SendGrid: lists of events, signed with ECDSA over the second and the body.

Their ``smtp-id`` is our Message-ID.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from functools import lru_cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from listkeeper.deliverability.reply_class import ReplyClass
from listkeeper.feedback import esp_reading as reading
from listkeeper.feedback.esp_event import EspEvent, EventKind
from listkeeper.feedback.esp_proof import Proof, is_fresh

K, R = EventKind, ReplyClass
_KINDS: Mapping[str, EventKind] = {
    "processed": K.QUEUED,
    "dropped": K.REJECTED,
    "deferred": K.DEFERRED,
    "delivered": K.DELIVERED,
    "bounce": K.BOUNCED,
    "open": K.OPENED,
    "click": K.CLICKED,
    "spamreport": K.COMPLAINED,
    "unsubscribe": K.UNSUBSCRIBED,
    "group_unsubscribe": K.UNSUBSCRIBED,
    "group_resubscribe": K.SUBSCRIBED,
}
# What they take a bounce for.
_CLASSES: Mapping[str, ReplyClass] = {
    "Invalid Address": R.INVALID_ADDRESS,
    "Mailbox Unavailable": R.INACTIVE,
    "Content": R.CONTENT,
    "Reputation": R.REPUTATION,
    "Frequency or Volume Too High": R.RATE,
    "Technical Failure": R.TEMPORARY,
    "Unclassified": R.TEMPORARY,
}
# Why they did not try; what is missing here says nothing about the address.
_DROPPED: Mapping[str, ReplyClass] = {"Bounced Address": R.INACTIVE, "Invalid": R.SYNTAX, "Spam Content": R.SPAM}
_SIGNATURE = "x-twilio-email-event-webhook-signature"
_SECOND = "x-twilio-email-event-webhook-timestamp"
# They try for a day, and nothing says that a later try is signed anew. The body is signed: what comes again is known.
_TRIED_FOR = timedelta(hours=25)


def events(value: object) -> Iterator[EspEvent]:
    """Yield the events of a body."""
    for one in map(reading.members, reading.each(value)):
        yield _event(one)


def _event(one: Mapping[str, object]) -> EspEvent:
    theirs, reason = reading.text(one.get("event")), reading.text(one.get("reason"))
    kind = _KINDS.get(theirs, K.UNKNOWN)
    dropped = kind is K.REJECTED
    # The reason of a drop is their own sentence, and no receiver's.
    said = "" if dropped else reason or reading.text(one.get("response"))
    sort = reading.text(one.get("bounce_classification"))
    # A "blocked" bounce is about this mail, and not about the address.
    for_good = {"bounce": True, "blocked": False}.get(reading.text(one.get("type"))) if kind is K.BOUNCED else None
    return EspEvent(
        kind=kind,
        at=reading.moment(one.get("timestamp")),
        event_id=reading.event_id(one.get("sg_event_id"), one),
        recipient=reading.address(one.get("email")),
        message_id=reading.message_id(one.get("smtp-id")),
        token="",
        code=reading.code(None, said),
        status=reading.status(one.get("status"), said),
        text=said,
        word=reading.word(theirs, one.get("type") if kind is K.BOUNCED else "", reason if dropped else sort),
        hint=_DROPPED.get(reason) if dropped else _CLASSES.get(sort) if kind in {K.BOUNCED, K.DEFERRED} else None,
        permanent_hint=for_good,
        raw=reading.raw(one),
    )


def verify(headers: Mapping[str, str], body: bytes, secret: str, now: datetime) -> Proof:
    """Check the signature with the verification key of the settings."""
    signature, second = headers.get(_SIGNATURE, ""), headers.get(_SECOND, "")
    if not signature or not second:
        return Proof.MISSING
    try:
        _key(secret).verify(base64.b64decode(signature, validate=True), second.encode() + body, ec.ECDSA(SHA256()))
    except (InvalidSignature, binascii.Error, ValueError):
        return Proof.WRONG
    return Proof.RIGHT if is_fresh(reading.moment(second), now, _TRIED_FOR) else Proof.OLD


@lru_cache(maxsize=4)
def _key(secret: str) -> ec.EllipticCurvePublicKey:
    found = load_der_public_key(base64.b64decode(secret))
    if not isinstance(found, ec.EllipticCurvePublicKey):
        raise ValueError("no elliptic curve")  # noqa: TRY004 - a wrong key, not a wrong type of ours
    return found

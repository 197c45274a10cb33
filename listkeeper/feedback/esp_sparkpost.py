"""SparkPost: lists of events, each wrapped in ``msys`` and the name of its kind; behind a password of ours.

Our Message-ID does not come back; the envelope sender does (``msg_from``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from listkeeper.deliverability.reply_class import ReplyClass
from listkeeper.feedback import esp_reading as reading
from listkeeper.feedback.esp_event import REPORTED, EspEvent, EventKind

K, R = EventKind, ReplyClass
_KINDS: Mapping[str, EventKind] = {
    "injection": K.QUEUED,
    "delivery": K.DELIVERED,
    "delay": K.DEFERRED,
    "bounce": K.BOUNCED,
    "out_of_band": K.BOUNCED,
    "policy_rejection": K.REJECTED,
    "generation_rejection": K.REJECTED,
    "generation_failure": K.FAILED,
    "spam_complaint": K.COMPLAINED,
    "list_unsubscribe": K.UNSUBSCRIBED,
    "link_unsubscribe": K.UNSUBSCRIBED,
    "open": K.OPENED,
    "initial_open": K.OPENED,
    "amp_open": K.OPENED,
    "amp_initial_open": K.OPENED,
    "click": K.CLICKED,
    "amp_click": K.CLICKED,
}
# Bounce classification codes: what they are, what that means, and whether for good ("Hard").
_BOUNCES: Mapping[str, tuple[EventKind, ReplyClass | None, bool]] = {
    "1": (K.BOUNCED, R.TEMPORARY, False),
    "10": (K.BOUNCED, R.INVALID_ADDRESS, True),
    "20": (K.BOUNCED, R.TEMPORARY, False),
    "21": (K.BOUNCED, R.TEMPORARY, False),
    "22": (K.BOUNCED, R.MAILBOX_FULL, False),
    "23": (K.BOUNCED, R.TOO_BIG, False),
    "24": (K.BOUNCED, R.TEMPORARY, False),
    # Their own policies: nobody was asked.
    "25": (K.REJECTED, None, False),
    "26": (K.REJECTED, None, False),
    "30": (K.BOUNCED, R.INVALID_ADDRESS, True),
    "40": (K.BOUNCED, R.TEMPORARY, False),
    "50": (K.BOUNCED, R.POLICY, False),
    "51": (K.BOUNCED, R.REPUTATION, False),
    "52": (K.BOUNCED, R.SPAM, False),
    "53": (K.BOUNCED, R.CONTENT, False),
    "54": (K.BOUNCED, R.RELAY, False),
    "60": (K.AUTORESPONDED, None, False),
    "70": (K.BOUNCED, R.TEMPORARY, False),
    "80": (K.SUBSCRIBED, None, False),
    "90": (K.UNSUBSCRIBED, None, False),
    "100": (K.AUTORESPONDED, None, False),
}
_TRIED = frozenset({K.BOUNCED, K.DEFERRED})


def events(value: object) -> Iterator[EspEvent]:
    """Yield the events of a body; the empty one of a test is none."""
    for wrapped in reading.each(value):
        for one in reading.members(reading.members(wrapped).get("msys")).values():
            yield _event(reading.members(one))


def _event(one: Mapping[str, object]) -> EspEvent:
    theirs, sort = reading.text(one.get("type")), reading.text(one.get("bounce_class"))
    report = reading.text(one.get("fbtype"))
    kind, hint, for_good = _KINDS.get(theirs, K.UNKNOWN), None, None
    if kind is K.BOUNCED and sort in _BOUNCES:
        kind, hint, for_good = _BOUNCES[sort]
    elif kind is K.DEFERRED and sort in _BOUNCES:
        hint, for_good = _BOUNCES[sort][1], False
    elif kind is K.COMPLAINED:
        kind = REPORTED.get(report, kind)
    said = (reading.text(one.get("raw_reason")) or reading.text(one.get("reason"))) if kind in _TRIED else ""
    return EspEvent(
        kind=kind,
        at=reading.moment(one.get("timestamp")),
        event_id=reading.event_id(one.get("event_id"), one),
        recipient=reading.address(one.get("raw_rcpt_to")) or reading.address(one.get("rcpt_to")),
        message_id=reading.message_id(reading.members(one.get("rcpt_meta")).get("message-id")),
        token=reading.address(one.get("msg_from")),
        code=reading.code(one.get("error_code"), said),
        status=reading.status(None, said),
        text=said,
        word=reading.word(theirs, sort, report),
        hint=hint,
        permanent_hint=for_good,
        raw=reading.raw(one),
    )

"""Mailjet: one event in each post, or a list of them where they are grouped; behind a password of ours.

Nothing of ours comes back but what stood in ``X-MJ-CustomID``, so an event
mostly leads to a person by her address alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from listkeeper.deliverability.reply_class import ReplyClass
from listkeeper.feedback import esp_reading as reading
from listkeeper.feedback.esp_event import EspEvent, EventKind

K, R = EventKind, ReplyClass
_KINDS: Mapping[str, EventKind] = {
    # Sent is what the receiver has taken.
    "sent": K.DELIVERED,
    "open": K.OPENED,
    "click": K.CLICKED,
    "bounce": K.BOUNCED,
    "blocked": K.REJECTED,
    "spam": K.COMPLAINED,
    "unsub": K.UNSUBSCRIBED,
}
# Their words for what went wrong.
_ERRORS: Mapping[str, ReplyClass] = {
    "user unknown": R.INVALID_ADDRESS,
    "mailbox inactive": R.INACTIVE,
    "quota exceeded": R.MAILBOX_FULL,
    "invalid domain": R.INVALID_DOMAIN,
    "no mail host": R.INVALID_DOMAIN,
    "relay/access denied": R.RELAY,
    "greylisted": R.TEMPORARY,
    "sender blocked": R.REPUTATION,
    "content blocked": R.CONTENT,
    "policy issue": R.POLICY,
    "system issue": R.TEMPORARY,
    "protocol issue": R.SYNTAX,
    "connection issue": R.TEMPORARY,
    "bad or empty template": R.SYNTAX,
    "error in template language": R.SYNTAX,
}
# A bounce that is tried again is none yet.
_AGAIN = "greylisted"


def events(value: object) -> Iterator[EspEvent]:
    """Yield the events of a body."""
    for one in map(reading.members, reading.each(value)):
        yield _event(one)


def _event(one: Mapping[str, object]) -> EspEvent:
    theirs, error = reading.text(one.get("event")), reading.text(one.get("error"))
    kind = _KINDS.get(theirs, K.UNKNOWN)
    if kind is K.BOUNCED and error == _AGAIN:
        kind = K.DEFERRED
    went_wrong = kind in {K.BOUNCED, K.DEFERRED}
    said = reading.text(one.get("comment") if went_wrong else one.get("smtp_reply"))
    for_good = one.get("hard_bounce") if went_wrong else None
    return EspEvent(
        kind=kind,
        at=reading.moment(one.get("time")),
        event_id=reading.event_id("", one),
        recipient=reading.address(one.get("email")),
        message_id=reading.message_id(one.get("CustomID")),
        token=reading.text(one.get("CustomID"), 320),
        code=reading.code(None, said),
        status=reading.status(None, said),
        text=said,
        word=reading.word(theirs, one.get("error_related_to"), error or one.get("source")),
        hint=_ERRORS.get(error),
        permanent_hint=for_good if isinstance(for_good, bool) else None,
        raw=reading.raw(one),
    )

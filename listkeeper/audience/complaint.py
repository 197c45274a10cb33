"""Less permission, by other acts than a click on "unsubscribe": complaints, objections, stops by others.

None of these can be undone by anyone but the person, and she by a new form
and confirmation only. Whoever forges one reaches less permission at most; the
record says where it came from.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy.orm import Session

from listkeeper.audience import consent, subscriber, subscription, suppression
from listkeeper.audience.consent import Circumstances, ConsentEvent, EventKind, Method
from listkeeper.audience.guard import breaker
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import SubscriptionState
from listkeeper.audience.suppression import Reason

_LEFT = frozenset({SubscriptionState.UNSUBSCRIBED, SubscriptionState.REFUSED, SubscriptionState.COMPLAINED})


def complain(
    session: Session,
    subscriber_id: int,
    *,
    method: Method = Method.REPORT,
    actor: str = "report",
    evidence: Mapping[str, object] | None = None,
) -> None:
    """Take a complaint ("this is spam"): every list, all marketing, for good; the strongest of all leavings."""
    breaker.complained(session, subscriber_id)
    _stop(session, subscriber_id, EventKind.COMPLAINED, Reason.COMPLAINT, method, actor, evidence)


def object_to_marketing(session: Session, subscriber_id: int, *, method: Method, actor: str = "subscriber") -> None:
    """Take an objection to direct marketing (GDPR Art. 21(2)): whatever the basis was, it serves no more."""
    _stop(session, subscriber_id, EventKind.OBJECTED, Reason.OBJECTION, method, actor, None)


def stop_everything(
    session: Session, subscriber_id: int, *, method: Method, actor: str = "subscriber", delivery_id: int | None = None
) -> list[ConsentEvent]:
    """Leave every list at once; nothing of this organisation's marketing follows.

    Returns the leavings of lists that she was on, which the person herself may take back for an hour.
    """
    return _stop(session, subscriber_id, EventKind.WITHDRAWN, Reason.UNSUBSCRIBED, method, actor, None, delivery_id)


def _stop(  # noqa: PLR0913, PLR0917 - who, how, and what it is called
    session: Session,
    subscriber_id: int,
    kind: EventKind,
    reason: Reason,
    method: Method,
    actor: str,
    evidence: Mapping[str, object] | None,
    delivery_id: int | None = None,
) -> list[ConsentEvent]:
    person = subscriber.hold(session, subscriber_id)
    if person is None or person.erased_at is not None:
        return []
    left = []
    target = SubscriptionState.COMPLAINED if kind is EventKind.COMPLAINED else SubscriptionState.UNSUBSCRIBED
    for current, mailing_list in subscription.all_of(session, person):
        had_left = target is SubscriptionState.UNSUBSCRIBED and current.state in _LEFT
        if current.state is target or had_left or target not in subscription.TRANSITIONS[current.state]:
            subscription.turn_away(current)
            continue
        was_on = current.state is SubscriptionState.CONFIRMED
        subscription.move(current, target)
        under = Circumstances(
            consent_text_id=current.consent_text_id, delivery_id=delivery_id, actor=actor, evidence=evidence
        )
        event = consent.record(session, person, mailing_list.id, kind, method, under)
        left += [event] if was_on else []
    _suppress(session, person, reason, actor)
    return left


def _suppress(session: Session, person: Subscriber, reason: Reason, actor: str) -> None:
    suppression.add(
        session,
        person.organisation_id,
        person.suppression_key,
        scope=suppression.MARKETING,
        reason=reason,
        subject=person.subject_ref,
        actor=actor,
    )


def has_complained(session: Session, person: Subscriber) -> bool:
    """Return whether this person once called our mail spam: the form then says so plainly before she comes back."""
    return suppression.has_complained(session, person.organisation_id, person.suppression_key)

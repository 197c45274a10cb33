"""How long proof is kept once a permission has ended: the owner's choice, with its reason, and the shredding."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import retention_preset
from listkeeper.audience.proof import evidence, ledger
from listkeeper.audience.proof.evidence import Evidence
from listkeeper.audience.proof.ledger import Event, EventType
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Subscription, SubscriptionState
from listkeeper.foundation import clock, language
from listkeeper.foundation.errors import Invalid

_REASON_LIMIT = 500
# While one of these stands, the evidence of its person is needed.
_LIVE = (SubscriptionState.PENDING, SubscriptionState.CONFIRMED)


def choose(session: Session, organisation: Organisation, preset: str, reason: str, *, actor: str) -> None:
    """Record which preset the owner chose and why. Raises Invalid without a reason, or for one that is not on offer."""
    if preset not in {offered.code for offered in retention_preset.offered(clock.now().date())}:
        raise Invalid("no_retention_preset", language.text("There is no such time for keeping proof."))
    why = " ".join(reason.split())
    if not why or len(why) > _REASON_LIMIT:
        raise Invalid("reason_missing", language.text("Please say in a sentence why you chose this."))
    organisation.retention_preset = preset
    organisation.retention_reason = why
    details: dict[str, str | int] = {"preset": preset, "reason": why}
    ledger.append(session, organisation.id, [Event(EventType.RETENTION_CHOSEN, actor=actor, details=details)])


def set_ends(session: Session, limit: int = 500) -> int:
    """Give evidence of people whose last permission has ended the day on which it is shredded; return how many.

    No last click is told: clicks are not followed, so a preset that counts from
    the last one counts from the goodbye, as its own rules say for who never clicked.
    """
    live = select(Subscription.id).where(Subscription.subscriber_id == Subscriber.id, Subscription.state.in_(_LIVE))
    kept = select(Evidence.event_id).where(
        Evidence.subject_ref == Subscriber.subject_ref, Evidence.delete_after.is_(None)
    )
    query = (
        select(Subscriber)
        .where(~live.exists(), kept.exists(), Subscriber.restricted_at.is_(None))
        .order_by(Subscriber.id)
        .limit(limit)
    )
    people = list(session.scalars(query))
    for person in people:
        ended = session.scalars(select(Subscription).where(Subscription.subscriber_id == person.id)).all()
        organisation = session.get_one(Organisation, person.organisation_id)
        moment = max((row.since for row in ended), default=person.created_at)
        evidence.limit(
            session, person.subject_ref, retention_preset.delete_after(organisation.retention_preset, moment)
        )
    return len(people)


def shred_due(session: Session) -> int:
    """Shred evidence whose time is over, and write down that it was; return how many pieces."""
    shredded = evidence.shred_due(session)
    for organisation_id, pieces in shredded.items():
        told = Event(EventType.RETENTION_SHREDDED, details={"pieces": pieces})
        ledger.append(session, organisation_id, [told])
    return sum(shredded.values())

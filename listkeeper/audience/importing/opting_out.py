"""Opt-outs that a file brings: they become suppressions first, and nothing takes them back, not even undo."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.audience import subscription, suppression
from listkeeper.audience.importing import bulk
from listkeeper.audience.importing.batch import ImportBatch
from listkeeper.audience.importing.judging import REASONS, Decision
from listkeeper.audience.importing.sealing import OPTED_OUT
from listkeeper.audience.importing.sources import Standing
from listkeeper.audience.mailing_list import MailingList
from listkeeper.audience.proof import ledger
from listkeeper.audience.proof.ledger import Event, EventType
from listkeeper.audience.subscription import Subscription, SubscriptionState
from listkeeper.audience.suppression import Reason, Suppression
from listkeeper.foundation import clock, outbox
from listkeeper.foundation.outbox import Lane

_SUPPRESSION = ("organisation_id", "key", "scope", "reason", "actor", "created_at", "journaled")
_TOLD = {
    SubscriptionState.UNSUBSCRIBED: EventType.WITHDRAWN,
    SubscriptionState.COMPLAINED: EventType.COMPLAINED,
    SubscriptionState.BOUNCED: EventType.SUPPRESSED,
}


def write(session: Session, batch: ImportBatch, mailing_list: MailingList, decisions: Sequence[Decision]) -> None:
    """Suppress everybody who had left, bounced, complained or was blocked, and end their subscriptions."""
    left = [decision for decision in decisions if decision.row.kind == OPTED_OUT]
    if not left:
        return
    _suppress(session, batch, mailing_list, left)
    _end(session, batch, mailing_list, left)


def scope_of(batch: ImportBatch, mailing_list: MailingList, reason: Reason) -> str:
    """Return how far an opt-out reaches: who unsubscribed from one audience there leaves one list here."""
    if reason is Reason.UNSUBSCRIBED and batch.mapping.get("scope") == "list":
        return suppression.list_scope(mailing_list.id)
    return suppression.MARKETING


def _suppress(session: Session, batch: ImportBatch, mailing_list: MailingList, left: Sequence[Decision]) -> None:
    wanted: dict[tuple[str, str, Reason], None] = {}
    for decision in left:
        reason = REASONS[Standing(decision.row.standing)][0]
        wanted[decision.row.key, scope_of(batch, mailing_list, reason), reason] = None
    live = select(Suppression.key, Suppression.scope, Suppression.reason).where(
        Suppression.organisation_id == batch.organisation_id,
        bulk.among(session, Suppression.key, {key for key, _, _ in wanted}),
        Suppression.lifted_at.is_(None),
        Suppression.until.is_(None),
    )
    for row in session.execute(live):
        wanted.pop((row[0], row[1], row[2]), None)
    now = bulk.moment(session, clock.now())
    rows: list[tuple[object, ...]] = [
        (batch.organisation_id, key, scope, reason.value, batch.actor, now, False) for key, scope, reason in wanted
    ]
    bulk.add(session, Suppression, _SUPPRESSION, rows)
    if rows:
        newest = session.scalar(select(Suppression.id).order_by(Suppression.id.desc()).limit(1))
        outbox.write(session, suppression.ADDED, newest or 0, Lane.URGENT)


def _end(session: Session, batch: ImportBatch, mailing_list: MailingList, left: Sequence[Decision]) -> None:
    """End what people who are known here still have, by the table of transitions, each with its row in the ledger."""
    known = {decision.known.subscriber_id: decision for decision in left if decision.known is not None}
    if not known:
        return
    query = select(Subscription).where(Subscription.subscriber_id.in_(list(known))).order_by(Subscription.id)
    names = {mailing_list.id: mailing_list}
    events = []
    for held in session.scalars(query):
        decision = known[held.subscriber_id]
        reason, target = REASONS[Standing(decision.row.standing)]
        everywhere = scope_of(batch, mailing_list, reason) == suppression.MARKETING
        reached = everywhere or held.list_id == mailing_list.id
        if target is None or not reached or target not in subscription.TRANSITIONS[held.state]:
            continue
        subscription.move(held, target)
        on = names.setdefault(held.list_id, session.get_one(MailingList, held.list_id))
        details: dict[str, str | int] = {"reason": reason.value, "row": decision.row.row}
        events.append(
            Event(
                _TOLD[target],
                subject=decision.subject,
                list=on.public_id,
                purpose=on.purpose,
                method="import",
                actor=batch.actor,
                details=details,
            )
        )
    ledger.append(session, batch.organisation_id, events)

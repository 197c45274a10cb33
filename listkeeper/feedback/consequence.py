"""What follows from what came back: for the mail, for the person, and for nobody else.

Nothing follows where nobody proved whose mail it is about. A complaint or an
address that does not exist reaches the suppression list in the transaction of
its event. What is the sender's fault or the letter's touches no reader.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from listkeeper.audience import asking, complaint, subscriber, undeliverable, unsubscribe
from listkeeper.audience.consent import Method
from listkeeper.audience.handover import MessageClass
from listkeeper.deliverability.reply_class import CAMPAIGN_FAULT, SENDER_FAULT, ReplyClass, Verdict
from listkeeper.feedback import event, undelivered
from listkeeper.feedback.event import FeedbackEvent, FeedbackKind, Outcome, Proof
from listkeeper.feedback.undelivered import UndeliveredRun
from listkeeper.foundation.among import among
from listkeeper.sending import delivery, tally
from listkeeper.sending.delivery import Delivery, DeliveryState

# A mail that came back had been taken before, or may have been.
_CAME_BACK = frozenset({DeliveryState.ACCEPTED, DeliveryState.IN_DOUBT})
_FOR_GOOD, _LATER = 550, 450
_LONGEST_RULE = 80


@dataclass(frozen=True)
class Told:
    """One thing that somebody told us of one mail, as far as it could be read.

    ``reply`` has its addresses masked. ``word`` is what it was called by whoever told it.
    """

    organisation_id: int
    kind: FeedbackKind
    source: str
    external_id: str
    at: datetime
    delivery_id: int | None = None
    proof: Proof = Proof.NONE
    verdict: Verdict | None = None
    provider: str | None = None
    status: str = ""
    code: int | None = None
    reply: str = ""
    word: str = ""
    inbound_id: int | None = None


def hold(session: Session, delivery_ids: Collection[int]) -> None:
    """Lock mails, then whose they are: whoever follows several things at once does so before the first of them.

    Everybody in the house takes deliveries, then people, then the end of the ledger, which the first consequence takes.
    """
    if not delivery_ids:
        return
    query = select(Delivery.subscriber_id).where(among(Delivery.id, "mails")).order_by(Delivery.id).with_for_update()
    found = session.scalars(query, {"mails": sorted(delivery_ids)}).all()
    subscriber.hold_each(session, {number for number in found if number is not None})


def follow(session: Session, told: Told) -> FeedbackEvent | None:
    """Keep what was told and let its consequences happen; None when it was told before.

    The mail's row is taken before the person's; of several, all are taken before the first (``hold``).
    """
    row = _row(session, told)
    made = event.add(session, _event(told, row))
    if made is None:
        return None
    if row is None or told.proof is Proof.NONE:
        made.outcome = Outcome.UNPROVEN
        return made
    match told.kind:
        case FeedbackKind.BOUNCED:
            _bounced(session, made, row, told)
        case FeedbackKind.COMPLAINED:
            _complained(session, made, row)
        case FeedbackKind.UNSUBSCRIBED:
            _left(session, made, row)
        case FeedbackKind.DELIVERED | FeedbackKind.REPLIED:
            _got_through(session, row)
        case FeedbackKind.DELAYED | FeedbackKind.AUTOREPLIED | FeedbackKind.OTHER:
            pass
        case _:
            assert_never(told.kind)
    return made


def awaits_delivery(session: Session, delivery_id: int) -> bool:
    """Return whether it changes anything that a mail got through: it was in doubt, or others before it did not."""
    doubted = select(Delivery.id).where(Delivery.id == delivery_id, Delivery.state == DeliveryState.IN_DOUBT)
    counted = (
        select(UndeliveredRun.subscriber_id)
        .join(Delivery, Delivery.subscriber_id == UndeliveredRun.subscriber_id)
        .where(Delivery.id == delivery_id)
    )
    return session.scalar(select(or_(doubted.exists(), counted.exists()))) is True


def _row(session: Session, told: Told) -> Delivery | None:
    if told.delivery_id is None:
        return None
    query = select(Delivery).where(Delivery.id == told.delivery_id, Delivery.organisation_id == told.organisation_id)
    return session.scalar(query.with_for_update().execution_options(populate_existing=True))


def _event(told: Told, row: Delivery | None) -> FeedbackEvent:
    verdict = told.verdict
    return FeedbackEvent(
        organisation_id=told.organisation_id,
        kind=told.kind,
        source=told.source,
        external_id=told.external_id,
        inbound_id=told.inbound_id,
        delivery_id=row.id if row is not None else None,
        campaign_id=row.campaign_id if row is not None else None,
        subscriber_id=row.subscriber_id if row is not None and told.proof is not Proof.NONE else None,
        proof=told.proof,
        provider=(row.provider if row is not None else None) or told.provider,
        reply_class=verdict.reply_class if verdict is not None else None,
        permanent=verdict is not None and verdict.permanent,
        status=told.status[:16],
        reply=told.reply[: event.LONGEST_REPLY],
        rule=(told.word or (verdict.rule if verdict is not None else ""))[:_LONGEST_RULE],
        at=told.at,
    )


def _bounced(session: Session, made: FeedbackEvent, row: Delivery, told: Told) -> None:
    verdict = told.verdict or Verdict(ReplyClass.TEMPORARY, permanent=False, rule="unknown")
    if row.state in _CAME_BACK:
        delivery.move(row, DeliveryState.BOUNCED)
        row.reply_class = verdict.reply_class
        row.reply_code = told.code or (_FOR_GOOD if verdict.permanent else _LATER)
        row.reply_text = told.reply[: event.LONGEST_REPLY]
        tally.note(session, [row])
    if row.message_class is MessageClass.DOI and row.confirmation_id is not None and not verdict.against_sender:
        asking.bounced(session, [row.confirmation_id])
    made.outcome = _outcome(session, made, row, verdict)


def _outcome(session: Session, made: FeedbackEvent, row: Delivery, verdict: Verdict) -> Outcome:
    if verdict.reply_class in SENDER_FAULT:
        return Outcome.SENDER
    if verdict.reply_class in CAMPAIGN_FAULT:
        return Outcome.LETTER
    if row.subscriber_id is None or subscriber.hold(session, row.subscriber_id) is None:
        return Outcome.NOTED
    if verdict.reply_class in undelivered.AT_ONCE and verdict.permanent:
        return _held(session, made, row.subscriber_id)
    return _counted(session, made, row.id, row.subscriber_id, verdict.reply_class)


def _counted(session: Session, made: FeedbackEvent, delivery_id: int, subscriber_id: int, found: ReplyClass) -> Outcome:
    # Who says "no such address, come back" has said nothing for good.
    of_row = ReplyClass.TEMPORARY if found in undelivered.AT_ONCE else found
    counted = undelivered.count(session, subscriber_id, of_row, delivery_id, made.at)
    if counted is None:
        return Outcome.NOTED
    made.number, made.since = counted.number, counted.since
    return _held(session, made, subscriber_id) if counted.enough else Outcome.COUNTED


def _held(session: Session, made: FeedbackEvent, subscriber_id: int) -> Outcome:
    undeliverable.hold(session, subscriber_id, actor=f"feedback:{made.id}")
    return Outcome.HELD


def _complained(session: Session, made: FeedbackEvent, row: Delivery) -> None:
    if row.subscriber_id is None:
        return
    complaint.complain(
        session,
        row.subscriber_id,
        method=Method.REPORT,
        actor=f"feedback:{made.id}",
        evidence={"source": made.source, "proof": made.proof.value, "word": made.rule},
    )
    made.outcome = Outcome.LEFT


def _left(session: Session, made: FeedbackEvent, row: Delivery) -> None:
    if row.subscriber_id is None:
        return
    if row.list_id is not None:
        unsubscribe.leave(session, row.subscriber_id, row.list_id, Method.MAIL, row.id)
    else:
        complaint.stop_everything(session, row.subscriber_id, method=Method.MAIL, delivery_id=row.id)
    made.outcome = Outcome.LEFT


def _got_through(session: Session, row: Delivery) -> None:
    """Begin her rows anew; and what nobody knew of, whether it was sent, is known now."""
    if row.state is DeliveryState.IN_DOUBT:
        delivery.move(row, DeliveryState.ACCEPTED)
        tally.note(session, [row])
    if row.subscriber_id is not None and subscriber.hold(session, row.subscriber_id) is not None:
        undelivered.forget(session, row.subscriber_id)

"""Settling what is in doubt: handed over, and no answer recorded. Its owner decides after a look, or a relay's log.

Nothing here sends by itself. "Again" is a decision of a person who takes it
that some may get the letter twice.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, func, insert, select, update
from sqlalchemy.orm import Session

from listkeeper.accounts import audit_log
from listkeeper.accounts.audit_log import AuditEntry
from listkeeper.audience import subscription
from listkeeper.audience.subscriber import Subscriber
from listkeeper.campaigns import campaign as campaigns
from listkeeper.campaigns.campaign import Campaign, CampaignState
from listkeeper.foundation import clock, language, log
from listkeeper.foundation.errors import Conflict
from listkeeper.sending import steering
from listkeeper.sending.delivery import Delivery, DeliveryState
from listkeeper.sending.relay_log import Verdict

S = DeliveryState
# More than these at once come from a copy that was put back: then one line of the audit log stands for all.
_ONE_LINE_EACH = 1_000
_TEXT_LIMIT = 500


class Settlement(StrEnum):
    """What its owner says of a mail in doubt."""

    SENT = "sent"
    NOT_SENT = "not_sent"
    AGAIN = "again"


_BECOMES = {Settlement.SENT: S.ACCEPTED, Settlement.NOT_SENT: S.FAILED, Settlement.AGAIN: S.QUEUED}
_ACTS = {
    Settlement.SENT: "delivery.settled_sent",
    Settlement.NOT_SENT: "delivery.settled_not_sent",
    Settlement.AGAIN: "delivery.queued_again",
}


@dataclass(frozen=True)
class Doubt:
    """One mail of which nobody knows; the address is None once its person was erased."""

    number: int
    address: str | None
    handed_at: datetime | None
    message_id: str | None
    attempts: int
    said: str | None


@dataclass(frozen=True)
class FromLog:
    """What a relay's log settled, and how many it says nothing of."""

    sent: int
    not_sent: int
    left: int


def doubts(session: Session, campaign: Campaign, *, limit: int | None = None) -> list[Doubt]:
    """Return what is in doubt of a letter, as it was handed over."""
    query = (
        select(Delivery, Subscriber.email_send)
        .outerjoin(Subscriber, Subscriber.id == Delivery.subscriber_id)
        .where(*_in_doubt(campaign))
        .order_by(Delivery.id)
    )
    return [
        Doubt(row.id, address, row.handed_at, row.message_id, row.attempts, row.reply_text)
        for row, address in session.execute(query.limit(limit))
    ]


def left(session: Session, campaign: Campaign) -> int:
    """Return how many of a letter are in doubt."""
    return session.scalar(select(func.count()).select_from(Delivery).where(*_in_doubt(campaign))) or 0


def settle(
    session: Session, campaign: Campaign, how: Settlement, numbers: Collection[int] | None, *, actor: str
) -> int:
    """Settle these mails of a letter that are in doubt, or all (None), as a person says; return how many.

    Raises Conflict when none of them is in doubt, or a letter that was stopped should leave again.
    """
    campaigns.lock(session, campaign)
    if how is Settlement.AGAIN and campaign.state is CampaignState.CANCELLED:
        raise Conflict("stopped", language.text("This letter was stopped for good. Nothing was changed."))
    settled = _settle(session, campaign, how, numbers, said="settled by hand", actor=actor)
    if not settled:
        raise Conflict("nothing_in_doubt", language.text("None of these is in doubt any more. Nothing was changed."))
    if how is Settlement.AGAIN:
        steering.under_way(session, campaign)
    return settled


def names(session: Session, campaign: Campaign) -> dict[str, int]:
    """Return the Message-IDs of what is in doubt, without their angle brackets, with whose they are."""
    query = select(Delivery.message_id, Delivery.id).where(*_in_doubt(campaign), Delivery.message_id.is_not(None))
    return {str(name).strip("<>"): number for name, number in session.execute(query)}


def from_log(session: Session, campaign: Campaign, said: Mapping[str, Verdict], *, actor: str) -> FromLog:
    """Settle what a relay's log has a word on (``relay_log.verdicts``), by Message-ID and by nothing else.

    A long log is read before the transaction begins; what was settled meanwhile stays as it was settled.
    """
    campaigns.lock(session, campaign)
    wanted = names(session, campaign)
    counted = dict.fromkeys(Settlement, 0)
    for name, verdict in said.items():
        if name in wanted:
            how = Settlement.SENT if verdict.sent else Settlement.NOT_SENT
            words = log.mask(f"the relay's log: {verdict.line}")[:_TEXT_LIMIT]
            counted[how] += _settle(session, campaign, how, [wanted[name]], said=words, actor=actor)
    return FromLog(counted[Settlement.SENT], counted[Settlement.NOT_SENT], left(session, campaign))


def _settle(  # noqa: PLR0913 - what, how, and who says so
    session: Session, campaign: Campaign, how: Settlement, numbers: Collection[int] | None, *, said: str, actor: str
) -> int:
    moment = clock.now()
    chosen = _in_doubt(campaign) if numbers is None else (*_in_doubt(campaign), Delivery.id.in_(numbers))
    values = {"state": _BECOMES[how], "settled_at": moment, "reply_text": said}
    if how is Settlement.AGAIN:
        values |= {"settled_at": None, "due_at": moment}
    changed = update(Delivery).where(*chosen).values(**values).returning(Delivery.id, Delivery.subscriber_id)
    rows = session.execute(changed).all()
    if how is Settlement.SENT:
        # The gate asks when she heard from us last.
        people = [row[1] for row in rows if row[1] is not None]
        for start in range(0, len(people), _ONE_LINE_EACH):
            subscription.contacted(session, campaign.list_id, people[start : start + _ONE_LINE_EACH])
    _write_down(session, campaign, _ACTS[how], [row[0] for row in rows], actor)
    return len(rows)


def _write_down(session: Session, campaign: Campaign, action: str, numbers: list[int], actor: str) -> None:
    if len(numbers) > _ONE_LINE_EACH:
        audit_log.record(session, campaign.organisation_id, actor, f"{action}_all", campaign.public_id)
        return
    lines = [
        {
            "organisation_id": campaign.organisation_id,
            "actor": actor,
            "action": action,
            "subject": f"{campaign.public_id}/{number}",
        }
        for number in numbers
    ]
    if lines:
        session.execute(insert(AuditEntry), lines)


def _in_doubt(campaign: Campaign) -> tuple[ColumnElement[bool], ...]:
    return Delivery.campaign_id == campaign.id, Delivery.state == S.IN_DOUBT

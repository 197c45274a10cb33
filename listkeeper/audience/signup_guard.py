"""The brakes on confirmation mail: nobody can fill a stranger's mailbox through our forms."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import suppression
from listkeeper.audience.confirmation import Confirmation
from listkeeper.audience.suppression import Reason
from listkeeper.foundation import clock, signing, throttle
from listkeeper.standards.address import Address


class Verdict(StrEnum):
    """What may happen with a signup."""

    ASK = "ask"
    BRAKED = "braked"
    SUPPRESSED = "suppressed"


@dataclass(frozen=True)
class Limits:
    """The brakes' settings."""

    signups_per_hour: int
    confirmations_per_day: int
    confirmations_per_month: int


def brake_key(parsed: Address) -> str:
    """Return the keyed hash under which all spellings of one mailbox are counted."""
    return signing.keyed_digest("brake", parsed.canon)


def judge(session: Session, organisation: Organisation, parsed: Address, limits: Limits) -> Verdict:
    """Say whether this address may be asked to confirm now."""
    key = suppression.key_of(organisation.id, parsed.key)
    for row in suppression.reasons(session, organisation.id, key):
        # Who left may come back by a new confirmation; who said "not me" is not asked again.
        if row.scope == suppression.CONFIRMATIONS or row.reason in {Reason.LEGAL, Reason.NOT_ME}:
            return Verdict.SUPPRESSED
    counted = brake_key(parsed)
    # Two spellings of one mailbox may be judged by two workers at once: the second one counts the first one's mail.
    throttle.take_turns(session, "brake", counted)
    return Verdict.BRAKED if is_braked(session, counted, limits) else Verdict.ASK


def is_braked(session: Session, counted: str, limits: Limits) -> bool:
    """Return whether a mailbox has had its share of such mails; reminders are counted like the first ones."""
    moment = clock.now()
    for limit, window in (
        (limits.confirmations_per_day, timedelta(days=1)),
        (limits.confirmations_per_month, timedelta(days=30)),
    ):
        mails = sum(
            session.scalar(
                select(func.count())
                .select_from(Confirmation)
                .where(Confirmation.brake_key == counted, at > moment - window)
            )
            or 0
            for at in (Confirmation.created_at, Confirmation.reminded_at)
        )
        if mails >= limit:
            return True
    return False

"""How much came back: by mailbox provider, by what was the matter, and whose fault it was.

Each mail counts once for what was said of it. Only the newest things that were
told are counted, found by their indexes, however long the list has lived.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Subquery, and_, func, select
from sqlalchemy.orm import Session

from listkeeper.audience.consent import ConsentEvent, EventKind
from listkeeper.campaigns.campaign import Campaign
from listkeeper.deliverability import mail_provider
from listkeeper.deliverability.reply_class import CAMPAIGN_FAULT, SENDER_FAULT, ReplyClass
from listkeeper.feedback.event import FeedbackEvent, FeedbackKind, Outcome
from listkeeper.foundation import clock
from listkeeper.sending.delivery import Delivery

OVER = timedelta(days=30)
NEWEST = 50_000
# Who left is asked of the newest events of the consent record: what a letter did long ago is not known here.
_NEWEST_CONSENT = 100_000
SHOWN = 12


class Whose(StrEnum):
    """At whom it lies."""

    ADDRESS = "address"
    LATER = "later"
    SENDER = "sender"
    LETTER = "letter"


_COUNTED = (FeedbackKind.BOUNCED, FeedbackKind.COMPLAINED)
_ADDRESS = frozenset({ReplyClass.INVALID_ADDRESS, ReplyClass.INVALID_DOMAIN, ReplyClass.INACTIVE})


@dataclass
class Receiver:
    """What one mailbox provider sent back; ``provider`` None: not known, or too many small ones to name."""

    provider: str | None
    bounced: Counter[Whose] = field(default_factory=Counter)
    complained: int = 0
    # None: too long ago to be counted.
    left: int | None = 0

    @property
    def total(self) -> int:
        """How many mails came back."""
        return self.bounced.total()


@dataclass
class Figures:
    """What came back, the most first; ``cut``: there was more, and only the newest was counted."""

    receivers: list[Receiver]
    classes: list[tuple[ReplyClass, int]]
    unproven: int
    cut: bool

    @property
    def total(self) -> int:
        """How many mails came back."""
        return sum(each.total for each in self.receivers)


def whose(found: ReplyClass) -> Whose:
    """Return at whom a reply of this class lies."""
    if found in _ADDRESS:
        return Whose.ADDRESS
    if found in SENDER_FAULT:
        return Whose.SENDER
    return Whose.LETTER if found in CAMPAIGN_FAULT else Whose.LATER


def of_days(session: Session, organisation_id: int, over: timedelta = OVER) -> Figures:
    """Return what came back in a time until now."""
    return _figures(session, organisation_id, _newest(FeedbackEvent.received_at > clock.now() - over, by_time=True))


def of_letter(session: Session, letter: Campaign) -> Figures:
    """Return what one letter brought back, complained about it and left it, by the mailbox provider of its readers."""
    hers = and_(FeedbackEvent.campaign_id == letter.id, FeedbackEvent.kind.in_(_COUNTED))
    figures = _figures(session, letter.organisation_id, _newest(hers, by_time=False))
    by_name = {each.provider: each for each in figures.receivers}
    left = _left(session, letter)
    for provider in left or ():
        if provider not in by_name:
            by_name[provider] = Receiver(provider)
    for each in by_name.values():
        each.left = left[each.provider] if left is not None else None
    figures.receivers = _few(by_name.values())
    return figures


def _newest(which: ColumnElement[bool], *, by_time: bool) -> Subquery:
    # Each by the order of the index that finds it, so that nothing is sorted before it is cut off.
    columns = (
        FeedbackEvent.organisation_id, FeedbackEvent.kind, FeedbackEvent.outcome, FeedbackEvent.provider,
        FeedbackEvent.reply_class, func.coalesce(FeedbackEvent.delivery_id, -FeedbackEvent.id).label("mail"),
    )  # fmt: skip
    newest = select(*columns).where(which)
    return (newest.order_by(FeedbackEvent.received_at.desc()) if by_time else newest).limit(NEWEST).subquery()


def _figures(session: Session, organisation_id: int, newest: Subquery) -> Figures:
    told = newest.c
    grouped: Any = (
        select(told.kind, told.provider, told.reply_class, func.count(told.mail.distinct()))
        .where(told.organisation_id == organisation_id, told.kind.in_(_COUNTED), told.outcome != Outcome.UNPROVEN)
        .group_by(told.kind, told.provider, told.reply_class)
    )
    by_name: dict[str | None, Receiver] = {}
    classes: Counter[ReplyClass] = Counter()
    for kind, provider, reply_class, number in session.execute(grouped):
        receiver = by_name.setdefault(provider, Receiver(provider))
        if kind is FeedbackKind.COMPLAINED:
            receiver.complained += number
            continue
        found = reply_class or ReplyClass.TEMPORARY
        receiver.bounced[whose(found)] += number
        classes[found] += number
    unproven = select(func.count()).select_from(newest).where(told.outcome == Outcome.UNPROVEN)
    seen = session.scalar(select(func.count()).select_from(newest)) or 0
    return Figures(_few(by_name.values()), classes.most_common(), session.scalar(unproven) or 0, seen >= NEWEST)


def _few(receivers: Any) -> list[Receiver]:  # noqa: ANN401 - the values of a dict
    """Return those that sent most back, and the many small ones as one without a name."""
    known = sorted(receivers, key=lambda each: (-each.total, -each.complained, -(each.left or 0), each.provider or ""))
    shown = [each for each in known if each.provider in mail_provider.TABLE][:SHOWN]
    names, rest = {each.provider for each in shown}, Receiver(None)
    for each in known:
        if each.provider not in names:
            rest.bounced += each.bounced
            rest.complained += each.complained
            rest.left = None if each.left is None or rest.left is None else rest.left + each.left
    nothing = not rest.total and not rest.complained and not rest.left
    return shown if nothing else [*shown, rest]


def _left(session: Session, letter: Campaign) -> Counter[str | None] | None:
    """Return who left by a letter, by provider; None when the record has gone on too far since."""
    newest = session.scalar(select(func.max(ConsentEvent.id))) or 0
    after = newest - _NEWEST_CONSENT
    oldest = session.scalar(select(ConsentEvent.at).where(ConsentEvent.id > after).order_by(ConsentEvent.id).limit(1))
    if after > 0 and (letter.started_at is None or oldest is None or oldest > letter.started_at):
        return None
    query = (
        select(Delivery.provider, func.count(Delivery.id.distinct()))
        .select_from(ConsentEvent)
        .join(Delivery, Delivery.id == ConsentEvent.delivery_id)
        .where(ConsentEvent.id > after, ConsentEvent.kind == EventKind.WITHDRAWN, Delivery.campaign_id == letter.id)
        .group_by(Delivery.provider)
    )
    return Counter({row[0]: row[1] for row in session.execute(query)})

"""The cap: at most so many letters to one person in so many days, over everything that she gets.

Letters, welcome letters and steps of follow-ups count; what she asked for
herself (a confirmation, a receipt, an answer) does not. A step that would be
one too many is put off to the first moment that the cap allows. Of a letter to
everybody, where its owner wants that too, those who had their number are left
out, written down, and shown: the letter can be sent to them when they may get it.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import (
    ColumnElement,
    ForeignKey,
    Index,
    Select,
    UniqueConstraint,
    case,
    delete,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from listkeeper.accounts.organisation import Organisation
from listkeeper.audience.handover import MessageClass, NoticeKind
from listkeeper.audience.subscriber import Subscriber
from listkeeper.campaigns.campaign import Campaign, CampaignKind, CampaignState
from listkeeper.foundation import clock, columns, language
from listkeeper.foundation.among import among
from listkeeper.foundation.columns import UtcDateTime
from listkeeper.foundation.errors import Conflict, Invalid
from listkeeper.foundation.outbox import Lane
from listkeeper.foundation.table import Table
from listkeeper.sending import steering, waiting
from listkeeper.sending.delivery import LEFT, OPEN, Delivery, DeliveryState

MOST_MAILS, MOST_DAYS = 50, 90
_AT_ONCE = 5_000
# How long a letter to everybody takes to leave at most: one that began before that is not under way any more.
_LONGEST_SEND = timedelta(days=7)
_COUNTS = (*sorted(LEFT | OPEN),)


class SkipReason(StrEnum):
    """Why somebody was left out of a letter when it was planned."""

    CAP = "cap"


class SkippedMail(Table):
    """One letter that one person did not get because of what else she gets; ``planned_at``: she gets it after all."""

    __tablename__ = "skipped_mail"

    id: Mapped[int] = columns.row_id()
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id"))
    subscriber_id: Mapped[int] = mapped_column(ForeignKey("subscriber.id"))
    reason: Mapped[SkipReason] = columns.enum(SkipReason, default=SkipReason.CAP)
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=clock.now)
    planned_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__ = (
        UniqueConstraint("campaign_id", "subscriber_id"),
        Index("ix_skipped_mail_subscriber", "subscriber_id"),
    )


def choose(organisation: Organisation, mails: int | None, days: int, *, letters: bool) -> None:
    """Set the cap, None for none; ``letters``: it holds for letters to everybody too. Raises Invalid."""
    if (mails is not None and not 1 <= mails <= MOST_MAILS) or not 1 <= days <= MOST_DAYS:
        sentence = language.text(
            "Please choose 1 to %(mails)s letters in 1 to %(days)s days. Nothing was changed.",
            mails=MOST_MAILS,
            days=MOST_DAYS,
        )
        raise Invalid("frequency_cap", sentence)
    organisation.cap_mails, organisation.cap_days, organisation.cap_letters = mails, days, letters


def free_from(
    session: Session, organisation: Organisation, people: Collection[int], now: datetime
) -> dict[int, datetime]:
    """Return who of these has her number of letters, and from when on she may get one more.

    What is planned and has not left yet counts as if it left when it is due, or now; what stands still does not.
    """
    if organisation.cap_mails is None or not people:
        return {}
    window = timedelta(days=organisation.cap_days)
    is_open, moment = Delivery.state.in_(sorted(OPEN)), literal(now, UtcDateTime())
    at = case((is_open & (Delivery.due_at > moment), Delivery.due_at), (is_open, moment), else_=Delivery.handed_at)
    newest = func.row_number().over(partition_by=Delivery.subscriber_id, order_by=at.desc())
    had = (
        select(Delivery.subscriber_id.label("person"), at.label("at"), newest.label("number"))
        .where(among(Delivery.subscriber_id, "people"), *_counted(now - window))
        .subquery()
    )
    query = select(had.c.person, had.c.at).where(had.c.number == organisation.cap_mails)
    found = session.execute(query, {"people": sorted(set(people))})
    return {person: at + window for person, at in found if person is not None}


def _counted(since: datetime) -> tuple[ColumnElement[bool], ...]:
    return (
        Delivery.message_class == MessageClass.MARKETING,
        Delivery.state.in_(_COUNTS),
        or_(Delivery.state.in_(sorted(OPEN)) & waiting.is_moving(), Delivery.handed_at > since),
    )


def over(session: Session, organisation: Organisation, now: datetime) -> Select[int | None] | None:
    """Return the SELECT of everybody who has her number of letters; None where nobody can have it."""
    if organisation.cap_mails is None:
        return None
    since = now - timedelta(days=organisation.cap_days)
    moving = (CampaignState.SENDING, CampaignState.PAUSED)
    recent = select(Campaign.id).where(
        Campaign.organisation_id == organisation.id,
        or_(
            Campaign.kind == CampaignKind.FOLLOW_UP,
            Campaign.state.in_(moving),
            Campaign.started_at > since - _LONGEST_SEND,
        ),
    )
    letters = list(session.scalars(recent))
    # Looked for by letter, which has an index: of very many people few had anything in these days.
    singles = Delivery.campaign_id.is_(None) & (Delivery.notice == NoticeKind.WELCOME)
    return (
        select(Delivery.subscriber_id)
        .where(or_(Delivery.campaign_id.in_(letters), singles), Delivery.subscriber_id.is_not(None), *_counted(since))
        .group_by(Delivery.subscriber_id)
        .having(func.count() >= organisation.cap_mails)
    )


def leave_out(session: Session, campaign: Campaign, people: Select[int]) -> Select[int]:
    """Return the audience of a letter without those who have their number, and write down who that is."""
    capped = _over_for(session, campaign)
    if capped is None:
        return people
    now, chosen = clock.now(), people.order_by(None).where(Subscriber.id.in_(capped)).subquery()
    known = select(SkippedMail.subscriber_id).where(SkippedMail.campaign_id == campaign.id)
    values = {
        SkippedMail.campaign_id: literal(campaign.id),
        SkippedMail.subscriber_id: chosen.c.id,
        SkippedMail.reason: literal(SkipReason.CAP, SkippedMail.reason.type),
        SkippedMail.at: literal(now, SkippedMail.at.type),
    }
    rows = select(*values.values()).where(chosen.c.id.not_in(known))
    session.execute(insert(SkippedMail).from_select(list(values), rows, include_defaults=False))
    return people.where(Subscriber.id.not_in(known))


def would_leave_out(session: Session, campaign: Campaign, people: Select[int]) -> int:
    """Return how many people of an audience have their number now; nothing is changed."""
    capped = _over_for(session, campaign)
    if capped is None:
        return 0
    chosen = people.order_by(None).where(Subscriber.id.in_(capped)).subquery()
    return session.scalar(select(func.count()).select_from(chosen)) or 0


def _over_for(session: Session, campaign: Campaign) -> Select[int | None] | None:
    organisation = session.get_one(Organisation, campaign.organisation_id)
    if campaign.kind is not CampaignKind.LETTER or not organisation.cap_letters:
        return None
    return over(session, organisation, clock.now())


def skipped(session: Session, campaign: Campaign) -> int:
    """Return how many people were left out of a letter, and do not get it later."""
    query = select(func.count()).where(SkippedMail.campaign_id == campaign.id, SkippedMail.planned_at.is_(None))
    return session.scalar(query) or 0


def send_later(session: Session, campaign: Campaign) -> int:
    """Plan a letter for those who were left out, each for when she may get it; return how many.

    Raises Conflict while the letter has not begun, or was stopped.
    """
    # The lock lets two who press at once see each other.
    session.flush()
    session.refresh(campaign, with_for_update=True)
    if campaign.state not in {CampaignState.SENDING, CampaignState.PAUSED, CampaignState.FINISHED}:
        sentence = language.text("This letter is not on its way, so nobody can get it later. Nothing was changed.")
        raise Conflict("campaign_state", sentence)
    organisation, planned = session.get_one(Organisation, campaign.organisation_id), 0
    waiting = select(SkippedMail).where(SkippedMail.campaign_id == campaign.id, SkippedMail.planned_at.is_(None))
    while rows := list(session.scalars(waiting.order_by(SkippedMail.id).limit(_AT_ONCE))):
        now = clock.now()
        frees = free_from(session, organisation, [row.subscriber_id for row in rows], now)
        session.execute(
            insert(Delivery), [_row(campaign, row, max(frees.get(row.subscriber_id, now), now)) for row in rows]
        )
        chosen = update(SkippedMail).where(among(SkippedMail.id, "chosen")).values(planned_at=now)
        session.connection().execute(chosen, {"chosen": [row.id for row in rows]})
        session.expire_all()
        planned += len(rows)
    if planned:
        campaign.recipients += planned
        steering.under_way(session, campaign)
    return planned


def _row(campaign: Campaign, row: SkippedMail, due_at: datetime) -> dict[str, object]:
    return {
        "organisation_id": campaign.organisation_id,
        "message_class": MessageClass.MARKETING,
        "lane": Lane.SENDING,
        "occasion": f"campaign:{campaign.id}:{row.subscriber_id}",
        "state": DeliveryState.QUEUED,
        "campaign_id": campaign.id,
        "revision_id": campaign.sent_revision_id,
        "subscriber_id": row.subscriber_id,
        "list_id": campaign.list_id,
        "due_at": due_at,
    }


def forget(session: Session, subscriber_id: int) -> None:
    """Let go of what somebody was left out of."""
    hers = delete(SkippedMail).where(SkippedMail.subscriber_id == subscriber_id)
    session.execute(hers, execution_options={"synchronize_session": False})

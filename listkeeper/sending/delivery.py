"""A delivery: one message to one person, and everything that can happen to it.

The table is the queue. A row says ``handed`` only between the commit before
the message leaves and the commit of the reply; a row found there after a crash
is in doubt, listed, and never sent again blindly.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import BigInteger, ColumnElement, ForeignKey, Index, Integer, String, and_, func, literal_column, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from listkeeper.audience.handover import MessageClass, NoticeKind, RefusalCode
from listkeeper.deliverability import mail_provider
from listkeeper.deliverability.reply_class import ReplyClass
from listkeeper.foundation import clock, columns, outbox
from listkeeper.foundation.among import among
from listkeeper.foundation.columns import UtcDateTime
from listkeeper.foundation.compiled_once import CompiledOnce
from listkeeper.foundation.errors import Conflict
from listkeeper.foundation.outbox import Lane
from listkeeper.foundation.table import Table

QUEUED = "delivery.queued"
# A server said no for good, or "not now" for too long.
ENDED = "delivery.failed"


class DeliveryState(StrEnum):
    """Sent is accepted or bounced; in doubt is handed with no reply recorded; the rest is not sent."""

    QUEUED = "queued"
    LEASED = "leased"
    HANDED = "handed"
    ACCEPTED = "accepted"
    DEFERRED = "deferred"
    FAILED = "failed"
    REFUSED = "refused"
    CANCELLED = "cancelled"
    IN_DOUBT = "in_doubt"
    BOUNCED = "bounced"


S = DeliveryState
TRANSITIONS: dict[DeliveryState, frozenset[DeliveryState]] = {
    # In doubt without a hand-over: it waited when a backup was made that was restored, and may have left since.
    S.QUEUED: frozenset({S.LEASED, S.CANCELLED, S.IN_DOUBT}),
    # Back to queued: the lease ran out, the server was away, or the grant grew old before the hand-over began.
    S.LEASED: frozenset({S.QUEUED, S.HANDED, S.REFUSED, S.FAILED, S.CANCELLED, S.IN_DOUBT}),
    # Back to queued: marked as handed, but the hand-over had not begun when the grant ran out.
    S.HANDED: frozenset({S.ACCEPTED, S.DEFERRED, S.FAILED, S.IN_DOUBT, S.QUEUED}),
    # Deferred waits for its next attempt; past the deadline it fails.
    S.DEFERRED: frozenset({S.LEASED, S.FAILED, S.CANCELLED, S.IN_DOUBT}),
    # The receiver took it and sent it back later.
    S.ACCEPTED: frozenset({S.BOUNCED}),
    # Settled by hand, by a bounce, or from the relay's log; queued again only by a person's decision.
    S.IN_DOUBT: frozenset({S.ACCEPTED, S.FAILED, S.BOUNCED, S.QUEUED}),
    # The owner tries once more: what was at fault was not this person's address, or was mended since.
    S.FAILED: frozenset({S.QUEUED}),
    S.REFUSED: frozenset(),
    S.CANCELLED: frozenset(),
    S.BOUNCED: frozenset(),
}
OPEN = frozenset({S.QUEUED, S.LEASED, S.HANDED, S.DEFERRED})
# In an order, which an index needs.
TAKEN = (S.ACCEPTED, S.BOUNCED)
SENT = frozenset(TAKEN)
# Left, or may have: what is in doubt was perhaps read.
LEFT = SENT | {S.HANDED, S.IN_DOUBT}
WAITING = (S.QUEUED, S.DEFERRED)
UNDER_WAY = (S.LEASED, S.HANDED)
_NO_SUCH_ADDRESS = (ReplyClass.INVALID_ADDRESS, ReplyClass.INVALID_DOMAIN)
_FOR_GOOD = 500


class Delivery(Table):
    """One message to one person; ``occasion`` makes a doubled fact harmless."""

    __tablename__ = "delivery"

    # Foreign keys are kept by SQLite alone (migration 0015): PostgreSQL would lock and rewrite every subscriber named.
    id: Mapped[int] = columns.row_id()
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    message_class: Mapped[MessageClass] = columns.enum(MessageClass)
    lane: Mapped[Lane] = columns.enum(Lane)
    occasion: Mapped[str] = mapped_column(String(120), unique=True)
    state: Mapped[DeliveryState] = columns.enum(DeliveryState, default=DeliveryState.QUEUED)
    campaign_id: Mapped[int | None] = mapped_column(ForeignKey("campaign.id"))
    revision_id: Mapped[int | None] = mapped_column(ForeignKey("revision.id"))
    subscriber_id: Mapped[int | None] = mapped_column(ForeignKey("subscriber.id"))
    list_id: Mapped[int | None] = mapped_column(ForeignKey("mailing_list.id"))
    confirmation_id: Mapped[int | None] = mapped_column(ForeignKey("confirmation.id"))
    # Only for tests and the owner's witness mailbox, an address typed by a user; emptied once the mail is settled.
    typed_address: Mapped[str | None] = mapped_column(String(320))
    # How many campaigns of this organisation this person got before, as far as anybody asks (``letters_before``).
    letters_before: Mapped[int] = mapped_column(Integer, default=0)
    # Whose guidance block stands in it, or would if she were not held back to be compared with (``guided``).
    guidance: Mapped[str | None] = mapped_column(String(16))
    worker: Mapped[str | None] = mapped_column(String(120))
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    due_at: Mapped[datetime] = mapped_column(UtcDateTime, default=clock.now)
    # 0 are the few of a campaign that go first and are watched; 1 is everybody else.
    wave: Mapped[int] = mapped_column(Integer, default=1, server_default="1")
    # How often before this person has begun the follow-up whose step this is; 0 for everything else.
    round: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    # The mailbox provider of the recipient (``mail_host``), as far as it was looked up: written down when the row
    # is put off, and with what came of its hand-over.
    provider: Mapped[str | None] = mapped_column(String(mail_provider.LONGEST))
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    handed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # Of a message that was put off: when it was tried for the first time.
    first_tried_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    settled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    grant_event_id: Mapped[int | None] = mapped_column(columns.RowId)
    grant_seq: Mapped[int | None] = mapped_column(BigInteger)
    gate_head_seq: Mapped[int | None] = mapped_column(BigInteger)
    template_sha256: Mapped[str | None] = mapped_column(String(64))
    # Which note about her own subscription, and the row it is about.
    notice: Mapped[NoticeKind | None] = columns.enum(NoticeKind, nullable=True)
    notice_id: Mapped[int | None] = mapped_column(columns.RowId)
    gate_rule_version: Mapped[int | None] = mapped_column(Integer)
    refusal_code: Mapped[RefusalCode | None] = columns.enum(RefusalCode, nullable=True)
    # By which way it was handed over last (``way``): a short name, with nothing secret in it.
    way: Mapped[str | None] = mapped_column(String(40))
    message_id: Mapped[str | None] = mapped_column(String(200))
    reply_code: Mapped[int | None] = mapped_column(Integer)
    # With addresses masked.
    reply_text: Mapped[str | None] = mapped_column(String(500))
    # What it means (``reply_class``), when it was no yes.
    reply_class: Mapped[ReplyClass | None] = columns.enum(ReplyClass, nullable=True)
    created_at: Mapped[datetime] = columns.created_at()

    __table_args__ = (
        # A campaign writes to nobody twice, but a step of a follow-up once in each round; and what somebody got before
        # is asked for each of its people.
        Index("uq_delivery_subscriber_campaign", "subscriber_id", "campaign_id", "round", unique=True),
        Index(
            "ix_delivery_waiting",
            # A letter that is paused or held is passed over without looking at its rows.
            "lane",
            "campaign_id",
            "wave",
            "due_at",
            "id",
            postgresql_where=state.in_(WAITING),
            sqlite_where=state.in_(WAITING),
        ),
        Index(
            "ix_delivery_under_way", "worker", postgresql_where=state.in_(UNDER_WAY), sqlite_where=state.in_(UNDER_WAY)
        ),
        # With the person, so that segments find who got a letter in the order of people.
        Index("ix_delivery_campaign_state", "campaign_id", "state", "subscriber_id"),
        # What receivers put off, and what is in doubt: few rows, which the studio and its watch look for often.
        Index(
            "ix_delivery_put_off",
            "provider",
            "due_at",
            postgresql_where=state == S.DEFERRED,
            sqlite_where=state == S.DEFERRED,
        ),
        Index(
            "ix_delivery_in_doubt", "settled_at", postgresql_where=state == S.IN_DOUBT, sqlite_where=state == S.IN_DOUBT
        ),
        # Who was asked to keep our letters in the first place, for the measure of it (``feedback.guidance_measure``).
        Index(
            "ix_delivery_guidance",
            "guidance",
            "subscriber_id",
            postgresql_where=guidance.is_not(None),
            sqlite_where=guidance.is_not(None),
        ),
        # What Gmail took, which is counted by the day (``bulk_count``).
        Index(
            "ix_delivery_to_gmail",
            "handed_at",
            postgresql_where=and_(provider == "gmail", state.in_(TAKEN)),
            sqlite_where=and_(provider == "gmail", state.in_(TAKEN)),
        ),
    )


def _is_in(states: Iterable[DeliveryState]) -> ColumnElement[bool]:
    """Return the condition as the partial indexes have it, word for word: a parameter in it would find none of them."""
    return Delivery.state.in_([literal_column(f"'{state.value}'") for state in states])


IS_WAITING = _is_in(WAITING)
IS_UNDER_WAY = _is_in(UNDER_WAY)
IS_PUT_OFF = Delivery.state == literal_column(f"'{S.DEFERRED.value}'")
IS_IN_DOUBT = Delivery.state == literal_column(f"'{S.IN_DOUBT.value}'")
WENT_TO_GMAIL = and_(Delivery.provider == literal_column("'gmail'"), _is_in(TAKEN))


def is_about_the_person() -> ColumnElement[bool]:
    """Return whether a server said for good (RFC 5321 section 4.2.1) that there is no such address, or domain."""
    # Said of every part whether it is there: "not (nothing known)" is nothing known either, and would leave rows out.
    known = and_(Delivery.reply_class.is_not(None), Delivery.reply_code.is_not(None))
    return and_(known, Delivery.reply_class.in_(_NO_SUCH_ADDRESS), Delivery.reply_code >= _FOR_GOOD)


class Waiting(NamedTuple):
    """A delivery as a value: what its message is written from, and what the gate is asked with."""

    id: int
    organisation_id: int
    message_class: MessageClass
    occasion: str
    campaign_id: int | None
    revision_id: int | None
    subscriber_id: int | None
    list_id: int | None
    confirmation_id: int | None
    typed_address: str | None
    guidance: str | None
    notice: NoticeKind | None
    notice_id: int | None


AnyDelivery = Delivery | Waiting


def letters_among(session: Session, ids: Sequence[int]) -> list[Waiting]:
    """Return the letters of campaigns among these deliveries, as values."""
    return [Waiting._make(row) for row in _LETTERS.rows(session.connection(), {"ids": ids})]


_ROW = Delivery.__table__.c
_LETTERS = CompiledOnce(
    select(*(_ROW[name] for name in Waiting._fields))
    .where(among(_ROW.id, "ids"), _ROW.campaign_id.is_not(None))
    .order_by(_ROW.id)
)


def queue(session: Session, made: Delivery) -> Delivery:
    """Store a single mail that waits to be handed over, and the fact that it does; its lane is worked at once."""
    return queue_all(session, [made])[0]


def queue_all(session: Session, made: list[Delivery], *, announce: bool = True) -> list[Delivery]:
    """Store single mails that wait to be handed over, and the fact that they do, unless it is known already."""
    session.add_all(made)
    session.flush()
    if announce:
        outbox.write_all(session, QUEUED, [row.id for row in made], Lane.URGENT)
    return made


def move(delivery: Delivery, target: DeliveryState) -> None:
    """Change the state by the table above. Raises Conflict for a way that does not exist."""
    if target not in TRANSITIONS[delivery.state]:
        raise Conflict("delivery_state", f"A delivery cannot go from {delivery.state} to {target}.")
    delivery.state = target
    if target in OPEN:
        delivery.settled_at = None
    else:
        delivery.settled_at = clock.now()
        delivery.worker = delivery.lease_until = None
        delivery.typed_address = None


def counts(session: Session, campaign_id: int) -> dict[DeliveryState, int]:
    """Return how many deliveries of a campaign are in each state."""
    query = select(Delivery.state, func.count()).where(Delivery.campaign_id == campaign_id).group_by(Delivery.state)
    found = {row[0]: row[1] for row in session.execute(query)}
    return {state: found.get(state, 0) for state in DeliveryState}


def numbered(session: Session, delivery_id: int) -> Delivery | None:
    """Return a delivery by its number, if it exists."""
    return session.get(Delivery, delivery_id)


def written_to(session: Session, subscribers: Sequence[int]) -> set[int]:
    """Return which of these subscribers have a delivery, of whatever kind and state."""
    query = select(Delivery.subscriber_id).where(Delivery.subscriber_id.in_(subscribers)).distinct()
    return {number for number in session.scalars(query) if number is not None}

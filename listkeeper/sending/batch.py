"""A worker's batch: claim in one transaction, hand over with none open, record in another.

``lease`` marks rows as this worker's. ``hand_out`` asks the gate and marks
them handed in the same transaction, at most 32 at once. The hand-over itself
happens in ``jobs``, between the two. ``record`` stores what came of it.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import assert_never

from sqlalchemy import ColumnElement, and_, select, update
from sqlalchemy.orm import Session

from listkeeper.audience import asking, permission, question_mail, subscriber
from listkeeper.audience.asking import ConfirmationMail
from listkeeper.audience.handover import Handover, MessageClass, NoticeKind, Refusal
from listkeeper.audience.permission import Grant
from listkeeper.audience.proof import witness
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Subscription
from listkeeper.campaigns.campaign import Campaign, CampaignState
from listkeeper.foundation import clock, log
from listkeeper.foundation.errors import ListkeeperError
from listkeeper.foundation.outbox import Lane
from listkeeper.sending import delivery, planning, retry, tally
from listkeeper.sending.delivery import WAITING, Delivery, DeliveryState
from listkeeper.sending.transport import Accepted, Deferred, InDoubt, Outcome, Rejected, Reply

WINDOW = 32
# With the timetable's round on top, rows of a machine that is gone are taken over within a minute.
LEASE = timedelta(seconds=30)
# Longer than the longest wait for a server's reply (RFC 5321 section 4.5.3.2.6 allows 10 minutes; we wait 2).
HANDED_LEASE = timedelta(seconds=180)
_TEXT_LIMIT = 500
_PERMANENT = 500
_NOT_SENT = frozenset({DeliveryState.REFUSED, DeliveryState.FAILED})


@dataclass(frozen=True)
class Prepared:
    """A message that can be written as soon as the gate names the address."""

    template_sha256: str
    mail_from: str
    message_id: str
    purpose: str | None
    compose: Callable[[str], bytes]
    # What a campaign is about, and whether it is important: some permissions cover that alone.
    category: str | None = None
    important: bool = False
    # The topic a campaign is about: whoever chose others does not get it.
    topic: str | None = None
    # The fixed words of a mail that asks for a yes: with them a copy of what went out is kept as proof.
    template: Mapping[str, str] | None = None
    # What the linter said of it.
    lint: str = ""


@dataclass(frozen=True)
class Ready:
    """A delivery marked as handed, with its grant."""

    delivery_id: int
    grant: Grant
    prepared: Prepared


Prepare = Callable[[Session, Sequence[Delivery]], dict[int, Prepared | ListkeeperError]]


def lease(session: Session, lane: Lane, worker: str, limit: int) -> list[int]:
    """Mark up to ``limit`` due rows of a lane as this worker's for half a minute; return their ids.

    None while the ledger has forked: the gate would refuse them for good, and the owner may yet go on.
    """
    if witness.is_stopped(session):
        return []
    moment = clock.now()
    ids: list[int] = []
    for queue in _queues(session, lane):
        due = select(Delivery.id).where(queue, Delivery.due_at <= moment).order_by(Delivery.due_at, Delivery.id)
        ids += session.scalars(due.limit(limit - len(ids)).with_for_update(skip_locked=True))
        if len(ids) == limit:
            break
    if ids:
        session.execute(
            update(Delivery)
            .where(Delivery.id.in_(ids))
            .values(state=DeliveryState.LEASED, worker=worker, lease_until=moment + LEASE)
        )
    return ids


def _queues(session: Session, lane: Lane) -> Iterator[ColumnElement[bool]]:
    """Yield what may be claimed from: single mails, then each campaign that is on its way, its first wave first.

    Another campaign comes first each time, so that a small one does not wait for a large one to end.
    """
    waiting = and_(Delivery.lane == lane, Delivery.state.in_(WAITING))
    yield and_(waiting, Delivery.campaign_id.is_(None))
    if lane is not Lane.SENDING:
        return
    query = select(Campaign.id, Campaign.waves_open).where(Campaign.state == CampaignState.SENDING)
    under_way = session.execute(query.order_by(Campaign.id)).all()
    first = secrets.randbelow(len(under_way)) if under_way else 0
    for number, waves_open in (*under_way[first:], *under_way[:first]):
        for wave in range(waves_open + 1):
            yield and_(waiting, Delivery.campaign_id == number, Delivery.wave == wave)


def give_back(session: Session, ids: Sequence[int], worker: str, *, wait: timedelta = timedelta(0)) -> None:
    """Return leased rows of this worker to the queue, due after ``wait``; no attempt is counted."""
    session.execute(
        update(Delivery)
        .where(Delivery.id.in_(ids), Delivery.worker == worker, Delivery.state == DeliveryState.LEASED)
        .values(state=DeliveryState.QUEUED, worker=None, lease_until=None, due_at=clock.now() + wait)
    )


def hand_out(  # noqa: PLR0913 - whose rows, and what the line can carry where to
    session: Session,
    ids: Sequence[int],
    worker: str,
    *,
    prepare: Prepare,
    carries_smtputf8: bool,
    practice: bool = False,
) -> list[Ready]:
    """Ask the gate about at most 32 leased rows and mark them handed or refused, in this transaction.

    A row whose message cannot be written fails alone; the rest goes on. ``practice``
    says that the line ends in practice mode's own server.
    """
    if len(ids) > WINDOW:
        raise ValueError(f"at most {WINDOW} deliveries may be under way at once")
    query = select(Delivery).where(
        Delivery.id.in_(ids), Delivery.worker == worker, Delivery.state == DeliveryState.LEASED
    )
    rows = list(
        session.scalars(query.order_by(Delivery.id).with_for_update().execution_options(populate_existing=True))
    )
    # Everybody in the house takes deliveries, then people, then the end of the ledger, which signing a receipt needs.
    subscriber.hold_all(session, select(Subscriber).where(Subscriber.id.in_([row.subscriber_id for row in rows])))
    prepared = prepare(session, rows)
    able: dict[int, Prepared] = {}
    for row in rows:
        match prepared[row.id]:
            case Prepared() as message:
                able[row.id] = message
            case ListkeeperError() as problem:
                delivery.move(row, DeliveryState.FAILED)
                row.reply_text = log.mask(problem.message)[:_TEXT_LIMIT]
    kept = [row for row in rows if row.id in able]
    described = [_described(row, able[row.id], carries_smtputf8=carries_smtputf8, practice=practice) for row in kept]
    verdicts = permission.grant_all(session, described)
    ready = [made for row in kept if (made := _mark(row, able[row.id], verdicts[row.id], worker)) is not None]
    _send_receipts_alone(session, rows)
    tally.note(session, rows)
    return ready


def _send_receipts_alone(session: Session, rows: Sequence[Delivery]) -> None:
    """Queue the receipts that welcome letters would have carried which may not go; the gate decides about each."""
    for row in rows:
        if row.notice is NoticeKind.WELCOME and row.notice_id is not None and row.state in _NOT_SENT:
            planning.mail_receipt(session, row.notice_id)


def _described(row: Delivery, prepared: Prepared, *, carries_smtputf8: bool, practice: bool) -> Handover:
    return Handover(
        delivery_id=row.id,
        organisation_id=row.organisation_id,
        message_class=row.message_class,
        template_sha256=prepared.template_sha256,
        subscriber_id=row.subscriber_id,
        list_id=row.list_id,
        purpose=prepared.purpose,
        category=prepared.category,
        important=prepared.important,
        topic=prepared.topic,
        confirmation_id=row.confirmation_id,
        notice=row.notice,
        notice_id=row.notice_id,
        typed_address=row.typed_address,
        carries_smtputf8=carries_smtputf8,
        practice=practice,
    )


def _mark(row: Delivery, prepared: Prepared, verdict: Grant | Refusal, worker: str) -> Ready | None:
    row.gate_rule_version = permission.RULE_VERSION
    match verdict:
        case Refusal(code):
            delivery.move(row, DeliveryState.REFUSED)
            row.refusal_code = code
            return None
        case Grant():
            delivery.move(row, DeliveryState.HANDED)
            row.worker = worker
            row.attempts += 1
            row.handed_at = clock.now()
            row.lease_until = row.handed_at + HANDED_LEASE
            row.grant_event_id = verdict.event_id
            row.grant_seq = verdict.ledger_seq
            row.gate_head_seq = verdict.head_seq
            row.template_sha256 = prepared.template_sha256
            row.message_id = prepared.message_id
            return Ready(row.id, verdict, prepared)
        case _:
            assert_never(verdict)


@dataclass(frozen=True)
class Question:
    """A mail that asked for a yes, word for word as it left."""

    raw: bytes
    template: Mapping[str, str]
    lint: str = ""


def record(
    session: Session, outcomes: dict[int, Outcome | None], questions: Mapping[int, Question] | None = None
) -> None:
    """Store what came of each hand-over; None means it had not begun when the grant grew old.

    ``questions`` are the mails among them that asked for a yes: once accepted, they are part of the proof.
    """
    cancelled = _cancelled_campaigns(session, outcomes)
    reached: dict[int | None, list[int]] = {}
    refused: list[int | None] = []
    settled: list[Delivery] = []
    query = select(Delivery).where(Delivery.id.in_(outcomes)).order_by(Delivery.id).with_for_update()
    rows = list(session.scalars(query.execution_options(populate_existing=True)))
    asking.hold(session, [row.confirmation_id for row in rows if row.id in (questions or {}) and row.confirmation_id])
    for row in rows:
        # Another process may have called a slow hand-over in doubt; the true answer still counts.
        if row.state in {DeliveryState.HANDED, DeliveryState.IN_DOUBT}:
            _settle(row, outcomes[row.id])
            settled.append(row)
            refused += [row.confirmation_id] if _is_refused_question(row) else []
            if row.campaign_id in cancelled and row.state in WAITING:
                delivery.move(row, DeliveryState.CANCELLED)
            if (person := _reached_by_letter(row)) is not None:
                reached.setdefault(row.list_id, []).append(person)
    asking.accepted(session, _taken(settled, questions or {}))
    if refused:
        asking.bounced(session, [number for number in refused if number is not None])
    for list_id, people in reached.items():
        # The gate asks: for how long was she silent, and how often does she want to hear from us?
        heard = update(Subscription).where(Subscription.list_id == list_id, Subscription.subscriber_id.in_(people))
        session.execute(heard.values(last_contact_at=clock.now()), execution_options={"synchronize_session": False})
    tally.note(session, settled)


def _is_refused_question(row: Delivery) -> bool:
    """Whether a server said for good (RFC 5321 section 4.2.1) that it does not take a mail that asks for a yes."""
    permanent = row.reply_code is not None and row.reply_code >= _PERMANENT
    return row.message_class is MessageClass.DOI and row.state is DeliveryState.FAILED and permanent


def _reached_by_letter(row: Delivery) -> int | None:
    return row.subscriber_id if row.campaign_id is not None and row.state is DeliveryState.ACCEPTED else None


def _taken(rows: Sequence[Delivery], questions: Mapping[int, Question]) -> dict[int, ConfirmationMail]:
    """Return the mails of questions that a server took just now, by their questions."""
    return {
        row.confirmation_id: ConfirmationMail(
            raw=questions[row.id].raw,
            template=questions[row.id].template,
            lint=questions[row.id].lint,
            message_id=row.message_id or "",
            reply=f"{row.reply_code or ''} {row.reply_text or ''}".strip(),
            handed_at=row.handed_at or clock.now(),
            reminder=question_mail.is_reminder(row.occasion),
        )
        for row in rows
        if row.id in questions and row.state is DeliveryState.ACCEPTED and row.confirmation_id is not None
    }


def _cancelled_campaigns(session: Session, ids: Iterable[int]) -> set[int]:
    """Return the cancelled campaigns among those of these rows.

    The shared lock makes a cancel wait for us, or us for it: no row slips back into a queue that was just emptied.
    """
    of_rows = select(Delivery.campaign_id).where(Delivery.id.in_(ids))
    query = select(Campaign.id, Campaign.state).where(Campaign.id.in_(of_rows)).order_by(Campaign.id)
    rows = session.execute(query.with_for_update(read=True))
    return {number for number, state in rows if state is CampaignState.CANCELLED}


def _settle(row: Delivery, outcome: Outcome | None) -> None:
    match outcome:
        case None:
            delivery.move(row, DeliveryState.QUEUED)
            row.attempts -= 1
            row.worker = row.lease_until = row.handed_at = None
        case Accepted(reply):
            _answered(row, DeliveryState.ACCEPTED, reply)
        case Rejected(reply):
            _answered(row, DeliveryState.FAILED, reply)
        case Deferred(reply):
            _try_later(row, reply)
        case InDoubt(reason):
            if row.state is not DeliveryState.IN_DOUBT:
                delivery.move(row, DeliveryState.IN_DOUBT)
            row.reply_text = log.mask(reason)[:_TEXT_LIMIT]
        case _:
            assert_never(outcome)


def _answered(row: Delivery, state: DeliveryState, reply: Reply) -> None:
    delivery.move(row, state)
    row.reply_code = reply.code or None
    row.reply_text = log.mask(reply.text)[:_TEXT_LIMIT]


def _try_later(row: Delivery, reply: Reply) -> None:
    moment = clock.now()
    if retry.overdue(row.created_at, row.lane, moment):
        _answered(row, DeliveryState.FAILED, reply)
        return
    # A row that was called in doubt is so no more: it was not taken, so it waits for another try.
    doubted = row.state is DeliveryState.IN_DOUBT
    _answered(row, DeliveryState.QUEUED if doubted else DeliveryState.DEFERRED, reply)
    row.worker = row.lease_until = None
    row.due_at = retry.next_attempt(row.attempts, moment)


def anything_due(session: Session, lane: Lane) -> bool:
    """Return whether rows of a lane wait for a worker now, who would get them."""
    if witness.is_stopped(session):
        return False
    moment = clock.now()
    found = (select(Delivery.id).where(queue, Delivery.due_at <= moment).limit(1) for queue in _queues(session, lane))
    return any(session.scalar(query) is not None for query in found)

"""A worker's batch: hand out in one transaction, hand over with none open, record in another.

``hand_out`` asks the gate about rows that ``claim.lease`` marked as this worker's, and
marks them handed in the same transaction, at most 32 at once. The hand-over itself
happens in ``jobs``, between the two. ``record`` stores what came of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import assert_never

from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.audience import asking, permission, question_mail, subscriber
from listkeeper.audience.asking import ConfirmationMail
from listkeeper.audience.handover import MessageClass, NoticeKind, Refusal
from listkeeper.audience.permission import Grant
from listkeeper.audience.subscriber import Subscriber
from listkeeper.campaigns.campaign import Campaign, CampaignState
from listkeeper.deliverability import reply_class
from listkeeper.deliverability.reply_class import SENDER_FAULT, Verdict
from listkeeper.foundation import clock, outbox
from listkeeper.foundation.errors import ListkeeperError
from listkeeper.foundation.outbox import Lane
from listkeeper.sending import counted_copy, delivery, letter_batch, planning, prepared, retry, tally, waiting
from listkeeper.sending.counted_copy import CountedCopy
from listkeeper.sending.delivery import WAITING, Delivery, DeliveryState
from listkeeper.sending.handing_over.transport import Accepted, Deferred, InDoubt, Outcome, Rejected, Reply
from listkeeper.sending.prepared import HANDED_LEASE, Letters, Line, Prepare, Prepared, Ready
from listkeeper.sending.retry import Deadlines

WINDOW = 32
_PERMANENT = 500
_NOT_SENT = frozenset({DeliveryState.REFUSED, DeliveryState.FAILED})


def hand_out(  # noqa: PLR0913 - whose rows, and what the line can carry where to
    session: Session,
    ids: Sequence[int],
    worker: str,
    *,
    prepare: Prepare,
    carries_smtputf8: bool,
    practice: bool = False,
    letters: Letters | None = None,
    way: str | None = None,
) -> list[Ready]:
    """Ask the gate about at most 32 leased rows and mark them handed or refused, in this transaction.

    A row whose message cannot be written fails alone; the rest goes on. ``practice``
    says that the line ends in practice mode's own server; ``way`` is the name of that
    line's way. ``letters`` are those among the rows that were read and prepared
    beforehand; the others are prepared here.
    """
    if len(ids) > WINDOW:
        raise ValueError(f"at most {WINDOW} deliveries may be under way at once")
    known = letters or {}
    line = Line(worker, carries_smtputf8=carries_smtputf8, practice=practice, way=way)
    # Everybody in the house takes deliveries, then people, then the end of the ledger, which signing a receipt needs.
    campaigns = {number: known[number][0].campaign_id for number in ids if number in known}
    ours = letter_batch.take(session, campaigns, worker)
    rows = _taken_up(session, [number for number in ids if number not in known], worker)
    ready = letter_batch.hand_out(session, [known[number] for number in ours], line) if ours else []
    return ready + _hand_out_singles(session, rows, prepare, line) if rows else ready


def _taken_up(session: Session, ids: Sequence[int], worker: str) -> list[Delivery]:
    if not ids:
        return []
    query = select(Delivery).where(
        Delivery.id.in_(ids), Delivery.worker == worker, Delivery.state == DeliveryState.LEASED
    )
    return list(
        session.scalars(query.order_by(Delivery.id).with_for_update().execution_options(populate_existing=True))
    )


def _hand_out_singles(session: Session, rows: Sequence[Delivery], prepare: Prepare, line: Line) -> list[Ready]:
    subscriber.hold_all(session, select(Subscriber).where(Subscriber.id.in_([row.subscriber_id for row in rows])))
    messages = prepare(session, rows)
    able: dict[int, Prepared] = {}
    for row in rows:
        match messages[row.id]:
            case Prepared() as message:
                able[row.id] = message
            case ListkeeperError() as problem:
                delivery.move(row, DeliveryState.FAILED)
                row.reply_text = prepared.words(problem.message)
    kept = [row for row in rows if row.id in able]
    verdicts = permission.grant_all(session, [prepared.described(row, able[row.id], line) for row in kept])
    ready = [made for row in kept if (made := _mark(row, able[row.id], verdicts[row.id], line)) is not None]
    _send_receipts_alone(session, rows)
    tally.note(session, rows)
    return ready


def _send_receipts_alone(session: Session, rows: Sequence[Delivery]) -> None:
    """Queue the receipts that welcome letters would have carried which may not go; the gate decides about each."""
    for row in rows:
        if row.notice is NoticeKind.WELCOME and row.notice_id is not None and row.state in _NOT_SENT:
            planning.mail_receipt(session, row.notice_id)


def _mark(row: Delivery, message: Prepared, verdict: Grant | Refusal, line: Line) -> Ready | None:
    row.gate_rule_version = permission.RULE_VERSION
    match verdict:
        case Refusal(code):
            delivery.move(row, DeliveryState.REFUSED)
            row.refusal_code = code
            return None
        case Grant():
            delivery.move(row, DeliveryState.HANDED)
            row.worker = line.worker
            row.way = line.way
            row.attempts += 1
            row.handed_at = clock.now()
            row.lease_until = row.handed_at + HANDED_LEASE
            row.grant_event_id = verdict.event_id
            row.grant_seq = verdict.ledger_seq
            row.gate_head_seq = verdict.head_seq
            row.template_sha256 = message.template_sha256
            row.message_id = message.message_id
            return Ready(row.id, verdict, message)
        case _:
            assert_never(verdict)


@dataclass(frozen=True)
class Question:
    """A mail that asked for a yes, word for word as it left."""

    raw: bytes
    template: Mapping[str, str]
    lint: str = ""


def record(  # noqa: PLR0913 - what came of what, in whose hands, by which rules
    session: Session,
    outcomes: Mapping[int, Outcome | None],
    questions: Mapping[int, Question] | None = None,
    *,
    worker: str,
    deadlines: Deadlines = retry.USUAL,
    receivers: Mapping[int, str] | None = None,
    counted: Mapping[int, CountedCopy] | None = None,
) -> None:
    """Store what came of each hand-over; None means it had not begun when the grant grew old.

    ``receivers`` says whom each row went to, as far as that is known, ``counted`` which of them are counted copies.
    ``questions`` are the mails among them that asked for a yes: once accepted, they are part of the proof. ``worker``
    says who handed them over: whoever was away for long, or lost the line at the commit and stores it once more, may
    find the row in other hands, and that hand-over must not hear of the one before. Nobody has a row of its own again
    while there is something to store of it.
    """
    if not outcomes:
        return
    # A letter that was taken is what nearly all of them are, and is written down without being made an object of.
    copies = counted or {}
    others = letter_batch.record_taken(session, outcomes, receivers or {}, worker, copies)
    singles = {number: outcomes[number] for number in others}
    settled = _record_singles(session, singles, questions or {}, worker, deadlines)
    for row in settled:
        row.provider = row.provider or (receivers or {}).get(row.id)
    tally.note(session, settled)
    took = [row for row in settled if row.id in copies and row.state is DeliveryState.ACCEPTED]
    counted_copy.arrived(session, ((copies[row.id], row.provider) for row in took))


def _record_singles(
    session: Session,
    outcomes: Mapping[int, Outcome | None],
    questions: Mapping[int, Question],
    worker: str,
    deadlines: Deadlines,
) -> list[Delivery]:
    if not outcomes:
        return []
    # Steps before letters, as whoever switches a line on locks them.
    cancelled = waiting.gone_steps(session, outcomes) | _cancelled_campaigns(session, outcomes)
    reached: dict[int, list[int]] = {}
    refused: list[int | None] = []
    settled: list[Delivery] = []
    query = select(Delivery).where(Delivery.id.in_(outcomes)).order_by(Delivery.id).with_for_update()
    rows = list(session.scalars(query.execution_options(populate_existing=True)))
    asking.hold(session, [row.confirmation_id for row in rows if row.id in questions and row.confirmation_id])
    for row in rows:
        # Another process may have called a slow hand-over in doubt; the true answer still counts.
        if row.state in {DeliveryState.HANDED, DeliveryState.IN_DOUBT} and row.worker == worker:
            _settle(row, outcomes[row.id], deadlines)
            settled.append(row)
            refused += [row.confirmation_id] if _is_refused_question(row) else []
            if row.campaign_id in cancelled and row.state in WAITING:
                delivery.move(row, DeliveryState.CANCELLED)
            if _is_accepted_letter(row):
                letter_batch.note_reached(reached, row.list_id, row.subscriber_id)
    asking.accepted(session, _taken(settled, questions))
    if refused:
        asking.bounced(session, [number for number in refused if number is not None])
    ended = [row.id for row in settled if row.state is DeliveryState.FAILED and row.reply_code is not None]
    outbox.write_all(session, delivery.ENDED, ended, Lane.BACKGROUND)
    letter_batch.contacted(session, reached)
    return settled


def _is_refused_question(row: Delivery) -> bool:
    """Whether a server said for good (RFC 5321 section 4.2.1) that it does not take a mail that asks for a yes.

    What it has against the sender is no sign that a form is abused.
    """
    permanent = row.reply_code is not None and row.reply_code >= _PERMANENT and row.reply_class not in SENDER_FAULT
    return row.message_class is MessageClass.DOI and row.state is DeliveryState.FAILED and permanent


def _is_accepted_letter(row: Delivery) -> bool:
    return row.campaign_id is not None and row.state is DeliveryState.ACCEPTED


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


def _settle(row: Delivery, outcome: Outcome | None, deadlines: Deadlines) -> None:
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
            _try_later(row, reply, deadlines.of(row.message_class))
        case InDoubt(reason):
            if row.state is not DeliveryState.IN_DOUBT:
                delivery.move(row, DeliveryState.IN_DOUBT)
            row.reply_text = prepared.words(reason)
        case _:
            assert_never(outcome)


def _answered(row: Delivery, state: DeliveryState, reply: Reply) -> Verdict | None:
    delivery.move(row, state)
    row.reply_code = reply.code or None
    row.reply_text = prepared.words(reply.text)
    verdict = reply_class.of_reply(reply.code, reply.text, row.provider)
    row.reply_class = verdict.reply_class if verdict is not None else None
    return verdict


def _try_later(row: Delivery, reply: Reply, deadline: timedelta) -> None:
    moment = clock.now()
    row.first_tried_at = row.first_tried_at or row.handed_at or moment
    if retry.overdue(row.first_tried_at, row.attempts, moment, deadline):
        _answered(row, DeliveryState.FAILED, reply)
        return
    # A row that was called in doubt is so no more: it was not taken, so it waits for another try.
    doubted = row.state is DeliveryState.IN_DOUBT
    verdict = _answered(row, DeliveryState.QUEUED if doubted else DeliveryState.DEFERRED, reply)
    row.worker = row.lease_until = None
    row.due_at = retry.next_attempt(row.attempts, moment, verdict)

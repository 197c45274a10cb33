"""Cases 1 and 2: whoever leaves while mail is on its way gets none that was not handed over before."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.audience import unsubscribe
from listkeeper.audience.consent import ConsentEvent, EventKind
from listkeeper.audience.handover import RefusalCode
from listkeeper.audience.subscriber import Subscriber
from listkeeper.foundation import signing
from listkeeper.foundation.outbox import Lane
from listkeeper.jobs import identity, sending
from listkeeper.sending import claim
from listkeeper.sending.delivery import Delivery, DeliveryState
from tests.fakes.at_once import at_once
from tests.fakes.running_up import until
from tests.fakes.smtp_sink import SmtpSink
from tests.makers.works import Works, recipients

S = DeliveryState
ONE_CLICK = {"List-Unsubscribe": "One-Click"}
# Longer than a grant lives.
STALE = 1.3


def _letters(works: Works) -> dict[int, str]:
    """Return every letter's number and its one-click address."""
    rows = [row.id for row in works.deliveries() if row.campaign_id is not None]
    with works.app.app_context():
        return {number: f"/u/{unsubscribe.token_for(number)}" for number in rows}


def _click(app: Flask, address: str) -> None:
    assert app.test_client().post(address, data=ONE_CLICK).status_code == 200


def _addresses(works: Works) -> dict[int, str]:
    def look(session: Session) -> dict[int, str]:
        query = select(Delivery.id, Subscriber.email_send).join(Subscriber, Subscriber.id == Delivery.subscriber_id)
        return {row[0]: row[1] for row in session.execute(query)}

    return works.read(look)


def _withdrawals(works: Works) -> dict[int | None, ConsentEvent]:
    def look(session: Session) -> dict[int | None, ConsentEvent]:
        events = session.scalars(select(ConsentEvent).where(ConsentEvent.kind == EventKind.WITHDRAWN)).all()
        session.expunge_all()
        return {event.delivery_id: event for event in events}

    return works.read(look)


def _in_order(row: Delivery, withdrawn: ConsentEvent) -> bool:
    """Whether the rows themselves prove that the hand-over was marked before the withdrawal was written."""
    assert row.handed_at is not None
    assert row.gate_head_seq is not None
    assert row.grant_seq is not None
    assert withdrawn.ledger_seq is not None
    return row.handed_at <= withdrawn.at and row.grant_seq <= row.gate_head_seq < withdrawn.ledger_seq


def test_case_01_a_leave_between_the_gates_yes_and_the_hand_over(works: Works, smtp_sink: SmtpSink) -> None:
    """The gate has said yes to a whole window; its first letter is on the line, the others have not begun."""
    works.gather(6)
    works.start()
    smtp_sink.script("CONTENT", "250 after a long time", times=1, delay=STALE)
    sender = threading.Thread(target=works.drain)
    sender.start()
    until(lambda: len(smtp_sink.messages) == 1)
    letters, rows = _letters(works), works.deliveries()
    window = [row.id for row in rows if row.state is S.HANDED]
    assert len(window) == 6, "the gate had not said yes to all of them, so nothing is tried"
    first, last = window[0], window[-1]
    for number in (first, last):
        _click(works.app, letters[number])
    sender.join(60)
    after, left = {row.id: row for row in works.deliveries()}, _withdrawals(works)
    assert set(left) == {first, last}
    assert after[first].state is S.ACCEPTED
    assert _in_order(after[first], left[first])
    assert (after[last].state, after[last].refusal_code) == (S.REFUSED, RefusalCode.WITHDRAWN)
    assert smtp_sink.to(_addresses(works)[last]) == []
    assert [after[number].state for number in window[1:-1]] == [S.ACCEPTED] * 4
    assert set(recipients(smtp_sink).values()) == {1}


@pytest.mark.timeout(900)
def test_case_01_many_leave_while_the_gate_decides(
    works: Works, smtp_sink: SmtpSink, share: Callable[[str, int, int], int]
) -> None:
    """No order is arranged: whatever came first, the rows say which it was, and the mailbox agrees."""
    works.gather(10)
    for number in range(share("rounds of leaves against hand-overs", 20, 1)):
        _race(works, smtp_sink, f"Letter {number}")
        works.write(lambda session, _house: _bring_back(session))


def _race(works: Works, smtp_sink: SmtpSink, subject: str) -> None:
    letter = works.start(subject)
    rows = [row.id for row in works.deliveries() if row.campaign_id == letter]
    letters, leaving = _letters(works), rows[::2]

    def act(number: int) -> None:
        # The worker and everybody who leaves begin at the same moment.
        if number == 0:
            works.drain()
        else:
            _click(works.app, letters[leaving[number - 1]])

    smtp_sink.forget()
    at_once(1 + len(leaving), act)
    works.drain()
    after, left, addresses = {row.id: row for row in works.deliveries()}, _withdrawals(works), _addresses(works)
    for number in leaving:
        if after[number].state is S.ACCEPTED:
            assert _in_order(after[number], left[number])
            assert len(smtp_sink.to(addresses[number])) == 1
        else:
            assert (after[number].state, after[number].refusal_code) == (S.REFUSED, RefusalCode.WITHDRAWN)
            assert smtp_sink.to(addresses[number]) == []
    assert all(after[number].state is S.ACCEPTED for number in rows if number not in leaving)


def _bring_back(session: Session) -> None:
    """Let everybody who left take it back, as the goodbye page does, so that the next round has as many people."""
    for event in session.scalars(select(ConsentEvent).where(ConsentEvent.kind == EventKind.WITHDRAWN)).all():
        unsubscribe.undo(session, signing.token("undo-unsubscribe", event.id))


@pytest.mark.timeout(900)
def test_case_02_leaving_while_a_whole_campaign_is_queued(
    works: Works, smtp_sink: SmtpSink, share: Callable[[str, int, int], int]
) -> None:
    """Everything is queued; two of three leave by their mail program's button, and none of them gets it any more."""
    count = share("letters queued when people leave", 10_000, 90)
    works.gather(count)
    works.start()
    letters, addresses = _letters(works), _addresses(works)
    assert len(letters) == count
    client = works.app.test_client()
    gone = [number for number in letters if number % 3]
    for number in gone:
        assert client.post(letters[number], data=ONE_CLICK).status_code == 200
    # A second worker has leased some of the rest: a leave reaches these as well.
    works.write(lambda session, _house: claim.lease(session, Lane.SENDING, identity.me(), 10))
    late = [row.id for row in works.deliveries() if row.state is S.LEASED][:5]
    for number in late:
        _click(works.app, letters[number])
    leased = [row.id for row in works.deliveries() if row.state is S.LEASED]
    with works.app.app_context():
        sending._deliver_leased(Lane.SENDING, leased, time.monotonic() + 60)  # noqa: SLF001 - the lease above is what this works on
    works.drain()
    after = {row.id: row for row in works.deliveries()}
    left = {addresses[number] for number in (*gone, *late)}
    assert {after[number].refusal_code for number in (*gone, *late)} == {RefusalCode.WITHDRAWN}
    assert {after[number].handed_at for number in (*gone, *late)} == {None}
    assert recipients(smtp_sink) == dict.fromkeys(set(addresses.values()) - left, 1)
    assert len(left) > count / 2

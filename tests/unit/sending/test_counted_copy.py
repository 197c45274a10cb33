"""Counted copies: each once, when it is taken; by provider only where its reader is seen by name."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from listkeeper.audience.tracking import Counting
from listkeeper.foundation import clock
from listkeeper.foundation.errors import ListkeeperError
from listkeeper.foundation.outbox import Lane
from listkeeper.sending import batch, claim, counted_copy, engagement_tally, planning, recovery
from listkeeper.sending.counted_copy import CountedCopy
from listkeeper.sending.delivery import Delivery
from listkeeper.sending.engagement_tally import What
from listkeeper.sending.handing_over.transport import Accepted, Deferred, InDoubt, Outcome, Rejected, Reply
from listkeeper.sending.prepared import Prepared
from tests.makers import cafe, crowd

ME = "here:1:1"
OK = Accepted(Reply(250, "2.0.0 kept"))
LATER = Deferred(Reply(451, "4.7.1 greylisted"))
NEVER = Rejected(Reply(550, "5.1.1 nobody"))
LOST = InDoubt("connection lost after the message")


@pytest.fixture
def letter(session: Session) -> int:
    """A letter to four people that is on its way."""
    house = cafe.found(session)
    crowd.gather(session, house, 4)
    made = cafe.draft(session, house)
    planning.send_campaign(session, house.organisation, made, site="https://mail.cafe.example")
    session.commit()
    return made.id


def _prepared(session: Session, rows: Sequence[Delivery]) -> dict[int, Prepared | ListkeeperError]:
    del session
    return {
        row.id: Prepared("t", "hello@cafe.example", f"<{row.id}@cafe.example>", "newsletter", lambda to: to.encode())
        for row in rows
    }


def _handed(session: Session) -> list[int]:
    session.execute(update(Delivery).values(due_at=clock.now() - timedelta(days=1)))
    ids = claim.lease(session, Lane.SENDING, ME, 100)
    ready = batch.hand_out(session, ids, ME, prepare=_prepared, carries_smtputf8=False)
    return [each.delivery_id for each in ready]


def _counted(session: Session, letter: int) -> dict[str, int]:
    sums = engagement_tally.sums(session, "provider", campaign_id=letter)
    return {provider: number for provider, what, number in sums if what is What.COUNTED}


def test_a_copy_is_counted_once_however_often_it_was_put_off(session: Session, letter: int) -> None:
    ids = _handed(session)
    by_name, as_number = CountedCopy(letter, 7, by_name=True), CountedCopy(letter, 7, by_name=False)
    # The fourth is of somebody who chose nothing.
    copies = dict(zip(ids, [by_name, by_name, as_number], strict=False))
    known = dict.fromkeys(ids, "gmail")
    told: list[Outcome | None] = [OK, LATER, OK, OK]
    batch.record(session, dict(zip(ids, told, strict=True)), worker=ME, receivers=known, counted=copies)
    assert _counted(session, letter) == {"gmail": 1, "unknown": 1}
    again = _handed(session)
    assert again == [ids[1]]
    for _ in range(2):
        # Recorded twice, as after a line that was lost at the commit.
        batch.record(session, {ids[1]: OK}, worker=ME, receivers=known, counted=copies)
    assert _counted(session, letter) == {"gmail": 2, "unknown": 1}


@pytest.mark.parametrize("outcome", [NEVER, LATER, LOST, None])
def test_what_did_not_arrive_is_not_counted(session: Session, letter: int, outcome: Outcome | None) -> None:
    ids = _handed(session)
    copies = dict.fromkeys(ids, CountedCopy(letter, 7, by_name=True))
    batch.record(session, dict.fromkeys(ids, outcome), worker=ME, counted=copies)
    assert _counted(session, letter) == {}


def test_a_true_answer_that_comes_late_is_counted(session: Session, letter: int) -> None:
    ids = _handed(session)
    session.execute(update(Delivery).values(lease_until=clock.now() - timedelta(seconds=1)))
    recovery.settle_left_behind(session, lambda _worker: False)
    copies = {ids[0]: CountedCopy(letter, 7, by_name=True)}
    batch.record(session, {ids[0]: OK}, worker=ME, receivers={ids[0]: "gmail"}, counted=copies)
    assert _counted(session, letter) == {"gmail": 1}


def test_a_copy_is_counted_as_its_reader_chose(session: Session, letter: int) -> None:
    row = session.get_one(Delivery, _handed(session)[0])
    made = {how: counted_copy.of(row, how) for how in Counting}
    number, name = (CountedCopy(letter, row.revision_id or 0, by_name=by_name) for by_name in (False, True))
    assert made == {Counting.NOTHING: None, Counting.NUMBER: number, Counting.PERSON: name}
    row.campaign_id = None
    assert counted_copy.of(row, Counting.PERSON) is None

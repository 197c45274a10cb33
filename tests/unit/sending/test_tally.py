"""The tally: what is counted, in whose transaction, and that it only grows."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from listkeeper.audience.handover import MessageClass
from listkeeper.foundation.outbox import Lane
from listkeeper.sending import tally
from listkeeper.sending.delivery import Delivery, DeliveryState
from listkeeper.sending.tally import COUNTED, DeliveryTally, Kind
from tests.fakes.databases import Database

S = DeliveryState


def _kind(outcome: DeliveryState, provider: str = "gmail") -> Kind:
    return Kind(outcome, Lane.SENDING, MessageClass.MARKETING, provider)


def test_numbers_add_up_and_stay_the_same_when_they_are_folded(session: Session) -> None:
    for number in range(150):
        tally.add(session, {_kind(S.ACCEPTED): number, _kind(S.FAILED): 1, _kind(S.REFUSED): 0})
    expected = {_kind(S.ACCEPTED): 150 * 149 // 2, _kind(S.FAILED): 150}
    assert tally.totals(session) == expected
    assert tally.is_long(session)
    tally.fold(session)
    assert tally.totals(session) == expected
    assert not tally.is_long(session)
    assert session.scalar(select(func.count()).select_from(DeliveryTally)) == 2


def test_what_is_taken_back_was_not_counted(session: Session, engine: Engine) -> None:
    tally.add(session, {_kind(S.ACCEPTED): 1})
    session.commit()
    tally.add(session, {_kind(S.ACCEPTED): 5})
    session.rollback()
    with Session(engine) as another:
        assert tally.totals(another) == {_kind(S.ACCEPTED): 1}


@pytest.mark.only_on("postgresql")
def test_nobody_waits_for_somebody_who_counts_or_folds(session: Session, engine: Engine, database: Database) -> None:
    tally.add(session, {_kind(S.ACCEPTED): 1})
    session.commit()
    tally.add(session, {_kind(S.ACCEPTED): 2})
    with Session(engine) as another:
        another.execute(text("SET LOCAL lock_timeout = '1s'"))
        tally.fold(another)
        tally.add(another, {_kind(S.ACCEPTED): 4})
        another.commit()
    session.commit()
    assert tally.totals(session) == {_kind(S.ACCEPTED): 7}


def test_only_ends_and_attempts_are_counted(session: Session) -> None:
    rows = [Delivery(state=state, lane=Lane.SENDING, message_class=MessageClass.MARKETING) for state in S]
    tally.note(session, rows)
    assert {kind.outcome for kind in tally.totals(session)} == COUNTED
    assert set(tally.totals(session).values()) == {1}
    assert {S.QUEUED, S.LEASED, S.HANDED} & COUNTED == set()


@pytest.mark.parametrize(
    ("provider", "kind"), [("gmail", "gmail"), ("anna-jensen.example", "other"), (None, "unknown"), ("", "unknown")]
)
def test_small_providers_are_all_one(provider: str | None, kind: str) -> None:
    """They are called by their domains, which have no end, and may be somebody's name."""
    assert tally.provider_kind(provider) == kind

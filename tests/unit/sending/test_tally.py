"""The tally: what is counted, in whose transaction, and that it only grows."""

from __future__ import annotations

import os

import pytest
from sqlalchemy import func, select
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from listkeeper.audience.handover import MessageClass
from listkeeper.foundation.outbox import Lane
from listkeeper.sending import tally
from listkeeper.sending.delivery import Delivery, DeliveryState
from listkeeper.sending.tally import COUNTED, DeliveryTally, Kind

S = DeliveryState


def _kind(outcome: DeliveryState, provider: str = "gmail") -> Kind:
    return Kind(outcome, Lane.SENDING, MessageClass.MARKETING, provider)


def test_numbers_add_up_over_processes(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    for pid in (1, 2, 17, 18):
        monkeypatch.setattr(os, "getpid", lambda pid=pid: pid)
        tally.add(session, {_kind(S.ACCEPTED): pid, _kind(S.FAILED): 1})
    assert tally.totals(session) == {_kind(S.ACCEPTED): 38, _kind(S.FAILED): 4}
    # 1 and 17 share a slot: the table stays small however many workers come and go.
    assert session.scalar(select(func.count()).select_from(DeliveryTally)) == 4


def test_what_is_taken_back_was_not_counted(session: Session, engine: Engine) -> None:
    tally.add(session, {_kind(S.ACCEPTED): 1})
    session.commit()
    tally.add(session, {_kind(S.ACCEPTED): 5})
    session.rollback()
    with Session(engine) as another:
        assert tally.totals(another) == {_kind(S.ACCEPTED): 1}


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

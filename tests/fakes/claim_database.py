"""The queue of virtual workers on a real database, by the program's own functions; each call is one transaction."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from types import SimpleNamespace

import pytest
from sqlalchemy import func, select
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from listkeeper.audience import permission, unsubscribe
from listkeeper.audience.consent import Method
from listkeeper.campaigns.campaign import Campaign, CampaignState
from listkeeper.foundation import clock
from listkeeper.foundation.errors import Forbidden, ListkeeperError
from listkeeper.foundation.outbox import Lane
from listkeeper.sending import batch, claim, delivery, envelope, progress, recovery, steering
from listkeeper.sending.delivery import IS_UNDER_WAY, IS_WAITING, Delivery
from listkeeper.sending.handing_over.transport import Outcome
from listkeeper.sending.prepared import Letters, Prepared, Ready
from tests.fakes.virtual_workers import Handed, Unsure, Worker, World


class ClaimDatabase:
    """One campaign's deliveries; everybody has a connection of their own, and transactions one after the other."""

    world: World

    def __init__(self, engine: Engine, campaign_id: int) -> None:
        self.engine = engine
        self.campaign_id = campaign_id
        self.begun_at = clock.now()
        self.off = 0.0
        with Session(engine) as session:
            rows = session.execute(select(Delivery.id, Delivery.subscriber_id)).all()
            self.list_id = session.get_one(Campaign, campaign_id).list_id
        self.people = {row[0]: row[1] or 0 for row in rows}

    def rule_time(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let the program's clock be that of the world, wrong by what the worker at work is wrong by."""
        monkeypatch.setattr(clock, "now", self._now)
        monkeypatch.setattr(permission, "time", SimpleNamespace(monotonic=lambda: self.world.now))

    def _now(self) -> datetime:
        return self.begun_at + timedelta(seconds=self.world.now + self.off)

    @contextmanager
    def _transaction(self, me: Worker | None = None) -> Iterator[Session]:
        self.off = me.clock_off if me else 0.0
        try:
            with Session(self.engine) as session:
                session.connection(execution_options={"listkeeper_writes": True})
                yield session
                session.flush()
                if me is not None:
                    me.may_die()
                session.commit()
                if me is not None:
                    me.may_be_unsure()
        finally:
            self.off = 0.0

    def lease(self, me: Worker, limit: int) -> list[int]:
        with suppress(Unsure), self._transaction(me) as session:
            return claim.lease(session, Lane.SENDING, me.name, limit)
        return []

    def hand_out(self, me: Worker, window: list[int], said: dict[int, Outcome | None]) -> list[Handed]:
        with self._transaction(me) as session:
            if said:
                batch.record(session, said, worker=me.name)
            # Letters of campaigns go by the window, as values; and now and then each by itself, as single mails do.
            letters = _letters(session, window) if self.world.chance.random() < 0.8 else {}
            ready = batch.hand_out(session, window, me.name, prepare=_prepare, carries_smtputf8=False, letters=letters)
        return [Handed(row.delivery_id, self.people[row.delivery_id], row) for row in ready]

    def open(self, handed: Handed) -> bool:
        ready = handed.grant
        assert isinstance(ready, Ready)
        message = ready.prepared
        try:
            envelope.seal(ready.grant, handed.row, message.template_sha256, message.mail_from, message.compose)
        except Forbidden:
            return False
        return True

    def record(self, me: Worker, said: dict[int, Outcome | None]) -> None:
        with self._transaction(me) as session:
            batch.record(session, said, worker=me.name)

    def give_back(self, me: Worker, rows: list[int]) -> None:
        with suppress(Unsure), self._transaction(me) as session:
            claim.give_back(session, rows, me.name)

    def settle_left_behind(self, me: Worker, dead: set[str]) -> None:
        with self._transaction() as session:
            self.off = me.clock_off
            recovery.settle_left_behind(session, dead.__contains__)
            progress.finish_if_done(session)

    def is_due(self, me: Worker) -> bool:
        self.off = me.clock_off
        with Session(self.engine) as session:
            due = claim.anything_due(session, Lane.SENDING)
        self.off = 0.0
        return due

    def leave(self, person: int) -> None:
        with self._transaction() as session:
            unsubscribe.leave(session, person, self.list_id, Method.ONE_CLICK)

    def pause(self, *, paused: bool) -> None:
        with self._transaction() as session:
            letter = session.get_one(Campaign, self.campaign_id)
            if paused and letter.state is CampaignState.SENDING:
                steering.pause(session, letter)
            elif not paused and letter.state is CampaignState.PAUSED:
                steering.resume(session, letter)

    def states(self) -> dict[int, str]:
        with Session(self.engine) as session:
            return {row[0]: row[1].value for row in session.execute(select(Delivery.id, Delivery.state))}

    def next_due(self) -> float | None:
        with Session(self.engine) as session:
            if session.scalar(select(Delivery.id).where(IS_UNDER_WAY).limit(1)) is not None:
                return self.world.now
            due = session.scalar(select(func.min(Delivery.due_at)).where(IS_WAITING))
        return None if due is None else (due - self.begun_at).total_seconds()


def _message(occasion: str) -> Prepared:
    return Prepared("t", "hello@cafe.example", f"<{occasion}@cafe.example>", "newsletter", str.encode)


def _prepare(_session: Session, rows: Sequence[Delivery]) -> dict[int, Prepared | ListkeeperError]:
    return {row.id: _message(row.occasion) for row in rows}


def _letters(session: Session, window: Sequence[int]) -> Letters:
    return {row.id: (row, _message(row.occasion)) for row in delivery.letters_among(session, window)}

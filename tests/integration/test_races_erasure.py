"""Somebody is erased, or leaves, while her mail is being handed out: the second waits, and neither is turned away."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper import store
from listkeeper.audience import erasure, unsubscribe
from listkeeper.audience.consent import Method
from listkeeper.audience.handover import NoticeKind
from listkeeper.audience.subscriber import Subscriber
from listkeeper.foundation.errors import ListkeeperError
from listkeeper.foundation.outbox import Lane
from listkeeper.jobs import reactions
from listkeeper.sending import batch, claim, composing, planning, traces
from listkeeper.sending.delivery import Delivery, DeliveryState
from listkeeper.sending.prepared import Prepared
from tests.fakes.at_once import second_waits_for_first
from tests.fakes.databases import Database
from tests.makers import cafe
from tests.makers.works import HER, SITE, here, make_due, writing

_WORKER = "host:1:0"


@pytest.fixture
def person(app: Flask, database: Database) -> int:
    """A café with one subscriber; return her number."""
    with app.app_context(), store.transaction() as session:
        return cafe.subscribe(session, cafe.found(session), HER).id


def _hand_out(app: Flask, lane: Lane, inside: threading.Event) -> None:
    """Hand out what is due; the other one begins once the mails are written and the gate has not been asked yet."""
    write = composing.preparer(SITE)

    def slowly(session: Session, rows: Sequence[Delivery]) -> dict[int, Prepared | ListkeeperError]:
        prepared = write(session, rows)
        inside.set()
        time.sleep(0.5)
        return prepared

    with writing(app) as session:
        ids = claim.lease(session, lane, _WORKER, 10)
    with writing(app) as session:
        assert len(batch.hand_out(session, ids, _WORKER, prepare=slowly, carries_smtputf8=False)) == 1


def test_who_is_erased_while_her_letter_is_handed_out(app: Flask, person: int, tmp_path: Path) -> None:
    with writing(app) as session:
        house = here(session)
        planning.send_campaign(session, house.organisation, cafe.draft(session, house), site=SITE)

    def erase() -> None:
        with writing(app) as session:
            erasure.erase(session, person, actor="subscriber", forget_copies=traces.forgetter(tmp_path))

    second_waits_for_first(lambda inside: _hand_out(app, Lane.SENDING, inside), erase)
    with writing(app) as session:
        assert session.scalars(select(Subscriber)).all() == []
        [letter] = session.scalars(select(Delivery)).all()
        assert (letter.state, letter.subscriber_id) == (DeliveryState.HANDED, None)


def test_who_leaves_while_her_receipt_is_signed_and_handed_out(app: Flask, person: int) -> None:
    """Signing takes the end of the ledger, leaving takes her and then that end: both take her first."""
    with app.app_context():
        reactions.react(Lane.URGENT, time.monotonic() + 60)
    with writing(app) as session:
        house = here(session)
        session.query(Delivery).filter(Delivery.notice.is_(None)).delete()
        make_due(session, house)
        number = house.mailing_list.id
        assert session.scalars(select(Delivery.notice)).all() == [NoticeKind.RECEIPT]

    def leave() -> None:
        with writing(app) as session:
            unsubscribe.leave(session, person, number, Method.ONE_CLICK)

    second_waits_for_first(lambda inside: _hand_out(app, Lane.URGENT, inside), leave)

"""Many workers and owners at the same moment, each with a connection of its own: one start, one lease, one order."""

from __future__ import annotations

import threading
import time
from collections import Counter

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from listkeeper import store
from listkeeper.accounts import organisation
from listkeeper.audience import unsubscribe
from listkeeper.audience.consent import ConsentEvent, EventKind, Method
from listkeeper.audience.handover import RefusalCode
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.unsubscribe import Leaving
from listkeeper.campaigns import campaign as campaigns
from listkeeper.campaigns.campaign import Campaign, CampaignState
from listkeeper.campaigns.revision import Draft, Revision
from listkeeper.foundation.errors import Conflict
from listkeeper.foundation.outbox import Fact, Lane
from listkeeper.sending import batch, claim, planning, steering
from listkeeper.sending.delivery import Delivery, DeliveryState
from listkeeper.sending.prepared import Prepared
from tests.fakes.at_once import at_once, second_waits_for_first
from tests.fakes.databases import Database
from tests.makers import cafe, crowd
from tests.makers.works import HER, SITE, here, writing

MANY = 20


@pytest.fixture
def house(app: Flask, database: Database) -> int:
    """A café with nobody on its list; returns the number of the list."""
    with app.app_context(), store.transaction() as session:
        return cafe.found(session).mailing_list.id


def _letter(app: Flask, people: int) -> int:
    with writing(app) as session:
        crowd.gather(session, here(session), people)
        return cafe.draft(session, here(session)).id


def _start(app: Flask, letter: int) -> int:
    with writing(app) as session:
        found = session.get_one(Campaign, letter)
        return planning.send_campaign(session, organisation.only_one(session), found, site=SITE)


# Letters


@pytest.mark.usefixtures("house")
def test_a_letter_started_by_many_at_once_is_sent_once(app: Flask) -> None:
    letter = _letter(app, 50)

    def start(_number: int) -> int | str:
        try:
            return _start(app, letter)
        except Conflict as refused:
            return refused.code

    assert Counter(at_once(8, start)) == {50: 1, "campaign_state": 7}
    with writing(app) as session:
        assert session.scalar(select(func.count()).select_from(Delivery)) == 50
        assert session.scalar(select(func.count()).where(Fact.name == campaigns.STARTED)) == 1


@pytest.mark.usefixtures("house")
def test_two_who_save_at_once_are_told(app: Flask) -> None:
    letter = _letter(app, 1)

    def save(number: int) -> str:
        try:
            with writing(app) as session:
                campaigns.write(session, session.get_one(Campaign, letter), Draft(f"{number}", "", "Words."), base=1)
        except Conflict as refused:
            return refused.code
        return "saved"

    assert Counter(at_once(6, save)) == {"saved": 1, "changed_elsewhere": 5}
    with writing(app) as session:
        assert session.scalars(select(Revision.number).order_by(Revision.number)).all() == [1, 2]


@pytest.mark.usefixtures("house")
def test_who_saves_while_another_sends_is_told(app: Flask) -> None:
    for _ in range(5):
        letter = _letter_only(app)

        def act(number: int, letter: int = letter) -> str:
            try:
                if number:
                    return str(_start(app, letter))
                with writing(app) as session:
                    campaigns.write(session, session.get_one(Campaign, letter), Draft("New", "", "Words."), base=1)
            except Conflict as refused:
                return refused.code
            return "saved"

        saved, _sent = at_once(2, act)
        with writing(app) as session:
            found = session.get_one(Campaign, letter)
            sent = session.get_one(Revision, found.sent_revision_id).number
            # Whoever came first: what is sent is the newest there is, or the other was told that it is too late.
            assert (saved, sent) in {("saved", 2), ("not_a_draft", 1)}
            assert found.version == sent


def _letter_only(app: Flask) -> int:
    with writing(app) as session:
        house = here(session)
        if not session.scalar(select(func.count()).select_from(Subscriber)):
            cafe.subscribe(session, house, HER)
        return cafe.draft(session, house).id


# Sending


@pytest.mark.usefixtures("house")
def test_leases_of_workers_never_overlap(app: Flask) -> None:
    _start(app, _letter(app, 300))

    def work(number: int) -> list[int]:
        mine: list[int] = []
        while True:
            with writing(app) as session:
                ids = claim.lease(session, Lane.SENDING, f"host:{number}:0", 7)
            if not ids:
                return mine
            mine += ids
            # The database's lock is not fair: whoever has just had it lets others try.
            time.sleep(0.005)

    taken = at_once(6, work)
    assert sorted(number for ids in taken for number in ids) == list(range(1, 301))
    assert sum(bool(ids) for ids in taken) > 1, "one worker had it all, so nothing is proven"


def _prepared(_session: Session, rows: object) -> dict[int, Prepared]:
    return {
        row.id: Prepared("t", "hello@cafe.example", f"<{row.id}@cafe.example>", "newsletter", lambda to: to.encode())
        for row in rows  # type: ignore[attr-defined]
    }


def _hand_out(session: Session, ids: list[int]) -> int:
    return len(batch.hand_out(session, ids, "host:1:0", prepare=_prepared, carries_smtputf8=False))  # type: ignore[arg-type]


def _leased(app: Flask) -> tuple[list[int], int]:
    _start(app, _letter(app, 3))
    with writing(app) as session:
        ids = claim.lease(session, Lane.SENDING, "host:1:0", 10)
        person = session.get_one(Delivery, ids[0]).subscriber_id
        assert person is not None
        return ids, person


def test_the_gate_waits_for_a_leave_that_is_being_committed(app: Flask, house: int) -> None:
    """Adversarial case 1: the leave is written but not committed when the gate looks."""
    ids, person = _leased(app)
    granted: list[int] = []

    def leave(inside: threading.Event) -> None:
        with writing(app) as session:
            unsubscribe.leave(session, person, house, Method.ONE_CLICK)
            inside.set()
            time.sleep(0.5)

    def hand_out() -> None:
        with writing(app) as session:
            granted.append(_hand_out(session, ids))

    second_waits_for_first(leave, hand_out)
    assert granted == [2]
    with writing(app) as session:
        row = session.get_one(Delivery, ids[0])
        assert (row.state, row.refusal_code) == (DeliveryState.REFUSED, RefusalCode.WITHDRAWN)


def test_a_leave_waits_for_a_hand_over_that_is_being_marked(app: Flask, house: int) -> None:
    """The other order: the letter was on its way first, and the row proves it."""
    ids, person = _leased(app)

    def hand_out(inside: threading.Event) -> None:
        with writing(app) as session:
            assert _hand_out(session, ids) == 3
            inside.set()
            time.sleep(0.5)

    def leave() -> None:
        with writing(app) as session:
            assert unsubscribe.leave(session, person, house, Method.ONE_CLICK).leaving is Leaving.LEFT

    second_waits_for_first(hand_out, leave)
    with writing(app) as session:
        row = session.get_one(Delivery, ids[0])
        withdrawn = session.scalars(select(ConsentEvent).where(ConsentEvent.kind == EventKind.WITHDRAWN)).one()
        assert row.state is DeliveryState.HANDED
        assert row.handed_at is not None
        assert row.handed_at < withdrawn.at
        assert row.grant_event_id is not None
        assert row.grant_event_id < withdrawn.id


@pytest.mark.parametrize("cancel_first", [True, False])
@pytest.mark.usefixtures("house")
def test_no_row_slips_back_into_a_queue_that_is_being_emptied(app: Flask, *, cancel_first: bool) -> None:
    ids, _person = _leased(app)
    with writing(app) as session:
        _hand_out(session, ids)

    def cancel(inside: threading.Event | None = None) -> None:
        with writing(app) as session:
            steering.cancel(session, session.scalars(select(Campaign)).one())
            _linger(inside)

    def record(inside: threading.Event | None = None) -> None:
        with writing(app) as session:
            batch.record(session, dict.fromkeys(ids), worker="host:1:0")
            _linger(inside)

    if cancel_first:
        second_waits_for_first(cancel, record)
    else:
        second_waits_for_first(record, cancel)
    with writing(app) as session:
        assert session.scalars(select(Campaign.state)).one() is CampaignState.CANCELLED
        assert set(session.scalars(select(Delivery.state))) == {DeliveryState.CANCELLED}


def _linger(inside: threading.Event | None) -> None:
    if inside is not None:
        inside.set()
        time.sleep(0.5)

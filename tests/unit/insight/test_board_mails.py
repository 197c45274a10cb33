"""Mails of a time are found without an index by time: by halving, among numbers with gaps, and none is missed."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

import pytest
import time_machine
from sqlalchemy import event, select, text
from sqlalchemy.orm import Session

from listkeeper.foundation import clock
from listkeeper.insight import board_mails
from listkeeper.insight.board_mails import Mails
from listkeeper.sending.delivery import Delivery, DeliveryState
from tests.makers import cafe
from tests.makers.came_back import Postman


@pytest.fixture
def postman(session: Session, frozen_clock: time_machine.Traveller) -> Postman:
    del frozen_clock
    house = cafe.found(session)
    return Postman(session, house, cafe.subscribe(session, house, "freja@guest.example"))


def _mails(postman: Postman, moment: datetime) -> Mails:
    return board_mails.since(postman.session, postman.cafe.organisation, moment)


def _made(postman: Postman, number: int, at: datetime, *, waited: timedelta = timedelta(0)) -> Delivery:
    mail = postman.letter(at + waited, state=DeliveryState.BOUNCED if number % 3 == 0 else DeliveryState.ACCEPTED)
    mail.created_at, mail.occasion = at, f"made:{number}"
    return mail


def test_no_mail_is_no_mail(postman: Postman) -> None:
    postman.session.execute(text("DELETE FROM delivery"))
    assert _mails(postman, clock.now() - timedelta(days=30)) == Mails()


def test_whatever_the_gaps_the_same_are_counted_as_by_looking_at_each(postman: Postman, chance: random.Random) -> None:
    begin = clock.now() - timedelta(days=100)
    hours = sorted(chance.randrange(2400) for _ in range(60))
    made = [_made(postman, number, begin + timedelta(hours=hour)) for number, hour in enumerate(hours)]
    for gone in chance.sample(made, 30):
        postman.session.delete(gone)
    postman.session.flush()
    left = postman.session.scalars(select(Delivery).where(Delivery.occasion.startswith("made:"))).all()
    for days in (0, 1, 15, 30, 60, 86, 99, 101, 200):
        moment = clock.now() - timedelta(days=days)
        there = [each for each in left if each.handed_at is not None and each.handed_at >= moment]
        back = sum(each.state is DeliveryState.BOUNCED for each in there)
        assert _mails(postman, moment) == Mails(len(there), back, len(there)), days


def test_what_was_put_off_counts_when_it_left(postman: Postman) -> None:
    moment = clock.now() - timedelta(days=30)
    _made(postman, 1, moment - timedelta(days=50))
    _made(postman, 2, moment - timedelta(days=10), waited=timedelta(days=11))
    _made(postman, 3, moment - timedelta(days=10), waited=timedelta(days=9))
    assert _mails(postman, moment) == Mails(1, 0, 1)


def test_long_ago_is_not_looked_at(postman: Postman) -> None:
    """So the price is that of two months, however old a list becomes."""
    for number in range(300):
        _made(postman, number, clock.now() - timedelta(days=400))
    young = _made(postman, 300, clock.now() - timedelta(days=1))
    postman.session.flush()
    heard: list[tuple[str, object]] = []

    def hear(_connection: object, _cursor: object, statement: str, parameters: object, *_more: object) -> None:
        heard.append((statement, parameters))

    event.listen(postman.session.get_bind(), "before_cursor_execute", hear)
    assert _mails(postman, clock.now() - timedelta(days=30)).handed == 1
    event.remove(postman.session.get_bind(), "before_cursor_execute", hear)
    # Both ends, each halving, and the count: a look at one row each but for the last.
    assert len(heard) <= 3 + (young.id - 1).bit_length()
    values = heard[-1][1]
    asked = list(values.values()) if isinstance(values, dict) else list(values) if isinstance(values, tuple) else []
    assert young.id - 1 in asked

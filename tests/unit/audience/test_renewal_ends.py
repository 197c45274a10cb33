"""When a permission ends by itself, asked of the database: word for word what Python says of each."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.audience import list_rules, renewal
from listkeeper.audience.subscription import Subscription
from listkeeper.foundation import clock
from tests.makers import multitude
from tests.makers.cafe import Cafe


@pytest.mark.parametrize("months", [0, 1, 24])
def test_the_database_says_of_everybody_what_python_says(  # noqa: PLR0917 - fixtures
    session: Session,
    house: Cafe,
    chance: random.Random,
    share: Callable[[str, int, int], int],
    monkeypatch: pytest.MonkeyPatch,
    months: int,
) -> None:
    multitude.gather(session, house, share("permissions whose end is reckoned", 3_000, 300))
    known = list_rules.of(house.mailing_list)
    monkeypatch.setattr(list_rules, "of", lambda _list: replace(known, dormancy_block=months))
    every = {row.id: row for row in session.scalars(select(Subscription))}

    def drawn() -> datetime:
        return clock.now() + timedelta(microseconds=chance.randint(-(10**14), 10**14))

    for row in every.values():
        row.since = drawn()
        row.valid_until, row.first_use_deadline, row.last_contact_at, row.renewed_at = (
            drawn() if chance.random() < 0.5 else None for _ in range(4)
        )
    session.flush()
    wanted = {number: renewal.ends_at(row, house.mailing_list) for number, row in every.items()}
    found = {row[0]: row[1] for row in session.execute(select(Subscription.id, renewal.ends(house.mailing_list)))}
    assert found == wanted
    soon = clock.now() + timedelta(days=90)
    chosen = session.scalars(select(Subscription.id).where(renewal.ends(house.mailing_list) <= soon))
    assert set(chosen) == {number for number, ends in wanted.items() if ends is not None and ends <= soon}

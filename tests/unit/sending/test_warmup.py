"""Warming up a new domain: by what became of the day before, with the reason in words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy.orm import Session

from listkeeper.accounts import organisation
from listkeeper.deliverability import sending_domain
from listkeeper.foundation import clock
from listkeeper.sending.handing_over.transport import Accepted, Deferred, InDoubt, Outcome, Rejected, Reply
from listkeeper.sending.pacing import warmup
from listkeeper.sending.pacing.warmup import ALLOWANCES, Came, Standing, WarmUp

SHOP = "shop.example"


@pytest.fixture
def owner(session: Session, frozen_clock: time_machine.Traveller) -> int:
    """A business with a new domain."""
    made = organisation.found(
        session, legal_name="Shop", postal_address="Street 1\n1000 Town", from_address=f"hello@{SHOP}", spoken="en"
    )
    sending_domain.add(session, made.id, SHOP)
    return made.id


def _plan(session: Session, owner: int, *, on: bool = True) -> WarmUp:
    domain = sending_domain.by_name(session, owner, SHOP)
    assert domain is not None
    return warmup.switch(session, domain, on=on)


def _next_day(session: Session, frozen_clock: time_machine.Traveller) -> None:
    session.flush()
    frozen_clock.shift(timedelta(days=1))
    warmup.turn(session)
    warmup.turn(session)


def test_nobody_is_warmed_up_who_was_not_asked_to(session: Session, owner: int) -> None:
    assert warmup.today(session, owner, SHOP) is None
    assert warmup.today(session, owner, "unknown.example") is None
    _plan(session, owner)
    assert warmup.today(session, owner, SHOP) is not None
    _plan(session, owner, on=False)
    assert warmup.today(session, owner, SHOP) is None


def test_a_day_says_what_is_left_of_it(session: Session, owner: int, frozen_clock: time_machine.Traveller) -> None:
    frozen_clock.move_to(datetime(2026, 11, 30, 22, 0, tzinfo=UTC))
    _plan(session, owner)
    warmup.count(session, owner, SHOP, Came(sent=20, deferred=3, bounced=2))
    session.expire_all()
    day = warmup.today(session, owner, SHOP)
    assert day is not None
    assert (day.limit, day.used, day.rest) == (50, 25, 7200)
    # Nobody turned the page yet: what is left of the old day is a minute, not a negative time.
    frozen_clock.shift(timedelta(hours=3))
    late = warmup.today(session, owner, SHOP)
    assert late is not None
    assert (late.used, late.rest) == (25, 60)


@pytest.mark.parametrize(
    ("came", "complaints", "standing", "step"),
    [
        (Came(sent=500), 0, Standing.GREW, 1),
        (Came(sent=250), 0, Standing.GREW, 1),
        (Came(sent=249), 0, Standing.UNUSED, 0),
        (Came(sent=450, deferred=50), 0, Standing.GREW, 1),
        (Came(sent=449, deferred=51), 0, Standing.DEFERRED, 0),
        (Came(sent=374, deferred=126), 0, Standing.DEFERRED, -1),
        (Came(sent=490, bounced=10), 0, Standing.GREW, 1),
        (Came(sent=489, bounced=11), 0, Standing.BOUNCED, 0),
        (Came(sent=474, bounced=26), 0, Standing.BOUNCED, -1),
        (Came(sent=1000), 1, Standing.GREW, 1),
        (Came(sent=500), 1, Standing.COMPLAINED, 0),
        (Came(sent=1000), 3, Standing.COMPLAINED, -1),
        # The worst decides.
        (Came(sent=440, deferred=34, bounced=26), 0, Standing.BOUNCED, -1),
    ],
)
def test_the_next_day_follows_the_results(
    session: Session, owner: int, frozen_clock: time_machine.Traveller, came: Came, complaints: int, *,
    standing: Standing, step: int,
) -> None:  # fmt: skip
    plan = _plan(session, owner)
    plan.stage = 2
    session.flush()
    warmup.count(session, owner, SHOP, came)
    for _ in range(complaints):
        warmup.complained(session, owner, SHOP)
    session.expire_all()
    _next_day(session, frozen_clock)
    assert (plan.standing, plan.stage, plan.day) == (standing, 2 + step, 2)
    assert (plan.tried, plan.complained, plan.today) == (0, 0, clock.now().date())


def test_a_day_without_mail_teaches_nothing_and_nobody_falls_below_the_first_step(
    session: Session, owner: int, frozen_clock: time_machine.Traveller
) -> None:
    plan = _plan(session, owner)
    _next_day(session, frozen_clock)
    assert (plan.day, plan.stage, plan.standing) == (1, 0, Standing.BEGAN)
    plan.deferred = 50
    _next_day(session, frozen_clock)
    assert (plan.day, plan.stage, plan.allowance) == (2, 0, ALLOWANCES[0])


def test_the_plan_doubles_past_its_table(session: Session, owner: int, frozen_clock: time_machine.Traveller) -> None:
    plan, seen = _plan(session, owner), []
    for _ in range(10):
        seen.append(plan.allowance)
        plan.sent = plan.allowance
        _next_day(session, frozen_clock)
    assert seen == [*ALLOWANCES, 80_000, 160_000]


def test_answers_count_as_what_they_say_of_the_domain() -> None:
    answers: list[tuple[Outcome, str]] = [
        (Accepted(Reply(250, "ok")), "gmail"),
        (Rejected(Reply(550, "5.1.1 nobody")), "gmail"),
        (Rejected(Reply(550, "5.7.26 no")), "gmail"),
        (Deferred(Reply(451, "4.3.0 not now")), "gmail"),
        (Deferred(Reply(0, "no connection")), "gmail"),
        (InDoubt("lost"), "gmail"),
    ]
    assert warmup.came_of(answers) == Came(sent=1, deferred=2, bounced=1)


def test_why_it_stands_there_is_said_in_words(session: Session, owner: int) -> None:
    plan = _plan(session, owner)
    said = set()
    for standing in Standing:
        plan.standing = standing
        said.add(warmup.sentence(plan))
        assert warmup.sentence(plan).startswith("Warming up, day 1: 50 mails today. It ") or standing is Standing.GREW
    assert len(said) == len(Standing)

"""A year with a moved clock: three follow-ups, letters, caps, pauses, a week of sleep; every mail is judged."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable

import pytest
import time_machine
from sqlalchemy import update
from sqlalchemy.orm import Session

from listkeeper.sending.delivery import Delivery
from listkeeper.sending.following import follow_up_late
from listkeeper.sending.following.follow_up_run import ActKind, Reason, StopWhy
from tests.makers import year
from tests.makers.year_checked import Checker


@pytest.mark.timeout(3600)
def test_every_mail_of_a_year_keeps_the_rules(  # noqa: PLR0917 - fixtures
    session: Session,
    chance: random.Random,
    frozen_clock: time_machine.Traveller,
    share: Callable[[str, int, int], int],
    summarise: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    people, days = share("people of a simulated year", 2_000, 60), share("days of it", 365, 44)
    least = max(2, people // 100)
    monkeypatch.setattr(follow_up_late, "LEAST_AN_HOUR", least)
    lived = year.begin(session, chance, frozen_clock, people, days)
    lived.live()
    checker = Checker(lived)
    checker.least = least
    assert checker.faults() == []
    acts = [act for each in checker.acts.values() for act in each]
    summarise(f"a simulated year: {len(checker.mails):,} mails, {len(acts):,} steps judged")
    # It was a year in which something happened.
    kinds = Counter((act.kind, act.why) for act in acts)
    assert kinds[ActKind.MAILED, None] > people
    assert kinds[ActKind.POSTPONED, Reason.CAP] > 0
    assert {run.why for run in checker.runs.values()} >= {StopWhy.REPLIED, StopWhy.LEFT}
    assert lived.world.slept
    assert lived.world.paused


def test_the_checker_sees_what_is_wrong(
    session: Session, chance: random.Random, frozen_clock: time_machine.Traveller
) -> None:
    lived = year.begin(session, chance, frozen_clock, 20, 24)
    lived.live()
    assert Checker(lived).faults() == []
    first = Checker(lived).mails[0]
    lived.world.left[first.person] = first.at
    assert any("has left" in fault for fault in Checker(lived).faults())
    lived.world.left.clear()
    midnight = first.at.replace(hour=2)
    session.execute(update(Delivery).where(Delivery.campaign_id.is_not(None)).values(handed_at=midnight))
    found = " ".join(Checker(lived).faults())
    assert all(word in found for word in ("in quiet hours", "too soon", "more than 3 in 7 days"))

"""Two looks at the follow-ups of a business at the same moment, each on its own connection, and a faulty line."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from listkeeper import store
from listkeeper.campaigns.campaign import Campaign
from listkeeper.campaigns.follow_up import FollowUp
from listkeeper.campaigns.follow_up_step import StepKind
from listkeeper.foundation import clock
from listkeeper.jobs import following
from listkeeper.sending.delivery import Delivery
from listkeeper.sending.following import follow_up_planning
from listkeeper.sending.following.follow_up_run import ActKind, FollowUpAct, FollowUpRun, Reason
from tests.fakes.at_once import at_once
from tests.fakes.databases import Database
from tests.makers import cafe, follow_ups
from tests.makers.works import SITE, here, writing

LINES, ROUNDS = 4, 4


@pytest.fixture
def house(app: Flask, database: Database) -> None:
    """A café with nobody on its list yet."""
    with app.app_context(), store.transaction() as session:
        cafe.found(session)


def _lines(app: Flask, number: int, cap: int | None) -> list[int]:
    """Let somebody stand before the first step of several lines at once, all of them due."""
    with writing(app) as session:
        owner = here(session)
        follow_ups.cap(owner, cap)
        made = [follow_ups.line(session, owner, ((StepKind.LETTER, 2),)) for _ in range(LINES)]
        follow_ups.says_yes(session, cafe.subscribe(session, owner, f"guest-{number}@guest.example"))
        now = clock.now()
        session.execute(update(FollowUpRun).values(planned_for=now, due_at=now))
        return [each.id for each in made]


def _plan(app: Flask, line: int) -> int:
    with writing(app) as session:
        return follow_up_planning.plan(session, session.get_one(FollowUp, line), site=SITE)


@pytest.mark.usefixtures("house")
@pytest.mark.parametrize("cap", [1, None])
def test_what_two_lines_would_bring_her_at_once_one_of_them_brings(app: Flask, cap: int | None) -> None:
    """Neither the cap nor the twelve hours are passed, whoever of the two looks first."""
    for number in range(ROUNDS):
        lines = _lines(app, number, cap)
        at_once(LINES, lambda place, lines=lines: _plan(app, lines[place]))  # type: ignore[misc]
        with writing(app) as session:
            runs = select(FollowUpRun.id).where(FollowUpRun.follow_up_id.in_(lines))
            acts = session.execute(
                select(FollowUpAct.kind, FollowUpAct.why).where(FollowUpAct.run_id.in_(runs)).order_by(FollowUpAct.id)
            ).all()
            assert [tuple(row) for row in acts] == [
                (ActKind.MAILED, None),
                *[(ActKind.POSTPONED, Reason.ANOTHER)] * (LINES - 1),
            ]
            letters = session.scalar(select(func.count()).where(Delivery.campaign_id.is_not(None)))
            assert letters == number + 1
            # The next round's people stand there alone.
            session.execute(update(FollowUp).values(state="archived"))


@pytest.mark.usefixtures("house")
def test_a_line_with_a_fault_of_ours_does_not_keep_those_behind_it_at_home(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, *_others = _lines(app, 0, None)
    plan = follow_up_planning.plan

    def breaks(session: Session, found: FollowUp, *, site: str, practice: bool = False) -> int:
        if found.id == first:
            raise ZeroDivisionError("a fault of ours")
        return plan(session, found, site=site, practice=practice)

    monkeypatch.setattr(follow_up_planning, "plan", breaks)
    with app.app_context():
        following.look()
    with writing(app) as session:
        mailed = session.scalars(
            select(FollowUpRun.follow_up_id)
            .join(FollowUpAct, FollowUpAct.run_id == FollowUpRun.id)
            .where(FollowUpAct.kind == ActKind.MAILED)
        ).all()
        assert mailed == [second]
        # What else is due within these hours waits, and nothing of the first line was written down.
        assert session.scalar(select(func.count()).where(FollowUpRun.due_at > clock.now() + timedelta(hours=11))) == 2
        assert session.scalar(select(func.count()).select_from(Campaign)) == LINES

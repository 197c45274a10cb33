"""What the page of a letter that was ordered says: what happens now, in one sentence, and what can be done."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from flask import request
from sqlalchemy.orm import Session

from listkeeper import parts
from listkeeper.accounts import organisation, storefront
from listkeeper.accounts.organisation import Organisation
from listkeeper.campaigns import schedule
from listkeeper.campaigns.campaign import Campaign, CampaignState
from listkeeper.campaigns.schedule import AT_ONCE, Leaving
from listkeeper.sending import frequency_cap, outlook, pilot, progress, steering
from listkeeper.sending.pacing import receiver_state
from listkeeper.sending.pilot import Pilot, PilotState
from listkeeper.sending.progress import Progress
from listkeeper.sending.trying import trial
from listkeeper.web.studio import page, trial_part, typed_number, words

_OVER = frozenset({CampaignState.FINISHED, CampaignState.CANCELLED})
# Often while it moves, and seldom while a clock runs; where somebody may be typing a time, not at all.
_MANY = 20_000
_MOST = 1_000
_WAITS = frozenset({PilotState.WAITING, PilotState.ASKS, PilotState.STOPPED})
# Of those in doubt; a page of their own shows all.
_NAMED = 10
_ASKS_AGAIN = {CampaignState.SENDING: "1500ms", CampaignState.PAUSED: "5s", CampaignState.HELD: "5s"}


def leaving(session: Session, owner: Organisation) -> Leaving:
    """Return when the letter of this form shall leave: at the moment that was typed, or once the hold is over."""
    if request.form.get("when") == "at":
        moment = schedule.read(request.form.get("at", ""), storefront.zone_of(session, owner))
        return Leaving(at=moment, each_zone=bool(request.form.get("each_zone")))
    hold = page.settings().hold
    return Leaving(hold=hold) if hold else AT_ONCE


def test() -> Pilot | None:
    """Return the test with a few first that this form asks for, if it does. Raises Invalid."""
    typed = request.form
    if not typed.get("test"):
        return None
    share, hours = _number("share"), _number("wait_hours")
    return pilot.plan(
        share=typed_number.thousandths(share) or 0,
        wait=timedelta(hours=float(hours or 0)),
        clicks=typed_number.thousandths(_number("clicks")),
        bounces=typed_number.thousandths(_number("bounces")),
        by_itself=bool(typed.get("by_itself")),
    )


def _number(name: str) -> Decimal | None:
    return typed_number.of_field(name, most=_MOST, code="pilot_number")


def shown(session: Session, letter: Campaign) -> dict[str, Any]:
    """Return what the page and the part of it that moves are drawn from."""
    report = progress.report(session, letter, late=page.settings().late, named=_NAMED)
    owner = organisation.only_one(session)
    zone = storefront.zone_of(session, owner)
    slow = letter.state is CampaignState.SENDING and report.waiting + report.deferred > 0
    return {
        "report": report,
        "receivers": receiver_state.states(session, letter, owner.from_domain, parts.slowed()) if slow else [],
        "State": CampaignState,
        "asks": letter.state is CampaignState.SENDING and (pilot.asks(letter) or trial.asks(letter)),
        "trial": trial_part.shown(session, letter),
        "moving": letter.state not in _OVER,
        "asks_again": _asks_again(letter, report),
        "settled": report.sent + report.skipped + report.failed + report.doubts,
        "again": report.failed - steering.failed_for_good(session, letter) if report.failed else 0,
        "capped": frequency_cap.skipped(session, letter) if letter.started_at else 0,
        "now": outlook.sentence(letter, report, zone),
        "results": outlook.results_of(report.test) if report.test else [],
        "releases": report.test is not None and report.test.state in _WAITS,
        "zone": zone,
        "at": _as_typed(report, zone),
        "say": words.letter,
        "say_refusal": words.refusal,
    }


def _asks_again(letter: Campaign, report: Progress) -> str | None:
    """Return how often the part that moves asks for itself: counting a million takes longer than counting a hundred."""
    if report.late or letter.state not in _ASKS_AGAIN:
        return None
    return "5s" if letter.recipients > _MANY else _ASKS_AGAIN[letter.state]


def _as_typed(report: Progress, zone: str) -> str:
    """Return the moment as a field for one is filled in: by the clocks of the business."""
    return report.leaves_at.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%dT%H:%M") if report.leaves_at else ""

"""What the page of a letter that was ordered says: what happens now, in one sentence, and what can be done."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import request
from sqlalchemy.orm import Session

from listkeeper.accounts import organisation, storefront
from listkeeper.accounts.organisation import Organisation
from listkeeper.campaigns import schedule
from listkeeper.campaigns.campaign import Campaign, CampaignState
from listkeeper.campaigns.schedule import AT_ONCE, Leaving
from listkeeper.foundation import clock, language
from listkeeper.sending import halt, progress, steering
from listkeeper.sending.progress import Progress
from listkeeper.web.studio import page, words

_OVER = frozenset({CampaignState.FINISHED, CampaignState.CANCELLED})
# Often while it moves, and seldom while a clock runs; where somebody may be typing a time, not at all.
_ASKS_AGAIN = {CampaignState.SENDING: "1500ms", CampaignState.PAUSED: "5s", CampaignState.HELD: "5s"}


def leaving(session: Session, owner: Organisation) -> Leaving:
    """Return when the letter of this form shall leave: at the moment that was typed, or once the hold is over."""
    if request.form.get("when") == "at":
        return Leaving(at=schedule.read(request.form.get("at", ""), storefront.zone_of(session, owner)))
    hold = page.settings().hold
    return Leaving(hold=hold) if hold else AT_ONCE


def shown(session: Session, letter: Campaign) -> dict[str, Any]:
    """Return what the page and the part of it that moves are drawn from."""
    report = progress.report(session, letter, late=page.settings().late)
    zone = storefront.zone_of(session, organisation.only_one(session))
    return {
        "report": report,
        "State": CampaignState,
        "moving": letter.state not in _OVER,
        "asks_again": None if report.late else _ASKS_AGAIN.get(letter.state),
        "settled": report.sent + report.skipped + report.failed + len(report.in_doubt),
        "again": report.failed - steering.failed_for_good(session, letter) if report.failed else 0,
        "leaves": _leaves(letter, report, zone),
        "zone": zone,
        "at": _as_typed(report, zone),
        "halted": halt.words(letter.halted) if letter.halted else "",
        "say": words.letter,
        "say_refusal": words.refusal,
    }


def _as_typed(report: Progress, zone: str) -> str:
    """Return the moment as a field for one is filled in: by the clocks of the business."""
    return report.leaves_at.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%dT%H:%M") if report.leaves_at else ""


def _leaves(letter: Campaign, report: Progress, zone: str) -> str:
    """Say when a letter that was ordered leaves, and to how many."""
    if report.leaves_at is None:
        return ""
    when = language.appointment(report.leaves_at, zone)
    if report.late:
        return language.text(
            "It should have left at this time: %(when)s. Nothing was at work here then, and nothing has left. What "
            "shall happen now?",
            when=when,
        )
    if letter.state is CampaignState.SCHEDULED:
        return language.counted(
            "It leaves at this time: %(when)s. As of now it goes to %(number)s person.",
            "It leaves at this time: %(when)s. As of now it goes to %(number)s people.",
            letter.recipients,
            when=when,
        )
    left = report.leaves_at - clock.now()
    if left <= timedelta(0):
        return language.text("It leaves in this very moment.")
    return language.counted(
        "It leaves %(when)s, to %(number)s person. Until then you can take it back.",
        "It leaves %(when)s, to %(number)s people. Until then you can take it back.",
        letter.recipients,
        when=language.span(left, ahead=True),
    )

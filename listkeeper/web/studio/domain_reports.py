"""Reports about a domain: bring them, and see who sends under the name, what fails, and what to do about it.

What a report says was written by a stranger: it is shown as text, never as a
link. Reading it is bounded in bytes, and all reading of one request in seconds.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import assert_never

from flask import Blueprint, Response, request
from werkzeug.datastructures import FileStorage
from werkzeug.wrappers import Response as AnyResponse

from listkeeper import store
from listkeeper.accounts import audit_log, organisation
from listkeeper.deliverability import (
    dmarc_report,
    failure_report,
    report_intake,
    sending_domain,
    tls_failure,
    tls_report,
)
from listkeeper.deliverability.report_intake import LIMITS, ReadReport
from listkeeper.deliverability.report_keeping import Duplicate, Kept, Outcome, Refused
from listkeeper.foundation import language
from listkeeper.insight import own_name, own_name_words, policy_advice
from listkeeper.insight.own_name import Day, Source, Who
from listkeeper.insight.policy_advice import Step
from listkeeper.standards import foreign_text
from listkeeper.web.studio import member, page
from listkeeper.web.studio.words import Said

blueprint = Blueprint("domain_reports", __name__, url_prefix=page.ROOT)

_MOST_FILES = 50
# Once so many seconds are over, no further report is read.
_SECONDS = 8.0
_LONGEST_FILE_NAME = 100
_MOST_SOURCES, _MOST_FAILURES, _MOST_TROUBLES = 50, 20, 50
_WIDTH, _HEIGHT, _GAP = 300, 100, 2
_TONES = {Who.OURS: "good", Who.ALLOWED: "good", Who.FORWARDER: "", Who.OTHER: "warn"}


@blueprint.get("/domains/<public_id>/reports")
def show(public_id: str) -> Response:
    """Show what receivers said of mail under a domain."""
    return _all(public_id)


def _all(public_id: str, *, refused: Sequence[tuple[str, str]] = (), said: str = "", status: int = 200) -> Response:
    egress = page.settings().egress
    with store.reading() as session:
        owner = organisation.only_one(session)
        domain = sending_domain.find(session, owner.id, public_id)
        gathered = own_name.gather(session, owner.id, domain.name, egress=egress)
        month = gathered.of(own_name.MONTH)
        shown = month.sources[:_MOST_SOURCES]
        return page.answer(
            session,
            "domain_reports",
            domain=domain,
            week=own_name_words.sentence(gathered.of(own_name.WEEK)),
            month=month,
            sources=shown,
            more=len(month.sources) - len(shown),
            checks=dmarc_report.checks(session, owner.id, domain.name, [one.address for one in shown], month.since),
            bars=_bars(month.days),
            say_who=_who,
            fails=own_name_words.fails,
            to_do=own_name_words.advice,
            advice=policy_advice.about(session, owner.id, domain.name, egress=egress, month=month),
            Step=Step,
            failures=failure_report.newest(session, owner.id, domain.name, _MOST_FAILURES),
            tls=tls_report.encrypted(session, owner.id, domain.name, month.since, month.until),
            most_troubles=_MOST_TROUBLES,
            say_tls=tls_failure.said,
            refused=refused,
            said=said,
            status=status,
        )


def _who(source: Source) -> Said:
    tone = "bad" if source.who is Who.OURS and source.failing else _TONES[source.who]
    return Said(own_name_words.who(source), tone)


@dataclass(frozen=True)
class Bar:
    """One day of the chart, in units of its own: what passed stands below what failed."""

    day: Day
    x: float
    width: float
    aligned_y: float
    aligned: float
    failing_y: float
    failing: float


def _bars(days: Sequence[Day]) -> list[Bar]:
    most = max((day.aligned + day.failing for day in days), default=0)
    return [_bar(place, day, most, _WIDTH / len(days)) for place, day in enumerate(days)] if most else []


def _bar(place: int, day: Day, most: int, step: float) -> Bar:
    def height(number: int) -> float:
        # What is there is seen, however small beside the largest day.
        return max(round(number * _HEIGHT / most, 1), 1.0) if number else 0.0

    aligned, failing = height(day.aligned), height(day.failing)
    return Bar(
        day=day,
        x=round(place * step, 1),
        width=round(step - _GAP, 1),
        aligned_y=round(_HEIGHT + 2 - aligned, 1),
        aligned=aligned,
        failing_y=round(_HEIGHT + 2 - aligned - failing, 1),
        failing=failing,
    )


@blueprint.post("/domains/<public_id>/reports")
def bring(public_id: str) -> Response | AnyResponse:
    """Read the files that were brought, with no transaction open, then keep what is about our domains."""
    with store.reading() as session:
        sending_domain.find(session, organisation.only_one(session).id, public_id)
    found = _read([file for file in request.files.getlist("files") if file.filename])
    if not found:
        problem = language.text("Please choose a file.")
        return _all(public_id, refused=[("", problem)], status=422)
    outcomes = [(name, _kept(report, public_id)) for name, report in found]
    refused = [(name, outcome.reason) for name, outcome in outcomes if isinstance(outcome, Refused)]
    said = _told([outcome for _, outcome in outcomes])
    if refused:
        return _all(public_id, refused=refused, said=said, status=422)
    return page.back_to("domain_reports.show", said, public_id=public_id)


def _read(files: Sequence[FileStorage]) -> list[tuple[str, ReadReport | Refused]]:
    until = time.monotonic() + _SECONDS
    found: list[tuple[str, ReadReport | Refused]] = []
    for place, file in enumerate(files):
        name = foreign_text.clean(file.filename or "", _LONGEST_FILE_NAME)
        if place >= _MOST_FILES or time.monotonic() > until:
            found.append((name, _later()))
            continue
        # One byte more than may be read shows that there is more.
        found.append((name, report_intake.read(file.stream.read(LIMITS.received + 1))))
    return found


def _later() -> Refused:
    return Refused("later", language.text("It was not read: that was too much at once. Please bring it again."))


def _kept(report: ReadReport | Refused, public_id: str) -> Outcome:
    # One transaction each: a report with many rows should not keep others from writing for long.
    with store.transaction() as session:
        owner = organisation.only_one(session)
        outcome = report_intake.keep(session, owner, report)
        if isinstance(outcome, Kept):
            audit_log.record(session, owner.id, member.present().actor, "report.kept", public_id)
        return outcome


def _told(outcomes: Sequence[Outcome]) -> str:
    """Say how many reports were kept, and how many were there already."""
    kept = known = 0
    for outcome in outcomes:
        match outcome:
            case Kept():
                kept += 1
            case Duplicate():
                known += 1
            case Refused():
                pass
            case _:
                assert_never(outcome)
    parts = []
    if kept:
        parts.append(language.counted("%(number)s report was added.", "%(number)s reports were added.", kept))
    if known:
        parts.append(
            language.counted(
                "%(number)s report was there already and changed nothing.",
                "%(number)s reports were there already and changed nothing.",
                known,
            )
        )
    return " ".join(parts)

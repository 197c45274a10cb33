"""What happens to a letter now, in one sentence: the same for the studio, the command line and programs."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import assert_never

from listkeeper.campaigns.campaign import Campaign, CampaignState
from listkeeper.foundation import clock, language
from listkeeper.sending import halt
from listkeeper.sending.pilot import Pilot, PilotState, Result
from listkeeper.sending.progress import Progress
from listkeeper.sending.trying import trial_words

# Whoever waits for less is going out, at the pace that was set.
_A_WHILE = timedelta(minutes=1)


def sentence(campaign: Campaign, report: Progress, zone: str) -> str:
    """Say what happens now, or what was the end of it; moments are by the clocks of ``zone``."""
    match campaign.state:
        case CampaignState.DRAFT:
            said = language.text("It did not leave:")
            return f"{said} {halt.words(campaign.halted)}" if campaign.halted else language.text("It is a draft.")
        case CampaignState.SCHEDULED | CampaignState.HELD:
            return _ordered(campaign, report, zone)
        case CampaignState.SENDING:
            return (
                _resting(report, zone)
                or _testing(report, zone)
                or trial_words.now(campaign, zone)
                or _going_out(report, zone)
            )
        case CampaignState.PAUSED:
            return halt.words(campaign.halted) if campaign.halted else _paused(report)
        case CampaignState.FINISHED:
            return _arrived(report)
        case CampaignState.CANCELLED:
            return language.counted(
                "It was stopped. %(number)s person got it before.",
                "It was stopped. %(number)s people got it before.",
                report.sent,
            )
        case _:
            assert_never(campaign.state)


def _ordered(campaign: Campaign, report: Progress, zone: str) -> str:
    moment = report.leaves_at or clock.now()
    if report.late:
        return language.text(
            "It should have left at this time: %(when)s. Nothing was at work here then, and nothing has left. What "
            "shall happen now?",
            when=language.appointment(moment, zone),
        )
    if campaign.each_zone and campaign.scheduled_for is not None:
        return language.counted(
            "It leaves at each reader's own hour, which is here: %(when)s. The first get it at: %(first)s. As of now "
            "it goes to %(number)s person.",
            "It leaves at each reader's own hour, which is here: %(when)s. The first get it at: %(first)s. As of now "
            "it goes to %(number)s people.",
            campaign.recipients,
            when=language.appointment(campaign.scheduled_for, zone),
            first=language.appointment(moment, zone),
        )
    if campaign.state is CampaignState.SCHEDULED:
        return language.counted(
            "It leaves at this time: %(when)s. As of now it goes to %(number)s person.",
            "It leaves at this time: %(when)s. As of now it goes to %(number)s people.",
            campaign.recipients,
            when=language.appointment(moment, zone),
        )
    left = moment - clock.now()
    if left <= timedelta(0):
        return language.text("It leaves in this very moment.")
    return language.counted(
        "It leaves %(when)s, to %(number)s person. Until then you can take it back.",
        "It leaves %(when)s, to %(number)s people. Until then you can take it back.",
        campaign.recipients,
        when=language.span(left, ahead=True),
    )


def _resting(report: Progress, zone: str) -> str:
    if report.rests_until is None:
        return ""
    return language.text(
        "It rests, because these are your quiet hours. It goes on at this time: %(when)s.",
        when=language.appointment(report.rests_until, zone),
    )


def _going_out(report: Progress, zone: str) -> str:
    if report.standing_still:
        return f"{language.text('It stands still:')} {' '.join(report.standing_still)}"
    if report.next_try is not None:
        return language.counted(
            "All others are done; the server of %(number)s person said “not now” and is asked again %(when)s.",
            "All others are done; the servers of %(number)s people said “not now” and are asked again %(when)s.",
            report.deferred,
            when=_ahead(report.next_try),
        )
    if report.last_hour is not None:
        return language.text(
            "It goes out at each reader's own hour. The last ones get it at this time: %(when)s.",
            when=language.appointment(report.last_hour, zone),
        )
    if report.goes_on_at is not None and report.goes_on_at - clock.now() > _A_WHILE:
        said = language.text(
            "What may leave for now has left. The next ones leave from this time on: %(when)s.",
            when=language.appointment(report.goes_on_at, zone),
        )
        return f"{said} {report.warming_up}".rstrip()
    if report.seconds_left is None or not report.waiting:
        return language.text("It is going out.")
    return language.text(
        "It is going out. Time left, roughly: %(span)s.", span=language.span(timedelta(seconds=report.seconds_left))
    )


def _testing(report: Progress, zone: str) -> str:
    """Say that a few have it and the others wait, and for what; nothing when no test is under way."""
    test = report.test
    if test is None or test.results_at is None or test.state not in {PilotState.WAITING, PilotState.ASKS}:
        return ""
    first = language.counted(
        "%(number)s person gets it first.", "%(number)s people get it first.", test.size
    )  # fmt: skip
    if test.state is PilotState.ASKS:
        return f"{first} {language.text('The results are in: the others wait for your word.')}"
    if clock.now() >= test.results_at:
        return f"{first} {language.text('The others wait until enough has come back.')}"
    when = language.appointment(test.results_at, zone)
    return f"{first} {language.text('The others wait for what comes back until this time: %(when)s.', when=when)}"


def results_of(test: Pilot) -> list[str]:
    """Say of each part of the assumption what was expected and what came, or that nobody knows."""
    return [_result(each) for each in test.results]


def _result(result: Result) -> str:
    expected = language.share(result.expected)
    if result.measured is None:
        return language.text(
            "Clicks: at least %(expected)s expected; how many came is not known: too few readers let it be seen.",
            expected=expected,
        )
    measured = language.share(result.measured)
    if result.code == "clicks":
        return language.text(
            "Clicks: at least %(expected)s expected, %(measured)s came.", expected=expected, measured=measured
        )
    return language.text(
        "Addresses that do not exist: at most %(expected)s expected, %(measured)s came.",
        expected=expected,
        measured=measured,
    )


def _ahead(moment: datetime) -> str:
    return language.span(max(moment - clock.now(), timedelta(minutes=1)), ahead=True)


def _paused(report: Progress) -> str:
    return language.counted(
        "It is paused: %(number)s person waits until you go on.",
        "It is paused: %(number)s people wait until you go on.",
        report.waiting + report.deferred,
    )


def _arrived(report: Progress) -> str:
    said = language.counted(
        "It has left, and the servers of %(number)s person took it.",
        "It has left, and the servers of %(number)s people took it.",
        report.sent,
    )
    if not report.doubts:
        return said
    doubt = language.counted(
        "Of %(number)s mail nobody knows: please look at it.",
        "Of %(number)s mails nobody knows: please look at them.",
        report.doubts,
    )
    return f"{said} {doubt}"

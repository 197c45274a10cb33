"""``listkeeper campaign send``: now, after a while, or at a moment; to everybody, or to a few first."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import click
from sqlalchemy.orm import Session

from listkeeper import store
from listkeeper.accounts import audit_log, organisation, storefront
from listkeeper.audience import topic
from listkeeper.campaigns import assumption, domain_gate, preflight, recipients, schedule, trial
from listkeeper.campaigns import campaign as campaigns
from listkeeper.campaigns.campaign import Campaign, CampaignState
from listkeeper.campaigns.schedule import Leaving
from listkeeper.cli import campaign_check, campaign_domain, campaign_trial, context
from listkeeper.cli.context import emit, opened, with_json, with_settings
from listkeeper.deliverability import finding
from listkeeper.deliverability.finding import Finding
from listkeeper.foundation import clock, language
from listkeeper.foundation.errors import Conflict, Invalid
from listkeeper.insight import trust_account
from listkeeper.sending import pilot, planning, progress
from listkeeper.sending.pilot import Pilot
from listkeeper.sending.progress import Progress
from listkeeper.settings import Settings

_OVER = {CampaignState.FINISHED, CampaignState.CANCELLED}
_PERCENT = click.FloatRange(0, 100)


def with_test(function: Callable[..., None]) -> Callable[..., None]:
    """Add the options of a test with a few first."""
    options = (
        click.option("--pilot", "share", type=_PERCENT, metavar="PERCENT", help="How many get it first, at least 50."),
        click.option("--pilot-wait", "wait_for", type=int, metavar="MINUTES", help="For how long they are waited for."),
        click.option("--expect-clicks", "clicks", type=_PERCENT, metavar="PERCENT", help="At least so many click."),
        click.option(
            "--expect-bounces", "bounces", type=_PERCENT, metavar="PERCENT", help="At most so many do not exist."
        ),
        click.option("--release", "by_itself", is_flag=True, help="If that is met, the rest goes by itself."),
    )
    for option in reversed(options):
        function = option(function)
    return function


@click.command("send")
@with_settings
@with_json
@click.argument("campaign_id", metavar="ID")
@click.option("--yes", is_flag=True, help="Send without asking, also about checks that could not be made.")
@click.option(
    "--override",
    "overrides",
    multiple=True,
    metavar="CODE=REASON",
    help="Send in spite of what blocks in the records of the sender's domain; kept on the letter and logged.",
)
@click.option("--wait", is_flag=True, help="Stay until the last mail has left.")
@click.option("--topic", "about", help="The topic of the list it is about: who chose others does not get it.")
@click.option("--segment", metavar="ID", help="The segment of the list it goes to; `everybody` takes one back.")
@click.option("--important", is_flag=True, help="It also goes to whoever wants fewer letters, or important ones only.")
@click.option("--at", metavar="MOMENT", help="When it leaves: 2026-12-24 09:00 by the clocks of the business.")
@click.option("--each-zone", is_flag=True, help="With --at: at that hour by each reader's own clock, where known.")
@click.option("--hold", type=click.IntRange(1, 1440), metavar="MINUTES", help="For how long it can be undone first.")
@click.option(
    "--expect",
    "expected",
    metavar="BELIEF",
    help="What you believe comes of it, as `clicks 3%`: see `campaign report`.",
)
@click.option("--late", is_flag=True, help="Send one now whose time passed while nothing was at work here.")
@with_test
@campaign_trial.with_trial
def command(settings: Settings, *, campaign_id: str, yes: bool, wait: bool, as_json: bool, **how: Any) -> None:  # noqa: ANN401 - options
    """Send a campaign to everybody on its list who may be mailed: now, after a while, or at a moment."""
    with opened(settings):
        asks = how.pop("late") or how["at"] is not None
        campaign_domain.refresh()
        campaign_domain.override(settings, campaign_id, how.pop("overrides"))
        how["segment"] = "" if how["segment"] == "everybody" else how["segment"]
        findings = campaign_check.inspect(settings, campaign_id, to_send=True, late=asks, segment=how["segment"])
        if not preflight.ready(findings):
            blocking = next(row for row in findings if row.severity is finding.Severity.BLOCK)
            raise Conflict("not_ready", f"{blocking.message} Nothing was sent.")
        if wait and (how["at"] or how["hold"] or how["share"] or how["trial_subject"] or how["trial_letter"]):
            raise Invalid("wait_for_later", "--wait goes with a send that leaves now. Nothing was sent.")
        if not yes:
            _ask(campaign_id, domain_gate.unknown(findings, settings.gate))
        with store.transaction() as session:
            answer, line = _ordered(session, settings, campaign_id, how)
        if wait:
            answer["state"] = _watch(campaign_id, answer["recipients"]).state.value
            line = f"{answer['id']} is {answer['state']}: {answer['recipients']} recipients."
    emit(answer, as_json=as_json, lines=[line])


def _ask(campaign_id: str, unknown: list[Finding]) -> None:
    """Demand a yes from a person at a terminal, who is told what could not be checked."""
    if not sys.stdin.isatty():
        raise Invalid("needs_yes", "Nothing was sent: where nobody can be asked, sending needs --yes.")
    for row in unknown:
        click.echo(row.message, err=True)
    if not click.confirm(f"Send {campaign_id} now?", err=True):
        raise Conflict("not_confirmed", "Nothing was sent.")


def _ordered(session: Session, settings: Settings, campaign_id: str, how: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """Order a campaign as its options say; return what to answer, and the line for a person."""
    business = organisation.only_one(session)
    found = campaigns.identified(session, business, campaign_id)
    zone = storefront.zone_of(session, business)
    about = topic.named(session, found.mailing_list, how["about"]) if how["about"] else None
    _choose(session, found, how)
    if how["expected"] is not None:
        found.assumption = assumption.read(how["expected"]).as_json()
    planned = planning.send_campaign(
        session, business, found, site=settings.site, practice=settings.rehearsing,
        about=about, important=how["important"], leaves=_leaving(zone, how),
        test=campaign_trial.order_of(how) or _test(how),
    )  # fmt: skip
    audit_log.record(session, business.id, "command", schedule.ACTS[found.state], found.public_id)
    answer: dict[str, Any] = {"id": found.public_id, "state": found.state.value, "recipients": planned}
    moment, test = schedule.leaves_at(found), pilot.of(found)
    line = f"{answer['id']} is {answer['state']}: {planned} recipients."
    if moment is not None:
        answer |= {"leaves_at": clock.as_text(moment), "time_zone": zone}
        then = f"it leaves on {language.appointment(moment, zone)}, to {planned} people as of now"
        back = f"`listkeeper campaign undo {answer['id']}` takes it back."
        line = f"{answer['id']} is {answer['state']}: {then}. {back}"
    if test is not None and test.size:
        line = f"{line} {test.size} of them get it first."
    if (tried := trial.of(found)) is not None:
        answer["trial"] = trial.told(found)
        line = f"{line} Two versions are tried, on {tried.each} people each." if tried.each else line
    return answer, line


def _choose(session: Session, found: Campaign, how: dict[str, Any]) -> None:
    """Note whom the letter goes to, and whether it gives or asks them: as was said, or as its blocks suggest."""
    before = trust_account.judged(found)
    recipients.choose(session, found, how["segment"])
    stance = trust_account.of_letter(found, campaigns.newest(session, found).draft, how["stance"])
    trust_account.declare(session, found, stance, below_floor=how["below_floor"], before=before)


def _leaving(zone: str, how: dict[str, Any]) -> Leaving:
    at, hold = how["at"], how["hold"]
    if at is not None and hold is not None:
        raise Invalid("at_or_hold", "Choose --at or --hold. Nothing was sent.")
    if at is None and how["each_zone"]:
        raise Invalid("zone_of_when", "Say with --at which hour it shall be for each reader. Nothing was sent.")
    return Leaving(schedule.read(at, zone) if at else None, timedelta(minutes=hold or 0), each_zone=how["each_zone"])


def _test(how: dict[str, Any]) -> Pilot | None:
    """Return the test that was asked for; shares were typed in per cent and are kept in thousandths."""
    names = ("share", "wait_for", "clicks", "bounces")
    if how["share"] is None:
        if how["by_itself"] or any(how[name] is not None for name in names):
            raise Invalid("pilot_of_what", "Say with --pilot how many get it first. Nothing was sent.")
        return None
    share, clicks, bounces = (
        None if how[name] is None else round(how[name] * 10) for name in ("share", "clicks", "bounces")
    )
    wait = timedelta(minutes=how["wait_for"]) if how["wait_for"] is not None else pilot.USUAL_WAIT
    return pilot.plan(share=share or 0, wait=wait, clicks=clicks, bounces=bounces, by_itself=how["by_itself"])


def _watch(campaign_id: str, total: int) -> Progress:
    with context.progress("Sending", total) as done:
        while True:
            with store.reading() as session:
                found = campaigns.identified(session, organisation.only_one(session), campaign_id)
                report = progress.report(session, found)
            done(total - report.waiting - report.deferred)
            if report.state in _OVER:
                return report
            time.sleep(0.5)

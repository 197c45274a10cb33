"""``listkeeper campaign``: write, check, test, send and watch campaigns without a browser."""

from __future__ import annotations

import sys
import time
from datetime import timedelta
from typing import Any, TextIO

import click
from flask import Flask
from sqlalchemy.orm import Session

from listkeeper import parts, store
from listkeeper.accounts import audit_log, organisation, storefront
from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import mailing_list, topic
from listkeeper.campaigns import campaign as campaigns
from listkeeper.campaigns import preflight, schedule
from listkeeper.campaigns.campaign import Campaign, CampaignState
from listkeeper.campaigns.revision import Draft
from listkeeper.campaigns.schedule import Leaving
from listkeeper.cli import campaign_steer, context
from listkeeper.cli.context import emit, opened, with_json, with_settings
from listkeeper.deliverability import finding
from listkeeper.foundation import clock, language
from listkeeper.foundation.errors import Conflict, Invalid
from listkeeper.sending import outlook, planning, progress
from listkeeper.sending.progress import Progress
from listkeeper.settings import Settings

_OVER = {CampaignState.FINISHED, CampaignState.CANCELLED}


@click.group()
def command() -> None:
    """Write, check, test and send campaigns."""


for steered in campaign_steer.COMMANDS:
    command.add_command(steered)


@command.command()
@with_settings
@with_json
@click.option("--list", "slug", required=True, help="Slug or id of the mailing list.")
@click.option("--subject", required=True, help="Subject line; merge tags are allowed.")
@click.option("--preheader", default="", help="The line shown after the subject in the inbox.")
@click.option("--from", "source", type=click.File("r", encoding="utf-8"), required=True, help="Markdown file, or -.")
def create(  # noqa: PLR0913 - one option each
    settings: Settings, *, slug: str, subject: str, preheader: str, source: TextIO, as_json: bool
) -> None:
    """Store a Markdown letter as a draft."""
    draft = Draft(subject, preheader, text_of(source))
    with opened(settings), store.transaction() as session:
        business = organisation.only_one(session)
        made = campaigns.create(session, business, mailing_list.named(session, business, slug), draft)
        audit_log.record(session, business.id, "command", "campaign.created", made.public_id)
        answer = {"id": made.public_id, "state": made.state.value}
    emit(answer, as_json=as_json, lines=[f"Draft {answer['id']}. Next: `listkeeper campaign check {answer['id']}`."])


def text_of(source: TextIO) -> str:
    """Return what a file says. Raises Invalid when it is not UTF-8."""
    try:
        return source.read()
    except UnicodeDecodeError:
        raise Invalid(
            "not_text", f"{source.name} is not UTF-8 text. Nothing was stored; save it as UTF-8 and try again."
        ) from None


@command.command()
@with_settings
@with_json
@click.argument("campaign_id", metavar="ID")
def check(settings: Settings, *, campaign_id: str, as_json: bool) -> int:
    """Say what is wrong with a campaign; exits with 0 when it is ready to send, whatever else could be better."""
    with opened(settings):
        findings = _inspect(settings, campaign_id)
    answer = {"ready": preflight.ready(findings), "findings": [finding.as_json(row) for row in findings]}
    lines = [f"{row.severity.value}  {row.code}  {row.message}" for row in findings]
    emit(answer, as_json=as_json, lines=[*lines, "Ready to send." if answer["ready"] else "Not ready."])
    return 0 if answer["ready"] else finding.exit_code(findings)


def _inspect(
    settings: Settings, campaign_id: str, *, to_send: bool = False, late: bool = False
) -> list[finding.Finding]:
    with store.reading() as session:
        business = organisation.only_one(session)
        found = campaigns.identified(session, business, campaign_id)
        if to_send:
            campaigns.demand_unsent(found)
        if to_send and not late:
            _demand_in_time(session, business, found, settings)
        checked = preflight.inspect(session, found, site=settings.site, practice=settings.rehearsing)
    return checked.findings + preflight.follow_links(checked.links, parts.fetcher() if settings.check_links else None)


def _demand_in_time(session: Session, business: Organisation, found: Campaign, settings: Settings) -> None:
    try:
        schedule.demand_in_time(found, clock.now(), storefront.zone_of(session, business), settings.late)
    except Conflict as problem:
        ways = "--late sends it now, --at chooses another time, `listkeeper campaign undo` makes it a draft again."
        raise Conflict(problem.code, f"{problem.message} {ways}") from problem


@command.command()
@with_settings
@with_json
@click.argument("campaign_id", metavar="ID")
@click.option("--to", "typed", required=True, help="Any address; the subject is marked [TEST].")
def test(settings: Settings, *, campaign_id: str, typed: str, as_json: bool) -> None:
    """Send a test of a campaign to one address."""
    with opened(settings), store.transaction() as session:
        business = organisation.only_one(session)
        found = campaigns.identified(session, business, campaign_id)
        planning.mail_test(session, business, found, typed, site=settings.site, per_hour=settings.tests_per_hour)
        audit_log.record(session, business.id, "command", "campaign.tested", found.public_id)
    where = "practice inbox" if settings.practice else "mail server"
    emit({"id": campaign_id, "queued": True}, as_json=as_json, lines=[f"The test is on its way to the {where}."])


@command.command()
@with_settings
@with_json
@click.argument("campaign_id", metavar="ID")
@click.option("--yes", is_flag=True, help="Send without asking.")
@click.option("--wait", is_flag=True, help="Stay until the last mail has left.")
@click.option("--topic", "about", help="The topic of the list it is about: who chose others does not get it.")
@click.option("--important", is_flag=True, help="It also goes to whoever wants fewer letters, or important ones only.")
@click.option("--at", metavar="MOMENT", help="When it leaves: 2026-12-24 09:00 by the clocks of the business.")
@click.option("--hold", type=click.IntRange(1, 1440), metavar="MINUTES", help="For how long it can be undone first.")
@click.option("--late", is_flag=True, help="Send one now whose time passed while nothing was at work here.")
def send(settings: Settings, *, campaign_id: str, yes: bool, wait: bool, as_json: bool, **how: Any) -> None:  # noqa: ANN401 - options
    """Send a campaign to everybody on its list who may be mailed: now, after a while, or at a moment."""
    with opened(settings) as app:
        findings = _inspect(settings, campaign_id, to_send=True, late=how["late"] or how["at"] is not None)
        if not preflight.ready(findings):
            blocking = next(row for row in findings if row.severity is finding.Severity.BLOCK)
            raise Conflict("not_ready", f"{blocking.message} Nothing was sent.")
        if wait and (how["at"] or how["hold"]):
            raise Invalid("wait_for_later", "--wait goes with a send that leaves now. Nothing was sent.")
        if not yes:
            _ask(campaign_id)
        with store.transaction() as session:
            answer, line = _ordered(session, settings, campaign_id, **how)
        if wait:
            answer["state"] = _watch(app, campaign_id, answer["recipients"]).state.value
            line = f"{answer['id']} is {answer['state']}: {answer['recipients']} recipients."
    emit(answer, as_json=as_json, lines=[line])


def _ordered(  # noqa: PLR0913 - one option each
    session: Session,
    settings: Settings,
    campaign_id: str,
    *,
    about: str | None,
    important: bool,
    at: str | None,
    hold: int | None,
    late: bool,
) -> tuple[dict[str, Any], str]:
    """Order a campaign as its options say; return what to answer, and the line for a person."""
    del late
    if at is not None and hold is not None:
        raise Invalid("at_or_hold", "Choose --at or --hold. Nothing was sent.")
    business = organisation.only_one(session)
    found = campaigns.identified(session, business, campaign_id)
    zone = storefront.zone_of(session, business)
    leaves = Leaving(schedule.read(at, zone) if at else None, timedelta(minutes=hold or 0))
    planned = planning.send_campaign(
        session, business, found, site=settings.site, practice=settings.rehearsing, leaves=leaves,
        about=topic.named(session, found.mailing_list, about) if about else None, important=important,
    )  # fmt: skip
    audit_log.record(session, business.id, "command", schedule.ACTS[found.state], found.public_id)
    answer: dict[str, Any] = {"id": found.public_id, "state": found.state.value, "recipients": planned}
    moment = schedule.leaves_at(found)
    if moment is None:
        return answer, f"{answer['id']} is {answer['state']}: {planned} recipients."
    answer |= {"leaves_at": clock.as_text(moment), "time_zone": zone}
    then = f"it leaves on {language.appointment(moment, zone)}, to {planned} people as of now"
    back = f"`listkeeper campaign undo {answer['id']}` takes it back."
    return answer, f"{answer['id']} is {answer['state']}: {then}. {back}"


def _ask(campaign_id: str) -> None:
    """Demand a yes from a person at a terminal."""
    if not sys.stdin.isatty():
        raise Invalid("needs_yes", "Nothing was sent: where nobody can be asked, sending needs --yes.")
    if not click.confirm(f"Send {campaign_id} now?", err=True):
        raise Conflict("not_confirmed", "Nothing was sent.")


def _watch(app: Flask, campaign_id: str, total: int) -> Progress:
    del app
    with context.progress("Sending", total) as done:
        while True:
            with store.reading() as session:
                report = progress.report(
                    session, campaigns.identified(session, organisation.only_one(session), campaign_id)
                )
            done(total - report.waiting - report.deferred)
            if report.state in _OVER:
                return report
            time.sleep(0.5)


@command.command()
@with_settings
@with_json
@click.argument("campaign_id", metavar="ID")
def status(settings: Settings, *, campaign_id: str, as_json: bool) -> None:
    """Say how far a campaign is, what happens now, and who is in doubt."""
    with opened(settings), store.reading() as session:
        business = organisation.only_one(session)
        found = campaigns.identified(session, business, campaign_id)
        report = progress.report(session, found, late=settings.late)
        now = outlook.sentence(found, report, storefront.zone_of(session, business))
        answer = {"id": campaign_id, **progress.told(found, report)}
    emit(answer, as_json=as_json, lines=_sentences(report, now))


def _sentences(report: Progress, now: str) -> list[str]:
    counts = f"{report.waiting} waiting, {report.skipped} skipped, {report.deferred} deferred, {report.failed} failed"
    lines = [
        f"{report.state.value}: {report.sent} of {report.recipients} sent, {counts}, {report.doubts} in doubt",
        now,
    ]
    if report.late:
        lines.append(
            "`campaign send ID --late` sends it now, `--at` chooses another time, `campaign undo ID` undoes it."
        )
    if report.rate_per_minute:
        lines.append(f"About {language.roughly(report.rate_per_minute)} a minute.")
    lines += [f"Put off: {each.number} at {each.receiver or 'others'}" for each in report.put_off_by]
    lines += [f"In doubt (handed over, no answer recorded): {who}" for who in report.in_doubt]
    return lines + [f"Standing still: {words}" for words in report.standing_still]

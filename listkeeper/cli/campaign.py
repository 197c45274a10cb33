"""``listkeeper campaign``: write, check, test, send and watch campaigns without a browser."""

from __future__ import annotations

import sys
import time
from typing import TextIO

import click
from flask import Flask

from listkeeper import parts, store
from listkeeper.accounts import audit_log, organisation
from listkeeper.audience import mailing_list, topic
from listkeeper.campaigns import campaign as campaigns
from listkeeper.campaigns import preflight
from listkeeper.campaigns.campaign import CampaignState
from listkeeper.campaigns.revision import Draft
from listkeeper.cli import campaign_steer, context
from listkeeper.cli.context import emit, opened, with_json, with_settings
from listkeeper.deliverability import finding
from listkeeper.foundation.errors import Conflict, Invalid
from listkeeper.sending import planning, progress
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


def _inspect(settings: Settings, campaign_id: str, *, to_send: bool = False) -> list[finding.Finding]:
    with store.reading() as session:
        found = campaigns.identified(session, organisation.only_one(session), campaign_id)
        if to_send:
            campaigns.demand_unsent(found)
        checked = preflight.inspect(session, found, site=settings.site, practice=settings.rehearsing)
    return checked.findings + preflight.follow_links(checked.links, parts.fetcher() if settings.check_links else None)


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
def send(  # noqa: PLR0913 - one option each
    settings: Settings, *, campaign_id: str, yes: bool, wait: bool, about: str | None, important: bool, as_json: bool
) -> None:
    """Send a campaign to everybody on its list who may be mailed."""
    with opened(settings) as app:
        findings = _inspect(settings, campaign_id, to_send=True)
        if not preflight.ready(findings):
            blocking = next(row for row in findings if row.severity is finding.Severity.BLOCK)
            raise Conflict("not_ready", f"{blocking.message} Nothing was sent.")
        if not yes:
            _ask(campaign_id)
        with store.transaction() as session:
            business = organisation.only_one(session)
            found = campaigns.identified(session, business, campaign_id)
            chosen = topic.named(session, found.mailing_list, about) if about else None
            planned = planning.send_campaign(
                session, business, found,
                site=settings.site, practice=settings.rehearsing, about=chosen, important=important,
            )  # fmt: skip
            audit_log.record(session, business.id, "command", "campaign.started", found.public_id)
            answer = {"id": found.public_id, "state": found.state.value, "recipients": planned}
        if wait:
            answer["state"] = _watch(app, campaign_id, planned).state.value
    emit(answer, as_json=as_json, lines=[f"{answer['id']} is {answer['state']}: {planned} recipients."])


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
    """Say how far a campaign is, and who is in doubt."""
    with opened(settings), store.reading() as session:
        report = progress.report(session, campaigns.identified(session, organisation.only_one(session), campaign_id))
    answer = {
        "id": campaign_id,
        "state": report.state.value,
        "recipients": report.recipients,
        "sent": report.sent,
        "waiting": report.waiting,
        "skipped": report.skipped,
        "skipped_because": {code.value: count for code, count in report.skipped_because.items()},
        "deferred": report.deferred,
        "failed": report.failed,
        "in_doubt": list(report.in_doubt),
        "standing_still": list(report.standing_still),
    }
    emit(answer, as_json=as_json, lines=_sentences(report))


def _sentences(report: Progress) -> list[str]:
    counts = f"{report.waiting} waiting, {report.skipped} skipped, {report.deferred} deferred, {report.failed} failed"
    doubt = len(report.in_doubt)
    lines = [f"{report.state.value}: {report.sent} of {report.recipients} sent, {counts}, {doubt} in doubt"]
    lines += [f"In doubt (handed over, no answer recorded): {who}" for who in report.in_doubt]
    return lines + [f"Standing still: {words}" for words in report.standing_still]

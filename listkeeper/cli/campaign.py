"""``listkeeper campaign``: write, check, test, send and watch campaigns without a browser."""

from __future__ import annotations

from typing import Any, TextIO

import click

from listkeeper import parts, store
from listkeeper.accounts import audit_log, organisation, storefront
from listkeeper.audience import mailing_list
from listkeeper.campaigns import campaign as campaigns
from listkeeper.campaigns.revision import Draft
from listkeeper.cli import (
    campaign_archive,
    campaign_check,
    campaign_document,
    campaign_quiet,
    campaign_report,
    campaign_send,
    campaign_steer,
    campaign_trial,
)
from listkeeper.cli.context import emit, opened, with_json, with_settings
from listkeeper.foundation import language
from listkeeper.foundation.errors import Invalid
from listkeeper.sending import outlook, planning, progress
from listkeeper.sending.pacing import receiver_state
from listkeeper.sending.pacing.receiver_state import ReceiverState
from listkeeper.sending.progress import Progress
from listkeeper.settings import Settings


@click.group()
def command() -> None:
    """Write, check, test and send campaigns."""


for other in (
    campaign_check.command,
    campaign_send.command,
    *campaign_steer.COMMANDS,
    campaign_quiet.command,
    campaign_archive.command,
    campaign_trial.choose,
    campaign_document.command,
    campaign_report.command,
):
    command.add_command(other)


@command.command()
@with_settings
@with_json
@click.option("--list", "slug", required=True, help="Slug or id of the mailing list.")
@click.option("--subject", help="Subject line; merge tags are allowed.")
@click.option("--preheader", default="", help="The line shown after the subject in the inbox.")
@click.option("--from", "source", type=click.File("r", encoding="utf-8"), help="Markdown file, or -.")
@click.option("--document", "whole", type=click.File("r", encoding="utf-8"), help="JSON file of a whole letter, or -.")
def create(  # noqa: PLR0913 - one option each
    settings: Settings,
    *,
    slug: str,
    subject: str | None,
    preheader: str,
    source: TextIO | None,
    whole: TextIO | None,
    as_json: bool,
) -> None:
    """Store a letter as a draft: Markdown with its subject, or a whole document."""
    if whole is not None:
        draft = campaign_document.draft_of(whole)
    elif source is not None and subject is not None:
        draft = Draft(subject, preheader, text_of(source))
    else:
        raise click.UsageError("Give --subject and --from, or --document.")
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
def status(settings: Settings, *, campaign_id: str, as_json: bool) -> None:
    """Say how far a campaign is, what happens now, and who is in doubt."""
    with opened(settings), store.reading() as session:
        business = organisation.only_one(session)
        found = campaigns.identified(session, business, campaign_id)
        report = progress.report(session, found, late=settings.late)
        now = outlook.sentence(found, report, storefront.zone_of(session, business))
        slow = receiver_state.states(session, found, business.from_domain, parts.slowed())
        answer = {"id": campaign_id, **progress.told(found, report), "receivers": [_receiver(each) for each in slow]}
        tried = campaign_trial.lines(session, found)
    emit(answer, as_json=as_json, lines=[*_sentences(report, now), *tried, *(each.sentence for each in slow)])


def _receiver(seen: ReceiverState) -> dict[str, Any]:
    return {"receiver": seen.name, "stands": seen.stands.value, "waiting": seen.waiting, "words": seen.sentence}


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
    lines += [*(outlook.results_of(report.test) if report.test else ()), *report.warnings]
    lines += [f"In doubt (handed over, no answer recorded): {who}" for who in report.in_doubt]
    return lines + [f"Standing still: {words}" for words in report.standing_still]

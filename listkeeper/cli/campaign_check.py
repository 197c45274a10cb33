"""``listkeeper campaign check``: what is wrong with a letter; and what a send asks before it begins."""

from __future__ import annotations

import click
from sqlalchemy.orm import Session

from listkeeper import parts, store
from listkeeper.accounts import organisation, storefront
from listkeeper.accounts.organisation import Organisation
from listkeeper.campaigns import campaign as campaigns
from listkeeper.campaigns import preflight, preview, recipients, schedule
from listkeeper.campaigns.campaign import Campaign
from listkeeper.campaigns.recipients import Whom
from listkeeper.cli import campaign_domain
from listkeeper.cli.context import emit, opened, with_json, with_settings
from listkeeper.deliverability import finding
from listkeeper.foundation import clock
from listkeeper.foundation.errors import Conflict, ListkeeperError
from listkeeper.sending import seen_as
from listkeeper.sending.seen_as import View
from listkeeper.settings import Settings


@click.command("check")
@with_settings
@with_json
@click.argument("campaign_id", metavar="ID")
def command(settings: Settings, *, campaign_id: str, as_json: bool) -> int:
    """Say what is wrong with a campaign; exits with 0 when it is ready to send, whatever else could be better."""
    with opened(settings):
        campaign_domain.refresh()
        findings = inspect(settings, campaign_id)
    answer = {"ready": preflight.ready(findings), "findings": [finding.as_json(row) for row in findings]}
    lines = [f"{row.severity.value}  {row.code}  {row.message}" for row in findings]
    emit(answer, as_json=as_json, lines=[*lines, "Ready to send." if answer["ready"] else "Not ready."])
    return 0 if answer["ready"] else finding.exit_code(findings)


def inspect(
    settings: Settings, campaign_id: str, *, to_send: bool = False, late: bool = False, segment: str | None = None
) -> list[finding.Finding]:
    """Return what is found; raises Conflict when it is ``to_send`` and cannot be, or asks because it is late.

    ``segment`` is the one it would go to, "" everybody; else it is judged by its own.
    """
    with store.reading() as session:
        business = organisation.only_one(session)
        found = campaigns.identified(session, business, campaign_id)
        if to_send:
            campaigns.demand_unsent(found)
        if to_send and not late:
            _demand_in_time(session, business, found, settings)
        checked = preflight.inspect(
            session, found, site=settings.site, practice=settings.rehearsing, gate=settings.gate,
            whom=_whom(session, found, segment),
        )  # fmt: skip
        raw = _message(session, business, found, settings) if settings.spam_check else b""
    followed = preflight.follow_links(checked.links, parts.fetcher() if settings.check_links else None)
    return [*checked.findings, *followed, *(parts.spam_check(raw) if raw else [])]


def _whom(session: Session, found: Campaign, segment: str | None) -> Whom | None:
    if segment is None:
        return None
    return recipients.of_segment(session, recipients.named(session, found, segment))


def _message(session: Session, business: Organisation, found: Campaign, settings: Settings) -> bytes:
    """Return the message for the owner's own spam filter; nothing when it cannot be put together."""
    try:
        made = preview.made_of(session, found, business, settings.site)
    except ListkeeperError:
        return b""
    return seen_as.raw(session, made, business, found.mailing_list, settings.site, View())


def _demand_in_time(session: Session, business: Organisation, found: Campaign, settings: Settings) -> None:
    try:
        schedule.demand_in_time(found, clock.now(), storefront.zone_of(session, business), settings.late)
    except Conflict as problem:
        ways = "--late sends it now, --at chooses another time, `listkeeper campaign undo` makes it a draft again."
        raise Conflict(problem.code, f"{problem.message} {ways}") from problem

"""``listkeeper campaign undo``, ``pause``, ``resume``, ``retry`` and ``cancel``: steering what was ordered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click
from sqlalchemy.orm import Session

from listkeeper import store
from listkeeper.accounts import audit_log, organisation
from listkeeper.campaigns import campaign as campaigns
from listkeeper.campaigns import schedule
from listkeeper.campaigns.campaign import Campaign
from listkeeper.cli import campaign_settle
from listkeeper.cli.context import emit, opened, with_json, with_settings
from listkeeper.sending import steering
from listkeeper.settings import Settings


def steered(
    settings: Settings, campaign_id: str, action: str, act: Callable[[Session, Campaign], dict[str, Any]]
) -> dict[str, Any]:
    """Do one thing to a campaign, write down who did it, and return what to answer: its id and state at least."""
    with opened(settings), store.transaction() as session:
        business = organisation.only_one(session)
        found = campaigns.identified(session, business, campaign_id)
        more = act(session, found)
        audit_log.record(session, business.id, "command", action, found.public_id)
        return {"id": found.public_id, "state": found.state.value, **more}


@click.command()
@with_settings
@with_json
@click.argument("campaign_id", metavar="ID")
def pause(settings: Settings, *, campaign_id: str, as_json: bool) -> None:
    """Let nothing more of a campaign leave until it is resumed."""

    def act(session: Session, campaign: Campaign) -> dict[str, Any]:
        steering.pause(session, campaign)
        return {}

    answer = steered(settings, campaign_id, "campaign.paused", act)
    line = f"Paused; what is being handed over ends. Next: `listkeeper campaign resume {campaign_id}`."
    emit(answer, as_json=as_json, lines=[line])


@click.command()
@with_settings
@with_json
@click.argument("campaign_id", metavar="ID")
def resume(settings: Settings, *, campaign_id: str, as_json: bool) -> None:
    """Let a paused campaign go on where it stood."""

    def act(session: Session, campaign: Campaign) -> dict[str, Any]:
        steering.resume(session, campaign)
        return {}

    answer = steered(settings, campaign_id, "campaign.resumed", act)
    emit(answer, as_json=as_json, lines=["It goes on where it stood."])


@click.command()
@with_settings
@with_json
@click.argument("campaign_id", metavar="ID")
def undo(settings: Settings, *, campaign_id: str, as_json: bool) -> None:
    """Take back a campaign that is held or scheduled: it is a draft again, and nothing was sent."""

    def act(session: Session, campaign: Campaign) -> dict[str, Any]:
        schedule.take_back(session, campaign)
        return {}

    answer = steered(settings, campaign_id, "campaign.taken_back", act)
    emit(answer, as_json=as_json, lines=["Taken back; it is a draft again, and nothing was sent."])


@click.command()
@with_settings
@with_json
@click.argument("campaign_id", metavar="ID")
def release(settings: Settings, *, campaign_id: str, as_json: bool) -> None:
    """Let everybody else have a campaign that a few were to get first, whatever came back from them."""

    def act(session: Session, campaign: Campaign) -> dict[str, Any]:
        steering.release(session, campaign)
        return {"pilot": campaign.pilot}

    answer = steered(settings, campaign_id, "campaign.released", act)
    emit(answer, as_json=as_json, lines=["Released: everybody else gets it now."])


@click.command()
@with_settings
@with_json
@click.argument("campaign_id", metavar="ID")
@click.option("--address", help="Only this reader, whatever the reason was.")
@click.option("--all", "everybody", is_flag=True, help="Also those whose address does not exist, as their server said.")
def retry(settings: Settings, *, campaign_id: str, address: str | None, everybody: bool, as_json: bool) -> None:
    """Queue again what failed, but for those whose address itself is wrong. What was taken is never sent again."""

    def act(session: Session, campaign: Campaign) -> dict[str, Any]:
        queued = steering.retry(session, campaign, everybody=everybody, typed=address)
        return {"queued": queued, "left_alone": steering.failed_for_good(session, campaign)}

    answer = steered(settings, campaign_id, "campaign.retried", act)
    lines = [f"{answer['queued']} queued again."]
    if answer["left_alone"]:
        lines.append(
            f"{answer['left_alone']} left alone: their server says there is no such address (--all takes them too)."
        )
    emit(answer, as_json=as_json, lines=lines)


@click.command()
@with_settings
@with_json
@click.argument("campaign_id", metavar="ID")
def cancel(settings: Settings, *, campaign_id: str, as_json: bool) -> None:
    """Stop a campaign for good; what has not been handed over stays home."""

    def act(session: Session, campaign: Campaign) -> dict[str, Any]:
        return {"stopped": steering.cancel(session, campaign)}

    answer = steered(settings, campaign_id, "campaign.cancelled", act)
    emit(answer, as_json=as_json, lines=[f"Cancelled; {answer['stopped']} mails stayed home."])


COMMANDS = (undo, pause, resume, release, retry, campaign_settle.command, cancel)

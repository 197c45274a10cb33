"""``listkeeper channel``: who follows where and what links cost, typed in, and what a business owns of it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import click

from listkeeper import store
from listkeeper.accounts import audit_log, organisation
from listkeeper.audience import followers, source, source_cost
from listkeeper.audience.source import SOCIAL, Channel
from listkeeper.audience.source_cost import CostPer, SourceCost
from listkeeper.cli.context import emit, opened, with_json, with_settings
from listkeeper.foundation import clock, money
from listkeeper.insight import channels
from listkeeper.insight.channels import ChannelView
from listkeeper.settings import Settings

_DAY = click.DateTime(["%Y-%m-%d"])


@click.group()
def command() -> None:
    """Note what places cost and how many people follow there, and show what is yours."""


@command.command()
@with_settings
@with_json
def show(settings: Settings, *, as_json: bool) -> None:
    """Show each channel: who follows, who came, what it cost, and whom a letter would still reach."""
    with opened(settings), store.reading() as session:
        owned = channels.ownership(session, organisation.only_one(session), practice=settings.rehearsing)
        rows = [_view(view) for view in owned.channels]
    lines = [
        f"{row['channel']}: {_said(row['followers'])} followers, {row['confirmed']} confirmed, {row['reach']} reached"
        + (f", {row['cost']} so far" if row["cost"] else "")
        for row in rows
    ]
    answer = {"reach": owned.reach, "elsewhere": owned.elsewhere, "channels": rows}
    emit(answer, as_json=as_json, lines=lines or ["There is no link yet."])


def _view(view: ChannelView) -> dict[str, Any]:
    return {
        "channel": view.channel.value,
        "followers": view.newest.number if view.newest else None,
        "owned_per_mille": view.owned,
        "reach": view.reach,
        "confirmed": view.brought.confirmed,
        "cost": money.text(view.brought.cost, view.brought.currency) if view.brought.currency else "",
        "counts": [{"on": row.counted_on, "number": row.number} for row in view.followers],
        "costs": [_cost(row) for row in view.costs],
    }


def _said(number: int | None) -> str:
    return "unknown" if number is None else str(number)


def _cost(cost: SourceCost) -> dict[str, Any]:
    return {
        "id": cost.public_id,
        "source": cost.source.slug,
        "amount": cost.amount,
        "currency": cost.currency,
        "per": cost.per.value,
        "starts_on": cost.starts_on,
        "ends_on": cost.ends_on,
    }


@command.command(name="followers")
@with_settings
@with_json
@click.argument("name", metavar="CHANNEL", type=click.Choice([each.value for each in SOCIAL]))
@click.argument("number", required=False)
@click.option("--on", type=_DAY, help="The day they were counted; today when not given.")
@click.option("--forget", is_flag=True, help="Take away the count of that day.")
def count(  # noqa: PLR0913 - which channel, how many, when
    settings: Settings, *, name: str, number: str | None, on: datetime | None, forget: bool, as_json: bool
) -> None:
    """Note how many people follow on CHANNEL; a second count of a day takes the place of the first."""
    if (number is None) is not forget:
        raise click.UsageError("Give the number of followers, or --forget.")
    channel, day = Channel(name), _day(on)
    with opened(settings), store.transaction() as session:
        business = organisation.only_one(session)
        if number is None:
            followers.forget(session, business, channel, day)
        else:
            followers.note(session, business, channel, number, day)
        done = "followers.forgotten" if forget else "followers.noted"
        audit_log.record(session, business.id, "command", done, channel.value)
        counted = followers.history(session, business).get(channel, [])
        rows = [{"on": row.counted_on, "number": row.number} for row in counted]
    lines = [f"{row['on']}: {row['number']}" for row in rows] or [f"There is no count of {channel.value} now."]
    emit({"channel": channel.value, "counts": rows}, as_json=as_json, lines=lines)


@command.command(name="cost")
@with_settings
@with_json
@click.argument("name", metavar="SOURCE")
@click.argument("amount")
@click.option("--currency", required=True, type=click.Choice(money.CURRENCIES, case_sensitive=False), help="Its code.")
@click.option("--monthly", is_flag=True, help="Paid every month from the day on; once when not given.")
@click.option("--on", type=_DAY, help="The day it is paid, or begins; today when not given.")
def pay(settings: Settings, *, name: str, amount: str, as_json: bool, **said: Any) -> None:  # noqa: ANN401 - click's options
    """Note what a link costs, as in 1250,50; all costs of a business are in one currency."""
    with opened(settings), store.transaction() as session:
        business = organisation.only_one(session)
        made = source_cost.add(
            session,
            business,
            source.named(session, business, name),
            written=amount,
            currency=said["currency"],
            per=CostPer.MONTH if said["monthly"] else CostPer.ONCE,
            starts_on=_day(said["on"]),
        )
        audit_log.record(session, business.id, "command", "source_cost.added", made.public_id)
        row = _cost(made)
        paid = money.text(made.amount, made.currency)
    every = " every month" if said["monthly"] else ""
    emit(row, as_json=as_json, lines=[f"“{row['source']}” costs {paid}{every} from {row['starts_on']} on: {row['id']}"])


@command.command()
@with_settings
@with_json
@click.argument("number", metavar="ID")
@click.option("--on", type=_DAY, help="The last day that it is paid for; today when not given.")
@click.option("--remove", is_flag=True, help="Take the cost away: it was a mistake.")
def end(settings: Settings, *, number: str, on: datetime | None, remove: bool, as_json: bool) -> None:
    """End a monthly cost; what was paid so far stays counted."""
    with opened(settings), store.transaction() as session:
        business = organisation.only_one(session)
        cost = source_cost.named(session, business, number)
        if remove:
            source_cost.remove(session, cost)
        else:
            source_cost.end(cost, _day(on))
        done = "source_cost.removed" if remove else "source_cost.ended"
        audit_log.record(session, business.id, "command", done, number)
        answer = {"id": number, "removed": remove, "ends_on": None if remove else cost.ends_on}
    said = "is gone" if remove else f"ends on {answer['ends_on']}"
    emit(answer, as_json=as_json, lines=[f"The cost {number} {said}."])


def _day(given: datetime | None) -> date:
    return given.date() if given is not None else clock.now().date()

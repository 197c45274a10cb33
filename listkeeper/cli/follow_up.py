"""``listkeeper follow-up``: the letters that follow something, who is on the line, and what became of each step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click
from sqlalchemy.orm import Session

from listkeeper import store
from listkeeper.accounts import audit_log, organisation
from listkeeper.accounts.organisation import Organisation
from listkeeper.campaigns import campaign as campaigns
from listkeeper.campaigns import follow_up, follow_up_step
from listkeeper.campaigns.follow_up import FollowUp
from listkeeper.cli.context import emit, opened, with_json, with_settings
from listkeeper.foundation import clock
from listkeeper.sending import frequency_cap
from listkeeper.sending.following import follow_up_steering, follow_up_view, follow_up_words
from listkeeper.sending.following.follow_up_view import Entry, LineNumbers, StepNumbers
from listkeeper.settings import Settings


@click.group()
def command() -> None:
    """Show follow-ups, and switch them."""


@command.command(name="list")
@with_settings
@with_json
def list_(settings: Settings, *, as_json: bool) -> None:
    """Show every follow-up, and how many people are on it."""
    with opened(settings), store.reading() as session:
        found = follow_up.all_of(session, organisation.only_one(session))
        counted = follow_up_view.lines_of(session, found)
        rows = [_short(each, counted[each.id]) for each in found]
    lines = [f"{row['id']}  {row['state']}  {row['name']}: {row['running']} on the line" for row in rows]
    emit({"follow_ups": rows}, as_json=as_json, lines=lines or ["There is no follow-up yet."])


def _short(found: FollowUp, counted: LineNumbers) -> dict[str, Any]:
    return {
        "id": found.public_id,
        "name": found.name,
        "list": found.mailing_list.public_id,
        "state": found.state.value,
        "trigger": found.trigger.value,
        "halted": found.halted,
        "running": counted.running,
        "finished": counted.finished,
        "stopped": {why.value: number for why, number in counted.stopped.items()},
    }


@command.command()
@with_settings
@with_json
@click.argument("public_id", metavar="ID")
def show(settings: Settings, *, public_id: str, as_json: bool) -> None:
    """Show one line with its steps, and what became of each."""
    with opened(settings), store.reading() as session:
        found = follow_up.identified(session, organisation.only_one(session), public_id)
        told = _whole(session, found)
        lines = [f"{found.name} ({follow_up_words.state(found.state)}): {follow_up_words.begins(found)}"]
        lines += [f"  {_step_line(step)}" for step in told["steps"]]
    emit(told, as_json=as_json, lines=lines)


def _whole(session: Session, found: FollowUp) -> dict[str, Any]:
    counted = follow_up_view.numbers(session, found)
    steps = [
        {
            "id": step.public_id,
            "kind": step.kind.value,
            "wait_days": step.wait_days,
            "at_hour": step.at_hour,
            "campaign": step.campaign.public_id,
            "subject": campaigns.newest(session, step.campaign).subject,
            **_numbers(counted.get(step.id, StepNumbers())),
        }
        for step in follow_up_step.steps(session, found)
    ]
    return {**_short(found, follow_up_view.lines(session, found)), "steps": steps}


def _numbers(counted: StepNumbers) -> dict[str, Any]:
    return {
        "mailed": counted.mailed,
        "waiting": counted.waiting + counted.under_way,
        "not_taken": counted.not_taken,
        "skipped": {why.value: number for why, number in counted.skipped.items()},
        "put_off": {why.value: number for why, number in counted.put_off.items()},
    }


def _step_line(step: dict[str, Any]) -> str:
    left_out = sum(step["skipped"].values())
    return (
        f"{step['id']}  after {step['wait_days']} days  “{step['subject']}”: {step['mailed']} sent, "
        f"{step['waiting']} waiting, {left_out} left out"
    )


@command.command()
@with_settings
@with_json
@click.argument("public_id", metavar="ID")
def on(settings: Settings, *, public_id: str, as_json: bool) -> None:
    """Let people set out on it from now on."""

    def act(session: Session, business: Organisation, found: FollowUp) -> None:
        follow_up_steering.switch_on(session, business, found, site=settings.site, practice=settings.rehearsing)

    _switched(settings, public_id, "follow_up.switched_on", act, as_json=as_json)


@command.command()
@with_settings
@with_json
@click.argument("public_id", metavar="ID")
def pause(settings: Settings, *, public_id: str, as_json: bool) -> None:
    """Let everybody on the line stand where they are."""

    def act(session: Session, _owner: Organisation, found: FollowUp) -> None:
        follow_up_steering.pause(session, found)

    _switched(settings, public_id, "follow_up.paused", act, as_json=as_json)


@command.command()
@with_settings
@with_json
@click.argument("public_id", metavar="ID")
def off(settings: Settings, *, public_id: str, as_json: bool) -> None:
    """End it for everybody on the line."""

    def act(session: Session, _owner: Organisation, found: FollowUp) -> None:
        follow_up_steering.switch_off(session, found)

    _switched(settings, public_id, "follow_up.switched_off", act, as_json=as_json)


@command.command()
@with_settings
@with_json
@click.option("--mails", type=click.IntRange(1, 50), help="At most so many letters to one person.")
@click.option("--days", type=click.IntRange(1, 90), help="In so many days.")
@click.option("--none", "without", is_flag=True, help="As many as there are.")
@click.option("--letters/--no-letters", default=None, help="Whether it holds for letters to everybody too.")
def cap(  # noqa: PLR0913 - one option each
    settings: Settings, *, mails: int | None, days: int | None, without: bool, letters: bool | None, as_json: bool
) -> None:
    """Show how many letters one person gets at most, or choose it."""
    with opened(settings), store.transaction() as session:
        business = organisation.only_one(session)
        if mails is not None or days is not None or without or letters is not None:
            most = None if without else mails if mails is not None else business.cap_mails
            wanted = business.cap_letters if letters is None else letters
            frequency_cap.choose(business, most, days or business.cap_days, letters=wanted)
            audit_log.record(session, business.id, "command", "organisation.cap_chosen", business.public_id)
        told = {"mails": business.cap_mails, "days": business.cap_days, "letters": business.cap_letters}
    emit(told, as_json=as_json)


_Act = Callable[[Session, Organisation, FollowUp], None]


def _switched(settings: Settings, public_id: str, action: str, act: _Act, *, as_json: bool) -> None:
    with opened(settings), store.transaction() as session:
        business = organisation.only_one(session)
        found = follow_up.identified(session, business, public_id)
        act(session, business, found)
        audit_log.record(session, business.id, "command", action, found.public_id)
        session.flush()
        told = _short(found, follow_up_view.lines(session, found))
    emit(told, as_json=as_json, lines=[f"{told['name']}: {told['state']}, {told['running']} on the line."])


@command.command()
@with_settings
@with_json
@click.argument("public_id", metavar="ID")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="So many, newest first.")
def log(settings: Settings, *, public_id: str, limit: int, as_json: bool) -> None:
    """Show what became of each step for whom: sent, left out, put off, and why."""
    with opened(settings), store.reading() as session:
        found = follow_up.identified(session, organisation.only_one(session), public_id)
        entries = follow_up_view.log(session, found, limit)
        lines = [f"{clock.as_text(each.at)}  {each.person}  {_said(each)}  “{each.subject}”" for each in entries]
    emit({"log": [_entry(each) for each in entries]}, as_json=as_json, lines=lines or ["Nothing has happened yet."])


def _said(each: Entry) -> str:
    became = follow_up_words.became(each)
    return f"{became} ({follow_up_words.reason(each.why)})" if each.why is not None else became


def _entry(each: Entry) -> dict[str, Any]:
    return {
        "at": clock.as_text(each.at),
        "subscriber": each.person,
        "subject": each.subject,
        "what": each.kind.value,
        "why": each.why.value if each.why else None,
        "until": clock.as_text(each.until) if each.until else None,
        "delivery": each.state.value if each.state else None,
        "refused": each.refusal.value if each.refusal else None,
    }

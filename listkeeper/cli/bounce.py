"""``listkeeper bounce``: what came back, what was decided, and waves of mistaken holds, mended as one."""

from __future__ import annotations

from typing import Any

import click

from listkeeper import store
from listkeeper.accounts import organisation
from listkeeper.audience.subscriber import Subscriber
from listkeeper.campaigns import campaign as campaigns
from listkeeper.cli.context import emit, opened, with_json, with_settings
from listkeeper.feedback import bounce_wave, decision_words, timeline
from listkeeper.feedback.bounce_wave import Wave
from listkeeper.feedback.event import FeedbackEvent
from listkeeper.foundation import clock
from listkeeper.settings import Settings
from listkeeper.standards import address as addresses

ACTOR = "command"
_FIRST = 20


@click.group()
def command() -> None:
    """Show what came back and what followed, and take mistaken holds back."""


@command.command("list")
@with_settings
@with_json
@click.option("--campaign", "public_id", help="Only what came back of this letter.")
@click.option("--most", type=click.IntRange(1, 1000), default=50, help="How many, the newest first; 50.")
def list_(settings: Settings, *, public_id: str | None, most: int, as_json: bool) -> None:
    """Show the newest things that were told of mails: bounces, complaints, answers of servers."""
    with opened(settings), store.reading() as session:
        owner = organisation.only_one(session)
        letter = campaigns.identified(session, owner, public_id) if public_id else None
        found = timeline.newest(session, owner.id, campaign_id=letter.id if letter else None, most=most)
        rows = [_shown(told, person) for told, person in found]
    lines = [f"{row['id']}  {row['at']}  {row['kind']} {row['class'] or ''} {row['outcome']}" for row in rows]
    emit({"events": rows}, as_json=as_json, lines=lines or ["Nothing has come back yet."])


@command.command()
@with_settings
@with_json
@click.argument("number", type=int)
def show(settings: Settings, *, number: int, as_json: bool) -> None:
    """Show one of them whole, with what was decided and why."""
    with opened(settings), store.reading() as session:
        told = timeline.numbered(session, organisation.only_one(session).id, number)
        person = session.get(Subscriber, told.subscriber_id) if told.subscriber_id is not None else None
        answer = _shown(told, person)
    emit(answer, as_json=as_json, lines=[f"{answer['at']}  {answer['address'] or ''}", str(answer["words"])])


@command.command()
@with_settings
@with_json
@click.option("--least", type=click.IntRange(1), default=bounce_wave.FEW, help="Of so many people at least; 5.")
def waves(settings: Settings, *, least: int, as_json: bool) -> None:
    """Show who was held back together: by one rule, at one receiver, with less than an hour between."""
    with opened(settings), store.reading() as session:
        found = bounce_wave.recent(session, organisation.only_one(session).id, least=least)
        rows = [_wave(wave) for wave in found]
    lines = [
        f"{row['id']}  {row['people']} at {row['provider'] or 'unknown'}: {row['rule']} ({row['class']}), {row['from']}"
        for row in rows
    ]
    emit({"waves": rows}, as_json=as_json, lines=lines or ["There is no wave of the last 30 days."])


@command.command()
@with_settings
@with_json
@click.argument("wave", metavar="WAVE")
@click.option("--yes", is_flag=True, help="Do not ask.")
def lift(settings: Settings, *, wave: str, yes: bool, as_json: bool) -> None:
    """Take a wave back: it was a mistake, and these people are written to again. Nobody who left or complained is."""
    with opened(settings):
        with store.reading() as session:
            owner = organisation.only_one(session).id
            found = bounce_wave.named(session, owner, wave)
            first = [addresses.mask(each.email_send) for each in bounce_wave.people(session, found, _FIRST)]
        if not yes:
            click.echo("\n".join(first), err=True)
            click.confirm(f"Write to these {len(found.people)} people again?", abort=True, err=True)
        with store.transaction() as session:
            found = bounce_wave.named(session, owner, wave)
            lifted = bounce_wave.lift(session, owner, found, actor=ACTOR)
    answer = {"wave": wave, "lifted": lifted.people, "away": lifted.away}
    emit(answer, as_json=as_json, lines=[f"Taken back: {lifted.people}. Nothing is sent all the same: {lifted.away}."])


def _shown(told: FeedbackEvent, person: Subscriber | None) -> dict[str, Any]:
    return {
        "id": told.id,
        "at": clock.as_text(told.at),
        "address": person.email_send if person is not None else None,
        "kind": told.kind.value,
        "source": told.source,
        "proof": told.proof.value,
        "provider": told.provider,
        "class": told.reply_class.value if told.reply_class is not None else None,
        "permanent": told.permanent,
        "status": told.status,
        "rule": told.rule,
        "reply": told.reply,
        "outcome": told.outcome.value,
        "lifted_at": clock.as_text(told.lifted_at) if told.lifted_at is not None else None,
        "words": decision_words.of(told),
    }


def _wave(wave: Wave) -> dict[str, Any]:
    return {
        "id": wave.name,
        "people": len(wave.people),
        "provider": wave.provider,
        "rule": wave.rule,
        "class": wave.reply_class.value if wave.reply_class is not None else None,
        "from": clock.as_text(wave.first_at),
        "until": clock.as_text(wave.last_at),
        "replies": wave.said,
    }

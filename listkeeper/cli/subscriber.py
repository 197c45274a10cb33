"""``listkeeper subscriber``: what is known of one person, with the consent record."""

from __future__ import annotations

from typing import Any

import click

from listkeeper import store
from listkeeper.accounts import organisation
from listkeeper.audience import consent, subscriber, subscription
from listkeeper.audience.consent import ConsentEvent
from listkeeper.cli.context import emit, opened, with_json, with_settings
from listkeeper.foundation import clock
from listkeeper.settings import Settings


@click.group()
def command() -> None:
    """Show what is known of a subscriber."""


@command.command()
@with_settings
@with_json
@click.argument("address")
def show(settings: Settings, *, address: str, as_json: bool) -> None:
    """Show a subscriber's subscriptions and consent record."""
    with opened(settings), store.reading() as session:
        person = subscriber.named(session, organisation.only_one(session), address)
        answer: dict[str, Any] = {
            "id": person.public_id,
            "address": person.email_send,
            "subscriptions": [
                {"list": mailing_list.slug, "state": row.state.value, "since": clock.as_text(row.since)}
                for row, mailing_list in subscription.all_of(session, person)
            ],
            "consent": [_event(row) for row in consent.history(session, person)],
        }
    lines = [str(answer["address"])]
    lines += [f"  {row['list']}: {row['state']} since {row['since']}" for row in answer["subscriptions"]]
    lines += [
        f"  {row['at']}  {row['event']} by {row['method']}, text {row['text_version']}" for row in answer["consent"]
    ]
    emit(answer, as_json=as_json, lines=lines)


def _event(row: ConsentEvent) -> dict[str, object]:
    return {
        "event": row.kind.value,
        "at": clock.as_text(row.at),
        "method": row.method.value,
        "text_version": f"{row.text.language}-{row.text.version}" if row.text else None,
        "text": row.text.whole if row.text else None,
        "form_version": row.form_version.version if row.form_version else None,
        "demo": row.demo,
    }

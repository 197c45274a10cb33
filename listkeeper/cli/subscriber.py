"""``listkeeper subscriber``: what is known of one person, and the acts that lower what may be sent to her.

Nothing here raises a permission: only the person can, by the form and the mail that asks.
"""

from __future__ import annotations

from typing import Any

import click

from listkeeper import parts, store
from listkeeper.accounts import audit_log, organisation
from listkeeper.audience import complaint, consent, erasure, mailing_list, subscriber, subscription, unsubscribe
from listkeeper.audience.consent import ConsentEvent, Method
from listkeeper.audience.importing import brought
from listkeeper.audience.importing.brought import Brought
from listkeeper.audience.proof.ledger import EventType
from listkeeper.cli import subscriber_event
from listkeeper.cli.context import emit, opened, with_json, with_settings
from listkeeper.feedback import traces
from listkeeper.foundation import clock
from listkeeper.jobs import journal
from listkeeper.settings import Settings
from listkeeper.standards import address as addresses

ACTOR = "cli"


@click.group()
def command() -> None:
    """Show what is known of a subscriber."""


command.add_command(subscriber_event.command)


@command.command()
@with_settings
@with_json
@click.argument("address")
@click.argument("time_zone", metavar="ZONE")
def zone(settings: Settings, *, address: str, time_zone: str, as_json: bool) -> None:
    """Note in which time zone somebody lives, as Europe/Copenhagen; an empty one forgets it."""
    with opened(settings), store.transaction() as session:
        owner = organisation.only_one(session)
        person = subscriber.named(session, owner, address)
        subscriber.live_in(person, time_zone)
        audit_log.record(session, owner.id, "command", "subscriber.zone_noted", person.public_id)
        answer = {"id": person.public_id, "time_zone": person.time_zone}
    emit(answer, as_json=as_json, lines=[f"Time zone: {answer['time_zone'] or 'not known'}."])


@command.command()
@with_settings
@with_json
@click.argument("address")
def show(settings: Settings, *, address: str, as_json: bool) -> None:
    """Show a subscriber's subscriptions and consent record."""
    with opened(settings), store.reading() as session:
        owner = organisation.only_one(session)
        person = subscriber.named(session, owner, address)
        claims = brought.of_subject(session, owner, person.subject_ref)
        events = [_event(row) for row in consent.history(session, person)] + [_claim(row) for row in claims]
        answer: dict[str, Any] = {
            "id": person.public_id,
            "address": person.email_send,
            "subscriptions": [
                {"list": mailing_list.slug, "state": row.state.value, "since": clock.as_text(row.since)}
                for row, mailing_list in subscription.all_of(session, person)
            ],
            "consent": sorted(events, key=lambda event: str(event["at"])),
        }
    lines = [addresses.shown(str(answer["address"]))]
    lines += [f"  {row['list']}: {row['state']} since {row['since']}" for row in answer["subscriptions"]]
    lines += [
        f"  {row['at']}  {row['event']} by {row['method']}, "
        + (f"a claim ({row['import']})" if "import" in row else f"text {row['text_version']}")
        for row in answer["consent"]
    ]
    emit(answer, as_json=as_json, lines=lines)


@command.command()
@with_settings
@with_json
@click.argument("address")
@click.option("--list", "slug", help="Leave this list only; every list when not given.")
def leave(settings: Settings, *, address: str, slug: str | None, as_json: bool) -> None:
    """Take a subscriber off a list, or off all of them, because she asked for it."""
    with opened(settings), store.transaction() as session:
        owner = organisation.only_one(session)
        person = subscriber.named(session, owner, address)
        if slug is None:
            complaint.stop_everything(session, person.id, method=Method.OPERATOR, actor=ACTOR)
        else:
            chosen = mailing_list.named(session, owner, slug)
            unsubscribe.leave(session, person.id, chosen.id, Method.OPERATOR, actor=ACTOR)
        audit_log.record(session, owner.id, "command", "subscriber.left", person.public_id)
        answer = {"id": person.public_id, "left": slug or "all"}
    emit(answer, as_json=as_json, lines=["Done. Only the person can take this back."])


@command.command()
@with_settings
@with_json
@click.argument("address")
@click.option("--end", is_flag=True, help="End the restriction.")
def restrict(settings: Settings, *, address: str, end: bool, as_json: bool) -> None:
    """Keep a subscriber's data and write to her no more, e.g. while a dispute lasts."""
    with opened(settings), store.transaction() as session:
        owner = organisation.only_one(session)
        person = subscriber.named(session, owner, address)
        (subscriber.unrestrict if end else subscriber.restrict)(session, person, actor=ACTOR)
        done = "subscriber.unrestricted" if end else "subscriber.restricted"
        audit_log.record(session, owner.id, "command", done, person.public_id)
        answer = {"id": person.public_id, "restricted": not end}
    emit(answer, as_json=as_json)


@command.command()
@with_settings
@with_json
@click.argument("address")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--forget-even-the-hash", is_flag=True, help="Also forget that she must not be written to.")
def erase(settings: Settings, *, address: str, yes: bool, forget_even_the_hash: bool, as_json: bool) -> None:
    """Erase a subscriber: there is no way back, also not from a backup."""
    if not yes:
        click.confirm("Everything about this person goes, for good. Go on?", abort=True)
    with opened(settings):
        with store.transaction() as session:
            owner = organisation.only_one(session)
            person = subscriber.named(session, owner, address)
            audit_log.record(session, owner.id, "command", "subscriber.erased", person.public_id)
            forget = traces.forgetter(parts.practice_folder())
            made = erasure.erase(
                session, person.id, actor=ACTOR, forget_copies=forget, even_the_hash=forget_even_the_hash
            )
            answer = {"erased": True, "seq": made.ledger_seq if made else None}
        journal.write_down()
    emit(answer, as_json=as_json, lines=["Erased. The journal knows it, so no backup brings this person back."])


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


def _claim(row: Brought) -> dict[str, object]:
    """Return what a file says of her; no text of ours was shown, and what it claims stands in ``consent show``."""
    return {
        "event": EventType.IMPORTED.value,
        "at": clock.as_text(row.at),
        "method": Method.IMPORT.value,
        "text_version": None,
        "text": None,
        "form_version": None,
        "demo": False,
        "import": row.import_id,
        "evidenced": row.evidenced and row.undone_at is None,
    }

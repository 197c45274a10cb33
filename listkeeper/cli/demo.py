"""``listkeeper demo``: fill an instance with an invented café, and take it away again."""

from __future__ import annotations

from typing import Any

import click

from listkeeper import store
from listkeeper.accounts import audit_log, organisation
from listkeeper.audience import demo as invented
from listkeeper.cli.context import emit, opened, progress, with_json, with_settings
from listkeeper.cli.spoken import Spoken
from listkeeper.foundation.errors import Invalid
from listkeeper.insight import demo_letters
from listkeeper.sending import demo
from listkeeper.sending.demo import Filled
from listkeeper.settings import Settings

_SOME = 650
_MOST = 1_000_000


@click.command()
@with_settings
@with_json
@click.option(
    "--people", type=click.IntRange(1, _MOST), help=f"Confirmed subscribers to make up; {_SOME} when not given."
)
@click.option("--lang", "spoken", type=Spoken(), help="Language of the café on an instance without a business yet.")
@click.option("--remove", is_flag=True, help="Take the demo away: all of it, and nothing else.")
def command(settings: Settings, *, people: int | None, spoken: str | None, remove: bool, as_json: bool) -> None:
    """Fill in an invented café with subscribers, consent records and letters; all addresses are under .example."""
    if remove and (people is not None or spoken is not None):
        raise Invalid("demo_options", "--remove takes the whole demo away; leave --people and --lang out.")
    if remove:
        _remove(settings, as_json=as_json)
    else:
        _fill(settings, people or _SOME, spoken, as_json=as_json)


def _fill(settings: Settings, wanted: int, spoken: str | None, *, as_json: bool) -> None:
    total = invented.crowd_of(wanted).total
    with opened(settings, create=True), progress("Making people up", total) as tell, store.transaction() as session:
        made = demo.fill(session, confirmed=wanted, spoken=spoken, site=settings.site, tell=tell)
        demo_letters.add(session, made.organisation, made.past)
        mailing_list = made.shown.mailing_list
        audit_log.record(session, made.organisation.id, "command", "demo.filled", mailing_list.public_id)
        answer = _described(made, settings.site)
        lines = [
            f"“{mailing_list.name}” has {wanted} confirmed subscribers now; none of them exists.",
            f"A draft to play with: `listkeeper campaign check {made.draft.public_id}`.",
            "Take it all away again with `listkeeper demo --remove`.",
        ]
    emit(answer, as_json=as_json, lines=lines)


def _described(made: Filled, site: str) -> dict[str, Any]:
    owner, mailing_list, form, crowd = made.organisation, made.shown.mailing_list, made.shown.form, made.crowd
    return {
        "organisation": {"id": owner.public_id, "name": owner.legal_name, "language": owner.language},
        "list": {"id": mailing_list.public_id, "slug": mailing_list.slug},
        "form": {"id": form.public_id, "slug": form.slug, "url": f"{site}/f/{form.slug}"},
        "people": {"confirmed": crowd.confirmed, "unsubscribed": crowd.unsubscribed, "pending": crowd.pending},
        "campaigns": {"finished": [row.public_id for row in made.past], "draft": made.draft.public_id},
    }


def _remove(settings: Settings, *, as_json: bool) -> None:
    with opened(settings), store.transaction() as session:
        before = organisation.maybe_one(session)
        if before is not None:
            demo_letters.remove(session, before)
        gone = demo.remove(session)
        owner = organisation.maybe_one(session)
        audit_log.record(session, owner.id if owner else None, "command", "demo.removed", "demo")
    answer = {
        "removed": {"people": gone.people, "campaigns": gone.letters, "organisation": gone.organisation},
        "stayed": list(gone.stayed),
    }
    lines = [f"The demo is gone: {gone.people} people and {gone.letters} letters."]
    lines += [f"“{name}” stays, and is yours now: somebody real is on it, or wrote for it." for name in gone.stayed]
    emit(answer, as_json=as_json, lines=lines)

"""``listkeeper campaign document``: the words of a campaign as JSON, the value that studio and api write."""

from __future__ import annotations

import json
from typing import TextIO

import click

from listkeeper import store
from listkeeper.accounts import audit_log, organisation
from listkeeper.campaigns import campaign as campaigns
from listkeeper.campaigns.revision import Draft
from listkeeper.cli.context import emit, opened, with_json, with_settings
from listkeeper.foundation.errors import Invalid
from listkeeper.rendering import document
from listkeeper.settings import Settings


@click.command("document")
@with_settings
@with_json
@click.argument("campaign_id", metavar="ID")
@click.option("--set", "source", type=click.File("r", encoding="utf-8"), help="JSON file to write instead, or -.")
def command(settings: Settings, *, campaign_id: str, source: TextIO | None, as_json: bool) -> None:
    """Print the words of a campaign, or write others in their place."""
    with opened(settings), store.transaction() as session:
        business = organisation.only_one(session)
        found = campaigns.identified(session, business, campaign_id)
        if source is not None:
            campaigns.write(session, found, draft_of(source), base=found.version)
            audit_log.record(session, business.id, "command", "campaign.written", found.public_id)
        newest = campaigns.newest(session, found)
        words = newest.draft.document.model_dump(mode="json")
        answer = {"id": campaign_id, "version": newest.number, "sha256": newest.sha256, "document": words}
    emit(answer, as_json=as_json, lines=[json.dumps(words, ensure_ascii=False, indent=2)])


def draft_of(source: TextIO) -> Draft:
    """Return the words that a JSON file holds. Raises Invalid when it is none, naming the place."""
    try:
        value = json.load(source)
    except (ValueError, RecursionError):
        raise Invalid("not_json", f"{source.name} is not JSON in UTF-8. Nothing was stored.") from None
    return Draft.of_document(document.document_of(value))

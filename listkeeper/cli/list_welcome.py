"""``listkeeper list welcome``: show, write and switch the letter that follows a yes."""

from __future__ import annotations

from typing import Any, TextIO

import click
from sqlalchemy.orm import Session

from listkeeper import store
from listkeeper.accounts import audit_log, organisation
from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import mailing_list
from listkeeper.audience.mailing_list import MailingList
from listkeeper.campaigns import campaign as campaigns
from listkeeper.campaigns import welcome
from listkeeper.campaigns.revision import Draft
from listkeeper.campaigns.welcome import WelcomeLetter
from listkeeper.cli.campaign import text_of
from listkeeper.cli.context import emit, opened, with_json, with_settings
from listkeeper.foundation.errors import Invalid
from listkeeper.settings import Settings


@click.command("welcome")
@with_settings
@with_json
@click.argument("slug", metavar="LIST")
@click.option("--language", "spoken", metavar="CODE", help="Of which form: da, nb, sv … The business's when not given.")
@click.option(
    "--set", "source", type=click.File("r", encoding="utf-8"), help="Markdown file, or -, to say from now on."
)
@click.option("--subject", help="Subject line; merge tags are allowed.")
@click.option("--preheader", help="The line shown after the subject in the inbox.")
@click.option("--on/--off", "on", default=None, help="Let the newest words follow each yes, or nothing but a receipt.")
def command(  # noqa: PLR0913 - one option each
    settings: Settings,
    *,
    slug: str,
    spoken: str | None,
    source: TextIO | None,
    subject: str | None,
    preheader: str | None,
    on: bool | None,
    as_json: bool,
) -> None:
    """Show a list's welcome letters, write one, switch it on or off."""
    if (subject is not None or preheader is not None) and source is None:
        raise Invalid("no_words", "Give the letter with --set as well. Nothing was changed.")
    markdown = text_of(source) if source is not None else None
    with opened(settings), store.transaction() as session:
        business = organisation.only_one(session)
        found = mailing_list.named(session, business, slug)
        if markdown is not None or on is not None:
            letter = welcome.begin(session, business, found, spoken or business.language)
            if markdown is not None:
                _write(session, letter, markdown, subject, preheader)
            _switch(session, business, letter, site=settings.site, on=on)
            audit_log.record(session, business.id, "command", "welcome.changed", found.public_id)
        rows = [_told(session, found, code) for code in welcome.languages(session, found)]
    lines = [_line(row) for row in rows]
    emit({"letters": rows}, as_json=as_json, lines=lines or ["This list has no form, so nobody can say yes."])


def _write(session: Session, letter: WelcomeLetter, markdown: str, subject: str | None, preheader: str | None) -> None:
    before = campaigns.newest(session, letter.campaign).draft
    words = Draft(subject or before.subject, before.preheader if preheader is None else preheader, markdown)
    campaigns.write(session, letter.campaign, words, base=letter.campaign.version)


def _switch(session: Session, business: Organisation, letter: WelcomeLetter, *, site: str, on: bool | None) -> None:
    if on:
        welcome.switch_on(session, business, letter, site=site)
    elif on is False:
        welcome.switch_off(letter)


def _told(session: Session, found: MailingList, spoken: str) -> dict[str, Any]:
    letter = welcome.of(session, found.id, spoken)
    if letter is None:
        return {"language": spoken, "state": "not written", "id": None, "subject": None, "newer_words_wait": False}
    return {
        "language": spoken,
        "state": "on" if letter.is_on else "off",
        "id": letter.campaign.public_id,
        "subject": (letter.chosen or campaigns.newest(session, letter.campaign)).subject,
        "newer_words_wait": welcome.waits(session, letter),
    }


def _line(row: dict[str, Any]) -> str:
    words = f"  {row['language']}  {row['state']}" + (f"  “{row['subject']}”  {row['id']}" if row["id"] else "")
    return words + ("  (newer words wait: switch on again to let them go)" if row["newer_words_wait"] else "")

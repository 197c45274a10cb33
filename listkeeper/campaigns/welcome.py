"""The welcome letter of a list, in one language: it follows a yes, to that person alone, and keeps the form's promise.

It is written like any letter, as a campaign of its own kind that is never sent
to all at once. What goes out is one revision, chosen by switching it on:
whatever is written after that waits until it is chosen too, so that no half a
sentence reaches anybody. None is chosen until the owner says so.
"""

from __future__ import annotations

import tomllib
from datetime import datetime
from functools import cache
from pathlib import Path

from sqlalchemy import ForeignKey, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import signup_form
from listkeeper.audience.mailing_list import MailingList
from listkeeper.campaigns import campaign as campaigns
from listkeeper.campaigns import link, preflight
from listkeeper.campaigns import revision as revisions
from listkeeper.campaigns.campaign import Campaign, CampaignKind
from listkeeper.campaigns.revision import Draft, Revision
from listkeeper.deliverability.finding import Severity
from listkeeper.foundation import clock, columns, language
from listkeeper.foundation.columns import UtcDateTime
from listkeeper.foundation.errors import Conflict, Invalid
from listkeeper.foundation.table import Table

_STARTERS = Path(__file__).with_name("starter_welcomes.toml")


class WelcomeLetter(Table):
    """One list, one language, its letter, and which revision of it goes out; none while it is switched off."""

    __tablename__ = "welcome_letter"

    id: Mapped[int] = columns.row_id()
    list_id: Mapped[int] = mapped_column(ForeignKey("mailing_list.id"))
    language: Mapped[str] = mapped_column(String(8))
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id"), unique=True)
    revision_id: Mapped[int | None] = mapped_column(ForeignKey("revision.id"))
    switched_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = columns.created_at()

    campaign: Mapped[Campaign] = relationship()
    chosen: Mapped[Revision | None] = relationship()

    __table_args__ = (UniqueConstraint("list_id", "language"),)

    @property
    def is_on(self) -> bool:
        """Whether whoever says yes now gets it."""
        return self.revision_id is not None


def languages(session: Session, mailing_list: MailingList) -> list[str]:
    """Return the languages people can say yes in, by the forms of the list; each can have a letter of its own."""
    return list(dict.fromkeys(form.language for form in signup_form.all_of(session, mailing_list)))


def of(session: Session, list_id: int, spoken: str) -> WelcomeLetter | None:
    """Return the letter of a list in a language, if one has been begun."""
    query = select(WelcomeLetter).where(WelcomeLetter.list_id == list_id, WelcomeLetter.language == spoken)
    return session.scalars(query).first()


def of_campaign(session: Session, campaign: Campaign) -> WelcomeLetter | None:
    """Return what a letter is the welcome of, if it is one."""
    return session.scalars(select(WelcomeLetter).where(WelcomeLetter.campaign_id == campaign.id)).first()


@cache
def _starters() -> dict[str, dict[str, str]]:
    return tomllib.loads(_STARTERS.read_text(encoding="utf-8"))


def starter(organisation: Organisation, mailing_list: MailingList, spoken: str) -> Draft:
    """Return what a letter says to begin with."""
    names = {"business": organisation.from_name, "list": mailing_list.name}
    words = {place: text.format(**names) for place, text in _starters()[language.known(spoken)].items()}
    return Draft(words["subject"], words["preheader"], words["markdown"].strip() + "\n")


def begin(
    session: Session, organisation: Organisation, mailing_list: MailingList, spoken: str, draft: Draft | None = None
) -> WelcomeLetter:
    """Return the letter of a list in a language; the first time it is made, from the starter words if none are given.

    Raises Invalid for a language that no form of the list speaks: nobody could get it.
    """
    known = of(session, mailing_list.id, spoken)
    if known is not None:
        return known
    if spoken not in languages(session, mailing_list):
        sentence = language.text("No form of this list speaks that language, so nobody would get the letter.")
        raise Invalid("no_form_in_language", sentence)
    words = draft or starter(organisation, mailing_list, spoken)
    written = campaigns.create(
        session, organisation, mailing_list, words, demo=mailing_list.demo, kind=CampaignKind.WELCOME, spoken=spoken
    )
    made = WelcomeLetter(list_id=mailing_list.id, language=spoken, campaign_id=written.id)
    made.campaign = written
    session.add(made)
    session.flush()
    return made


def switch_on(
    session: Session, organisation: Organisation, found: WelcomeLetter, *, site: str, sha256: str | None = None
) -> Revision:
    """Let the newest words go to whoever says yes from now on.

    Raises Invalid when something in them blocks sending, Conflict when ``sha256`` is not what they are.
    """
    # The row lock lets somebody who saves at this very moment be seen.
    session.refresh(found.campaign, with_for_update=True)
    newest = campaigns.newest(session, found.campaign)
    if sha256 is not None and sha256 != newest.sha256:
        sentence = language.text("The letter has changed since you looked at it. Look again, then switch it on.")
        raise Conflict("changed_since_preview", sentence)
    seen = preflight.inspect_draft(
        newest.draft, organisation, found.campaign.mailing_list, site=site, spoken=found.language
    )
    for finding in seen.findings:
        if finding.severity is Severity.BLOCK:
            raise Invalid("not_ready", finding.message)
    _compiled(session, organisation, found, newest, site)
    found.revision_id, found.chosen, found.switched_at = newest.id, newest, clock.now()
    return newest


def switch_off(found: WelcomeLetter) -> None:
    """Let nobody get it from now on; what waits to leave still leaves."""
    if found.is_on:
        found.revision_id, found.chosen, found.switched_at = None, None, clock.now()


def waits(session: Session, found: WelcomeLetter) -> bool:
    """Return whether newer words wait to be chosen while older ones go out."""
    return found.is_on and campaigns.newest(session, found.campaign).id != found.revision_id


def live(session: Session, organisation: Organisation, list_id: int, spoken: str, *, site: str) -> Revision | None:
    """Return the revision that follows a yes said in this language, ready to be filled; None for no letter."""
    found = of(session, list_id, spoken)
    if found is None or found.chosen is None:
        return None
    _compiled(session, organisation, found, found.chosen, site)
    return found.chosen


def _compiled(session: Session, organisation: Organisation, found: WelcomeLetter, chosen: Revision, site: str) -> None:
    """Keep the compiled form on the revision; it is made again when the sender's own data have changed since."""
    made = revisions.compile_now(session, chosen, organisation, found.campaign.mailing_list, site, found.language)
    link.keep(session, chosen.id, made.links)

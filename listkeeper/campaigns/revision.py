"""Revisions: every saved state of a letter, and its compiled form.

The compiled form is made once from a revision and the sender's data, kept
with the revision, and used by preview, test and send: what was seen goes.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Integer, String, Text, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import profile_question
from listkeeper.audience.mailing_list import MailingList
from listkeeper.foundation import columns, language
from listkeeper.foundation.errors import Conflict, Invalid
from listkeeper.foundation.table import Table
from listkeeper.rendering import compiled as compiled_letter
from listkeeper.rendering.compiled import CompiledLetter
from listkeeper.rendering.content import Letter, Sender


@dataclass(frozen=True)
class Draft:
    """The words of a letter."""

    subject: str
    preheader: str
    markdown: str

    @property
    def sha256(self) -> str:
        """The name of exactly these words."""
        return hashlib.sha256(json.dumps([self.subject, self.preheader, self.markdown]).encode()).hexdigest()


class Revision(Table):
    """One saved state; its words never change."""

    __tablename__ = "revision"

    id: Mapped[int] = columns.row_id()
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id"))
    number: Mapped[int] = mapped_column(Integer)
    subject: Mapped[str] = mapped_column(Text)
    preheader: Mapped[str] = mapped_column(Text)
    markdown: Mapped[str] = mapped_column(Text)
    sha256: Mapped[str] = mapped_column(String(64))
    # Made from the words and the sender's data when it is first needed, and again when the sender's data change.
    compiled: Mapped[dict[str, Any] | None] = mapped_column(columns.Json)
    compiled_for: Mapped[str | None] = mapped_column(String(64))
    created_at: Mapped[datetime] = columns.created_at()

    __table_args__ = (UniqueConstraint("campaign_id", "number"),)

    @property
    def draft(self) -> Draft:
        """The words, as a value."""
        return Draft(self.subject, self.preheader, self.markdown)


def add(session: Session, campaign_id: int, number: int, draft: Draft) -> Revision:
    """Store the next revision of a campaign. Raises Invalid for words that no database takes."""
    if "\x00" in f"{draft.subject}{draft.preheader}{draft.markdown}":
        raise Invalid(
            "letter_unreadable",
            language.text("The letter holds characters that cannot be shown. Paste it as plain text."),
        )
    made = Revision(
        campaign_id=campaign_id,
        number=number,
        subject=" ".join(draft.subject.split()),
        preheader=" ".join(draft.preheader.split()),
        markdown=draft.markdown.replace("\r\n", "\n"),
        sha256="",
    )
    made.sha256 = made.draft.sha256
    session.add(made)
    session.flush()
    return made


def numbered(session: Session, campaign_id: int, number: int) -> Revision:
    """Return one revision of a campaign."""
    query = select(Revision).where(Revision.campaign_id == campaign_id, Revision.number == number)
    return session.scalars(query).one()


def same(known: Revision, draft: Draft) -> bool:
    """Return whether a revision holds these very words."""
    tidy = Draft(
        " ".join(draft.subject.split()), " ".join(draft.preheader.split()), draft.markdown.replace("\r\n", "\n")
    )
    return known.sha256 == tidy.sha256


def sender_of(organisation: Organisation, site: str) -> Sender:
    """Return who signs the letters of an organisation; ``site`` is this instance's address."""
    return Sender(
        name=organisation.from_name,
        address=organisation.from_address,
        reply_to=None,
        legal_name=organisation.legal_name,
        postal_address=organisation.postal_address,
        brand_colour=organisation.brand_colour,
        logo_url=f"{site}/media/{organisation.logo}" if organisation.logo else None,
        language=organisation.language,
    )


def letter_of(
    revision: Revision, organisation: Organisation, mailing_list: MailingList, site: str, spoken: str | None = None
) -> Letter:
    """Return a revision as the renderer wants it; ``spoken`` is the language of its frame, if not the business's."""
    del mailing_list
    return Letter(
        subject=revision.subject,
        preheader=revision.preheader,
        markdown=revision.markdown,
        language=spoken or organisation.language,
        sender=sender_of(organisation, site),
    )


def compile_now(  # noqa: PLR0913, PLR0917 - which words, whose, from where, in which language
    session: Session,
    revision: Revision,
    organisation: Organisation,
    mailing_list: MailingList,
    site: str,
    spoken: str | None = None,
) -> CompiledLetter:
    """Compile and keep the result on the row; the same words and sender return the kept one.

    Raises Invalid when the letter cannot be rendered, naming the place.
    """
    letter = letter_of(revision, organisation, mailing_list, site, spoken)
    answers = profile_question.keys_on(session, mailing_list.id)
    wanted = compiled_letter.name_of(letter, answers)
    if revision.compiled is not None and revision.compiled_for == wanted:
        return CompiledLetter.from_json(revision.compiled)
    made = compiled_letter.compile_letter(letter, answers)
    revision.compiled = made.to_json()
    revision.compiled_for = wanted
    session.flush()
    return made


def frozen(revision: Revision) -> CompiledLetter:
    """Return the compiled form a started campaign was bound to."""
    if revision.compiled is None:
        raise Conflict("not_compiled", "This revision was never made ready to send.")
    return CompiledLetter.from_json(revision.compiled)

"""Revisions: every saved state of a letter, and its compiled form.

The compiled form is made once from a revision and the sender's data, kept
with the revision, and used by preview, test and send: what was seen goes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, Integer, String, Text, UniqueConstraint, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import profile_question
from listkeeper.audience.mailing_list import MailingList
from listkeeper.foundation import columns, language
from listkeeper.foundation.errors import Conflict, Invalid
from listkeeper.foundation.table import Table
from listkeeper.rendering import compiled as compiled_letter
from listkeeper.rendering import document
from listkeeper.rendering.compiled import CompiledLetter
from listkeeper.rendering.content import Letter, Sender
from listkeeper.rendering.document import PLAIN, Blocks, Document, Mode, Theme

KEPT = 50


@dataclass(frozen=True)
class Draft:
    """The words of a letter, in one of three ways; only the field of its mode counts."""

    subject: str
    preheader: str
    markdown: str = ""
    mode: Mode = Mode.MARKDOWN
    html: str = ""
    blocks: Blocks = ()
    theme: Theme = PLAIN

    @classmethod
    def of_document(cls, given: Document) -> Draft:
        """Return the words of a document."""
        return cls(
            given.subject, given.preheader, given.markdown, given.mode, given.html, given.blocks, given.theme
        ).tidied()  # fmt: skip

    @property
    def document(self) -> Document:
        """The same as the value that programs read and write."""
        return Document(
            subject=self.subject,
            preheader=self.preheader,
            mode=self.mode,
            theme=self.theme,
            blocks=self.blocks,
            markdown=self.markdown,
            html=self.html,
        )

    @property
    def sha256(self) -> str:
        """The name of exactly these words."""
        words: list[Any] = [self.subject, self.preheader, self.markdown]
        if self.mode is not Mode.MARKDOWN or self.theme != Theme():
            words += [self.mode, self._beside_markdown()]
        return hashlib.sha256(json.dumps(words).encode()).hexdigest()

    def tidied(self) -> Draft:
        """Return the words as a revision keeps them: one line for a subject, one kind of line end, one mode."""
        return Draft(
            " ".join(self.subject.split()),
            " ".join(self.preheader.split()),
            self.markdown.replace("\r\n", "\n") if self.mode is Mode.MARKDOWN else "",
            self.mode,
            self.html.replace("\r\n", "\n") if self.mode is Mode.HTML else "",
            self.blocks if self.mode is Mode.BLOCKS else (),
            self.theme,
        )

    def _beside_markdown(self) -> dict[str, Any]:
        blocks = [block.model_dump(mode="json") for block in self.blocks]
        return {"html": self.html, "blocks": blocks, "theme": self.theme.model_dump(mode="json")}

    def stored(self) -> dict[str, Any] | None:
        """Return what is kept beside the Markdown; None for a letter that is Markdown and nothing else."""
        return None if self.mode is Mode.MARKDOWN and self.theme == Theme() else self._beside_markdown()


class Revision(Table):
    """One saved state; its words never change."""

    __tablename__ = "revision"

    id: Mapped[int] = columns.row_id()
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id"))
    number: Mapped[int] = mapped_column(Integer)
    subject: Mapped[str] = mapped_column(Text)
    preheader: Mapped[str] = mapped_column(Text)
    markdown: Mapped[str] = mapped_column(Text)
    mode: Mapped[Mode] = columns.enum(Mode, default=Mode.MARKDOWN, server_default="markdown")
    # Blocks, own HTML and theme; empty for a letter that is Markdown and nothing else.
    document: Mapped[dict[str, Any] | None] = mapped_column(columns.Json)
    sha256: Mapped[str] = mapped_column(String(64))
    # The change that made it, by the name its maker gave it, so that asking again makes nothing twice.
    change_name: Mapped[str | None] = mapped_column(String(64))
    change_digest: Mapped[str | None] = mapped_column(String(64))
    # Made from the words and the sender's data when it is first needed, and again when the sender's data change.
    compiled: Mapped[dict[str, Any] | None] = mapped_column(columns.Json)
    compiled_for: Mapped[str | None] = mapped_column(String(64))
    created_at: Mapped[datetime] = columns.created_at()

    __table_args__ = (
        UniqueConstraint("campaign_id", "number"),
        Index("ix_revision_change_name", "campaign_id", "change_name", unique=True),
    )

    @property
    def draft(self) -> Draft:
        """The words, as a value."""
        kept = self.document or {}
        return Draft(
            self.subject,
            self.preheader,
            self.markdown,
            self.mode,
            kept.get("html", ""),
            document.blocks_of(kept.get("blocks", [])),
            Theme.model_validate(kept.get("theme", {})),
        )


def add(session: Session, campaign_id: int, number: int, draft: Draft, change: ChangeName | None = None) -> Revision:
    """Store the next revision of a campaign. Raises Invalid for words that no database takes."""
    words = draft.tidied()
    stored = words.stored()
    if "\x00" in f"{words.subject}{words.preheader}{words.markdown}{words.html}" or "\\u0000" in json.dumps(stored):
        raise Invalid(
            "letter_unreadable",
            language.text("The letter holds characters that cannot be shown. Paste it as plain text."),
        )
    made = Revision(
        campaign_id=campaign_id,
        number=number,
        subject=words.subject,
        preheader=words.preheader,
        markdown=words.markdown,
        mode=words.mode,
        document=stored,
        sha256=words.sha256,
        change_name=change.name if change else None,
        change_digest=change.digest if change else None,
    )
    session.add(made)
    session.flush()
    return made


@dataclass(frozen=True)
class ChangeName:
    """The name of one change, as its maker gave it, and what it asked for; both as digests."""

    name: str
    digest: str

    @classmethod
    def of(cls, given: str, asked: str) -> ChangeName:
        """Return the name of a change by its ``Idempotency-Key`` and its body."""
        return cls(hashlib.sha256(given.encode()).hexdigest(), hashlib.sha256(asked.encode()).hexdigest())


def made_by(session: Session, campaign_id: int, change: ChangeName) -> Revision | None:
    """Return what a change made when it was asked for before. Raises Invalid when its name was another change's."""
    query = select(Revision).where(Revision.campaign_id == campaign_id, Revision.change_name == change.name)
    found = session.scalars(query).first()
    if found is not None and found.change_digest != change.digest:
        raise Invalid(
            "idempotency_key_reused",
            language.text("This Idempotency-Key was used for another request. Nothing was changed; make a new one."),
        )
    return found


def newest_first(session: Session, campaign_id: int) -> list[Revision]:
    """Return the revisions that are kept of a letter; the other version of a trial is none of them."""
    query = select(Revision).where(Revision.campaign_id == campaign_id, Revision.number > 0)
    query = query.order_by(Revision.number.desc())
    return list(session.scalars(query))


def forget_old(session: Session, campaign_id: int, newest: int, keep: Collection[int] = ()) -> None:
    """Delete revisions before the last 50. Stay those that ever left: they are compiled, and mails point to them."""
    old = delete(Revision).where(
        Revision.campaign_id == campaign_id,
        Revision.number <= newest - KEPT,
        Revision.compiled_for.is_(None),
        Revision.id.not_in(keep),
    )
    session.execute(old.execution_options(synchronize_session=False))


def beside(session: Session, campaign_id: int, draft: Draft) -> Revision:
    """Store words that are another version of a letter, for a trial: their number is below 0, and never the newest.

    The same words are stored once. Raises Invalid for words that no database takes.
    """
    known = select(Revision).where(Revision.campaign_id == campaign_id, Revision.number < 0)
    others = list(session.scalars(known))
    found = next((each for each in others if same(each, draft)), None)
    return found or add(session, campaign_id, min([0, *(each.number for each in others)]) - 1, draft)


def numbered(session: Session, campaign_id: int, number: int) -> Revision:
    """Return one revision of a campaign."""
    query = select(Revision).where(Revision.campaign_id == campaign_id, Revision.number == number)
    return session.scalars(query).one()


def same(known: Revision, draft: Draft) -> bool:
    """Return whether a revision holds these very words."""
    return known.sha256 == draft.tidied().sha256


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
        font=organisation.letter_font,
        site=site,
    )


def letter_of(
    revision: Revision, organisation: Organisation, mailing_list: MailingList, site: str, spoken: str | None = None
) -> Letter:
    """Return a revision as the renderer wants it; ``spoken`` is the language of its frame, if not the business's."""
    del mailing_list
    return as_letter(revision.draft, organisation, site, spoken)


def as_letter(draft: Draft, organisation: Organisation, site: str, spoken: str | None = None) -> Letter:
    """Return words that need not be saved as the renderer wants them, tidied as a revision would be."""
    words = draft.tidied()
    return Letter(
        subject=words.subject,
        preheader=words.preheader,
        markdown=words.markdown,
        language=spoken or organisation.language,
        sender=sender_of(organisation, site),
        mode=words.mode,
        html=words.html,
        blocks=words.blocks,
        theme=words.theme,
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

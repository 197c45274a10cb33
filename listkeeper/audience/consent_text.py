"""Consent texts: immutable, versioned rows, named by their content."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ForeignKey, Integer, String, Text, UniqueConstraint, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from listkeeper.accounts.organisation import Organisation
from listkeeper.audience.mailing_list import MailingList
from listkeeper.audience.starter_text import STARTERS
from listkeeper.foundation import columns, language
from listkeeper.foundation.errors import Invalid
from listkeeper.foundation.table import Table


class ConsentText(Table):
    """What a person agrees to, word for word, in one language; never changed, never deleted."""

    __tablename__ = "consent_text"

    id: Mapped[int] = columns.row_id()
    list_id: Mapped[int] = mapped_column(ForeignKey("mailing_list.id"))
    language: Mapped[str] = mapped_column(String(8))
    version: Mapped[int] = mapped_column(Integer)
    body: Mapped[str] = mapped_column(Text)
    button_label: Mapped[str] = mapped_column(String(120))
    withdrawal: Mapped[str] = mapped_column(Text)
    controller: Mapped[str] = mapped_column(Text)
    sha256: Mapped[str] = mapped_column(String(64))
    published_at: Mapped[datetime] = columns.created_at()

    __table_args__ = (UniqueConstraint("list_id", "language", "version"),)

    @property
    def whole(self) -> str:
        """The sentences above the button, as one text."""
        return f"{self.body} {self.withdrawal}"


@dataclass(frozen=True)
class Wording:
    """The sentences of a text before it is published."""

    body: str
    button_label: str
    withdrawal: str


def starter(organisation: Organisation, mailing_list: MailingList, spoken: str) -> Wording:
    """Return the starter wording of a language with the organisation's name in it."""
    words = STARTERS[language.known(spoken)]
    places = {"controller": organisation.legal_name, "list": mailing_list.name}
    return Wording(words.body.format(**places), words.button_label.format(**places), words.withdrawal)


def publish(
    session: Session, organisation: Organisation, mailing_list: MailingList, spoken: str, wording: Wording
) -> ConsentText:
    """Store a wording as the next version; the same words again return the version that holds them.

    Raises Invalid when the controller or the withdrawal sentence is missing.
    """
    _lint(organisation, wording)
    controller = f"{organisation.legal_name}\n{organisation.postal_address}\n{organisation.from_address}"
    digest = _digest(spoken, wording, controller)
    known = select(ConsentText).where(ConsentText.list_id == mailing_list.id, ConsentText.language == spoken)
    same = session.scalars(known.where(ConsentText.sha256 == digest)).first()
    if same is not None:
        return same
    newest = session.scalar(
        select(func.max(ConsentText.version)).where(
            ConsentText.list_id == mailing_list.id, ConsentText.language == spoken
        )
    )
    made = ConsentText(
        list_id=mailing_list.id,
        language=spoken,
        version=(newest or 0) + 1,
        body=wording.body,
        button_label=wording.button_label,
        withdrawal=wording.withdrawal,
        controller=controller,
        sha256=digest,
    )
    session.add(made)
    session.flush()
    return made


def _lint(organisation: Organisation, wording: Wording) -> None:
    if not all((wording.body.strip(), wording.button_label.strip(), wording.withdrawal.strip())):
        raise Invalid(
            "text_incomplete",
            language.text("A consent text needs its sentence, its button and the sentence on how to stop."),
        )
    if organisation.legal_name not in wording.body:
        raise Invalid(
            "text_without_controller",
            language.text(
                "The consent sentence must name %(name)s, so that people know who writes.", name=organisation.legal_name
            ),
        )


def _digest(spoken: str, wording: Wording, controller: str) -> str:
    parts = [spoken, wording.body, wording.button_label, wording.withdrawal, controller]
    return hashlib.sha256(json.dumps(parts, ensure_ascii=False).encode()).hexdigest()

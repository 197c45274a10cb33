"""Consent texts: immutable, versioned rows, named by their content."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, ForeignKey, Integer, String, Text, UniqueConstraint, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import jurisdiction, text_lint
from listkeeper.audience.mailing_list import MailingList
from listkeeper.audience.proof import ledger
from listkeeper.audience.proof.ledger import Event, EventType
from listkeeper.audience.starter_text import AGE, PERSONAL_DATA, STARTERS
from listkeeper.deliverability.finding import Finding, refuse_blocking
from listkeeper.foundation import clock, columns, language
from listkeeper.foundation.table import Table
from listkeeper.standards import canonical_json


class TextKind(StrEnum):
    """What a text asks for; where the law wants two consents, each has a text and a box of its own."""

    NEWSLETTER = "newsletter"
    PERSONAL_DATA = "personal_data"
    # Whether it may be seen what somebody does with letters (``tracking``); never on a form.
    TRACKING = "tracking"
    # Whether it may be counted without her name; never on a form either.
    COUNTING = "counting"
    # That a yes still holds: the words of the list, under a button of its own (``renewal``); never on a form.
    RENEWAL = "renewal"


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
    kind: Mapped[TextKind] = columns.enum(TextKind, default=TextKind.NEWSLETTER, server_default="newsletter")
    purpose: Mapped[str] = mapped_column(String(64), default="newsletter", server_default="newsletter")
    age_statement: Mapped[str] = mapped_column(Text, default="", server_default="")
    published_at: Mapped[datetime] = columns.created_at()
    # Where the ledger says that it was published; empty while only the demo's people have seen it.
    ledger_seq: Mapped[int | None] = mapped_column(BigInteger)

    __table_args__ = (UniqueConstraint("list_id", "language", "version"),)

    @property
    def whole(self) -> str:
        """The sentences above the button, as one text."""
        return " ".join(part for part in (self.body, self.withdrawal, self.age_statement) if part)


@dataclass(frozen=True)
class Wording:
    """The sentences of a text before it is published."""

    body: str
    button_label: str
    withdrawal: str
    age_statement: str = ""
    kind: TextKind = TextKind.NEWSLETTER


def starter(organisation: Organisation, mailing_list: MailingList, spoken: str) -> Wording:
    """Return the starter wording of a language with the organisation's name in it."""
    words = STARTERS[language.known(spoken)]
    places = {"controller": organisation.legal_name, "list": mailing_list.name}
    age = age_statement(spoken, mailing_list.least_age)
    return Wording(words.body.format(**places), words.button_label.format(**places), words.withdrawal, age)


def age_statement(spoken: str, least_age: int) -> str:
    """Return the starter sentence on age; empty when nobody is asked."""
    return AGE[language.known(spoken)].format(age=least_age) if least_age else ""


def second_starter(organisation: Organisation, mailing_list: MailingList, spoken: str) -> Wording:
    """Return the starter wording of the separate consent to use personal data."""
    words, places = STARTERS[language.known(spoken)], {"controller": organisation.legal_name, "list": mailing_list.name}
    body, withdrawal = PERSONAL_DATA[language.known(spoken)]
    return Wording(body.format(**places), words.button_label, withdrawal, kind=TextKind.PERSONAL_DATA)


def needs_second(mailing_list: MailingList) -> bool:
    """Return whether the rules of a list ask for a separate consent to use personal data."""
    profile = jurisdiction.profile(mailing_list.jurisdiction, clock.now().date())
    return TextKind.PERSONAL_DATA.value in profile.separate_consents


def findings(
    organisation: Organisation,
    mailing_list: MailingList,
    spoken: str,
    wording: Wording,
    *,
    least_age: int | None = None,
) -> list[Finding]:
    """Return what is wrong with a wording under the rules of its list; what blocks is not published.

    ``least_age`` is the one the list is about to have, if it is to change.
    """
    age = mailing_list.least_age if least_age is None else least_age
    return text_lint.check(
        wording,
        controller=organisation.legal_name,
        spoken=spoken,
        profile=jurisdiction.profile(mailing_list.jurisdiction, clock.now().date()),
        purposes=(mailing_list.purpose,),
        list_name=mailing_list.name,
        least_age=age if wording.kind is TextKind.NEWSLETTER else 0,
    )


def publish(
    session: Session, organisation: Organisation, mailing_list: MailingList, spoken: str, wording: Wording
) -> ConsentText:
    """Store a wording as the next version; the same words again return the version that holds them.

    Raises Invalid when the words lack what the law asks of them (``findings``).
    """
    refuse_blocking(findings(organisation, mailing_list, spoken, wording))
    return keep(session, made_of(organisation, mailing_list, spoken, wording, mailing_list.purpose), mailing_list)


def made_of(
    organisation: Organisation, mailing_list: MailingList, spoken: str, wording: Wording, purpose: str
) -> ConsentText:
    """Return a wording as a text with its name; it is neither stored nor published by that."""
    made = ConsentText(
        list_id=mailing_list.id,
        language=spoken,
        body=wording.body,
        button_label=wording.button_label,
        withdrawal=wording.withdrawal,
        age_statement=wording.age_statement,
        kind=wording.kind,
        purpose=purpose,
        controller=f"{organisation.legal_name}\n{organisation.postal_address}\n{organisation.from_address}",
    )
    made.sha256 = hashlib.sha256(content(made)).hexdigest()
    return made


def keep(session: Session, made: ConsentText, mailing_list: MailingList) -> ConsentText:
    """Store a text as the next version; the same words again return the version that holds them."""
    spoken = made.language
    newest = session.scalar(
        select(func.max(ConsentText.version)).where(
            ConsentText.list_id == mailing_list.id, ConsentText.language == spoken
        )
    )
    same = select(ConsentText).where(
        ConsentText.list_id == mailing_list.id, ConsentText.language == spoken, ConsentText.sha256 == made.sha256
    )
    known = session.scalars(same).first()
    if known is not None:
        return known
    made.version = (newest or 0) + 1
    if not mailing_list.demo:
        # Before the row is there: what is published is never changed, not even by us.
        made.ledger_seq = _write_down(session, made)
    session.add(made)
    session.flush()
    return made


def published(session: Session, organisation_id: int, sha256: str) -> ConsentText | None:
    """Return an organisation's published text by its name, whether or not a newer one has taken its place."""
    query = (
        select(ConsentText)
        .join(MailingList, MailingList.id == ConsentText.list_id)
        .where(MailingList.organisation_id == organisation_id, ConsentText.sha256 == sha256)
    )
    return session.scalars(query.order_by(ConsentText.id).limit(1)).first()


def all_of(session: Session, mailing_list: MailingList, spoken: str, kind: TextKind) -> list[ConsentText]:
    """Return every text of a list that was published in a language, the newest first."""
    query = select(ConsentText).where(
        ConsentText.list_id == mailing_list.id, ConsentText.language == spoken, ConsentText.kind == kind
    )
    return list(session.scalars(query.order_by(ConsentText.version.desc())))


def content(text: ConsentText) -> bytes:
    """Return the bytes whose SHA-256 names a text: canonical JSON of all that the person agreed to."""
    return canonical_json.dumps(
        {
            "kind": text.kind.value,
            "language": text.language,
            "purpose": text.purpose,
            "body": text.body,
            "button_label": text.button_label,
            "withdrawal": text.withdrawal,
            "age_statement": text.age_statement,
            "controller": text.controller,
        }
    )


def ensure_in_ledger(session: Session, text: ConsentText) -> None:
    """Write down that a text was published, before the first event cites it."""
    if text.ledger_seq is None:
        text.ledger_seq = _write_down(session, text)
        session.flush()


def _write_down(session: Session, text: ConsentText) -> int:
    mailing_list = session.get_one(MailingList, text.list_id)
    published = Event(
        EventType.TEXT_PUBLISHED,
        list=mailing_list.public_id,
        purpose=text.purpose,
        text_sha256=text.sha256,
        details={"language": text.language, "version": text.version},
    )
    return ledger.append(session, mailing_list.organisation_id, [published])[-1].seq

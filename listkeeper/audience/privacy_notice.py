"""Privacy notices: what a business says about the data it keeps; immutable, versioned rows, named by their content.

A form's version names the notice it pointed at, so a proof still shows what
this person could read that day (GDPR Art. 13). The check finds what was
forgotten; whether a notice is true, only its owner knows.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path

from sqlalchemy import BigInteger, ForeignKey, Integer, String, Text, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import retention_preset
from listkeeper.audience.proof import ledger
from listkeeper.audience.proof.ledger import Event, EventType
from listkeeper.deliverability.finding import Finding, Severity, refuse_blocking
from listkeeper.foundation import clock, columns, language
from listkeeper.foundation.table import Table
from listkeeper.standards import canonical_json

LONGEST = 20_000
_FOLDER = Path(__file__).resolve().parent
_PARTS = ("purpose", "retention", "rights", "withdrawal", "authority")


class PrivacyNotice(Table):
    """One version of the notice in one language; never changed, never deleted."""

    __tablename__ = "privacy_notice"

    id: Mapped[int] = columns.row_id()
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    language: Mapped[str] = mapped_column(String(8))
    version: Mapped[int] = mapped_column(Integer)
    body: Mapped[str] = mapped_column(Text)
    controller: Mapped[str] = mapped_column(Text)
    sha256: Mapped[str] = mapped_column(String(64))
    published_at: Mapped[datetime] = columns.created_at()
    ledger_seq: Mapped[int] = mapped_column(BigInteger)

    __table_args__ = (UniqueConstraint("organisation_id", "language", "version"),)

    @property
    def parts(self) -> list[Part]:
        """The notice as headings, each with the paragraphs below it."""
        return parts_of(self.body)


@dataclass(frozen=True)
class Part:
    """A heading, empty for none, and what stands below it."""

    heading: str
    paragraphs: tuple[str, ...]


def parts_of(body: str) -> list[Part]:
    """Return a notice's parts: a line that begins with ## is a heading, an empty line ends a paragraph."""
    found: list[Part] = []
    for block in re.split(r"\n\s*\n", body.strip()):
        first, _, rest = block.strip().partition("\n")
        heading = first.removeprefix("##").strip() if first.startswith("##") else ""
        text = rest.strip() if heading else block.strip()
        if heading or not found:
            found.append(Part(heading, (text,) if text else ()))
        else:
            found[-1] = Part(found[-1].heading, (*found[-1].paragraphs, text))
    return found


def starter(organisation: Organisation, spoken: str) -> str:
    """Return the starter notice of a language, built from what the organisation says of itself."""
    words = (_FOLDER / "starter_notices" / f"{language.known(spoken)}.md").read_text(encoding="utf-8")
    places = {
        "controller": organisation.legal_name,
        "address": organisation.postal_address,
        "contact": organisation.from_address,
        "months": str(retention_preset.named(organisation.retention_preset).months),
    }
    # Replaced one by one: a name with braces in it is a name.
    return re.sub(r"\{(\w+)\}", lambda place: places[place[1]], words).strip()


def check(organisation: Organisation, spoken: str, body: str) -> list[Finding]:
    """Return what a notice lacks; what blocks is not published."""
    said = " ".join(body.split())
    if not said:
        return [_block("notice_empty", language.text("The privacy notice is empty."))]
    if len(body) > LONGEST:
        return [_block("notice_too_long", language.text("Nobody reads a notice this long. Please shorten it."))]
    if spoken not in _words():
        sentence = language.text("listkeeper cannot read this language, so it cannot check the text.")
        return [_block("language_not_known", sentence)]
    found = []
    if organisation.legal_name.casefold() not in said.casefold():
        sentence = language.text(
            "The notice must name %(name)s, who answers for the data.", name=organisation.legal_name
        )
        found.append(_block("notice_without_controller", sentence))
    if not re.search(r"[^\s@]+@[^\s@]+\.\w+", said):
        found.append(_block("notice_without_contact", language.text("The notice must say at which address to ask.")))
    missing = [part for part in _PARTS if not _words()[spoken][part].search(said)]
    return [*found, *(_block(f"notice_without_{part}", _lacks(part)) for part in missing)]


def _lacks(part: str) -> str:
    return {
        "purpose": language.text("The notice must say what the data is used for."),
        "retention": language.text("The notice must say how long data is kept."),
        "rights": language.text("The notice must say which rights people have."),
        "withdrawal": language.text("The notice must say how people take back their yes."),
        "authority": language.text("The notice must say that people can complain to the authority."),
    }[part]


def _block(code: str, sentence: str) -> Finding:
    return Finding(code, Severity.BLOCK, "privacy notice", sentence)


@cache
def _words() -> dict[str, dict[str, re.Pattern[str]]]:
    stored = tomllib.loads((_FOLDER / "notice_words.toml").read_text(encoding="utf-8"))
    return {
        spoken: {part: re.compile("|".join(f"(?:{stem})" for stem in kinds[part]), re.IGNORECASE) for part in _PARTS}
        for spoken, kinds in stored.items()
    }


def publish(session: Session, organisation: Organisation, spoken: str, body: str) -> PrivacyNotice:
    """Store a notice as the next version of its language; the words of the newest again return that one.

    Raises Invalid when it lacks what the law asks of it.
    """
    refuse_blocking(check(organisation, spoken, body))
    before = newest(session, organisation.id, spoken)
    made = PrivacyNotice(
        organisation_id=organisation.id,
        language=spoken,
        version=before.version + 1 if before else 1,
        body="\n".join(line.rstrip() for line in body.strip().splitlines()),
        controller=f"{organisation.legal_name}\n{organisation.postal_address}\n{organisation.from_address}",
        published_at=clock.now(),
    )
    made.sha256 = hashlib.sha256(content(made)).hexdigest()
    if before is not None and before.sha256 == made.sha256:
        return before
    told = Event(
        EventType.NOTICE_PUBLISHED,
        text_sha256=made.sha256,
        details={"language": made.language, "version": made.version},
    )
    made.ledger_seq = ledger.append(session, organisation.id, [told])[-1].seq
    session.add(made)
    session.flush()
    return made


def content(notice: PrivacyNotice) -> bytes:
    """Return the bytes whose SHA-256 names a notice: canonical JSON of all that it said."""
    return canonical_json.dumps(
        {"kind": "privacy_notice", "language": notice.language, "body": notice.body, "controller": notice.controller}
    )


def newest(session: Session, organisation_id: int, spoken: str) -> PrivacyNotice | None:
    """Return the notice that holds today in a language."""
    query = select(PrivacyNotice).where(
        PrivacyNotice.organisation_id == organisation_id, PrivacyNotice.language == spoken
    )
    return session.scalars(query.order_by(PrivacyNotice.version.desc()).limit(1)).first()


def named(session: Session, organisation_id: int, sha256: str) -> PrivacyNotice | None:
    """Return a notice by its name, whether or not a newer one has taken its place."""
    query = select(PrivacyNotice).where(
        PrivacyNotice.organisation_id == organisation_id, PrivacyNotice.sha256 == sha256
    )
    return session.scalars(query.order_by(PrivacyNotice.id).limit(1)).first()


def all_of(session: Session, organisation_id: int) -> list[PrivacyNotice]:
    """Return every version in every language, the newest first."""
    query = select(PrivacyNotice).where(PrivacyNotice.organisation_id == organisation_id)
    return list(session.scalars(query.order_by(PrivacyNotice.language, PrivacyNotice.version.desc())))


def languages(session: Session, organisation_id: int) -> set[str]:
    """Return the languages that have a notice."""
    query = select(PrivacyNotice.language).where(PrivacyNotice.organisation_id == organisation_id)
    return set(session.scalars(query.group_by(PrivacyNotice.language)))

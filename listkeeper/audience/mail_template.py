"""The mails that ask for a yes, in every version that was ever sent: proof shows the words of its day."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, String, Text, UniqueConstraint, bindparam, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from listkeeper.audience.proof import ledger
from listkeeper.audience.proof.ledger import Event, EventType
from listkeeper.foundation import columns
from listkeeper.foundation.table import Table
from listkeeper.standards import canonical_json


class MailTemplate(Table):
    """The fixed words of one mail in one language; never changed, never deleted."""

    __tablename__ = "mail_template"

    id: Mapped[int] = columns.row_id()
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    kind: Mapped[str] = mapped_column(String(32))
    language: Mapped[str] = mapped_column(String(8))
    version: Mapped[int] = mapped_column()
    # Canonical JSON of subject, HTML and text, with {name} where a value stands; its SHA-256 is its name.
    content: Mapped[str] = mapped_column(Text)
    sha256: Mapped[str] = mapped_column(String(64))
    # "clean", or the codes of what the linter found doubtful in the first mail of this version.
    lint_result: Mapped[str] = mapped_column(Text)
    published_at: Mapped[datetime] = columns.created_at()
    ledger_seq: Mapped[int] = mapped_column(BigInteger)

    __table_args__ = (UniqueConstraint("organisation_id", "sha256"),)


def name_of(words: Mapping[str, str]) -> str:
    """Return the name of a version: the SHA-256 of its words."""
    return hashlib.sha256(canonical_json.dumps(dict(words))).hexdigest()


def ensure(session: Session, organisation_id: int, kind: str, words: Mapping[str, str], lint_result: str) -> str:
    """Return the name of the version that holds these words, written down in the ledger when it is new."""
    digest = name_of(words)
    about = {"of": organisation_id, "name": digest}
    if session.connection().scalar(_KNOWN, about) is None:
        _publish(session, organisation_id, kind, words, lint_result)
    return digest


_KNOWN = select(MailTemplate.id).where(
    MailTemplate.organisation_id == bindparam("of"), MailTemplate.sha256 == bindparam("name")
)


def _publish(session: Session, organisation_id: int, kind: str, words: Mapping[str, str], lint_result: str) -> None:
    content, digest, spoken = canonical_json.dumps(dict(words)), name_of(words), words["language"]
    newest = session.scalar(
        select(func.max(MailTemplate.version)).where(
            MailTemplate.organisation_id == organisation_id, MailTemplate.kind == kind, MailTemplate.language == spoken
        )
    )
    version = (newest or 0) + 1
    told = Event(
        EventType.TEMPLATE_PUBLISHED, mail_sha256=digest, details={"kind": kind, "language": spoken, "version": version}
    )
    made = MailTemplate(
        organisation_id=organisation_id,
        kind=kind,
        language=spoken,
        version=version,
        content=content.decode(),
        sha256=digest,
        lint_result=lint_result,
        ledger_seq=ledger.append(session, organisation_id, [told])[-1].seq,
    )
    session.add(made)
    session.flush()

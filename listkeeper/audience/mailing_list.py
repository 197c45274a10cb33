"""A mailing list: what people can say yes to."""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from listkeeper.accounts.organisation import Organisation
from listkeeper.foundation import columns, ids, language
from listkeeper.foundation.errors import Conflict, Invalid, NotFound
from listkeeper.foundation.table import Table

PURPOSE = "newsletter"
_SLUG_LIMIT = 60
_NAME_LIMIT = 200
# The 32 small letters of Russian in the order of Unicode; the hard and the soft sign have no sound.
_LATIN = "a b v g d e zh z i y k l m n o p r s t u f kh ts ch sh shch _ y _ e yu ya".replace("_", "")
_CYRILLIC = dict(zip(range(0x430, 0x450), _LATIN.split(" "), strict=True)) | {0x451: "e"}
_FOLDED = _CYRILLIC | str.maketrans({"æ": "ae", "ø": "o", "å": "a", "ß": "ss", "ł": "l", "đ": "d"})


class ListState(StrEnum):
    """Only an active list may be mailed; a deleted one stays as a tombstone for its proof."""

    ACTIVE = "active"
    ARCHIVED = "archived"
    TOMBSTONED = "tombstoned"


class MailingList(Table):
    """One list, with one purpose, that people subscribe to."""

    __tablename__ = "mailing_list"

    id: Mapped[int] = columns.row_id()
    public_id: Mapped[str] = columns.public_id("lst")
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    slug: Mapped[str] = mapped_column(String(80))
    name: Mapped[str] = mapped_column(String(200))
    purpose: Mapped[str] = mapped_column(String(64), default=PURPOSE)
    state: Mapped[ListState] = columns.enum(ListState, default=ListState.ACTIVE)
    demo: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = columns.created_at()

    __table_args__ = (UniqueConstraint("organisation_id", "slug"),)


def slug_of(name: str) -> str:
    """Return a short ASCII name for URLs and commands."""
    folded = unicodedata.normalize("NFKD", name.lower().translate(_FOLDED))
    plain = re.sub(r"[^a-z0-9]+", "-", folded.encode("ascii", "ignore").decode()).strip("-")
    return plain[:_SLUG_LIMIT].strip("-") or ids.new("list").replace("_", "-")


def create(session: Session, organisation: Organisation, *, name: str, demo: bool = False) -> MailingList:
    """Store a new list. Raises Invalid without a name, Conflict when the name is taken."""
    named = " ".join(name.split())
    if not named:
        raise Invalid("missing", language.text("Please give the list a name."))
    if len(named) > _NAME_LIMIT or any(unicodedata.category(char) == "Cc" for char in named):
        raise Invalid(
            "too_long",
            language.text("Please shorten %(what)s to one line.", what=language.text("the name of the list")),
        )
    slug = slug_of(named)
    if _find(session, organisation.id, slug) is not None:
        raise Conflict("list_exists", language.text("There is already a list called “%(name)s”.", name=named))
    made = MailingList(organisation_id=organisation.id, slug=slug, name=named, demo=demo)
    session.add(made)
    session.flush()
    return made


def _find(session: Session, organisation_id: int, slug: str) -> MailingList | None:
    query = select(MailingList).where(
        MailingList.organisation_id == organisation_id, (MailingList.slug == slug) | (MailingList.public_id == slug)
    )
    return session.scalars(query).first()


def named(session: Session, organisation: Organisation, slug: str) -> MailingList:
    """Return the list with a slug or public id. Raises NotFound."""
    found = _find(session, organisation.id, slug)
    if found is None or found.state is ListState.TOMBSTONED:
        raise NotFound("no_list", language.text("There is no list called “%(name)s”.", name=slug))
    return found


def all_of(session: Session, organisation: Organisation) -> list[MailingList]:
    """Return the organisation's lists, oldest first."""
    query = select(MailingList).where(
        MailingList.organisation_id == organisation.id, MailingList.state != ListState.TOMBSTONED
    )
    return list(session.scalars(query.order_by(MailingList.id)))

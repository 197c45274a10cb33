"""A mailing list: what people can say yes to."""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Integer, String, UniqueConstraint, false, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from listkeeper.accounts.organisation import Organisation
from listkeeper.audience.proof import ledger
from listkeeper.audience.proof.ledger import Event, EventType
from listkeeper.foundation import columns, ids, language, outbox
from listkeeper.foundation.errors import Conflict, Invalid, NotFound
from listkeeper.foundation.outbox import Lane
from listkeeper.foundation.table import Table

DELETED = "list.tombstoned"
PURPOSE = "newsletter"
# Of a list whose people hear of what is out of order alone: no letter goes there, and no notice elsewhere.
SERVICE = "service"
_SLUG_LIMIT = 60
_NAME_LIMIT = 200
# Older than anybody is asked to be.
_OLDEST = 99
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
    # Whose rules are asked; the strictest ones unless the owner chose a country.
    jurisdiction: Mapped[str] = mapped_column(String(16), default="strictest", server_default="strictest")
    # The youngest age people must have stated; 0: nobody is asked.
    least_age: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    # The list that took over its people: who leaves by an old letter of this one leaves that one.
    merged_into_id: Mapped[int | None] = mapped_column(columns.RowId)
    # Whether anybody may read what was sent to it (``campaigns.archive``); a closed list keeps its archive.
    archive_public: Mapped[bool] = mapped_column(default=False, server_default=false())
    # Below this balance of letters that gave and that asked its owner is asked once more (``insight.trust_account``).
    trust_floor: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    demo: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = columns.created_at()

    __table_args__ = (UniqueConstraint("organisation_id", "slug"),)

    @property
    def is_service(self) -> bool:
        """Whether its people get status notices, and no letters."""
        return self.purpose == SERVICE


def slug_of(name: str) -> str:
    """Return a short ASCII name for URLs and commands."""
    folded = unicodedata.normalize("NFKD", name.lower().translate(_FOLDED))
    plain = re.sub(r"[^a-z0-9]+", "-", folded.encode("ascii", "ignore").decode()).strip("-")
    return plain[:_SLUG_LIMIT].strip("-") or ids.new("list").replace("_", "-")


def create(
    session: Session, organisation: Organisation, *, name: str, purpose: str = PURPOSE, demo: bool = False
) -> MailingList:
    """Store a new list, for letters or (``SERVICE``) for status notices; that never changes.

    Raises Invalid without a name or for another purpose, Conflict when the name is taken.
    """
    if purpose not in {PURPOSE, SERVICE}:
        raise Invalid("purpose", language.text("A list is for letters or for status notices. Nothing was made."))
    named = _checked(name)
    slug = slug_of(named)
    if _find(session, organisation.id, slug) is not None:
        raise Conflict("list_exists", language.text("There is already a list called “%(name)s”.", name=named))
    made = MailingList(organisation_id=organisation.id, slug=slug, name=named, purpose=purpose, demo=demo)
    session.add(made)
    session.flush()
    return made


def _checked(name: str) -> str:
    named = " ".join(name.split())
    if not named:
        raise Invalid("missing", language.text("Please give the list a name."))
    if len(named) > _NAME_LIMIT or any(unicodedata.category(char) == "Cc" for char in named):
        raise Invalid(
            "too_long",
            language.text("Please shorten %(what)s to one line.", what=language.text("the name of the list")),
        )
    return named


def rename(session: Session, mailing_list: MailingList, name: str) -> None:
    """Give a list another name; its addresses stay, and so do the words that people agreed to.

    Raises Invalid without a name, Conflict when another list has it.
    """
    named = _checked(name)
    taken = select(MailingList.id).where(
        MailingList.organisation_id == mailing_list.organisation_id,
        MailingList.name == named,
        MailingList.id != mailing_list.id,
        MailingList.state != ListState.TOMBSTONED,
    )
    if session.scalar(taken.limit(1)) is not None:
        raise Conflict("list_exists", language.text("There is already a list called “%(name)s”.", name=named))
    mailing_list.name = named


def ask_age(mailing_list: MailingList, least_age: int) -> None:
    """Set the age that people of a list must have stated, 0 for none. Raises Invalid."""
    if not 0 <= least_age <= _OLDEST:
        raise Invalid("age", language.text("Please give an age in years, or leave it empty."))
    mailing_list.least_age = least_age


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


def every(session: Session, organisation: Organisation) -> list[MailingList]:
    """Return all lists the organisation ever had, the deleted ones too."""
    query = select(MailingList).where(MailingList.organisation_id == organisation.id)
    return list(session.scalars(query.order_by(MailingList.id)))


def archive(mailing_list: MailingList) -> None:
    """Close a list: nobody is mailed through it, everybody can still leave it."""
    if mailing_list.state is ListState.TOMBSTONED:
        raise Conflict("list_deleted", language.text("This list was deleted; what proves its consents is kept."))
    mailing_list.state = ListState.ARCHIVED


def reopen(mailing_list: MailingList) -> None:
    """Open an archived list again. A deleted one stays deleted."""
    if mailing_list.state is ListState.TOMBSTONED:
        raise Conflict("list_deleted", language.text("This list was deleted; what proves its consents is kept."))
    mailing_list.state = ListState.ACTIVE


def tombstone(session: Session, mailing_list: MailingList, *, actor: str) -> None:
    """Delete a list as far as a list can be deleted: it is mailed no more, and its proof and its leavers stay."""
    if mailing_list.state is ListState.TOMBSTONED:
        return
    mailing_list.state = ListState.TOMBSTONED
    told = Event(EventType.LIST_TOMBSTONED, list=mailing_list.public_id, purpose=mailing_list.purpose, actor=actor)
    ledger.append(session, mailing_list.organisation_id, [told])
    outbox.write(session, DELETED, mailing_list.id, Lane.URGENT)

"""Seed addresses: mailboxes of one's own at several providers, to which a test of a letter goes all at once."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String, UniqueConstraint, delete, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from listkeeper.accounts.organisation import Organisation
from listkeeper.foundation import columns, language, throttle
from listkeeper.foundation.errors import Conflict, Invalid, NotFound
from listkeeper.foundation.table import Table
from listkeeper.standards import address

MOST = 20
_LABEL_LIMIT = 80


class SeedAddress(Table):
    """One mailbox that gets every test to the seed list."""

    __tablename__ = "seed_address"

    id: Mapped[int] = columns.row_id()
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    address: Mapped[str] = mapped_column(String(320))
    # What its owner calls it, as "the Outlook of the shop".
    label: Mapped[str] = mapped_column(String(_LABEL_LIMIT), default="")
    created_at: Mapped[datetime] = columns.created_at()

    __table_args__ = (UniqueConstraint("organisation_id", "address"),)


def every(session: Session, organisation: Organisation) -> list[SeedAddress]:
    """Return the seed list, in the order in which it was written."""
    query = select(SeedAddress).where(SeedAddress.organisation_id == organisation.id).order_by(SeedAddress.id)
    return list(session.scalars(query))


def count(session: Session, organisation: Organisation) -> int:
    """Return how many addresses the seed list has."""
    query = select(func.count()).select_from(SeedAddress).where(SeedAddress.organisation_id == organisation.id)
    return session.scalar(query) or 0


def add(session: Session, organisation: Organisation, typed: str, label: str = "") -> SeedAddress:
    """Put an address on the seed list. Raises Invalid when it is none, Conflict when it is known or the list full."""
    parsed = address.parse(typed)
    name = " ".join(label.split())
    if len(name) > _LABEL_LIMIT or not name.isprintable():
        sentence = language.text("Please give it a name of one short line, or none. Nothing was changed.")
        raise Invalid("seed_label", sentence)
    # Two who add the last one at once must not come to one more.
    throttle.take_turns(session, "seeds", str(organisation.id))
    known = every(session, organisation)
    if any(address.parse(row.address).key == parsed.key for row in known):
        raise Conflict("seed_known", language.text("This address is on your seed list already."))
    if len(known) >= MOST:
        sentence = language.counted(
            "A seed list has up to %(number)s address. Remove one first; nothing was changed.",
            "A seed list has up to %(number)s addresses. Remove one first; nothing was changed.",
            MOST,
        )
        raise Conflict("seed_list_full", sentence)
    made = SeedAddress(organisation_id=organisation.id, address=parsed.send, label=name)
    session.add(made)
    session.flush()
    return made


def remove(session: Session, organisation: Organisation, number: int) -> None:
    """Take an address off the seed list. Raises NotFound."""
    found = session.get(SeedAddress, number)
    if found is None or found.organisation_id != organisation.id:
        raise NotFound("no_seed", language.text("This address is on the seed list no more. Nothing was changed."))
    session.delete(found)
    session.flush()


def forget(session: Session, organisation_id: int, email_key: str) -> None:
    """Let go of somebody who is erased: tests go to her no more either."""
    hers = (SeedAddress.organisation_id == organisation_id, func.lower(SeedAddress.address) == email_key)
    session.execute(delete(SeedAddress).where(*hers), execution_options={"synchronize_session": False})

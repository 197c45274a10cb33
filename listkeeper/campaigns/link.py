"""Stored links: where each link of a letter leads, written down before anybody gets it.

The address that a reader follows names a row of this table and holds no
address of its own, so nobody can make it lead elsewhere. A row is never
changed and outlives its letter: an old mail still leads where it said.

Beside what its owner wrote each letter has two rows of ours, which only counted
copies hold: the canary, a link that no human can see, and the picture that says
that a mail was opened.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine, ForeignKey, Integer, Text, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from listkeeper.foundation import columns
from listkeeper.foundation.table import Table

_SCHEMES = frozenset({"https", "http"})
_REMEMBERED = 10_000
# Where a canary leads: a page that says what it is.
CANARY_PAGE = "/unseen-link"


class LinkRole(StrEnum):
    """What a row is: a link that the owner wrote, the one that nobody can see, or the picture."""

    LINK = "link"
    CANARY = "canary"
    PICTURE = "picture"


class Marks(NamedTuple):
    """The row numbers of a letter's canary and picture."""

    canary: int
    picture: int


class CampaignLink(Table):
    """One place that a revision of a letter leads to."""

    __tablename__ = "campaign_link"

    id: Mapped[int] = columns.row_id()
    # Empty once the letter is gone; the link still leads where it led.
    revision_id: Mapped[int | None] = mapped_column(ForeignKey("revision.id", ondelete="SET NULL"))
    position: Mapped[int] = mapped_column(Integer)
    url: Mapped[str] = mapped_column(Text)
    role: Mapped[LinkRole] = columns.enum(LinkRole, default=LinkRole.LINK, server_default="link")

    __table_args__ = (UniqueConstraint("revision_id", "position"),)


def keep(session: Session, revision_id: int, urls: Sequence[str]) -> None:
    """Store where a revision's links lead; those that it has already keep their rows, those that are not sound none."""
    known = numbers(session, revision_id)
    # A revision that is compiled again (its sender has a new site) may have gained some.
    new = [url for url in dict.fromkeys(urls) if url not in known and is_sound(url)]
    session.add_all(
        CampaignLink(revision_id=revision_id, position=len(known) + place, url=url) for place, url in enumerate(new)
    )
    if marks(session, revision_id) is None:
        of_ours = ((LinkRole.CANARY, -1, CANARY_PAGE), (LinkRole.PICTURE, -2, ""))
        session.add_all(
            CampaignLink(revision_id=revision_id, position=position, url=url, role=role)
            for role, position, url in of_ours
        )
    session.flush()


def marks(session: Session, revision_id: int) -> Marks | None:
    """Return a revision's canary and picture; None where it has none, as a letter that was sent before there were."""
    query = select(CampaignLink.role, CampaignLink.id).where(
        CampaignLink.revision_id == revision_id, CampaignLink.role != LinkRole.LINK
    )
    found = {row[0]: row[1] for row in session.execute(query)}
    return Marks(found[LinkRole.CANARY], found[LinkRole.PICTURE]) if len(found) == len(Marks._fields) else None


def is_sound(url: str) -> bool:
    """Return whether an address is one of the web with a host, and on one line: nobody is led anywhere else."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in _SCHEMES and bool(parts.hostname) and url.isprintable() and " " not in url


def numbers(session: Session, revision_id: int) -> dict[str, int]:
    """Return the row number of each of a revision's links, by its address."""
    query = select(CampaignLink.url, CampaignLink.id).where(
        CampaignLink.revision_id == revision_id, CampaignLink.role == LinkRole.LINK
    )
    return {row[0]: row[1] for row in session.execute(query.order_by(CampaignLink.position))}


# Where links lead never changes and no number is given twice, so it is read once; another database has other numbers.
_known: WeakKeyDictionary[Engine, dict[int, str]] = WeakKeyDictionary()


def remembered(engine: Engine, link_id: int) -> str | None:
    """Return where a link leads if this process has looked it up before."""
    return _known.get(engine, {}).get(link_id)


def led_to(session: Session, link_id: int) -> str | None:
    """Return where a link leads, and remember it; None for a number that no link has."""
    row = session.execute(select(CampaignLink.url, CampaignLink.role).where(CampaignLink.id == link_id)).first()
    if row is None:
        return None
    url, role = row
    # Asked again, in case somebody wrote to the database by hand.
    if url != CANARY_PAGE if role is LinkRole.CANARY else role is not LinkRole.LINK or not is_sound(url):
        return None
    bind = session.get_bind()
    kept = _known.setdefault(bind.engine if isinstance(bind, Connection) else bind, {})
    if len(kept) >= _REMEMBERED:
        kept.clear()
    kept[link_id] = url
    return url

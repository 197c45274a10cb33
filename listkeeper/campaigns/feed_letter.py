"""A feed that becomes letters: where it is, when it is looked at, and which of its items have been seen.

What stands in a feed when it is added counts as seen, and so does what came
while it was off: nobody gets the history of a site by mail. From then on a
look that finds something new makes one letter of it, however long ago the last
look was. The letter is a draft unless its owner wishes it to leave by itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from types import MappingProxyType

from sqlalchemy import ForeignKey, Integer, String, Text, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from listkeeper.accounts.organisation import Organisation
from listkeeper.audience.mailing_list import ListState, MailingList
from listkeeper.campaigns import campaign as campaigns
from listkeeper.campaigns import feed_items, feed_pictures
from listkeeper.campaigns.campaign import Campaign, CampaignState
from listkeeper.campaigns.feed_pictures import Files
from listkeeper.campaigns.feed_rhythm import Cadence, Rhythm
from listkeeper.campaigns.revision import Draft
from listkeeper.foundation import clock, columns, language
from listkeeper.foundation.columns import UtcDateTime
from listkeeper.foundation.errors import Conflict, Invalid, NotFound
from listkeeper.foundation.table import Table
from listkeeper.rendering.feeds.feed import Feed
from listkeeper.rendering.feeds.feed_item import Item

_MOST_FEEDS = 20
_MOST_SEEN = 200
_TITLE = 200
# A feed that gave no answer is asked again after this, and for this long; then it is its next turn's.
_AGAIN, _STILL_TODAY = timedelta(hours=1), timedelta(hours=6)


class FeedLetter(Table):
    """One feed for one list."""

    __tablename__ = "feed_letter"

    id: Mapped[int] = columns.row_id()
    public_id: Mapped[str] = columns.public_id("fdl")
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    list_id: Mapped[int] = mapped_column(ForeignKey("mailing_list.id"))
    url: Mapped[str] = mapped_column(Text)
    # What it calls itself, as it was last read.
    title: Mapped[str] = mapped_column(String(_TITLE))
    # By the clocks of the business; the weekday is of those that come once a week, 0 for Monday.
    cadence: Mapped[Cadence] = columns.enum(Cadence)
    weekday: Mapped[int] = mapped_column(Integer)
    hour: Mapped[int] = mapped_column(Integer)
    # Whether its letters leave by themselves.
    automatic: Mapped[bool] = mapped_column(default=False)
    switched_on: Mapped[bool] = mapped_column(default=True)
    # Marks of the items that were there at some look (``_marks``), the newest first.
    seen: Mapped[list[str]] = mapped_column(columns.Json)
    next_at: Mapped[datetime] = mapped_column(UtcDateTime)
    # When it was last read, and why it was not since then.
    looked_at: Mapped[datetime] = mapped_column(UtcDateTime)
    trouble: Mapped[str | None] = mapped_column(Text)
    last_campaign_id: Mapped[int | None] = mapped_column(ForeignKey("campaign.id", ondelete="SET NULL"))
    created_at: Mapped[datetime] = columns.created_at()

    mailing_list: Mapped[MailingList] = relationship()
    last_campaign: Mapped[Campaign | None] = relationship()

    @property
    def rhythm(self) -> Rhythm:
        """When it is looked at."""
        return Rhythm(self.cadence, self.weekday, self.hour)


def add(  # noqa: PLR0913 - whose, to which list, what was read, and what shall become of it
    session: Session,
    organisation: Organisation,
    mailing_list: MailingList,
    *,
    url: str,
    read: Feed,
    rhythm: Rhythm,
    zone: str,
    automatic: bool = False,
) -> FeedLetter:
    """Store a feed that was just read; what stands in it counts as seen.

    Raises Conflict when the list has it already, or takes no letters; Invalid when there are too many.
    """
    _demand_list(mailing_list)
    known = all_of(session, organisation)
    if any(each.url == url and each.list_id == mailing_list.id for each in known):
        raise Conflict("feed_exists", language.text("This feed becomes letters to this list already."))
    if len(known) >= _MOST_FEEDS:
        sentence = language.text("There are %(most)s feeds already. Take one away first.", most=_MOST_FEEDS)
        raise Invalid("too_many_feeds", sentence)
    now = clock.now()
    made = FeedLetter(
        organisation_id=organisation.id, list_id=mailing_list.id, url=url, title=read.title[:_TITLE],
        cadence=rhythm.cadence, weekday=rhythm.weekday, hour=rhythm.hour, automatic=automatic, switched_on=True,
        seen=_seen([], read.items), next_at=rhythm.after(now, zone), looked_at=now,
    )  # fmt: skip
    made.mailing_list = mailing_list
    session.add(made)
    session.flush()
    return made


def _demand_list(mailing_list: MailingList) -> None:
    if mailing_list.is_service or mailing_list.state is not ListState.ACTIVE:
        sentence = language.text("No letters go to the list “%(list)s”. Choose another.", list=mailing_list.name)
        raise Conflict("list_without_letters", sentence)


def all_of(session: Session, organisation: Organisation) -> list[FeedLetter]:
    """Return the feeds of an organisation, the oldest first."""
    query = select(FeedLetter).where(FeedLetter.organisation_id == organisation.id)
    return list(session.scalars(query.order_by(FeedLetter.id)))


def named(session: Session, organisation: Organisation, public_id: str) -> FeedLetter:
    """Return the feed with a public id. Raises NotFound."""
    query = select(FeedLetter).where(
        FeedLetter.public_id == public_id, FeedLetter.organisation_id == organisation.id
    )  # fmt: skip
    found = session.scalars(query).first()
    if found is None:
        raise NotFound("no_feed", language.text("There is no feed with the id %(id)s.", id=public_id))
    return found


def waiting(session: Session, organisation: Organisation) -> list[FeedLetter]:
    """Return the feeds whose last letter is still a draft, for its owner to look at."""
    return [
        each
        for each in all_of(session, organisation)
        if each.last_campaign is not None and each.last_campaign.state is CampaignState.DRAFT
    ]


def change(found: FeedLetter, rhythm: Rhythm, *, zone: str, automatic: bool) -> None:
    """Choose when a feed is looked at, and whether its letters leave by themselves."""
    if rhythm != found.rhythm:
        found.cadence, found.weekday, found.hour = rhythm.cadence, rhythm.weekday, rhythm.hour
        found.next_at = rhythm.after(clock.now(), zone)
    found.automatic = automatic


def switch_on(found: FeedLetter, read: Feed, zone: str) -> None:
    """Let a feed become letters again, from what comes after this moment. Raises Conflict when no letters go there."""
    _demand_list(found.mailing_list)
    now = clock.now()
    found.switched_on, found.trouble, found.looked_at = True, None, now
    found.seen, found.next_at = _seen(found.seen, read.items), found.rhythm.after(now, zone)


def switch_off(found: FeedLetter) -> None:
    """Let no more letters come of a feed; those that were made stay."""
    found.switched_on, found.trouble = False, None


def remove(session: Session, found: FeedLetter) -> None:
    """Forget a feed; the letters made of it stay."""
    session.delete(found)
    session.flush()


def hold_all(session: Session) -> None:
    """Let no feed's letters leave by themselves: what it knows may be older than what was mailed since."""
    for found in session.scalars(select(FeedLetter).where(FeedLetter.automatic.is_(True))):
        found.automatic = False
        with language.using(session.get_one(Organisation, found.organisation_id).language):
            found.trouble = language.text(
                "A copy of the data was put back, and some of its items may have been mailed since. It makes drafts "
                "until you say again that its letters leave by themselves."
            )


def due(session: Session, now: datetime) -> list[int]:
    """Return the numbers of the feeds to look at now, the one that waited longest first."""
    query = (
        select(FeedLetter.id)
        .join(MailingList, MailingList.id == FeedLetter.list_id)
        .where(FeedLetter.switched_on.is_(True), FeedLetter.next_at <= now, MailingList.state == ListState.ACTIVE)
        .order_by(FeedLetter.next_at, FeedLetter.id)
    )
    return list(session.scalars(query))


def lock(session: Session, number: int) -> FeedLetter | None:
    """Lock a feed's row and read it fresh: two looks at once see each other. None when it was taken away."""
    query = select(FeedLetter).where(FeedLetter.id == number).with_for_update()
    return session.scalars(query.execution_options(populate_existing=True)).first()


def pictures_of(found: FeedLetter, read: Feed, newest: int = 0) -> list[str]:
    """Return the addresses of the pictures that a letter of this would show, to be brought before ``take``."""
    items = chosen(found, read, newest)
    return feed_pictures.foreign(feed_items.letter_of(found.title, found.url, items)) if items else []


def chosen(found: FeedLetter, read: Feed, newest: int = 0) -> Sequence[Item]:
    """Return the items that become a letter: what is new, or so many of the ``newest``."""
    return read.items[: min(newest, feed_items.MOST)] if newest else new_in(found, read)


def take(  # noqa: PLR0913 - which feed, what was read, what was brought for it, and where that lies
    session: Session,
    found: FeedLetter,
    read: Feed,
    *,
    zone: str,
    newest: int = 0,
    files: Files = MappingProxyType({}),
    folder: Path = Path(),
) -> Campaign | None:
    """Make a draft of what is new in a feed; None where nothing is. ``newest``: of so many, new or not.

    The row is locked (``lock``). What was read counts as seen in the same transaction in which its letter is made.
    """
    now = clock.now()
    items = chosen(found, read, newest)
    found.title, found.trouble, found.looked_at = read.title[:_TITLE], None, now
    found.seen = _seen(found.seen, read.items)
    if found.next_at <= now:
        found.next_at = found.rhythm.after(now, zone)
    if not items:
        return None
    _demand_list(found.mailing_list)
    organisation = session.get_one(Organisation, found.organisation_id)
    written = feed_items.letter_of(found.title, found.url, items)
    draft = Draft.of_document(feed_pictures.at_home(session, organisation, folder, written, files))
    made = campaigns.create(session, organisation, found.mailing_list, draft, demo=found.mailing_list.demo)
    found.last_campaign = made
    session.flush()
    return made


def new_in(found: FeedLetter, read: Feed) -> Sequence[Item]:
    """Return the items of a feed that were not there at any look before, ten at most."""
    known = set(found.seen)
    fresh = [item for item in read.items if not known.intersection(_marks(item))]
    if known and len(fresh) == len(read.items):
        # Either much was written, or the site names everything anew: then its dates tell.
        fresh = [item for item in fresh if item.published is None or item.published > found.looked_at]
    return fresh[: feed_items.MOST]


def note_trouble(found: FeedLetter, words: str, zone: str) -> None:
    """Write down why a feed could not be read, and when it is tried again."""
    now = clock.now()
    found.trouble = words
    if found.next_at <= now:
        still_today = now - found.rhythm.before(now, zone) < _STILL_TODAY
        found.next_at = now + _AGAIN if still_today else found.rhythm.after(now, zone)


def _seen(before: Iterable[str], items: Sequence[Item]) -> list[str]:
    """Return the marks of what was seen: all of what stands in the feed now, and of the rest the newest."""
    now = [mark for item in items for mark in _marks(item)]
    return list(dict.fromkeys((*now, *before)))[: max(len(now), 2 * _MOST_SEEN)]


def _marks(item: Item) -> list[str]:
    """Return what an item is known by: its id, and its link, since sites change the one or the other."""
    names = (("id", item.id), ("link", item.link))
    return [hashlib.sha256(f"{kind}:{name}".encode()).hexdigest()[:20] for kind, name in names if name]

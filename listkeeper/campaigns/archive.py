"""The public archive: which letters anybody may read, and each as a page that names no reader.

A list's owner opens its archive; from then on whatever was sent to all of it
is shown, but for letters that were taken out. A letter can also be shown by
itself while the archive of its list is shut. Addresses are made of the list's
slug and the letter's id, neither of which ever changes.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, Select, and_, literal, or_, select, tuple_
from sqlalchemy.orm import Session, defer

from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import mailing_list as mailing_lists
from listkeeper.audience.mailing_list import MailingList
from listkeeper.campaigns import revision as revisions
from listkeeper.campaigns.campaign import Campaign, CampaignKind, CampaignState
from listkeeper.campaigns.revision import Revision
from listkeeper.foundation import language
from listkeeper.foundation.errors import Conflict, NotFound
from listkeeper.rendering import archive_copy
from listkeeper.rendering.archive_copy import Around, Excerpt

# The names under which the id of a letter or list is one of a feed (RFC 9562 section 5.5); never to be changed.
_NAMES = uuid.UUID("6a0c0b1e-5a39-5c6b-8f5e-2f7f3c1d9e40")


class Letter(NamedTuple):
    """A letter, and the words of it that were sent."""

    campaign: Campaign
    sent: Revision


@dataclass(frozen=True)
class Line:
    """A letter in the list of them: what it is called, its preview line, when it left, and by which id it is found."""

    public_id: str
    subject: str
    preheader: str
    at: datetime


def opened(session: Session, organisation: Organisation, slug: str) -> MailingList:
    """Return the list whose archive anybody may read. Raises NotFound, alike for a list that is none."""
    try:
        found = mailing_lists.named(session, organisation, slug)
    except NotFound:
        raise _nothing_here() from None
    if not found.archive_public:
        raise _nothing_here()
    return found


def shown(session: Session, mailing_list: MailingList, *, limit: int, before: Campaign | None = None) -> list[Letter]:
    """Return the letters of a list's archive, newest first; those that left before another one, if one is named."""
    query = _shown().where(Campaign.list_id == mailing_list.id).options(defer(Revision.compiled))
    if before is not None:
        last = tuple_(literal(before.started_at, Campaign.started_at.type), literal(before.id))
        query = query.where(tuple_(Campaign.started_at, Campaign.id) < last)
    found = session.execute(query.order_by(Campaign.started_at.desc(), Campaign.id.desc()).limit(limit))
    return [Letter(row[0], row[1]) for row in found]


def _shown() -> Select[Campaign, Revision]:
    return (
        select(Campaign, Revision)
        .join(MailingList, MailingList.id == Campaign.list_id)
        .join(Revision, Revision.id == Campaign.sent_revision_id)
        .where(_has_left(), _is_chosen())
    )


def _has_left() -> ColumnElement[bool]:
    """Whether a letter to all has gone to all: not while a few have it for a trial, nor once it was stopped."""
    under_way = and_(Campaign.state == CampaignState.SENDING, Campaign.waves_open > 0)
    left = or_(Campaign.state == CampaignState.FINISHED, under_way)
    return and_(Campaign.kind == CampaignKind.LETTER, Campaign.started_at.is_not(None), left)


def _is_chosen() -> ColumnElement[bool]:
    as_its_list = and_(Campaign.in_archive.is_(None), MailingList.archive_public.is_(True))
    return or_(Campaign.in_archive.is_(True), as_its_list)


def letter(session: Session, organisation: Organisation, slug: str, public_id: str) -> Letter:
    """Return a letter that anybody may read. Raises NotFound, whatever is the reason."""
    here = (Campaign.organisation_id == organisation.id, Campaign.public_id == public_id)
    found = session.execute(_shown().where(*here)).first()
    if found is None or slug not in {found[0].mailing_list.slug, found[0].mailing_list.public_id}:
        raise _nothing_here()
    return Letter(found[0], found[1])


def is_shown(session: Session, campaign: Campaign) -> bool:
    """Return whether anybody may read a letter now."""
    return session.execute(_shown().where(Campaign.id == campaign.id)).first() is not None


def shown_among(session: Session, numbers: Collection[int]) -> set[int]:
    """Return which of these letters anybody may read now."""
    query = _shown().where(Campaign.id.in_(numbers)).with_only_columns(Campaign.id)
    return set(session.scalars(query))


def is_wanted(campaign: Campaign) -> bool:
    """Return whether a letter is for the archive, once it has left."""
    return campaign.mailing_list.archive_public if campaign.in_archive is None else campaign.in_archive


def alone(session: Session, mailing_list: MailingList) -> int:
    """Return how many letters of a list anybody may read whether its archive is open or not."""
    query = _shown().where(Campaign.list_id == mailing_list.id, Campaign.in_archive.is_(True))
    return len(session.execute(query.with_only_columns(Campaign.id)).all())


def page_of(letter: Letter, around: Around) -> bytes:
    """Return the page of a letter: what was sent, filled for nobody."""
    return archive_copy.page(revisions.frozen(letter.sent), letter.campaign.mailing_list.name, around)


def excerpt_of(letter: Letter) -> Excerpt:
    """Return a letter as an entry of a feed."""
    return archive_copy.excerpt(revisions.frozen(letter.sent), letter.campaign.mailing_list.name)


def stamp(organisation: Organisation, mailing_list: MailingList, letters: Sequence[Letter]) -> str:
    """Return a name for all that a feed of these letters says, so that it need not be made to know that it is known."""
    said = [organisation.from_name, organisation.language, mailing_list.public_id, mailing_list.name]
    said += [f"{each.campaign.public_id} {each.sent.sha256} {each.sent.compiled_for}" for each in letters]
    return hashlib.sha256("\n".join(said).encode()).hexdigest()


def lines(organisation: Organisation, letters: Sequence[Letter]) -> Iterator[Line]:
    """Yield letters as a list of them names each: with the words that stand where nothing is known of a reader."""
    for campaign, sent in letters:
        subject, preheader = (
            archive_copy.line(text, organisation.from_name) for text in (sent.subject, sent.preheader)
        )
        yield Line(campaign.public_id, subject, preheader, campaign.started_at or campaign.created_at)


def list_address(mailing_list: MailingList, site: str) -> str:
    """Return where the archive of a list is, once it is open."""
    return f"{site}/archive/{mailing_list.slug}"


def feed_address(mailing_list: MailingList, site: str) -> str:
    """Return where the feed of an archive is."""
    return f"{list_address(mailing_list, site)}/feed.xml"


def address_of(campaign: Campaign, site: str) -> str:
    """Return where a letter is, once anybody may read it."""
    return f"{list_address(campaign.mailing_list, site)}/{campaign.public_id}"


def feed_id(public_id: str) -> str:
    """Return the name of a list or letter in feeds: the same at whatever address this instance is."""
    return f"urn:uuid:{uuid.uuid5(_NAMES, public_id)}"


def put(campaign: Campaign) -> None:
    """Let anybody read a letter once it has left. Raises Conflict for one that never goes to everybody."""
    _demand_letter(campaign)
    # As its list says, where that says so: shut the archive, and it is shut.
    campaign.in_archive = None if campaign.mailing_list.archive_public else True


def take_out(campaign: Campaign) -> None:
    """Let nobody but its readers read a letter, whatever its list says. Raises Conflict as ``put`` does."""
    _demand_letter(campaign)
    campaign.in_archive = False


def _demand_letter(campaign: Campaign) -> None:
    if campaign.kind is not CampaignKind.LETTER:
        sentence = language.text("Only a letter that goes to everybody on a list can be in its archive.")
        raise Conflict("not_for_archive", sentence)


def publish(mailing_list: MailingList, *, on: bool) -> None:
    """Open or shut the archive of a list. Raises Conflict for one that gets no letters."""
    if on and mailing_list.is_service:
        sentence = language.text("This list gets notices and no letters, so it has no archive. Nothing was changed.")
        raise Conflict("not_for_archive", sentence)
    mailing_list.archive_public = on


def _nothing_here() -> NotFound:
    return NotFound("not_in_archive", language.text("There is no page here"))

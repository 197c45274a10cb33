"""The trust account: what letters gave their readers, less what they asked, over the last twelve months.

A letter that gives (help, news, an answer, a reward) adds 1, one that asks (an
offer, a survey, a question about the reader) takes 1; a letter that nobody said
it of counts for nothing. The balance of a list is the sum over the letters that
left, or are ordered to leave, to all of it; one to a segment is none of these,
and is judged by no floor. The balance of a person is the sum over those that
her mailbox took, of all lists, of segments and of her alone: welcome letters
and the steps of series too. A list has a floor: an ask that would take it below
is for its owner to say once more.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import Session

from listkeeper.audience.mailing_list import MailingList
from listkeeper.campaigns import schedule
from listkeeper.campaigns import stance as stances
from listkeeper.campaigns.campaign import Campaign, CampaignKind
from listkeeper.campaigns.revision import Draft, Revision
from listkeeper.campaigns.stance import Stance
from listkeeper.foundation import clock, language
from listkeeper.foundation.errors import Conflict, Invalid
from listkeeper.sending.delivery import Delivery, DeliveryState

MONTHS = 12
LOWEST, HIGHEST = -100, 100


@dataclass(frozen=True)
class Balance:
    """How many letters gave, and how many asked."""

    gave: int = 0
    asked: int = 0

    @property
    def total(self) -> int:
        """What stands in the account."""
        return self.gave - self.asked

    def after(self, stance: Stance) -> int:
        """Return what would stand in it after one more letter."""
        return self.total + stances.weight(stance)


@dataclass(frozen=True)
class Entry:
    """One letter in the account of a list; ``at`` is when it began to leave, empty while it is ordered."""

    campaign: Campaign
    subject: str
    stance: Stance
    at: datetime | None


@dataclass(frozen=True)
class Given:
    """One letter that reached a person, with the number of its delivery."""

    number: int
    campaign: Campaign
    subject: str
    stance: Stance
    at: datetime


def _since() -> datetime:
    return clock.months_later(clock.now(), -MONTHS)


def balance_of_list(session: Session, list_id: int, *, without: int | None = None) -> Balance:
    """Return what stands in the account of a list; ``without`` is a letter that is not counted, by its number."""
    query = select(Campaign.stance, func.count()).where(*_counts_for(list_id)).group_by(Campaign.stance)
    if without is not None:
        query = query.where(Campaign.id != without)
    return _sum(session.execute(query).all())


def _counts_for(list_id: int) -> tuple[ColumnElement[bool], ...]:
    begun = Campaign.started_at >= _since()
    ordered = and_(Campaign.started_at.is_(None), Campaign.state.in_(schedule.ORDERED))
    return (
        Campaign.list_id == list_id,
        Campaign.kind == CampaignKind.LETTER,
        # Three people of a segment who got something open no account with fifty thousand. A letter about a topic is one
        # to the whole list: it goes to all who did not choose otherwise.
        Campaign.segment_id.is_(None),
        Campaign.stance.is_not(None),
        or_(begun, ordered),
    )


def _sum(rows: Iterable[Sequence[Any]]) -> Balance:
    counts: dict[str, int] = {row[0]: row[1] for row in rows}
    gave = sum(number for name, number in counts.items() if stances.gives(Stance(name)))
    return Balance(gave, sum(counts.values()) - gave)


def balance_of_person(session: Session, subscriber_id: int, *, list_id: int | None = None) -> Balance:
    """Return what stands in the account of a person: of all lists, or of one."""
    query = _arrived(subscriber_id).with_only_columns(_STANCE, func.count()).group_by(_STANCE)
    if list_id is not None:
        query = query.where(Delivery.list_id == list_id)
    return _sum(session.execute(query).all())


# A welcome letter helps, also one that was written before anybody was asked.
_STANCE = func.coalesce(Campaign.stance, Stance.HELP.value)


def _arrived(subscriber_id: int) -> Select[Delivery]:
    """Return the letters that a person's mailbox took and kept. Found by the index of her deliveries."""
    return (
        select(Delivery)
        .join(Revision, Revision.id == Delivery.revision_id)
        .join(Campaign, Campaign.id == Revision.campaign_id)
        .where(
            Delivery.subscriber_id == subscriber_id,
            Delivery.state == DeliveryState.ACCEPTED,
            Delivery.handed_at >= _since(),
            or_(Campaign.stance.is_not(None), Campaign.kind == CampaignKind.WELCOME),
        )
    )


def given_to(session: Session, subscriber_id: int, *, before: int | None = None, limit: int = 50) -> list[Given]:
    """Return what reached a person and is in her account, newest first.

    ``before`` is the number of a delivery: only older ones are returned.
    """
    query = _arrived(subscriber_id).with_only_columns(
        Delivery.id, Delivery.handed_at, Campaign, Revision.subject, _STANCE
    )
    if before is not None:
        query = query.where(Delivery.id < before)
    rows = session.execute(query.order_by(Delivery.id.desc()).limit(limit))
    return [Given(row[0], row[2], row[3], Stance(row[4]), row[1] or row[2].created_at) for row in rows]


def entries(session: Session, list_id: int) -> list[Entry]:
    """Return the letters in the account of a list, newest first; those that are ordered come before all."""
    query = (
        select(Campaign, Revision.subject)
        .join(Revision, (Revision.campaign_id == Campaign.id) & (Revision.number == Campaign.version))
        .where(*_counts_for(list_id))
        .order_by(Campaign.started_at.is_not(None), Campaign.started_at.desc(), Campaign.id.desc())
    )
    found = ((row[0], row[1], stances.of(row[0])) for row in session.execute(query))
    return [
        Entry(letter, subject, stance, letter.started_at) for letter, subject, stance in found if stance is not None
    ]


def judged(campaign: Campaign) -> Stance | None:
    """Return as what a letter that waits to leave was judged for its whole list; None for a draft, and for one to some.

    Asked before anything about it is changed: what was judged holds for those it was judged for.
    """
    ordered = campaign.state in schedule.ORDERED and campaign.segment_id is None
    return stances.of(campaign) if ordered else None


def declare(
    session: Session, campaign: Campaign, stance: Stance, *, below_floor: bool = False, before: Stance | None = None
) -> None:
    """Note what a letter is, as it is ordered. Raises Conflict when its ask would take the list below its floor.

    ``below_floor`` says that its owner was told so, and sends it all the same. ``before`` is what it was ``judged`` as
    when it was ordered, for another moment say: as the same it is not judged again.
    """
    if stance is not before and not below_floor and (why := why_asked(session, campaign, stance)):
        raise Conflict("below_floor", f"{why} {language.text('Nothing was sent.')}")
    campaign.stance = stance.value


def of_letter(campaign: Campaign, draft: Draft, said: str | None) -> Stance:
    """Return what a letter is: as was said, or before, or as its words suggest. Raises Invalid for another word."""
    if said is not None:
        return stances.named(said)
    return stances.of(campaign) or stances.suggested(draft)


def why_asked(session: Session, campaign: Campaign, stance: Stance, *, to_all: bool | None = None) -> str:
    """Return why a letter is for its owner to say once more, in a sentence; empty when it is not.

    ``to_all`` is whether it is to go to the whole list, where that was chosen on a page and is not stored yet.
    """
    whole = campaign.segment_id is None if to_all is None else to_all
    if stances.gives(stance) or campaign.kind is not CampaignKind.LETTER or not whole:
        return ""
    balance = balance_of_list(session, campaign.list_id, without=campaign.id)
    floor = campaign.mailing_list.trust_floor
    if balance.after(stance) >= floor:
        return ""
    return language.text(
        "This letter asks. In twelve months this list got letters that gave: %(gave)s, and letters that asked: "
        "%(asked)s. One more that asks makes the balance %(after)s, below your floor of %(floor)s.",
        gave=balance.gave,
        asked=balance.asked,
        after=signed(balance.after(stance)),
        floor=signed(floor),
    )


def signed(total: int) -> str:
    """Return a balance as people read it: with a plus, or a minus that is no hyphen."""
    return f"+{total}" if total > 0 else str(total).replace("-", "\N{MINUS SIGN}")


def set_floor(mailing_list: MailingList, floor: int) -> None:
    """Choose below which balance a list's owner is asked. Raises Invalid."""
    if not LOWEST <= floor <= HIGHEST:
        raise Invalid(
            "trust_floor",
            language.text(
                "A floor is a whole number from %(lowest)s to %(highest)s. Nothing was changed.",
                lowest=signed(LOWEST),
                highest=HIGHEST,
            ),
        )
    mailing_list.trust_floor = floor


@dataclass(frozen=True)
class Month:
    """What happened in one month, and what stood in the account at its end, counted from twelve months ago."""

    first: datetime
    gave: int
    asked: int
    total: int


def by_month(session: Session, list_id: int) -> list[Month]:
    """Return the account of a list month by month (UTC), the oldest first; the last month is the one that runs."""
    now = clock.now()
    begins = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    firsts = [clock.months_later(begins, -back) for back in range(MONTHS, -1, -1)]
    found = [(each.at or now, stances.gives(each.stance)) for each in entries(session, list_id)]
    months: list[Month] = []
    total = 0
    for place, first in enumerate(firsts):
        end = firsts[place + 1] if place < MONTHS else None
        here = [gives for at, gives in found if at >= first and (end is None or at < end)]
        gave = sum(here)
        total += gave - (len(here) - gave)
        months.append(Month(first, gave, len(here) - gave, total))
    return months

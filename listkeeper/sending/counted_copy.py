"""What makes one copy of a letter a counted one: where its links lead, and what it holds that nobody sees.

Decided while the copy is written, by what its reader has chosen at that moment.
With her name the links name the delivery. As a number they name a number that
is drawn here, stands in the mail and nowhere else: not even we can say
afterwards which mail it was. The picture that says that a mail was opened is in
each of these, and of those by name only where her yes speaks of it.

How many counted copies of a letter arrived is what every share of its readers
is a share of. It is counted once, with the record of the hand-over, as a number
that stays when she leaves or chooses anew, as the number of her visits does. No
mail says of itself that it is counted: that is known until it is recorded.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import NamedTuple

from sqlalchemy.orm import Session

from listkeeper.audience.tracking import Counting
from listkeeper.campaigns import link
from listkeeper.campaigns.link import Marks
from listkeeper.rendering.compiled import CompiledLetter
from listkeeper.rendering.unseen import Unseen
from listkeeper.sending import engagement_tally, link_visit, tally
from listkeeper.sending.delivery import AnyDelivery
from listkeeper.sending.engagement_tally import UNKNOWN, Key, What


class Stored(NamedTuple):
    """The rows of a letter's links by their addresses, and of what we put beside them."""

    numbers: Mapping[str, int]
    marks: Marks | None


class Counted(NamedTuple):
    """Where the links of one copy lead, its canary and picture, and how it is counted by them."""

    address: Callable[[int], str] | None = None
    unseen: Unseen | None = None
    how: Counting = Counting.NOTHING

    @property
    def pictured(self) -> bool:
        """Whether it is known of this copy that it is opened."""
        return self.unseen is not None and bool(self.unseen.picture)


class CountedCopy(NamedTuple):
    """Of which letter a counted copy is, whether it is its reader's by name, and whether it holds the picture."""

    campaign_id: int
    revision_id: int
    by_name: bool
    pictured: bool = True


NOT_COUNTED = Counted()


def stored(session: Session, revision_id: int) -> Stored:
    """Return what is stored of a letter's links."""
    return Stored(link.numbers(session, revision_id), link.marks(session, revision_id))


def made(  # noqa: PLR0913 - where, which copy, of which letter, by which choice
    site: str, delivery_id: int, compiled: CompiledLetter, known: Stored | None, how: Counting, *, opens: bool
) -> Counted:
    """Return what makes the copy of a reader a counted one, by what she has chosen.

    ``opens`` says whether her yes with her name is for what she opens, too.
    """
    if known is None or how is Counting.NOTHING:
        return NOT_COUNTED
    mail_number = link_visit.drawn_number() if how is Counting.NUMBER else 0
    address = link_visit.counted(site, delivery_id, compiled.links, known.numbers, mail_number=mail_number)
    if known.marks is None:
        return Counted(address, how=how)
    named = partial(link_visit.unnamed_token, mail_number) if mail_number else partial(link_visit.token_of, delivery_id)
    canary, picture = (named(number) for number in known.marks)
    shown = f"{site}/o/{picture}" if mail_number or opens else ""
    return Counted(address, Unseen(f"{site}/l/{canary}", shown), how)


def of(row: AnyDelivery, how: Counting, *, pictured: bool = True) -> CountedCopy | None:
    """Return as what a copy is counted; None for one that is not, or is of no letter."""
    if how is Counting.NOTHING or row.campaign_id is None:
        return None
    return CountedCopy(row.campaign_id, row.revision_id or 0, how is Counting.PERSON, pictured)


def arrived(session: Session, copies: Iterable[tuple[CountedCopy, str | None]]) -> None:
    """Count copies that were taken just now, each with its mailbox provider, in the caller's transaction."""
    numbers: Counter[Key] = Counter()
    for copy, went_to in copies:
        # Of who is a number nobody says where the mail went.
        provider = tally.provider_kind(went_to) if copy.by_name else UNKNOWN
        for what in (What.COUNTED, What.PICTURED) if copy.pictured else (What.COUNTED,):
            numbers[Key(copy.campaign_id, copy.revision_id, 0, provider, what)] += 1
    engagement_tally.add(session, numbers)

"""What makes one copy of a letter a counted one: where its links lead, and what it holds that nobody sees.

Decided while the copy is written, by what its reader has chosen at that moment.
With her name the links name the delivery. As a number they name a number that
is drawn here, stands in the mail and nowhere else: not even we can say
afterwards which mail it was. Only then does the letter hold the picture that
says that it was opened: of somebody by name that would serve nothing, as no
letter is steered by it, so it is not asked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from sqlalchemy.orm import Session

from listkeeper.audience.tracking import Counting
from listkeeper.campaigns import link
from listkeeper.campaigns.link import Marks
from listkeeper.rendering.compiled import CompiledLetter
from listkeeper.rendering.unseen import Unseen
from listkeeper.sending import link_visit


class Stored(NamedTuple):
    """The rows of a letter's links by their addresses, and of what we put beside them."""

    numbers: Mapping[str, int]
    marks: Marks | None


class Counted(NamedTuple):
    """Where the links of one copy lead, and its canary and picture."""

    address: Callable[[int], str] | None = None
    unseen: Unseen | None = None


NOT_COUNTED = Counted()


def stored(session: Session, revision_id: int) -> Stored:
    """Return what is stored of a letter's links."""
    return Stored(link.numbers(session, revision_id), link.marks(session, revision_id))


def made(site: str, delivery_id: int, compiled: CompiledLetter, known: Stored | None, how: Counting) -> Counted:
    """Return what makes the copy of a reader a counted one, by what she has chosen."""
    if known is None or how is Counting.NOTHING:
        return NOT_COUNTED
    mail_number = link_visit.drawn_number() if how is Counting.NUMBER else 0
    address = link_visit.counted(site, delivery_id, compiled.links, known.numbers, mail_number=mail_number)
    if known.marks is None:
        return Counted(address)
    canary, picture = known.marks
    if not mail_number:
        return Counted(address, Unseen(f"{site}/l/{link_visit.token_of(delivery_id, canary)}"))
    unseen = Unseen(
        f"{site}/l/{link_visit.unnamed_token(mail_number, canary)}",
        f"{site}/o/{link_visit.unnamed_token(mail_number, picture)}",
    )
    return Counted(address, unseen)

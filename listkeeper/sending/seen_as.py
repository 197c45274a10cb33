"""A letter as somebody would get it: nobody in particular, anybody, or one person by name.

The links in it lead to pages that say they are a preview: nothing here makes a
token, and nothing is written down.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import profile_told, subscriber, subscription
from listkeeper.audience.mailing_list import MailingList
from listkeeper.audience.subscriber import Subscriber
from listkeeper.campaigns import preview
from listkeeper.foundation import clock
from listkeeper.rendering import filling, message
from listkeeper.rendering.compiled import CompiledLetter
from listkeeper.rendering.content import Filled, Reader
from listkeeper.sending import house
from listkeeper.standards import list_headers

WORST, RANDOM, LONGEST = "worst", "random", "longest"
_PREFIX = "subscriber."
_SOME = 20


@dataclass(frozen=True)
class View:
    """Who looks, and at what: which reader, and which request about her mailbox she sees."""

    who: str = WORST
    guidance: str = ""


def filled(  # noqa: PLR0913, PLR0917 - which letter, whose, to which list, from where, as whom
    session: Session, made: CompiledLetter, organisation: Organisation, mailing_list: MailingList, site: str, view: View
) -> Filled:
    """Return a compiled letter as one reader would get it. Raises NotFound for a person nobody knows."""
    return filling.fill(made, reader(session, made, organisation, mailing_list, site, view))


def reader(  # noqa: PLR0913, PLR0917 - the same
    session: Session, made: CompiledLetter, organisation: Organisation, mailing_list: MailingList, site: str, view: View
) -> Reader:
    """Return the reader that a view names; in the worst case she has told nothing but an address."""
    sample = preview.sample_reader(organisation, mailing_list, site, made.language, guidance=view.guidance)
    person = _person(session, organisation, mailing_list, view.who)
    if person is None:
        return sample
    names = [name.removeprefix(_PREFIX) for name in made.names if name.startswith(_PREFIX)]
    said = profile_told.said_by(session, {person.id}, {mailing_list.id}, names, made.language)
    profile = {name: str(value) for name, value in person.profile.items()} | said.get((person.id, mailing_list.id), {})
    return sample._replace(address=person.email_send or sample.address, language=person.language, profile=profile)


def raw(  # noqa: PLR0913, PLR0917 - the same
    session: Session, made: CompiledLetter, organisation: Organisation, mailing_list: MailingList, site: str, view: View
) -> bytes:
    """Return the message as it would travel, signature and all; its links lead to the pages of a preview."""
    ours = house.of(session, organisation.id, site)
    who = reader(session, made, organisation, mailing_list, site, view)
    headers = [list_headers.list_id(mailing_list.name, mailing_list.slug, ours.domain)]
    if who.unsubscribe_url.startswith("https://"):
        headers = [list_headers.list_unsubscribe(who.unsubscribe_url), list_headers.list_unsubscribe_post(), *headers]
    built = message.build(
        filling.fill(made, who),
        sender=ours.sender,
        recipient=who.address,
        message_id=f"<preview@{ours.domain}>",
        date=clock.now(),
        extra_headers=headers,
    )
    return ours.signer.header(built, ours.sender.address, who.address) + built if ours.signer else built


def some(session: Session, mailing_list: MailingList) -> list[tuple[str, str]]:
    """Return a few who would get a letter to a list, to look at it as one of them: public id and address."""
    people = subscription.mailable(mailing_list, practice=True).limit(_SOME).subquery()
    query = select(Subscriber.public_id, Subscriber.email_send).join(people, people.c.id == Subscriber.id)
    return [(row[0], row[1] or row[0]) for row in session.execute(query.order_by(Subscriber.id))]


def _person(session: Session, organisation: Organisation, mailing_list: MailingList, who: str) -> Subscriber | None:
    match who:
        case "" | "worst":
            return None
        case "random":
            return _at_random(session, mailing_list)
        case "longest":
            return _longest_name(session, mailing_list)
        case named:
            return subscriber.named(session, organisation, named)


def _at_random(session: Session, mailing_list: MailingList) -> Subscriber | None:
    """Return somebody who would get the letter: the next one after a number drawn between the first and the last."""
    people = subscription.mailable(mailing_list, practice=True).order_by(None).subquery()
    first, last = session.execute(select(func.min(people.c.id), func.max(people.c.id))).one()
    if first is None:
        return None
    drawn = first + secrets.randbelow(last - first + 1)
    chosen = session.scalar(select(func.min(people.c.id)).where(people.c.id >= drawn))
    return session.get(Subscriber, chosen)


def _longest_name(session: Session, mailing_list: MailingList) -> Subscriber | None:
    """Return whose told name is the longest, among the first thousand who would get the letter."""
    people = subscription.mailable(mailing_list, practice=True).limit(1000).subquery()
    found = session.scalars(select(Subscriber).join(people, people.c.id == Subscriber.id))
    return max(found, key=lambda each: max(map(len, map(str, each.profile.values())), default=0), default=None)

"""Who sees the guidance block in a letter: readers of three mail programs, in their first letters, until they react.

Decided when a letter is planned and written on its rows, so that nothing has to
be found out while a million letters leave, and so that those who saw it can be
compared with those who were held back by chance (``feedback.guidance_measure``).

It stands in the welcome letter and in the first three campaigns, and no longer
for whoever followed a link that she lets us see, wrote to us, or said that it
is done. Only addresses that tell the program by themselves are asked: a domain
of one's own is read anywhere.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, cast

from sqlalchemy import ColumnElement, FromClause, String, Subquery, and_, case, exists, func, literal, null, select
from sqlalchemy.orm import Session

from listkeeper.accounts.organisation import Organisation
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.thread import Conversation, ConversationState
from listkeeper.campaigns.campaign import Campaign, CampaignKind
from listkeeper.foundation import clock, language
from listkeeper.foundation.errors import Invalid
from listkeeper.rendering import guidance
from listkeeper.rendering.inbox_help import Program
from listkeeper.sending import link_visit
from listkeeper.sending.delivery import Delivery
from listkeeper.sending.link_visit import LinkVisit

LEAST_HELD, MOST_HELD = 2, 100
# What the choice is made from, of each reader.
COLUMNS = (Subscriber.id, Subscriber.email_key, Subscriber.suppression_key, Subscriber.inbox_done_at)
_DRAWN_FROM = 16**8
# The last eight digits of sixty-four.
_LAST_DIGITS = 57, 8
_NAME = String(16)
_ASKING = frozenset({CampaignKind.LETTER, CampaignKind.WELCOME})


def switched_on(organisation: Organisation) -> list[Program]:
    """Return the programs whose readers are asked."""
    off = organisation.guidance_off.split()
    return [program for program in Program if program.value not in off]


def choose(organisation: Organisation, on: Collection[str], holdout: int | None) -> None:
    """Say whose readers are asked, and one in how many of them is held back. Raises Invalid and changes nothing."""
    if not set(on) <= {program.value for program in Program}:
        raise Invalid("no_program", language.text("There is no such mail program. Nothing was changed."))
    if holdout is not None and not LEAST_HELD <= holdout <= MOST_HELD:
        sentence = language.text(
            "Hold back one in %(least)s to one in %(most)s readers. Nothing was changed.",
            least=LEAST_HELD,
            most=MOST_HELD,
        )
        raise Invalid("guidance_holdout", sentence)
    organisation.guidance_off = " ".join(program.value for program in Program if program.value not in on)
    organisation.guidance_holdout = holdout


def done(person: Subscriber) -> None:
    """Note that she has done it, or wishes to hear no more of it: her letters ask no more."""
    person.inbox_done_at = person.inbox_done_at or clock.now()


def of_test(organisation: Organisation, campaign: Campaign, address: str) -> str | None:
    """Return whose block a test shows: that of the address it goes to, as somebody new there would see it."""
    program = guidance.read_in(address)
    asks = campaign.kind in _ASKING and program in switched_on(organisation)
    return program.value if program is not None and asks else None


def of_letter(
    session: Session, campaign: Campaign, audience: Subquery, letters_before: ColumnElement[int]
) -> ColumnElement[str | None]:
    """Return what each row of a letter's audience is planned with; a notice of trouble asks nobody for anything."""
    if campaign.kind not in _ASKING:
        return null().cast(_NAME)
    organisation = session.get_one(Organisation, campaign.organisation_id)
    return of_audience(session, organisation, audience, letters_before)


def of_person(session: Session, organisation: Organisation, person: Subscriber, letters_before: int) -> str | None:
    """Return what a single letter to somebody is planned with."""
    reader = select(*COLUMNS).where(Subscriber.id == person.id).subquery()
    chosen = of_audience(session, organisation, reader, literal(letters_before))
    return session.scalar(select(chosen).select_from(reader))


def is_guided(session: Session, email_key: ColumnElement[str]) -> ColumnElement[bool]:
    """Return whether mail to an address is read in one of the programs."""
    return _domain(session, email_key).in_(sorted(frozenset().union(*guidance.DOMAINS.values())))


def _domain(session: Session, email_key: ColumnElement[str]) -> ColumnElement[str]:
    """Return the domain of an address: a list of whole names is looked through sooner than endings are compared."""
    if session.get_bind().dialect.name == "postgresql":
        return func.split_part(email_key, "@", 2)
    return func.substr(email_key, func.instr(email_key, "@") + 1)


def of_audience(
    session: Session, organisation: Organisation, audience: Subquery, letters_before: ColumnElement[int]
) -> ColumnElement[str | None]:
    """Return what each row of an audience (``COLUMNS``) is planned with; ``letters_before`` says how many she had."""
    is_hers = is_guided(session, audience.c.email_key)
    asked = _still(session, organisation, audience, letters_before)
    domain = _domain(session, audience.c.email_key)
    each = [
        (domain.in_(sorted(guidance.DOMAINS[program])), _planned(program, organisation, audience))
        for program in switched_on(organisation)
    ]
    if not each:
        return null().cast(_NAME)
    # In this order, and one within the other: most people are elsewhere, and of them nothing more is asked.
    return cast("ColumnElement[str | None]", case((is_hers, case((asked, case(*each))))))


def _planned(program: Program, organisation: Organisation, audience: Subquery) -> ColumnElement[str]:
    shown = literal(program.value, _NAME)
    if organisation.guidance_holdout is None:
        return shown
    # A keyed hash of her address: drawn by chance, and the same in each of her letters.
    drawn = func.substr(audience.c.suppression_key, *_LAST_DIGITS)
    bound = f"{_DRAWN_FROM // organisation.guidance_holdout:08x}"
    return case((drawn < bound, literal(f"{program.value}{guidance.HELD}", _NAME)), else_=shown)


def _still(
    session: Session, organisation: Organisation, audience: Subquery, letters_before: ColumnElement[int]
) -> ColumnElement[bool]:
    """Return whether she is still asked. What nobody ever did is looked for of nobody."""
    conditions: list[ColumnElement[bool]] = [
        letters_before < guidance.LETTERS_WITH_BLOCK,
        audience.c.inbox_done_at.is_(None),
    ]
    if session.scalar(select(exists().where(*_FOLLOWED))):
        conditions.append(~_of(audience, Delivery.subscriber_id, LinkVisit.delivery_id == Delivery.id, *_FOLLOWED))
    wrote = (Conversation.organisation_id == organisation.id, Conversation.state != ConversationState.SET_ASIDE)
    if session.scalar(select(exists().where(Conversation.subscriber_id.is_not(None), *wrote))):
        conditions.append(~_of(audience, Conversation.subscriber_id, *wrote))
    return and_(*conditions)


# By a person, as far as a visit tells; one of nobody's names no letter.
_FOLLOWED = (LinkVisit.delivery_id.is_not(None), link_visit.by_human())


def _of(audience: FromClause, whose: Any, *conditions: ColumnElement[bool]) -> ColumnElement[bool]:  # noqa: ANN401 - a mapped column
    return select(literal(1)).where(whose == audience.c.id, *conditions).correlate(audience).exists()

"""The demo as a whole: a café with a year behind it, filled in and taken away in one transaction each.

Its finished letters have deliveries, as history. Nothing is queued, no fact
is written, no mail is sent.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from listkeeper.accounts import organisation
from listkeeper.accounts.audit_log import AuditEntry
from listkeeper.accounts.organisation import Organisation
from listkeeper.accounts.user import User
from listkeeper.audience import demo as people
from listkeeper.audience import demo_cafe, demo_leaving, demo_sources
from listkeeper.audience.consent import ConsentEvent
from listkeeper.audience.demo import Crowd
from listkeeper.audience.demo_cafe import Cafe
from listkeeper.audience.signup_form import ShownForm
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Subscription
from listkeeper.campaigns import demo as letters
from listkeeper.campaigns.campaign import Campaign
from listkeeper.foundation import language
from listkeeper.foundation.errors import Conflict, NotFound
from listkeeper.foundation.table import Table
from listkeeper.sending import demo_history
from listkeeper.sending.delivery import Delivery


@dataclass(frozen=True)
class Filled:
    """What a demo is made of."""

    organisation: Organisation
    shown: ShownForm
    crowd: Crowd
    past: tuple[Campaign, ...]
    draft: Campaign


@dataclass(frozen=True)
class Removed:
    """What went, and the names of lists that stayed because more than the demo hangs on them."""

    people: int
    letters: int
    organisation: bool
    stayed: tuple[str, ...]


def fill(session: Session, *, confirmed: int, spoken: str | None, site: str, tell: Callable[[int], None]) -> Filled:
    """Fill in the demo, in the language of the business, or in ``spoken`` when there is none yet.

    ``tell`` hears how many people are stored so far. Raises Conflict when the
    demo is there already, or the business speaks another language.
    """
    owner = _owner(session, spoken)
    cafe = demo_cafe.read(owner.language)
    crowd = people.crowd_of(confirmed)
    shown = people.open_list(session, owner, cafe)
    people.add_people(session, shown, cafe, crowd, tell)
    _take_stock(session, Subscriber, Subscription, ConsentEvent)
    demo_sources.add(session, shown)
    past = letters.write_past(session, owner, shown.mailing_list, cafe, site)
    for number, letter in enumerate(past):
        demo_history.add(session, letter, past[:number], owner.from_domain)
    _take_stock(session, Delivery)
    draft = letters.write_draft(session, owner, shown.mailing_list, cafe)
    return Filled(owner, shown, crowd, tuple(letter.campaign for letter in past), draft)


def _take_stock(session: Session, *kinds: type[Table]) -> None:
    """Let PostgreSQL count what has just come; it would plan for empty tables, and 100,000 people would take hours."""
    if session.get_bind().dialect.name == "postgresql":
        for kind in kinds:
            session.execute(text(f'ANALYZE "{kind.__tablename__}"'))


def _owner(session: Session, spoken: str | None) -> Organisation:
    # Locked: two demos at once become one demo and one refusal.
    owner = session.scalars(select(Organisation).order_by(Organisation.id).limit(1).with_for_update()).first()
    if owner is None:
        return _found(session, demo_cafe.read(spoken or language.DEFAULT), spoken or language.DEFAULT)
    if people.is_here(session, owner):
        raise Conflict(
            "demo_exists",
            language.text("The demo is here already. Nothing was changed; `listkeeper demo --remove` takes it away."),
        )
    if spoken is not None and spoken != owner.language:
        raise Conflict(
            "demo_language",
            language.text(
                "The business here speaks another language (%(code)s), and so would its demo. "
                "Nothing was changed; leave --lang out.",
                code=owner.language,
            ),
        )
    return owner


def _found(session: Session, cafe: Cafe, spoken: str) -> Organisation:
    made = organisation.found(
        session,
        legal_name=cafe.legal_name,
        postal_address=cafe.postal_address,
        from_address=cafe.from_address,
        brand_colour=cafe.brand_colour,
        website=cafe.website,
        spoken=spoken,
    )
    made.demo = True
    # Bound to it, but not by its address: that one exists as little as the café does.
    session.execute(update(User).where(User.organisation_id.is_(None)).values(organisation_id=made.id))
    session.flush()
    return made


def remove(session: Session) -> Removed:
    """Take the demo away, all of it and nothing else.

    Raises NotFound when there is none, Conflict while one of its mails is under way.
    """
    owner = organisation.maybe_one(session)
    if owner is None or not (owner.demo or people.is_here(session, owner)):
        raise NotFound("no_demo", language.text("There is no demo here. Nothing was changed."))
    gone = demo_leaving.hold(session, owner)
    if demo_history.under_way(session, owner):
        raise Conflict(
            "demo_under_way",
            language.text(
                "A mail of the demo, or to its people, is still under way. Nothing was removed; wait until it has "
                "left, or cancel its letter with `listkeeper campaign cancel`, then try again."
            ),
        )
    demo_history.remove(session, owner)
    removed = letters.remove(session, owner)
    demo_leaving.remove_people(session, owner)
    stayed = demo_leaving.remove_lists(session, owner)
    released = demo_leaving.release(session, owner, kept_by={AuditEntry.__tablename__, User.__tablename__})
    return Removed(gone, removed, released, tuple(stayed))

"""Whose rules a list follows, and whom a change of rules would shut out.

The gate asks the rules at every hand-over, so a choice works at once; nobody
is taken off a list by it, and nobody's consent is touched.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, false, func, or_, select
from sqlalchemy.orm import Session

from listkeeper.audience import jurisdiction
from listkeeper.audience.jurisdiction import Profile
from listkeeper.audience.mailing_list import MailingList
from listkeeper.audience.subscription import Basis, Subscription, SubscriptionState
from listkeeper.foundation import clock


def of(mailing_list: MailingList) -> Profile:
    """Return the rules a list follows today."""
    return jurisdiction.profile(mailing_list.jurisdiction, clock.now().date())


def every() -> list[Profile]:
    """Return what can be chosen, the strictest first."""
    return [jurisdiction.profile(code, clock.now().date()) for code in jurisdiction.codes()]


def choose(mailing_list: MailingList, code: str) -> Profile:
    """Let a list follow other rules from now on. Raises NotFound for rules that nobody wrote down."""
    chosen = jurisdiction.profile(code, clock.now().date())
    mailing_list.jurisdiction = code
    return chosen


def shut_out(session: Session, mailing_list: MailingList, profile: Profile, least_age: int) -> int:
    """Return how many confirmed people of a list get no letters under some rules and a least age."""
    forbidden = [basis for basis in Basis if not profile.permits(basis.value)]
    conditions: list[ColumnElement[bool]] = [Subscription.basis.in_(forbidden) if forbidden else false()]
    if profile.doi_required:
        conditions.append(Subscription.double_opt_in.is_(False))
    if profile.separate_consents:
        conditions.append(Subscription.second_consent_event_id.is_(None))
    if least_age:
        conditions.append(or_(Subscription.age_ok.is_(None), Subscription.age_ok.is_(False)))
    query = select(func.count()).where(
        Subscription.list_id == mailing_list.id, Subscription.state == SubscriptionState.CONFIRMED, or_(*conditions)
    )
    return session.scalar(query.select_from(Subscription)) or 0

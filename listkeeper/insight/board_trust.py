"""What costs a sender trust, part by part, of the last 30 days: each is fine, to be repaired, or not known.

The limits are those of the large receivers where they name one. What could not
be measured is not known, and never fine: that nobody complained says something
only where somebody would have told us.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import mailing_list
from listkeeper.campaigns import domain_gate
from listkeeper.deliverability import freemail, proven, sending_domain
from listkeeper.deliverability.finding import Severity
from listkeeper.feedback.event import FeedbackEvent, FeedbackKind, Outcome
from listkeeper.feedback.inbound import Way
from listkeeper.foundation import clock, language
from listkeeper.insight import board_counts, board_mails, trust_account

OVER = timedelta(days=30)
# Thousandths of the mails. Gmail asks for less than 0.1 % of complaints; who sends to an old list sees 2 % come back.
MOST_COMPLAINTS, MOST_BOUNCES, MOST_LEAVING = 1, 20, 5
# One complaint among fewer mails can be a slip of the finger.
_SLIP = 1
# Providers tell of whatever happens to a mail, complaints too; who sends mail back tells of complaints or does not.
_HOOKS = tuple(way.value for way in Way if not way.is_mail)


class Part(StrEnum):
    """One part of the trust account, the most urgent first."""

    COMPLAINTS = "complaints"
    DOMAIN = "domain"
    BOUNCES = "bounces"
    LEAVING = "leaving"
    BALANCE = "balance"


class Stand(StrEnum):
    """How a part stands."""

    FINE = "fine"
    REPAIR = "repair"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Found:
    """One part, and of what action it is about."""

    part: Part
    stand: Stand
    subject: str = ""


def look(session: Session, organisation: Organisation) -> list[Found]:
    """Return how each part stands, in the order of ``Part``."""
    since = clock.now() - OVER
    mails = board_mails.since(session, organisation, since)
    left = board_counts.left(session, organisation, since)[0]
    parts: dict[Part, Callable[[], Found]] = {
        Part.COMPLAINTS: lambda: _complaints(session, organisation, since, mails.handed),
        Part.DOMAIN: lambda: _domain(session, organisation),
        Part.BOUNCES: lambda: _share(Part.BOUNCES, mails.came_back, mails.handed, MOST_BOUNCES),
        Part.LEAVING: lambda: _share(Part.LEAVING, left, mails.to_readers, MOST_LEAVING),
        Part.BALANCE: lambda: _balance(session, organisation),
    }
    return [parts[part]() for part in Part]


def _share(part: Part, number: int, mails: int, most: int) -> Found:
    if not mails:
        return Found(part, Stand.UNKNOWN)
    return Found(part, Stand.REPAIR if number > _SLIP and number * 1000 > most * mails else Stand.FINE)


def _complaints(session: Session, organisation: Organisation, since: datetime, mails: int) -> Found:
    number = board_counts.complained(session, organisation, since)
    if number == 0 and not _is_told(session, organisation):
        # Nobody would have told us: then silence is no good news.
        return Found(Part.COMPLAINTS, Stand.UNKNOWN)
    return _share(Part.COMPLAINTS, number, mails, MOST_COMPLAINTS)


def _is_told(session: Session, organisation: Organisation) -> bool:
    """Return whether somebody tells us of complaints: a feedback loop has, or a provider's events come."""
    event = FeedbackEvent
    loop = and_(event.kind == FeedbackKind.COMPLAINED, event.outcome != Outcome.UNPROVEN)
    query = select(event.id).where(event.organisation_id == organisation.id, or_(loop, event.source.in_(_HOOKS)))
    return session.scalars(query.limit(1)).first() is not None


def _domain(session: Session, organisation: Organisation) -> Found:
    name = domain_gate.domain_of(organisation)
    if freemail.is_freemail(name):
        return Found(Part.DOMAIN, Stand.REPAIR)
    known = sending_domain.by_name(session, organisation.id, name)
    if known is None or known.last_checked_at is None:
        return Found(Part.DOMAIN, Stand.UNKNOWN, known.public_id if known else "")
    rows = proven.known(session, known, known.last_findings)
    if any(row.severity in {Severity.BLOCK, Severity.ERROR} for row in rows):
        return Found(Part.DOMAIN, Stand.REPAIR, known.public_id)
    open_rows = any(row.severity is Severity.UNKNOWN and not row.is_minor for row in rows)
    return Found(Part.DOMAIN, Stand.UNKNOWN if open_rows else Stand.FINE, known.public_id)


def _balance(session: Session, organisation: Organisation) -> Found:
    """Return whether any list was asked for more than it was given; unknown where no letter says what it is for."""
    lists = [each for each in mailing_list.all_of(session, organisation) if not each.is_service]
    balances = [(each, trust_account.balance_of_list(session, each.id)) for each in lists]
    told = [(each, balance) for each, balance in balances if balance.gave or balance.asked]
    if not told:
        return Found(Part.BALANCE, Stand.UNKNOWN)
    low = next((each for each, balance in told if balance.total < each.trust_floor), None)
    return Found(Part.BALANCE, Stand.REPAIR if low else Stand.FINE, low.public_id if low else "")


def words(part: Part, stand: Stand) -> str:
    """Say how a part stands, in a few words."""
    name = {
        Part.COMPLAINTS: language.text("Complaints"),
        Part.DOMAIN: language.text("Proofs of your domain"),
        Part.BOUNCES: language.text("Mails that came back"),
        Part.LEAVING: language.text("People who left"),
        Part.BALANCE: language.text("Given against asked"),
    }[part]
    match stand:
        case Stand.FINE:
            return language.text("%(part)s: fine", part=name)
        case Stand.REPAIR:
            return language.text("%(part)s: repair this", part=name)
        case Stand.UNKNOWN:
            return language.text("%(part)s: not known", part=name)

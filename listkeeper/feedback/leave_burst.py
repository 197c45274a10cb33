"""Many who leave in one minute, all with one mailbox provider: that looks like a scanner which presses every button.

Its owner sees it, with the evidence. Everyone stays where the press has put
them, whatever the owner thinks: only the person's own undo, on the page that
said good-bye, brings a person back (promise 4).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from listkeeper.accounts.organisation import Organisation
from listkeeper.audience.consent import ConsentEvent, EventKind, Method
from listkeeper.audience.subscriber import Subscriber
from listkeeper.campaigns import revision as revisions
from listkeeper.campaigns.campaign import Campaign
from listkeeper.deliverability import mail_provider
from listkeeper.foundation import clock
from listkeeper.sending import incident, watch_words
from listkeeper.sending.delivery import TAKEN, Delivery
from listkeeper.sending.incident import Incident, IncidentKind

WINDOW = timedelta(minutes=1)
# So many of one provider in one minute, so many thousandths of those the letter reached there, and so many times what
# is usual: of a letter to fifty thousand, ten who leave in a minute are people.
ENOUGH, SHARE, TIMES = 5, 20, 5
_USUAL_OVER = timedelta(hours=24)
_SHOWN_FOR = timedelta(days=1)
# Only the newest events are looked at, by their numbers: a list that lives long has millions.
_NEWEST = 20_000
_BY_A_PRESS = (Method.ONE_CLICK, Method.PAGE)


@dataclass(frozen=True)
class Burst:
    """People of one mailbox provider who left one letter within a minute.

    ``of`` is how many it reached there; ``usual`` is how many leave in a minute otherwise, as counted over a day
    before; ``lasted`` is the time between the first and the last.
    """

    provider: str
    campaign_id: int
    number: int
    of: int
    first_at: datetime
    lasted: timedelta
    usual: float

    @property
    def looks_like_a_scanner(self) -> bool:
        """Whether people do not leave like that."""
        many = self.number >= ENOUGH and self.number * 1000 >= SHARE * self.of
        return many and self.number >= TIMES * self.usual


def look(session: Session, organisation: Organisation, *, since: timedelta = WINDOW) -> list[Burst]:
    """Return the bursts of the last minute, or of a longer time, the largest first."""
    moment = clock.now()
    found = _left(session, organisation, moment - since, moment)
    bursts = []
    for provider, campaign_id, number, first, last in found:
        if number < ENOUGH:
            continue
        before = _left(session, organisation, moment - since - _USUAL_OVER, moment - since, provider)
        usual = sum(row[2] for row in before) * (since / _USUAL_OVER)
        reached = _reached(session, provider, campaign_id)
        burst = Burst(provider, campaign_id, number, reached, first, last - first, usual)
        if burst.looks_like_a_scanner:
            bursts.append(burst)
    return sorted(bursts, key=lambda burst: -burst.number)


def tell(session: Session, organisation: Organisation) -> list[Incident]:
    """Show the owner the bursts of the last minute; one that goes on is one incident, over a day after its end."""
    told = []
    for burst in look(session, organisation):
        letter = session.get_one(Campaign, burst.campaign_id)
        facts = {
            "number": burst.number,
            "of": burst.of,
            "receiver": mail_provider.name(burst.provider) or _host(session, burst),
            "letter": revisions.numbered(session, letter.id, letter.version).subject,
            "campaign": letter.public_id,
            "seconds": max(1, round(burst.lasted.total_seconds())),
            "usual": round(burst.usual, 2),
            "first_at": clock.as_text(burst.first_at),
        }
        words = watch_words.said(IncidentKind.LEAVE_BURST, facts)
        told.append(incident.report(session, IncidentKind.LEAVE_BURST, words, facts, provider=burst.provider))
    for row in incident.standing(session):
        if row.kind is IncidentKind.LEAVE_BURST and row.opened_at < clock.now() - _SHOWN_FOR:
            incident.over(session, row.kind, provider=row.provider)
    return told


def _host(session: Session, burst: Burst) -> str:
    """Return the domain of most who left, where their provider is a host in no table."""
    query = (
        select(Subscriber.email_send)
        .join(Delivery, Delivery.subscriber_id == Subscriber.id)
        .where(Delivery.campaign_id == burst.campaign_id, Delivery.provider == burst.provider)
        .limit(_NEWEST)
    )
    domains = Counter(address.rpartition("@")[2] for address in session.scalars(query))
    return domains.most_common(1)[0][0] if domains else burst.provider


def _reached(session: Session, provider: str, campaign_id: int) -> int:
    query = select(func.count()).where(
        Delivery.campaign_id == campaign_id, Delivery.state.in_(TAKEN), Delivery.provider == provider
    )
    return session.scalar(query) or 0


def _left(
    session: Session, organisation: Organisation, begin: datetime, end: datetime, provider: str | None = None
) -> list[tuple[str, int, int, datetime, datetime]]:
    query = (
        select(
            Delivery.provider, Delivery.campaign_id, func.count(), func.min(ConsentEvent.at), func.max(ConsentEvent.at)
        )
        .join(Delivery, Delivery.id == ConsentEvent.delivery_id)
        .where(
            ConsentEvent.id > select(func.max(ConsentEvent.id) - _NEWEST).scalar_subquery(),
            ConsentEvent.organisation_id == organisation.id,
            ConsentEvent.kind == EventKind.WITHDRAWN,
            ConsentEvent.method.in_(_BY_A_PRESS),
            ConsentEvent.at > begin,
            ConsentEvent.at <= end,
            Delivery.provider.is_not(None),
            Delivery.campaign_id.is_not(None),
        )
        .group_by(Delivery.provider, Delivery.campaign_id)
    )
    if provider is not None:
        query = query.where(Delivery.provider == provider)
    return [
        (row[0], row[1], row[2], row[3], row[4])
        for row in session.execute(query)
        if row[0] is not None and row[1] is not None
    ]

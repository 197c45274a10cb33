"""How the receivers stand to us, in words: who asks us to slow down, whose door is shut, who refuses our domain.

The shells look at the shared buckets (``parts.slowed``) and pass what they saw;
here it is joined with what of a letter waits for each of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from listkeeper.campaigns.campaign import Campaign
from listkeeper.deliverability import mail_provider
from listkeeper.foundation import language
from listkeeper.sending.delivery import WAITING, Delivery, DeliveryState
from listkeeper.sending.pacing.pace import Memory

_OPEN = (*WAITING, DeliveryState.LEASED)


class Stands(StrEnum):
    """How one receiver stands to us."""

    SLOWED = "slowed"
    SHUT = "shut"
    REFUSES = "refuses"


@dataclass(frozen=True)
class Slowed:
    """Every receiver that is slowed, by (sending domain, receiver), as the queue server had it at a moment.

    ``known`` is False when it could not be asked: then nothing here means that all is well.
    """

    at: datetime
    found: Mapping[tuple[str, str], Memory]
    known: bool = True


UNKNOWN = Slowed(datetime.fromtimestamp(0, UTC), {}, known=False)


@dataclass(frozen=True)
class ReceiverState:
    """One receiver that is not served at full speed, and what of a letter waits for it (``share`` in thousandths).

    ``provider`` is a name of ``mail_provider``, or ``other`` for all small hosts together.
    """

    provider: str
    name: str
    stands: Stands
    until: datetime | None
    waiting: int
    share: int
    sentence: str


def states(session: Session, campaign: Campaign, domain: str, slowed: Slowed) -> list[ReceiverState]:
    """Return the receivers that keep some of a letter waiting, the worst first; ``domain`` is what it is sent as."""
    memories = {provider: state for (name, provider), state in slowed.found.items() if name == domain and state}
    counted = _waiting(session, campaign.id, list(memories))
    groups: dict[str, list[str]] = {}
    for provider in memories:
        groups.setdefault(mail_provider.kind(provider), []).append(provider)
    found = [
        _state(
            kind, [memories[name] for name in names], sum(counted.get(name, 0) for name in names), campaign, slowed.at
        )
        for kind, names in groups.items()
    ]
    order = list(Stands)
    return sorted((one for one in found if one.waiting), key=lambda one: (-order.index(one.stands), -one.waiting))


def _waiting(session: Session, campaign_id: int, providers: list[str]) -> dict[str, int]:
    if not providers:
        return {}
    query = (
        select(Delivery.provider, func.count())
        .where(Delivery.campaign_id == campaign_id, Delivery.state.in_(_OPEN), Delivery.provider.in_(providers))
        .group_by(Delivery.provider)
    )
    return {row[0]: row[1] for row in session.execute(query) if row[0] is not None}


def _state(kind: str, memories: list[Memory], waiting: int, campaign: Campaign, at: datetime) -> ReceiverState:
    shut = max(state.get("shut", 0.0) for state in memories)
    until = datetime.fromtimestamp(shut, UTC) if shut > at.timestamp() else None
    if any("held" in state for state in memories):
        stands = Stands.REFUSES
    else:
        stands = Stands.SHUT if until is not None else Stands.SLOWED
    share = round(1000 * waiting / max(1, campaign.recipients))
    small = kind == mail_provider.OTHER
    name = mail_provider.name(kind) or language.text("Some small mail servers")
    said = _sentence(stands, name, until, at, many=small)
    return ReceiverState(kind, name, stands, until, waiting, share, f"{said} {_part(share)}")


def _part(share: int) -> str:
    if share < 1:
        return language.text("Less than a thousandth of the letter waits for it.")
    return language.text("%(share)s of the letter waits for it.", share=language.share(share))


def _sentence(stands: Stands, name: str, until: datetime | None, at: datetime, *, many: bool) -> str:
    match stands:
        case Stands.REFUSES:
            if many:
                return language.text("Some small mail servers refuse our domain: see Domains.")
            return language.text("%(receiver)s refuses our domain: see Domains.", receiver=name)
        case Stands.SHUT:
            seconds = ((until or at) - at) / timedelta(seconds=1)
            minutes = max(1, round(seconds / 60))
            if many:
                return language.counted(
                    "Some small mail servers asked us to stay away; we come back in %(number)s minute.",
                    "Some small mail servers asked us to stay away; we come back in %(number)s minutes.",
                    minutes,
                )
            return language.counted(
                "%(receiver)s asked us to stay away; we come back in %(number)s minute.",
                "%(receiver)s asked us to stay away; we come back in %(number)s minutes.",
                minutes,
                receiver=name,
            )
        case Stands.SLOWED:
            if many:
                return language.text("Some small mail servers ask us to slow down.")
            return language.text("%(receiver)s asks us to slow down.", receiver=name)

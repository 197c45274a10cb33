"""How each way to send stands, for people who look: its share of which mail, and whether it works. Nothing secret."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy.orm import Session

from listkeeper.foundation import language
from listkeeper.sending import relay_offer
from listkeeper.sending.handing_over import way_choice, way_trouble
from listkeeper.sending.handing_over.way import SIGN_ANEW, Way


class WayStands(StrEnum):
    """``unknown`` until somebody has spoken with it: never good by itself."""

    WORKS = "works"
    TROUBLE = "trouble"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class WayState:
    """One way: how much of which mail it carries, and how it stands."""

    way: Way
    share: str
    stands: WayStands
    # What a worker was told when it is in trouble, and since when; else when it last answered.
    trouble: str = ""
    at: datetime | None = None
    # What its owner has to know of it.
    remark: str = ""


def every(session: Session, ways: Sequence[Way]) -> list[WayState]:
    """Return the state of each way, in the order of the settings."""
    names = [way.name for way in ways]
    troubles, seen = way_trouble.of(session, names), relay_offer.last_seen(session, names)
    found = []
    for way in ways:
        share, trouble, at = _share(way, ways), troubles.get(way.name), seen.get(way.name)
        if trouble is not None:
            found.append(WayState(way, share, WayStands.TROUBLE, trouble.words, trouble.since, _remark(way)))
        else:
            stands = WayStands.WORKS if at is not None else WayStands.UNKNOWN
            found.append(WayState(way, share, stands, at=at, remark=_remark(way)))
    return found


def _remark(way: Way) -> str:
    if way.kind in SIGN_ANEW:
        return language.text("Our signature does not survive this way. Verify your domain there, so that it signs.")
    return ""


def _share(way: Way, ways: Sequence[Way]) -> str:
    """Say how much of which mail a way carries; of a single way there is nothing to say."""
    if len(ways) == 1 and not way.domains:
        return ""
    beside = sum(other.weight for other in way_choice.fitting(ways, way.domains[0] if way.domains else ""))
    if beside and not way.weight:
        return language.text("Only while no other way can carry it")
    share = language.share(round(1000 * way.weight / beside) if beside else 1000)
    if way.domains:
        domains = language.listed(way.domains)
        return language.text("%(share)s of the mail from %(domains)s", share=share, domains=domains)
    if any(other.domains for other in ways):
        return language.text("%(share)s of the mail from other domains", share=share)
    return language.text("%(share)s of the mail", share=share)

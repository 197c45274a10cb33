"""How mail leaves, as the settings show it: each way with its share and its state, and nothing of what is secret."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from listkeeper.deliverability.finding import Verdict
from listkeeper.foundation import language
from listkeeper.sending import relay_offer, way_choice, way_trouble
from listkeeper.sending.way import SIGN_ANEW, Way
from listkeeper.web.studio import page, words


@dataclass(frozen=True)
class Leaving:
    """One way: where mail leaves, how much of it, and how the way stands."""

    shown: str
    share: str
    said: words.Said
    # What a worker was told when it is in trouble, and since when; else when it last answered.
    trouble: str = ""
    at: datetime | None = None
    # What its owner has to know of it.
    remark: str = ""


def every(session: Session) -> list[Leaving]:
    """Return the ways, in the order of the settings; none in practice mode."""
    ways = page.settings().sending_ways
    names = [way.name for way in ways]
    troubles, seen = way_trouble.of(session, names), relay_offer.last_seen(session, names)
    found = []
    for way in ways:
        share, trouble = _share(way, ways), troubles.get(way.name)
        if trouble is not None:
            said = words.verdict(Verdict.WRONG)
            found.append(Leaving(way.shown, share, said, trouble.words, trouble.since, _remark(way)))
        else:
            said = words.verdict(Verdict.RIGHT if way.name in seen else Verdict.UNKNOWN)
            found.append(Leaving(way.shown, share, said, at=seen.get(way.name), remark=_remark(way)))
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

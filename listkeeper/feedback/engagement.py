"""What people did with a letter: who followed a link, told from machines; each number read from running totals.

Counted are only mails of readers who chose it, by name or as a number
(``audience.tracking``); of everybody else nothing is known, and nothing is
guessed. The headline is always humans. What a machine did, and what nobody can
tell, is told beside it and added to nothing (``engagement_rules``).

How many are counted is told as each copy arrives (``sending.counted_copy``) and
never taken back: whoever leaves, moves to another list or chooses anew stays in
what a letter's share is a share of, as her visits do in the share.

A visit is judged a few minutes after it was made (``engagement_judging``). Of
who is counted as a number nobody knows the provider, nor, after a day, whether
two visits are of one mail: a reader who comes back later may count twice.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session

from listkeeper.sending import engagement_tally
from listkeeper.sending.engagement_tally import CLICKS, OPENS, What
from listkeeper.sending.link_visit import Verdict


@dataclass(frozen=True)
class Counts:
    """Visits by what made them."""

    human: int = 0
    machine: int = 0
    unknown: int = 0


@dataclass(frozen=True)
class Engagement:
    """What is known of a letter, or of a part of it.

    ``counted`` are mails that arrived and are counted, ``clickers`` those of them from which a human followed at least
    one link; ``clicks`` and ``opens`` are visits. Opens are rough, and 0 where nobody agreed; they are of ``pictured``
    mails, as a yes by name may be for links alone.
    """

    counted: int = 0
    clickers: int = 0
    clicks: Counts = field(default_factory=Counts)
    opens: Counts = field(default_factory=Counts)
    pictured: int = 0


def of_campaign(session: Session, campaign_id: int) -> Engagement:
    """Return what was done with a letter."""
    return _made(engagement_tally.sums(session, campaign_id=campaign_id))


def of_revision(session: Session, revision_id: int) -> Engagement:
    """Return what was done with one of the letters of a trial."""
    return _made(engagement_tally.sums(session, revision_id=revision_id))


def by_link(session: Session, campaign_id: int) -> dict[int, Counts]:
    """Return the visits of each link that was followed at all, by the number of its row (``campaigns.link``)."""
    found = _grouped(engagement_tally.sums(session, "link_id", campaign_id=campaign_id))
    return {number: _counts(said, CLICKS) for number, said in found.items() if number}


def by_provider(session: Session, campaign_id: int) -> dict[str, Engagement]:
    """Return what was done with a letter by its readers' mailbox provider (``sending.tally.provider_kind``).

    Under ``unknown`` stands who is counted as a number: to say where would help to say who.
    """
    found = _grouped(engagement_tally.sums(session, "provider", campaign_id=campaign_id))
    return {provider: _of(said) for provider, said in found.items()}


def _grouped(rows: Iterable[tuple[Any, ...]]) -> dict[Any, dict[What, int]]:
    found: dict[Any, dict[What, int]] = defaultdict(dict)
    for key, what, number in rows:
        found[key][what] = number
    return found


def _made(rows: Iterable[Any]) -> Engagement:
    return _of(dict(rows))


def _of(said: dict[What, int]) -> Engagement:
    clickers = said.get(What.CLICKER, 0)
    # Who is counted as a number and comes back another day may be counted twice; no share is more than all.
    counted = max(said.get(What.COUNTED, 0), clickers)
    return Engagement(counted, clickers, _counts(said, CLICKS), _counts(said, OPENS), said.get(What.PICTURED, 0))


def _counts(said: dict[What, int], names: dict[Verdict, What]) -> Counts:
    return Counts(*(said.get(names[verdict], 0) for verdict in (Verdict.HUMAN, Verdict.MACHINE, Verdict.UNKNOWN)))

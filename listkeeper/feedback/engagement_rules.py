"""Who followed a link: a human, a machine, or nobody can tell. Pure rules, each verdict with its reason.

What is said of one visit rests on the other visits of the same mail around it.
Whoever adds a rule asks it first whether it would ever take a machine for a
human: a doubt is ``unknown``, which no headline counts.

* What calls itself a program is one, and so is whatever follows a link that no human can see (the canary).
* Nobody follows three links within ten seconds, nor all of a letter's, nor one again and again.
* What comes within seconds of the hand-over is more often a filter than a reader who sat waiting.
* A mail program's own picture store fetches for a person, or for nobody: it says nothing of either.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

from listkeeper.campaigns.link import LinkRole
from listkeeper.sending.link_visit import Agent, Verdict

# Seconds before and behind a visit in which the canary of its mail speaks for it.
CANARY_SECONDS = 120.0
BURST_SECONDS = 10.0
BURST_LINKS = 3
AGAIN_SECONDS = 60.0
AGAIN_TIMES = 4
AT_ONCE_SECONDS = 8.0
# Two letters' worth of links: with one link, "all of them" is what every reader follows.
_SEVERAL = 2


class Why(StrEnum):
    """The reason for a verdict."""

    NOTHING_AGAINST = "nothing_against"
    AGENT = "agent"
    CANARY = "canary"
    BURST = "burst"
    AGAIN = "again"
    AT_ONCE = "at_once"
    PROXY = "proxy"
    # The visit belongs to no mail (any more), so nothing around it is known.
    NO_MAIL = "no_mail"


class Seen(NamedTuple):
    """One visit as the rules see it; ``at`` in seconds of any clock, the same for all visits of a mail."""

    link: int
    role: LinkRole
    at: float
    agent: Agent


class Judged(NamedTuple):
    """A verdict and its reason."""

    verdict: Verdict
    why: Why


_MACHINE, _HUMAN, _UNKNOWN = Verdict.MACHINE, Verdict.HUMAN, Verdict.UNKNOWN


def judge(one: Seen, of_mail: Sequence[Seen], *, links: int, handed: float | None = None) -> Judged:
    """Judge one visit by itself and by all visits of its mail around it, itself among them.

    ``links`` is how many links the letter has; ``handed`` when the mail was handed over, where that is known.
    Without any visits of a mail (``of_mail`` empty) it belongs to none.
    """
    if one.role is LinkRole.CANARY:
        return Judged(_MACHINE, Why.CANARY)
    if one.agent is Agent.PROGRAM:
        return Judged(_MACHINE, Why.AGENT)
    if one.agent is Agent.PROXY:
        # It fetches pictures for people. What follows links under its name is none.
        is_picture = one.role is LinkRole.PICTURE
        return Judged(_UNKNOWN, Why.PROXY) if is_picture else Judged(_MACHINE, Why.AGENT)
    if not of_mail:
        return Judged(_UNKNOWN, Why.NO_MAIL)
    return _by_the_others(one, of_mail, links, handed)


def _by_the_others(one: Seen, of_mail: Sequence[Seen], links: int, handed: float | None) -> Judged:
    if any(each.role is LinkRole.CANARY and _near(one, each, CANARY_SECONDS) for each in of_mail):
        return Judged(_MACHINE, Why.CANARY)
    if one.role is LinkRole.LINK:
        if _is_burst(one, of_mail, links):
            return Judged(_MACHINE, Why.BURST)
        if sum(each.link == one.link and _near(one, each, AGAIN_SECONDS) for each in of_mail) >= AGAIN_TIMES:
            return Judged(_MACHINE, Why.AGAIN)
    if handed is not None and one.at - handed < AT_ONCE_SECONDS:
        return Judged(_UNKNOWN, Why.AT_ONCE)
    return Judged(_HUMAN, Why.NOTHING_AGAINST)


def _near(one: Seen, other: Seen, seconds: float) -> bool:
    return abs(one.at - other.at) <= seconds


def _is_burst(one: Seen, of_mail: Sequence[Seen], links: int) -> bool:
    """Return whether the visit is one of so many different links that fit into ten seconds."""
    enough = min(BURST_LINKS, links) if links >= _SEVERAL else BURST_LINKS
    around = sorted(
        (each.at, each.link) for each in of_mail if each.role is LinkRole.LINK and _near(one, each, BURST_SECONDS)
    )
    for start, (begins, _link) in enumerate(around):
        if begins > one.at:
            return False
        within = {link for at, link in around[start:] if at - begins <= BURST_SECONDS}
        if begins + BURST_SECONDS >= one.at and len(within) >= enough:
            return True
    return False

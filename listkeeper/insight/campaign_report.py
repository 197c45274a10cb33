"""What came of a letter: three numbers, each beside what is usual here, what was believed, and one next step.

The numbers are readers: who followed a link (people, of those whose clicks are
counted), who wrote back, who left. Machines are told apart before
(``feedback.engagement``). Large letters are not counted here but looked up
(``feedback.letter_figures``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from listkeeper.audience import activity, leaving_reason, posted_event
from listkeeper.audience.activity import ActivityKind
from listkeeper.audience.leaving_reason import LeavingReason, Why
from listkeeper.audience.posted_event import Sum
from listkeeper.audience.thread import Conversation
from listkeeper.campaigns import assumption
from listkeeper.campaigns.assumption import Assumption, Measure, Verdict
from listkeeper.campaigns.campaign import Campaign, CampaignKind, CampaignState
from listkeeper.campaigns.link import CampaignLink, LinkRole
from listkeeper.feedback import engagement, letter_figures
from listkeeper.feedback.engagement import Counts, Engagement
from listkeeper.feedback.letter_figures import AtProvider, Figures
from listkeeper.insight import next_step
from listkeeper.insight.next_step import Next

# What is usual is the middle of so many letters before, of those that went to enough people to say anything.
_BEFORE = 5
_LEAST_PEOPLE = 20
_LEAVING = frozenset({CampaignState.SENDING, CampaignState.PAUSED})
_ORDER = "order"
# So many of who wrote back are named; the others are found among the replies.
_NAMED = 5


@dataclass(frozen=True)
class Share:
    """Some of some people; ``usual`` is the share (0 to 1) that letters to this list have, where that is known."""

    hits: int
    people: int
    usual: float | None = None

    @property
    def value(self) -> float | None:
        """The share, 0 to 1; None of nobody."""
        return min(self.hits / self.people, 1.0) if self.people > 0 else None

    @property
    def verdict(self) -> Verdict:
        """How it compares with what is usual, as far as chance lets that be said."""
        if self.usual is None:
            return Verdict.NOTHING
        if self.usual == 0:
            low, _high = assumption.between(self.hits, self.people)
            return Verdict.MORE if low > 0 and self.hits > 1 else Verdict.AS_BELIEVED
        return assumption.judge(round(self.usual * assumption.WHOLE), self.hits, self.people)


@dataclass(frozen=True)
class Judged:
    """What was believed, and what came: ``low`` to ``high`` (0 to 1) is what chance leaves open."""

    believed: Assumption
    share: Share
    low: float
    high: float
    verdict: Verdict


@dataclass(frozen=True)
class Place:
    """One link of the letter, under its number on the map, and the clicks on it."""

    number: int
    url: str
    clicks: Counts


@dataclass(frozen=True)
class Provider:
    """What became of the letter at one mailbox provider, and how many there followed a link."""

    provider: str
    figures: AtProvider
    engagement: Engagement


@dataclass(frozen=True)
class Report:
    """All that a report says."""

    leaving: bool
    counted_at: datetime
    recipients: int
    whole: AtProvider
    engagement: Engagement
    clicked: Share
    replied: Share
    left: Share
    complained: int
    # How many letters before are compared with.
    before: int
    judged: Judged | None
    places: Sequence[Place]
    providers: Sequence[Provider]
    sums: Sequence[Sum]
    # Given for leaving the list since the letter went, by whomever: no answer names a letter.
    reasons: dict[Why, int]
    # Who wrote back and waits for an answer.
    waiting: int
    # Some of who wrote back, those who wait first.
    answers: Sequence[Conversation]
    next: Next


def of(session: Session, letter: Campaign) -> Report:
    """Return the report of a letter that has begun to leave; of one that has not, a report of nothing."""
    figures = letter_figures.of(session, letter)
    whole, counted = figures.whole, engagement.of_campaign(session, letter.id)
    usual = _usual(session, letter)
    sums = posted_event.of_campaign(session, letter.id)
    clicked = Share(counted.clickers, counted.counted, usual.clicked)
    replied = Share(figures.replies, whole.accepted, usual.replied)
    left = Share(whole.left, whole.accepted, usual.left)
    waiting, leaving = letter_figures.waiting(session, letter, figures), letter.state in _LEAVING
    return Report(
        leaving=leaving,
        counted_at=figures.counted_at,
        # What leaves one by one was never planned for so many.
        recipients=letter.recipients or figures.recipients,
        whole=whole,
        engagement=counted,
        clicked=clicked,
        replied=replied,
        left=left,
        complained=whole.complained,
        before=usual.letters,
        judged=_judged(letter, clicked, replied, left, sums),
        places=places(session, letter),
        providers=_providers(session, letter, figures),
        sums=sums,
        reasons=_reasons(session, letter),
        waiting=waiting,
        answers=letter_figures.newest_answers(session, letter, figures, _NAMED),
        next=next_step.choose(
            whole,
            leaving=leaving,
            waiting=waiting,
            counted=counted.counted,
            clickers=counted.clickers,
            known=activity.did(session, letter.id, ActivityKind.CLICKED),
        ),
    )


@dataclass(frozen=True)
class _Usual:
    """What the letters before brought in the middle, and how many of them could be asked."""

    letters: int
    clicked: float | None
    replied: float | None
    left: float | None


def _usual(session: Session, letter: Campaign) -> _Usual:
    query = (
        select(Campaign)
        .where(Campaign.list_id == letter.list_id, Campaign.kind == CampaignKind.LETTER, Campaign.id != letter.id)
        .where(Campaign.state == CampaignState.FINISHED, Campaign.started_at.is_not(None))
        .order_by(Campaign.started_at.desc(), Campaign.id.desc())
        .limit(_BEFORE)
    )
    if letter.started_at is not None:
        query = query.where(Campaign.started_at < letter.started_at)
    clicked: list[Share] = []
    replied: list[Share] = []
    left: list[Share] = []
    for each in session.scalars(query).all():
        if (figures := letter_figures.quickly(session, each)) is None:
            continue
        counted, whole = engagement.of_campaign(session, each.id), figures.whole
        clicked.append(Share(counted.clickers, counted.counted))
        replied.append(Share(figures.replies, whole.accepted))
        left.append(Share(whole.left, whole.accepted))
    return _Usual(len(replied), _middle(clicked), _middle(replied), _middle(left))


def _middle(shares: Sequence[Share]) -> float | None:
    """Return the middle of the shares of enough people; None where there are not two of them."""
    known = [each.value for each in shares if each.value is not None and each.people >= _LEAST_PEOPLE]
    return median(known) if len(known) > 1 else None


def _judged(letter: Campaign, clicked: Share, replied: Share, left: Share, sums: Sequence[Sum]) -> Judged | None:
    believed = assumption.of(letter)
    if believed is None:
        return None
    # Only counted links carry the mark by which an order is known to be the letter's.
    ordered = Share(sum(each.number for each in sums if each.name == _ORDER), clicked.people)
    share = {Measure.CLICKS: clicked, Measure.REPLIES: replied, Measure.LEFT: left, Measure.ORDERS: ordered}[
        believed.measure
    ]
    low, high = assumption.between(share.hits, share.people)
    verdict = assumption.judge(believed.value, share.hits, share.people)
    return Judged(believed, share, low, high, verdict)


def places(session: Session, letter: Campaign) -> list[Place]:
    """Return the links of the letter that went; clicks on the same address in another letter of a trial count along."""
    counts = engagement.by_link(session, letter.id)
    sent = CampaignLink.revision_id == letter.sent_revision_id
    query = (
        select(CampaignLink.id, CampaignLink.url)
        # The canary, which no human can see, is none of the letter's own links.
        .where(CampaignLink.role == LinkRole.LINK, sent | CampaignLink.id.in_(list(counts)))
        # Those of the letter that went come first, in its order.
        .order_by(case((sent, 0), else_=1), CampaignLink.position, CampaignLink.id)
    )
    clicks: dict[str, Counts] = {}
    for number, url in session.execute(query):
        had, more = clicks.get(url, Counts()), counts.get(number, Counts())
        clicks[url] = _sum(had, more)
    return [Place(number, url, found) for number, (url, found) in enumerate(clicks.items(), 1)]


def _providers(session: Session, letter: Campaign, figures: Figures) -> list[Provider]:
    """Return what became of it by provider, the one that took most first."""
    found = engagement.by_provider(session, letter.id)
    names = {*figures.providers, *found}
    rows = [
        Provider(name, figures.providers.get(name, AtProvider()), found.get(name) or Engagement(counted=0))
        for name in names
    ]
    return sorted(rows, key=lambda row: (-row.figures.accepted, -row.figures.bounced, row.provider))


def _sum(one: Counts, other: Counts) -> Counts:
    return Counts(one.human + other.human, one.machine + other.machine, one.unknown + other.unknown)


def _reasons(session: Session, letter: Campaign) -> dict[Why, int]:
    if letter.started_at is None:
        return {}
    day = letter.started_at.replace(hour=0, minute=0, second=0, microsecond=0)
    query = (
        select(LeavingReason.reason, func.count())
        .where(LeavingReason.list_id == letter.list_id, LeavingReason.day >= day)
        .group_by(LeavingReason.reason)
    )
    found = {row[0]: row[1] for row in session.execute(query)}
    return {why: found[why] for why in leaving_reason.Why if why in found}

"""Growth: who asked and said yes by month and source, who of them stayed, and how large the list was.

All of it is added up from ``growth_count``. A month's share is said as per cent
only where enough people stand behind it: three of four are three of four.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from sqlalchemy.orm import Session

from listkeeper.accounts import storefront
from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import followers, source
from listkeeper.audience.followers import FollowerCount
from listkeeper.audience.mailing_list import MailingList
from listkeeper.audience.source import Channel, Source
from listkeeper.audience.subscription import SubscriptionState
from listkeeper.foundation import clock, figure, language
from listkeeper.insight import growth_count, month
from listkeeper.insight.brought import per_mille
from listkeeper.insight.growth_count import Count

S = SubscriptionState
MOST_MONTHS = 24
COHORT_MONTHS = 12
# A share of fewer people says more of chance than of anything else.
ENOUGH = 20
_BECAME = {
    S.CONFIRMED: "here", S.UNSUBSCRIBED: "left", S.COMPLAINED: "complained", S.BOUNCED: "bounced", S.LAPSED: "lapsed",
}  # fmt: skip


@dataclass
class Tally:
    """How many asked, said yes, and what became of those; the last five add up to ``joined``."""

    asked: int = 0
    joined: int = 0
    here: int = 0
    left: int = 0
    complained: int = 0
    bounced: int = 0
    lapsed: int = 0

    def add(self, count: Count) -> None:
        """Add people of one story. Who came with a file never asked here."""
        self.asked += 0 if count.by_file else count.people
        if _joined(count):
            name = _BECAME[count.state]
            self.joined += count.people
            setattr(self, name, getattr(self, name) + count.people)


@dataclass(frozen=True)
class MonthRow:
    """One month: who asked in it and what came of that; who joined and who was lost; the list at its end."""

    month: str
    came: Tally
    joined: int
    lost: int
    size: int


@dataclass(frozen=True)
class Cohort:
    """Those who joined in one month: how many, and how many were there at its end and at that of each later one."""

    month: str
    joined: int
    still: Sequence[int]


@dataclass(frozen=True)
class OwnedRow:
    """One month end: people on the list, followers by the last counts until then, and people for 1,000 followers."""

    month: str
    size: int
    followers: int
    per_mille: int | None


@dataclass(frozen=True)
class Growth:
    """All that the page shows; ``sources`` has None for no link, and ``by_file`` who was brought by a file."""

    counted_at: datetime
    total: Tally
    months: Sequence[MonthRow]
    sources: Sequence[tuple[Source | None, Tally]]
    by_file: Tally
    cohorts: Sequence[Cohort]
    owned: Sequence[OwnedRow]


def of(session: Session, organisation: Organisation, lists: Sequence[MailingList]) -> Growth:
    """Return the growth of some lists together; whoever is on two of them counts on each."""
    zone = storefront.zone_of(session, organisation)
    counted = growth_count.of_lists(session, organisation, lists)
    now = month.of(clock.now(), zone)
    shown = _months(counted.counts, now)
    rows = _by_month(counted.counts, shown)
    named = {each.id: each for each in source.every(session, organisation)}
    total, by_file = Tally(), Tally()
    for count in counted.counts:
        total.add(count)
        if count.by_file:
            by_file.add(count)
    return Growth(
        counted_at=counted.at,
        total=total,
        months=rows,
        sources=_by_source(counted.counts, named),
        by_file=by_file,
        cohorts=cohorts(counted.counts, now),
        owned=_owned(rows, followers.history(session, organisation)),
    )


def _joined(count: Count) -> bool:
    """Return whether these people were on the list at some time: who was asked again and waits is not on it."""
    return bool(count.joined) and count.state in _BECAME


def _months(counts: Iterable[Count], now: str) -> list[str]:
    first = min((told for count in counts for told in (count.asked, count.joined) if told), default=now)
    return month.from_to(max(min(first, now), month.later(now, 1 - MOST_MONTHS)), now)


def _by_month(counts: Iterable[Count], shown: Sequence[str]) -> list[MonthRow]:
    came = {each: Tally() for each in shown}
    joined: Counter[str] = Counter()
    lost: Counter[str] = Counter()
    for count in counts:
        if not count.by_file and count.asked in came:
            came[count.asked].add(count)
        if _joined(count):
            joined[count.joined] += count.people
            if count.ended:
                lost[max(count.ended, count.joined)] += count.people
    size = sum(number for when, number in joined.items() if when < shown[0])
    size -= sum(number for when, number in lost.items() if when < shown[0])
    rows = []
    for each in shown:
        size += joined[each] - lost[each]
        rows.append(MonthRow(each, came[each], joined[each], lost[each], size))
    return rows


def _by_source(counts: Iterable[Count], named: Mapping[int, Source]) -> list[tuple[Source | None, Tally]]:
    tallies: dict[int, Tally] = {}
    for count in counts:
        if not count.by_file:
            # A source of a list that was taken away is no source any more.
            tallies.setdefault(count.source_id if count.source_id in named else 0, Tally()).add(count)
    ordered = sorted(tallies.items(), key=lambda item: (-item[1].joined, -item[1].asked, item[0]))
    return [(named.get(number), tally) for number, tally in ordered]


def cohorts(counts: Iterable[Count], now: str) -> list[Cohort]:
    """Return those who joined in each of the last months, the oldest first; months without anybody are left out."""
    joined: Counter[str] = Counter()
    ended: Counter[tuple[str, str]] = Counter()
    for count in counts:
        if _joined(count) and not count.by_file:
            joined[count.joined] += count.people
            if count.ended:
                ended[count.joined, max(count.ended, count.joined)] += count.people
    found = []
    for begun in month.from_to(month.later(now, 1 - COHORT_MONTHS), now):
        if not joined[begun]:
            continue
        left, still = joined[begun], []
        for each in month.from_to(begun, now):
            left -= ended[begun, each]
            still.append(left)
        found.append(Cohort(begun, joined[begun], still))
    return found


def _owned(rows: Sequence[MonthRow], counted: Mapping[Channel, Sequence[FollowerCount]]) -> list[OwnedRow]:
    """Return the months since somebody counted followers, each with the last counts until its end."""
    found = []
    for row in rows:
        newest = [
            max(until, key=lambda one: one.counted_on).number
            for history in counted.values()
            if (until := [one for one in history if one.counted_on.strftime("%Y-%m") <= row.month])
        ]
        if newest:
            found.append(OwnedRow(row.month, row.size, sum(newest), per_mille(row.size, sum(newest))))
    return found


def share_said(part: int, whole: int) -> str:
    """Return a share as per cent, or as "3 of 4" where too few people stand behind it; nothing of nobody."""
    if not whole:
        return ""
    if whole < ENOUGH:
        return language.text("%(part)s of %(whole)s", part=language.number(part), whole=language.number(whole))
    return figure.percent(Fraction(part, whole))

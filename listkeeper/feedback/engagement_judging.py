"""Judging visits: each once, a few minutes after it was made, when all that speaks for or against it has happened.

A batch is read and judged by the rules while others write (``weigh``). Then, in
one short transaction, all of it is written down: the verdicts on the visits,
the totals, and what people did (``activity``) of those whose consent stands at
that moment (``write_down``). Run twice, or killed between, it counts nothing
twice: a visit that was judged meanwhile is left out.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple, cast

from sqlalchemy import Table as Schema
from sqlalchemy import bindparam, func, select, update
from sqlalchemy.orm import Session

from listkeeper.audience import activity, tracking
from listkeeper.audience.activity import Act, ActivityKind
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Subscription
from listkeeper.campaigns.link import CampaignLink, LinkRole
from listkeeper.campaigns.revision import Revision
from listkeeper.feedback import engagement_rules
from listkeeper.feedback.engagement_rules import CANARY_SECONDS, Judged, Seen, Why
from listkeeper.foundation import clock, throttle
from listkeeper.foundation.among import among
from listkeeper.foundation.compiled_once import CompiledOnce
from listkeeper.sending import engagement_tally, tally
from listkeeper.sending.delivery import Delivery
from listkeeper.sending.engagement_tally import CLICKS, OPENS, UNKNOWN, Key, What
from listkeeper.sending.link_visit import Agent, LinkVisit, Verdict

AT_ONCE = 1_000
_AROUND = timedelta(seconds=CANARY_SECONDS)
# A visit is judged when nothing that could speak against it is still to come.
WAITS = _AROUND + timedelta(seconds=30)
NUMBERS_KEPT = timedelta(hours=24)
# Nobody does so much with one mail within minutes; nothing more is asked of it.
_FLOOD = 200


class _Visit(NamedTuple):
    id: int
    link_id: int
    delivery_id: int | None
    mail_number: int | None
    at: datetime
    agent: Agent

    @property
    def mail(self) -> int:
        """The mail: a delivery's number, or that of a mail without a name, which is made negative; 0 for none."""
        return self.delivery_id or -(self.mail_number or 0)


class _Place(NamedTuple):
    """Where a link stands: its role, its letter, and how many links that has."""

    role: LinkRole
    revision_id: int
    campaign_id: int
    links: int


class _Letter(NamedTuple):
    """Of a delivery: whose it is, and when and where it went."""

    handed_at: datetime | None
    subscriber_id: int | None
    list_id: int | None
    campaign_id: int | None
    provider: str | None


@dataclass(frozen=True)
class Batch:
    """Visits that wait, and all that is known around them: values, which need no session."""

    visits: Sequence[_Visit]
    places: Mapping[int, _Place]
    letters: Mapping[int, _Letter]
    # What was seen of each mail around these visits; of a flood nothing is looked at.
    around: Mapping[int, Sequence[Seen]]
    floods: frozenset[int]


def judge(session: Session, at_most: int = AT_ONCE) -> int:
    """Judge the oldest visits that wait for it, in one go; return how many there were."""
    weighed = weigh(session, at_most)
    if weighed is not None:
        write_down(session, weighed)
    return len(weighed.visits) if weighed is not None else 0


def weigh(session: Session, at_most: int = AT_ONCE) -> Batch | None:
    """Read the oldest visits that wait, and what is around them; None when none waits. Nothing is changed."""
    asked = {"until": clock.now() - WAITS, "most": at_most}
    visits = [_Visit._make(row) for row in _WAITING.rows(session.connection(), asked)]
    return _gathered(session, visits) if visits else None


def write_down(session: Session, weighed: Batch) -> None:
    """Judge what was read, unless somebody has meanwhile, and write it down."""
    throttle.take_turns(session, "engagement", "judging")
    connection = session.connection()
    waiting = {row[0] for row in _STILL.rows(connection, {"ids": [visit.id for visit in weighed.visits]})}
    batch = replace(weighed, visits=[visit for visit in weighed.visits if visit.id in waiting])
    verdicts = {visit.id: _judged(visit, batch).verdict for visit in batch.visits}
    acts = _acts(session, batch, verdicts)
    numbers = _numbers(session, batch, verdicts)
    for verdict in Verdict:
        ids = [number for number, found in verdicts.items() if found is verdict]
        if ids:
            _WRITE.run(connection, {"ids": ids, "verdict": verdict})
    engagement_tally.add(session, numbers)
    activity.note(session, acts)


def forget_numbers(session: Session) -> None:
    """Let the numbers of mails go that were counted without a name: from then on nothing ties two visits together."""
    old = update(LinkVisit).where(
        LinkVisit.mail_number.is_not(None), LinkVisit.at < clock.now() - NUMBERS_KEPT, LinkVisit.verdict.is_not(None)
    )
    session.execute(old.values(mail_number=None), execution_options={"synchronize_session": False})


_ROWS = cast("Schema", LinkVisit.__table__)
_V = _ROWS.c
_WAITING = CompiledOnce(
    select(_V.id, _V.link_id, _V.delivery_id, _V.mail_number, _V.at, _V.agent)
    .where(_V.verdict.is_(None), _V.at <= bindparam("until", type_=_V.at.type))
    .order_by(_V.at)
    .limit(bindparam("most"))
)
_STILL = CompiledOnce(select(_V.id).where(among(_V.id, "ids"), _V.verdict.is_(None)))
_WRITE = CompiledOnce(
    update(_ROWS).where(among(_V.id, "ids")).values(verdict=bindparam("verdict", type_=_V.verdict.type))
)
_BETWEEN = (_V.at >= bindparam("since", type_=_V.at.type), _V.at <= bindparam("until", type_=_V.at.type))
_LETTERS = CompiledOnce(
    select(
        Delivery.id,
        Delivery.handed_at,
        Delivery.subscriber_id,
        Delivery.list_id,
        Delivery.campaign_id,
        Delivery.provider,
    ).where(among(Delivery.id, "ids"))
)


def _around(column: str) -> CompiledOnce:
    return CompiledOnce(select(_V[column], _V.link_id, _V.at, _V.agent).where(among(_V[column], "mails"), *_BETWEEN))


def _many(column: str) -> CompiledOnce:
    return CompiledOnce(
        select(_V[column])
        .where(among(_V[column], "mails"), *_BETWEEN)
        .group_by(_V[column])
        .having(func.count() > bindparam("most"))
    )


def _humans(column: str) -> CompiledOnce:
    human = _V.verdict == bindparam("verdict", type_=_V.verdict.type)
    return CompiledOnce(select(_V[column], _V.link_id).where(among(_V[column], "mails"), human).distinct())


_KINDS = ("delivery_id", "mail_number")
_AROUND_OF, _MANY_OF, _HUMANS_OF = ({column: made(column) for column in _KINDS} for made in (_around, _many, _humans))


def _by_kind(mails: Iterable[int]) -> list[tuple[str, int, list[int]]]:
    """Return the mails by the column that holds them, with the sign that they have here."""
    known = set(mails) - {0}
    kinds = (("delivery_id", 1), ("mail_number", -1))
    return [(column, sign, [abs(mail) for mail in known if mail * sign > 0]) for column, sign in kinds]


def _gathered(session: Session, visits: Sequence[_Visit]) -> Batch:
    connection = session.connection()
    span = {"since": visits[0].at - _AROUND, "until": visits[-1].at + _AROUND}
    floods: set[int] = set()
    around: dict[int, list[Seen]] = defaultdict(list)
    links = {visit.link_id for visit in visits}
    seen: list[tuple[int, int, datetime, Agent]] = []
    for column, sign, mails in _by_kind(visit.mail for visit in visits):
        if mails:
            told = {**span, "mails": mails, "most": _FLOOD}
            many = {row[0] for row in _MANY_OF[column].rows(connection, told)}
            floods |= {sign * mail for mail in many}
            told = {**span, "mails": [mail for mail in mails if mail not in many]}
            seen += [(sign * row[0], *row[1:]) for row in _AROUND_OF[column].rows(connection, told)]
    places = _places(session, links | {one[1] for one in seen})
    for mail, link_id, at, agent in seen:
        if link_id in places:
            around[mail].append(Seen(link_id, places[link_id].role, at.timestamp(), agent))
    named = [visit.delivery_id for visit in visits if visit.delivery_id]
    letters = {row[0]: _Letter._make(row[1:]) for row in _LETTERS.rows(connection, {"ids": sorted(set(named))})}
    return Batch(visits, places, letters, around, frozenset(floods))


def _places(session: Session, links: Iterable[int]) -> dict[int, _Place]:
    """Return the places of links; one whose letter is gone belongs to none (0)."""
    query = (
        select(
            CampaignLink.id,
            CampaignLink.role,
            func.coalesce(CampaignLink.revision_id, 0),
            func.coalesce(Revision.campaign_id, 0),
        )
        .outerjoin(Revision, Revision.id == CampaignLink.revision_id)
        .where(among(CampaignLink.id, "ids"))
    )
    rows = session.execute(query, {"ids": sorted(links)}).all()
    each = (
        select(CampaignLink.revision_id, func.count())
        .where(among(CampaignLink.revision_id, "ids"), CampaignLink.role == LinkRole.LINK)
        .group_by(CampaignLink.revision_id)
    )
    many = {row[0]: row[1] for row in session.execute(each, {"ids": sorted({row[2] for row in rows})})}
    return {row[0]: _Place(row[1], row[2], row[3], many.get(row[2], 0)) for row in rows}


_GONE = _Place(LinkRole.LINK, 0, 0, 0)


def _judged(visit: _Visit, batch: Batch) -> Judged:
    place = batch.places.get(visit.link_id, _GONE)
    if visit.mail in batch.floods:
        return Judged(Verdict.MACHINE, Why.AGAIN)
    one = Seen(visit.link_id, place.role, visit.at.timestamp(), visit.agent)
    of_mail = batch.around.get(visit.mail, ()) if visit.mail else ()
    letter = batch.letters.get(visit.delivery_id or 0)
    handed = letter.handed_at.timestamp() if letter is not None and letter.handed_at is not None else None
    return engagement_rules.judge(one, of_mail, links=place.links, handed=handed)


def _numbers(session: Session, batch: Batch, verdicts: Mapping[int, Verdict]) -> Counter[Key]:
    numbers: Counter[Key] = Counter()
    first: dict[int, Key] = {}
    for visit in batch.visits:
        place, verdict = batch.places.get(visit.link_id, _GONE), verdicts[visit.id]
        if place.role is LinkRole.CANARY or not place.campaign_id:
            continue
        letter = batch.letters.get(visit.delivery_id or 0)
        provider = tally.provider_kind(letter.provider) if letter is not None else UNKNOWN
        about = (place.campaign_id, place.revision_id)
        if place.role is LinkRole.PICTURE:
            numbers[Key(*about, 0, provider, OPENS[verdict])] += 1
            continue
        numbers[Key(*about, visit.link_id, provider, CLICKS[verdict])] += 1
        if verdict is Verdict.HUMAN:
            first.setdefault(visit.mail, Key(*about, 0, provider, What.CLICKER))
    numbers.update(first[mail] for mail in first.keys() - _known_humans(session, batch, first))
    return numbers


def _known_humans(session: Session, batch: Batch, mails: Iterable[int]) -> set[int]:
    """Return the mails of which a human had followed a link before this batch, or the batch would count her twice."""
    ours = {visit.mail for visit in batch.visits}
    found: list[tuple[int, int]] = []
    for column, sign, wanted in _by_kind(mails):
        if wanted:
            told = {"mails": wanted, "verdict": Verdict.HUMAN}
            found += [(sign * row[0], row[1]) for row in _HUMANS_OF[column].rows(session.connection(), told)]
    places = _places(session, {link_id for _mail, link_id in found})
    return {mail for mail, link_id in found if places.get(link_id, _GONE).role is LinkRole.LINK} & ours


def _acts(session: Session, batch: Batch, verdicts: Mapping[int, Verdict]) -> list[Act]:
    """Return what people did who let it be seen at this moment; they are held until it is written."""
    acts = []
    for visit in batch.visits:
        letter = batch.letters.get(visit.delivery_id or 0)
        is_link = batch.places.get(visit.link_id, _GONE).role is LinkRole.LINK
        if letter is None or letter.subscriber_id is None or letter.list_id is None:
            continue
        if is_link and verdicts[visit.id] is Verdict.HUMAN:
            whose = letter.subscriber_id, letter.list_id
            acts.append(Act(*whose, ActivityKind.CLICKED, visit.at, letter.campaign_id or 0))
    people = sorted({act.subscriber_id for act in acts})
    if not people:
        return []
    # As everybody does who changes what somebody has chosen; whose choice ends meanwhile is then let go of after us.
    held = select(Subscriber.id).where(among(Subscriber.id, "people")).order_by(Subscriber.id)
    session.execute(held.with_for_update(read=True), {"people": people}).all()
    stands = (
        select(Subscription.subscriber_id, Subscription.list_id)
        .join(Subscriber, Subscriber.id == Subscription.subscriber_id)
        .where(among(Subscription.subscriber_id, "people"), tracking.stands())
    )
    seen = {(row[0], row[1]) for row in session.execute(stands, {"people": people})}
    return [act for act in acts if (act.subscriber_id, act.list_id) in seen]

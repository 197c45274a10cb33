"""Pace in a worker: who of a block may go now, what the answers say about it, and ringing when the next are due."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from threading import Timer

import redis
from sqlalchemy.orm import Session

from listkeeper import parts, store
from listkeeper.deliverability.reply_class import ReplyClass
from listkeeper.foundation import clock, log
from listkeeper.foundation.errors import TryAgain
from listkeeper.foundation.outbox import Lane
from listkeeper.jobs import identity
from listkeeper.sending import refusal
from listkeeper.sending.handing_over.transport import Accepted, Outcome
from listkeeper.sending.pacing import pace_news, receivers, warmup
from listkeeper.sending.pacing.pace import Day, Limits, Pace
from listkeeper.sending.pacing.pace_news import Heard, Kind
from listkeeper.sending.pacing.receivers import Block

_SOONEST, _LATEST = 0.2, 5.0
# The queue server's clock is taken as it was at the last answer.
_MOMENT = timedelta(seconds=1)
_KEPT = 2_000
_KEPT_DOMAINS = 50_000
_LOOKED_UP = 300.0
_PLAN_LOOKED_FOR = 30.0
_log = log.get(__name__)
_pace = Pace()
# Of the block in hand: whom each row goes to, and which block it is in.
_receivers: dict[int, str] = {}
_blocks: dict[int, Block] = {}
_limits: dict[str, Limits] = {}
# When each row that was put off lately is due, by the queue server's clock.
_put_off: dict[int, datetime] = {}
# Who keeps the mail of which domain, and which of ours have no warm-up plan; and until when that is believed here.
_known: dict[str, str] = {}
_looked_up: dict[str, float] = {}
_without_plan: dict[str, float] = {}
_bells: dict[Lane, Timer] = {}
_rings_at: dict[Lane, float] = {}


def in_turn(lane: Lane, ids: Sequence[int]) -> list[int] | None:
    """Return which of these leased rows may go now; the others are given back, each due when its turn comes.

    None says that this machine's clock is ahead: what it takes for due is not, and there is nothing to do for it.
    """
    if parts.settings().practice:
        return list(ids)
    with store.reading() as session:
        blocks = receivers.of(session, ids, _known_receivers())
        days = [_day(session, block) for block in blocks]
    _receivers.clear()
    _blocks.clear()
    waits: dict[int, datetime] = {}
    for block, day in zip(blocks, days, strict=True):
        _receivers.update(block.rows)
        _blocks.update(dict.fromkeys((row for row, _ in block.rows), block))
        _limits[block.domain] = limits = _limits_of(block.domain, lane, day)
        waits |= _pace.reserve(parts.queue_server(), block.rows, limits)
    return _sorted_out(lane, ids, waits) if waits else list(ids)


def still(lane: Lane, ids: Sequence[int]) -> list[int]:
    """Return which of these rows in hand may still go: a door may have shut since their block was taken."""
    shut = {domain: closed for domain in _limits if (closed := _pace.closed(domain))}
    if not shut:
        return list(ids)
    waits: dict[int, datetime] = {}
    for domain, closed in shut.items():
        rows = [
            (row, _receivers[row])
            for row in ids
            if row in _blocks and _blocks[row].domain == domain and _receivers[row] in closed
        ]
        waits |= _pace.reserve(parts.queue_server(), rows, _limits[domain])
    if waits:
        _sorted_out(lane, ids, waits)
    return [row for row in ids if row not in waits]


def unused(ids: Sequence[int]) -> None:
    """Give back the slots of rows in hand that go back to the queue unsent: others may have them, today for example."""
    for domain, limits in _limits.items():
        rows = [(row, _receivers[row]) for row in ids if row in _blocks and _blocks[row].domain == domain]
        _pace.give_back(parts.queue_server() if rows else None, rows, limits)


def _known_receivers() -> dict[str, str]:
    """Return what was looked up lately; it is looked up anew after some minutes, when more may be known."""
    if time.monotonic() > _looked_up.get("until", 0.0) or len(_known) > _KEPT_DOMAINS:
        _known.clear()
        _looked_up["until"] = time.monotonic() + _LOOKED_UP
    return _known


def _day(session: Session, block: Block) -> Day | None:
    if time.monotonic() < _without_plan.get(block.domain, 0.0):
        return None
    day = warmup.today(session, block.organisation_id, block.domain)
    if day is None:
        # Whoever starts a plan waits this long for it.
        _without_plan[block.domain] = time.monotonic() + _PLAN_LOOKED_FOR
    return day


def _limits_of(domain: str, lane: Lane, day: Day | None) -> Limits:
    known = parts.settings()
    rates = dict(known.provider_pace)
    return Limits(domain, transport=known.mails_per_second, providers=rates, day=day, urgent=lane is Lane.URGENT)


def _sorted_out(lane: Lane, ids: Sequence[int], waits: Mapping[int, datetime]) -> list[int] | None:
    with store.transaction() as session:
        receivers.put_off(session, waits, _receivers, identity.me())
    too_early = any(_put_off.get(row, _pace.now) > _pace.now + _MOMENT for row in waits)
    if len(_put_off) > _KEPT:
        _put_off.clear()
    _put_off.update(waits)
    _ring_later(lane, min(waits.values()))
    going = [row for row in ids if row not in waits]
    return None if too_early and not going else going


def note(session: Session, outcomes: Mapping[int, Outcome | None]) -> None:
    """Write down, with the answers themselves, whom those rows went to that were not taken, and a new domain's day."""
    told = {number: outcome for number, outcome in outcomes.items() if outcome is not None and number in _receivers}
    receivers.note(
        session, {row: _receivers[row] for row, outcome in told.items() if not isinstance(outcome, Accepted)}
    )
    for block in {id(block): block for block in _blocks.values()}.values():
        if block.domain in _limits and _limits[block.domain].day is not None:
            mine = {row: outcome for row, outcome in told.items() if _blocks[row] is block}
            came = warmup.came_of((outcome, _receivers[row]) for row, outcome in mine.items())
            warmup.count(session, block.organisation_id, block.domain, came)


def receivers_of(rows: Iterable[int]) -> dict[int, str]:
    """Return whom these rows in hand went to, as far as that was looked up."""
    return {row: _receivers[row] for row in rows if row in _receivers}


def heard(outcomes: Mapping[int, Outcome | None]) -> None:
    """Take in what the receivers answered, once it is recorded."""
    domains = set()
    for row, outcome in outcomes.items():
        news = pace_news.kind_of(outcome, _receivers[row]) if row in _receivers else None
        if news is not None:
            kind, said = news
            domain = _blocks[row].domain
            domains.add(domain)
            _pace.heard(_limits[domain], _receivers[row], kind, said=said)
    for domain in domains:
        _follow(domain, _pace.tell(parts.queue_server(), _limits[domain]))


def _follow(domain: str, news: Heard) -> None:
    if not news.refusing and not news.freed:
        return
    try:
        with store.transaction() as session:
            for refusing in news.refusing:
                refusal.begin(session, domain, refusing)
            for provider in news.freed:
                refusal.end(session, domain, provider)
    except TryAgain:
        # The queue is held or freed all the same; only the words about it are missing.
        _log.warning("receiver.not_noted", domain=domain)
    for refusing in news.refusing:
        _log.warning("receiver.refuses", provider=refusing.provider, faults=refusing.faults, of=refusing.of)


def slow(domain: str, provider: str) -> None:
    """Slow a receiver down that has sent mail back because it came too fast, as if it had said so at the door."""
    if parts.settings().practice:
        return
    limits = _limits_of(domain, Lane.SENDING, None)
    _pace.heard(limits, provider, Kind.SLOW, said=ReplyClass.RATE)
    _follow(domain, _pace.tell(parts.queue_server(), limits))


def look_after() -> None:
    """Let go whom nobody complained of for long, hold what an open incident holds, and turn the page of new domains."""
    with store.transaction() as session:
        warmup.turn(session)
        held = [(row.domain, row.provider) for row in refusal.standing(session)]
    try:
        _pace.look(parts.queue_server())
        for domain, provider in held:
            if domain and provider:
                _pace.hold(parts.queue_server(), domain, provider)
    except redis.RedisError as problem:
        _log.warning("pace.not_looked_after", problem=type(problem).__name__)


def _ring_later(lane: Lane, due: datetime) -> None:
    """Ring for a lane when its next row is due: nobody sleeps until then, and one bell a lane is enough."""
    wait = min(max((due - clock.now()).total_seconds(), _SOONEST), _LATEST)
    at = time.monotonic() + wait
    if lane in _bells and _bells[lane].is_alive():
        if _rings_at[lane] <= at:
            return
        _bells[lane].cancel()
    # A worker that ends takes its bell along; the timetable's round finds what is due.
    bell = Timer(wait, parts.ring, ([lane],))
    bell.daemon = True
    _bells[lane], _rings_at[lane] = bell, at
    bell.start()


def forget() -> None:
    """Ring no more, and begin anew: the worker stops."""
    global _pace  # noqa: PLW0603 - one process, one memory of the receivers
    for bell in _bells.values():
        bell.cancel()
    for kept in (_bells, _rings_at, _receivers, _blocks, _limits, _put_off, _known, _looked_up, _without_plan):
        kept.clear()
    _pace = Pace()

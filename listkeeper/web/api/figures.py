"""The figures of ``/metrics``: read from the database and the queue server at each look, cheaply at any size.

Several web servers and workers run side by side, so no number is kept in a
process. What could not be learned is left out rather than said to be nothing.
Labels hold words of a short list, never an address, a name or a domain.
"""

from __future__ import annotations

import contextlib
import platform
from collections import Counter
from collections.abc import Iterator
from datetime import datetime

import redis
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from listkeeper import __version__, parts, store
from listkeeper.audience.proof import checkpoint
from listkeeper.audience.proof.ledger import LedgerHead
from listkeeper.campaigns.campaign import Campaign, CampaignState
from listkeeper.foundation import clock, disk, outbox
from listkeeper.foundation.outbox import Lane
from listkeeper.sending import incident, tally, waiting
from listkeeper.settings import Settings
from listkeeper.standards.exposition import Metric, each
from listkeeper.web import hook_count

# Ends of a hand-over, and attempts that are none. Which they are is said by ``outcome``.
_ENDS = "Hand-overs by what came of them: accepted, deferred (tried again), failed, refused (by the gate), "


def of_build(settings: Settings) -> Iterator[Metric]:
    """Say which program this is."""
    kind = "sqlite" if settings.database_url is None else "postgresql"
    yield Metric("listkeeper_build_info", "The program that answers; always 1.").add(
        1, version=__version__, migration=store.newest_revision(), python=platform.python_version(), database=kind
    )


def of_database(session: Session) -> Iterator[Metric]:
    """Say what the database knows."""
    moment = clock.now()
    yield from _tally(session)
    yield from _queue(session, moment)
    yield each(
        "listkeeper_campaigns", "Letters by state.", "state",
        {state.value: number for state, number in _campaigns(session).items()},
    )  # fmt: skip
    standing = incident.kinds_standing(session)
    yield each(
        "listkeeper_incidents_open", "What stands in the way of sending, by kind.", "kind",
        {kind.value: number for kind, number in standing.items()},
    )  # fmt: skip
    yield from _facts(session)
    yield from _ledger(session, moment)


def _tally(session: Session) -> Iterator[Metric]:
    deliveries = Metric("listkeeper_deliveries_total", f"{_ENDS}cancelled, in_doubt.", "counter")
    providers = Metric("listkeeper_provider_deliveries_total", "The same by mailbox provider.", "counter")
    for kind, number in sorted(tally.totals(session).items()):
        deliveries.add(number, outcome=kind.outcome, lane=kind.lane, message_class=kind.message_class)
        providers.add(number, outcome=kind.outcome, provider=kind.provider)
    yield deliveries
    yield providers


def _queue(session: Session, moment: datetime) -> Iterator[Metric]:
    yield each(
        "listkeeper_queue_oldest_due_seconds", "For how long the oldest mail that may leave has been due; 0: none is.",
        "lane", {lane.value: _seconds(since, moment) for lane, since in waiting.oldest_due(session).items()},
    )  # fmt: skip
    moving = waiting.under_way(session)
    yield each(
        "listkeeper_deliveries_under_way", "Mails in the hands of workers: leased, or handed to a server.", "state",
        {state.value: number for state, number in moving.items()},
    )  # fmt: skip
    yield Metric(
        "listkeeper_deliveries_in_doubt", "Mails handed over of which no answer is known; never sent again blindly."
    ).add(waiting.in_doubt(session))
    put_off: Counter[str] = Counter()
    for row in waiting.put_off(session):
        put_off[tally.provider_kind(row.provider)] += row.number
    yield each(
        "listkeeper_deliveries_put_off", "Mails that receivers put off and that wait for another try.", "provider",
        dict(sorted(put_off.items())),
    )  # fmt: skip


def _seconds(since: datetime | None, moment: datetime) -> float:
    return round(max(0.0, (moment - since).total_seconds()), 3) if since is not None else 0


def _campaigns(session: Session) -> dict[CampaignState, int]:
    query = select(Campaign.state, func.count()).group_by(Campaign.state)
    found = {row[0]: row[1] for row in session.execute(query)}
    return {state: found.get(state, 0) for state in CampaignState}


def _facts(session: Session) -> Iterator[Metric]:
    unheard = outbox.unheard(session)
    yield each(
        "listkeeper_facts_waiting", "Facts that nobody has reacted to yet.", "lane",
        {lane.value: waits for lane, (waits, _given_up) in unheard.items()},
    )  # fmt: skip
    yield each(
        "listkeeper_facts_given_up", "Facts whose reaction failed five times; a person has to look.", "lane",
        {lane.value: given_up for lane, (_waits, given_up) in unheard.items()},
    )  # fmt: skip


def _ledger(session: Session, moment: datetime) -> Iterator[Metric]:
    ends = session.execute(select(LedgerHead.organisation_id, LedgerHead.seq, LedgerHead.forked_at)).all()
    yield Metric("listkeeper_ledger_rows", "Rows of the ledger of consents.").add(sum(row[1] for row in ends))
    yield Metric(
        "listkeeper_ledger_forked", "1 when the ledger is not the one that was witnessed: nothing is sent then."
    ).add(float(any(row[2] is not None for row in ends)))
    signed = [checkpoint.newest(session, row[0]) for row in ends]
    ages = [_seconds(row.made_at, moment) for row in signed if row is not None]
    if ages:
        yield Metric("listkeeper_ledger_checkpoint_age_seconds", "Age of the newest checkpoint.").add(max(ages))


def of_queue_server() -> Iterator[Metric]:
    """Say what the queue server knows; nothing but that it is away when it is."""
    answers = Metric("listkeeper_queue_server_up", "1 when the queue server answers.")
    try:
        workers, timetables, bells, counted = parts.workers(), parts.timetables(), parts.bells(), parts.noted_waiting()
    except redis.RedisError:
        yield answers.add(0)
        return
    yield answers.add(1)
    yield each(
        "listkeeper_workers", "Workers that live, by the lane they work on.", "lane",
        {lane.value: sum(lane in worker.lanes for worker in workers) for lane in Lane},
    )  # fmt: skip
    heard = [worker.heard_at for worker in workers if worker.heard_at is not None]
    if heard:
        yield Metric(
            "listkeeper_worker_oldest_heartbeat_seconds", "For how long the most silent worker has said nothing."
        ).add(_seconds(min(heard), clock.now()))
    yield Metric("listkeeper_timetables", "Timetables that live; one is enough.").add(len(timetables))
    yield each(
        "listkeeper_jobs_waiting", "Jobs (bells and rounds) that no worker has taken.", "lane",
        {lane.value: rung.waiting for lane, rung in bells.items()},
    )  # fmt: skip
    yield each(
        "listkeeper_jobs_failed", "Jobs of the last day that went wrong.", "lane",
        {lane.value: rung.failed for lane, rung in bells.items()},
    )  # fmt: skip
    if counted is not None:
        counted_at, numbers = counted
        yield each(
            "listkeeper_queue_waiting", "Mails that wait, also of letters that stand still; counted now and then.",
            "lane", {lane.value: number for lane, number in numbers.items()},
        )  # fmt: skip
        yield Metric("listkeeper_queue_counted_timestamp_seconds", "When what waits was last counted.").add(
            round(counted_at, 3)
        )


def of_hooks() -> Iterator[Metric]:
    """Say how many posts were turned away at the door of the providers; nothing when the queue server is away."""
    refused = Metric(
        "listkeeper_hook_posts_refused_total", "Posts turned away at the door of mail providers.", "counter"
    )
    with contextlib.suppress(redis.RedisError):
        for provider, number in sorted(hook_count.refused().items()):
            refused.add(number, provider=provider)
        yield refused


def of_disk(settings: Settings) -> Iterator[Metric]:
    """Say how much room there is, where the system tells."""
    free = disk.free(settings.data_folder)
    if free is not None:
        yield Metric("listkeeper_disk_free_bytes", "Free bytes on the disk of the data folder.").add(free)
        yield Metric("listkeeper_disk_least_free_bytes", "With less nothing is sent.").add(settings.least_free_bytes)

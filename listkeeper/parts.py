"""The outside world of this process: queue, transport, resolver, fetcher, practice inbox.

Made once by ``app.create_app`` from the settings; the shells take what the
domain needs from here and pass it in as an argument.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from rq import Queue, SimpleWorker
from rq import cron_scheduler_registry as timetables_known
from rq.registry import FailedJobRegistry
from rq.serializers import JSONSerializer
from rq.utils import as_text, utcparse

from listkeeper.audience.guard.limits import Limits
from listkeeper.audience.handover import MessageClass
from listkeeper.deliverability import blocklist, blocklist_zone, spam_score
from listkeeper.deliverability.blocklist_book import Book
from listkeeper.deliverability.finding import Finding
from listkeeper.deliverability.link_audit import Links
from listkeeper.deliverability.surroundings import Surroundings
from listkeeper.feedback.promise import Promise
from listkeeper.foundation import clock, language, log, process
from listkeeper.foundation.fetch import Line, LiveFetcher
from listkeeper.foundation.fetch_document import LiveDocuments
from listkeeper.foundation.outbox import Lane
from listkeeper.sending.handing_over import provider_api
from listkeeper.sending.handing_over.mailgun_api import MailgunAccount
from listkeeper.sending.handing_over.postmark_api import PostmarkAccount
from listkeeper.sending.handing_over.provider_api import Account, ProviderApi
from listkeeper.sending.handing_over.ses_api import SesAccount
from listkeeper.sending.handing_over.smtp_lines import SmtpLines
from listkeeper.sending.handing_over.smtp_relay import Relay, SmtpRelay
from listkeeper.sending.handing_over.transport import Transport, TransportUnavailable
from listkeeper.sending.handing_over.way import LOOPBACK, PRACTICE, Way, leaves_by_relay
from listkeeper.sending.handing_over.ways import Ways
from listkeeper.sending.pacing import receiver_state
from listkeeper.sending.pacing.pace import Pace
from listkeeper.sending.pacing.receiver_state import Slowed
from listkeeper.sending.retry import Deadlines
from listkeeper.settings import Settings
from listkeeper.standards.dns import LiveResolver, Resolver
from listkeeper.standards.dns_direct import DirectResolver

WORK = "listkeeper.jobs.lanes.work"
_JOB_SECONDS = 900
_FAILURES_KEPT_SECONDS = 24 * 3600
# Should a worker be killed between taking a job and saying so, the next one of its kind waits this long at most.
_MARK_SECONDS = 30
_ACCOUNTS: Mapping[str, Callable[[Way], Account]] = {
    "ses": SesAccount,
    "postmark": PostmarkAccount,
    "mailgun": MailgunAccount,
}
# A timetable says so once a minute at least.
_TIMETABLE_SILENT_SECONDS = 120
_WAITING = "listkeeper:mails-waiting"
_COUNT_KEPT_SECONDS = 600
_log = log.get(__name__)
_opened: list[Settings] = []


def open_all(settings: Settings) -> None:
    """Remember the settings; each part is made when it is first asked for."""
    _opened[:] = [settings]
    for made in (queue_server, resolver, fetcher, documents, deadlines):
        made.cache_clear()


def settings() -> Settings:
    """Return the settings of this process."""
    if not _opened:
        raise RuntimeError("the parts have not been opened")
    return _opened[0]


@cache
def queue_server() -> redis.Redis:
    """Return the connection to the queue server; it connects when it is first used."""
    # Bounded: a web request that rings the bell must not hang on a queue server that does.
    return redis.Redis.from_url(
        settings().queue,
        socket_connect_timeout=3,
        socket_timeout=5,
        retry=Retry(NoBackoff(), 1),
        health_check_interval=30,
    )


def queue(lane: Lane) -> Queue:
    """Return the RQ queue of a lane; jobs carry ids as JSON, nothing else."""
    return Queue(lane.value, connection=queue_server(), serializer=JSONSerializer, default_timeout=_JOB_SECONDS)


def enqueue(lane: Lane, function: str, *ids: int | str) -> bool:
    """Put ``function`` (its dotted name) on a lane; False when the same job with the same ids already waits there.

    A job that is running does not count as waiting, because it may already have
    looked past the newest fact. Raises redis.RedisError.
    """
    if not queue_server().set(_waiting(lane.value, function, ids), 1, nx=True, ex=_MARK_SECONDS):
        return False
    queue(lane).enqueue(function, args=ids, result_ttl=0, failure_ttl=_FAILURES_KEPT_SECONDS)
    return True


def taken(lane: str, function: str, ids: Sequence[object]) -> None:
    """Note that a job no longer waits; the worker says so before it begins."""
    queue_server().delete(_waiting(lane, function, ids))


def _waiting(lane: str, function: str, ids: Sequence[object]) -> str:
    return ":".join(("listkeeper", "waiting", lane, function, *map(str, ids)))


def ring(lanes: Iterable[Lane]) -> None:
    """Tell a worker to look at these lanes. A bell that cannot ring is no loss: the timetable looks too."""
    for lane in lanes:
        try:
            enqueue(lane, WORK, lane.value)
        except redis.RedisError:
            _log.warning("bell.not_rung", lane=lane.value)


@dataclass(frozen=True)
class Worker:
    """A worker that lives, as the queue server knows it."""

    name: str
    lanes: frozenset[str]
    heard_at: datetime | None


def workers(connection: redis.Redis | None = None) -> list[Worker]:
    """Return the workers that live; rq forgets one that stays silent too long. Raises redis.RedisError.

    All of them are asked about in one go: there may be hundreds.
    """
    connection = connection or queue_server()
    keys = sorted(SimpleWorker.all_keys(connection=connection))
    with connection.pipeline(transaction=False) as asked:
        for key in keys:
            asked.hmget(key, "queues", "last_heartbeat")
        answers = asked.execute()
    found = []
    for key, (lanes, heard) in zip(keys, answers, strict=True):
        name = key.removeprefix(SimpleWorker.redis_worker_namespace_prefix)
        if lanes is not None and not process.is_dead(name):
            heard_at = utcparse(as_text(heard)) if heard else None
            found.append(Worker(name, frozenset(as_text(lanes).split(",")), heard_at))
    return found


def timetables(connection: redis.Redis | None = None) -> list[str]:
    """Return the names of the timetables that live. Raises redis.RedisError."""
    connection = connection or queue_server()
    since = clock.now().timestamp() - _TIMETABLE_SILENT_SECONDS
    known = connection.zrangebyscore(timetables_known.get_registry_key(), since, "+inf")
    return sorted(name for found in known if not process.is_dead(name := as_text(cast("bytes | str", found))))


@dataclass(frozen=True)
class Bells:
    """What a lane of the queue server holds: jobs that nobody has taken, and jobs that went wrong."""

    waiting: int
    failed: int


def bells() -> dict[Lane, Bells]:
    """Return how many jobs wait and failed on each lane. Raises redis.RedisError."""
    with queue_server().pipeline(transaction=False) as asked:
        for lane in Lane:
            waiting = queue(lane)
            asked.llen(waiting.key)
            asked.zcard(FailedJobRegistry(queue=waiting, serializer=JSONSerializer).key)
        answers = [int(number) for number in asked.execute()]
    return {lane: Bells(*answers[place * 2 : place * 2 + 2]) for place, lane in enumerate(Lane)}


def note_waiting(numbers: Mapping[Lane, int]) -> None:
    """Write down how many mails wait on each lane just now. Raises redis.RedisError."""
    said = {"at": clock.now().timestamp(), "lanes": {lane.value: number for lane, number in numbers.items()}}
    queue_server().set(_WAITING, json.dumps(said), ex=_COUNT_KEPT_SECONDS)


def noted_waiting() -> tuple[float, dict[Lane, int]] | None:
    """Return when what waits was last counted (seconds since 1970), and the count. Raises redis.RedisError."""
    kept = queue_server().get(_WAITING)
    if kept is None:
        return None
    said = json.loads(as_text(kept))
    return float(said["at"]), {Lane(name): int(number) for name, number in said["lanes"].items()}


@cache
def resolver() -> Resolver:
    """Return the resolver that asks real name servers."""
    return LiveResolver(settings().dns_server)


def authoritative(domain: str) -> Resolver:
    """Return a resolver that asks the servers in charge of a domain: a cache does not know yet what is new.

    Where a DNS server was named, that one is asked, and no other behind its back.
    """
    if settings().dns_server:
        return resolver()
    return DirectResolver(domain, resolver(), lambda at: LiveResolver(at, timeout=1.0))


@cache
def fetcher() -> LiveFetcher:
    """Return the fetcher that asks real web servers."""
    return LiveFetcher(settings().private_hosts)


@cache
def documents() -> LiveDocuments:
    """Return the reader of whole documents of real web servers: of feeds, for one."""
    return LiveDocuments(settings().private_hosts)


def spam_check(raw: bytes) -> list[Finding]:
    """Return what the owner's own spam filter says of a message, if one is set; it may take some seconds."""
    wanted = settings().spam_check
    if wanted is None:
        return []
    daemon = spam_score.parse(wanted)
    web = LiveFetcher((*settings().private_hosts, daemon.host))
    return spam_score.findings(spam_score.ask(daemon, raw, web))


def surroundings() -> Surroundings:
    """Return what the audit of a domain may ask beside its resolver, and how mail of this process leaves."""
    known = settings()
    # Where a DNS server was named, that one is asked, and no other behind its back.
    connect = None if known.dns_server else LiveResolver
    return Surroundings(fetcher(), connect, leaves_by_relay(known.sending_ways), links=links(known, resolver()))


def links(known: Settings, asked: Resolver) -> Links | None:
    """Return where the links of our letters lead, and how to ask the chosen block lists of it.

    None where nobody but this machine can follow them: that is a trial, or for ``doctor`` to say.
    """
    if urlsplit(known.site).hostname in LOOPBACK:
        return None
    lists = [one for one in blocklist_zone.chosen(known.blocklists, known.blocklist_key) if one.holds_domains]

    def listed(host: str) -> list[Finding]:
        book = Book(known.data_folder)
        return blocklist.check(lists, (), [host], asked, now=clock.now(), memory=book)

    return Links(known.site, listed if lists else None)


def envelope_sender(known: Settings) -> str | None:
    """Return a sender such as the envelopes of this instance have, None where that is the sender of the letter.

    None as well where nothing leaves by SMTP: providers write the envelopes of what they are given themselves.
    """
    at, ways = known.return_path, known.sending_ways
    if at is None or (ways and not any(way.is_smtp for way in ways)):
        return None
    return at if "@" in at else f"bounce@{at}"


def line(origin: str, *, seconds: float) -> Line:
    """Return a line to one web server, ``https://host[:port]``, under the rules of every fetch."""
    return LiveFetcher(settings().private_hosts).line(origin, seconds=seconds)


def ways() -> Ways:
    """Return the ways mail of this process may take; in practice mode the one to practice mode's own server."""
    return Ways(settings().sending_ways or (PRACTICE,), transport)


def transport(way: Way) -> Transport:
    """Return a new line for a way. Raises TransportUnavailable when practice mode's own server is not running."""
    if way.kind == PRACTICE.kind:
        return SmtpRelay(_practice_relay(), "localhost")
    if way.is_smtp:
        place, name = Relay.from_url(way.address), socket.getfqdn()
        return SmtpLines([SmtpRelay(place, name, chunks=way.chunking) for _ in range(way.lines)])
    account = _ACCOUNTS[way.kind](way)
    return ProviderApi(account, line(account.origin, seconds=provider_api.SECONDS))


def relay_names() -> list[str]:
    """Return the names of the ways a new subscriber may be written to by, under which their offers are filed."""
    known = settings().sending_ways or (PRACTICE,)
    return [way.name for way in known if not way.domains] or [way.name for way in known]


def _practice_relay() -> Relay:
    try:
        place = json.loads((settings().data_folder / "run" / "practice.json").read_text())
        return Relay(host=str(place["host"]), port=int(place["port"]))
    except (OSError, ValueError, KeyError) as problem:
        raise TransportUnavailable(
            language.text("The practice mail server is not running. Start it with `listkeeper up`.")
        ) from problem


@cache
def deadlines() -> Deadlines:
    """Return for how long a message is tried."""
    campaign, single = settings().retry_hours, settings().retry_hours_single
    return Deadlines(timedelta(hours=single), {MessageClass.MARKETING: timedelta(hours=campaign)})


def slowed() -> Slowed:
    """Return which receivers have slowed us down, as the queue server knows it; it may be away."""
    try:
        at, found = Pace().look(queue_server())
    except redis.RedisError:
        return receiver_state.UNKNOWN
    return Slowed(at, found)


def practice_folder() -> Path:
    """Return the Maildir of practice mode's inbox."""
    return settings().data_folder / "practice"


def imports_folder() -> Path:
    """Return where files that are being imported lie, for a day at most."""
    return settings().data_folder / "imports"


def media_folder() -> Path:
    """Return where uploaded pictures lie."""
    return settings().data_folder / "media"


def promise() -> Promise:
    """Return within which time who writes to us is answered."""
    known = settings()
    return Promise(timedelta(hours=known.reply_hours), timedelta(hours=known.reply_hours_urgent))


def limits() -> Limits:
    """Return the brakes before the sign-up forms."""
    known = settings()
    return Limits(**{field.name: getattr(known, field.name) for field in fields(Limits)})

"""The doctor's checks of what answers over a wire: queue, workers, mail server, DNS, our own address."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from listkeeper.deliverability.finding import Finding, Severity
from listkeeper.foundation.outbox import Lane
from listkeeper.sending.handing_over.way import PRACTICE, Way
from listkeeper.settings import Settings

# Reserved for documents (RFC 2606) and therefore always there.
_NAME_TO_ASK = "example.com"


def queue(settings: Settings) -> Iterator[Finding]:
    """Whether the queue server answers, every lane is worked and the timetable runs."""
    import redis  # noqa: PLC0415 - only this check needs these
    from redis.backoff import NoBackoff  # noqa: PLC0415
    from redis.retry import Retry  # noqa: PLC0415

    subject = _without_password(settings.queue)
    once = Retry(NoBackoff(), 0)
    with redis.Redis.from_url(settings.queue, socket_connect_timeout=3, socket_timeout=5, retry=once) as server:
        try:
            server.ping()
        except redis.RedisError as problem:
            mend = "Correct LISTKEEPER_REDIS_URL or start it." if settings.redis_url else "Run `listkeeper up`."
            yield Finding("queue", Severity.ERROR, subject, "The queue server does not answer.", str(problem), mend)
            unseen = "Without the queue server nobody knows whether workers run."
            yield Finding("workers", Severity.UNKNOWN, "workers", unseen)
            return
        yield Finding("queue", Severity.INFO, subject, "The queue server answers.")
        yield _workers(server)
        yield _timetable(server)


def _workers(server: object) -> Finding:
    from listkeeper.jobs import worker  # noqa: PLC0415 - loads the domain

    alive = worker.alive(server)  # type: ignore[arg-type]
    worked = {lane for lanes in alive.values() for lane in lanes}
    evidence = ", ".join(f"{name} ({' '.join(sorted(lanes))})" for name, lanes in sorted(alive.items()))
    idle = [lane for lane in Lane if lane not in worked]
    if not alive:
        return Finding(
            "workers", Severity.ERROR, "workers", "No worker runs: no mail is confirmed or sent.",
            mend="Run `listkeeper up`, or `listkeeper work` on a machine of its own.",
        )  # fmt: skip
    if idle:
        return Finding(
            "workers", Severity.ERROR, "workers", f"Nobody works on: {', '.join(idle)}.", evidence,
            "Start one more worker: `listkeeper work` works on every lane.",
        )  # fmt: skip
    message = f"Workers running: {len(alive)}; every lane is worked."
    return Finding("workers", Severity.INFO, "workers", message, evidence)


def _timetable(server: object) -> Finding:
    from listkeeper.jobs import rounds  # noqa: PLC0415 - loads the domain

    alive = rounds.alive(server)  # type: ignore[arg-type]
    if alive:
        return Finding("timetable", Severity.INFO, "timetable", "The timetable runs.", ", ".join(alive))
    return Finding(
        "timetable", Severity.ERROR, "timetable", "The timetable does not run: nothing left behind is picked up.",
        mend="Run `listkeeper up`, or `listkeeper timetable` on one machine.",
    )  # fmt: skip


def mail(settings: Settings) -> Iterator[Finding]:
    """Whether each way to send can be reached; greets whoever is there and hands nothing over."""
    from listkeeper import parts  # noqa: PLC0415 - loads the domain
    from listkeeper.sending.handing_over.transport import TransportUnavailable  # noqa: PLC0415

    parts.open_all(settings)
    for way in parts.ways():
        subject = "practice inbox" if settings.practice else way.shown
        try:
            line = parts.transport(way)
            line.connect()
        except TransportUnavailable as problem:
            setting = "LISTKEEPER_WAYS" if settings.ways else "LISTKEEPER_SMTP_URL"
            mend = "Run `listkeeper up`." if settings.practice else f"Check {setting} and that server."
            yield Finding("mail", Severity.ERROR, subject, str(problem), mend=mend)
            continue
        line.close()
        yield Finding("mail", Severity.INFO, subject, _reached(way, subject))


def _reached(way: Way, subject: str) -> str:
    if way.is_smtp:
        return f"{subject} takes our mail."
    if way.kind == PRACTICE.kind:
        return "Practice mode is on: no mail leaves this machine."
    # A key is looked at when a message comes with it, and no message goes from here.
    return f"{subject} answers; whether it accepts the key shows with the first message."


def name_server(settings: Settings) -> Iterator[Finding]:
    """Whether the DNS answers at all; a name that does not exist is an answer."""
    from listkeeper.standards.dns import LiveResolver, TempFail  # noqa: PLC0415 - only this check needs it

    answer = LiveResolver(settings.dns_server).query(_NAME_TO_ASK, "NS")
    if isinstance(answer, TempFail):
        yield Finding(
            "dns", Severity.WARN, answer.server or "DNS", f"The DNS does not answer: {answer.reason}.",
            mend="Domain and link checks will say unknown. Correct the machine's DNS, or set LISTKEEPER_DNS_SERVER.",
        )  # fmt: skip
    else:
        yield Finding("dns", Severity.INFO, answer.server, "The DNS answers.")


def public_url(settings: Settings) -> Iterator[Finding]:
    """Whether subscribers can open the links in our mails."""
    place = urlsplit(settings.site)
    local = place.hostname in {"localhost", "127.0.0.1", "::1"}
    if settings.practice:
        severity, message = Severity.INFO, f"Links in mails lead to {settings.site}, which is enough in practice mode."
    elif local:
        severity, message = Severity.ERROR, f"Links in mails lead to {settings.site}, which only this machine can open."
    elif place.scheme != "https":
        severity, message = Severity.WARN, f"Links in mails lead to {settings.site}, without encryption."
    else:
        severity, message = Severity.INFO, f"Links in mails lead to {settings.site}."
    mend = "" if severity is Severity.INFO else "Set LISTKEEPER_PUBLIC_URL to the https:// address people reach."
    yield Finding("public_url", severity, settings.site, message, mend=mend)


def _without_password(address: str) -> str:
    parts = urlsplit(address)
    if parts.scheme == "unix":
        return parts.path
    return f"{parts.scheme}://{parts.hostname}{f':{parts.port}' if parts.port else ''}"

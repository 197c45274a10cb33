"""Whether a domain takes mail at all and who keeps it, asked of the DNS once and remembered for a while.

A null MX (RFC 7505) or a name that does not exist takes none. What could not
be learned is "not known", and nobody is turned away for it: a name server that
does not answer is no fault of the person who typed an address.

Who keeps a domain's mail (``mail_provider``) is asked ahead, when somebody signs
up and when a letter is about to leave; never while mail is being handed over. A
small host is written down as a keyed digest: its domain may be one person's.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from concurrent.futures import TimeoutError as TooLate
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import String, bindparam, delete, func, or_, select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from listkeeper.deliverability import mail_provider
from listkeeper.foundation import clock, columns, signing
from listkeeper.foundation.columns import UtcDateTime
from listkeeper.foundation.table import Table
from listkeeper.standards.dns import Answer, NoData, NxDomain, Resolver, TempFail

_PARALLEL = 16


class MailHostState(StrEnum):
    """What the DNS says of a domain."""

    TAKES_MAIL = "takes_mail"
    NULL_MX = "null_mx"
    NO_SUCH_DOMAIN = "no_such_domain"
    UNKNOWN = "unknown"


# For how long each is believed.
_BELIEVED = {
    MailHostState.TAKES_MAIL: timedelta(days=1),
    MailHostState.NULL_MX: timedelta(days=1),
    MailHostState.NO_SUCH_DOMAIN: timedelta(hours=1),
    MailHostState.UNKNOWN: timedelta(minutes=10),
}
_TAKES_NONE = frozenset({MailHostState.NULL_MX, MailHostState.NO_SUCH_DOMAIN})
# People move their mail seldom.
_PROVIDER_BELIEVED = timedelta(days=7)
_AT_ONCE = 500


class Learned(NamedTuple):
    """What the DNS said of one domain, and who keeps its mail: by ``mail_provider``, or the domain of a small host."""

    state: MailHostState
    provider: str | None = None


_NOTHING = Learned(MailHostState.UNKNOWN)


class MailHost(Table):
    """One mail domain (A-label) and what is known of it; no address stands here."""

    __tablename__ = "mail_host"

    domain: Mapped[str] = mapped_column(String(255), primary_key=True)
    state: Mapped[MailHostState] = columns.enum(MailHostState)
    believed_until: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    # By ``mail_provider``, or ``small``, and for how long that is believed; it outlives the state.
    provider: Mapped[str | None] = mapped_column(String(mail_provider.LONGEST))
    provider_until: Mapped[datetime | None] = mapped_column(UtcDateTime)


_BELIEVED_STATE = select(MailHost.state).where(
    MailHost.domain == bindparam("domain"), MailHost.believed_until > bindparam("moment")
)


def takes_no_mail(session: Session, domain: str) -> bool:
    """Return whether a domain is known, by now, to take no mail; asks no name server."""
    return session.connection().scalar(_BELIEVED_STATE, {"domain": domain, "moment": clock.now()}) in _TAKES_NONE


def shut(session: Session, domains: Collection[str]) -> set[str]:
    """Return which of these domains are known, by now, to take no mail."""
    query = select(MailHost.domain).where(
        MailHost.domain.in_(domains), MailHost.believed_until > clock.now(), MailHost.state.in_(_TAKES_NONE)
    )
    return set(session.scalars(query))


def unknown(session: Session, domains: Collection[str]) -> set[str]:
    """Return the domains of which nothing is believed any more, or was ever asked."""
    query = select(MailHost.domain).where(MailHost.domain.in_(domains), MailHost.believed_until > clock.now())
    return set(domains) - set(session.scalars(query))


def provider_of(domain: str) -> str | None:
    """Return the provider of a domain that is known by its name alone; costs nothing."""
    return mail_provider.of_domain(domain)


def providers(session: Session, domains: Iterable[str]) -> dict[str, str]:
    """Return who keeps the mail of each domain, from what is known; asks no name server.

    What is not known yet is a receiver of its own, so that it waits for nobody else.
    """
    wanted = set(domains)
    found = {domain: known for domain in wanted if (known := mail_provider.of_domain(domain)) is not None}
    found |= _remembered(session, wanted - found.keys())
    return {domain: found.get(domain) or small(domain) for domain in wanted}


def small(domain: str) -> str:
    """Return what a host in no table is called where it is kept: nobody reads from it whose domain it is."""
    return f".{signing.keyed_digest('receiver', domain.lower())[: mail_provider.LONGEST - 4]}"


def without_provider(session: Session, domains: Iterable[str]) -> set[str]:
    """Return the domains whose provider neither their name tells nor anything that is believed by now."""
    wanted = {domain for domain in domains if mail_provider.of_domain(domain) is None}
    return wanted - _remembered(session, wanted).keys()


def _remembered(session: Session, domains: Collection[str]) -> dict[str, str]:
    waiting, found = sorted(domains), {}
    for start in range(0, len(waiting), _AT_ONCE):
        query = select(MailHost.domain, MailHost.provider).where(
            MailHost.domain.in_(waiting[start : start + _AT_ONCE]), MailHost.provider_until > clock.now()
        )
        found.update({domain: provider for domain, provider in session.execute(query) if provider is not None})
    return found


def ask(resolver: Resolver, domains: Collection[str], seconds: float = 2.0) -> dict[str, Learned]:
    """Ask the DNS about domains, all at once and no longer than ``seconds``; what does not answer is unknown.

    Call it with no transaction open.
    """
    found = dict.fromkeys(domains, _NOTHING)
    if not domains:
        return found
    pool = ThreadPoolExecutor(min(_PARALLEL, len(domains)), thread_name_prefix="mail-host")
    try:
        until = time.monotonic() + seconds
        asked = {pool.submit(_learned, resolver, domain): domain for domain in domains}
        try:
            for done in as_completed(asked, timeout=max(0.0, until - time.monotonic())):
                found[asked[done]] = done.result()
        except TooLate:
            pass
    finally:
        # Whoever still waits for a silent server is not waited for.
        pool.shutdown(wait=False, cancel_futures=True)
    return found


def _learned(resolver: Resolver, domain: str) -> Learned:
    match resolver.query(domain, "MX"):
        case Answer() as answer:
            hosts = answer.hosts()
            if hosts == [""]:
                return Learned(MailHostState.NULL_MX)
            known = mail_provider.of_domain(domain) or mail_provider.of_hosts(hosts)
            return Learned(MailHostState.TAKES_MAIL, known)
        case NxDomain():
            return Learned(MailHostState.NO_SUCH_DOMAIN)
        case NoData():
            return _without_mx(resolver, domain)
        case TempFail():
            return _NOTHING


def _without_mx(resolver: Resolver, domain: str) -> Learned:
    """Return what a domain without MX is: it takes mail at its own address, if it has one (RFC 5321, 5.1)."""
    answers = [resolver.query(domain, kind) for kind in ("A", "AAAA")]
    if any(isinstance(answer, Answer) for answer in answers):
        return Learned(MailHostState.TAKES_MAIL, mail_provider.own_domain(domain))
    # It exists and says nothing of mail: rare, and no clear no.
    return _NOTHING


def _kept(provider: str | None) -> str | None:
    return provider if provider is None or provider in mail_provider.TABLE else small(provider)


def remember(session: Session, found: dict[str, Learned]) -> None:
    """Write down what the DNS said."""
    if not found:
        return
    insert = postgresql_insert if session.get_bind().dialect.name == "postgresql" else sqlite_insert
    moment = clock.now()
    rows = [
        {
            "domain": domain,
            "state": learned.state,
            "believed_until": moment + _BELIEVED[learned.state],
            "provider": _kept(learned.provider),
            "provider_until": moment + _PROVIDER_BELIEVED if learned.provider else None,
        }
        for domain, learned in sorted(found.items())
    ]
    row = insert(MailHost).values(rows)
    known = {
        "state": row.excluded.state,
        "believed_until": row.excluded.believed_until,
        # Silence takes nothing back.
        "provider": func.coalesce(row.excluded.provider, MailHost.provider),
        "provider_until": func.coalesce(row.excluded.provider_until, MailHost.provider_until),
    }
    session.execute(row.on_conflict_do_update(index_elements=[MailHost.domain], set_=known))


def forget_past(session: Session) -> None:
    """Delete what is believed no more; the timetable calls this."""
    moment = clock.now()
    over = or_(MailHost.provider_until.is_(None), MailHost.provider_until < moment)
    session.execute(delete(MailHost).where(MailHost.believed_until < moment, over))

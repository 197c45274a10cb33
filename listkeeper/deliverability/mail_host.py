"""Whether a domain takes mail at all, asked of the DNS once and remembered for a while.

A null MX (RFC 7505) or a name that does not exist takes none. What could not
be learned is "not known", and nobody is turned away for it: a name server that
does not answer is no fault of the person who typed an address.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor, as_completed
from concurrent.futures import TimeoutError as TooLate
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import String, bindparam, delete, select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from listkeeper.foundation import clock, columns
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


class MailHost(Table):
    """One mail domain (A-label) and what is known of it; no address stands here."""

    __tablename__ = "mail_host"

    domain: Mapped[str] = mapped_column(String(255), primary_key=True)
    state: Mapped[MailHostState] = columns.enum(MailHostState)
    believed_until: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


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


def ask(resolver: Resolver, domains: Collection[str], seconds: float = 2.0) -> dict[str, MailHostState]:
    """Ask the DNS about domains, all at once and no longer than ``seconds``; what does not answer is unknown.

    Call it with no transaction open.
    """
    found = dict.fromkeys(domains, MailHostState.UNKNOWN)
    if not domains:
        return found
    pool = ThreadPoolExecutor(min(_PARALLEL, len(domains)), thread_name_prefix="mail-host")
    try:
        until = time.monotonic() + seconds
        asked = {pool.submit(_state, resolver, domain): domain for domain in domains}
        try:
            for done in as_completed(asked, timeout=max(0.0, until - time.monotonic())):
                found[asked[done]] = done.result()
        except TooLate:
            pass
    finally:
        # Whoever still waits for a silent server is not waited for.
        pool.shutdown(wait=False, cancel_futures=True)
    return found


def _state(resolver: Resolver, domain: str) -> MailHostState:
    match resolver.query(domain, "MX"):
        case Answer() as answer:
            return MailHostState.NULL_MX if answer.hosts() == [""] else MailHostState.TAKES_MAIL
        case NxDomain():
            return MailHostState.NO_SUCH_DOMAIN
        case NoData():
            return _without_mx(resolver, domain)
        case TempFail():
            return MailHostState.UNKNOWN


def _without_mx(resolver: Resolver, domain: str) -> MailHostState:
    """Return the state of a domain without MX: it takes mail at its own address, if it has one (RFC 5321, 5.1)."""
    answers = [resolver.query(domain, kind) for kind in ("A", "AAAA")]
    if any(isinstance(answer, Answer) for answer in answers):
        return MailHostState.TAKES_MAIL
    # It exists and says nothing of mail: rare, and no clear no.
    return MailHostState.UNKNOWN


def remember(session: Session, found: dict[str, MailHostState]) -> None:
    """Write down what the DNS said."""
    if not found:
        return
    insert = postgresql_insert if session.get_bind().dialect.name == "postgresql" else sqlite_insert
    moment = clock.now()
    rows = [
        {"domain": domain, "state": state, "believed_until": moment + _BELIEVED[state]}
        for domain, state in sorted(found.items())
    ]
    row = insert(MailHost).values(rows)
    known = {"state": row.excluded.state, "believed_until": row.excluded.believed_until}
    session.execute(row.on_conflict_do_update(index_elements=[MailHost.domain], set_=known))


def forget_past(session: Session) -> None:
    """Delete what is believed no more; the timetable calls this."""
    session.execute(delete(MailHost).where(MailHost.believed_until < clock.now()))

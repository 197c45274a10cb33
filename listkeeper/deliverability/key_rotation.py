"""Changing the key a domain signs with, without a mail that cannot be verified in between (check K5).

A new key is made under the next selector, and its owner publishes it. When the
DNS shows it, for as long as anybody may remember that it was not there, the
timetable signs with it. Mail that is under way was signed with the old one,
which stays published for a week; then its owner empties its record, so that a
key that was ever stolen proves nothing any more (M3AAWG: twice a year).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import assert_never

from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.deliverability import dkim_key
from listkeeper.deliverability.dkim_key import Algorithm, DkimKey, KeyState, OurKey
from listkeeper.deliverability.sending_domain import SendingDomain
from listkeeper.foundation import clock, language
from listkeeper.foundation.errors import Conflict
from listkeeper.standards import dkim_key_record
from listkeeper.standards.dkim_key_record import KeyRecord, Revoked
from listkeeper.standards.dns import Answer, Resolver, TempFail, ask_all

EMPTY_RECORD = "v=DKIM1; p="
# A name server may remember so long that there was nothing; a record's own time to live counts where it is longer.
LEAST_WAIT = timedelta(hours=1)
_MOST_WAIT = timedelta(days=2)
KEPT = timedelta(days=7)
# How old a key is when its owner is reminded.
AGE = timedelta(days=183)


class Published(StrEnum):
    """What stands at a key's name."""

    OURS = "ours"
    EMPTY = "empty"
    NOTHING = "nothing"
    ANOTHER = "another"
    UNKNOWN = "unknown"


_WITHDRAWN = frozenset({Published.EMPTY, Published.NOTHING})


@dataclass(frozen=True)
class Shown:
    """What the DNS showed at a key's name, and for how long that may be remembered."""

    published: Published
    ttl: timedelta = timedelta(0)


class Stage(StrEnum):
    """How far a change of keys is, as the page and the command name it."""

    # Nothing is under way.
    RESTS = "rests"
    # The new key has to be published by the owner.
    PUBLISH = "publish"
    # It is published, and the DNS may still remember otherwise.
    WAIT = "wait"
    # The new key signs; the old one stays published for mail that is under way.
    KEEP = "keep"
    # The old key's record has to be emptied by the owner.
    WITHDRAW = "withdraw"


@dataclass(frozen=True)
class Rotation:
    """How far a change of keys is: the key its owner has to do something about, and until when is waited."""

    stage: Stage
    selector: str = ""
    record: str = ""
    until: datetime | None = None


def asks(session: Session, domain: SendingDomain) -> tuple[OurKey, ...]:
    """Return the keys beside the signing one whose names are asked for: the next one, and those not yet withdrawn."""
    rows = [row for row in (coming(session, domain), *_former(session, domain)) if row is not None]
    return tuple(dkim_key.ours(row) for row in rows)


def look(domain: str, keys: Sequence[OurKey], resolver: Resolver) -> dict[str, Shown]:
    """Return what the DNS shows at the names of keys, by their selectors; with no transaction open."""
    names = [(dkim_key_record.name_of(key.selector, domain), "TXT") for key in keys]
    outcomes = ask_all(resolver, names)
    found = {}
    for key, outcome in zip(keys, outcomes, strict=True):
        if isinstance(outcome, TempFail):
            found[key.selector] = Shown(Published.UNKNOWN)
        elif not isinstance(outcome, Answer):
            found[key.selector] = Shown(Published.NOTHING)
        else:
            found[key.selector] = Shown(_read(outcome.records, key), timedelta(seconds=outcome.ttl))
    return found


def _read(records: Sequence[str], key: OurKey) -> Published:
    match dkim_key_record.parse(records[0]) if len(records) == 1 else None:
        case KeyRecord(public=public) if dkim_key_record.fingerprint(public) == key.fingerprint:
            return Published.OURS
        case Revoked():
            return Published.EMPTY
        case _:
            return Published.ANOTHER


def begin(session: Session, domain: SendingDomain) -> DkimKey:
    """Make the next key, to be published; raises Conflict while a change is under way, or while nothing is signed."""
    if not domain.signing:
        words = language.text("%(domain)s signs with no key yet, so there is none to change.", domain=domain.name)
        raise Conflict("not_signing", words)
    if coming(session, domain) is not None:
        words = language.text("The next key of %(domain)s is made already. Publish it.", domain=domain.name)
        raise Conflict("rotation_under_way", words)
    return dkim_key.make(session, domain.id, _next_selector(session, domain))


def _next_selector(session: Session, domain: SendingDomain) -> str:
    taken = set(session.scalars(select(DkimKey.selector).where(DkimKey.sending_domain_id == domain.id)))
    return next(name for number in range(1, len(taken) + 2) if (name := f"lk{number}") not in taken)


def coming(session: Session, domain: SendingDomain) -> DkimKey | None:
    """Return the key that was made to follow the signing one, if a change is under way."""
    found = dkim_key.newest(session, domain.id, Algorithm.RSA)
    is_next = found is not None and found.state is KeyState.MADE and found.selector != domain.selector
    return found if is_next else None


def _former(session: Session, domain: SendingDomain) -> list[DkimKey]:
    """Return the keys that signed before and whose records are still to be emptied, the oldest first."""
    query = select(DkimKey).where(
        DkimKey.sending_domain_id == domain.id,
        DkimKey.algorithm == Algorithm.RSA.value,
        DkimKey.selector != domain.selector,
        DkimKey.state.in_([KeyState.RETIRED, KeyState.REVOKED]),
        DkimKey.seen_at.is_not(None),
    )
    return list(session.scalars(query.order_by(DkimKey.id)))


def advance(session: Session, domain: SendingDomain, shown: Mapping[str, Shown]) -> list[str]:
    """Go on with what the DNS shows now; return the acts, as the audit log names them. Twice changes nothing more."""
    acts = []
    following = coming(session, domain)
    if following is not None and following.selector in shown:
        _note(following, shown[following.selector])
        if _may_sign(following, shown[following.selector]) and domain.signing:
            _switch(session, domain, following)
            acts.append("domain.key_changed")
    for key in _former(session, domain):
        seen = shown.get(key.selector)
        if key.state is KeyState.RETIRED and key.retired_at is not None and clock.now() - key.retired_at >= KEPT:
            dkim_key.move(key, KeyState.REVOKED)
            acts.append("domain.key_withdrawn")
        if (
            key.state is KeyState.REVOKED
            and seen is not None
            and seen.published in {Published.EMPTY, Published.NOTHING}
        ):
            # Nothing more is asked about it.
            key.seen_at = None
    return acts


def _note(key: DkimKey, seen: Shown) -> None:
    match seen.published:
        case Published.OURS:
            key.seen_at = key.seen_at or clock.now()
        case Published.UNKNOWN:
            # Silence takes nothing back.
            return
        case Published.NOTHING | Published.EMPTY | Published.ANOTHER:
            key.seen_at = None
        case _:
            assert_never(seen.published)


def _may_sign(key: DkimKey, seen: Shown) -> bool:
    # The key has to be there now, too: what was seen an hour ago and is gone would break every signature.
    return (
        seen.published is Published.OURS
        and key.seen_at is not None
        and clock.now() - key.seen_at >= min(max(seen.ttl, LEAST_WAIT), _MOST_WAIT)
    )


def _switch(session: Session, domain: SendingDomain, following: DkimKey) -> None:
    old = dkim_key.of(session, domain.id, domain.selector)
    if old is not None and old.state is KeyState.SIGNING:
        dkim_key.move(old, KeyState.RETIRED)
        # It stands in the DNS, or nothing would have been signed with it.
        old.seen_at = old.seen_at or old.created_at
    dkim_key.move(following, KeyState.SIGNING)
    domain.selector = following.selector
    session.flush()


def of(session: Session, domain: SendingDomain) -> Rotation:
    """Return how far a change of keys is; what its owner has to do comes before what is only waited for."""
    following, former = coming(session, domain), _former(session, domain)
    withdrawn = next((key for key in former if key.state is KeyState.REVOKED), None)
    if following is not None and following.seen_at is None:
        return Rotation(Stage.PUBLISH, following.selector, following.record)
    if withdrawn is not None:
        return Rotation(Stage.WITHDRAW, withdrawn.selector, EMPTY_RECORD)
    if following is not None and following.seen_at is not None:
        return Rotation(Stage.WAIT, following.selector, until=following.seen_at + LEAST_WAIT)
    if former and former[0].retired_at is not None:
        return Rotation(Stage.KEEP, former[0].selector, until=former[0].retired_at + KEPT)
    return Rotation(Stage.RESTS)


def is_old(session: Session, domain: SendingDomain) -> bool:
    """Return whether the key a domain signs with is so old that it should be changed."""
    key = dkim_key.of(session, domain.id, domain.selector)
    return key is not None and domain.signing and clock.now() - key.created_at >= AGE

"""The second key of a sending domain: Ed25519, beside the RSA key that every receiver verifies (RFC 8463).

Receivers that do not know Ed25519 pass over its signature, so it never stands
alone: what the first key does not sign is not signed (``sending_domain.signer``).
"""

from __future__ import annotations

from sqlalchemy.orm import Session

from listkeeper.deliverability import dkim_key
from listkeeper.deliverability.dkim_key import Algorithm, DkimKey, KeyState
from listkeeper.deliverability.sending_domain import SendingDomain
from listkeeper.foundation import language
from listkeeper.foundation.errors import Conflict, NotFound, TryAgain
from listkeeper.standards import dkim_key_record, dns
from listkeeper.standards.dkim_key_record import KeyRecord


def of(session: Session, domain: SendingDomain) -> DkimKey | None:
    """Return the Ed25519 key of a domain, None when it has none."""
    return dkim_key.newest(session, domain.id, Algorithm.ED25519)


def add(session: Session, domain: SendingDomain) -> DkimKey:
    """Make an Ed25519 key for a domain, to be published before it signs. Raises Conflict when it has one."""
    if of(session, domain) is not None:
        raise Conflict(
            "second_key_exists",
            language.text("%(domain)s has a second key already. Nothing was changed.", domain=domain.name),
        )
    return dkim_key.make(session, domain.id, f"{domain.selector}e", Algorithm.ED25519)


def start(session: Session, domain: SendingDomain, published: dns.Outcome) -> None:
    """Sign with the second key too from now on, where the first one signs.

    ``published`` is what the DNS said of the key's name just now. Raises
    NotFound without a second key, Conflict unless the DNS shows it, and
    TryAgain when the DNS did not answer.
    """
    key = _demanded(session, domain)
    if isinstance(published, dns.TempFail):
        raise TryAgain(
            "dns_silent",
            language.text(
                "Unknown whether the second key of %(domain)s is published, because the DNS gave no answer: "
                "%(reason)s. Nothing was changed.",
                domain=domain.name,
                reason=published.reason,
            ),
        )
    records = published.records if isinstance(published, dns.Answer) else ()
    # Of several records a receiver may take any.
    if len(records) != 1 or not _is_of(key, records[0]):
        raise Conflict(
            "key_not_published",
            language.text(
                "The DNS does not show the second key of %(domain)s, so its signatures would fail. Nothing was "
                "changed. Publish the key and try again.",
                domain=domain.name,
            ),
        )
    if key.state is not KeyState.SIGNING:
        dkim_key.move(key, KeyState.SIGNING)


def stop(session: Session, domain: SendingDomain) -> None:
    """Sign with the first key alone from now on; the second is kept. Raises NotFound without one."""
    key = _demanded(session, domain)
    if key.state is KeyState.SIGNING:
        dkim_key.move(key, KeyState.RETIRED)


def _demanded(session: Session, domain: SendingDomain) -> DkimKey:
    key = of(session, domain)
    if key is None:
        raise NotFound("no_second_key", language.text("%(domain)s has no second key.", domain=domain.name))
    return key


def _is_of(key: DkimKey, record: str) -> bool:
    read = dkim_key_record.parse(record)
    return isinstance(read, KeyRecord) and dkim_key_record.fingerprint(read.public) == key.fingerprint

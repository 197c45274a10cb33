"""A domain the owner sends as: its key, whether we sign for it, and what its last check found.

A check asks the DNS, which may take seconds. So it goes in three steps, and no
transaction is open while the DNS is asked: ``question`` (look), ``check``
(ask), ``keep`` (write).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, ForeignKey, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from listkeeper.deliverability import dkim_key, dns_audit, finding
from listkeeper.deliverability.dkim_key import Algorithm, DkimKey, KeyState, OurKey
from listkeeper.deliverability.finding import Finding, Verdict
from listkeeper.deliverability.surroundings import NOTHING_KNOWN, Surroundings
from listkeeper.foundation import clock, columns, language
from listkeeper.foundation.columns import Json, UtcDateTime
from listkeeper.foundation.errors import Conflict, NotFound
from listkeeper.foundation.table import Table
from listkeeper.standards import address, dkim
from listkeeper.standards.dkim import SigningKey
from listkeeper.standards.dns import Resolver

_FIRST_SELECTOR = "lk1"


class SendingDomain(Table):
    """One domain of one organisation; ``name`` is the A-label, ``selector`` names the key we sign with."""

    __tablename__ = "sending_domain"

    id: Mapped[int] = columns.row_id()
    public_id: Mapped[str] = columns.public_id("dom")
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    name: Mapped[str] = mapped_column(String(253))
    selector: Mapped[str] = mapped_column(String(63))
    signing: Mapped[bool] = mapped_column(Boolean, default=False)
    findings: Mapped[list[dict[str, Any]]] = mapped_column(Json, default=list)
    last_checked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # What its owner typed in from the pages of providers (``provider_figures``).
    told: Mapped[dict[str, Any] | None] = mapped_column(Json)
    # The mail that asks somebody to publish its records, as it was read before it was sent: subject, text, language.
    request: Mapped[dict[str, str] | None] = mapped_column(Json)
    # What a receiver said of a mail from it, as the owner brought it here last (``round_trip``).
    proof: Mapped[dict[str, Any] | None] = mapped_column(Json)
    # When its mail first came to so much that Gmail counts it as bulk, which it does for good (``bulk_count``).
    bulk_since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = columns.created_at()

    __table_args__ = (UniqueConstraint("organisation_id", "name"),)

    @property
    def last_findings(self) -> list[Finding]:
        """What the last check found, in the language it was made in."""
        return [finding.from_json(stored) for stored in self.findings]


def add(session: Session, organisation_id: int, name: str) -> SendingDomain:
    """Add a domain as a person typed it, with a key of its own.

    Raises Invalid when it is no domain name, Conflict when it is there already.
    """
    label = address.domain_name(name)
    if by_name(session, organisation_id, label) is not None:
        raise Conflict(
            "domain_exists", language.text("%(domain)s is in your list already. Nothing was changed.", domain=label)
        )
    made = SendingDomain(
        organisation_id=organisation_id, name=label, selector=_FIRST_SELECTOR, signing=False, findings=[]
    )
    session.add(made)
    session.flush()
    dkim_key.make(session, made.id, made.selector)
    return made


def find(session: Session, organisation_id: int, public_id: str) -> SendingDomain:
    """Return a domain by its public id. Raises NotFound."""
    query = select(SendingDomain).where(
        SendingDomain.organisation_id == organisation_id, SendingDomain.public_id == public_id
    )
    found = session.scalars(query).one_or_none()
    if found is None:
        raise NotFound("no_domain", language.text("There is no such sending domain here."))
    return found


def by_name(session: Session, organisation_id: int, label: str) -> SendingDomain | None:
    """Return a domain by its A-label, None when it was not added."""
    query = select(SendingDomain).where(SendingDomain.organisation_id == organisation_id, SendingDomain.name == label)
    return session.scalars(query).one_or_none()


def every(session: Session, organisation_id: int) -> list[SendingDomain]:
    """Return an organisation's domains in the order of their names."""
    query = select(SendingDomain).where(SendingDomain.organisation_id == organisation_id).order_by(SendingDomain.name)
    return list(session.scalars(query))


@dataclass(frozen=True)
class Question:
    """What a check needs to know, free of the database."""

    domain: str
    ours: OurKey | None
    # Keys beside it that come or go (``key_rotation``).
    rotating: tuple[OurKey, ...] = ()


def question(session: Session, domain: SendingDomain) -> Question:
    """Return what to ask the DNS about a domain."""
    key = dkim_key.of(session, domain.id, domain.selector)
    return Question(domain.name, dkim_key.ours(key) if key else None)


def check(  # noqa: PLR0913 - what a receiver's verdict depends on
    asked: Question,
    resolver: Resolver,
    *,
    egress: Sequence[str] = (),
    selectors: Sequence[str] = (),
    mail_from: str | None = None,
    around: Surroundings = NOTHING_KNOWN,
) -> list[Finding]:
    """Ask the DNS about a domain; call it with no transaction open."""
    return dns_audit.audit(
        asked.domain, resolver, egress=egress, dkim=asked.ours, selectors=selectors, mail_from=mail_from, around=around
    )


def keep(domain: SendingDomain, findings: Sequence[Finding]) -> None:
    """Store what a check found, with the moment."""
    domain.findings = [finding.as_json(found) for found in findings]
    domain.last_checked_at = clock.now()


def start_signing(session: Session, domain: SendingDomain) -> None:
    """Sign this domain's mail from now on. Raises Conflict unless the last check found our key published."""
    key = dkim_key.of(session, domain.id, domain.selector)
    published = any(found.code == "K3" and found.verdict is Verdict.RIGHT for found in domain.last_findings)
    if key is None or not published:
        raise Conflict(
            "key_not_published",
            language.text(
                "The last check did not find our key at %(domain)s, so signatures would fail. Mail goes on unsigned; "
                "publish the key and check again.",
                domain=domain.name,
            ),
        )
    if key.state is not KeyState.SIGNING:
        dkim_key.move(key, KeyState.SIGNING)
    domain.signing = True


def stop_signing(session: Session, domain: SendingDomain) -> None:
    """Leave this domain's mail unsigned from now on; the key is kept."""
    key = dkim_key.of(session, domain.id, domain.selector)
    if key is not None and key.state is KeyState.SIGNING:
        dkim_key.move(key, KeyState.RETIRED)
    domain.signing = False


@dataclass(frozen=True)
class Signer:
    """Signs the mail of one domain; free of the database, so that no connection is held while mail is handed over."""

    keys: tuple[SigningKey, ...]

    def header(self, message: bytes, mail_from: str, rcpt_to: str) -> bytes:
        """Return the DKIM-Signature headers to put in front of a message, CRLF included: one by each key."""
        moment = clock.now()
        return b"".join(dkim.sign(message, mail_from, rcpt_to, key=key, now=moment) for key in self.keys)


def signer(session: Session, organisation_id: int, label: str) -> Signer | None:
    """Return who signs for a From domain (A-label), None when its mail goes unsigned."""
    query = (
        select(SendingDomain, DkimKey)
        .join(DkimKey, (DkimKey.sending_domain_id == SendingDomain.id) & (DkimKey.selector == SendingDomain.selector))
        .where(
            SendingDomain.organisation_id == organisation_id,
            SendingDomain.name == label,
            SendingDomain.signing.is_(True),
        )
    )
    row = session.execute(query).one_or_none()
    if row is None:
        return None
    domain, first = row
    second = dkim_key.newest(session, domain.id, Algorithm.ED25519)
    keys = [first, second] if second is not None and second.state is KeyState.SIGNING else [first]
    return Signer(tuple(SigningKey(domain.name, key.selector, dkim_key.private(key)) for key in keys))

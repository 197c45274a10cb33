"""A change of address: the new one confirms it, the old one is told and can take it back."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import ColumnElement, ForeignKey, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from listkeeper.audience import access_link, subscriber, suppression
from listkeeper.audience.guard import mailbox
from listkeeper.audience.guard.limits import Limits
from listkeeper.audience.proof import ledger
from listkeeper.audience.proof.ledger import Event, EventType
from listkeeper.audience.subscriber import Subscriber
from listkeeper.foundation import clock, columns, language, outbox, signing, throttle
from listkeeper.foundation.columns import UtcDateTime
from listkeeper.foundation.errors import Invalid
from listkeeper.foundation.outbox import Lane
from listkeeper.foundation.table import Table
from listkeeper.standards import address

ASKED = "address_change.asked"
MADE = "address_change.made"
LIFETIME = timedelta(days=1)
# How long the old address can take it back.
CANCEL_WINDOW = timedelta(days=7)
_DAY = timedelta(days=1)
_A_DAY_BY_ONE = 3


class ChangeOutcome(StrEnum):
    """What a POST came to."""

    CHANGED = "changed"
    CANCELLED = "cancelled"
    NO_EFFECT = "no_effect"


class AddressChange(Table):
    """One wish to move to another address; its addresses are emptied when it is over."""

    __tablename__ = "address_change"

    id: Mapped[int] = columns.row_id()
    subscriber_id: Mapped[int] = mapped_column(ForeignKey("subscriber.id"), index=True)
    new_address: Mapped[str] = mapped_column(String(320))
    old_address: Mapped[str | None] = mapped_column(String(320))
    seed: Mapped[str] = mapped_column(String(32))
    token_digest: Mapped[str] = mapped_column(String(64), unique=True)
    cancel_digest: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = columns.created_at()
    confirmed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    cancelled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    @property
    def live(self) -> bool:
        """Whether the new address can still confirm."""
        over = self.confirmed_at is not None or self.cancelled_at is not None
        return not over and self.created_at + LIFETIME > clock.now()


@dataclass(frozen=True)
class Changed:
    """The outcome, with the change it is about (None when the token is nobody's)."""

    outcome: ChangeOutcome
    change: AddressChange | None = None


def ask(session: Session, person: Subscriber, typed: str, *, carries_smtputf8: bool = False) -> AddressChange:
    """Store the wish; the new address is asked by mail, and only if nothing forbids it.

    Raises Invalid when ``typed`` is no address, or is the old one. Whether the
    new address is known here is not told: the mail is simply never sent.
    """
    wanted = address.parse(typed)
    if wanted.needs_smtputf8 and not carries_smtputf8:
        raise Invalid(
            "address_not_ascii",
            language.text("We cannot write to addresses with such letters before the @ yet. Do you have another one?"),
        )
    if wanted.key == person.email_key:
        raise Invalid("same_address", language.text("This is the address we write to already."))
    seed = secrets.token_hex(16)
    made = AddressChange(
        subscriber_id=person.id,
        new_address=wanted.send,
        old_address=person.email_send,
        seed=seed,
        token_digest=signing.digest(_token(seed)),
        cancel_digest=signing.digest(_cancel(seed)),
    )
    session.add(made)
    session.flush()
    not_too_often = throttle.allow(session, "address-change", person.subject_ref, _A_DAY_BY_ONE, _DAY)
    if not_too_often and _is_free(session, person, wanted.key):
        outbox.write(session, ASKED, made.id, Lane.URGENT)
    return made


def may_mail(session: Session, change_id: int, limits: Limits) -> bool:
    """Return whether the new address may be asked now, and count that it is.

    Nobody fills a stranger's mailbox by naming it as her own new address, in any spelling: the brake is the forms' own.
    """
    change = session.get(AddressChange, change_id)
    if change is None or not change.live:
        return False
    counted = mailbox.brake_key(address.parse(change.new_address))
    if mailbox.is_braked(session, counted, limits):
        return False
    mailbox.count(session, counted)
    return True


def _is_free(session: Session, person: Subscriber, email_key: str) -> bool:
    """Whether nobody else has the address here and nothing keeps us from writing to it."""
    if subscriber.with_address(session, person.organisation_id, email_key) is not None:
        return False
    key = suppression.key_of(person.organisation_id, email_key)
    return not suppression.reasons(session, person.organisation_id, key)


def _token(seed: str) -> str:
    return signing.derived("address-change", seed)


def _cancel(seed: str) -> str:
    return signing.derived("address-change-cancel", seed)


def token_of(change: AddressChange) -> str:
    """Return the secret mailed to the new address."""
    return signing.derived_as("address-change", change.seed, change.token_digest)


def cancel_token_of(change: AddressChange) -> str:
    """Return the secret mailed to the old address."""
    return signing.derived_as("address-change-cancel", change.seed, change.cancel_digest)


def to_confirm(session: Session, token: str) -> AddressChange | None:
    """Return the change that the new address can still confirm by this secret; changes nothing."""
    change = _found(session, AddressChange.token_digest == signing.digest(token))
    return change if change is not None and change.live else None


def to_cancel(session: Session, token: str) -> AddressChange | None:
    """Return the change that the old address can still take back by this secret; changes nothing."""
    change = _found(session, AddressChange.cancel_digest == signing.digest(token))
    over = change is None or change.cancelled_at is not None or change.created_at + CANCEL_WINDOW < clock.now()
    return None if over else change


def _found(session: Session, condition: ColumnElement[bool]) -> AddressChange | None:
    return session.scalars(select(AddressChange).where(condition)).first()


def confirm(session: Session, token: str) -> Changed:
    """Take the button pressed from the new address: from now on we write there, under the same consents."""
    change = _locked(session, AddressChange.token_digest == signing.digest(token))
    person = subscriber.hold(session, change.subscriber_id) if change is not None and change.live else None
    if change is None or person is None or person.erased_at is not None:
        return Changed(ChangeOutcome.NO_EFFECT, change)
    wanted = address.parse(change.new_address)
    if not _is_free(session, person, wanted.key):
        return Changed(ChangeOutcome.NO_EFFECT, change)
    _move(session, person, wanted)
    change.confirmed_at = clock.now()
    outbox.write(session, MADE, change.id, Lane.URGENT)
    return Changed(ChangeOutcome.CHANGED, change)


def cancel(session: Session, token: str) -> Changed:
    """Take the button pressed from the old address: an open wish ends, a made change is taken back."""
    change = _locked(session, AddressChange.cancel_digest == signing.digest(token))
    person = subscriber.hold(session, change.subscriber_id) if change is not None else None
    if change is None or person is None or change.cancelled_at is not None or change.old_address is None:
        return Changed(ChangeOutcome.NO_EFFECT, change)
    if change.created_at + CANCEL_WINDOW < clock.now():
        return Changed(ChangeOutcome.NO_EFFECT, change)
    former = address.parse(change.old_address)
    if change.confirmed_at is not None and person.email_key != former.key:
        if subscriber.with_address(session, person.organisation_id, former.key) is not None:
            return Changed(ChangeOutcome.NO_EFFECT, change)
        _move(session, person, former)
    _end_what_followed(session, change)
    return Changed(ChangeOutcome.CANCELLED, change)


def _end_what_followed(session: Session, change: AddressChange) -> None:
    """Take back a change with every later one, and end what the other address could still use to go on.

    Whoever brought the person to a second address would otherwise "take back" from there, or still hold a link.
    """
    since = (AddressChange.subscriber_id == change.subscriber_id, AddressChange.id >= change.id)
    for later in session.scalars(select(AddressChange).where(*since, AddressChange.cancelled_at.is_(None))):
        later.cancelled_at = clock.now()
    access_link.close_all(session, change.subscriber_id)


def _locked(session: Session, condition: object) -> AddressChange | None:
    query = select(AddressChange).where(condition)  # type: ignore[arg-type]
    return session.scalars(query.with_for_update().execution_options(populate_existing=True)).first()


def _move(session: Session, person: Subscriber, wanted: address.Address) -> None:
    """Give a person another address. What was suppressed under the old one follows: a change is no way around it."""
    former, key = person.suppression_key, suppression.key_of(person.organisation_id, wanted.key)
    evidence = {"from": person.email_send, "to": wanted.send}
    person.email_send, person.email_key, person.suppression_key = wanted.send, wanted.key, key
    told = Event(
        EventType.ADDRESS_CHANGED, subject=person.subject_ref, actor="subscriber", method="button", evidence=evidence
    )
    ledger.append(session, person.organisation_id, [told])
    for row in suppression.reasons(session, person.organisation_id, former):
        suppression.add(
            session,
            person.organisation_id,
            key,
            scope=row.scope,
            reason=row.reason,
            until=row.until,
            subject=person.subject_ref,
        )
    session.flush()


def forget_over(session: Session) -> None:
    """Delete wishes that are over: no address is kept longer than the old one could take the change back."""
    over = select(AddressChange).where(AddressChange.created_at < clock.now() - CANCEL_WINDOW)
    for change in session.scalars(over):
        session.delete(change)

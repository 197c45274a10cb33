"""The permission gate: the only road from a delivery to an address.

``grant`` decides at the moment of hand-over, in the transaction that marks the
delivery as handed, clause by clause, and fails closed. A ``Grant`` alone holds
the address, works once, for one delivery, for one second; ``sending.envelope``
is the only place that opens it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NoReturn, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.audience import suppression
from listkeeper.audience.confirmation import AskKind, Confirmation
from listkeeper.audience.consent_text import ConsentText
from listkeeper.audience.mailing_list import ListState, MailingList
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Basis, Subscription, SubscriptionState
from listkeeper.audience.suppression import Reason
from listkeeper.foundation import clock
from listkeeper.foundation.errors import Forbidden, ListkeeperError
from listkeeper.standards import address

RULE_VERSION = 1
GRANT_SECONDS = 1.0


class MessageClass(StrEnum):
    """What kind of mail it is; each has its own clause."""

    MARKETING = "marketing"
    DOI = "doi"
    SERVICE = "service"
    TRANSACTIONAL = "transactional"
    TEST = "test"
    REPLY = "reply"
    SYSTEM = "system"


class RefusalCode(StrEnum):
    """Why a message may not go, stored on the delivery and counted per campaign."""

    NO_BASIS = "no_basis"
    PENDING = "pending"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    SUPPRESSED = "suppressed"
    RESTRICTED = "restricted"
    ERASED = "erased"
    LIST_INACTIVE = "list_inactive"
    PURPOSE_MISMATCH = "purpose_mismatch"
    TEXT_UNPUBLISHED = "text_unpublished"
    NO_SMTPUTF8 = "transport_no_smtputf8"
    INVENTED = "invented"
    GATE_ERROR = "gate_error"


@dataclass(frozen=True)
class Handover:
    """A hand-over that is about to happen, described by ``sending``."""

    delivery_id: int
    organisation_id: int
    message_class: MessageClass
    template_sha256: str
    subscriber_id: int | None = None
    list_id: int | None = None
    purpose: str | None = None
    confirmation_id: int | None = None
    typed_address: str | None = None
    carries_smtputf8: bool = False
    # Whether it goes to practice mode's own server, so that nothing leaves.
    practice: bool = False


@dataclass(frozen=True)
class Refusal:
    """The gate's no."""

    code: RefusalCode


_MAKER = object()
_Row = TypeVar("_Row", MailingList, Confirmation, ConsentText)


class Grant:
    """The gate's yes: holds the address, for one delivery, once, for one second."""

    __slots__ = ("_address", "_delivery_id", "_granted_at", "_spent", "_template_sha256", "event_id")

    def __init__(self, maker: object, handover: Handover, recipient: str, event_id: int | None) -> None:
        if maker is not _MAKER:
            raise Forbidden("forged_grant", "Only the permission gate makes a grant.")
        self._address = recipient
        self._delivery_id = handover.delivery_id
        self._template_sha256 = handover.template_sha256
        self._granted_at = time.monotonic()
        self._spent = False
        self.event_id = event_id

    def __reduce__(self) -> NoReturn:
        """Refuse to be copied or written down: a copy would work a second time."""
        raise Forbidden("forged_grant", "A grant cannot be copied.")

    @property
    def fresh(self) -> bool:
        """Whether it may still be used."""
        return not self._spent and time.monotonic() - self._granted_at <= GRANT_SECONDS

    def open(self, delivery_id: int, template_sha256: str) -> str:
        """Return the address and spend the grant. Raises Forbidden when it is spent, old or another's."""
        if not self.fresh or delivery_id != self._delivery_id or template_sha256 != self._template_sha256:
            raise Forbidden("grant_expired", "The permission for this hand-over is spent, too old or another's.")
        self._spent = True
        return self._address


@dataclass(frozen=True)
class _Known:
    """What one look at the database says about one hand-over."""

    moment: datetime
    handover: Handover
    subscriber: Subscriber | None
    subscription: Subscription | None
    mailing_list: MailingList | None
    text: ConsentText | None
    confirmation: Confirmation | None
    suppressed_scopes: frozenset[str]


def grant(session: Session, handover: Handover) -> Grant | Refusal:
    """Decide about one hand-over; see ``grant_all``."""
    return grant_all(session, [handover])[handover.delivery_id]


def grant_all(session: Session, handovers: Sequence[Handover]) -> dict[int, Grant | Refusal]:
    """Decide about a worker's window at once, in the transaction that marks the hand-over.

    Locks the subscribers' rows (PostgreSQL; SQLite has one writer), as a
    withdrawal does, so that neither can slip between look and hand-over.
    """
    looks = _look(session, handovers)
    return {known.handover.delivery_id: _decide(session, known) for known in looks}


def _decide(session: Session, known: _Known) -> Grant | Refusal:
    clause = _CLAUSES.get(known.handover.message_class)
    if clause is None:
        return Refusal(RefusalCode.GATE_ERROR)
    if known.subscriber is not None and known.subscriber.demo and not known.handover.practice:
        # The demo's people do not exist: real mail to them would only come back, and count against the sender.
        return Refusal(RefusalCode.INVENTED)
    try:
        verdict = clause(session, known)
    except ListkeeperError:
        # What cannot be decided is not sent, and the rest of the window does not wait for it.
        return Refusal(RefusalCode.GATE_ERROR)
    if isinstance(verdict, RefusalCode):
        return Refusal(verdict)
    recipient, event_id = verdict
    if not recipient.isascii() and not known.handover.carries_smtputf8:
        # The domain is an A-label, so only a local part beyond ASCII gets here (RFC 6531).
        return Refusal(RefusalCode.NO_SMTPUTF8)
    return Grant(_MAKER, known.handover, recipient, event_id)


_Verdict = RefusalCode | tuple[str, int | None]


def _marketing(_session: Session, known: _Known) -> _Verdict:
    """Demand: confirmed, live, for this purpose, under a published text, on a living list, not suppressed."""
    person, current, mailing_list = known.subscriber, known.subscription, known.mailing_list
    if mailing_list is None:
        return RefusalCode.LIST_INACTIVE
    if person is None:
        return RefusalCode.ERASED
    if current is None:
        return _not_a_living_person(person) or RefusalCode.NO_BASIS
    refused = (
        _not_a_living_person(person) or _no_live_subscription(known, current) or _not_by_this_list(known, mailing_list)
    )
    return refused or (person.email_send, current.consent_event_id)


def _not_a_living_person(person: Subscriber) -> RefusalCode | None:
    if person.erased_at is not None:
        return RefusalCode.ERASED
    return RefusalCode.RESTRICTED if person.restricted_at is not None else None


_WHY_NOT_CONFIRMED = {
    SubscriptionState.PENDING: RefusalCode.PENDING,
    SubscriptionState.EXPIRED: RefusalCode.EXPIRED,
    SubscriptionState.UNSUBSCRIBED: RefusalCode.WITHDRAWN,
    SubscriptionState.REFUSED: RefusalCode.WITHDRAWN,
    SubscriptionState.COMPLAINED: RefusalCode.WITHDRAWN,
    SubscriptionState.BOUNCED: RefusalCode.SUPPRESSED,
}


def _no_live_subscription(known: _Known, current: Subscription) -> RefusalCode | None:
    if current.state is not SubscriptionState.CONFIRMED:
        return _WHY_NOT_CONFIRMED.get(current.state, RefusalCode.GATE_ERROR)
    if current.basis is not Basis.CONSENT or current.consent_event_id is None:
        return RefusalCode.NO_BASIS
    if current.valid_until is not None and current.valid_until <= known.moment:
        return RefusalCode.EXPIRED
    if known.text is None or known.text.published_at > known.moment:
        return RefusalCode.TEXT_UNPUBLISHED
    return None


def _not_by_this_list(known: _Known, mailing_list: MailingList) -> RefusalCode | None:
    if known.suppressed_scopes & suppression.marketing_scopes(mailing_list.id, mailing_list.purpose):
        return RefusalCode.SUPPRESSED
    if mailing_list.state is not ListState.ACTIVE:
        return RefusalCode.LIST_INACTIVE
    return RefusalCode.PURPOSE_MISMATCH if known.handover.purpose != mailing_list.purpose else None


def _confirmation_mail(_session: Session, known: _Known) -> _Verdict:
    """Demand: a question that can still be answered, to somebody who did not say "not me"."""
    theirs = _asked_of(known)
    if theirs is None:
        return RefusalCode.NO_BASIS
    asked, person, mailing_list = theirs
    if (refused := _not_a_living_person(person)) is not None:
        return refused
    if suppression.CONFIRMATIONS in known.suppressed_scopes:
        return RefusalCode.SUPPRESSED
    if mailing_list.state is not ListState.ACTIVE:
        return RefusalCode.LIST_INACTIVE
    return (person.email_send, None) if asked.live else _why_not_live(asked)


def _asked_of(known: _Known) -> tuple[Confirmation, Subscriber, MailingList] | None:
    """Return the question, its person and its list; None when it was put to somebody else or about another list."""
    asked, person, mailing_list = known.confirmation, known.subscriber, known.mailing_list
    if asked is None or person is None or mailing_list is None:
        return None
    theirs = (asked.subscriber_id, asked.list_id) == (person.id, mailing_list.id)
    return (asked, person, mailing_list) if theirs else None


def _why_not_live(asked: Confirmation) -> RefusalCode:
    if asked.refused_at is not None:
        return RefusalCode.WITHDRAWN
    answered = asked.kind is not AskKind.CONFIRM or asked.used_at is not None
    return RefusalCode.NO_BASIS if answered else RefusalCode.EXPIRED


def _service(_session: Session, known: _Known) -> _Verdict:
    """Demand: a note to a subscriber about her own subscription ("you are on the list already")."""
    theirs, current = _asked_of(known), known.subscription
    if theirs is None or current is None:
        return RefusalCode.NO_BASIS
    asked, person, _mailing_list = theirs
    if asked.kind is not AskKind.ALREADY:
        return RefusalCode.NO_BASIS
    if (refused := _not_a_living_person(person)) is not None:
        return refused
    if current.state is not SubscriptionState.CONFIRMED:
        return _WHY_NOT_CONFIRMED.get(current.state, RefusalCode.GATE_ERROR)
    if known.suppressed_scopes & {suppression.ALL, suppression.CONFIRMATIONS}:
        return RefusalCode.SUPPRESSED
    return person.email_send, current.consent_event_id


def _test(session: Session, known: _Known) -> _Verdict:
    """Demand: an address typed by a signed-in user, unless its owner complained, objected or was erased."""
    typed = known.handover.typed_address
    if typed is None:
        return RefusalCode.NO_BASIS
    parsed = address.parse(typed)
    key = suppression.key_of(known.handover.organisation_id, parsed.key)
    never = {Reason.COMPLAINT, Reason.OBJECTION, Reason.ERASURE, Reason.LEGAL}
    if any(row.reason in never for row in suppression.reasons(session, known.handover.organisation_id, key)):
        return RefusalCode.SUPPRESSED
    return parsed.send, None


_CLAUSES: dict[MessageClass, Callable[[Session, _Known], _Verdict]] = {
    MessageClass.MARKETING: _marketing,
    MessageClass.DOI: _confirmation_mail,
    MessageClass.SERVICE: _service,
    MessageClass.TEST: _test,
}


def _look(session: Session, handovers: Sequence[Handover]) -> list[_Known]:
    people = _subscribers(session, [h.subscriber_id for h in handovers if h.subscriber_id is not None])
    lists = _rows(session, MailingList, [h.list_id for h in handovers])
    asked = _rows(session, Confirmation, [h.confirmation_id for h in handovers])
    current = _subscriptions(session, people, lists)
    texts = _rows(session, ConsentText, [row.consent_text_id for row in current.values()])
    scopes = _scopes(session, people.values())
    moment = clock.now()
    looks = []
    for handover in handovers:
        person = people.get(handover.subscriber_id or 0)
        held = current.get((handover.subscriber_id or 0, handover.list_id or 0))
        looks.append(
            _Known(
                moment=moment,
                handover=handover,
                subscriber=person,
                subscription=held,
                mailing_list=lists.get(handover.list_id or 0),
                text=texts.get(held.consent_text_id or 0) if held else None,
                confirmation=asked.get(handover.confirmation_id or 0),
                suppressed_scopes=scopes.get(person.suppression_key, frozenset()) if person else frozenset(),
            )
        )
    return looks


def _subscribers(session: Session, ids: list[int]) -> dict[int, Subscriber]:
    # In id order, so that two workers never wait for each other in a circle; fresh from the database.
    query = select(Subscriber).where(Subscriber.id.in_(ids)).order_by(Subscriber.id)
    rows = session.scalars(query.with_for_update().execution_options(populate_existing=True))
    return {row.id: row for row in rows}


def _rows(session: Session, kind: type[_Row], ids: Iterable[int | None]) -> dict[int, _Row]:
    wanted = {number for number in ids if number is not None}
    if not wanted:
        return {}
    query = select(kind).where(kind.id.in_(wanted)).execution_options(populate_existing=True)
    return {row.id: row for row in session.scalars(query)}


def _subscriptions(
    session: Session, people: dict[int, Subscriber], lists: dict[int, MailingList]
) -> dict[tuple[int, int], Subscription]:
    query = select(Subscription).where(Subscription.subscriber_id.in_(people), Subscription.list_id.in_(lists))
    rows = session.scalars(query.execution_options(populate_existing=True))
    return {(row.subscriber_id, row.list_id): row for row in rows}


def _scopes(session: Session, people: Iterable[Subscriber]) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for organisation_id in {person.organisation_id for person in people}:
        keys = [person.suppression_key for person in people if person.organisation_id == organisation_id]
        for key, scope in suppression.live_scopes(session, organisation_id, keys):
            found.setdefault(key, set()).add(scope)
    return {key: frozenset(scopes) for key, scopes in found.items()}

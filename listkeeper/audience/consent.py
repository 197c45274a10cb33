"""Consent events: what happened, when, how, under which text.

``record`` writes each event into the ledger, which proves it, and into the
table here, which answers questions quickly and can be made again from the
ledger. Neither holds an address or a network: what does, lies in the vault.
The demo's invented people are in the table alone; no ledger speaks of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, cast

from sqlalchemy import BigInteger, ForeignKey, Index, String, func, insert, select
from sqlalchemy import Table as Schema
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from listkeeper.audience import consent_text
from listkeeper.audience.consent_text import ConsentText
from listkeeper.audience.forms import form_record
from listkeeper.audience.mailing_list import MailingList
from listkeeper.audience.proof import ledger
from listkeeper.audience.proof.ledger import Event, EventType, Written
from listkeeper.audience.signup_form import SignupForm, SignupFormVersion
from listkeeper.audience.subscriber import Subscriber
from listkeeper.foundation import clock, columns
from listkeeper.foundation.columns import UtcDateTime
from listkeeper.foundation.errors import Conflict
from listkeeper.foundation.table import Table


class EventKind(StrEnum):
    """The events of a consent's life, in the words of the consent record."""

    REQUESTED = "consent.requested"
    GIVEN = "consent.given"
    RENEWED = "consent.renewed"
    NARROWED = "consent.narrowed"
    WITHDRAWN = "consent.withdrawn"
    OBJECTED = "consent.objected"
    COMPLAINED = "consent.complained"
    REFUSED = "consent.refused"
    EXPIRED = "consent.expired"
    LAPSED = "consent.lapsed"
    INVALIDATED = "consent.invalidated"
    # Apart from all above: whether it may be seen what somebody does with letters. No mail rests on it.
    TRACKING_GIVEN = "tracking.given"
    TRACKING_WITHDRAWN = "tracking.withdrawn"
    # The lesser yes: her letters are counted, and nobody sees that they are hers.
    COUNTING_GIVEN = "tracking.counting_given"
    COUNTING_WITHDRAWN = "tracking.counting_withdrawn"


class Method(StrEnum):
    """The act by which it happened."""

    FORM = "form"
    BUTTON = "button"
    CODE = "code"
    ONE_CLICK = "one_click"
    PAGE = "page"
    UNDO = "undo"
    OPERATOR = "operator"
    API = "api"
    MAIL = "mail"
    REPORT = "report"
    IMPORT = "import"
    CLOCK = "clock"
    JOURNAL = "journal"
    DEMO = "demo"


# Consent is given by these acts alone; no operator and no program can give it.
GIVING = frozenset({Method.BUTTON, Method.CODE, Method.UNDO, Method.DEMO})
# What raises a permission, and the acts that may. A form that asks about tracking, too, would add its button and code.
_ON_HER_PAGE = frozenset({Method.PAGE})
_RAISING = {
    EventKind.GIVEN: GIVING,
    EventKind.RENEWED: GIVING,
    EventKind.TRACKING_GIVEN: _ON_HER_PAGE,
    EventKind.COUNTING_GIVEN: _ON_HER_PAGE,
}


class ConsentEvent(Table):
    """One event; the row is its proof and is never updated."""

    __tablename__ = "consent_event"

    id: Mapped[int] = columns.row_id()
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    subject_ref: Mapped[str] = mapped_column(String(32), index=True)
    list_id: Mapped[int] = mapped_column(ForeignKey("mailing_list.id"))
    kind: Mapped[EventKind] = columns.enum(EventKind)
    method: Mapped[Method] = columns.enum(Method)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    consent_text_id: Mapped[int | None] = mapped_column(ForeignKey("consent_text.id"))
    form_version_id: Mapped[int | None] = mapped_column(ForeignKey("signup_form_version.id"))
    signup_id: Mapped[int | None] = mapped_column(columns.RowId, index=True)
    delivery_id: Mapped[int | None] = mapped_column(columns.RowId)
    demo: Mapped[bool] = mapped_column(default=False)
    # Where the ledger proves it; empty for the demo's people alone.
    ledger_seq: Mapped[int | None] = mapped_column(BigInteger)
    ledger_id: Mapped[str | None] = mapped_column(String(32))
    actor: Mapped[str] = mapped_column(String(80), default="subscriber", server_default="subscriber")
    basis: Mapped[str] = mapped_column(String(32), default="", server_default="")
    purpose: Mapped[str] = mapped_column(String(64), default="", server_default="")

    __table_args__ = (
        Index("uq_consent_event_ledger_id", "ledger_id", unique=True),
        # Who left by a letter (``feedback.letter_figures``).
        Index(
            "ix_consent_event_left_by",
            "delivery_id",
            postgresql_where=kind == EventKind.WITHDRAWN,
            sqlite_where=kind == EventKind.WITHDRAWN,
        ),
    )

    text: Mapped[ConsentText | None] = relationship()
    form_version: Mapped[SignupFormVersion | None] = relationship()


@dataclass(frozen=True)
class Circumstances:
    """Under what an event happened; row ids, all optional. ``evidence`` goes into the vault."""

    consent_text_id: int | None = None
    form_version_id: int | None = None
    signup_id: int | None = None
    delivery_id: int | None = None
    at: datetime | None = None
    actor: str = "subscriber"
    basis: str = ""
    purpose: str = ""
    expires_at: datetime | None = None
    mail_sha256: str = ""
    details: Mapping[str, str | int] | None = None
    evidence: Mapping[str, object] | None = None


def record(  # noqa: PLR0913, PLR0917 - who, where, what, how, under what
    session: Session, subscriber: Subscriber, list_id: int, kind: EventKind, method: Method, under: Circumstances
) -> ConsentEvent:
    """Write one event into the ledger and the table, in the caller's transaction, and return it.

    Raises Conflict when a raising event is no act of the person.
    """
    return record_all(session, list_id, kind, method, [(subscriber, under)])[0]


def record_all(
    session: Session, list_id: int, kind: EventKind, method: Method, of: Sequence[tuple[Subscriber, Circumstances]]
) -> list[ConsentEvent]:
    """Write down that the same happened to several people of one business, in order. Raises Conflict as ``record``."""
    drafted = draft(session, list_id, kind, method, of)
    keep(session, [drafted], ledger.append(session, drafted.organisation_id, drafted.told))
    return drafted.events


@dataclass(frozen=True)
class Draft:
    """Events that no ledger has yet, and what it is to be told of them; it hears nothing of the demo's people."""

    organisation_id: int
    events: list[ConsentEvent]
    told: list[Event]


def draft(
    session: Session, list_id: int, kind: EventKind, method: Method, of: Sequence[tuple[Subscriber, Circumstances]]
) -> Draft:
    """Return what ``record_all`` would write down, for who tells the ledger more in the same breath; then ``keep``."""
    if method not in _RAISING.get(kind, {method}):
        raise Conflict("not_an_act", "Consent can only be given by the person's own act.")
    mailing_list = session.get_one(MailingList, list_id)
    events = [_event(subscriber, mailing_list, kind, method, under) for subscriber, under in of]
    true = [(event, under) for event, (_subscriber, under) in zip(events, of, strict=True) if not event.demo]
    cited = _cited(session, [event for event, _under in true])
    told = [_for_ledger(event, mailing_list, under, *cited) for event, under in true]
    return Draft(mailing_list.organisation_id, events, told)


def keep(session: Session, drafts: Sequence[Draft], written: Sequence[Written]) -> None:
    """Store drafted events with the rows that the ledger has of them, in order."""
    _tied(drafts, written)
    session.add_all([event for drafted in drafts for event in drafted.events])
    session.flush()


def _tied(drafts: Sequence[Draft], written: Sequence[Written]) -> None:
    told = [event for drafted in drafts for event in drafted.events if not event.demo]
    for event, row in zip(told, written, strict=True):
        event.ledger_seq, event.ledger_id = row.seq, row.id


def _event(
    subscriber: Subscriber, mailing_list: MailingList, kind: EventKind, method: Method, under: Circumstances
) -> ConsentEvent:
    return ConsentEvent(
        organisation_id=subscriber.organisation_id,
        subject_ref=subscriber.subject_ref,
        list_id=mailing_list.id,
        kind=kind,
        method=method,
        at=under.at or clock.now(),
        consent_text_id=under.consent_text_id,
        form_version_id=under.form_version_id,
        signup_id=under.signup_id,
        delivery_id=under.delivery_id,
        demo=method is Method.DEMO or subscriber.demo,
        actor=under.actor,
        basis=under.basis,
        purpose=under.purpose or mailing_list.purpose,
    )


def store(session: Session, drafts: Sequence[Draft], written: Sequence[Written]) -> None:
    """Do as ``keep``, past the session: for many at once, of which no more is asked."""
    _tied(drafts, written)
    values = [{name: getattr(event, name) for name in _STORED} for drafted in drafts for event in drafted.events]
    session.connection().execute(_STORE, values)


_EVENTS = cast("Schema", ConsentEvent.__table__)
_STORED = [column.name for column in _EVENTS.columns if column.name != "id"]
_STORE = insert(_EVENTS)
Texts = dict[int, ConsentText]
Versions = dict[int, SignupFormVersion]


def _cited(session: Session, events: Sequence[ConsentEvent]) -> tuple[Texts, Versions]:
    """Return the texts and form versions that events cite, each read once; the ledger knows them before it is cited."""
    texts: Texts = {}
    versions: Versions = {}
    for event in events:
        if event.consent_text_id and event.consent_text_id not in texts:
            texts[event.consent_text_id] = session.get_one(ConsentText, event.consent_text_id)
            consent_text.ensure_in_ledger(session, texts[event.consent_text_id])
        if event.form_version_id and event.form_version_id not in versions:
            versions[event.form_version_id] = session.get_one(SignupFormVersion, event.form_version_id)
            form_record.ensure_in_ledger(session, versions[event.form_version_id])
    return texts, versions


def _for_ledger(
    event: ConsentEvent, mailing_list: MailingList, under: Circumstances, texts: Texts, versions: Versions
) -> Event:
    text, version = texts.get(event.consent_text_id or 0), versions.get(event.form_version_id or 0)
    details: dict[str, str | int] = dict(under.details or {})
    if under.at is not None:
        # When it happened; the row itself carries the time at which it was written down.
        details["happened_at"] = clock.in_milliseconds(under.at)
    return Event(
        EventType(event.kind.value),
        subject=event.subject_ref,
        list=mailing_list.public_id,
        purpose=event.purpose,
        basis=event.basis,
        text_sha256=text.sha256 if text else "",
        form_sha256=version.sha256 if version else "",
        mail_sha256=under.mail_sha256,
        method=event.method.value,
        actor=under.actor,
        expires_at=under.expires_at,
        details=details,
        evidence=under.evidence,
    )


def from_ledger(
    session: Session, subscriber: Subscriber, mailing_list: MailingList, said: Mapping[str, Any]
) -> ConsentEvent:
    """Make the table's row of an event again from the ledger's record; signup and delivery stand in the table alone."""
    text = select(ConsentText.id).where(
        ConsentText.list_id == mailing_list.id, ConsentText.sha256 == said["text_sha256"]
    )
    version = select(SignupFormVersion.id).where(SignupFormVersion.sha256 == said["form_sha256"])
    event = ConsentEvent(
        organisation_id=subscriber.organisation_id,
        subject_ref=subscriber.subject_ref,
        list_id=mailing_list.id,
        kind=EventKind(said["type"]),
        method=Method(said["method"]),
        at=clock.of_milliseconds(said["details"].get("happened_at", said["ts"])),
        consent_text_id=session.scalar(text.limit(1)),
        form_version_id=session.scalar(version.limit(1)),
        actor=said["actor"],
        basis=said["basis"],
        purpose=said["purpose"],
        ledger_seq=said["seq"],
        ledger_id=said["id"],
    )
    session.add(event)
    session.flush()
    return event


def agreed(session: Session, form: SignupForm) -> dict[int, int]:
    """Return how many people said yes under each version of a form, by the row number of the version."""
    query = (
        select(ConsentEvent.form_version_id, func.count(func.distinct(ConsentEvent.subject_ref)))
        .join(SignupFormVersion, SignupFormVersion.id == ConsentEvent.form_version_id)
        .where(SignupFormVersion.form_id == form.id, ConsentEvent.kind == EventKind.GIVEN)
        .group_by(ConsentEvent.form_version_id)
    )
    return {row[0]: row[1] for row in session.execute(query) if row[0] is not None}


def history(session: Session, subscriber: Subscriber) -> list[ConsentEvent]:
    """Return a subscriber's events, oldest first, with the texts and form versions they cite."""
    query = select(ConsentEvent).where(ConsentEvent.subject_ref == subscriber.subject_ref)
    return list(session.scalars(query.order_by(ConsentEvent.at, ConsentEvent.id)))

"""Consent records: what happened, when, how, under which text. Written once, never changed.

A record holds no address and no network: it points at a subject reference, at
the text and form version that were shown, and at the signup where it began.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from listkeeper.audience.consent_text import ConsentText
from listkeeper.audience.signup_form import SignupFormVersion
from listkeeper.audience.subscriber import Subscriber
from listkeeper.foundation import clock, columns
from listkeeper.foundation.columns import UtcDateTime
from listkeeper.foundation.errors import Conflict
from listkeeper.foundation.table import Table


class EventKind(StrEnum):
    """The events of a consent's life, in the words of the consent record."""

    REQUESTED = "consent.requested"
    GIVEN = "consent.given"
    WITHDRAWN = "consent.withdrawn"
    REFUSED = "consent.refused"


class Method(StrEnum):
    """The act by which it happened."""

    FORM = "form"
    BUTTON = "button"
    CODE = "code"
    ONE_CLICK = "one_click"
    PAGE = "page"
    UNDO = "undo"
    OPERATOR = "operator"
    DEMO = "demo"


# Consent is given by these acts alone; no operator and no program can give it.
GIVING = frozenset({Method.BUTTON, Method.CODE, Method.UNDO, Method.DEMO})


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

    text: Mapped[ConsentText | None] = relationship()
    form_version: Mapped[SignupFormVersion | None] = relationship()


@dataclass(frozen=True)
class Circumstances:
    """Under what an event happened; row ids, all optional."""

    consent_text_id: int | None = None
    form_version_id: int | None = None
    signup_id: int | None = None
    delivery_id: int | None = None
    at: datetime | None = None


def record(  # noqa: PLR0913, PLR0917 - who, where, what, how, under what
    session: Session, subscriber: Subscriber, list_id: int, kind: EventKind, method: Method, under: Circumstances
) -> ConsentEvent:
    """Store one event in the caller's transaction and return it."""
    if kind is EventKind.GIVEN and method not in GIVING:
        raise Conflict("not_an_act", "Consent can only be given by the person's own act.")
    event = ConsentEvent(
        organisation_id=subscriber.organisation_id,
        subject_ref=subscriber.subject_ref,
        list_id=list_id,
        kind=kind,
        method=method,
        at=under.at or clock.now(),
        consent_text_id=under.consent_text_id,
        form_version_id=under.form_version_id,
        signup_id=under.signup_id,
        delivery_id=under.delivery_id,
        demo=method is Method.DEMO or subscriber.demo,
    )
    session.add(event)
    session.flush()
    return event


def history(session: Session, subscriber: Subscriber) -> list[ConsentEvent]:
    """Return a subscriber's events, oldest first, with the texts and form versions they cite."""
    query = select(ConsentEvent).where(ConsentEvent.subject_ref == subscriber.subject_ref)
    return list(session.scalars(query.order_by(ConsentEvent.at, ConsentEvent.id)))

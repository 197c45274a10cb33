"""How a form is defended just now: not at all, by work, by the code, or by taking nothing.

The breaker raises it a step at a time; the owner may say "we are under attack"
for all forms, and ends either. It ends by itself, too.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import ForeignKey, String, bindparam, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from listkeeper.audience.signup_form import SignupForm
from listkeeper.foundation import clock, columns, outbox
from listkeeper.foundation.columns import UtcDateTime
from listkeeper.foundation.outbox import Lane
from listkeeper.foundation.table import Table

RAISED = "signup_defence.raised"
LASTS = timedelta(hours=24)


class Stage(StrEnum):
    """What is asked of whoever signs up, from the least on."""

    CALM = "calm"
    # Every browser works, or somebody presses twice.
    WORK = "work"
    # And the yes takes the six digits: whatever opens links by itself says no yes.
    CODE = "code"
    PAUSED = "paused"


class Reason(StrEnum):
    """Why."""

    FEW_CONFIRM = "few_confirm"
    BOUNCES = "bounces"
    COMPLAINT = "complaint"
    OWNER = "owner"


_ORDER = tuple(Stage)


class SignupDefence(Table):
    """One form's defence, or that of all forms (without ``form_id``)."""

    __tablename__ = "signup_defence"

    id: Mapped[int] = columns.row_id()
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    form_id: Mapped[int | None] = mapped_column(ForeignKey("signup_form.id"), index=True)
    stage: Mapped[Stage] = columns.enum(Stage)
    reason: Mapped[Reason] = columns.enum(Reason)
    actor: Mapped[str] = mapped_column(String(80), default="breaker", server_default="breaker")
    since: Mapped[datetime] = mapped_column(UtcDateTime)
    until: Mapped[datetime] = mapped_column(UtcDateTime)


def standing(session: Session, form: SignupForm) -> SignupDefence | None:
    """Return the strongest defence that stands before a form now."""
    query = select(SignupDefence).where(
        SignupDefence.organisation_id == form.mailing_list.organisation_id,
        SignupDefence.form_id.is_(None) | (SignupDefence.form_id == form.id),
        SignupDefence.until > clock.now(),
    )
    return max(session.scalars(query), key=lambda row: _ORDER.index(row.stage), default=None)


_STAGES = select(SignupDefence.stage).where(
    SignupDefence.organisation_id == bindparam("organisation"),
    SignupDefence.form_id.is_(None) | (SignupDefence.form_id == bindparam("form")),
    SignupDefence.until > bindparam("moment"),
)


def stage(session: Session, form: SignupForm) -> Stage:
    """Return what is asked of whoever signs up by a form now."""
    about = {"organisation": form.mailing_list.organisation_id, "form": form.id, "moment": clock.now()}
    return max(session.connection().scalars(_STAGES, about), key=_ORDER.index, default=Stage.CALM)


def of_form(session: Session, form: SignupForm) -> SignupDefence | None:
    """Return the form's own defence, as the breaker raised it."""
    query = select(SignupDefence).where(SignupDefence.form_id == form.id, SignupDefence.until > clock.now())
    return session.scalars(query).first()


def of_all(session: Session, organisation_id: int) -> SignupDefence | None:
    """Return the owner's "we are under attack", while it lasts."""
    query = select(SignupDefence).where(
        SignupDefence.organisation_id == organisation_id,
        SignupDefence.form_id.is_(None),
        SignupDefence.until > clock.now(),
    )
    return session.scalars(query).first()


def raise_step(session: Session, form: SignupForm, reason: Reason) -> SignupDefence:
    """Defend a form one step harder for a day, and have the owner told."""
    moment = clock.now()
    current = of_form(session, form)
    if current is None:
        end(session, form)
        current = SignupDefence(
            organisation_id=form.mailing_list.organisation_id, form_id=form.id, stage=Stage.CALM, reason=reason
        )
        session.add(current)
    current.stage = _ORDER[min(_ORDER.index(current.stage) + 1, len(_ORDER) - 1)]
    current.reason, current.since, current.until = reason, moment, moment + LASTS
    session.flush()
    outbox.write(session, RAISED, current.id, Lane.URGENT)
    return current


def end(session: Session, form: SignupForm) -> None:
    """Defend a form no more: its owner says that all is well, or the day is over."""
    session.execute(delete(SignupDefence).where(SignupDefence.form_id == form.id))


def declare_attack(session: Session, organisation_id: int, actor: str) -> None:
    """Let every form of the business ask for work for a day: its owner sees an attack before we do."""
    call_off(session, organisation_id)
    moment = clock.now()
    made = SignupDefence(
        organisation_id=organisation_id, stage=Stage.WORK, reason=Reason.OWNER, actor=actor, since=moment,
        until=moment + LASTS,
    )  # fmt: skip
    session.add(made)
    session.flush()


def call_off(session: Session, organisation_id: int) -> None:
    """End the owner's "we are under attack"."""
    session.execute(
        delete(SignupDefence).where(SignupDefence.organisation_id == organisation_id, SignupDefence.form_id.is_(None))
    )

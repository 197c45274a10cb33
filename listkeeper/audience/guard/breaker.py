"""The circuit breaker: what came of a form's last 200 questions.

Real people confirm within minutes, and their mailboxes exist. When hardly
anybody does, or many do not, or somebody calls the question spam, somebody
else is typing their addresses: the form is defended a step harder, and its
owner is told. Only questions from after the last step are counted, so that
each step is given its chance.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.audience.confirmation import AskKind, Confirmation
from listkeeper.audience.guard import defence
from listkeeper.audience.guard.defence import Reason, SignupDefence, Stage
from listkeeper.audience.guard.limits import Limits
from listkeeper.audience.signup_form import SignupForm, SignupFormVersion
from listkeeper.foundation import clock

LAST = 200
# Fewer tell nothing: a form that asks five people a day may well hear from none of them.
ENOUGH = 50
# A question is counted when most of those who would ever answer it have done so.
RIPE = timedelta(minutes=15)
_WINDOW = timedelta(hours=24)
_PERCENT = 100


def watch(session: Session, limits: Limits) -> list[SignupDefence]:
    """Look at every form that asked of late, and defend those that are being abused; return whose defence was raised.

    The timetable calls this every minute.
    """
    of_late = select(Confirmation.id).where(
        Confirmation.form_version_id == SignupFormVersion.id, Confirmation.created_at > clock.now() - _WINDOW
    )
    asking = select(SignupFormVersion.form_id).where(of_late.exists())
    found = []
    for form in session.scalars(select(SignupForm).where(SignupForm.id.in_(asking)).order_by(SignupForm.id)).all():
        reason = _abused(session, form, limits)
        if reason is not None:
            found.append(defence.raise_step(session, form, reason))
    return found


def _abused(session: Session, form: SignupForm, limits: Limits) -> Reason | None:
    current = defence.of_form(session, form)
    if current is not None and current.stage is Stage.PAUSED:
        return None
    ripe = _ripe(session, form, current.since if current is not None else None)
    if len(ripe) < ENOUGH:
        return None
    bounced = sum(row.bounced_at is not None for row in ripe)
    if bounced * _PERCENT > limits.most_bounced_percent * len(ripe):
        return Reason.BOUNCES
    confirmed = sum(row.used_at is not None for row in ripe)
    return Reason.FEW_CONFIRM if confirmed * _PERCENT < limits.least_confirmed_percent * len(ripe) else None


@dataclass(frozen=True)
class _Ripe:
    """What came of one question."""

    used_at: datetime | None
    bounced_at: datetime | None


def _ripe(session: Session, form: SignupForm, since: datetime | None) -> list[_Ripe]:
    moment = clock.now()
    query = (
        select(Confirmation.used_at, Confirmation.bounced_at)
        .join(SignupFormVersion, SignupFormVersion.id == Confirmation.form_version_id)
        .where(
            SignupFormVersion.form_id == form.id,
            Confirmation.kind == AskKind.CONFIRM,
            Confirmation.created_at > max(moment - _WINDOW, since or moment - _WINDOW),
            Confirmation.created_at <= moment - RIPE,
        )
        .order_by(Confirmation.id.desc())
        .limit(LAST)
    )
    return [_Ripe(*row) for row in session.execute(query)]


def complained(session: Session, subscriber_id: int) -> None:
    """Take note that somebody calls our mail spam who never said yes: whoever typed that address was not she."""
    query = (
        select(SignupForm)
        .join(SignupFormVersion, SignupFormVersion.form_id == SignupForm.id)
        .join(Confirmation, Confirmation.form_version_id == SignupFormVersion.id)
        .where(
            Confirmation.subscriber_id == subscriber_id,
            Confirmation.kind == AskKind.CONFIRM,
            Confirmation.used_at.is_(None),
            Confirmation.created_at > clock.now() - timedelta(days=30),
        )
        .order_by(Confirmation.id.desc())
        .limit(1)
    )
    form = session.scalars(query).first()
    if form is not None:
        defence.raise_step(session, form, Reason.COMPLAINT)

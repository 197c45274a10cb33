"""What happened at a form of late, in numbers an owner can read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from listkeeper.audience.confirmation import AskKind, Confirmation
from listkeeper.audience.signup import Signup, SignupDecision
from listkeeper.audience.signup_form import SignupForm, SignupFormVersion
from listkeeper.foundation import clock

DAY = timedelta(days=1)
_HELD = (SignupDecision.BRAKED, SignupDecision.TRAPPED, SignupDecision.SUPPRESSED, SignupDecision.NO_MAIL)


@dataclass(frozen=True)
class Tally:
    """How many posts became what, and what came of the questions."""

    posts: int
    by_decision: dict[SignupDecision, int]
    asked: int
    confirmed: int
    bounced: int

    @property
    def held(self) -> int:
        """How many posts led to no mail."""
        return sum(self.by_decision.get(decision, 0) for decision in _HELD)


def tally(session: Session, form: SignupForm, window: timedelta = DAY) -> Tally:
    """Count what was posted by a form within a window, and what came of it."""
    since = clock.now() - window
    versions: Sequence[int] = session.scalars(
        select(SignupFormVersion.id).where(SignupFormVersion.form_id == form.id)
    ).all()
    decided = (
        select(Signup.decision, func.count())
        .where(Signup.form_version_id.in_(versions), Signup.received_at > since)
        .group_by(Signup.decision)
    )
    by_decision = {row[0]: row[1] for row in session.execute(decided)}
    asked = select(func.count(), func.count(Confirmation.used_at), func.count(Confirmation.bounced_at)).where(
        Confirmation.form_version_id.in_(versions),
        Confirmation.kind == AskKind.CONFIRM,
        Confirmation.created_at > since,
    )
    questions, confirmed, bounced = session.execute(asked).one()
    return Tally(sum(by_decision.values()), by_decision, questions, confirmed, bounced)

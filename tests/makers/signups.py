"""Posts of a signup form, step by step, for tests of what lies between the post and the question."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from listkeeper.audience import answering, confirmation, signup, signup_form
from listkeeper.audience.confirmation import Confirmation
from listkeeper.audience.guard import work
from listkeeper.audience.guard.limits import Limits
from listkeeper.audience.signup import Signup, SignupDecision, SignupReceipt, Visit
from listkeeper.foundation import signing
from tests.makers import proof_of_work
from tests.makers.cafe import NO_BRAKES, Cafe

# What the settings say when nobody changed them.
LIMITS = Limits()
HER = Visit(network="192.0.2.1", browser="Test")


def post(
    session: Session, made: Cafe, typed: str, visit: Visit = HER, limits: Limits = NO_BRAKES
) -> tuple[Signup, SignupReceipt]:
    """Post the form and return the row it left, with the receipt."""
    shown = signup_form.shown(session, made.form.slug)
    receipt = signup.receive(session, shown, typed, visit, limits)
    return session.scalars(select(Signup).where(Signup.visit_digest == signing.digest(receipt.visit))).one(), receipt


def decided(session: Session, made: Cafe, typed: str, limits: Limits = NO_BRAKES, **visit: str) -> SignupDecision:
    """Post the form, decide, and return what became of it."""
    row, _receipt = post(session, made, typed, replace(HER, **visit), limits)  # type: ignore[arg-type]
    return signup.decide(session, row.id, limits)


def asks_more(session: Session, made: Cafe, typed: str, visit: Visit = HER, limits: Limits = LIMITS) -> bool:
    """Post the form and return whether one more step was asked for; then nothing may have been stored."""
    before = session.scalar(select(func.count()).select_from(Signup))
    receipt = signup.receive(session, signup_form.shown(session, made.form.slug), typed, visit, limits)
    stored = session.scalar(select(func.count()).select_from(Signup)) != before
    assert stored is (receipt.step is None)
    return receipt.step is not None


def with_work(session: Session, made: Cafe, typed: str, limits: Limits = LIMITS, visit: Visit = HER) -> SignupDecision:
    """Post the form with proof of work, as a browser does that was asked for it; return what was decided at once."""
    answer = proof_of_work.solved(work.challenge(made.form.public_id, 100))
    row, _receipt = post(session, made, typed, replace(visit, work=answer), limits)
    return row.decision


def question(session: Session, row: Signup) -> Confirmation | None:
    """Return the mail that a signup led to, if it led to one."""
    return session.scalars(select(Confirmation).where(Confirmation.signup_id == row.id)).one_or_none()


def mails(session: Session) -> int:
    """Return how many confirmation mails were asked for in all."""
    return session.scalar(select(func.count()).select_from(Confirmation)) or 0


def press(session: Session, asked: Confirmation) -> answering.Answer:
    """Press the button of a confirmation mail's page."""
    return answering.confirm(session, confirmation.token_of(asked)).answer

"""Warming up: a domain that nobody knows yet sends few mails a day, and more when the day before went well.

It follows results, not only days: a day with too many deferrals, bounces or
complaints holds it where it is or takes it a step back, and a day that was
hardly used proves nothing. Off unless switched on: a relay with a name of its
own needs none.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

from sqlalchemy import Boolean, Date, ForeignKey, Integer, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from listkeeper.deliverability import reply_class, sending_domain
from listkeeper.deliverability.sending_domain import SendingDomain
from listkeeper.foundation import clock, columns, language
from listkeeper.foundation.table import Table
from listkeeper.sending.handing_over.transport import Accepted, Deferred, Outcome, Rejected
from listkeeper.sending.pacing.pace import Day

# Mails a day; after the last it doubles.
ALLOWANCES = (50, 100, 500, 1_000, 5_000, 10_000, 20_000, 40_000)
# Shares of a day's mail, in thousandths: above the first it stands still, above the second it goes back a step.
_DEFERRED = (100, 250)
_BOUNCED = (20, 50)
_COMPLAINED = (1, 3)
# A day counts when at least this part of its allowance was used, in hundredths.
_USED = 50


class Standing(StrEnum):
    """Why the allowance is what it is."""

    BEGAN = "began"
    GREW = "grew"
    UNUSED = "unused"
    DEFERRED = "deferred"
    BOUNCED = "bounced"
    COMPLAINED = "complained"


class WarmUp(Table):
    """The plan of one sending domain, with what became of today's mail so far."""

    __tablename__ = "warm_up"

    sending_domain_id: Mapped[int] = mapped_column(ForeignKey("sending_domain.id"), primary_key=True)
    active: Mapped[bool] = mapped_column(Boolean, default=True)
    # The number of days on which it sent, and the step of the plan.
    day: Mapped[int] = mapped_column(Integer, default=1)
    stage: Mapped[int] = mapped_column(Integer, default=0)
    standing: Mapped[Standing] = columns.enum(Standing, default=Standing.BEGAN)
    today: Mapped[date] = mapped_column(Date)
    sent: Mapped[int] = mapped_column(Integer, default=0)
    deferred: Mapped[int] = mapped_column(Integer, default=0)
    bounced: Mapped[int] = mapped_column(Integer, default=0)
    complained: Mapped[int] = mapped_column(Integer, default=0)
    created_at: Mapped[datetime] = columns.created_at()

    @property
    def allowance(self) -> int:
        """How many mails may leave today."""
        last = len(ALLOWANCES) - 1
        return ALLOWANCES[min(self.stage, last)] << max(0, self.stage - last)

    @property
    def tried(self) -> int:
        """How many mails were handed over today, whatever came of them."""
        return self.sent + self.deferred + self.bounced


@dataclass(frozen=True)
class Came:
    """What came of some mails."""

    sent: int = 0
    deferred: int = 0
    bounced: int = 0


def came_of(answers: Iterable[tuple[Outcome, str]]) -> Came:
    """Count answers, each with its receiver; a "no" for other reasons than the address counts as a deferral."""
    sent = deferred = bounced = 0
    for outcome, provider in answers:
        match outcome:
            case Accepted():
                sent += 1
            case Deferred(reply) | Rejected(reply) if reply.code:
                gone = reply_class.classify(reply.code, None, reply.text, provider).permanent
                bounced, deferred = bounced + gone, deferred + (not gone)
            case _:
                pass
    return Came(sent, deferred, bounced)


def switch(session: Session, domain: SendingDomain, *, on: bool) -> WarmUp:
    """Start a domain's plan, or stop it; one that was stopped goes on where it stood."""
    plan = session.get(WarmUp, domain.id)
    if plan is None:
        plan = WarmUp(sending_domain_id=domain.id, today=_today(), active=on, day=1, stage=0, standing=Standing.BEGAN)
        plan.sent = plan.deferred = plan.bounced = plan.complained = 0
        session.add(plan)
    plan.active = on
    session.flush()
    return plan


def today(session: Session, organisation_id: int, name: str) -> Day | None:
    """Return what a domain may send today; None when it is not being warmed up."""
    of_domain = select(WarmUp).join(SendingDomain, SendingDomain.id == WarmUp.sending_domain_id)
    mine = (SendingDomain.organisation_id == organisation_id, SendingDomain.name == name, WarmUp.active.is_(True))
    plan = session.scalars(of_domain.where(*mine)).one_or_none()
    if plan is None:
        return None
    midnight = datetime.combine(plan.today + timedelta(days=1), time(), UTC)
    # A little longer than the day itself: the timetable turns the page.
    rest = max(60.0, (midnight - clock.now()).total_seconds())
    return Day(f"{plan.today}:{plan.day}", plan.allowance, plan.tried, rest)


def turn(session: Session) -> None:
    """Begin the new day of every plan whose day is over; the timetable calls this."""
    over = select(WarmUp).where(WarmUp.today < _today()).order_by(WarmUp.sending_domain_id).with_for_update()
    for plan in session.scalars(over):
        _turn(plan)


def count(session: Session, organisation_id: int, name: str, came: Came) -> None:
    """Add what came of mail from a domain to its day."""
    domain = sending_domain.by_name(session, organisation_id, name)
    if domain is not None:
        session.execute(
            update(WarmUp)
            .where(WarmUp.sending_domain_id == domain.id, WarmUp.active.is_(True))
            .values(
                sent=WarmUp.sent + came.sent,
                deferred=WarmUp.deferred + came.deferred,
                bounced=WarmUp.bounced + came.bounced,
            )
        )


def complained(session: Session, organisation_id: int, name: str) -> None:
    """Count a complaint about mail from a domain; it counts for the day on which it comes."""
    domain = sending_domain.by_name(session, organisation_id, name)
    if domain is not None:
        counted = update(WarmUp).where(WarmUp.sending_domain_id == domain.id)
        session.execute(counted.values(complained=WarmUp.complained + 1))


def _turn(plan: WarmUp) -> None:
    """Begin a new day, by what came of the last one that was used."""
    plan.today = _today()
    if plan.tried == 0:
        # Nothing was sent, so nothing was learned: it is the same day of the plan.
        return
    plan.standing, step = _judged(plan)
    plan.stage = max(0, plan.stage + step)
    plan.day += 1
    plan.sent = plan.deferred = plan.bounced = plan.complained = 0


def _judged(plan: WarmUp) -> tuple[Standing, int]:
    """Return why the plan stands where it does after this day, and by how many steps it moves."""
    shares = (
        (Standing.COMPLAINED, plan.complained, _COMPLAINED),
        (Standing.BOUNCED, plan.bounced, _BOUNCED),
        (Standing.DEFERRED, plan.deferred, _DEFERRED),
    )
    for standing, number, (_still, back) in shares:
        share = number * 1000 / plan.tried
        if share > back or (standing is Standing.COMPLAINED and share >= back):
            return standing, -1
    for standing, number, (still, _back) in shares:
        if number * 1000 / plan.tried > still:
            return standing, 0
    if plan.tried * 100 < plan.allowance * _USED:
        return Standing.UNUSED, 0
    return Standing.GREW, 1


def words(session: Session, organisation_id: int, name: str) -> str:
    """Say where the plan of a domain stands; nothing when it is not being warmed up."""
    domain = sending_domain.by_name(session, organisation_id, name)
    plan = plan_of(session, domain) if domain is not None else None
    return sentence(plan) if plan is not None else ""


def plan_of(session: Session, domain: SendingDomain) -> WarmUp | None:
    """Return the plan of a domain that is being warmed up."""
    plan = session.get(WarmUp, domain.id)
    return plan if plan is not None and plan.active else None


def sentence(plan: WarmUp) -> str:
    """Say in words where a plan stands, and why."""
    where = language.counted(
        "Warming up, day %(day)s: %(number)s mail today.",
        "Warming up, day %(day)s: %(number)s mails today.",
        plan.allowance,
        number=language.number(plan.allowance),
        day=plan.day,
    )
    return f"{where} {_why(plan.standing)}"


def _why(standing: Standing) -> str:
    match standing:
        case Standing.BEGAN:
            return language.text("It has just begun.")
        case Standing.GREW:
            return language.text("The last day went well, so it grew.")
        case Standing.UNUSED:
            return language.text("It stands still: the last day was hardly used, which proves little.")
        case Standing.DEFERRED:
            return language.text("It does not grow: the last day, receivers put off too many mails.")
        case Standing.BOUNCED:
            return language.text("It does not grow: the last day, too many addresses did not exist.")
        case Standing.COMPLAINED:
            return language.text("It does not grow: the last day, too many people complained.")


def _today() -> date:
    return clock.now().astimezone(UTC).date()

"""The checks of a sending domain, one after the other: what the DNS said each time, and what changed in between.

A check is kept when something differs from the one before, and once a day all
the same, so that the page can show how it was. Trouble in the DNS is no change:
what gave no answer is compared with nothing. Evidence for a host or a provider
is exactly these rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ForeignKey, Index, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from listkeeper.accounts import audit_log
from listkeeper.deliverability import finding, kept_answers, key_rotation, sending_domain
from listkeeper.deliverability.finding import Finding, Severity
from listkeeper.deliverability.key_rotation import Shown
from listkeeper.deliverability.sending_domain import Question, SendingDomain
from listkeeper.deliverability.surroundings import NOTHING_KNOWN, Surroundings
from listkeeper.foundation import clock, columns
from listkeeper.foundation.columns import Json, UtcDateTime
from listkeeper.foundation.table import Table
from listkeeper.standards.dns import Answer, NxDomain, Outcome, Remembering, Resolver, TempFail

_ONCE_A_DAY = timedelta(hours=23)
_KEPT = timedelta(days=400)

# "name TYPE" → what the DNS said: ``{"state": "answer", "records": [...], "server": …}``.
Records = dict[str, dict[str, Any]]
Opening = Callable[[], AbstractContextManager[Session]]


class DomainCheck(Table):
    """One check that was kept; ``changes`` are the records that differ from the check kept before it."""

    __tablename__ = "domain_check"

    id: Mapped[int] = columns.row_id()
    sending_domain_id: Mapped[int] = mapped_column(ForeignKey("sending_domain.id", ondelete="CASCADE"))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    worst: Mapped[Severity] = columns.enum(Severity)
    findings: Mapped[list[dict[str, Any]]] = mapped_column(Json)
    records: Mapped[Records] = mapped_column(Json)
    changes: Mapped[list[dict[str, Any]]] = mapped_column(Json)

    __table_args__ = (Index("ix_domain_check_domain", "sending_domain_id", "id"),)

    @property
    def last_findings(self) -> list[Finding]:
        """What this check found, in the language it was made in."""
        return [finding.from_json(stored) for stored in self.findings]


@dataclass(frozen=True)
class Checked:
    """What a check found, and every record it was shown."""

    findings: list[Finding]
    records: Records
    # What the DNS shows at the names of keys that come or go (``key_rotation``), by selector.
    keys: dict[str, Shown] = field(default_factory=dict)


@dataclass(frozen=True)
class RecordChange:
    """The records of one type at one name that are gone and that are new."""

    name: str
    kind: str
    gone: tuple[str, ...]
    new: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return it as it is stored and printed."""
        return {"name": self.name, "type": self.kind, "gone": list(self.gone), "new": list(self.new)}


def question(session: Session, domain: SendingDomain) -> Question:
    """Return what to ask the DNS about a domain, also about its keys that come or go."""
    return replace(sending_domain.question(session, domain), rotating=key_rotation.asks(session, domain))


def look(  # noqa: PLR0913 - what a receiver's verdict depends on
    asked: Question,
    resolver: Resolver,
    *,
    egress: Sequence[str] = (),
    selectors: Sequence[str] = (),
    mail_from: str | None = None,
    around: Surroundings = NOTHING_KNOWN,
) -> Checked:
    """Ask the DNS about a domain, and keep what it said beside what that means; call it with no transaction open."""
    memory = Remembering(resolver)
    findings = sending_domain.check(
        asked, memory, egress=egress, selectors=selectors, mail_from=mail_from, around=around
    )
    keys = key_rotation.look(asked.domain, asked.rotating, memory)
    kept_answers.ask_around(asked.domain, egress, memory)
    return Checked(findings, _records(memory.outcomes()), keys)


def _records(outcomes: Iterable[Outcome]) -> Records:
    return {
        f"{one.name.lower()} {one.kind}": _seen(one) for one in sorted(outcomes, key=lambda one: (one.name, one.kind))
    }


def _seen(outcome: Outcome) -> dict[str, Any]:
    match outcome:
        case Answer():
            # As text that any database and any page can hold: an escape for each byte that is no printable ASCII.
            shown = sorted(ascii(record)[1:-1] for record in outcome.records)
            return {"state": "answer", "records": shown, "server": outcome.server, "ttl": outcome.ttl}
        case TempFail():
            return {"state": "no_answer", "reason": outcome.reason, "server": outcome.server}
        case NxDomain():
            return {"state": "no_name", "server": outcome.server}
        case _:
            return {"state": "no_record", "server": outcome.server}


def keep(session: Session, domain: SendingDomain, checked: Checked) -> list[RecordChange]:
    """Store a check as the domain's newest, and among those kept where it says something new; return what changed."""
    sending_domain.keep(domain, checked.findings)
    for act in key_rotation.advance(session, domain, checked.keys):
        audit_log.record(session, domain.organisation_id, "clock", act, domain.public_id)
    before, now = newest(session, domain), clock.now()
    changes = diff(before.records, checked.records) if before is not None else []
    verdicts = _verdicts(finding.as_json(row) for row in checked.findings)
    same = before is not None and not changes and _verdicts(before.findings) == verdicts
    if same and before is not None and now - before.at < _ONCE_A_DAY:
        return []
    records = checked.records if before is None else _believed(before.records, checked.records)
    session.add(
        DomainCheck(
            sending_domain_id=domain.id,
            at=now,
            worst=finding.worst(checked.findings),
            findings=domain.findings,
            records=records,
            changes=[change.as_json() for change in changes],
        )
    )
    session.execute(delete(DomainCheck).where(DomainCheck.sending_domain_id == domain.id, DomainCheck.at < now - _KEPT))
    return changes


def _verdicts(stored: Iterable[Mapping[str, Any]]) -> set[tuple[str, str, str]]:
    return {(row["code"], row["severity"], row["subject"]) for row in stored}


def _believed(before: Records, now: Records) -> Records:
    """Return what was said; where the DNS was silent, what it said the time before stands beside that."""
    return {
        question: {**seen, "last": _last(before.get(question))} if seen["state"] == "no_answer" else seen
        for question, seen in now.items()
    }


def _last(seen: Mapping[str, Any] | None) -> Any:  # noqa: ANN401 - JSON
    if seen is None:
        return None
    return seen.get("last") if seen["state"] == "no_answer" else {key: seen.get(key) for key in ("state", "records")}


def diff(before: Mapping[str, Mapping[str, Any]], after: Mapping[str, Mapping[str, Any]]) -> list[RecordChange]:
    """Return the records that differ; what gave no answer is compared by what it said before that, or not at all.

    Questions that were asked one time only are no change: which are asked follows from the answers.
    """
    changes = []
    for question, now in after.items():
        if question not in before or (then := _of(before[question])) is None or (here := _of(now)) is None:
            continue
        name, _, kind = question.rpartition(" ")
        gone, new = tuple(sorted(then - here)), tuple(sorted(here - then))
        if gone or new:
            changes.append(RecordChange(name, kind, gone, new))
    return changes


def _of(seen: Mapping[str, Any]) -> set[str] | None:
    believed = _last(seen)
    return None if believed is None else set(believed.get("records") or ())


def newest(session: Session, domain: SendingDomain) -> DomainCheck | None:
    """Return the check that was kept last."""
    return next(iter(history(session, domain, 1)), None)


def history(session: Session, domain: SendingDomain, most: int) -> list[DomainCheck]:
    """Return the checks that were kept, the newest first."""
    query = select(DomainCheck).where(DomainCheck.sending_domain_id == domain.id).order_by(DomainCheck.id.desc())
    return list(session.scalars(query.limit(most)))


def refresh(  # noqa: PLR0913 - the shell's ways to the database and to the DNS, and what to ask about
    reading: Opening, writing: Opening, resolver: Resolver, organisation_id: int, name: str, *,
    egress: Sequence[str] = (), mail_from: str | None = None, at_most: timedelta = timedelta(0),
    around: Surroundings = NOTHING_KNOWN,
    keeping: Callable[[Session, SendingDomain, Checked], list[RecordChange]] = keep,
) -> list[RecordChange]:  # fmt: skip
    """Check a domain again if its last check is older than ``at_most``; it is added when it was not known.

    The DNS is asked between two transactions, with none open. Returns what changed since the check kept before.
    ``keeping`` stores the check, and may tell of it.
    """
    with writing() as session:
        domain = sending_domain.by_name(session, organisation_id, name) or sending_domain.add(
            session, organisation_id, name
        )
        number, checked_at = domain.id, domain.last_checked_at
    if checked_at is not None and clock.now() - checked_at < at_most:
        return []
    with reading() as session:
        asked = question(session, session.get_one(SendingDomain, number))
    checked = look(asked, resolver, egress=egress, mail_from=mail_from, around=around)
    with writing() as session:
        return keeping(session, session.get_one(SendingDomain, number), checked)

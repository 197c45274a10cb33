"""What holds us back short of a no: a restriction, a deleted list, a pause, fewer letters, links that are not seen.

The ledger says each of them, and the journal outside the database repeats it
with random references alone. After a restore the last word of the journal on
each counts, unless the ledger that came back knows that word: then what came
back is as new. Only what makes permission smaller is done again. Where the
last word gave something back (a restriction that ended, a pause cut short) and
the backup is from before, the backup's stricter state stays, and whoever gave
it back can do so again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, select, update
from sqlalchemy.orm import Session

from listkeeper.audience import consent, mailing_list, subscriber, subscription, tracking
from listkeeper.audience.consent import Circumstances, EventKind, Method
from listkeeper.audience.mailing_list import ListState, MailingList
from listkeeper.audience.proof import ledger
from listkeeper.audience.proof.ledger import EventType, LedgerHead, LedgerRow
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Frequency, Subscription
from listkeeper.audience.tracking import Counting
from listkeeper.foundation import clock
from listkeeper.foundation.errors import Invalid
from listkeeper.foundation.journal_file import Line

RESTRICTED, UNRESTRICTED, TOMBSTONED = "restricted", "unrestricted", "tombstoned"
PAUSED, FREQUENCY = "paused", "frequency"
UNTRACKED, TRACKED = "untracked", "tracked"
UNCOUNTED, COUNTED = "uncounted", "counted"
KINDS = frozenset({RESTRICTED, UNRESTRICTED, TOMBSTONED, PAUSED, FREQUENCY, UNTRACKED, TRACKED, UNCOUNTED, COUNTED})
# What gave something back is the last word on what took it; and nothing is done again for it.
_GIVES_BACK = {UNRESTRICTED: RESTRICTED, TRACKED: UNTRACKED, COUNTED: UNCOUNTED}
_SAID_BY = {
    EventType.RESTRICTED: RESTRICTED,
    EventType.UNRESTRICTED: UNRESTRICTED,
    EventType.LIST_TOMBSTONED: TOMBSTONED,
    EventType.NARROWED: PAUSED,
    EventType.TRACKING_WITHDRAWN: UNTRACKED,
    EventType.TRACKING_GIVEN: TRACKED,
    EventType.COUNTING_WITHDRAWN: UNCOUNTED,
    EventType.COUNTING_GIVEN: COUNTED,
}
_TYPES = [kind.value for kind in _SAID_BY]
_AT_ONCE = 500
_ACTOR = "journal"
# From the most letters to the fewest.
_FEWER = (Frequency.ALL, Frequency.WEEKLY, Frequency.MONTHLY, Frequency.IMPORTANT)
Said = dict[str, str | int]


@dataclass(frozen=True)
class Restrained:
    """What the database had forgotten: restrictions, deleted lists, pauses and rarer letters."""

    restricted: int = 0
    deleted: int = 0
    narrowed: int = 0


@dataclass(frozen=True)
class Unwritten:
    """What of a ledger is not in the journal yet, and how far the journal has come with it."""

    lines: list[Line]
    reached: int


def is_waiting(session: Session) -> bool:
    """Return whether a ledger says something of this that is not in the journal yet."""
    # Each end by itself: told the number, PostgreSQL reads the few rows behind it and never the whole ledger.
    ends = session.execute(select(LedgerHead.organisation_id, LedgerHead.seq, LedgerHead.journaled_seq)).all()
    return any(
        session.scalar(_rows(end.organisation_id, end.journaled_seq, end.seq).with_only_columns(LedgerRow.seq).limit(1))
        for end in ends
        if end.seq > end.journaled_seq
    )


def unwritten(session: Session, organisation_id: int, owner: str, limit: int) -> Unwritten | None:
    """Return up to ``limit`` lines that the journal lacks; None when the ledger has not grown since."""
    end = ledger.head(session, organisation_id)
    if end is None or limit <= 0 or end.seq <= end.journaled_seq:
        return None
    query = _rows(organisation_id, end.journaled_seq, end.seq)
    rows = session.scalars(query.order_by(LedgerRow.seq).limit(limit)).all()
    reached = rows[-1].seq if len(rows) == limit else end.seq
    return Unwritten([line for row in rows if (line := _line(row, owner)) is not None], reached)


def _rows(organisation_id: int, after: int, to: int) -> Select[LedgerRow]:
    return select(LedgerRow).where(
        LedgerRow.organisation_id == organisation_id,
        LedgerRow.seq > after,
        LedgerRow.seq <= to,
        LedgerRow.type.in_(_TYPES),
    )


def mark(session: Session, organisation_id: int, reached: int) -> None:
    """Note how far the journal has come with a ledger."""
    ended = update(LedgerHead).where(LedgerHead.organisation_id == organisation_id)
    session.execute(ended.values(journaled_seq=reached), execution_options={"synchronize_session": False})


def begin_again(session: Session) -> None:
    """Let everything be written once more, into a journal that is new."""
    session.execute(update(LedgerHead).values(journaled_seq=0), execution_options={"synchronize_session": False})


def _line(row: LedgerRow, owner: str) -> Line | None:
    try:
        said = ledger.fields_of(row)
    except (TypeError, ValueError):
        # Somebody changed the row by hand: the audit names it, and the rest must reach the journal.
        return None
    kind, details = _SAID_BY[EventType(row.type)], said.get("details", {})
    line: dict[str, str | int] = {"kind": kind, "org": owner, "id": row.id, "at": row.at}
    if kind == TOMBSTONED:
        return {**line, "list": said["list"]}
    line["subject"] = row.subject
    if kind in {RESTRICTED, UNRESTRICTED}:
        return line
    line["list"] = said["list"]
    if kind != PAUSED:
        return line
    if "snooze_until" in details:
        return {**line, "until": details["snooze_until"]}
    return {**line, "kind": FREQUENCY, "often": details["frequency"]} if "frequency" in details else None


def replay(session: Session, lines: Iterable[Said], owners: dict[str, int]) -> Restrained:
    """Do again what the database has forgotten of these lines (oldest first). Raises Invalid for a senseless one."""
    last: dict[tuple[str, ...], Said] = {}
    for line in lines:
        kind = str(line.get("kind"))
        last[_GIVES_BACK.get(kind, kind), str(line.get("org")), str(line.get("subject")), str(line.get("list"))] = line
    try:
        return _done_again(session, _forgotten(session, list(last.values())), owners)
    except (KeyError, ValueError, OverflowError) as problem:
        raise Invalid("journal_damaged", "A line of the journal makes no sense. Nothing was changed.") from problem


def _forgotten(session: Session, last: Sequence[Said]) -> list[Said]:
    """Return the words that the ledger does not know: one that it knows is not newer than the state beside it."""
    known: set[str] = set()
    for start in range(0, len(last), _AT_ONCE):
        asked = [str(line["id"]) for line in last[start : start + _AT_ONCE]]
        known |= set(session.scalars(select(LedgerRow.id).where(LedgerRow.id.in_(asked))))
    return [line for line in last if line["id"] not in known]


def _done_again(session: Session, forgotten: Sequence[Said], owners: dict[str, int]) -> Restrained:
    restricted = deleted = narrowed = 0
    for line in forgotten:
        owner = owners[str(line["org"])]
        match line["kind"]:
            case "restricted":
                restricted += _restrict(session, owner, line)
            case "tombstoned":
                deleted += _delete(session, owner, line)
            case "paused" | "frequency":
                narrowed += _narrow(session, owner, line)
            case "untracked" | "uncounted":
                narrowed += _untrack(session, owner, line)
            case _:
                # What was given back after the backup: the restriction that stands in it stays until it is ended again.
                pass
    return Restrained(restricted, deleted, narrowed)


def _person(session: Session, organisation_id: int, line: Said) -> Subscriber | None:
    found = subscriber.with_reference(session, organisation_id, str(line["subject"]))
    return subscriber.hold(session, found.id) if found is not None else None


def _list(session: Session, organisation_id: int, line: Said) -> MailingList | None:
    query = select(MailingList).where(MailingList.organisation_id == organisation_id)
    return session.scalars(query.where(MailingList.public_id == str(line["list"]))).first()


def _restrict(session: Session, organisation_id: int, line: Said) -> bool:
    person = _person(session, organisation_id, line)
    if person is None or person.restricted_at is not None:
        return False
    subscriber.restrict(session, person, actor=_ACTOR)
    return True


def _delete(session: Session, organisation_id: int, line: Said) -> bool:
    found = _list(session, organisation_id, line)
    if found is None or found.state is ListState.TOMBSTONED:
        return False
    mailing_list.tombstone(session, found, actor=_ACTOR)
    return True


def _narrow(session: Session, organisation_id: int, line: Said) -> bool:
    person, on = _person(session, organisation_id, line), _list(session, organisation_id, line)
    current = subscription.of(session, person.id, on.id) if person is not None and on is not None else None
    if person is None or current is None:
        return False
    details = _pause(current, line) if line["kind"] == PAUSED else _rarer(current, line)
    if not details:
        return False
    under = Circumstances(
        consent_text_id=current.consent_text_id,
        at=clock.of_milliseconds(int(line["at"])),
        actor=_ACTOR,
        basis=current.basis.value,
        purpose=current.purpose,
        details=details,
    )
    consent.record(session, person, current.list_id, EventKind.NARROWED, Method.JOURNAL, under)
    return True


def _untrack(session: Session, organisation_id: int, line: Said) -> bool:
    person, on = _person(session, organisation_id, line), _list(session, organisation_id, line)
    current = subscription.of(session, person.id, on.id) if person is not None and on is not None else None
    if person is None or current is None:
        return False
    under = Circumstances(at=clock.of_milliseconds(int(line["at"])), actor=_ACTOR)
    how = Counting.PERSON if line["kind"] == UNTRACKED else Counting.NUMBER
    return tracking.end(session, person, current, Method.JOURNAL, under, of=how)


def _pause(current: Subscription, line: Said) -> dict[str, Any]:
    if not int(line["until"]):
        return {}
    until = clock.of_milliseconds(int(line["until"]))
    if until <= clock.now() or (current.snooze_until is not None and current.snooze_until >= until):
        return {}
    current.snooze_until = until
    return {"snooze_until": int(line["until"])}


def _rarer(current: Subscription, line: Said) -> dict[str, Any]:
    often, former = Frequency(str(line["often"])), current.frequency
    if _FEWER.index(often) <= _FEWER.index(former):
        return {}
    current.frequency = often
    return {"frequency": often.value, "frequency_before": former.value}

"""What the gate sees: one look at the database for a worker's whole window, fresh, with the people locked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from listkeeper.audience import gate_facts, jurisdiction
from listkeeper.audience.confirmation import Confirmation
from listkeeper.audience.consent import ConsentEvent, Method
from listkeeper.audience.gate_facts import End, Held, ListRules, Person
from listkeeper.audience.handover import Handover
from listkeeper.audience.importing.batch import ImportBatch, ImportRow
from listkeeper.audience.jurisdiction import Profile
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Subscription
from listkeeper.foundation import clock
from listkeeper.foundation.errors import NotFound

_NONE: frozenset[str] = frozenset()


class View(NamedTuple):
    """What one look says about one hand-over."""

    moment: datetime
    # The same, unless the clock was set back: what had run out by then has run out.
    latest: datetime
    handover: Handover
    subscriber: Person | None
    subscription: Held | None
    mailing_list: ListRules | None
    profile: Profile | None
    # Whether the import that claims the permission, if one does, has evidence of it and has not been taken back.
    claim_stands: bool
    confirmation: Confirmation | None
    suppressed_scopes: AbstractSet[str]
    # How far the ledger had come, and whether a witness contradicts it.
    head_seq: int
    forked: bool

    @property
    def foreign(self) -> bool:
        """Whether a person or a list of another organisation stands in this hand-over."""
        rows = (self.subscriber, self.mailing_list)
        return any(row is not None and row.organisation_id != self.handover.organisation_id for row in rows)


def look(session: Session, handovers: Sequence[Handover]) -> list[View]:
    """Return what is known about each hand-over, in order.

    Locks the subscribers' rows (PostgreSQL; SQLite has one writer), as a withdrawal does, so that neither can slip
    between look and hand-over. It reads tables: whatever this transaction has changed must stand there first.
    """
    session.flush()
    asked = _asked(session, {h.confirmation_id for h in handovers if h.confirmation_id is not None})
    about = [(h.subscriber_id, h.list_id, h.organisation_id) for h in handovers]
    people, current, lists, scopes, ends = gate_facts.look(session, about, clock.now())
    # Once whoever held the rows has let go of them: what ran out meanwhile has run out.
    moment = clock.now()
    claims, ledgers = _proven(session, current.values()), _ledgers(ends, moment)
    profiles = {number: _profile(row, moment) for number, row in lists.items()}
    views: list[View] = []
    for handover in handovers:
        person = people.get(handover.subscriber_id)
        held = current.get((handover.subscriber_id, handover.list_id))
        head_seq, latest, forked = ledgers.get(handover.organisation_id, (0, moment, False))
        views.append(
            View(
                moment=moment,
                latest=latest,
                handover=handover,
                subscriber=person,
                subscription=held,
                mailing_list=lists.get(handover.list_id),
                profile=profiles.get(handover.list_id),
                claim_stands=held is not None and held.id in claims,
                confirmation=asked.get(handover.confirmation_id),
                suppressed_scopes=scopes.get(person.suppression_key, _NONE) if person else _NONE,
                head_seq=head_seq,
                forked=forked,
            )
        )
    return views


def _ledgers(ends: Mapping[int, End], moment: datetime) -> dict[int, tuple[int, datetime, bool]]:
    """Return how far each ledger has come, the moment not before its end, and whether a witness contradicts it."""
    return {
        number: (end.seq, max(moment, clock.of_milliseconds(end.at)), end.forked_at is not None)
        for number, end in ends.items()
    }


def _asked(session: Session, ids: set[int]) -> dict[int | None, Confirmation]:
    if not ids:
        return {}
    query = select(Confirmation).where(Confirmation.id.in_(ids)).execution_options(populate_existing=True)
    return {row.id: row for row in session.scalars(query)}


def _proven(session: Session, current: Iterable[Held]) -> set[int]:
    """Return which subscriptions rest on an evidenced row about this very person, in a batch that stands.

    It is the row that the subscription cites; or she left since, and has taken back that alone.
    """
    claimed = [row.id for row in current if row.import_id is not None]
    if not claimed:
        return set()
    cited = ImportRow.event_seq == Subscription.ledger_seq
    taken_back = and_(
        ConsentEvent.method == Method.UNDO,
        ConsentEvent.subject_ref == Subscriber.subject_ref,
        ConsentEvent.ledger_seq == Subscription.ledger_seq,
        ImportRow.event_seq < Subscription.ledger_seq,
    )
    query = (
        select(Subscription.id)
        .join(Subscriber, Subscriber.id == Subscription.subscriber_id)
        .join(ImportBatch, ImportBatch.id == Subscription.import_id)
        .join(ImportRow, ImportRow.batch_id == ImportBatch.id)
        .outerjoin(ConsentEvent, ConsentEvent.id == Subscription.consent_event_id)
        .where(Subscription.id.in_(claimed), ImportBatch.undone_at.is_(None))
        .where(ImportRow.subject_ref == Subscriber.subject_ref, ImportRow.evidenced.is_(True), or_(cited, taken_back))
    )
    return set(session.scalars(query))


def _profile(mailing_list: ListRules, moment: datetime) -> Profile | None:
    try:
        return jurisdiction.profile(mailing_list.jurisdiction, moment.date())
    except NotFound:
        # One list under rules that nobody knows must not keep the rest of the window waiting.
        return None

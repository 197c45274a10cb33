"""Two lists become one, and no consent becomes wider.

Who said yes for the purpose of the target moves, with her own text, event and
basis, and rests on if she rested. Who said yes to something else stays where
she is. Who left either list has left both. The list that was merged keeps its forms, its texts and its
history; a letter of it that is still in a mailbox leads out of the target.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, delete, func, not_, select, union, update
from sqlalchemy.orm import Session, aliased

from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import resting, subscriber, suppression, tracking, unsubscribe
from listkeeper.audience.consent import Circumstances, Method
from listkeeper.audience.mailing_list import ListState, MailingList
from listkeeper.audience.proof import ledger
from listkeeper.audience.proof.ledger import Event, EventType
from listkeeper.audience.segments import segment_meaning
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Subscription, SubscriptionState
from listkeeper.audience.suppression import Reason, Suppression
from listkeeper.foundation import clock, language, outbox
from listkeeper.foundation.errors import Conflict, Invalid
from listkeeper.foundation.outbox import Lane

_AT_ONCE = 1000
_ON = frozenset({SubscriptionState.CONFIRMED})
_LEFT = frozenset({SubscriptionState.UNSUBSCRIBED, SubscriptionState.COMPLAINED, SubscriptionState.REFUSED})


@dataclass(frozen=True)
class Merged:
    """What became of the people: how many moved, were on both, had left one of the two, stayed for another purpose."""

    moved: int
    on_both: int
    left_one: int
    stayed: int


def forecast(session: Session, source: MailingList, target: MailingList) -> Merged:
    """Return what a merge would come to; nothing is changed."""
    _refuse(source, target)
    here = _confirmed_on(source)
    moved = _count(session, *here, _same_purpose(target), not_(_has_row_on(target)))
    on_both = _count(session, *here, _same_purpose(target), _has_row_on(target, _ON))
    gone = _count(session, *here, _has_row_on(target, _LEFT))
    return Merged(
        moved=moved,
        on_both=on_both,
        left_one=gone + _count(session, *_confirmed_on(target), _has_row_on(source, _LEFT)),
        stayed=_count(session, *here) - moved - on_both - gone,
    )


def merge(
    session: Session, organisation: Organisation, source: MailingList, target: MailingList, *, actor: str
) -> Merged:
    """Merge ``source`` into ``target`` in the caller's transaction; no permission gets wider by it.

    Raises Invalid for a list and itself, Conflict for a list that is not in use.
    """
    told = forecast(session, source, target)
    gone = union(_who_left_one(target, source), _who_left_one(source, target))
    subscriber.hold_all(session, select(Subscriber).where(Subscriber.id.in_(gone)))
    _leave_both(session, target, source, actor)
    _leave_both(session, source, target, actor)
    _keep_out(session, organisation, source, target, actor)
    here = (*_confirmed_on(source), _same_purpose(target))
    _see_no_more(session, here, actor)
    steps = (
        # Whoever is on both keeps what she said to the target; what she said to the other stays in her history.
        delete(Subscription).where(*here, _has_row_on(target, _ON)),
        update(Subscription).where(*here, not_(_has_row_on(target))).values(list_id=target.id),
    )
    for step in steps:
        session.execute(step, execution_options={"synchronize_session": False})
    session.expire_all()
    segment_meaning.come_along(session, source, target)
    resting.follow(session, source, target)
    source.merged_into_id = target.id
    details: dict[str, str | int] = {"into": target.public_id, "moved": told.moved, "stayed": told.stayed}
    merged = Event(EventType.LIST_MERGED, list=source.public_id, purpose=source.purpose, actor=actor, details=details)
    ledger.append(session, organisation.id, [merged])
    return told


def _see_no_more(session: Session, here: Iterable[ColumnElement[bool]], actor: str) -> None:
    """End that links of those who move are seen or counted: they said yes to it on the one list, not on the other."""
    query = select(Subscriber, Subscription).join(Subscription, Subscription.subscriber_id == Subscriber.id)
    chosen = Subscription.tracking_since.is_not(None) | Subscription.counted_since.is_not(None)
    for person, current in session.execute(query.where(*here, chosen).order_by(Subscriber.id)).all():
        tracking.end(session, person, current, Method.OPERATOR, Circumstances(actor=actor))


def _refuse(source: MailingList, target: MailingList) -> None:
    if source.id == target.id:
        raise Invalid("same_list", language.text("Please choose another list than this one."))
    if source.organisation_id != target.organisation_id or source.demo != target.demo:
        raise Conflict("other_kind_of_list", language.text("These two lists cannot become one. Nothing was changed."))
    if target.state is not ListState.ACTIVE or source.state is ListState.TOMBSTONED:
        raise Conflict("list_closed", language.text("Only a list in use can take in another one. Nothing was changed."))


def _count(session: Session, *conditions: ColumnElement[bool]) -> int:
    return session.scalar(select(func.count()).select_from(Subscription).where(*conditions)) or 0


def _confirmed_on(mailing_list: MailingList) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return Subscription.list_id == mailing_list.id, Subscription.state == SubscriptionState.CONFIRMED


def _same_purpose(target: MailingList) -> ColumnElement[bool]:
    return Subscription.purpose == target.purpose


def _has_row_on(
    other: MailingList, states: Iterable[SubscriptionState] = tuple(SubscriptionState)
) -> ColumnElement[bool]:
    """Whether the same person has a row on another list, in one of these states."""
    there = aliased(Subscription)
    query = select(there.id).where(
        there.list_id == other.id, there.subscriber_id == Subscription.subscriber_id, there.state.in_(states)
    )
    return query.exists()


def _who_left_one(here: MailingList, there: MailingList) -> Select[int]:
    return select(Subscription.subscriber_id).where(*_confirmed_on(here), _has_row_on(there, _LEFT))


def _leave_both(session: Session, here: MailingList, there: MailingList, actor: str) -> None:
    """Take off one list whoever has left the other: a leave of either is a leave of both."""
    for subscriber_id in session.scalars(_who_left_one(here, there).order_by(Subscription.subscriber_id)).all():
        unsubscribe.leave(session, subscriber_id, here.id, Method.OPERATOR, actor=actor)
    session.flush()


def _keep_out(
    session: Session, organisation: Organisation, source: MailingList, target: MailingList, actor: str
) -> None:
    """Let every suppression of the one list hold for the other too, also of addresses that nobody knows any more."""
    known = _suppressed_on(session, organisation, target)
    wanted = [
        row for key, row in _suppressed_on(session, organisation, source).items() if not _covers(known.get(key), row)
    ]
    scope = suppression.list_scope(target.id)
    for start in range(0, len(wanted), _AT_ONCE):
        rows = wanted[start : start + _AT_ONCE]
        made = [
            Suppression(
                organisation_id=organisation.id,
                key=row.key,
                scope=scope,
                reason=row.reason,
                until=row.until,
                actor=actor,
            )
            for row in rows
        ]
        session.add_all(made)
        session.flush()
        told = [
            Event(
                EventType.SUPPRESSED,
                actor=actor,
                expires_at=row.until,
                details={"scope": scope, "reason": row.reason.value},
            )
            for row in rows
        ]
        ledger.append(session, organisation.id, told)
        outbox.write(session, suppression.ADDED, made[-1].id, Lane.URGENT)


def _suppressed_on(
    session: Session, organisation: Organisation, mailing_list: MailingList
) -> dict[tuple[str, Reason], Suppression]:
    """Return what holds for a list alone, of each kind the one that holds longest."""
    query = select(Suppression).where(
        Suppression.organisation_id == organisation.id,
        Suppression.scope == suppression.list_scope(mailing_list.id),
        suppression.live(clock.now()),
    )
    found: dict[tuple[str, Reason], Suppression] = {}
    for row in session.scalars(query.order_by(Suppression.id)):
        key = (row.key, row.reason)
        if not _covers(found.get(key), row):
            found[key] = row
    return found


def _covers(known: Suppression | None, row: Suppression) -> bool:
    return known is not None and (known.until is None or (row.until is not None and known.until >= row.until))

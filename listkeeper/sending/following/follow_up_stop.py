"""Who goes no further along a line: she left, her permission is over, or she did what the stop rules name.

Looked at when a step is due, for all whose step is due at once. That she left
is asked once more by the gate, in the very moment of the hand-over. Who left
and came back since begins anew, or not at all: the old line is over for her.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import Session

from listkeeper.audience import renewal, subscription, suppression
from listkeeper.audience.activity import Activity, ActivityKind
from listkeeper.audience.consent import ConsentEvent, EventKind
from listkeeper.audience.mailing_list import ListState
from listkeeper.audience.posted_event import PostedEvent
from listkeeper.audience.segments import segment_query
from listkeeper.audience.segments.segment import Segment
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Subscription, SubscriptionState
from listkeeper.audience.suppression import Reason, Suppression
from listkeeper.audience.thread import Conversation, ConversationState
from listkeeper.campaigns.follow_up import FollowUp
from listkeeper.foundation.among import among
from listkeeper.sending.following.follow_up_run import FollowUpRun, StopWhy


def found(  # noqa: PLR0913 - whose line, who is due on it, and when
    session: Session, line: FollowUp, runs: Collection[int], people: Collection[int], now: datetime, *, practice: bool
) -> dict[int, StopWhy]:
    """Return which of these runs end now, and why; ``people`` are those of the runs."""
    if line.mailing_list.state is not ListState.ACTIVE:
        return dict.fromkeys(runs, StopWhy.LIST_CLOSED)
    stopped: dict[int, StopWhy] = {}
    for why, query in _acts(line):
        for number in session.scalars(query, {"runs": sorted(runs)}):
            stopped.setdefault(number, why)
    if line.stop_segment_id is not None:
        inside = members(session, line.stop_segment_id, people)
        for number in _runs_of(session, runs, inside):
            stopped.setdefault(number, StopWhy.SEGMENT)
    stopped |= _gone(session, line, runs, people, now, practice=practice)
    return stopped | turned_away(session, line, among(FollowUpRun.id, "runs"), {"runs": sorted(runs)})


def turned_away(
    session: Session, line: FollowUp, chosen: ColumnElement[bool], given: Mapping[str, Any] | None = None
) -> dict[int, StopWhy]:
    """Return which of a line's runs have outlived what they began under, and why, wherever she stands by now.

    She left, complained, or her mail came back, since the run began; or her permission ended.
    """
    of_list = suppression.marketing_scopes(line.list_id, line.mailing_list.purpose)
    runs = select(FollowUpRun.id).join(Subscriber, Subscriber.id == FollowUpRun.subscriber_id).where(chosen)
    ended = runs.join(ConsentEvent, ConsentEvent.subject_ref == Subscriber.subject_ref).where(
        ConsentEvent.list_id == line.list_id,
        ConsentEvent.kind.in_((EventKind.EXPIRED, EventKind.LAPSED)),
        ConsentEvent.at > FollowUpRun.begun_at,
    )
    closed = (
        runs.add_columns(Suppression.reason)
        .join(
            Suppression,
            (Suppression.organisation_id == Subscriber.organisation_id)
            & (Suppression.key == Subscriber.suppression_key),
        )
        .where(Suppression.scope.in_(sorted(of_list)), Suppression.created_at > FollowUpRun.begun_at)
        .order_by(Suppression.id)
    )
    values = dict(given or {})
    found = dict.fromkeys(session.scalars(ended, values), StopWhy.CONSENT_OVER)
    for number, reason in session.execute(closed, values):
        found[number] = _TURNED.get(reason, StopWhy.LEFT)
    return found


_TURNED = {Reason.COMPLAINT: StopWhy.COMPLAINED, Reason.HARD_BOUNCE: StopWhy.BOUNCED}


def _acts(line: FollowUp) -> Iterable[tuple[StopWhy, Select[int]]]:
    runs = select(FollowUpRun.id).where(among(FollowUpRun.id, "runs"))
    if line.stop_event is not None:
        yield (
            StopWhy.EVENT,
            runs.join(PostedEvent, PostedEvent.subscriber_id == FollowUpRun.subscriber_id).where(
                PostedEvent.name == line.stop_event, PostedEvent.at > FollowUpRun.begun_at
            ),
        )
    if line.stop_on_reply:
        yield (
            StopWhy.REPLIED,
            runs.join(Conversation, Conversation.subscriber_id == FollowUpRun.subscriber_id).where(
                Conversation.last_in_at > FollowUpRun.begun_at, Conversation.state != ConversationState.SET_ASIDE
            ),
        )
        yield StopWhy.REPLIED, _did(runs, line, ActivityKind.REPLIED)
    if line.stop_on_click:
        yield StopWhy.CLICKED, _did(runs, line, ActivityKind.CLICKED)


def _did(runs: Select[int], line: FollowUp, kind: ActivityKind) -> Select[int]:
    return runs.join(Activity, Activity.subscriber_id == FollowUpRun.subscriber_id).where(
        Activity.list_id == line.list_id, Activity.kind == kind, Activity.at > FollowUpRun.begun_at
    )


def members(session: Session, segment_id: int, people: Collection[int]) -> set[int]:
    """Return which of these people are in a segment now, also in an archived one; nobody is in one that is gone."""
    known = session.get(Segment, segment_id)
    return segment_query.of_these(session, known, people) if known is not None else set()


def _runs_of(session: Session, runs: Collection[int], people: Collection[int]) -> list[int]:
    if not people:
        return []
    query = select(FollowUpRun.id).where(among(FollowUpRun.id, "runs"), among(FollowUpRun.subscriber_id, "people"))
    return list(session.scalars(query, {"runs": sorted(runs), "people": sorted(people)}))


def _gone(  # noqa: PLR0913 - the same
    session: Session, line: FollowUp, runs: Collection[int], people: Collection[int], now: datetime, *, practice: bool
) -> dict[int, StopWhy]:
    may = subscription.mailable(line.mailing_list, practice=practice).order_by(None)
    here = set(session.scalars(may.where(among(Subscriber.id, "people")), {"people": sorted(people)}))
    over = _over(session, line, people, now)
    gone = (set(people) - here) | over
    if not gone:
        return {}
    query = select(FollowUpRun.id, FollowUpRun.subscriber_id).where(
        among(FollowUpRun.id, "runs"), among(FollowUpRun.subscriber_id, "gone")
    )
    return {
        row[0]: StopWhy.CONSENT_OVER if row[1] in over else StopWhy.LEFT
        for row in session.execute(query, {"runs": sorted(runs), "gone": sorted(gone)})
    }


def _over(session: Session, line: FollowUp, people: Collection[int], now: datetime) -> set[int]:
    ended = (SubscriptionState.LAPSED, SubscriptionState.EXPIRED)
    query = select(Subscription.subscriber_id).where(
        Subscription.list_id == line.list_id,
        among(Subscription.subscriber_id, "people"),
        Subscription.state.in_(ended)
        | ((Subscription.state == SubscriptionState.CONFIRMED) & (renewal.ends(line.mailing_list) <= now)),
    )
    return set(session.scalars(query, {"people": sorted(people)}))

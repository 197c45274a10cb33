"""The clean-up: who of a list never reacted to anything, as a proposal with numbers that its owner may follow or not.

Somebody never reacted who has been on the list for so many months, got so
many letters in that time while she let us see her clicks, and followed no
link, wrote nothing back, answered nothing and bought nothing. Whose clicks we
may not see cannot be judged by them, and is never called silent: how many
those are is said beside it. Nobody is removed: they rest (``audience.resting``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    ColumnElement,
    ForeignKey,
    Integer,
    Select,
    Subquery,
    and_,
    case,
    func,
    literal_column,
    or_,
    select,
    union,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import mailing_list, resting
from listkeeper.audience.activity import LatestAct
from listkeeper.audience.consent import ConsentEvent, EventKind
from listkeeper.audience.mailing_list import ListState, MailingList
from listkeeper.audience.posted_event import PostedEvent
from listkeeper.audience.profile import ProfileAnswer
from listkeeper.audience.resting import RestBatch
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Subscription, SubscriptionState
from listkeeper.audience.thread import Conversation, ConversationState
from listkeeper.campaigns.campaign import Campaign, CampaignState
from listkeeper.foundation import clock, columns, language, throttle
from listkeeper.foundation.columns import UtcDateTime
from listkeeper.foundation.errors import Invalid
from listkeeper.foundation.table import Table
from listkeeper.sending.delivery import TAKEN, Delivery

MOST_MONTHS, MOST_LETTERS = 60, 100
_YEAR, _QUARTER = timedelta(days=365), timedelta(days=90)
# Fewer complaints in a year tell nothing about who complains.
ENOUGH_COMPLAINTS = 5
_OF_SO_MANY = 10_000
_NOT_CONFIRMED = tuple(state for state in SubscriptionState if state is not SubscriptionState.CONFIRMED)
_LEFT = (CampaignState.SENDING, CampaignState.PAUSED, CampaignState.FINISHED)


@dataclass(frozen=True)
class Rule:
    """Who counts as silent: on the list, and seen, for so many months, with so many letters in that time."""

    months: int = 6
    letters: int = 5


class Group(StrEnum):
    """What can be said of one who is confirmed; everybody is in exactly one."""

    # On the list for too short a time.
    NEW = "new"
    # We may not see her clicks, or not for long enough: their absence says nothing.
    UNSEEN = "unseen"
    # Of those who can be judged.
    REACTED = "reacted"
    # Too few letters went to her.
    FEW = "few"
    SILENT = "silent"


@dataclass(frozen=True)
class Proposal:
    """The numbers of one list; the five groups add up to ``confirmed``. Rates are complaints for 10,000 mails."""

    rule: Rule
    counted_at: datetime
    groups: Mapping[str, int]
    # Who of all of them, of whatever group, never reacted as far as anybody knows.
    never: int
    # When the first of the silent came to the list.
    since: datetime | None
    # Of the last year: mails of this list, and who of its people complained, of whom had never reacted.
    mails: int
    complaints: int
    by_silent: int
    # Letters to the list in the last 90 days.
    letters: int

    @property
    def confirmed(self) -> int:
        """How many were looked at: confirmed, and not resting."""
        return sum(self.groups.values())

    @property
    def silent(self) -> int:
        """How many would rest."""
        return self.groups[Group.SILENT]

    @property
    def judged(self) -> int:
        """How many could be judged."""
        return self.groups[Group.REACTED] + self.silent

    @property
    def mails_a_month(self) -> int:
        """How many mails fewer a month, by the last 90 days."""
        return self.silent * self.letters // 3

    @property
    def rate_now(self) -> int | None:
        """Complaints for 10,000 mails; None where nothing was sent."""
        return round(self.complaints * _OF_SO_MANY / self.mails) if self.mails else None

    @property
    def rate_then(self) -> int | None:
        """What that would roughly have been without the silent; None where too little is known.

        They are taken to complain as often as all do who never reacted.
        """
        if self.complaints < ENOUGH_COMPLAINTS or not self.mails or not self.confirmed:
            return None
        fewer = self.by_silent * self.silent / self.never if self.never else 0
        mails = self.mails * (1 - self.silent / self.confirmed)
        return round((self.complaints - fewer) * _OF_SO_MANY / mails) if mails >= 1 else None

    def as_json(self) -> dict[str, Any]:
        """Return it as it is stored and printed."""
        return {
            "months": self.rule.months,
            "letters": self.rule.letters,
            "counted_at": clock.as_text(self.counted_at),
            "confirmed": self.confirmed,
            **{group.value: self.groups[group] for group in Group},
            "never_reacted": self.never,
            "since": clock.as_text(self.since) if self.since else None,
            "mails_in_a_year": self.mails,
            "complaints_in_a_year": self.complaints,
            "complaints_by_never_reacted": self.by_silent,
            "complaints_of_10000_mails": self.rate_now,
            "complaints_of_10000_mails_then": self.rate_then,
            "letters_in_90_days": self.letters,
            "mails_fewer_a_month": self.mails_a_month,
        }


class CleanUpFigure(Table):
    """The newest numbers of one list: counting a million people takes longer than a page may."""

    __tablename__ = "clean_up_figure"

    id: Mapped[int] = columns.row_id()
    list_id: Mapped[int] = mapped_column(ForeignKey("mailing_list.id"), unique=True)
    months: Mapped[int] = mapped_column(Integer)
    letters: Mapped[int] = mapped_column(Integer)
    figures: Mapped[dict[str, Any]] = mapped_column(columns.Json)
    counted_at: Mapped[datetime] = mapped_column(UtcDateTime)


def lists(session: Session, organisation: Organisation) -> list[MailingList]:
    """Return the lists of a business that letters go to."""
    every = mailing_list.all_of(session, organisation)
    return [each for each in every if each.state is ListState.ACTIVE and not each.is_service]


def count_all(session: Session, organisation: Organisation) -> list[tuple[int, Proposal]]:
    """Count every list by the rule it was counted by last; return its row number with the numbers."""
    known = [(each, kept(session, each)) for each in lists(session, organisation)]
    return [(each.id, count(session, each, found.rule if found else Rule())) for each, found in known]


def rule_of(months: str | int, letters: str | int) -> Rule:
    """Return the rule that somebody typed. Raises Invalid."""
    try:
        made = Rule(int(months), int(letters))
    except ValueError:
        made = Rule(0, 0)
    if not (1 <= made.months <= MOST_MONTHS and 1 <= made.letters <= MOST_LETTERS):
        sentence = language.text(
            "Please choose 1 to %(months)s months and 1 to %(letters)s letters. Nothing was changed.",
            months=MOST_MONTHS,
            letters=MOST_LETTERS,
        )
        raise Invalid("clean_up_rule", sentence)
    return made


def count(session: Session, of_list: MailingList, rule: Rule = Rule()) -> Proposal:
    """Count the groups of a list now; on a very long list this takes seconds."""
    moment = clock.now()
    did, group = _reacted(), _group(rule, moment)
    query = (
        select(group, func.count(), func.count(did.c.person), func.min(Subscription.since))
        .outerjoin(did, did.c.person == Subscription.subscriber_id)
        .where(_asked(of_list))
        .group_by(group)
    )
    rows = {row[0]: row for row in session.execute(query)}
    complaints, by_silent = _complaints(session, of_list, moment - _YEAR)
    mails = _letters(session, of_list, moment - _YEAR)[1]
    return Proposal(
        rule=rule,
        counted_at=moment,
        groups={each.value: rows[each.value][1] if each.value in rows else 0 for each in Group},
        never=sum(row[1] - row[2] for row in rows.values()),
        since=rows[Group.SILENT.value][3] if Group.SILENT.value in rows else None,
        mails=mails,
        complaints=complaints,
        by_silent=by_silent,
        letters=_letters(session, of_list, moment - _QUARTER)[0],
    )


def silent(of_list: MailingList, rule: Rule, moment: datetime) -> Select[int]:
    """Return the SELECT of the subscriptions of those who never reacted: the last group of ``_group``.

    Each condition by itself and not as a group, so that those are found by their index who let their clicks be seen.
    """
    before, did = clock.months_later(moment, -rule.months), _reacted()
    return (
        select(Subscription.id)
        .outerjoin(did, did.c.person == Subscription.subscriber_id)
        .where(
            Subscription.list_id == of_list.id,
            # Said by what it is not: SQLite would look through all who are confirmed.
            Subscription.state.not_in(_NOT_CONFIRMED),
            Subscription.rest_batch_id.is_(None),
            Subscription.since <= before,
            Subscription.tracking_since <= before,
            did.c.person.is_(None),
            _got() >= rule.letters,
        )
    )


def _asked(of_list: MailingList) -> ColumnElement[bool]:
    return and_(
        Subscription.list_id == of_list.id,
        Subscription.state == SubscriptionState.CONFIRMED,
        Subscription.rest_batch_id.is_(None),
    )


def _group(rule: Rule, moment: datetime) -> ColumnElement[str]:
    """Return the group of a subscription beside which ``_reacted`` is joined; what costs most is asked last."""
    before = clock.months_later(moment, -rule.months)
    unseen = or_(Subscription.tracking_since.is_(None), Subscription.tracking_since > before)
    return case(
        (Subscription.since > before, Group.NEW.value),
        (unseen, Group.UNSEEN.value),
        (literal_column("did.person").is_not(None), Group.REACTED.value),
        (_got() < rule.letters, Group.FEW.value),
        else_=Group.SILENT.value,
    )


def _reacted() -> Subquery:
    """Return the numbers of all who ever did anything, on whichever list, to be joined: the sum of several tables.

    Asked of each person instead, PostgreSQL would look into four tables a million times.
    """
    parts = (
        select(LatestAct.subscriber_id.label("person")),
        select(Conversation.subscriber_id).where(
            Conversation.subscriber_id.is_not(None), Conversation.state != ConversationState.SET_ASIDE
        ),
        select(ProfileAnswer.subscriber_id),
        select(PostedEvent.subscriber_id),
    )
    return union(*parts).subquery("did")


def _got() -> Any:  # noqa: ANN401 - a scalar subquery of SQLAlchemy's
    """Return how many letters of the list a server took for her since her clicks are seen."""
    return (
        select(func.count())
        .select_from(Delivery)
        .where(
            Delivery.subscriber_id == Subscription.subscriber_id,
            Delivery.campaign_id.is_not(None),
            Delivery.list_id == Subscription.list_id,
            Delivery.state.in_(TAKEN),
            Delivery.handed_at >= Subscription.tracking_since,
        )
        .scalar_subquery()
    )


def _complaints(session: Session, of_list: MailingList, since: datetime) -> tuple[int, int]:
    """Return how many people of a list complained since then, and how many of them had never reacted."""
    did = _reacted()
    query = (
        select(func.count(), func.count(did.c.person))
        .select_from(ConsentEvent)
        .join(Subscriber, Subscriber.subject_ref == ConsentEvent.subject_ref)
        .outerjoin(did, did.c.person == Subscriber.id)
        .where(ConsentEvent.list_id == of_list.id, ConsentEvent.kind == EventKind.COMPLAINED, ConsentEvent.at >= since)
    )
    complained, reacted = session.execute(query).one()
    return complained, complained - reacted


def _letters(session: Session, of_list: MailingList, since: datetime) -> tuple[int, int]:
    """Return how many letters went to a list since then, and to how many people in all."""
    query = select(func.count(), func.coalesce(func.sum(Campaign.recipients), 0)).where(
        Campaign.list_id == of_list.id, Campaign.state.in_(_LEFT), Campaign.started_at >= since
    )
    row = session.execute(query).one()
    return row[0], int(row[1])


def keep(session: Session, list_id: int, found: Proposal) -> None:
    """Keep the newest numbers of a list."""
    throttle.take_turns(session, "clean-up", str(list_id))
    row = _row(session, list_id) or CleanUpFigure(list_id=list_id)
    row.months, row.letters = found.rule.months, found.rule.letters
    row.figures, row.counted_at = found.as_json(), found.counted_at
    session.add(row)
    session.flush()


def kept(session: Session, of_list: MailingList) -> Proposal | None:
    """Return the newest numbers of a list, None as long as nobody counted."""
    row = _row(session, of_list.id)
    if row is None:
        return None
    figures = row.figures
    return Proposal(
        rule=Rule(row.months, row.letters),
        counted_at=row.counted_at,
        groups={group.value: figures[group.value] for group in Group},
        never=figures["never_reacted"],
        since=datetime.fromisoformat(figures["since"]) if figures["since"] else None,
        mails=figures["mails_in_a_year"],
        complaints=figures["complaints_in_a_year"],
        by_silent=figures["complaints_by_never_reacted"],
        letters=figures["letters_in_90_days"],
    )


def _row(session: Session, list_id: int) -> CleanUpFigure | None:
    return session.scalars(select(CleanUpFigure).where(CleanUpFigure.list_id == list_id)).first()


def rest(session: Session, of_list: MailingList, counted: Proposal, *, actor: str) -> RestBatch:
    """Let those rest who never reacted by the rule of a proposal, and have not reacted since it was counted.

    To count takes long and is done before, while nothing is held for writing. Raises Conflict and Invalid as
    ``resting``.
    """
    people = silent(of_list, counted.rule, counted.counted_at)
    batch = resting.begin(session, of_list, people, actor=actor, figures=counted.as_json())
    keep(session, of_list.id, _without(counted, batch.number))
    return batch


def _without(before: Proposal, resting_now: int) -> Proposal:
    """Return the numbers after so many of the silent were put to rest."""
    groups = {**before.groups, Group.SILENT.value: max(before.silent - resting_now, 0)}
    return replace(before, groups=groups, since=None)

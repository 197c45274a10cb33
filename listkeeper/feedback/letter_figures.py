"""What became of one letter, in numbers by mailbox provider: taken, put off, came back, left, complained, answered.

A small letter is counted when somebody asks. A large one is counted by the
timetable and kept, because a million rows take longer than a page may: often
while the letter is young, seldom once it is old, and steadily where it leaves
one by one and never ends. What is kept says when it was counted. No person
stands in it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, delete, func, literal_column, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from listkeeper.audience.consent import ConsentEvent, EventKind
from listkeeper.audience.thread import Conversation, ConversationState
from listkeeper.campaigns.campaign import Campaign, CampaignKind, CampaignState
from listkeeper.deliverability.reply_class import ReplyClass
from listkeeper.feedback import bounce_figures
from listkeeper.feedback.bounce_figures import Whose
from listkeeper.feedback.event import FeedbackEvent, FeedbackKind, Outcome
from listkeeper.foundation import clock, columns, throttle
from listkeeper.foundation.columns import UtcDateTime
from listkeeper.foundation.table import Table
from listkeeper.sending import tally
from listkeeper.sending.delivery import Delivery, DeliveryState

# So few are counted sooner than what is kept of them would be worth.
COUNTED_AT_ONCE = 2_000
# A letter is counted again when a hundredth of its age has passed since the last time, and at least this long.
_PART_OF_AGE = 100
_LEAST = timedelta(minutes=1)
_MOST = timedelta(days=7)
# What leaves one by one, for as long as its list lives, has no age and no number of recipients of its own.
_ENDLESS = (CampaignKind.WELCOME, CampaignKind.FOLLOW_UP)
_STEADY = timedelta(hours=1)
_STARTED = (CampaignState.SENDING, CampaignState.PAUSED, CampaignState.FINISHED, CampaignState.CANCELLED)
_S = DeliveryState
_CALLED: Mapping[DeliveryState, str] = {
    _S.ACCEPTED: "accepted",
    _S.DEFERRED: "deferred",
    # The server said no, at once or later.
    _S.FAILED: "bounced",
    _S.BOUNCED: "bounced",
}
_ADDRESS = [each for each in ReplyClass if bounce_figures.whose(each) is Whose.ADDRESS]


@dataclass
class AtProvider:
    """What became of a letter at one mailbox provider, each mail counted once."""

    # Taken, and not sent back.
    accepted: int = 0
    deferred: int = 0
    bounced: int = 0
    # Left by the link of this letter, those who complained among them.
    left: int = 0
    complained: int = 0

    def add(self, other: AtProvider) -> None:
        """Add what became of it elsewhere."""
        for name, number in asdict(other).items():
            setattr(self, name, getattr(self, name) + number)


@dataclass
class Figures:
    """What became of a letter; ``replies`` are conversations that began as answers to it."""

    counted_at: datetime
    providers: dict[str, AtProvider] = field(default_factory=dict)
    replies: int = 0
    recipients: int = 0
    # Whose address takes no mails (any more): a part of those that bounced.
    gone: int = 0
    # Between which numbers its deliveries lie, so that what names them is found by an index.
    first: int = 1
    last: int = 0

    @property
    def whole(self) -> AtProvider:
        """What became of it at all providers together."""
        found = AtProvider()
        for each in self.providers.values():
            found.add(each)
        return found


class LetterFigures(Table):
    """What was counted of one large letter, and when."""

    __tablename__ = "letter_figures"

    id: Mapped[int] = columns.row_id()
    # No foreign key: a letter that is deleted takes no notice of what was counted of it (``forget_gone``).
    campaign_id: Mapped[int] = mapped_column(columns.RowId, unique=True)
    counted_at: Mapped[datetime] = mapped_column(UtcDateTime)
    # By provider, the numbers of ``AtProvider`` by their names.
    providers: Mapped[dict[str, dict[str, int]]] = mapped_column(columns.Json)
    replies: Mapped[int] = mapped_column()
    recipients: Mapped[int] = mapped_column(default=0, server_default="0")
    gone: Mapped[int] = mapped_column(default=0, server_default="0")
    # Between which numbers its deliveries lie.
    first_delivery: Mapped[int] = mapped_column(columns.RowId)
    last_delivery: Mapped[int] = mapped_column(columns.RowId)


def of(session: Session, letter: Campaign) -> Figures:
    """Return what became of a letter: counted now if it is small, else as it was counted last."""
    found = quickly(session, letter)
    return found if found is not None else count(session, letter)


def quickly(session: Session, letter: Campaign) -> Figures | None:
    """Return what ``of`` does; None where that would take long, because a large letter was not counted yet."""
    return _kept(session, letter.id) if _is_large(session, letter) else count(session, letter)


def _is_large(session: Session, letter: Campaign) -> bool:
    if letter.kind not in _ENDLESS:
        return letter.recipients > COUNTED_AT_ONCE
    one_more = select(Delivery.id).where(Delivery.campaign_id == letter.id).offset(COUNTED_AT_ONCE).limit(1)
    return session.scalars(one_more).first() is not None


def _kept(session: Session, campaign_id: int) -> Figures | None:
    row = session.scalars(select(LetterFigures).where(LetterFigures.campaign_id == campaign_id)).first()
    if row is None:
        return None
    providers = {name: AtProvider(**each) for name, each in row.providers.items()}
    ends = row.first_delivery, row.last_delivery
    return Figures(row.counted_at, providers, row.replies, row.recipients, row.gone, *ends)


def count(session: Session, letter: Campaign) -> Figures:
    """Count what became of a letter, row by row."""
    found: dict[str, Counter[str]] = {}
    recipients = 0
    first, last = _range(session, letter)
    states = (
        select(Delivery.provider, Delivery.state, func.count())
        .where(Delivery.campaign_id == letter.id)
        .group_by(Delivery.provider, Delivery.state)
    )
    for provider, state, number in session.execute(states):
        recipients += number
        if state in _CALLED:
            found.setdefault(tally.provider_kind(provider), Counter())[_CALLED[state]] += number
    for name, query in (("left", _left(letter, first, last)), ("complained", _complained(letter))):
        for provider, number in session.execute(query):
            found.setdefault(tally.provider_kind(provider), Counter())[name] += number
    providers = {name: AtProvider(**numbers) for name, numbers in sorted(found.items())}
    replies = session.scalar(_replies(letter, first, last)) or 0
    gone = session.scalar(_gone(letter)) or 0
    return Figures(clock.now(), providers, replies, recipients, gone, first, last)


def keep(session: Session, campaign_id: int, found: Figures) -> None:
    """Keep what was counted of a letter; counting takes long, and is done while nothing is held for writing."""
    values: dict[str, Any] = {
        "counted_at": found.counted_at,
        "providers": {name: asdict(each) for name, each in found.providers.items()},
        "replies": found.replies,
        "recipients": found.recipients,
        "gone": found.gone,
        "first_delivery": found.first,
        "last_delivery": found.last,
    }
    # Whether there is a row is seen and acted upon in one step: each letter has one.
    throttle.take_turns(session, "letter figures", str(campaign_id))
    row = session.scalars(select(LetterFigures).where(LetterFigures.campaign_id == campaign_id)).first()
    if row is None:
        session.add(LetterFigures(campaign_id=campaign_id, **values))
    else:
        for name, value in values.items():
            setattr(row, name, value)
    session.flush()


def forget_gone(session: Session) -> None:
    """Let go of what was counted of letters that are deleted by now."""
    gone = delete(LetterFigures).where(LetterFigures.campaign_id.not_in(select(Campaign.id)))
    session.execute(gone, execution_options={"synchronize_session": False})


def due(session: Session) -> Iterator[int]:
    """Return the letters to be counted again that may be large, the one that waits longest first."""
    now = clock.now()
    endless = Campaign.kind.in_(_ENDLESS)
    once = and_(
        ~endless, Campaign.recipients > COUNTED_AT_ONCE, Campaign.state.in_(_STARTED), Campaign.started_at.is_not(None)
    )
    query = (
        select(Campaign.id, Campaign.started_at, LetterFigures.counted_at, endless)
        .outerjoin(LetterFigures, LetterFigures.campaign_id == Campaign.id)
        .where(or_(once, and_(endless, Campaign.state != CampaignState.DRAFT)))
        .where(or_(LetterFigures.counted_at.is_(None), LetterFigures.counted_at < now - _LEAST))
        .order_by(LetterFigures.counted_at.is_not(None), LetterFigures.counted_at, Campaign.id.desc())
    )
    for number, started, counted, never_ends in session.execute(query).all():
        grown = _STEADY if never_ends else max(_LEAST, min((now - (started or now)) / _PART_OF_AGE, _MOST))
        if counted is None or now - counted > grown:
            yield number


def _range(session: Session, letter: Campaign) -> tuple[int, int]:
    """Return between which numbers the deliveries of a letter lie; an empty range where it has none."""
    ends = select(func.min(Delivery.id), func.max(Delivery.id)).where(Delivery.campaign_id == letter.id)
    first, last = session.execute(ends).one()
    return (first, last) if first is not None else (1, 0)


def _is_of(letter: Campaign) -> ColumnElement[bool]:
    """Ask of a delivery that was found by its number; its letter's index is not to be walked for it."""
    return Delivery.campaign_id + 0 == letter.id


# Word for word as the index has it: a parameter in it would find none.
_WITHDREW = ConsentEvent.kind == literal_column(f"'{EventKind.WITHDRAWN.value}'")


def _left(letter: Campaign, first: int, last: int) -> Select[str | None, int]:
    """Select who left by a letter's link or by complaining about it, by provider, each once."""
    withdrew = select(ConsentEvent.delivery_id.label("id")).where(
        _WITHDREW, ConsentEvent.delivery_id.between(first, last)
    )
    spam = _spam(letter)
    complained = select(FeedbackEvent.delivery_id).where(*spam, FeedbackEvent.delivery_id.is_not(None))
    gone = withdrew.union(complained).subquery()
    return (
        select(Delivery.provider, func.count())
        .join(gone, gone.c.id == Delivery.id)
        .where(_is_of(letter))
        .group_by(Delivery.provider)
    )


def _complained(letter: Campaign) -> Select[str | None, int]:
    """Select who complained about a letter, by provider, each mail once."""
    return (
        select(Delivery.provider, func.count(Delivery.id.distinct()))
        .join(FeedbackEvent, FeedbackEvent.delivery_id == Delivery.id)
        .where(*_spam(letter), _is_of(letter))
        .group_by(Delivery.provider)
    )


def _spam(letter: Campaign) -> tuple[Any, ...]:
    return (
        FeedbackEvent.campaign_id == letter.id,
        FeedbackEvent.kind == FeedbackKind.COMPLAINED,
        FeedbackEvent.outcome != Outcome.UNPROVEN,
    )


def _gone(letter: Campaign) -> Select[int]:
    """Select how many readers were not reached because of their addresses."""
    back = Delivery.state.in_([_S.FAILED, _S.BOUNCED])
    return select(func.count()).where(Delivery.campaign_id == letter.id, back, Delivery.reply_class.in_(_ADDRESS))


def _replies(letter: Campaign, first: int, last: int) -> Select[int]:
    return select(func.count()).select_from(_answers(letter, first, last).subquery())


def _answers(letter: Campaign, first: int, last: int) -> Select[Conversation]:
    """Select the conversations that began as an answer to a letter; what no person wrote is none."""
    return (
        select(Conversation)
        .join(Delivery, Delivery.id == Conversation.delivery_id)
        .where(Conversation.delivery_id.between(first, last), _is_of(letter))
        .where(Conversation.state != ConversationState.SET_ASIDE)
    )


def newest_answers(session: Session, letter: Campaign, figures: Figures, most: int) -> list[Conversation]:
    """Return the conversations that began as an answer to a letter, those that wait first, then the newest."""
    waits = case((Conversation.state == ConversationState.OPEN, 0), else_=1)
    query = _answers(letter, figures.first, figures.last)
    return list(session.scalars(query.order_by(waits, Conversation.last_in_at.desc(), Conversation.id).limit(most)))


def waiting(session: Session, letter: Campaign, figures: Figures) -> int:
    """Return how many who wrote back about a letter wait for an answer now."""
    waits = _answers(letter, figures.first, figures.last).where(Conversation.state == ConversationState.OPEN)
    return session.scalar(select(func.count()).select_from(waits.subquery())) or 0

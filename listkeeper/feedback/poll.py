"""Polls: what readers answered to a question in a letter, one answer each, changed by answering again.

A link of the letter names the delivery, the block and the answer
(``poll_link``), so it is known who presses; a scanner that follows links
presses nothing. The words stand with the revision that left, and an answer is
a number that points into them. After an erasure it is a number alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, Integer, String, UniqueConstraint, func, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import subscriber
from listkeeper.audience.activity import ActivityKind
from listkeeper.audience.handover import MessageClass
from listkeeper.audience.subscriber import Subscriber
from listkeeper.campaigns.campaign import Campaign
from listkeeper.campaigns.revision import Revision
from listkeeper.feedback import letter_act
from listkeeper.foundation import clock, columns
from listkeeper.foundation.columns import UtcDateTime
from listkeeper.foundation.table import Table
from listkeeper.rendering import archive_copy
from listkeeper.rendering.document import PollBlock
from listkeeper.sending.delivery import TAKEN, Delivery

_BLOCK_LENGTH = 11


class PollAnswer(Table):
    """One answer; ``choice`` counts from 0 among the block's answers, as they are in the revision."""

    __tablename__ = "poll_answer"

    id: Mapped[int] = columns.row_id()
    revision_id: Mapped[int] = mapped_column(ForeignKey("revision.id", ondelete="CASCADE"))
    block: Mapped[str] = mapped_column(String(_BLOCK_LENGTH))
    choice: Mapped[int] = mapped_column(Integer)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    # Both empty once she was erased, and the number stays. With the demo its people and their answers go as well.
    delivery_id: Mapped[int | None] = mapped_column(columns.RowId)
    subscriber_id: Mapped[int | None] = mapped_column(ForeignKey("subscriber.id", ondelete="CASCADE"))

    __table_args__ = (
        UniqueConstraint("delivery_id", "block"),
        Index("ix_poll_answer_revision", "revision_id", "block", "choice"),
        Index(
            "ix_poll_answer_subscriber",
            "subscriber_id",
            postgresql_where=subscriber_id.is_not(None),
            sqlite_where=subscriber_id.is_not(None),
        ),
    )


@dataclass(frozen=True)
class Poll:
    """One poll as it was asked: its answers by their number, without those that were left empty."""

    block: str
    question: str
    answers: dict[int, str]


@dataclass(frozen=True)
class Counted:
    """One answer and how many gave it; ``share`` is that of all answers, in percent."""

    words: str
    number: int
    share: int


@dataclass(frozen=True)
class Result:
    """What came of one poll: of how many who were asked, how many answered, and what."""

    question: str
    asked: int
    answered: int
    answers: tuple[Counted, ...]


def asked(session: Session, letter: Delivery, block: str) -> Poll | None:
    """Return the poll that a letter asked; None when it was no letter, or asked no such thing."""
    revision = session.get(Revision, letter.revision_id) if letter.revision_id is not None else None
    if revision is None:
        return None
    sender = session.get_one(Organisation, letter.organisation_id).from_name
    return next((each for each in _polls(revision, sender) if each.block == block), None)


def _polls(revision: Revision, sender: str) -> list[Poll]:
    """Return the polls of a revision, in the words of somebody of whom nothing is known."""
    return [
        Poll(
            block.id,
            archive_copy.line(block.question, sender),
            {
                number: archive_copy.line(answer.text, sender)
                for number, answer in enumerate(block.answers)
                if answer.text
            },
        )
        for block in revision.draft.blocks
        if isinstance(block, PollBlock)
    ]


def answered(session: Session, letter: Delivery, block: str) -> int | None:
    """Return which answer the reader of a letter gave, if she gave one."""
    query = select(PollAnswer.choice).where(PollAnswer.delivery_id == letter.id, PollAnswer.block == block)
    return session.scalar(query)


def answer(session: Session, letter: Delivery, block: str, choice: int) -> bool:
    """Store what somebody pressed; False when nobody is there any more, or there is no such answer.

    Answered again it is changed, and told twice it is stored once.
    """
    poll = asked(session, letter, block)
    person = subscriber.hold(session, letter.subscriber_id) if letter.subscriber_id is not None else None
    if poll is None or person is None or choice not in poll.answers or letter.message_class is MessageClass.TEST:
        return False
    revision = session.get_one(Revision, letter.revision_id)
    insert = postgresql_insert if session.get_bind().dialect.name == "postgresql" else sqlite_insert
    moment = clock.now()
    said = {"choice": choice, "at": moment}
    row = insert(PollAnswer).values(
        revision_id=revision.id, block=block, delivery_id=letter.id, subscriber_id=person.id, **said
    )
    session.execute(row.on_conflict_do_update(index_elements=[PollAnswer.delivery_id, PollAnswer.block], set_=said))
    campaign_id = revision.campaign_id
    letter_act.note(session, person.id, letter, ActivityKind.ANSWERED, moment, campaign_id=campaign_id)
    return True


def results(session: Session, campaign_id: int) -> list[Result]:
    """Return what came of each poll of a letter that left, in its order; versions that ask alike are one poll."""
    left = select(Revision).where(Revision.campaign_id == campaign_id, Revision.compiled_for.is_not(None))
    revisions = list(session.scalars(left.order_by(Revision.number.desc())))
    if not any(isinstance(block, PollBlock) for revision in revisions for block in revision.draft.blocks):
        return []
    people, said = _people(session, revisions), _said(session, revisions)
    sender = session.get_one(Organisation, session.get_one(Campaign, campaign_id).organisation_id).from_name
    found: dict[tuple[str, str, tuple[str, ...]], list[tuple[Revision, Poll]]] = {}
    for revision in revisions:
        for poll in _polls(revision, sender):
            alike = (poll.block, poll.question, tuple(poll.answers.values()))
            found.setdefault(alike, []).append((revision, poll))
    made = [_result(group, people, said) for group in found.values()]
    return [each for each in made if each.asked or each.answered]


def _people(session: Session, revisions: Sequence[Revision]) -> dict[int, int]:
    """Return how many mails of each revision were taken by a receiver."""
    query = (
        select(Delivery.revision_id, func.count())
        .where(
            Delivery.campaign_id == revisions[0].campaign_id,
            Delivery.state.in_(TAKEN),
            Delivery.message_class == MessageClass.MARKETING,
        )
        .group_by(Delivery.revision_id)
    )
    return {row[0]: row[1] for row in session.execute(query) if row[0] is not None}


def _said(session: Session, revisions: Sequence[Revision]) -> dict[tuple[int, str, int], int]:
    query = (
        select(PollAnswer.revision_id, PollAnswer.block, PollAnswer.choice, func.count())
        .where(PollAnswer.revision_id.in_([revision.id for revision in revisions]))
        .group_by(PollAnswer.revision_id, PollAnswer.block, PollAnswer.choice)
    )
    return {(row[0], row[1], row[2]): row[3] for row in session.execute(query)}


def _result(
    group: Sequence[tuple[Revision, Poll]], people: dict[int, int], said: dict[tuple[int, str, int], int]
) -> Result:
    numbers = [0] * len(group[0][1].answers)
    for revision, poll in group:
        for place, choice in enumerate(poll.answers):
            numbers[place] += said.get((revision.id, poll.block, choice), 0)
    whole = sum(numbers)
    counted = tuple(
        Counted(words, number, round(100 * number / whole) if whole else 0)
        for words, number in zip(group[0][1].answers.values(), numbers, strict=True)
    )
    return Result(group[0][1].question, sum(people.get(revision.id, 0) for revision, _ in group), whole, counted)


def of_person(session: Session, person: Subscriber) -> list[dict[str, Any]]:
    """Return what somebody answered, in the words she was asked in, oldest first."""
    query = select(PollAnswer).where(PollAnswer.subscriber_id == person.id).order_by(PollAnswer.id)
    sender = session.get_one(Organisation, person.organisation_id).from_name
    told = []
    for row in session.scalars(query):
        polls = _polls(session.get_one(Revision, row.revision_id), sender)
        poll = next((each for each in polls if each.block == row.block), Poll(row.block, "", {}))
        told.append(
            {"at": clock.as_text(row.at), "question": poll.question, "answer": poll.answers.get(row.choice, "")}
        )
    return told


def forget(session: Session, subscriber_id: int) -> None:
    """Let what a person answered be numbers; whoever erases her calls this."""
    session.execute(
        update(PollAnswer)
        .where(PollAnswer.subscriber_id == subscriber_id)
        .values(subscriber_id=None, delivery_id=None)
        .execution_options(synchronize_session=False)
    )

"""What uses the answers to a question: the letters of its list that name it, those of steps too, and its segments.

A question that nothing uses is not asked. Whatever else comes to use answers
adds its finder to ``FINDERS``: given a question, it returns what uses it now.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sqlalchemy import ColumnElement, Text, and_, cast, or_, select
from sqlalchemy.orm import Session

from listkeeper.audience import profile
from listkeeper.audience.mailing_list import MailingList
from listkeeper.audience.profile_question import ProfileQuestion, Use
from listkeeper.campaigns import segment_use
from listkeeper.campaigns.campaign import Campaign, CampaignKind, CampaignState
from listkeeper.campaigns.follow_up import FollowUp, FollowUpState
from listkeeper.campaigns.follow_up_step import FollowUpStep
from listkeeper.campaigns.revision import Revision
from listkeeper.foundation import clock, language
from listkeeper.rendering import document, merge_tags

LETTER = "letter"
Finder = Callable[[Session, ProfileQuestion], list[Use]]
# A letter that was stopped says nothing to anybody any more.
_OUT = frozenset({CampaignState.CANCELLED})


def of(session: Session, question: ProfileQuestion) -> list[Use]:
    """Return everything that uses the answers to a question now."""
    return [use for find in FINDERS for use in find(session, question)]


def kind_in_words(kind: str) -> str:
    """Say what kind of thing uses an answer."""
    return {LETTER: language.text("Letter"), segment_use.SEGMENT: language.text("Segment")}.get(kind, kind)


def _letters(session: Session, question: ProfileQuestion) -> list[Use]:
    """Find drafts that name the answer in their newest revision, and letters that left with it within a year."""
    since = clock.months_later(clock.now(), -profile.UNUSED)
    query = (
        select(Campaign.public_id, Revision)
        .join(Revision, Revision.campaign_id == Campaign.id)
        .where(
            Campaign.list_id == question.list_id,
            # A welcome letter leaves before anybody was asked.
            Campaign.kind == CampaignKind.LETTER,
            Campaign.state.not_in(_OUT),
            Campaign.started_at.is_(None) | (Campaign.started_at >= since),
            or_(_left_with(), Campaign.sent_revision_id.is_(None) & (Revision.number == Campaign.version)),
            _may_name(question.key),
        )
        .order_by(Campaign.id.desc())
    )
    found = [(name, row) for name, row in session.execute(query) if _names(row, question.key)]
    return [Use(LETTER, name, row.subject) for name, row in found]


def _steps(session: Session, question: ProfileQuestion) -> list[Use]:
    """Find the letters of steps that name the answer: in the words that go out, or in those that wait to be chosen."""
    goes_out, newest = Revision.id == FollowUpStep.revision_id, Revision.number == Campaign.version
    query = (
        select(Campaign.public_id, Revision)
        .join(FollowUpStep, FollowUpStep.campaign_id == Campaign.id)
        .join(FollowUp, FollowUp.id == FollowUpStep.follow_up_id)
        .join(Revision, Revision.campaign_id == Campaign.id)
        .where(
            Campaign.list_id == question.list_id,
            FollowUpStep.removed_at.is_(None),
            FollowUp.state != FollowUpState.ARCHIVED,
            or_(goes_out, newest),
            _may_name(question.key),
        )
        .order_by(Campaign.id.desc(), Revision.number)
    )
    found = {name: row for name, row in session.execute(query) if _names(row, question.key)}
    return [Use(LETTER, name, row.subject) for name, row in found.items()]


FINDERS: tuple[Finder, ...] = (_letters, _steps, segment_use.of_question)


def revisions_naming(session: Session, question: ProfileQuestion) -> list[int]:
    """Return the numbers of the revisions that left and name the answer, also to a list that was merged into this."""
    merged = select(MailingList.id).where(MailingList.merged_into_id == question.list_id)
    query = (
        select(Revision)
        .join(Campaign, (Campaign.id == Revision.campaign_id) & _left_with())
        .where(or_(Campaign.list_id == question.list_id, Campaign.list_id.in_(merged)), _may_name(question.key))
        .order_by(Revision.id)
    )
    return [row.id for row in session.scalars(query) if _names(row, question.key)]


def _left_with() -> ColumnElement[bool]:
    """Whether a letter leaves with these words; of one with two versions, or of a step, each of them was compiled."""
    several = or_(Campaign.trial.is_not(None), Campaign.kind == CampaignKind.FOLLOW_UP)
    compiled = and_(several, Revision.compiled_for.is_not(None))
    return or_(Revision.id == Campaign.sent_revision_id, compiled)


def _may_name(key: str) -> ColumnElement[bool]:
    """Narrow the rows that have to be read closely; what stands there may still be something else."""
    wanted = f"subscriber.{key}"
    return or_(*(column.contains(wanted, autoescape=True) for column in _TEXTS))


_TEXTS = (Revision.subject, Revision.preheader, Revision.markdown, cast(Revision.document, Text))


def _names(row: Revision, key: str) -> bool:
    return any(f"subscriber.{key}" in names for names in _names_in(row))


def _names_in(row: Revision) -> Iterator[frozenset[str]]:
    words = row.draft
    blocks = (text for block in words.blocks for _name, text in document.texts(block))
    for text in (words.subject, words.preheader, words.markdown, words.html, *blocks):
        yield merge_tags.names_in(text)

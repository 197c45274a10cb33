"""What uses a segment: a letter that is still to go to it, a follow-up, another segment with it inside.

Archived or not, what uses a segment goes on using it. So one that is offered
no more still counts for those inside it, and for the answers it asks for,
while something that reaches people names it, near or through others. And what
a segment says is changed here, because follow-ups begin with it: none that is on
may come to be driven round by its own letters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.accounts.organisation import Organisation
from listkeeper.audience.mailing_list import MailingList
from listkeeper.audience.profile_question import ProfileQuestion, Use
from listkeeper.audience.segments import segment as segments
from listkeeper.audience.segments import segment_tree
from listkeeper.audience.segments.segment import Segment
from listkeeper.audience.segments.segment_tree import Condition
from listkeeper.campaigns import follow_up, follow_up_check
from listkeeper.campaigns.campaign import Campaign, CampaignState
from listkeeper.campaigns.follow_up import FollowUp, FollowUpState, Trigger
from listkeeper.campaigns.follow_up_step import FollowUpStep
from listkeeper.campaigns.revision import Revision
from listkeeper.foundation import language
from listkeeper.foundation.errors import Invalid

SEGMENT, LETTER, FOLLOW_UP = "segment", "letter", "follow_up"
# The row of a segment, and what uses it.
Found = tuple[int, Use]
Finder = Callable[[Session, MailingList], Iterable[Found]]
_ASKS_ANSWERS = frozenset({"answer_is", "answer_is_not", "answer_known", "answer_unknown"})
_INSIDE = frozenset({"in_segment"})


def uses(session: Session, segment: Segment) -> list[Use]:
    """Return everything that uses a segment now."""
    return uses_of(session, session.get_one(MailingList, segment.list_id)).get(segment.id, [])


def uses_of(session: Session, mailing_list: MailingList) -> dict[int, list[Use]]:
    """Return the same of every segment of a list that something uses, by its row."""
    here = _Here(session, mailing_list)
    found: dict[int, list[Use]] = {}
    for number, use in (*here.reaching, *here.inside):
        found.setdefault(number, []).append(use)
    return found


def of_question(session: Session, question: ProfileQuestion) -> list[Use]:
    """Return the segments that ask for the answer to a question, and are offered or used."""
    here = _Here(session, session.get_one(MailingList, question.list_id))
    asking = here.saying(_ASKS_ANSWERS)
    found = {each.id: each for each, condition in asking if condition.name == question.key}
    return [Use(SEGMENT, each.public_id, each.name) for each in found.values()]


def change(session: Session, segment: Segment, *, name: str | None = None, source: str | None = None) -> None:
    """Give a segment another name or text.

    Raises as ``segment.change`` does, and Invalid when a follow-up that is on would come to be driven round: then the
    transaction is the caller's to take back.
    """
    owner = session.get_one(Organisation, segment.organisation_id)
    # Those that were before are no reason to refuse other words, which may be the way out.
    before = follow_up_check.loops(session, owner) if source is not None else {}
    segments.change(session, segment, name=name, source=source)
    after = follow_up_check.loops(session, owner) if source is not None else {}
    for each in follow_up.on(session, FollowUp.organisation_id == owner.id):
        if each.id in after and each.id not in before:
            sentence = language.text(
                "The follow-up “%(name)s” is on, and with these words it would be driven round: %(names)s. Nothing was "
                "changed.",
                name=each.name,
                names=", ".join(after[each.id]),
            )
            raise Invalid("follow_up_loop", sentence)


@dataclass
class _Here:
    """The segments of one list, each read once, and what of them is in force."""

    session: Session
    mailing_list: MailingList

    @cached_property
    def every(self) -> dict[str, Segment]:
        """All of them by public id, the archived ones too."""
        return {each.public_id: each for each in segments.every(self.session, self.mailing_list)}

    @cached_property
    def said(self) -> dict[str, list[Condition]]:
        """The conditions of each, by its public id."""
        return {name: _conditions(each) for name, each in self.every.items()}

    @cached_property
    def reaching(self) -> list[Found]:
        """What uses them to reach people."""
        return [found for find in FINDERS for found in find(self.session, self.mailing_list)]

    @cached_property
    def in_force(self) -> list[Segment]:
        """Those that are offered, that reach people, or that stand in one of these, by name."""
        used = {number for number, _ in self.reaching}
        found: set[str] = set()
        open_ones = [name for name, each in self.every.items() if each.archived_at is None or each.id in used]
        while open_ones:
            name = open_ones.pop()
            if name not in found:
                found.add(name)
                open_ones += [each.value for each in self.said[name] if self._is_inside(each)]
        return [each for name, each in self.every.items() if name in found]

    def _is_inside(self, condition: Condition) -> bool:
        return condition.phrase in _INSIDE and condition.value in self.every

    @property
    def inside(self) -> Iterator[Found]:
        """What of them uses which others by having them inside."""
        seen = {(self.every[each.value].id, outer) for outer, each in self.saying(_INSIDE) if self._is_inside(each)}
        yield from ((number, Use(SEGMENT, each.public_id, each.name)) for number, each in _by_name(seen))

    def saying(self, phrases: frozenset[str]) -> Iterator[tuple[Segment, Condition]]:
        """Yield the conditions of some phrases with those in force that they stand in."""
        for each in self.in_force:
            for condition in self.said[each.public_id]:
                if condition.phrase in phrases:
                    yield each, condition


def _by_name(found: Iterable[tuple[int, Segment]]) -> list[tuple[int, Segment]]:
    return sorted(found, key=lambda each: (each[1].name.casefold(), each[1].id))


def _conditions(segment: Segment) -> list[Condition]:
    try:
        return list(segment_tree.conditions(segment.tree))
    except Invalid:
        # One that cannot be read reaches nobody, and keeps nobody from reading the others.
        return []


def _letters(session: Session, mailing_list: MailingList) -> Iterator[Found]:
    """Find the letters that are still to go to segments."""
    query = (
        select(Campaign.segment_id, Campaign.public_id, Revision.subject)
        .join(Revision, (Revision.campaign_id == Campaign.id) & (Revision.number == Campaign.version))
        .join(Segment, (Segment.id == Campaign.segment_id) & (Segment.list_id == mailing_list.id))
        .where(Campaign.state != CampaignState.CANCELLED, Campaign.started_at.is_(None))
        .order_by(Campaign.id)
    )
    yield from ((row[0], Use(LETTER, row[1], row[2])) for row in session.execute(query) if row[0] is not None)


def _follow_ups(session: Session, mailing_list: MailingList) -> Iterator[Found]:
    """Find the follow-ups that begin with segments, end with them, or have steps for them; each once for each."""
    lines = {
        each.id: each
        for each in session.scalars(
            select(FollowUp).where(FollowUp.list_id == mailing_list.id, FollowUp.state != FollowUpState.ARCHIVED)
        )
    }
    steps = select(FollowUpStep.segment_id, FollowUpStep.follow_up_id).where(
        FollowUpStep.follow_up_id.in_(lines), FollowUpStep.segment_id.is_not(None), FollowUpStep.removed_at.is_(None)
    )
    found = {(row[0], row[1]) for row in session.execute(steps)} if lines else set()
    found |= {(each.segment_id, each.id) for each in lines.values() if each.trigger is Trigger.SEGMENT}
    found |= {(each.stop_segment_id, each.id) for each in lines.values()}
    named = sorted((number, line) for number, line in found if number is not None)
    yield from ((number, Use(FOLLOW_UP, lines[line].public_id, lines[line].name)) for number, line in named)


# Whatever else comes to reach people by segments adds its finder.
FINDERS: tuple[Finder, ...] = (_letters, _follow_ups)

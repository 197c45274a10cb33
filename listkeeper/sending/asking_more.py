"""What a letter asks its reader and what it knows of her answers, read for a whole window at once.

The third letter of a list that somebody gets after she confirmed asks the one
question that is next for her, if there is one; and so does a step of a
follow-up that is for nothing else. No other letter asks.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from listkeeper.audience import profile, profile_link, profile_question, profile_told
from listkeeper.audience.consent import ConsentEvent
from listkeeper.audience.handover import MessageClass
from listkeeper.audience.profile import RATHER_NOT, Asked, How
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Subscription
from listkeeper.campaigns.follow_up_step import FollowUpStep, StepKind
from listkeeper.foundation import language
from listkeeper.rendering.compiled import CompiledLetter
from listkeeper.rendering.content import AnswerLink, AskedQuestion
from listkeeper.sending.delivery import LEFT, AnyDelivery, Delivery

# So many letters she has had before the one that asks.
LETTERS_BEFORE = 2
_PREFIX = "subscriber."


def answers(
    session: Session, rows: Sequence[AnyDelivery], letters: Mapping[int, CompiledLetter]
) -> dict[int, dict[str, str]]:
    """Return what readers answered, by delivery and name, as far as their letters name it; one query."""
    named = {
        name.removeprefix(_PREFIX): None
        for letter in letters.values()
        for name in letter.names
        if name.startswith(_PREFIX)
    }
    spoken = next((letter.language for letter in letters.values()), language.DEFAULT)
    people = {row.subscriber_id for row in rows if row.subscriber_id is not None and row.revision_id in letters}
    lists = {row.list_id for row in rows if row.list_id is not None}
    said = profile_told.said_by(session, people, lists, list(named), spoken)
    return {row.id: said.get((row.subscriber_id or 0, row.list_id or 0), {}) for row in rows}


def questions(session: Session, rows: Sequence[AnyDelivery], site: str) -> dict[int, AskedQuestion]:
    """Return which letters ask their readers a question, and which, by delivery."""
    letters = [row for row in rows if row.message_class is MessageClass.MARKETING and row.subscriber_id is not None]
    asked: dict[int, list[Asked]] = {}
    for each in profile_question.asked_on(session, {row.list_id for row in letters if row.list_id is not None}):
        asked.setdefault(each[0].list_id, []).append(each)
    here = [row for row in letters if row.list_id in asked]
    third = _third(session, [row.id for row in here]) | _steps_that_ask(session, here)
    chosen = [row for row in letters if row.id in third and row.subscriber_id is not None]
    given = profile.answers_of(session, {row.subscriber_id for row in chosen if row.subscriber_id is not None})
    spoken = _languages(session, given)
    found: dict[int, AskedQuestion] = {}
    seen: set[int] = set()
    for row in sorted(chosen, key=lambda each: each.id):
        person, on = row.subscriber_id or 0, asked[row.list_id or 0]
        following = profile.next_of(on, given[person])
        # Two letters of one window may both be her third: the first one asks.
        if following is not None and person in spoken and person not in seen:
            seen.add(person)
            found[row.id] = _question(following, person, spoken[person], site)
    return found


def _third(session: Session, ids: Collection[int]) -> set[int]:
    """Return which of these letters have exactly two before them on their list, since their reader confirmed."""
    if not ids:
        return set()
    before = aliased(Delivery)
    # Whoever came with a file never confirmed here: her letters count from when she was brought.
    since = func.coalesce(ConsentEvent.at, Subscription.since, type_=Subscription.since.type)
    query = (
        select(Delivery.id)
        .join(
            Subscription,
            (Subscription.subscriber_id == Delivery.subscriber_id) & (Subscription.list_id == Delivery.list_id),
        )
        .outerjoin(ConsentEvent, ConsentEvent.id == Subscription.consent_event_id)
        .join(before, (before.subscriber_id == Delivery.subscriber_id) & (before.list_id == Delivery.list_id))
        .where(
            Delivery.id.in_(list(ids)),
            before.id != Delivery.id,
            before.message_class == MessageClass.MARKETING,
            before.campaign_id.is_not(None),
            before.state.in_(LEFT),
            before.handed_at >= since,
        )
        .group_by(Delivery.id)
        .having(func.count() == LETTERS_BEFORE)
    )
    return set(session.scalars(query))


def _steps_that_ask(session: Session, rows: Sequence[AnyDelivery]) -> set[int]:
    """Return which of these are steps of a follow-up that ask one more thing."""
    letters = {row.campaign_id for row in rows if row.campaign_id is not None}
    if not letters:
        return set()
    query = select(FollowUpStep.campaign_id).where(
        FollowUpStep.campaign_id.in_(letters), FollowUpStep.kind == StepKind.ASK_ONE_MORE
    )
    asking = set(session.scalars(query))
    return {row.id for row in rows if row.campaign_id in asking}


def _languages(session: Session, people: Collection[int]) -> dict[int, str]:
    if not people:
        return {}
    query = select(Subscriber.id, Subscriber.language).where(
        Subscriber.id.in_(list(people)), Subscriber.restricted_at.is_(None)
    )
    return {row[0]: row[1] for row in session.execute(query)}


def _question(asked: Asked, person: int, spoken: str, site: str) -> AskedQuestion:
    question, version = asked
    code, wording = version.wording(spoken)
    page = f"{site}/q/{profile_link.token(person, question.id, How.LETTER)}"
    with language.using(code):
        rather_not, write = language.text("Rather not"), language.text("Answer")
    links = [AnswerLink(name, f"{page}?a={key}") for key, name in version.names(code).items()]
    return AskedQuestion(
        language=code,
        question=wording.question,
        why=wording.why,
        benefit=wording.benefit,
        answers=(*(links or [AnswerLink(write, page)]), AnswerLink(rather_not, f"{page}?a={RATHER_NOT}")),
    )

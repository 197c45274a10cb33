"""Those who were asked against those who were held back: who counts, for what, and when a difference is one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import count

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.audience.handover import MessageClass
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Subscription, SubscriptionState
from listkeeper.audience.thread import Conversation, ConversationState
from listkeeper.feedback import guidance_measure
from listkeeper.feedback.guidance_measure import Measure, Side, Verdict
from listkeeper.foundation import clock
from listkeeper.foundation.outbox import Lane
from listkeeper.rendering.inbox_help import Program
from listkeeper.sending.delivery import Delivery, DeliveryState
from listkeeper.sending.link_visit import Agent, LinkVisit
from tests.makers import cafe
from tests.makers.cafe import Cafe


@pytest.mark.parametrize(
    ("hits", "people", "other_hits", "others", "verdict"),
    [
        (90, 99, 10, 900, Verdict.TOO_FEW),
        (900, 1000, 9, 99, Verdict.TOO_FEW),
        (0, 0, 0, 0, Verdict.TOO_FEW),
        (0, 500, 0, 500, Verdict.TOO_FEW),
        (500, 500, 500, 500, Verdict.TOO_FEW),
        (1, 500, 8, 500, Verdict.TOO_FEW),
        (100, 1000, 100, 1000, Verdict.NO_DIFFERENCE),
        # Two and a half times the spread: it would be a difference to whoever is content with one in twenty.
        (134, 1000, 98, 1000, Verdict.NO_DIFFERENCE),
        (140, 1000, 98, 1000, Verdict.MORE),
        (98, 1000, 140, 1000, Verdict.LESS),
        (1260, 9000, 98, 1000, Verdict.MORE),
    ],
)
def test_a_difference_is_named_only_when_chance_would_hardly_make_it(
    hits: int, people: int, other_hits: int, others: int, verdict: Verdict
) -> None:
    assert guidance_measure.compare(hits, people, other_hits, others) is verdict


@pytest.fixture
def house(session: Session) -> Cafe:
    """A café whose readers are made below."""
    return cafe.found(session)


_number: Iterator[int] = count(1)


def _letter(session: Session, house: Cafe, person: Subscriber, guidance: str | None, before: int) -> Delivery:
    made = Delivery(
        organisation_id=house.organisation.id, message_class=MessageClass.MARKETING, lane=Lane.SENDING,
        occasion=f"made:{next(_number)}", state=DeliveryState.ACCEPTED, subscriber_id=person.id,
        list_id=house.mailing_list.id, letters_before=before, guidance=guidance, handed_at=clock.now(),
        campaign_id=cafe.draft(session, house).id,
    )  # fmt: skip
    session.add(made)
    session.flush()
    return made


def _reader(session: Session, house: Cafe, name: str, *planned: str | None, seen: bool = True) -> list[Delivery]:
    person = cafe.subscribe(session, house, f"{name}@gmail.com")
    if seen:
        held = session.scalars(select(Subscription).where(Subscription.subscriber_id == person.id)).one()
        held.tracking_since = clock.now()
    return [_letter(session, house, person, each, before) for before, each in enumerate(planned)]


def _follow(session: Session, letter: Delivery, agent: Agent = Agent.BROWSER) -> None:
    session.add(LinkVisit(link_id=1, delivery_id=letter.id, agent=agent))
    session.flush()


def _write(session: Session, letter: Delivery, after: timedelta, state: str = "open") -> None:
    at = clock.now() + after
    session.add(
        Conversation(
            organisation_id=letter.organisation_id, subscriber_id=letter.subscriber_id, opened_at=at, last_in_at=at,
            waits_since=at, state=ConversationState(state),
        )
    )  # fmt: skip
    session.flush()


def _measured(session: Session, house: Cafe) -> Measure:
    return guidance_measure.measure(session, house.organisation, Program.GMAIL)


def test_what_each_side_did_with_the_letters_that_followed(session: Session, house: Cafe) -> None:
    followed = _reader(session, house, "anna", "gmail", "gmail", None)
    _follow(session, followed[1])
    _follow(session, followed[2])
    wrote = _reader(session, house, "bo", "gmail", "gmail", seen=False)
    _write(session, wrote[0], timedelta(minutes=1))
    left = _reader(session, house, "ida", "gmail:held", "gmail:held")
    gone = session.scalars(select(Subscription).where(Subscription.subscriber_id == left[0].subscriber_id)).one()
    gone.state = SubscriptionState.UNSUBSCRIBED
    held = _reader(session, house, "eli", "gmail:held", "gmail:held", "gmail:held", None)
    _follow(session, held[3])
    found = _measured(session, house)
    assert found.shown == Side(people=2, seen=1, followed=1, wrote=1, left=0)
    assert found.held == Side(people=2, seen=2, followed=1, wrote=0, left=1)
    assert [row.verdict for row in found.rows] == [Verdict.TOO_FEW] * 3
    assert guidance_measure.asked(session, house.organisation) == {"gmail": 2, "gmail:held": 2}
    assert guidance_measure.measure(session, house.organisation, Program.APPLE).shown == Side()


def test_what_says_nothing_of_the_block_is_not_counted(session: Session, house: Cafe) -> None:
    # The letter that asked itself, a machine, what was followed later than three letters on, and what nobody wrote.
    same = _reader(session, house, "anna", "gmail", "gmail", "gmail", None, None)
    _follow(session, same[0])
    _follow(session, same[1], Agent.PROGRAM)
    _follow(session, same[4])
    _write(session, same[0], timedelta(minutes=1), "set_aside")
    _write(session, same[0], timedelta(minutes=-1))
    # Whoever does not let it be seen follows nothing that counts.
    unseen = _reader(session, house, "bo", "gmail", "gmail", seen=False)
    _follow(session, unseen[1])
    # On both sides, on none, and without a letter that followed.
    _reader(session, house, "ida", "gmail:held", "gmail")
    _reader(session, house, "eli", None, None)
    _reader(session, house, "per", "gmail")
    bounced = _reader(session, house, "kim", "gmail", "gmail")
    for letter in bounced:
        letter.state = DeliveryState.BOUNCED
    session.flush()
    found = _measured(session, house)
    assert found.shown == Side(people=2, seen=1)
    assert found.held == Side()

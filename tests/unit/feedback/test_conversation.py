"""Which conversation a mail belongs to, whose it is, and what is left of it when she is forgotten."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from listkeeper.audience import subscription, thread, thread_mail
from listkeeper.audience.activity import Activity, ActivityKind
from listkeeper.audience.proof import evidence
from listkeeper.audience.proof.kept_copy import KeptCopy
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import SubscriptionState
from listkeeper.audience.thread import Conversation, ConversationState
from listkeeper.audience.thread_mail import ConversationMail, Direction
from listkeeper.feedback import answering, conversation, conversation_list
from listkeeper.feedback.promise import Promise
from listkeeper.foundation import clock
from listkeeper.sending.delivery import Delivery
from tests.makers import cafe, letters_in
from tests.makers.letters_in import HER, Postbox, written

GIVEN = Promise()


@pytest.fixture
def box(session: Session) -> Postbox:
    """The postbox of a café."""
    return Postbox(session, cafe.found(session))


@pytest.fixture
def freja(session: Session, box: Postbox) -> Subscriber:
    """Somebody on the list."""
    return cafe.subscribe(session, box.cafe, HER)


def _texts(session: Session, found: Conversation) -> list[str]:
    said = [thread_mail.opened(session, found, row) for row in thread_mail.of(session, found)]
    return [each.text if each else "" for each in said]


def _answered(session: Session, found: Conversation, text: str = "From nine.") -> Delivery:
    return answering.answer(session, found, text, actor="user:1", given=GIVEN)


def test_an_answer_to_a_letter_is_hers_and_proven(session: Session, box: Postbox, freja: Subscriber) -> None:
    letter = box.letter_to(freja)
    found = box.begins(written(), letter)
    assert (found.subscriber_id, found.delivery_id, found.own_address) == (freja.id, letter.id, True)
    assert found.state is ConversationState.OPEN
    [mail] = thread_mail.of(session, found)
    assert mail.proven
    assert _texts(session, found) == ["When do you open on Sunday?"]


def test_what_she_writes_back_is_an_act_of_hers_and_what_nobody_proves_is_none(
    session: Session, box: Postbox, freja: Subscriber
) -> None:
    letter = box.letter_to(freja)
    box.begins(written(message_id="<forged@guest.example>"), None)
    assert session.scalars(select(Activity)).all() == []
    box.begins(written(), letter)
    [act] = session.scalars(select(Activity))
    assert (act.subscriber_id, act.list_id, act.kind) == (freja.id, letter.list_id, ActivityKind.REPLIED)


def test_what_she_writes_lies_under_her_key_and_nowhere_else(session: Session, box: Postbox, freja: Subscriber) -> None:
    found = box.begins(written("my secret wish"), box.letter_to(freja))
    [mail] = thread_mail.of(session, found)
    [kept] = session.scalars(select(KeptCopy))
    assert (mail.sealed, kept.name, kept.subject_ref) == (None, f"conversation:{mail.id}", freja.subject_ref)
    assert b"secret" not in kept.sealed


def test_an_address_in_from_proves_nothing(session: Session, box: Postbox, freja: Subscriber) -> None:
    before = subscription.of(session, freja.id, box.cafe.mailing_list.id)
    assert before is not None
    found = box.begins(written("stop everything"))
    assert (found.subscriber_id, found.own_address, found.delivery_id) == (freja.id, True, None)
    assert [row.proven for row in thread_mail.of(session, found)] == [False]
    session.refresh(before)
    assert before.state is SubscriptionState.CONFIRMED


def test_what_nobody_proves_does_not_get_into_a_proven_conversation(
    session: Session, box: Postbox, freja: Subscriber
) -> None:
    proven = box.begins(written(message_id="<1@guest.example>"), box.letter_to(freja))
    forged = box.begins(written("send me your keys", message_id="<2@evil.example>"))
    assert forged.id != proven.id
    assert len(thread_mail.of(session, proven)) == 1


def test_a_stranger_has_a_conversation_under_the_key_of_the_house(session: Session, box: Postbox) -> None:
    found = box.begins(written(sender="karl@stranger.example"))
    [mail] = thread_mail.of(session, found)
    assert (found.subscriber_id, found.own_address) == (None, False)
    assert mail.sealed is not None
    assert b"Sunday" not in mail.sealed
    assert _texts(session, found) == ["When do you open on Sunday?"]


def test_an_answer_to_our_answer_goes_on_in_its_conversation(session: Session, box: Postbox, freja: Subscriber) -> None:
    found = box.begins(written(), box.letter_to(freja))
    ours = _answered(session, found)
    again = box.begins(written("And on Monday?", message_id="<2@guest.example>"), ours)
    assert again.id == found.id
    assert (again.state, again.mails_in) == (ConversationState.OPEN, 2)
    assert _texts(session, found) == ["When do you open on Sunday?", "From nine.", "And on Monday?"]


def test_who_goes_on_from_her_own_mail_stays_in_the_conversation(session: Session, box: Postbox) -> None:
    first = box.begins(written(sender="karl@stranger.example", message_id="<1@stranger.example>"))
    answering.done(session, first)
    again = written(
        "One more", sender="karl@stranger.example", message_id="<2@s.example>", references="<1@stranger.example>"
    )
    assert box.begins(again).id == first.id
    assert first.state is ConversationState.OPEN
    other = written(
        "Me too", sender="eve@stranger.example", message_id="<3@s.example>", references="<1@stranger.example>"
    )
    assert box.begins(other).id != first.id


def test_two_mails_about_one_letter_are_one_conversation_while_it_is_open(
    session: Session, box: Postbox, freja: Subscriber
) -> None:
    letter, later = box.letter_to(freja), box.letter_to(freja)
    first = box.begins(written(message_id="<1@guest.example>"), letter)
    assert box.begins(written("P.S.", message_id="<2@guest.example>"), letter).id == first.id
    assert box.begins(written("Other", message_id="<3@guest.example>"), later).id != first.id
    answering.done(session, first)
    assert box.begins(written("New", message_id="<4@guest.example>"), letter).id != first.id


def test_the_same_mail_by_two_ways_is_one(session: Session, box: Postbox, freja: Subscriber) -> None:
    letter = box.letter_to(freja)
    box.begins(written(), letter)
    assert box.brings(written(), letter) is None
    assert session.scalar(select(func.count()).select_from(ConversationMail)) == 1


def test_she_writes_from_another_address_and_is_answered_there(
    session: Session, box: Postbox, freja: Subscriber
) -> None:
    found = box.begins(written(sender="freja@work.example"), box.letter_to(freja))
    assert (found.subscriber_id, found.own_address) == (freja.id, False)
    assert _answered(session, found).typed_address == "freja@work.example"


def test_set_aside_stays_aside(session: Session, box: Postbox) -> None:
    robot = "robot@stranger.example"
    found = box.begins(written(sender=robot, message_id="<1@s.example>"))
    answering.set_aside(session, found)
    assert box.begins(written(sender=robot, message_id="<2@s.example>")).id == found.id
    assert found.state is ConversationState.SET_ASIDE
    assert thread.waiting(session, box.cafe.organisation) == 0


def test_a_forgotten_person_leaves_times_and_nothing_else(session: Session, box: Postbox, freja: Subscriber) -> None:
    before_she_came = box.begins(written(message_id="<0@guest.example>"))
    found = box.begins(written(), box.letter_to(freja))
    _answered(session, found)
    other = box.begins(written(sender="karl@stranger.example", message_id="<9@s.example>"))
    number, reference = freja.id, freja.subject_ref
    conversation.forget(session, number, reference)
    for each in (before_she_came, found):
        session.refresh(each)
        assert (each.subscriber_id, each.sender_key, each.state) == (None, "", ConversationState.DONE)
        assert thread_mail.of(session, each) == []
    assert _texts(session, other) == ["When do you open on Sunday?"]


def test_what_she_wrote_cannot_be_read_once_her_key_is_destroyed(
    session: Session, box: Postbox, freja: Subscriber
) -> None:
    found = box.begins(written(), box.letter_to(freja))
    evidence.destroy(session, freja.subject_ref)
    session.refresh(found)
    assert _texts(session, found) == [""]


def test_what_strangers_wrote_is_deleted_after_a_year_and_a_little(
    session: Session, box: Postbox, frozen_clock: time_machine.Traveller
) -> None:
    found = box.begins(written(sender="karl@stranger.example"))
    frozen_clock.shift(thread_mail.KEPT - timedelta(days=1))
    conversation.forget_past(session)
    session.expire_all()
    assert _texts(session, found) == ["When do you open on Sunday?"]
    frozen_clock.shift(timedelta(days=2))
    conversation.forget_past(session)
    session.expire_all()
    assert _texts(session, found) == [""]


def test_the_list_shows_who_waits_longest_first_and_what_is_urgent_before(
    session: Session, box: Postbox, freja: Subscriber, frozen_clock: time_machine.Traveller
) -> None:
    numbers = []
    for place in range(3):
        raw = written(
            f"Mail {place}", sender=f"p{place}@s.example", message_id=f"<{place}@s.example>", subject=f"S{place}"
        )
        numbers.append(box.begins(raw))
        frozen_clock.shift(timedelta(minutes=1))
    numbers[2].urgent = True
    session.flush()
    found = conversation_list.listed(session, box.cafe.organisation, ConversationState.OPEN)
    assert [(each.who, each.subject, each.beginning) for each in found] == [
        ("p2@s.example", "S2", "Mail 2"),
        ("p0@s.example", "S0", "Mail 0"),
        ("p1@s.example", "S1", "Mail 1"),
    ]


def test_only_mails_to_us_are_known_by_their_name(session: Session, box: Postbox, freja: Subscriber) -> None:
    found = box.begins(written(), box.letter_to(freja))
    _answered(session, found)
    [mine] = thread_mail.named_by(session, ["1@guest.example", ""])
    assert mine.direction is Direction.IN
    assert clock.now() >= mine.at
    assert letters_in.HER not in mine.message_digest

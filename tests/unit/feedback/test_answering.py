"""An answer: threaded below what she wrote, sent once, and only where somebody wrote."""

from __future__ import annotations

import pytest
import time_machine
from sqlalchemy.orm import Session

from listkeeper.audience import thread_mail
from listkeeper.audience.handover import MessageClass
from listkeeper.audience.thread import Conversation, ConversationState
from listkeeper.audience.thread_mail import Direction, Said
from listkeeper.feedback import answering
from listkeeper.feedback.promise import Promise
from listkeeper.foundation.errors import Conflict, Invalid
from listkeeper.foundation.outbox import Lane
from tests.makers import cafe
from tests.makers.letters_in import HER, Postbox, written


@pytest.fixture
def box(session: Session, frozen_clock: time_machine.Traveller) -> Postbox:
    """The postbox of a café."""
    return Postbox(session, cafe.found(session))


def _answer(box: Postbox, found: Conversation, text: str = "From nine.") -> Said:
    answering.answer(box.session, found, text, actor="user:1", given=Promise())
    row = thread_mail.newest(box.session, found, Direction.OUT)
    assert row is not None
    said = thread_mail.opened(box.session, found, row)
    assert said is not None
    return said


def test_it_is_a_delivery_of_its_own_class_and_lane(box: Postbox) -> None:
    freja = cafe.subscribe(box.session, box.cafe, HER)
    found = box.begins(written(), box.letter_to(freja))
    made = answering.answer(box.session, found, " From nine.\r\n", actor="user:1", given=Promise())
    row = thread_mail.newest(box.session, found, Direction.OUT)
    assert row is not None
    assert (made.message_class, made.lane, made.occasion) == (MessageClass.REPLY, Lane.URGENT, f"reply:{row.id}")
    assert (made.subscriber_id, made.typed_address, made.notice_id) == (freja.id, None, found.id)
    assert (row.delivery_id, row.actor) == (made.id, "user:1")
    assert found.state is ConversationState.ANSWERED


@pytest.mark.parametrize(
    ("hers", "ours"),
    [
        ("Cardamom buns", "Re: Cardamom buns"),
        ("Re: Cardamom buns", "Re: Cardamom buns"),
        ("SV: AW: Re[2]: Buns", "Re: Buns"),
        ("Odp: Ответ: Buns", "Re: Buns"),
        ("Report: buns", "Re: Report: buns"),
        ("Opening hours and more: Buns", "Re: Opening hours and more: Buns"),
        ("", "Re:"),
    ],
)
def test_the_subject_has_one_re(box: Postbox, hers: str, ours: str) -> None:
    found = box.begins(written(sender="karl@s.example", subject=hers))
    assert _answer(box, found).subject == ours


def test_it_names_her_mail_and_those_before_it(box: Postbox) -> None:
    found = box.begins(
        written(sender="karl@s.example", message_id="<3@s.example>", references="<1@x.example> <2@x.example>")
    )
    assert _answer(box, found).references == ("<1@x.example>", "<2@x.example>", "<3@s.example>")


def test_of_many_names_the_first_and_the_newest_stay(box: Postbox) -> None:
    many = " ".join(f"<{number}@x.example>" for number in range(45))
    found = box.begins(written(sender="karl@s.example", message_id="<99@s.example>", references=many))
    names = _answer(box, found).references
    assert (len(names), names[0], names[-1], names[-2]) == (20, "<0@x.example>", "<99@s.example>", "<44@x.example>")


def test_a_button_that_is_pressed_twice_sends_one(box: Postbox, frozen_clock: time_machine.Traveller) -> None:
    found = box.begins(written(sender="karl@s.example"))
    _answer(box, found)
    with pytest.raises(Conflict) as refused:
        _answer(box, found)
    assert refused.value.code == "answered_already"
    _answer(box, found, "And on Monday from ten.")
    frozen_clock.shift(601)
    _answer(box, found, "And on Monday from ten.")
    assert len(thread_mail.of(box.session, found)) == 4


@pytest.mark.parametrize("text", ["", " \r\n\t ", "x" * (answering.LONGEST + 1)])
def test_nothing_and_too_much_are_refused(box: Postbox, text: str) -> None:
    found = box.begins(written(sender="karl@s.example"))
    with pytest.raises(Invalid):
        _answer(box, found, text)
    assert found.state is ConversationState.OPEN


def test_no_person_gets_no_answer(box: Postbox) -> None:
    found = box.begins(written(sender="karl@s.example"))
    answering.set_aside(box.session, found)
    with pytest.raises(Conflict) as refused:
        _answer(box, found)
    assert refused.value.code == "set_aside"
    answering.open_again(box.session, found)
    assert _answer(box, found).text == "From nine."


def test_nobody_to_answer(box: Postbox) -> None:
    found = box.begins(written(sender="nobody"))
    with pytest.raises(Conflict) as refused:
        _answer(box, found)
    assert refused.value.code == "no_sender"


def test_what_was_done_can_be_opened_and_answered_again(box: Postbox) -> None:
    found = box.begins(written(sender="karl@s.example"))
    answering.done(box.session, found)
    answering.done(box.session, found)
    assert found.closed_at is not None
    answering.open_again(box.session, found)
    assert [found.state, found.closed_at] == [ConversationState.OPEN, None]
    answering.done(box.session, found)
    _answer(box, found)
    assert found.state is ConversationState.ANSWERED

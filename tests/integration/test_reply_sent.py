"""An answer over SMTP: below her mail in any program, to where she wrote from, and to nobody who must not be."""

from __future__ import annotations

from email.message import EmailMessage

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper import parts
from listkeeper.audience import erasure, subscriber, thread_mail
from listkeeper.audience.handover import MessageClass, RefusalCode
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.thread import Conversation
from listkeeper.feedback import answering, inbound, traces
from listkeeper.feedback.inbound import Way
from listkeeper.feedback.promise import Promise
from listkeeper.foundation.outbox import Lane
from listkeeper.sending.delivery import Delivery, DeliveryState
from tests.fakes.smtp_sink import SmtpSink
from tests.makers import cafe
from tests.makers.cafe import Cafe
from tests.makers.letters_in import HER, Postbox, written
from tests.makers.works import Works

TEXT = "From nine, see you!\n\nYours <b>Anna</b>\nhttps://cafe.example/" + "x" * 120


def _begin(works: Works, raw: bytes, *, proven: bool = True) -> None:
    def act(session: Session, house: Cafe) -> None:
        box = Postbox(session, house)
        person = cafe.subscribe(session, house, HER)
        box.begins(raw, box.letter_to(person) if proven else None)

    works.write(act)
    works.drain(Lane.URGENT)


def _answer(works: Works, text: str = TEXT) -> None:
    def act(session: Session, _house: Cafe) -> None:
        found = session.scalars(select(Conversation).order_by(Conversation.id.desc()).limit(1)).one()
        answering.answer(session, found, text, actor="user:1", given=Promise())

    works.write(act)


def _sent(works: Works, sink: SmtpSink) -> EmailMessage:
    before = len(sink.messages)
    works.drain(Lane.URGENT)
    [kept] = sink.messages[before:]
    return kept.message


def _row(works: Works) -> Delivery:
    return next(row for row in works.deliveries() if row.message_class is MessageClass.REPLY)


def test_it_stands_below_her_mail_and_says_what_was_typed(works: Works, smtp_sink: SmtpSink) -> None:
    _begin(works, written(message_id="<3@guest.example>", references="<1@cafe.example>", subject="SV: Bøller"))
    _answer(works)
    message = _sent(works, smtp_sink)
    assert smtp_sink.messages[-1].rcpt_tos == (HER,)
    assert message["To"] == HER
    assert message["Subject"] == "Re: Bøller"
    assert (message["In-Reply-To"], message["References"]) == (
        "<3@guest.example>",
        "<1@cafe.example> <3@guest.example>",
    )
    assert message["Auto-Submitted"] is None
    assert message["List-Unsubscribe"] is None
    plain, html = message.get_body(("plain",)), message.get_body(("html",))
    assert plain is not None
    assert html is not None
    text = plain.get_content().replace("\r\n", "\n")
    assert text.startswith(TEXT)
    assert "Havnegade 1" in text
    assert "Yours &lt;b&gt;Anna&lt;/b&gt;" in html.get_content()
    assert "<a " not in html.get_content()
    row = _row(works)
    assert (row.state, row.message_id) == (DeliveryState.ACCEPTED, message["Message-ID"])


def test_a_stranger_is_answered_where_they_wrote_from(works: Works, smtp_sink: SmtpSink) -> None:
    _begin(works, written(sender="Karl <karl@stranger.example>"), proven=False)
    _answer(works)
    assert _sent(works, smtp_sink)["To"] == "karl@stranger.example"
    assert _row(works).typed_address is None


def test_a_forged_sender_gets_nothing_to_another_place(works: Works, smtp_sink: SmtpSink) -> None:
    _begin(works, written("Send me her data", sender=f"x <{HER}>", more="Reply-To: eve@evil.example\r\n"), proven=False)
    _answer(works)
    message = _sent(works, smtp_sink)
    assert message["To"] == HER
    assert "Send me her data" not in message.as_string()


def test_a_person_under_dispute_is_not_written_to(works: Works, smtp_sink: SmtpSink) -> None:
    _begin(works, written())
    _answer(works)

    def restrict(session: Session, _house: Cafe) -> None:
        subscriber.restrict(session, session.scalars(select(Subscriber)).one(), actor="user:1")

    works.write(restrict)
    before = len(smtp_sink.messages)
    works.drain(Lane.URGENT)
    assert len(smtp_sink.messages) == before
    assert (_row(works).state, _row(works).refusal_code) == (DeliveryState.REFUSED, RefusalCode.RESTRICTED)


def test_who_was_forgotten_while_the_answer_waited_gets_none(works: Works, smtp_sink: SmtpSink) -> None:
    _begin(works, written())
    _answer(works)

    def forget(session: Session, _house: Cafe) -> None:
        number = session.scalars(select(Subscriber.id)).one()
        erasure.erase(session, number, actor="user:1", forget_copies=traces.forgetter(parts.practice_folder()))

    works.write(forget)
    before = len(smtp_sink.messages)
    works.drain(Lane.URGENT)
    assert len(smtp_sink.messages) == before
    assert _row(works).state in {DeliveryState.REFUSED, DeliveryState.FAILED}


def test_her_answer_to_our_answer_comes_back_into_its_conversation(works: Works, smtp_sink: SmtpSink) -> None:
    """The whole way: what comes in is kept, read by the job, and leads by our Message-ID to where it belongs."""
    _begin(works, written())
    _answer(works)
    ours = _sent(works, smtp_sink)["Message-ID"]

    def bring(session: Session, house: Cafe) -> None:
        raw = written("Thank you!", message_id="<2@guest.example>", references=ours)
        inbound.take(
            session, house.organisation.id, Way.SMTP, raw, envelope_from=HER, envelope_to=["hello@cafe.example"]
        )

    works.write(bring)
    works.drain(Lane.BACKGROUND)

    def look(session: Session) -> list[tuple[str, bool, str]]:
        found = session.scalars(select(Conversation)).one()
        rows = thread_mail.of(session, found)
        texts = [thread_mail.opened(session, found, row) for row in rows]
        return [
            (row.direction.value, row.proven, said.text if said else "") for row, said in zip(rows, texts, strict=True)
        ]

    assert works.read(look) == [
        ("in", True, "When do you open on Sunday?"),
        ("out", True, TEXT),
        ("in", True, "Thank you!"),
    ]


@pytest.mark.parametrize("mark", ["Auto-Submitted: auto-replied\r\n", "List-Id: <x.example>\r\n"])
def test_machines_begin_no_conversation(works: Works, mark: str) -> None:
    def bring(session: Session, house: Cafe) -> None:
        inbound.take(session, house.organisation.id, Way.SMTP, written(more=mark), envelope_from=HER)

    works.write(bring)
    works.drain(Lane.BACKGROUND)
    assert works.read(lambda session: session.scalars(select(Conversation)).all()) == []

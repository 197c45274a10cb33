"""The whole round over real SMTP: a letter leaves, servers say no at once or send it back later, and what follows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper import parts, store
from listkeeper.audience import subscription, suppression
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import SubscriptionState
from listkeeper.audience.suppression import Reason
from listkeeper.deliverability.reply_class import ReplyClass
from listkeeper.feedback import decision_words, event
from listkeeper.feedback.event import FeedbackEvent, FeedbackKind, Outcome, Proof
from listkeeper.foundation.outbox import Lane
from listkeeper.jobs import coming_in
from listkeeper.sending.delivery import Delivery, DeliveryState
from tests.fakes import own_listener
from tests.fakes.own_listener import Listening, Stranger
from tests.fakes.queue_server import QueueServer
from tests.fakes.smtp_sink import SmtpSink
from tests.makers import bounced, cafe
from tests.makers.came_back import Postman
from tests.makers.real_replies import REPLIES
from tests.makers.works import Works

_OTHERS = 400


@pytest.fixture
def listening(works: Works, data_folder: Path) -> Iterator[Listening]:
    known = works.app.config["LISTKEEPER"].model_copy(update={"return_path": bounced.RETURNS})
    works.app.config["LISTKEEPER"] = known
    parts.open_all(known)
    with own_listener.running(works.app.app_context, data_folder) as running:
        yield running


def _address(number: int, when: str) -> str:
    # Each at a host of its own: a receiver that refuses us would keep the others waiting.
    return f"reader@{when}{number}.example"


def _join(works: Works) -> None:
    def join(session: Session, house: cafe.Cafe) -> None:
        for number in range(len(REPLIES)):
            for when in ("now", "later"):
                cafe.subscribe(session, house, _address(number, when))

    works.write(join)
    works.gather(_OTHERS)


def _bring_back(listening: Listening, sink: SmtpSink) -> None:
    """Send each mail back as its receiver would, to the address in its envelope."""
    server = Stranger(listening.smtp)
    server.ask(b"EHLO mx.guest.example")
    for number, reply in enumerate(REPLIES):
        [kept] = [one for one in sink.to(_address(number, "later")) if "Cardamom" in str(one.message["Subject"])]
        status = next((word for word in reply.text.split() if word.count(".") == 2 and word[0] in "45"), "5.0.0")
        raw = bounced.dsn(kept.mail_from, kept.rcpt_tos[0], status, reply.text)
        assert server.bring(raw, kept.mail_from).startswith("250")
    server.close()


@pytest.fixture
def found(works: Works, listening: Listening, smtp_sink: SmtpSink) -> dict[tuple[str, int], list[FeedbackEvent]]:
    """Return what was told of each reader after the whole round."""
    _join(works)
    for number, reply in enumerate(REPLIES):
        smtp_sink.script("RCPT", reply.text, to=_address(number, "now"))
    works.start()
    works.drain()
    _bring_back(listening, smtp_sink)
    works.drain(Lane.BACKGROUND)

    def told(session: Session) -> dict[tuple[str, int], list[FeedbackEvent]]:
        people = {person.email_send: person.id for person in session.scalars(select(Subscriber))}
        told = {
            (when, number): event.of_person(session, people[_address(number, when)])
            for number in range(len(REPLIES))
            for when in ("now", "later")
        }
        session.expunge_all()
        return told

    return works.read(told)


def test_forty_real_replies_at_once_and_later_come_to_the_same(
    works: Works, smtp_sink: SmtpSink, found: dict[tuple[str, int], list[FeedbackEvent]]
) -> None:
    assert len(REPLIES) == 40
    wrong = []
    for (when, number), told in found.items():
        reply = REPLIES[number]
        if [(row.reply_class, row.outcome) for row in told] != [(reply.reply_class, reply.outcome)]:
            wrong.append((when, reply.text, [(row.reply_class, row.rule, row.outcome) for row in told]))
    assert wrong == []
    assert {row.proof for told in found.values() for row in told} == {Proof.REPLY, Proof.TOKEN}
    works.read(lambda session: _stands(session, found))


def _stands(session: Session, found: dict[tuple[str, int], list[FeedbackEvent]]) -> None:
    """Look at the mail, the person and her timeline, each as the policy says."""
    for (when, number), told in found.items():
        reply, row = REPLIES[number], told[0]
        mail = session.get_one(Delivery, row.delivery_id)
        assert mail.state is (DeliveryState.FAILED if when == "now" else DeliveryState.BOUNCED), reply.text
        person = session.get_one(Subscriber, row.subscriber_id)
        reasons = {one.reason for one in suppression.reasons(session, person.organisation_id, person.suppression_key)}
        assert reasons == ({Reason.HARD_BOUNCE} if reply.outcome is Outcome.HELD else set()), reply.text
        [(current, _)] = subscription.all_of(session, person)
        assert current.state is SubscriptionState.CONFIRMED
        assert person.email_send not in row.reply
        said = decision_words.of(row)
        assert said.endswith("."), said


def test_readers_whose_mail_arrived_have_no_such_line(
    works: Works, found: dict[tuple[str, int], list[FeedbackEvent]]
) -> None:
    assert len(found) == 2 * len(REPLIES)
    with works.app.app_context(), store.reading() as session:
        told = session.scalars(select(FeedbackEvent)).all()
        assert len(told) == 2 * len(REPLIES)
        states = set(
            session.scalars(
                select(Delivery.state).where(
                    Delivery.campaign_id.is_not(None), Delivery.id.not_in([row.delivery_id for row in told])
                )
            )
        )
    assert states == {DeliveryState.ACCEPTED}


def test_mail_that_came_back_because_it_was_too_fast_slows_its_receiver(works: Works, queue: QueueServer) -> None:
    def send_back(session: Session, house: cafe.Cafe) -> None:
        postman = Postman(session, house, cafe.subscribe(session, house, "freja@guest.example"))
        postman.told(FeedbackKind.BOUNCED, postman.letter(), found=ReplyClass.RATE)

    works.write(send_back)
    with works.app.app_context():
        coming_in.look()
        slowed = parts.slowed()
    assert slowed.known
    assert ("cafe.example", "gmail") in slowed.found
    assert works.read(lambda session: session.scalars(select(FeedbackEvent.outcome)).all()) == [Outcome.NOTED]

"""The two journeys without the web: from a post of the form to letters at the mail server, and out again.

Every test runs on both databases, through the real jobs, with a real mail server on loopback. Unless it says so
there is no queue server: a bell that cannot ring must never matter.
"""

from __future__ import annotations

import re
import threading
import time
from collections import Counter
from datetime import datetime, timedelta
from email.message import EmailMessage
from typing import Any

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from listkeeper import store
from listkeeper.audience import answering, suppression, unsubscribe
from listkeeper.audience.answering import Answer
from listkeeper.audience.consent import Method
from listkeeper.audience.guard.mailbox import MailboxAsked
from listkeeper.audience.handover import MessageClass, RefusalCode
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.suppression import Reason
from listkeeper.campaigns.campaign import Campaign, CampaignState
from listkeeper.foundation import clock
from listkeeper.foundation.errors import TryAgain
from listkeeper.foundation.outbox import Lane
from listkeeper.jobs import identity, sending
from listkeeper.sending import batch, claim, planning, steering
from listkeeper.sending.delivery import Delivery, DeliveryState
from listkeeper.sending.handing_over.transport import Outcome
from tests.fakes.smtp_sink import SmtpSink
from tests.makers import cafe
from tests.makers.cafe import Cafe
from tests.makers.works import HER, SITE, Works, recipients

S = DeliveryState


# The whole path


def test_from_the_form_to_the_letter_and_out_again(works: Works, smtp_sink: SmtpSink) -> None:
    works.post()
    works.work(Lane.URGENT)
    (question,) = smtp_sink.messages
    assert question.rcpt_tos == (HER,)
    found = re.search(rb"/c/([A-Za-z0-9_-]{22})", question.content.replace(b"=\r\n", b""))
    assert found is not None
    works.write(lambda session, _house: _confirm(session, found[1].decode()))
    works.gather(20)
    letter = works.start()
    works.drain()
    said = works.progress(letter)
    assert (said.state, said.recipients, said.sent) == (CampaignState.FINISHED, 21, 21)
    letters = smtp_sink.messages[1:]
    assert recipients(smtp_sink) == {HER: 2} | {f"person-{number}@crowd.example": 1 for number in range(1, 21)}
    for kept in letters:
        _is_clean(kept.message, ("List-Unsubscribe", "List-Unsubscribe-Post", "List-Id"))
    _is_clean(question.message, ("Auto-Submitted",))
    assert "List-Unsubscribe" not in question.message
    ids = {row.message_id for row in works.deliveries()}
    assert {kept.message["Message-ID"] for kept in smtp_sink.messages} == ids
    assert len(ids) == 22

    token = re.search(
        r"/u/([A-Za-z0-9_-]{32})>", next(k for k in letters if HER in k.rcpt_tos).message["List-Unsubscribe"]
    )
    assert token is not None
    works.write(lambda session, _house: _leave_by(session, token[1]))
    works.start("Second letter")
    works.drain()
    assert recipients(smtp_sink) == {HER: 2} | {f"person-{number}@crowd.example": 2 for number in range(1, 21)}


def _confirm(session: Session, token: str) -> None:
    assert answering.confirm(session, token).answer is Answer.CONFIRMED


def _leave_by(session: Session, token: str) -> None:
    number = unsubscribe.delivery_of(token)
    assert number is not None
    row = session.get_one(Delivery, number)
    assert row.subscriber_id is not None
    assert row.list_id is not None
    unsubscribe.leave(session, row.subscriber_id, row.list_id, Method.ONE_CLICK, number)


def _is_clean(message: EmailMessage, also: tuple[str, ...]) -> None:
    once = ("From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type", *also)
    names = Counter(name.lower() for name, _ in message.items())
    assert {name: names[name.lower()] for name in once} == dict.fromkeys(once, 1)
    parts_of_it = [part for part in message.walk() if not part.is_multipart()]
    assert [part.get_content_type() for part in parts_of_it] == ["text/plain", "text/html"]
    assert [part.defects for part in message.walk()] == [[], [], []]
    assert all(part.get_content().strip() for part in parts_of_it if isinstance(part, EmailMessage))


def test_a_test_letter_goes_to_whom_it_is_typed_for(works: Works, smtp_sink: SmtpSink) -> None:
    def test(session: Session, house: Cafe) -> None:
        letter = cafe.draft(session, house)
        planning.mail_test(session, house.organisation, letter, "owner@cafe.example", site=SITE, per_hour=20)

    works.write(test)
    works.work(Lane.URGENT)
    assert recipients(smtp_sink) == {"owner@cafe.example": 1}
    (row,) = works.deliveries()
    assert (row.state, row.typed_address) == (S.ACCEPTED, None)


def test_who_is_on_the_list_already_is_told_so(works: Works, smtp_sink: SmtpSink) -> None:
    works.write(lambda session, house: cafe.subscribe(session, house, HER))
    works.write(lambda session, _house: session.execute(update(MailboxAsked).values(asked_at=_long_ago())))
    works.post(HER.upper())
    works.work(Lane.URGENT)
    assert [row.message_class for row in works.deliveries()][-1] == MessageClass.SERVICE
    assert smtp_sink.messages[-1].rcpt_tos == (HER,)
    assert b"/c/" not in smtp_sink.messages[-1].content


def _long_ago() -> datetime:
    return clock.now() - timedelta(days=40)


# Leaving, while the letter is on its way


def test_whoever_leaves_before_the_hand_over_gets_nothing(works: Works, smtp_sink: SmtpSink) -> None:
    """Some are queued, some are leased, when their leave is committed."""
    works.gather(100)
    letter = works.start()
    people = [row.subscriber_id for row in works.deliveries()]
    works.write(lambda session, _house: claim.lease(session, Lane.SENDING, identity.me(), 50))
    leased, queued = people[10:20], people[60:70]
    works.leave(*(number for number in leased + queued if number is not None))
    with works.app.app_context():
        ids = [row.id for row in works.deliveries()[:50]]
        sending._deliver_leased(Lane.SENDING, ids, time.monotonic() + 60)  # noqa: SLF001 - the lease above is what this works on
    works.drain()
    said = works.progress(letter)
    assert (said.sent, said.skipped, said.skipped_because) == (80, 20, {RefusalCode.WITHDRAWN: 20})
    gone = {f"person-{number}@crowd.example" for number in leased + queued}
    assert not gone & set(recipients(smtp_sink))
    assert set(recipients(smtp_sink).values()) == {1}


def test_a_leave_in_the_middle_of_a_slow_send_holds_within_a_second(works: Works, smtp_sink: SmtpSink) -> None:
    works.gather(120)
    letter = works.start()
    smtp_sink.script("CONTENT", "250 slowly", delay=0.02)
    sender = threading.Thread(target=works.drain)
    sender.start()
    while len(smtp_sink.messages) < 20:
        time.sleep(0.01)
    with works.app.app_context(), store.reading() as session:
        waiting = (S.QUEUED, S.LEASED)
        query = select(Delivery.subscriber_id).where(Delivery.state.in_(waiting)).order_by(Delivery.id.desc()).limit(40)
        leaving = [number for number in session.scalars(query) if number is not None]
    works.leave(*leaving)
    committed = clock.now()
    sender.join(60)
    rows = {row.subscriber_id: row for row in works.deliveries()}
    states = Counter(rows[number].state for number in leaving)
    assert set(states) <= {S.REFUSED, S.ACCEPTED}
    assert states[S.REFUSED] > 0, "all had gone already, so nothing is proven"
    late = [number for number in leaving if rows[number].state is S.ACCEPTED and _handed(rows[number]) > committed]
    assert late == []
    assert len(smtp_sink.messages) == 120 - states[S.REFUSED] == works.progress(letter).sent


def _handed(row: Delivery) -> datetime:
    assert row.handed_at is not None
    return row.handed_at


# Stopping


def test_a_cancel_in_the_middle_keeps_the_rest_home(works: Works, smtp_sink: SmtpSink) -> None:
    works.gather(120)
    letter = works.start()
    smtp_sink.script("CONTENT", "250 slowly", delay=0.01)
    sender = threading.Thread(target=works.drain)
    sender.start()
    while len(smtp_sink.messages) < 20:
        time.sleep(0.01)
    works.write(lambda session, _house: steering.cancel(session, session.get_one(Campaign, letter)))
    sender.join(60)
    works.drain()
    said = works.progress(letter)
    assert said.state is CampaignState.CANCELLED
    assert said.sent + said.skipped == 120
    assert said.sent == len(smtp_sink.messages) < 120
    assert (said.waiting, said.deferred, said.in_doubt) == (0, 0, ())


def test_a_worker_that_is_asked_to_stop_gives_back_what_it_has_not_begun(works: Works, smtp_sink: SmtpSink) -> None:
    works.gather(100)
    works.start()
    smtp_sink.script("CONTENT", "250 slowly", delay=0.01)

    def stop() -> None:
        while len(smtp_sink.messages) < 5:
            time.sleep(0.005)
        sending.draining.set()

    stopper = threading.Thread(target=stop)
    stopper.start()
    works.work(Lane.SENDING)
    stopper.join()
    states = Counter(row.state for row in works.deliveries())
    assert set(states) == {S.ACCEPTED, S.QUEUED}
    assert states[S.ACCEPTED] == len(smtp_sink.messages) <= 64
    sending.draining.clear()
    works.drain()
    assert set(recipients(smtp_sink).values()) == {1}
    assert len(smtp_sink.messages) == 100


def test_answers_wait_for_a_database_that_is_away(
    works: Works, smtp_sink: SmtpSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They exist nowhere else: what was accepted must not end as a doubt because the disk was full for a moment."""
    works.gather(5)
    letter = works.start()
    record, failures = batch.record, iter(range(3))

    def busy(session: Session, outcomes: dict[int, Outcome | None], *told: Any, **more: Any) -> None:  # noqa: ANN401
        if next(failures, None) is not None:
            raise TryAgain("database_unavailable", "The database is busy.")
        record(session, outcomes, *told, **more)

    monkeypatch.setattr(batch, "record", busy)
    works.drain()
    assert works.progress(letter).sent == 5
    assert works.progress(letter).in_doubt == ()


def test_a_complaint_keeps_even_a_test_away(works: Works, smtp_sink: SmtpSink) -> None:
    def test(session: Session, house: Cafe) -> None:
        key = suppression.key_of(house.organisation.id, HER)
        suppression.add(session, house.organisation.id, key, scope=suppression.ALL, reason=Reason.COMPLAINT)
        planning.mail_test(session, house.organisation, cafe.draft(session, house), HER, site=SITE, per_hour=20)

    works.write(test)
    works.work(Lane.URGENT)
    assert smtp_sink.messages == []
    (row,) = works.deliveries()
    assert (row.state, row.refusal_code, row.typed_address) == (S.REFUSED, RefusalCode.SUPPRESSED, None)


def test_people_are_known_by_reference_in_deliveries(works: Works) -> None:
    works.gather(2)
    works.start()
    columns = {column.key for column in Delivery.__table__.columns}
    kept = [str(getattr(row, name)) for row in works.deliveries() for name in columns]
    assert not [value for value in kept if "@crowd.example" in value]
    assert works.read(lambda session: session.scalar(select(func.count()).select_from(Subscriber))) == 2

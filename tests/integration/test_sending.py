"""The two journeys without the web: from a post of the form to letters at the mail server, one job after another.

Every test runs on both databases, through the real jobs, with a real mail server on loopback. Unless it says so there
is no queue server: a bell that cannot ring must never matter.
"""

from __future__ import annotations

import re
import threading
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage
from typing import Any, TypeVar

import pytest
from flask import Flask
from sqlalchemy import event, func, select, update
from sqlalchemy.orm import Session

from listkeeper import parts, store
from listkeeper.accounts import organisation, user
from listkeeper.audience import confirmation, permission, signup, signup_form, suppression, unsubscribe
from listkeeper.audience.confirmation import Answer
from listkeeper.audience.consent import Method
from listkeeper.audience.permission import RefusalCode
from listkeeper.audience.signup import Signup, SignupDecision, Visit
from listkeeper.audience.signup_form import SignupForm
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.suppression import Reason
from listkeeper.campaigns.campaign import Campaign, CampaignState
from listkeeper.foundation import clock, outbox
from listkeeper.foundation.errors import TryAgain
from listkeeper.foundation.outbox import Fact, Lane
from listkeeper.jobs import housekeeping, identity, lanes, reactions, sending
from listkeeper.rendering import filling
from listkeeper.rendering.compiled import CompiledLetter
from listkeeper.rendering.content import Filled, Reader
from listkeeper.sending import batch, incident, planning, progress
from listkeeper.sending.delivery import Delivery, DeliveryState
from listkeeper.sending.envelope import Envelope
from listkeeper.sending.progress import Progress
from listkeeper.sending.smtp_relay import SmtpRelay
from listkeeper.sending.transport import Outcome
from tests.fakes.databases import Database
from tests.fakes.queue_server import QueueServer
from tests.fakes.smtp_sink import DROP, SmtpSink
from tests.makers import cafe, crowd
from tests.makers.cafe import Cafe

Seen = TypeVar("Seen")
SITE = "http://localhost:8025"
HER = "freja@guest.example"
S = DeliveryState


@dataclass
class Works:
    """The café at work: what the shells would do, one step a call."""

    app: Flask
    list_id: int

    def work(self, lane: Lane, times: int = 1) -> None:
        """Let a worker take the lane's job."""
        for _ in range(times):
            with self.app.app_context():
                lanes.work(lane.value)

    def drain(self) -> None:
        """Work until nothing is due any more."""
        for _ in range(200):
            self.work(Lane.SENDING)
            with self.app.app_context(), store.reading() as session:
                if not batch.anything_due(session, Lane.SENDING):
                    return
        pytest.fail("the lane never came to rest")

    def write(self, act: Callable[[Session, Cafe], object]) -> None:
        """Do something in a transaction of its own."""
        with self.app.app_context(), store.transaction() as session:
            act(session, _here(session))

    def read(self, look: Callable[[Session], Seen]) -> Seen:
        """Look at the database as it is now."""
        with self.app.app_context(), store.reading() as session:
            return look(session)

    def post(self, typed: str = HER) -> None:
        """Post the form, as the web would."""
        with self.app.app_context(), store.transaction() as session:
            shown = signup_form.shown(session, _here(session).form.slug)
            signup.receive(session, shown, typed, Visit(network="192.0.2.1"), parts.limits())

    def gather(self, count: int) -> None:
        """Put people on the list."""
        self.write(lambda session, house: crowd.gather(session, house, count))

    def start(self, subject: str = "Cardamom buns") -> int:
        """Send a letter to the list and return its number."""
        with self.app.app_context(), store.transaction() as session:
            house = _here(session)
            letter = cafe.draft(session, house, subject=subject)
            planning.send_campaign(session, house.organisation, letter, site=SITE)
            return letter.id

    def leave(self, *people: int) -> None:
        """Let people unsubscribe by their mail program's button."""

        def act(session: Session, _house: Cafe) -> None:
            for number in people:
                unsubscribe.leave(session, number, self.list_id, Method.ONE_CLICK)

        self.write(act)

    def progress(self, letter: int) -> Progress:
        """Return how far a letter is."""
        with self.app.app_context(), store.reading() as session:
            return progress.report(session, session.get_one(Campaign, letter))

    def deliveries(self) -> list[Delivery]:
        """Return every delivery, oldest first."""
        with self.app.app_context(), store.reading() as session:
            rows = list(session.scalars(select(Delivery).order_by(Delivery.id)))
            session.expunge_all()
            return rows


@pytest.fixture
def works(app: Flask, database: Database, smtp_sink: SmtpSink) -> Iterator[Works]:
    """A café at work, with nobody on its list."""
    with app.app_context(), store.transaction() as session:
        list_id = cafe.found(session).mailing_list.id
    sending.draining.clear()
    yield Works(app, list_id)
    sending.draining.clear()
    sending.hang_up()


def _here(session: Session) -> Cafe:
    """Return the café's rows in this session."""
    form = session.scalars(select(SignupForm)).one()
    return Cafe(organisation.only_one(session), user.first(session), form.mailing_list, form)


def _recipients(sink: SmtpSink) -> Counter[str]:
    return Counter(address for kept in sink.messages for address in kept.rcpt_tos)


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
    assert _recipients(smtp_sink) == {HER: 2} | {f"person-{number}@crowd.example": 1 for number in range(1, 21)}
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
    assert _recipients(smtp_sink) == {HER: 2} | {f"person-{number}@crowd.example": 2 for number in range(1, 21)}


def _confirm(session: Session, token: str) -> None:
    assert confirmation.confirm(session, token).answer is Answer.CONFIRMED


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
    assert _recipients(smtp_sink) == {"owner@cafe.example": 1}
    (row,) = works.deliveries()
    assert (row.state, row.typed_address) == (S.ACCEPTED, None)


def test_who_is_on_the_list_already_is_told_so(works: Works, smtp_sink: SmtpSink) -> None:
    works.write(lambda session, house: cafe.subscribe(session, house, HER))
    works.write(
        lambda session, _house: session.execute(update(confirmation.Confirmation).values(created_at=_long_ago()))
    )
    works.post(HER.upper())
    works.work(Lane.URGENT)
    assert [row.message_class for row in works.deliveries()][-1] == permission.MessageClass.SERVICE
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
    works.write(lambda session, _house: batch.lease(session, Lane.SENDING, identity.me(), 50))
    leased, queued = people[10:20], people[60:70]
    works.leave(*(number for number in leased + queued if number is not None))
    with works.app.app_context():
        ids = [row.id for row in works.deliveries()[:50]]
        sending._deliver_leased(ids, time.monotonic() + 60)  # noqa: SLF001 - the lease above is what this works on
    works.drain()
    said = works.progress(letter)
    assert (said.sent, said.skipped, said.skipped_because) == (80, 20, {RefusalCode.WITHDRAWN: 20})
    gone = {f"person-{number}@crowd.example" for number in leased + queued}
    assert not gone & set(_recipients(smtp_sink))
    assert set(_recipients(smtp_sink).values()) == {1}


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


# Bells


def test_without_a_queue_server_nothing_is_lost_and_no_commit_breaks(
    works: Works, smtp_sink: SmtpSink, capfd: pytest.CaptureFixture[str]
) -> None:
    works.post()
    assert "bell.not_rung" in "".join(capfd.readouterr())
    assert works.read(lambda session: session.scalar(select(func.count()).select_from(Signup))) == 1
    with works.app.app_context():
        housekeeping.look_for_lost_bells()
    works.work(Lane.URGENT)
    assert _recipients(smtp_sink) == {HER: 1}


def test_a_lost_bell_is_rung_again(works: Works, queue: QueueServer, smtp_sink: SmtpSink) -> None:
    works.post()
    with works.app.app_context():
        assert [job.args for job in parts.queue(Lane.URGENT).jobs] == [["urgent"]]
        queue.client.flushall()
        housekeeping.look_for_lost_bells()
        assert [job.func_name for job in parts.queue(Lane.URGENT).jobs] == [parts.WORK]
        assert parts.queue(Lane.SENDING).count == parts.queue(Lane.BACKGROUND).count == 0
        queue.client.flushall()
    works.work(Lane.URGENT)
    with works.app.app_context():
        housekeeping.look_for_lost_bells()
        assert parts.queue(Lane.URGENT).count == 0
    works.gather(1)
    works.start()
    with works.app.app_context():
        queue.client.flushall()
        housekeeping.look_for_lost_bells()
        assert parts.queue(Lane.SENDING).count == 1


def test_no_address_is_ever_given_to_the_queue_server(works: Works, queue: QueueServer, smtp_sink: SmtpSink) -> None:
    works.post("kanariefugl@canary.example")
    works.work(Lane.URGENT)
    works.gather(3)
    works.start()
    with works.app.app_context():
        housekeeping.look_for_lost_bells()
    kept = [value for key in queue.client.keys("*") for value in _kept(queue, key)]
    assert any(b"listkeeper.jobs.lanes.work" in value for value in kept), "nothing was read, so nothing is proven"
    assert not [value for value in kept if b"@" in value or b"kanariefugl" in value]


def _kept(queue: QueueServer, key: Any) -> list[bytes]:  # noqa: ANN401 - the client's types know no better
    """Return everything the queue server keeps under a key, unpacked."""
    client: Any = queue.client
    found: list[bytes]
    match client.type(key):
        case b"hash":
            found = [part for pair in client.hgetall(key).items() for part in pair]
        case b"list":
            found = client.lrange(key, 0, -1)
        case b"set":
            found = list(client.smembers(key))
        case b"zset":
            found = client.zrange(key, 0, -1)
        case _:
            found = [client.get(key)]
    # rq packs what a job is called with.
    return [key, *(zlib.decompress(value) if value.startswith(b"x\x9c") else value for value in found)]


def test_a_slice_that_was_too_short_rings_for_the_rest(
    works: Works, queue: QueueServer, smtp_sink: SmtpSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        works.post(f"guest-{number}@guest.example")
    monkeypatch.setattr(lanes, "SLICE_SECONDS", 0.0)
    queue.client.flushall()
    works.work(Lane.URGENT)
    with works.app.app_context():
        assert parts.queue(Lane.URGENT).count == 1
    monkeypatch.undo()
    works.work(Lane.URGENT)
    assert len(smtp_sink.messages) == 3


def test_many_facts_do_not_keep_mail_waiting(
    works: Works, smtp_sink: SmtpSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Deciding takes the whole slice; the mail that is due leaves all the same."""
    works.post("first@guest.example")
    with works.app.app_context():
        reactions.react(Lane.URGENT, time.monotonic() + 60)
    for number in range(3):
        works.post(f"guest-{number}@guest.example")
    monkeypatch.setattr(lanes, "SLICE_SECONDS", 0.3)
    decide = reactions.REACTIONS[signup.RECEIVED]

    def slowly(session: Session, number: int) -> None:
        time.sleep(0.4)
        decide(session, number)

    monkeypatch.setitem(reactions.REACTIONS, signup.RECEIVED, slowly)
    works.work(Lane.URGENT)
    assert "first@guest.example" in _recipients(smtp_sink)


# Facts and their reactions


def test_a_fact_that_cannot_be_reacted_to_is_parked_after_five_tries(works: Works, smtp_sink: SmtpSink) -> None:
    def misfortune(session: Session, _house: Cafe) -> None:
        outbox.write(session, signup.RECEIVED, 10**6, Lane.URGENT)
        outbox.write(session, "nobody.knows", 1, Lane.URGENT)

    works.write(misfortune)
    works.post()
    works.work(Lane.URGENT)
    assert _recipients(smtp_sink) == {HER: 1}, "a bad fact kept a good one waiting"
    assert _tries(works) == [1, 1]
    works.work(Lane.URGENT, times=6)
    assert _tries(works) == [outbox.TRIES, outbox.TRIES]
    assert works.read(lambda session: outbox.waiting(session, Lane.URGENT)) == []


def _tries(works: Works) -> list[int]:
    return works.read(lambda session: list(session.scalars(select(Fact.tries).where(Fact.reacted_at.is_(None)))))


def test_more_bad_facts_than_one_look_takes_do_not_hide_the_good_one(works: Works, smtp_sink: SmtpSink) -> None:
    def misfortune(session: Session, _house: Cafe) -> None:
        for number in range(120):
            outbox.write(session, signup.RECEIVED, 10**6 + number, Lane.URGENT)

    works.write(misfortune)
    works.post()
    with works.app.app_context():
        assert not reactions.react(Lane.URGENT, time.monotonic() + 60)
    works.work(Lane.URGENT)
    assert _recipients(smtp_sink) == {HER: 1}


def test_a_busy_database_costs_no_try(works: Works, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(_session: Session, _number: int) -> None:
        raise TryAgain("database_unavailable", "The database is busy.")

    monkeypatch.setitem(reactions.REACTIONS, signup.RECEIVED, away)
    works.post()
    for _ in range(7):
        with pytest.raises(TryAgain):
            works.work(Lane.URGENT)
    assert _tries(works) == [0]


def test_a_doubled_job_doubles_nothing(works: Works, smtp_sink: SmtpSink) -> None:
    works.post()
    works.work(Lane.URGENT, times=3)
    works.write(lambda session, _house: session.execute(update(Fact).values(reacted_at=None, tries=0)))
    works.work(Lane.URGENT, times=3)
    assert _recipients(smtp_sink) == {HER: 1}
    assert works.read(lambda session: session.scalars(select(Signup.decision)).all()) == [SignupDecision.ASKED]


def test_a_bell_of_another_lane_is_not_swallowed(
    works: Works, queue: QueueServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def elsewhere(session: Session, _number: int) -> None:
        outbox.write(session, "campaign.started", 1, Lane.SENDING)

    monkeypatch.setitem(reactions.REACTIONS, signup.RECEIVED, elsewhere)
    works.post()
    queue.client.flushall()
    with works.app.app_context():
        reactions.react(Lane.URGENT, time.monotonic() + 60)
        assert (parts.queue(Lane.URGENT).count, parts.queue(Lane.SENDING).count) == (0, 1)


# Servers in trouble


def test_when_the_mail_server_is_away_all_waits_and_the_reason_is_told(works: Works, smtp_sink: SmtpSink) -> None:
    works.gather(5)
    letter = works.start()
    smtp_sink.script("BANNER", "421 4.3.2 not now")
    before = clock.now()
    works.work(Lane.SENDING, times=2)
    said = works.progress(letter)
    assert (said.state, said.waiting, said.sent) == (CampaignState.SENDING, 5, 0)
    assert said.standing_still == (f"The mail server at 127.0.0.1:{smtp_sink.port} does not answer as it should.",)
    rows = works.deliveries()
    assert {(row.state, row.attempts, row.worker) for row in rows} == {(S.QUEUED, 0, None)}
    assert min(row.due_at for row in rows) >= before + timedelta(seconds=30)
    smtp_sink.forget()
    works.write(_make_due)
    works.drain()
    said = works.progress(letter)
    assert (said.state, said.sent, said.standing_still) == (CampaignState.FINISHED, 5, ())
    assert works.read(incident.standing) == []
    assert works.read(lambda session: session.scalar(select(func.count()).select_from(incident.Incident))) == 1


def _make_due(session: Session, _house: Cafe) -> None:
    session.execute(update(Delivery).where(Delivery.state.in_((S.QUEUED, S.DEFERRED))).values(due_at=clock.now()))


def test_a_server_lost_in_the_middle_leaves_the_rest_waiting(works: Works, smtp_sink: SmtpSink) -> None:
    works.gather(10)
    letter = works.start()
    with works.app.app_context():
        # The line is open before the server begins to turn callers away.
        sending._connected()  # noqa: SLF001
    dropped = smtp_sink.script("RCPT", DROP, to="person-4@", times=1)
    closed = smtp_sink.script("BANNER", "421 4.3.2 closing")
    works.work(Lane.SENDING)
    assert (dropped.used, closed.used) == (1, 1)
    assert Counter(row.state for row in works.deliveries()) == {S.ACCEPTED: 3, S.DEFERRED: 1, S.QUEUED: 6}
    assert works.progress(letter).standing_still != ()
    closed.left = 0
    works.write(_make_due)
    works.drain()
    assert works.progress(letter).sent == 10
    assert set(_recipients(smtp_sink).values()) == {1}


def test_what_a_line_can_carry_is_asked_of_an_open_one(works: Works, smtp_sink: SmtpSink) -> None:
    """The server hangs up after the last letter of a window; the next window is not judged by a line that is gone."""
    works.gather(33)
    works.write(_spell_in_nordic)
    letter = works.start()
    smtp_sink.script("CONTENT", "421 4.3.2 closing", to="person-32@", times=1)
    works.drain()
    assert RefusalCode.NO_SMTPUTF8 not in works.progress(letter).skipped_because


def _spell_in_nordic(session: Session, house: Cafe) -> None:
    cafe.subscribe(session, house, HER).email_send = "frøja@guest.example"


def test_doubts_are_listed_and_never_sent_again(works: Works, smtp_sink: SmtpSink) -> None:
    works.gather(10)
    letter = works.start()
    smtp_sink.script("CONTENT", DROP, to="person-3@", times=1)
    smtp_sink.script("CONTENT", DROP, to="person-7@", times=1)
    works.drain()
    with works.app.app_context():
        housekeeping.settle_left_behind()
        housekeeping.look_for_lost_bells()
    works.drain()
    said = works.progress(letter)
    assert (said.state, said.sent, said.in_doubt) == (
        CampaignState.FINISHED, 8, ("person-3@crowd.example", "person-7@crowd.example"),
    )  # fmt: skip
    assert len(smtp_sink.unanswered) == 2
    assert set(_recipients(smtp_sink).values()) == {1}


def test_answers_of_every_kind_are_kept_apart(works: Works, smtp_sink: SmtpSink) -> None:
    works.gather(10)
    letter = works.start()
    smtp_sink.script("RCPT", "550 5.1.1 nobody", to="person-2@")
    smtp_sink.script("CONTENT", "554 5.7.1 no such letters", to="person-3@")
    smtp_sink.script("RCPT", "451 4.7.1 greylisted", to="person-4@", times=1)
    works.drain()
    said = works.progress(letter)
    assert (said.state, said.sent, said.failed, said.deferred) == (CampaignState.SENDING, 7, 2, 1)
    works.write(_make_due)
    works.drain()
    said = works.progress(letter)
    assert (said.state, said.sent, said.failed, said.deferred) == (CampaignState.FINISHED, 8, 2, 0)
    # A receiver's no to one letter is no reason to forget the person (field F36).
    assert works.read(lambda session: session.scalars(select(suppression.Suppression)).all()) == []


def test_a_slow_server_gets_everybody_once(works: Works, smtp_sink: SmtpSink) -> None:
    """A grant lives one second: a window that takes longer is asked about again, and nobody is written to twice."""
    works.gather(12)
    letter = works.start()
    smtp_sink.script("CONTENT", "250 slowly", delay=0.3)
    works.drain()
    said = works.progress(letter)
    assert (said.state, said.sent) == (CampaignState.FINISHED, 12)
    assert set(_recipients(smtp_sink).values()) == {1}
    assert {row.attempts for row in works.deliveries()} == {1}


def test_a_message_that_cannot_be_written_takes_no_answer_with_it(
    works: Works, smtp_sink: SmtpSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    works.gather(10)
    letter = works.start()
    fill = filling.fill

    def broken(compiled: CompiledLetter, reader: Reader) -> Filled:
        if reader.address == "person-5@crowd.example":
            raise KeyError("a fault of ours")
        return fill(compiled, reader)

    monkeypatch.setattr(filling, "fill", broken)
    works.drain()
    said = works.progress(letter)
    assert (said.sent, said.deferred, said.in_doubt) == (9, 1, ())
    monkeypatch.undo()
    works.write(_make_due)
    works.drain()
    assert works.progress(letter).sent == 10
    assert set(_recipients(smtp_sink).values()) == {1}


def test_no_transaction_is_open_and_nothing_is_asked_while_the_server_is_spoken_to(
    works: Works, monkeypatch: pytest.MonkeyPatch
) -> None:
    works.gather(3)
    works.start()
    works.post()
    speaking, asked, handed = threading.Event(), [], []
    hand_over = SmtpRelay.hand_over

    def watched(self: SmtpRelay, sealed: Envelope) -> Outcome:
        assert not store.database.session().in_transaction()
        handed.append(sealed.delivery_id)
        return hand_over(self, sealed)

    def composing(row: batch.Ready, line: SmtpRelay) -> Outcome | None:
        speaking.set()
        try:
            return plain(row, line)
        finally:
            speaking.clear()

    plain = sending._hand_over  # noqa: SLF001
    monkeypatch.setattr(SmtpRelay, "hand_over", watched)
    monkeypatch.setattr(sending, "_hand_over", composing)
    with works.app.app_context():
        engine = store.database.engine

    def hear(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if speaking.is_set():
            asked.append(statement)

    event.listen(engine, "before_cursor_execute", hear)
    works.work(Lane.URGENT)
    works.drain()
    event.remove(engine, "before_cursor_execute", hear)
    assert len(handed) == 4
    assert asked == []


# Stopping


def test_a_cancel_in_the_middle_keeps_the_rest_home(works: Works, smtp_sink: SmtpSink) -> None:
    works.gather(120)
    letter = works.start()
    smtp_sink.script("CONTENT", "250 slowly", delay=0.01)
    sender = threading.Thread(target=works.drain)
    sender.start()
    while len(smtp_sink.messages) < 20:
        time.sleep(0.01)
    works.write(lambda session, _house: progress.cancel(session, session.get_one(Campaign, letter)))
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
    assert set(_recipients(smtp_sink).values()) == {1}
    assert len(smtp_sink.messages) == 100


def test_answers_wait_for_a_database_that_is_away(
    works: Works, smtp_sink: SmtpSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They exist nowhere else: what was accepted must not end as a doubt because the disk was full for a moment."""
    works.gather(5)
    letter = works.start()
    record, failures = batch.record, iter(range(3))

    def busy(session: Session, outcomes: dict[int, Outcome | None]) -> None:
        if next(failures, None) is not None:
            raise TryAgain("database_unavailable", "The database is busy.")
        record(session, outcomes)

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

"""Pace at work: what one receiver says holds up its own mail and nobody else's, and a refused domain is left alone."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import update
from sqlalchemy.orm import Session

from listkeeper import parts, store
from listkeeper.accounts import organisation
from listkeeper.campaigns.campaign import Campaign
from listkeeper.deliverability import sending_domain
from listkeeper.foundation import clock
from listkeeper.foundation.outbox import Lane
from listkeeper.jobs import identity, pacing
from listkeeper.sending import claim, refusal
from listkeeper.sending.delivery import Delivery, DeliveryState
from listkeeper.sending.pacing import receiver_state, warmup
from listkeeper.sending.pacing.receiver_state import ReceiverState, Stands
from listkeeper.sending.pacing.warmup import WarmUp
from tests.fakes.queue_server import QueueServer
from tests.fakes.smtp_sink import SmtpSink
from tests.makers import crowd
from tests.makers.cafe import Cafe
from tests.makers.works import Works, recipients

S = DeliveryState
DOMAIN = "cafe.example"


@pytest.fixture
def readers(queue: QueueServer, works: Works) -> Works:
    """A café with readers at Gmail, at web.de and at a small host."""
    for domain, count in (("gmail.com", 12), ("web.de", 4), ("hoster.dk", 4)):

        def join(session: Session, house: Cafe, domain: str = domain, count: int = count) -> None:
            crowd.gather(session, house, count, domain=domain)

        works.write(join)
    return works


def _states(works: Works, letter: int) -> list[ReceiverState]:
    with works.app.app_context():
        slowed = parts.slowed()
        assert slowed.known
        with store.reading() as session:
            return receiver_state.states(session, session.get_one(Campaign, letter), DOMAIN, slowed)


def _limit(monkeypatch: pytest.MonkeyPatch, **given: object) -> None:
    changed = parts.settings().model_copy(update=given)
    monkeypatch.setattr(parts, "settings", lambda: changed)


def _all_due(works: Works) -> None:
    works.write(lambda session, _house: session.execute(update(Delivery).values(due_at=clock.now())))


def test_a_receiver_with_a_rate_gets_its_mail_in_turn_and_others_do_not_wait(
    readers: Works, smtp_sink: SmtpSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    rung: list[tuple[Lane, datetime]] = []
    monkeypatch.setattr(pacing, "_ring_later", lambda lane, due: rung.append((lane, due)))
    _limit(monkeypatch, provider_pace=(("gmail", 4.0),))
    letter = readers.start()
    readers.work(Lane.SENDING)
    sent = recipients(smtp_sink)
    assert sum(address.endswith("@gmail.com") for address in sent) in range(4, 8)
    assert sum(not address.endswith("@gmail.com") for address in sent) == 8
    waiting = [row for row in readers.deliveries() if row.state is S.QUEUED]
    # Each comes back at a moment of its own, and nobody counted that as a try.
    assert {(row.provider, row.attempts, row.worker) for row in waiting} == {("gmail", 0, None)}
    assert len({row.due_at for row in waiting}) == len(waiting)
    assert [lane for lane, _ in rung] == [Lane.SENDING]
    assert rung[0][1] == min(row.due_at for row in waiting)
    assert _states(readers, letter) == []


def test_a_door_that_was_shut_is_told_in_words_and_opens_again(readers: Works, smtp_sink: SmtpSink) -> None:
    smtp_sink.script("RCPT", "421 4.7.0 Try again later, closing connection", to="gmail.com", times=1)
    letter = readers.start()
    readers.work(Lane.SENDING, 2)
    rows = readers.deliveries()
    gmail = [row for row in rows if row.provider == "gmail"]
    assert {row.state for row in rows if row.provider != "gmail"} == {S.ACCEPTED}
    deferred = [row for row in gmail if row.state is S.DEFERRED]
    assert len(deferred) == 1
    (state,) = _states(readers, letter)
    assert (state.provider, state.name, state.stands) == ("gmail", "Gmail", Stands.SHUT)
    assert state.sentence.startswith("Gmail asked us to stay away; we come back in 1 minute.")
    assert state.until is not None
    assert timedelta(seconds=20) < state.until - clock.now() < timedelta(seconds=46)
    assert state.waiting == len([row for row in gmail if row.state is not S.ACCEPTED])


def test_a_receiver_that_refuses_our_domain_is_left_alone_until_a_person_mended_it(
    readers: Works, smtp_sink: SmtpSink, app: Flask
) -> None:
    no = "550 5.7.26 Unauthenticated email from cafe.example is not accepted due to domain's DMARC policy - gsmtp"
    smtp_sink.script("RCPT", no, to="gmail.com")
    readers.write(lambda session, house: crowd.gather(session, house, 60, domain="googlemail.com"))
    smtp_sink.script("RCPT", no, to="googlemail.com")
    letter = readers.start()
    for _ in range(4):
        readers.work(Lane.SENDING)
    rows = readers.deliveries()
    failed = [row for row in rows if row.state is S.FAILED]
    # Two windows at most were on their way when the third refusal was heard.
    assert 3 <= len(failed) <= 64
    assert {(row.provider, row.reply_class) for row in failed} == {("gmail", "auth")}
    (state,) = _states(readers, letter)
    assert state.stands is Stands.REFUSES
    assert state.sentence.startswith("Gmail refuses our domain: see Domains.")
    told = readers.read(lambda session: [(row.domain, row.provider, row.words) for row in refusal.standing(session)])
    assert [row[:2] for row in told] == [(DOMAIN, "gmail")]
    assert "SPF, DKIM and DMARC" in told[0][2]
    assert told[0][2] in readers.progress(letter).standing_still
    # The queue server forgot: what is open is held again.
    with app.app_context():
        parts.queue_server().flushall()
        pacing.look_after()
    assert _states(readers, letter)[0].stands is Stands.REFUSES
    with app.app_context():
        with store.transaction() as session:
            assert refusal.end(session, DOMAIN, "gmail")
            assert not refusal.end(session, DOMAIN, "gmail")
        pacing._pace.free(parts.queue_server(), DOMAIN, "gmail")  # noqa: SLF001 - what the command does
    assert _states(readers, letter) == []
    assert readers.read(lambda session: claim.anything_due(session, Lane.SENDING))


def test_a_new_domain_sends_what_its_day_allows_and_counts_it(readers: Works, smtp_sink: SmtpSink) -> None:
    def warm(session: Session, house: Cafe) -> None:
        domain = sending_domain.add(session, house.organisation.id, DOMAIN)
        warmup.switch(session, domain, on=True)
        session.get_one(WarmUp, domain.id).sent = 40

    smtp_sink.script("RCPT", "550 5.1.1 no such user", to="web.de", times=1)
    readers.write(warm)
    readers.start()
    readers.work(Lane.SENDING)
    rows = readers.deliveries()
    assert sum(row.attempts for row in rows) == 10
    assert min(row.due_at for row in rows if row.state is S.QUEUED) > clock.now()

    def plan(session: Session) -> tuple[int, int, int]:
        owner = organisation.only_one(session)
        domain = sending_domain.by_name(session, owner.id, DOMAIN)
        assert domain is not None
        row = session.get_one(WarmUp, domain.id)
        return row.sent, row.deferred, row.bounced

    refused = sum(row.state is S.FAILED for row in rows)
    assert readers.read(plan) == (50 - refused, 0, refused)
    _all_due(readers)
    readers.work(Lane.SENDING)
    assert sum(row.attempts for row in readers.deliveries()) == 10


def test_a_machine_whose_clock_is_ahead_gives_up_its_round(
    readers: Works, smtp_sink: SmtpSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pacing, "_ring_later", lambda _lane, _due: None)
    _limit(monkeypatch, provider_pace=(("other", 1.0),))
    readers.start()
    readers.work(Lane.SENDING)
    before = len(smtp_sink.messages)
    # As if an hour had passed here and nowhere else: everything seems due, and nothing is.
    _all_due(readers)
    with readers.app.app_context():
        with store.transaction() as session:
            ids = claim.lease(session, Lane.SENDING, identity.me(), 200)
        assert pacing.in_turn(Lane.SENDING, ids) is None
    assert len(smtp_sink.messages) == before
    assert {row.state for row in readers.deliveries()} == {S.ACCEPTED, S.QUEUED}

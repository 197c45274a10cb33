"""The café at work: what the shells would do for it, one step a call, each in a context and transaction of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import pytest
from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from listkeeper import parts, store
from listkeeper.accounts import organisation, user
from listkeeper.audience import signup, signup_form, unsubscribe
from listkeeper.audience.consent import Method
from listkeeper.audience.signup import Visit
from listkeeper.audience.signup_form import SignupForm
from listkeeper.campaigns.campaign import Campaign
from listkeeper.foundation import clock, outbox
from listkeeper.foundation.outbox import Lane
from listkeeper.jobs import lanes
from listkeeper.sending import claim, first_message, planning, progress
from listkeeper.sending.delivery import Delivery, DeliveryState
from listkeeper.sending.first_message import First, Verdict
from listkeeper.sending.progress import Progress
from tests.fakes.smtp_sink import SmtpSink
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

    def drain(self, lane: Lane = Lane.SENDING) -> None:
        """Work until nothing waits any more; on a busy machine a slice of time may end before its work does."""
        for _ in range(200):
            self.work(lane)
            with self.app.app_context(), store.reading() as session:
                if not claim.anything_due(session, lane) and not outbox.waiting(session, lane, 1):
                    return
        pytest.fail("the lane never came to rest")

    def write(self, act: Callable[[Session, Cafe], object]) -> None:
        """Do something in a transaction of its own."""
        with self.app.app_context(), store.transaction() as session:
            act(session, here(session))

    def read(self, look: Callable[[Session], Seen]) -> Seen:
        """Look at the database as it is now."""
        with self.app.app_context(), store.reading() as session:
            return look(session)

    def post(self, typed: str = HER) -> None:
        """Post the form, as the web would."""
        with self.app.app_context(), store.transaction() as session:
            shown = signup_form.shown(session, here(session).form.slug)
            signup.receive(session, shown, typed, Visit(network="192.0.2.1", browser="Test"), parts.limits())

    def gather(self, count: int) -> None:
        """Put people on the list."""
        self.write(lambda session, house: crowd.gather(session, house, count))

    def start(self, subject: str = "Cardamom buns", *, was_read: bool = True) -> int:
        """Send a letter to the list and return its number.

        Its first message was read already (``sending.first_message``), unless told otherwise: what happens here happens
        to a whole window.
        """
        with self.app.app_context(), store.transaction() as session:
            house = here(session)
            letter = cafe.draft(session, house, subject=subject)
            planning.send_campaign(session, house.organisation, letter, site=SITE)
            if was_read:
                first_message.keep(session, letter.id, Verdict(First.UNSIGNED, ""))
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


def here(session: Session) -> Cafe:
    """Return the café's rows in this session; when there are more lists, its first one."""
    form = session.scalars(select(SignupForm).order_by(SignupForm.id).limit(1)).one()
    return Cafe(organisation.only_one(session), user.first(session), form.mailing_list, form)


def recipients(sink: SmtpSink) -> Counter[str]:
    return Counter(address for kept in sink.messages for address in kept.rcpt_tos)


def make_due(session: Session, _house: Cafe) -> None:
    session.execute(update(Delivery).where(Delivery.state.in_((S.QUEUED, S.DEFERRED))).values(due_at=clock.now()))


@contextmanager
def writing(app: Flask) -> Iterator[Session]:
    """Open a transaction in a context of its own, as each thread and each shell does."""
    with app.app_context(), store.transaction() as session:
        yield session

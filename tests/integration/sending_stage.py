"""A letter that is sent by real workers to a stranger's mail server, and what must be true of it whatever happens.

Promise 2: at any ``kill -9`` every delivery is exactly one of not sent, sent, or in doubt; those in doubt are few (at
most a window for each worker whose work was cut off), listed, and never sent again blindly.
"""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from http.client import HTTPException
from pathlib import Path
from typing import Any, Protocol, Self
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import redis
from sqlalchemy import func, select, update
from sqlalchemy.exc import OperationalError

from listkeeper import parts as outside
from listkeeper.audience import unsubscribe
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Subscription, SubscriptionState
from listkeeper.campaigns.campaign import Campaign, CampaignState
from listkeeper.foundation import clock
from listkeeper.foundation.errors import TryAgain
from listkeeper.foundation.outbox import Fact, Lane
from listkeeper.sending import batch, planning
from listkeeper.sending.delivery import Delivery, DeliveryState
from listkeeper.settings import Settings
from tests.fakes import running_up
from tests.fakes.foreign_sink import ForeignSink
from tests.fakes.machine import Machine
from tests.makers import cafe, multitude, works

SITE = "http://localhost:8025"
_PATIENCE = 400.0
_HOUSEKEEPING = (
    (Lane.SENDING, "listkeeper.jobs.housekeeping.settle_left_behind"),
    (Lane.URGENT, "listkeeper.jobs.housekeeping.look_for_lost_bells"),
)


class Parts(Protocol):
    """The processes of an instance."""

    data: Path

    @property
    def settings(self) -> dict[str, str]:
        """What they were told."""
        ...

    @property
    def queue_url(self) -> str:
        """Where the queue server listens."""
        ...

    def tend(self) -> None:
        """Start again what has ended by itself."""
        ...

    def said(self) -> str:
        """Return what all have logged."""
        ...


@dataclass(frozen=True)
class Letter:
    """A letter on its way: its numbers, and the one-click addresses of those who will leave."""

    id: int
    public_id: str
    count: int
    ways_out: dict[str, str]


@dataclass
class Stage:
    """The machine on which commands are typed, the workers' processes, and the stranger's mail server."""

    machine: Machine
    sink: ForeignSink
    chance: random.Random
    parts: Parts
    # Whether the test rings for the timetable's rounds every second: without it the long waits of life are waited.
    hurries: bool = True
    # What was done to it, in order, and how many workers were cut off in the middle of a window, at most.
    struck: list[str] = field(default_factory=list)
    cut_off: int = 0
    _rung: float = 0.0

    def write(self, count: int) -> Letter:
        """Write a letter to so many people."""
        with self.machine.working() as session:
            made = cafe.found(session)
            multitude.gather(session, made, count)
            # Nobody gets a receipt meanwhile: what arrives is the letter.
            session.flush()
            session.execute(update(Fact).values(reacted_at=clock.now()))
            written = cafe.draft(session, made)
            return Letter(written.id, written.public_id, count, {})

    def send(self, count: int, *, leaving: int = 0) -> Letter:
        """Send a letter to so many people, of whom some will leave while it is on its way."""
        return self.dispatch(self.write(count), leaving=leaving)

    def dispatch(self, letter: Letter, *, leaving: int = 0) -> Letter:
        """Send what was written, to whoever works already."""
        with self.machine.working() as session:
            made, written = works.here(session), session.get_one(Campaign, letter.id)
            assert planning.send_campaign(session, made.organisation, written, site=SITE) == letter.count
            rows = session.execute(
                select(Delivery.id, Subscriber.email_send).join(Subscriber, Subscriber.id == Delivery.subscriber_id)
            )
            known = {address: number for number, address in rows}
            chosen = self.chance.sample(sorted(known), leaving)
            ways_out = {address: f"/u/{unsubscribe.token_for(known[address])}" for address in chosen}
            return replace(letter, ways_out=ways_out)

    def until(self, reached: Callable[[], bool]) -> None:
        """Wait, look after the parts and ring for the rounds meanwhile."""
        deadline, tended = time.monotonic() + _PATIENCE, 0.0
        while not reached():
            now = time.monotonic()
            assert now < deadline, f"the send stands still after {self.struck}:\n{self.parts.said()[-4000:]}"
            if now > tended:
                self.parts.tend()
                tended = now + 0.2
            self._ring()
            time.sleep(0.003)

    def _ring(self) -> None:
        """Do what the timetable does, sooner: through the queue, so that a worker does it."""
        if not self.hurries or time.monotonic() < self._rung + 1:
            return
        self._rung = time.monotonic()
        outside.open_all(Settings(redis_url=self.parts.queue_url))
        for lane, function in _HOUSEKEEPING:
            try:
                outside.enqueue(lane, function)
            except redis.RedisError:
                return

    def finished(self, letter: Letter) -> Callable[[], bool]:
        """Tell whether a letter is done, asking seldom: to ask is work that the workers would wait for."""
        return seldom(lambda: self.state_of(letter) is CampaignState.FINISHED)

    def state_of(self, letter: Letter) -> CampaignState:
        """Return where a letter stands; a database that recovers is waited for."""
        deadline = time.monotonic() + 60
        while True:
            try:
                with self.machine.looking() as session:
                    return session.scalars(select(Campaign.state).where(Campaign.id == letter.id)).one()
            except (OperationalError, TryAgain):
                assert time.monotonic() < deadline, "the database does not come back"
                time.sleep(0.2)

    def in_state(self, *states: DeliveryState, worker: str = "") -> set[str]:
        """Return whose deliveries are in one of these states, and held by a worker whose name begins so."""
        query = select(Subscriber.email_send).join(Delivery, Delivery.subscriber_id == Subscriber.id)
        query = query.where(Delivery.worker.startswith(worker)) if worker else query
        with self.machine.looking() as session:
            return set(session.scalars(query.where(Delivery.state.in_(states))))

    def planned(self) -> int:
        """Return how many deliveries there are, of whatever letter."""
        with self.machine.looking() as session:
            return session.scalar(select(func.count()).select_from(Delivery)) or 0

    def arrived(self) -> set[str]:
        """Return whose letters the mail server took."""
        return {address for address, _ in self.sink.took()}


def seldom(true: Callable[[], bool]) -> Callable[[], bool]:
    """Ask five times a second at most; in between the answer is no."""
    asked = [0.0]

    def reached() -> bool:
        if time.monotonic() < asked[0] + 0.2:
            return False
        answer = true()
        asked[0] = time.monotonic()
        return answer

    return reached


class Leavers:
    """People who leave by one click while their letter is on its way, as long as the block lasts."""

    def __init__(self, port: int, letter: Letter, every: float = 0.1) -> None:
        self._port, self._every = port, every
        self._ways_out = letter.ways_out
        # When the answer came that says that they have left.
        self.left: dict[str, float] = {}
        # Answers that were neither yes nor not now.
        self.wrong: list[int] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._click, name="leavers", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(30)
        assert not self._thread.is_alive()
        assert self.wrong == [], "a leave was answered with neither yes nor not now"

    def _click(self) -> None:
        waiting = list(self._ways_out)
        while waiting and not self._over.wait(self._every):
            body = urlencode({"List-Unsubscribe": "One-Click"}).encode()
            url = f"http://127.0.0.1:{self._port}{self._ways_out[waiting[-1]]}"
            try:
                with urlopen(Request(url, data=body, method="POST"), timeout=5) as answer:
                    self.wrong += [answer.status] if answer.status != HTTPStatus.OK else []
                    self.left[waiting.pop()] = time.time()
            except HTTPError as said:
                if said.code != HTTPStatus.SERVICE_UNAVAILABLE:
                    self.wrong.append(said.code)
            except (URLError, OSError, HTTPException):
                # The web server or its database is dead just now: she was not told that she has left, and tries again.
                continue


def settle(stage: Stage, letter: Letter, left: dict[str, float] | None = None) -> str:
    """Demand what was promised of a letter that is finished; return the figures in a sentence."""
    status = _status(stage, letter)
    took, doubted = stage.sink.took(), set(status["in_doubt"])
    accepted, names = _accepted(stage)
    arrived = stage.arrived()
    about = f"{stage.struck}: { ({**status, 'in_doubt': len(doubted)}) }"
    wrong = {
        "twice at the mail server": stage.sink.doubled(),
        "accepted and never received": accepted - arrived,
        "received, and neither accepted nor in doubt": arrived - accepted - doubted,
        "under another name than its row has": {who for who, name in took if names[who] != name},
    }
    assert {what: found for what, found in wrong.items() if found} == {}, about
    assert (status["state"], status["waiting"], status["deferred"], status["failed"]) == ("finished", 0, 0, 0), about
    assert status["recipients"] == letter.count == status["sent"] + status["skipped"] + len(doubted), about
    assert len(accepted) == status["sent"], about
    assert status["skipped"] <= len(letter.ways_out), about
    assert len(doubted) <= batch.WINDOW * stage.cut_off, about
    begun = begun_after(stage, left or {})
    assert {address: delay for address, delay in begun.items() if delay > 1} == {}
    return (
        f"{letter.count:,} recipients: {status['sent']:,} sent, {status['skipped']} had left, 0 lost, 0 doubled; "
        f"{len(doubted)} in doubt of at most {batch.WINDOW * stage.cut_off}, of whom {len(arrived & doubted)} got it"
    )


def _status(stage: Stage, letter: Letter) -> dict[str, Any]:
    """Return what the command itself says."""
    words = ("campaign", "status", letter.public_id, "--json")
    said = running_up.command(*words, data=str(stage.parts.data), **stage.parts.settings)
    assert said.returncode == 0, said.stderr
    status = json.loads(said.stdout)
    assert isinstance(status, dict)
    return status


def _accepted(stage: Stage) -> tuple[set[str], dict[str, str | None]]:
    query = select(Subscriber.email_send, Delivery.message_id, Delivery.state).join(
        Delivery, Delivery.subscriber_id == Subscriber.id
    )
    with stage.machine.looking() as session:
        rows = [(row[0], row[1], row[2]) for row in session.execute(query.where(Delivery.campaign_id.is_not(None)))]
    return {who for who, _, state in rows if state is DeliveryState.ACCEPTED}, {who: name for who, name, _ in rows}


def begun_after(stage: Stage, left: dict[str, float]) -> dict[str, float]:
    """Return who was named to the mail server after she was told that she has left, and how many seconds later.

    All who were told so have left. With several messages under way on one line, to be named is the begin.
    """
    query = select(Subscriber.email_send).join(Subscription, Subscription.subscriber_id == Subscriber.id)
    with stage.machine.looking() as session:
        stayed = set(session.scalars(query.where(Subscription.state == SubscriptionState.CONFIRMED)))
    assert stayed & set(left) == set()
    named = stage.sink.named
    return {who: named[who] - moment for who, moment in left.items() if who in named and named[who] > moment}

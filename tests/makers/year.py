"""A year at the café, hour by hour: who says yes, buys, writes, leaves and sleeps is drawn by chance and written down.

What the program did is in its own tables; what the world did is here. Whoever checks one against the other
(``tests.makers.year_checked``) needs neither to believe the other.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import time_machine
from sqlalchemy import String, cast, literal, select, update
from sqlalchemy.orm import Session

from listkeeper.accounts import quiet_hours
from listkeeper.audience import activity, subscription, unsubscribe
from listkeeper.audience.activity import Act, ActivityKind
from listkeeper.audience.consent import ConsentEvent, EventKind, Method
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Frequency, Subscription, SubscriptionState
from listkeeper.campaigns.follow_up import FollowUp, Start, Stops, Trigger, stop_when
from listkeeper.campaigns.follow_up_step import StepKind
from listkeeper.foundation import clock
from listkeeper.foundation.errors import Invalid, ListkeeperError
from listkeeper.foundation.outbox import Lane
from listkeeper.sending import batch, claim, planning, progress
from listkeeper.sending.delivery import Delivery
from listkeeper.sending.following import follow_up_entry, follow_up_planning, follow_up_settling, follow_up_steering
from listkeeper.sending.handing_over.transport import Accepted, Reply
from listkeeper.sending.prepared import Prepared
from tests.makers import cafe, follow_ups, multitude
from tests.makers.cafe import Cafe

ME = "here:1:1"
OK = Accepted(Reply(250, "2.0.0 kept"))
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
FIRST = datetime(2026, 3, 2, 0, 0, tzinfo=UTC)
ZONE = "Europe/London"
CAP_MAILS, CAP_DAYS = 3, 7
QUIET = 21, 8
_LETTER_EVERY = 9


@dataclass
class World:
    """What people did, by person, and what happened to the machine: moments, in order."""

    joined: dict[int, datetime] = field(default_factory=dict)
    left: dict[int, datetime] = field(default_factory=dict)
    wrote: dict[int, list[datetime]] = field(default_factory=lambda: defaultdict(list))
    bought: dict[int, list[datetime]] = field(default_factory=lambda: defaultdict(list))
    # From when on her permission ends when.
    ends: dict[int, list[tuple[datetime, datetime | None]]] = field(default_factory=lambda: defaultdict(list))
    slept: list[tuple[datetime, datetime]] = field(default_factory=list)
    paused: list[tuple[int, datetime, datetime]] = field(default_factory=list)
    # Who was on the list when a letter to everybody was planned.
    letters: dict[int, set[int]] = field(default_factory=dict)


@dataclass
class Year:
    """The café, its people, its three lines, and the clock."""

    session: Session
    house: Cafe
    clock: time_machine.Traveller
    chance: random.Random
    people: list[int]
    lines: list[FollowUp]
    days: int
    world: World = field(default_factory=World)

    def live(self) -> World:
        """Let the days go by, hour by hour, and return what the world did."""
        first = self.days // 2
        sleep = (first, first + 7)
        pause = (self.days // 4, self.days // 4 + 3)
        for day in range(self.days):
            if sleep[0] <= day < sleep[1]:
                continue
            if day == sleep[1]:
                self.world.slept.append((FIRST + sleep[0] * DAY, FIRST + sleep[1] * DAY))
                self._tell_late(sleep)
            self._pause(day, pause)
            self._days_events(day, all_hours=sleep[1] <= day < sleep[1] + 8)
            self.session.commit()
        return self.world

    def _days_events(self, day: int, *, all_hours: bool) -> None:
        hours = range(24) if all_hours else range(0, 24, 3)
        plans: dict[int, list[int]] = defaultdict(list)
        for person in self.people:
            if self.chance.random() < 0.12:
                plans[self.chance.choice(hours)].append(person)
        for hour in hours:
            self.clock.move_to(FIRST + day * DAY + hour * HOUR)
            for person in plans[hour]:
                self._does_something(person)
            if hour == 9 and day % _LETTER_EVERY == 4:
                self._letter()
            if hour == 0:
                self._end_permissions()
            self.work()

    def _does_something(self, person: int) -> None:
        world, now = self.world, clock.now()
        if person not in world.joined:
            self._joins(person, now)
        elif person in world.left:
            return
        elif (drawn := self.chance.random()) < 0.12:
            unsubscribe.leave(self.session, person, self.house.mailing_list.id, Method.ONE_CLICK)
            world.left[person] = now
        elif drawn < 0.3:
            activity.note(self.session, [Act(person, self.house.mailing_list.id, ActivityKind.REPLIED, now)])
            world.wrote[person].append(now)
        elif drawn < 0.7:
            self._buys(person, now)
        elif drawn < 0.8:
            self._held(person).snooze_until = now + 5 * DAY
        elif drawn < 0.85:
            self._held(person).frequency = self.chance.choice(list(Frequency))
        elif self._held(person).state is SubscriptionState.CONFIRMED and self._held(person).valid_until is not None:
            self._renews(person, now)

    def _held(self, person: int) -> Subscription:
        held = subscription.of(self.session, person, self.house.mailing_list.id)
        assert held is not None
        return held

    def _joins(self, person: int, now: datetime) -> None:
        held = self._held(person)
        held.state, held.since = SubscriptionState.CONFIRMED, now
        held.valid_until = now + self.chance.randint(20, 60) * DAY if self.chance.random() < 0.4 else None
        self.world.joined[person] = now
        self.world.ends[person].append((now, held.valid_until))
        event = self.session.get_one(ConsentEvent, held.consent_event_id)
        event.at = now
        self.session.flush()
        follow_up_entry.after_yes(self.session, event.id)

    def _buys(self, person: int, at: datetime) -> None:
        number = f"{person}-{len(self.world.bought[person])}"
        self.world.bought[person].append(at)
        follow_ups.buys(self.session, self.session.get_one(Subscriber, person), number, at=at)

    def _renews(self, person: int, now: datetime) -> None:
        held = self._held(person)
        if held.valid_until is not None and held.valid_until > now:
            held.valid_until += 90 * DAY
            self.world.ends[person].append((now, held.valid_until))

    def _tell_late(self, sleep: tuple[int, int]) -> None:
        """Tell of what the shop sold while the machine slept, in the first hour after it."""
        self.clock.move_to(FIRST + sleep[1] * DAY)
        here = [person for person in self.people if person in self.world.joined and person not in self.world.left]
        for person in self.chance.sample(here, len(here) // 4):
            self._buys(person, FIRST + self.chance.uniform(*sleep) * DAY)

    def _end_permissions(self) -> None:
        over = update(Subscription).where(
            Subscription.state == SubscriptionState.CONFIRMED, Subscription.valid_until <= clock.now()
        )
        self.session.execute(over.values(state=SubscriptionState.LAPSED))

    def _pause(self, day: int, between: tuple[int, int]) -> None:
        line, begins, ends = self.lines[0], *between
        self.clock.move_to(FIRST + day * DAY)
        if day == begins:
            follow_up_steering.pause(self.session, line)
        elif day == ends:
            follow_ups.switch_on(self.session, self.house, line)
            self.world.paused.append((line.id, FIRST + begins * DAY, FIRST + ends * DAY))

    def _letter(self) -> None:
        made = cafe.draft(self.session, self.house, subject=f"Buns {clock.now():%d.%m.}")
        mailable = set(self.session.scalars(subscription.mailable(self.house.mailing_list, practice=False)))
        try:
            planning.send_campaign(self.session, self.house.organisation, made, site=follow_ups.SITE)
        except Invalid:
            # Nobody is left to write to: it stays a draft, and is a letter no more.
            self.session.rollback()
            return
        self.world.letters[made.id] = mailable

    def work(self) -> None:
        """Do what the timetable and one worker do in an hour, without rendering and without a mail server."""
        session, now = self.session, clock.now()
        resting = self.house.organisation.id in quiet_hours.rests(session, now)
        for line in self.lines:
            if follow_up_entry.is_due(line, now):
                follow_up_entry.look(session, line, practice=False)
            while follow_up_settling.settle(session, line):
                pass
            while not resting and follow_up_planning.plan(session, line, site=follow_ups.SITE):
                pass
        while ids := claim.lease(session, Lane.SENDING, ME, batch.WINDOW):
            ready = batch.hand_out(session, ids, ME, prepare=_prepared, carries_smtputf8=True)
            batch.record(session, {each.delivery_id: OK for each in ready}, worker=ME)
        progress.finish_if_done(session)


def _prepared(session: Session, rows: Sequence[Delivery]) -> dict[int, Prepared | ListkeeperError]:
    del session
    return {
        row.id: Prepared("t", "hello@cafe.example", f"<{row.id}@cafe.example>", "newsletter", lambda _to: b"Buns")
        for row in rows
    }


def begin(session: Session, chance: random.Random, traveller: time_machine.Traveller, count: int, days: int) -> Year:
    """Found the café with so many people who have not said yes yet, three lines that are on, a cap and quiet hours."""
    traveller.move_to(FIRST - DAY)
    house = cafe.found(session)
    multitude.gather(session, house, count)
    people = list(session.scalars(select(Subscriber.id).order_by(Subscriber.id)))
    session.execute(
        update(ConsentEvent)
        .where(ConsentEvent.kind == EventKind.GIVEN, ConsentEvent.ledger_id.is_(None))
        .values(ledger_id=literal("year-", String).concat(cast(ConsentEvent.id, String)))
    )
    follow_ups.cap(house, CAP_MAILS, CAP_DAYS, letters=True)
    quiet_hours.choose(house.organisation, f"{QUIET[0]}:00", f"{QUIET[1]}:00")
    ends = session.scalars(select(Subscription).limit(1)).one()
    ends.valid_until = FIRST + 30 * DAY
    session.flush()
    lines = [
        follow_ups.line(
            session, house, ((StepKind.LETTER, 1), (StepKind.LETTER, 4), (StepKind.HOW_IS_IT_GOING, 9)), hour=9
        ),
        follow_ups.line(
            session, house, ((StepKind.HOW_IS_IT_GOING, 5), (StepKind.LETTER, 3)),
            start=Start(Trigger.EVENT, event_name="order", again_after_days=20),
        ),
        follow_ups.line(
            session, house, ((StepKind.RENEWAL, 0), (StepKind.RENEWAL, 10)),
            start=Start(Trigger.CONSENT_ENDS, days_before=25), hour=10,
        ),
    ]  # fmt: skip
    stop_when(lines[0], Stops(on_reply=True))
    stop_when(lines[1], Stops(on_reply=True))
    stop_when(lines[2], Stops(on_reply=False))
    session.execute(update(Subscription).values(state=SubscriptionState.PENDING, valid_until=None))
    session.commit()
    session.expire_all()
    return Year(session, house, traveller, chance, people, lines, days)

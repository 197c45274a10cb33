"""Test small first: a few get the letter, and the rest waits until it is known what came back.

Its owner writes an assumption before anything leaves. The few are spread over
the mailbox providers as the whole audience is, by chance within each. When the
time is over and enough has come back, the rest is let go if the assumption was
met and the owner said so; else the owner is asked. What nobody counts is not
known, and so not met.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from math import ceil
from typing import Any

from sqlalchemy import ColumnElement, case, func, select, update
from sqlalchemy.orm import Session

from listkeeper.audience import tracking
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Subscription
from listkeeper.campaigns import campaign as campaigns
from listkeeper.campaigns.campaign import Campaign, CampaignState
from listkeeper.foundation import clock, language, outbox
from listkeeper.foundation.errors import Conflict, Invalid
from listkeeper.foundation.outbox import Lane
from listkeeper.sending import link_visit, stops
from listkeeper.sending.delivery import LEFT, OPEN, SENT, Delivery
from listkeeper.sending.halt import Figures, HaltCode
from listkeeper.sending.link_visit import LinkVisit
from listkeeper.sending.stops import Measured

# Fewer say nothing about the rest.
LEAST_PEOPLE = 50
MOST_SHARE = 500
# How many thousandths of the few must have come to an end, taken or refused, before anything is concluded.
LEAST_OUTCOMES = 800
USUAL_WAIT = timedelta(hours=2)
SHORTEST, LONGEST = timedelta(minutes=1), timedelta(days=3)
_FIRST, _ALL = 0, 1


class PilotState(StrEnum):
    """``planned`` until the few are chosen; ``asks`` waits for the owner's word."""

    PLANNED = "planned"
    WAITING = "waiting"
    ASKS = "asks"
    STOPPED = "stopped"
    RELEASED = "released"


@dataclass(frozen=True)
class Result:
    """What was measured of one part of the assumption, in thousandths; None: nobody counts it."""

    code: str
    measured: int | None
    expected: int

    @property
    def met(self) -> bool:
        """Whether it came as expected: at least so many clicks, at most so many addresses that do not exist."""
        if self.measured is None:
            return False
        return self.measured >= self.expected if self.code == "clicks" else self.measured <= self.expected


@dataclass(frozen=True)
class Pilot:
    """The test of one letter; shares in thousandths, what is expected in thousandths or None for no matter."""

    share: int
    wait_minutes: int
    clicks: int | None = None
    bounces: int | None = None
    by_itself: bool = False
    state: PilotState = PilotState.PLANNED
    size: int = 0
    results_at: datetime | None = None
    results: tuple[Result, ...] = ()

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Pilot:
        """Read what ``as_json`` made."""
        values = dict(stored)
        at = values.get("results_at")
        values["state"] = PilotState(values["state"])
        values["results_at"] = datetime.fromisoformat(at) if at else None
        values["results"] = tuple(Result(**each) for each in values.get("results", ()))
        return cls(**values)

    def as_json(self) -> dict[str, Any]:
        """Return the test as it is stored and told."""
        values = asdict(self) | {"state": self.state.value}
        values["results_at"] = clock.as_text(self.results_at) if self.results_at else None
        values["results"] = [asdict(each) for each in self.results]
        return values


def plan(
    *, share: int, wait: timedelta, clicks: int | None = None, bounces: int | None = None, by_itself: bool = False
) -> Pilot:
    """Return a test as its owner ordered it. Raises Invalid for one that cannot tell anything."""
    if not 0 < share <= MOST_SHARE:
        raise Invalid("pilot_share", language.text("A test takes up to half of the people. Nothing was sent."))
    if not SHORTEST <= wait <= LONGEST:
        raise Invalid("pilot_wait", language.text("A test waits for up to three days. Nothing was sent."))
    if any(each is not None and not 0 <= each <= 1000 for each in (clicks, bounces)):  # noqa: PLR2004 - all of them
        raise Invalid("pilot_expects", language.text("What you expect is a share from 0 to 100 %. Nothing was sent."))
    if by_itself and clicks is None and bounces is None:
        raise Invalid(
            "pilot_expects", language.text("Please say what you expect, or decide yourself. Nothing was sent.")
        )
    return Pilot(share, round(wait / timedelta(minutes=1)), clicks, bounces, by_itself)


def of(campaign: Campaign) -> Pilot | None:
    """Return the test of a letter, if one was ordered."""
    return Pilot.of(campaign.pilot) if campaign.pilot is not None else None


def asks(campaign: Campaign) -> bool:
    """Return whether the few have it, and the others wait for the owner's word."""
    test = of(campaign)
    return test is not None and test.state is PilotState.ASKS


def size_of(test: Pilot, recipients: int) -> int:
    """Return how many would get it first. Raises Invalid for an audience too small to learn from."""
    size = max(LEAST_PEOPLE, ceil(recipients * test.share / 1000))
    if size * 2 > recipients:
        raise Invalid(
            "pilot_too_small",
            language.counted(
                "A test needs at least %(number)s person on the list. Nothing was sent; send it to all at once.",
                "A test needs at least %(number)s people on the list. Nothing was sent; send it to all at once.",
                2 * size,
            ),
        )
    return size


def begin(session: Session, campaign: Campaign) -> None:
    """Choose the few among the deliveries that were just planned, and let only them leave."""
    test = of(campaign)
    if test is None:
        campaign.waves_open = _ALL
        return
    size = size_of(test, campaign.recipients)
    choose_first(session, campaign, size)
    results_at = clock.now() + timedelta(minutes=test.wait_minutes)
    campaign.pilot = replace(test, state=PilotState.WAITING, size=size, results_at=results_at).as_json()
    campaign.waves_open = _FIRST


def choose_first(session: Session, campaign: Campaign, size: int) -> None:
    """Let ``size`` go first: every n-th of all who are sorted by mail domain, by chance within each."""
    in_turn = func.row_number().over(order_by=(mail_domain(session), func.random()))
    sorted_ones = (
        select(Delivery.id, in_turn.label("place"))
        .join(Subscriber, Subscriber.id == Delivery.subscriber_id)
        .where(Delivery.campaign_id == campaign.id)
        .subquery()
    )
    place, total = sorted_ones.c.place, campaign.recipients
    chosen = select(sorted_ones.c.id).where((place * size) // total != ((place - 1) * size) // total)
    first = update(Delivery).where(Delivery.id.in_(chosen)).values(wave=_FIRST)
    session.execute(first.execution_options(synchronize_session=False))


def mail_domain(session: Session) -> ColumnElement[str]:
    """Return the domain of a subscriber's address, in SQL."""
    if session.get_bind().dialect.name == "postgresql":
        return func.split_part(Subscriber.email_key, "@", 2)
    return func.substr(Subscriber.email_key, func.instr(Subscriber.email_key, "@") + 1)


def is_over(campaign: Campaign) -> bool:
    """Return whether the time is over in which the few were waited for."""
    test = of(campaign)
    waiting = test is not None and test.state is PilotState.WAITING and campaign.state is CampaignState.SENDING
    return waiting and test is not None and test.results_at is not None and test.results_at <= clock.now()


def conclude(session: Session, campaign: Campaign) -> PilotState | None:
    """Conclude what can be concluded from what came back; return the new state when it changed."""
    test = of(campaign)
    if test is None or not is_over(campaign):
        return None
    measured = stops.measure(session, campaign)
    if (stop := _put_off(measured, campaign)) is not None:
        stops.stop_for(session, campaign, stop)
        return _note(session, campaign, test, PilotState.STOPPED, measured)
    if measured.outcomes * 1000 < test.size * LEAST_OUTCOMES:
        # Some are still on their way, and say nothing yet.
        return None
    ended = most_ended(session, campaign)
    if ended is not None and ended + timedelta(minutes=test.wait_minutes) > clock.now():
        # A letter that stood still, or left slowly, is waited for from when most had it.
        results_at = ended + timedelta(minutes=test.wait_minutes)
        campaign.pilot = replace(test, results_at=results_at).as_json()
        return None
    met = all(each.met for each in _results(session, test, measured, campaign))
    if met and test.by_itself:
        _note(session, campaign, test, PilotState.RELEASED, measured)
        _open(session, campaign)
        return PilotState.RELEASED
    return _note(session, campaign, test, PilotState.ASKS, measured)


def most_ended(session: Session, campaign: Campaign) -> datetime | None:
    """Return when four of five of those who went first had come to their end; None while fewer have. Reads them all."""
    here = (Delivery.campaign_id == campaign.id, Delivery.wave == _FIRST)
    needed = ceil((session.scalar(select(func.count()).where(*here)) or 0) * LEAST_OUTCOMES / 1000)
    left = func.coalesce(Delivery.handed_at, Delivery.settled_at, Delivery.created_at)
    stayed = func.coalesce(Delivery.settled_at, Delivery.handed_at, Delivery.created_at)
    ended = case((Delivery.state.in_(sorted(LEFT)), left), else_=stayed)
    query = select(ended).where(*here, Delivery.state.not_in(sorted(OPEN))).order_by(ended)
    return session.scalar(query.offset(max(needed, 1) - 1).limit(1))


def _put_off(measured: Measured, campaign: Campaign) -> Figures | None:
    """Return the figures when too many of the few were told "not now": the rest would be told so too."""
    tried = measured.outcomes + measured.deferred
    figures = Figures(HaltCode.DEFERRED, measured.deferred, tried, stops.DEFERRED_STOPS)
    over = HaltCode.DEFERRED.value in (campaign.overruled or ())
    return figures if measured.deferred and figures.share >= stops.DEFERRED_STOPS and not over else None


def _results(session: Session, test: Pilot, measured: Measured, campaign: Campaign) -> tuple[Result, ...]:
    found = []
    if test.clicks is not None:
        clicked, of_seen = clickers(session, campaign)
        # Whoever did not agree to be seen is no click that was missed.
        known = clicked if of_seen >= LEAST_PEOPLE else None
        found.append(Result("clicks", _share(known, of_seen), test.clicks))
    if test.bounces is not None:
        found.append(Result("bounces", _share(measured.permanent, measured.outcomes), test.bounces))
    return tuple(found)


def clickers(session: Session, campaign: Campaign) -> tuple[int, int]:
    """Return how many followed a link of a letter, and of how many who got it and let that be seen."""
    got_it = (Delivery.campaign_id == campaign.id, Delivery.state.in_(SENT))
    clicked = (
        select(func.count(LinkVisit.delivery_id.distinct()))
        .join(Delivery, Delivery.id == LinkVisit.delivery_id)
        .where(*got_it, link_visit.by_human())
    )
    seen = (
        select(func.count())
        .select_from(Delivery)
        .join(Subscriber, Subscriber.id == Delivery.subscriber_id)
        .join(Subscription, (Subscription.subscriber_id == Subscriber.id) & (Subscription.list_id == Delivery.list_id))
        .where(*got_it, tracking.stands())
    )
    return session.scalar(clicked) or 0, session.scalar(seen) or 0


def _share(number: int | None, of_all: int) -> int | None:
    return round(1000 * number / of_all) if number is not None and of_all else None


def _note(session: Session, campaign: Campaign, test: Pilot, state: PilotState, measured: Measured) -> PilotState:
    campaign.pilot = replace(test, state=state, results=_results(session, test, measured, campaign)).as_json()
    return state


def release(session: Session, campaign: Campaign) -> None:
    """Let the rest go, whatever came back: its owner says so. Raises Conflict when nothing waits for that."""
    campaigns.lock(session, campaign)
    test = of(campaign)
    under_way = campaign.state in {CampaignState.SENDING, CampaignState.PAUSED}
    if test is None or not under_way or test.state in {PilotState.PLANNED, PilotState.RELEASED}:
        raise Conflict("no_pilot", language.text("Nothing of this letter waits for a test. Nothing was changed."))
    campaign.pilot = replace(test, state=PilotState.RELEASED).as_json()
    _open(session, campaign)


def _open(session: Session, campaign: Campaign) -> None:
    campaign.waves_open = _ALL
    outbox.write(session, campaigns.STARTED, campaign.id, Lane.SENDING)


def stopped(campaign: Campaign) -> None:
    """Note that the letter stopped by itself while the few had it."""
    test = of(campaign)
    if test is not None and test.state is PilotState.WAITING:
        campaign.pilot = replace(test, state=PilotState.STOPPED).as_json()


def go_on(campaign: Campaign) -> None:
    """Wait for what comes back again, after a stop that its owner overruled."""
    test = of(campaign)
    if test is not None and test.state is PilotState.STOPPED:
        campaign.pilot = replace(test, state=PilotState.WAITING).as_json()

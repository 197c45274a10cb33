"""How far a campaign is, in the words and numbers that people and scripts rely on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from listkeeper.accounts import quiet_hours
from listkeeper.accounts.organisation import Organisation
from listkeeper.audience.handover import RefusalCode
from listkeeper.audience.subscriber import Subscriber
from listkeeper.campaigns import campaign as campaigns
from listkeeper.campaigns import schedule, trial
from listkeeper.campaigns.campaign import Campaign, CampaignKind, CampaignState
from listkeeper.deliverability import mail_provider
from listkeeper.foundation import clock
from listkeeper.foundation.outbox import Lane
from listkeeper.sending import delivery, first_message, incident, pilot, stops, watch_words
from listkeeper.sending import waiting as queue
from listkeeper.sending.delivery import IS_WAITING, OPEN, SENT, Delivery, DeliveryState
from listkeeper.sending.first_message import Verdict
from listkeeper.sending.pacing import tempo, warmup
from listkeeper.sending.pilot import Pilot


@dataclass(frozen=True)
class Progress:
    """The state of a campaign; ``sent`` counts accepted and bounced, ``skipped`` refused and cancelled rows.

    ``leaves_at`` is when an ordered one begins, and ``late`` that this was so long ago that its owner must be asked.
    ``in_doubt`` names the first of ``doubts``. ``seconds_left`` counts those who wait at the rate of the last minute;
    both are None when nobody knows, and those put off come later still: ``next_try`` is when, once nobody else waits.
    """

    state: CampaignState
    recipients: int
    sent: int
    waiting: int
    skipped: int
    deferred: int
    failed: int
    in_doubt: tuple[str, ...]
    skipped_because: dict[RefusalCode, int]
    standing_still: tuple[str, ...]
    doubts: int = 0
    leaves_at: datetime | None = None
    late: bool = False
    first_message: Verdict | None = None
    rate_per_minute: int | None = None
    seconds_left: int | None = None
    next_try: datetime | None = None
    put_off_by: tuple[PutOff, ...] = ()
    # The few who get it first, and what passes a threshold without stopping it.
    test: Pilot | None = None
    warnings: tuple[str, ...] = ()
    # Until when it rests, because of quiet hours; and when the last reader's own hour comes.
    rests_until: datetime | None = None
    last_hour: datetime | None = None
    # When the next may leave, where none may for now; and the plan of a sending domain that is new, in words.
    goes_on_at: datetime | None = None
    warming_up: str = ""


@dataclass(frozen=True)
class PutOff:
    """How many of a letter one receiver said "not now" to, by the name people know; empty: nobody knows whose."""

    receiver: str
    number: int


def report(
    session: Session, campaign: Campaign, *, late: timedelta = schedule.LATE, named: int | None = None
) -> Progress:
    """Count a campaign's deliveries; ``late`` is how long after its time it may still begin by itself.

    ``named`` is how many of those in doubt are named at most.
    """
    found = delivery.counts(session, campaign.id)
    moving = campaign.state is CampaignState.SENDING
    waiting = found[DeliveryState.QUEUED] + found[DeliveryState.LEASED] + found[DeliveryState.HANDED]
    rate = tempo.per_minute(session, campaign.id, settled(found)) if moving else None
    idle = moving and waiting == found[DeliveryState.QUEUED] > 0
    put_off, next_try = _put_off(session, campaign) if found[DeliveryState.DEFERRED] else ((), None)
    return Progress(
        state=campaign.state,
        recipients=campaign.recipients,
        sent=sum(found[state] for state in SENT),
        waiting=waiting,
        skipped=found[DeliveryState.REFUSED] + found[DeliveryState.CANCELLED],
        deferred=found[DeliveryState.DEFERRED],
        failed=found[DeliveryState.FAILED],
        in_doubt=_addresses_in_doubt(session, campaign, named) if found[DeliveryState.IN_DOUBT] else (),
        skipped_because=_refusals(session, campaign),
        standing_still=_standing_still(session) if moving else (),
        doubts=found[DeliveryState.IN_DOUBT],
        leaves_at=schedule.leaves_at(campaign),
        late=schedule.is_late(campaign, clock.now(), late),
        first_message=first_message.of_letter(campaign),
        rate_per_minute=rate,
        seconds_left=tempo.seconds_left(waiting, rate),
        next_try=next_try if moving and not waiting else None,
        put_off_by=put_off,
        test=pilot.of(campaign),
        warnings=stops.warnings(session, campaign, found),
        rests_until=_rests_until(session, campaign) if moving else None,
        last_hour=_last_hour(session, campaign) if moving and campaign.each_zone else None,
        goes_on_at=queue.next_due(session, campaign.id, campaign.waves_open) if idle else None,
        warming_up=warmup.words(session, campaign.organisation_id, _from_domain(session, campaign)) if moving else "",
    )


def _rests_until(session: Session, campaign: Campaign) -> datetime | None:
    """Return until when a letter rests in quiet hours; a notice of trouble does not wait for the morning."""
    if campaign.kind is CampaignKind.NOTICE:
        return None
    return quiet_hours.rests(session, clock.now()).get(campaign.organisation_id)


def _from_domain(session: Session, campaign: Campaign) -> str:
    return session.get_one(Organisation, campaign.organisation_id).from_domain


def told(campaign: Campaign, report: Progress) -> dict[str, Any]:
    """Return a report as scripts and programs read it."""
    return {
        "state": report.state.value,
        "recipients": report.recipients,
        "sent": report.sent,
        "waiting": report.waiting,
        "skipped": report.skipped,
        "skipped_because": {code.value: count for code, count in report.skipped_because.items()},
        "deferred": report.deferred,
        "deferred_by": {each.receiver: each.number for each in report.put_off_by},
        "failed": report.failed,
        "in_doubt": list(report.in_doubt),
        "standing_still": list(report.standing_still),
        "scheduled_for": clock.as_text(campaign.scheduled_for) if campaign.scheduled_for else None,
        "held_until": clock.as_text(campaign.held_until) if campaign.held_until else None,
        "late": report.late,
        "halted": campaign.halted,
        "rate_per_minute": report.rate_per_minute,
        "seconds_left": report.seconds_left,
        "first_message": _first(report),
        "waves": {"open": campaign.waves_open},
        "pilot": campaign.pilot,
        "trial": trial.told(campaign),
        "stance": campaign.stance,
        "warnings": list(report.warnings),
        "each_zone": campaign.each_zone,
        "rests_until": clock.as_text(report.rests_until) if report.rests_until else None,
    }


def _first(report: Progress) -> dict[str, str] | None:
    seen = report.first_message
    return {"verdict": seen.first.value, "words": seen.words} if seen is not None else None


def settled(found: Mapping[DeliveryState, int]) -> int:
    """Return how many of a campaign have come to an end, whatever it was; ``found`` are its counts."""
    return sum(number for state, number in found.items() if state not in OPEN)


def _put_off(session: Session, campaign: Campaign) -> tuple[tuple[PutOff, ...], datetime | None]:
    """Return who said "not now" to how many, the most first, and when the first of those is tried again."""
    query = (
        select(Delivery.provider, func.count(), func.min(Delivery.due_at))
        .where(Delivery.campaign_id == campaign.id, Delivery.state == DeliveryState.DEFERRED)
        .group_by(Delivery.provider)
    )
    rows = [(provider, number, due) for provider, number, due in session.execute(query)]
    found = [PutOff((provider and mail_provider.name(provider)) or "", number) for provider, number, _due in rows]
    return tuple(sorted(found, key=lambda each: -each.number)), min((due for *_rest, due in rows), default=None)


def _standing_still(session: Session) -> tuple[str, ...]:
    return tuple(watch_words.of(row) for row in incident.standing(session) if row.stops)


def _last_hour(session: Session, campaign: Campaign) -> datetime | None:
    """Return when the last of those who wait for their own hour get it, if that is still to come."""
    # Named as the index of the queue is ordered, so that its end is found and nothing is read.
    last = select(func.max(Delivery.due_at)).where(
        IS_WAITING,
        Delivery.lane == Lane.SENDING,
        Delivery.campaign_id == campaign.id,
        Delivery.wave == campaign.waves_open,
    )
    found = session.scalar(last)
    return found if found is not None and found > clock.now() else None


def _addresses_in_doubt(session: Session, campaign: Campaign, named: int | None) -> tuple[str, ...]:
    query = (
        select(Subscriber.email_send)
        .join(Delivery, Delivery.subscriber_id == Subscriber.id)
        .where(Delivery.campaign_id == campaign.id, Delivery.state == DeliveryState.IN_DOUBT)
        .order_by(Subscriber.email_send)
        .limit(named)
    )
    return tuple(session.scalars(query))


def _refusals(session: Session, campaign: Campaign) -> dict[RefusalCode, int]:
    query = (
        select(Delivery.refusal_code, func.count())
        .where(Delivery.campaign_id == campaign.id, Delivery.state == DeliveryState.REFUSED)
        .group_by(Delivery.refusal_code)
    )
    return {row[0]: row[1] for row in session.execute(query) if row[0] is not None}


def finish_if_done(session: Session) -> list[int]:
    """Mark every sending campaign without open deliveries as finished; return their ids."""
    open_rows = select(Delivery.id).where(Delivery.campaign_id == Campaign.id, Delivery.state.in_(OPEN)).exists()
    query = (
        select(Campaign).where(Campaign.state == CampaignState.SENDING, ~open_rows).with_for_update(skip_locked=True)
    )
    done = list(session.scalars(query))
    for campaign in done:
        campaigns.move(campaign, CampaignState.FINISHED)
    return [campaign.id for campaign in done]

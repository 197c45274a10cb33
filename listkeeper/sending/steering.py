"""Steering a letter that is on its way: pause, go on, stop for good, and try once more what failed.

Where it stands is one row: workers claim from letters in state ``sending``
alone, and give back what they hold of others before they ask the gate. So a
letter of a million stops and goes on with one write, and no row is touched.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from listkeeper.audience.subscriber import Subscriber
from listkeeper.campaigns import campaign as campaigns
from listkeeper.campaigns.campaign import Campaign, CampaignState
from listkeeper.foundation import clock, language, outbox
from listkeeper.foundation.errors import Conflict, NotFound
from listkeeper.foundation.outbox import Lane
from listkeeper.sending import delivery, pilot, stops, tally
from listkeeper.sending.delivery import Delivery, DeliveryState
from listkeeper.sending.halt import HaltCode
from listkeeper.sending.pilot import PilotState
from listkeeper.standards import address

S = DeliveryState
_PILOTS: dict[PilotState | None, str] = {
    PilotState.ASKS: "campaign.pilot_asked",
    PilotState.STOPPED: "campaign.paused",
    PilotState.RELEASED: "campaign.released",
}
_STOPPED = frozenset({CampaignState.CANCELLED})


def pause(session: Session, campaign: Campaign) -> None:
    """Let nothing more of a letter leave until it is resumed; the window under way ends as it ends."""
    campaigns.lock(session, campaign)
    campaigns.move(campaign, CampaignState.PAUSED)


def resume(session: Session, campaign: Campaign) -> None:
    """Let a paused letter go on where it stood."""
    campaigns.lock(session, campaign)
    if campaign.state is not CampaignState.PAUSED:
        raise Conflict("not_paused", language.text("This letter is not paused. Nothing was changed."))
    overrule(campaign)
    campaigns.set_out(session, campaign)


def overrule(campaign: Campaign) -> None:
    """Let a letter that stopped by itself go on: it does not stop for the same reason again."""
    code = (campaign.halted or {}).get("code")
    if code in set(HaltCode):
        campaign.overruled = sorted({*(campaign.overruled or ()), str(code)})
    campaign.halted = None
    pilot.go_on(campaign)


def cancel(session: Session, campaign: Campaign) -> int:
    """Stop a letter for good: whatever waits stays home; return how many. What is under way ends as it ends."""
    campaigns.lock(session, campaign)
    campaigns.move(campaign, CampaignState.CANCELLED)
    waiting = Delivery.state.in_((S.QUEUED, S.DEFERRED, S.LEASED))
    stopped = session.execute(
        update(Delivery)
        .where(Delivery.campaign_id == campaign.id, waiting)
        .values(state=S.CANCELLED, worker=None, lease_until=None, settled_at=clock.now())
        .returning(Delivery.provider)
    ).all()
    tally.add(session, Counter(tally.letter(S.CANCELLED, row[0]) for row in stopped))
    return len(stopped)


def release(session: Session, campaign: Campaign) -> None:
    """Let everybody else have a letter that a few were to get first, whatever came back from them."""
    campaigns.lock(session, campaign)
    pilot.release(session, campaign)
    if campaign.state is CampaignState.PAUSED:
        overrule(campaign)
        campaigns.set_out(session, campaign)


def calls(session: Session, campaign: Campaign, found: Mapping[DeliveryState, int]) -> bool:
    """Return whether ``act`` may have something to do; it only reads, so nobody waits for it. ``found``: the counts."""
    return pilot.is_over(campaign) or stops.passed(session, campaign, found) is not None


def act(session: Session, campaign: Campaign) -> str | None:
    """Stop a letter under way that passes a threshold, and end its test when the time is over; return what happened.

    What happened is said as the audit log names it.
    """
    campaigns.lock(session, campaign)
    if campaign.state is not CampaignState.SENDING:
        return None
    figures = stops.passed(session, campaign)
    if figures is None:
        return _PILOTS.get(pilot.conclude(session, campaign))
    stops.stop_for(session, campaign, figures)
    pilot.stopped(campaign)
    return "campaign.paused"


def retry(session: Session, campaign: Campaign, *, everybody: bool = False, typed: str | None = None) -> int:
    """Queue again what failed, and return how many; the gate is asked about each of them once more.

    Whose address itself is wrong is left alone, unless the owner wants ``everybody`` or names one address.
    What a server took, or may have taken, is never among them.
    """
    campaigns.lock(session, campaign)
    _demand_begun(campaign)
    chosen = [Delivery.campaign_id == campaign.id, Delivery.state == S.FAILED]
    if typed is not None:
        chosen.append(Delivery.subscriber_id == _reader(session, campaign, typed))
    elif not everybody:
        chosen.append(~delivery.is_about_the_person())
    again = update(Delivery).where(*chosen).values(state=S.QUEUED, settled_at=None, due_at=clock.now())
    queued = session.execute(again.returning(Delivery.id)).all()
    if queued:
        under_way(session, campaign)
    return len(queued)


def under_way(session: Session, campaign: Campaign) -> None:
    """Let rows that wait once more leave: a letter that had arrived is on its way again, a paused one stays paused."""
    if campaign.state is CampaignState.FINISHED:
        campaigns.move(campaign, CampaignState.SENDING)
    outbox.write(session, campaigns.STARTED, campaign.id, Lane.SENDING)


def failed_for_good(session: Session, campaign: Campaign) -> int:
    """Return how many of the failed a plain ``retry`` would leave alone."""
    query = select(func.count()).where(
        Delivery.campaign_id == campaign.id, Delivery.state == S.FAILED, delivery.is_about_the_person()
    )
    return session.scalar(query) or 0


def _reader(session: Session, campaign: Campaign, typed: str) -> int:
    query = select(Subscriber.id).where(
        Subscriber.organisation_id == campaign.organisation_id, Subscriber.email_key == address.parse(typed).key
    )
    found = session.scalar(query)
    if found is None:
        raise NotFound("no_subscriber", language.text("There is nobody with this address on your lists."))
    return found


def _demand_begun(campaign: Campaign) -> None:
    if campaign.state in campaigns.UNSENT:
        raise Conflict("not_sent", language.text("This letter has not begun to leave. Nothing was changed."))
    if campaign.state in _STOPPED:
        raise Conflict("stopped", language.text("This letter was stopped for good. Nothing was changed."))

"""Steering a letter that is on its way: pause, go on, stop for good, and try once more what failed.

Where it stands is one row: workers claim from letters in state ``sending``
alone, and give back what they hold of others before they ask the gate. So a
letter of a million stops and goes on with one write, and no row is touched.
"""

from __future__ import annotations

from collections import Counter

from sqlalchemy import ColumnElement, and_, func, select, update
from sqlalchemy.orm import Session

from listkeeper.audience.subscriber import Subscriber
from listkeeper.campaigns import campaign as campaigns
from listkeeper.campaigns.campaign import Campaign, CampaignState
from listkeeper.deliverability.reply_class import ReplyClass
from listkeeper.foundation import clock, language, outbox
from listkeeper.foundation.errors import Conflict, NotFound
from listkeeper.foundation.outbox import Lane
from listkeeper.sending import tally
from listkeeper.sending.delivery import Delivery, DeliveryState
from listkeeper.standards import address

S = DeliveryState
_STOPPED = frozenset({CampaignState.CANCELLED})
_NO_SUCH_ADDRESS = (ReplyClass.INVALID_ADDRESS, ReplyClass.INVALID_DOMAIN)
_FOR_GOOD = 500


def pause(session: Session, campaign: Campaign) -> None:
    """Let nothing more of a letter leave until it is resumed; the window under way ends as it ends."""
    campaigns.lock(session, campaign)
    campaigns.move(campaign, CampaignState.PAUSED)


def resume(session: Session, campaign: Campaign) -> None:
    """Let a paused letter go on where it stood."""
    campaigns.lock(session, campaign)
    if campaign.state is not CampaignState.PAUSED:
        raise Conflict("not_paused", language.text("This letter is not paused. Nothing was changed."))
    campaign.halted = None
    campaigns.set_out(session, campaign)


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
        chosen.append(~_is_about_the_person())
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
        Delivery.campaign_id == campaign.id, Delivery.state == S.FAILED, _is_about_the_person()
    )
    return session.scalar(query) or 0


def _is_about_the_person() -> ColumnElement[bool]:
    """Return whether a server said for good (RFC 5321 section 4.2.1) that there is no such address, or domain."""
    # Said of every part whether it is there: "not (nothing known)" is nothing known either, and would leave rows out.
    known = and_(Delivery.reply_class.is_not(None), Delivery.reply_code.is_not(None))
    return and_(known, Delivery.reply_class.in_(_NO_SUCH_ADDRESS), Delivery.reply_code >= _FOR_GOOD)


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

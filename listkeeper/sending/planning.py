"""Planning: from a decision to send to rows in the delivery table.

A campaign's audience is frozen by one INSERT … SELECT: who joins later is not
in it, who leaves later is refused by the gate at hand-over. Every row has an
occasion of its own, so planning twice adds nothing.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import String, cast, func, insert, literal, select
from sqlalchemy.orm import Session

from listkeeper.accounts import user
from listkeeper.accounts.invitation import Invitation
from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import question_mail
from listkeeper.audience.access_link import AccessLink
from listkeeper.audience.address_change import AddressChange
from listkeeper.audience.confirmation import AskKind, Confirmation
from listkeeper.audience.consent import ConsentEvent
from listkeeper.audience.guard.defence import SignupDefence
from listkeeper.audience.handover import MessageClass, NoticeKind
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.topic import Topic
from listkeeper.campaigns import campaign as campaigns
from listkeeper.campaigns import link, preview, recipients, schedule
from listkeeper.campaigns import revision as revisions
from listkeeper.campaigns.campaign import Campaign
from listkeeper.campaigns.revision import Revision
from listkeeper.campaigns.schedule import AT_ONCE, Leaving
from listkeeper.campaigns.trial import Order
from listkeeper.deliverability.record_request import Request
from listkeeper.deliverability.sending_domain import SendingDomain
from listkeeper.foundation import clock, language
from listkeeper.foundation.errors import Invalid, NotFound
from listkeeper.foundation.outbox import Lane
from listkeeper.sending import (
    allowed_tests,
    delivery,
    frequency_cap,
    guided,
    letters_before,
    notice_rows,
    pilot,
    reader_zones,
)
from listkeeper.sending.delivery import Delivery, DeliveryState
from listkeeper.sending.incident import Incident
from listkeeper.sending.pilot import Pilot
from listkeeper.sending.trying import trial, trial_order
from listkeeper.standards import address

_RECEIPTS_WAIT = timedelta(minutes=1)


def send_campaign(  # noqa: PLR0913 - whose letter, from where, as it was seen, and when
    session: Session,
    organisation: Organisation,
    campaign: Campaign,
    *,
    site: str,
    practice: bool = False,
    sha256: str | None = None,
    about: Topic | None = None,
    important: bool = False,
    leaves: Leaving = AT_ONCE,
    test: Pilot | Order | None = None,
) -> int:
    """Bind the newest revision and let the letter go; return how many deliveries wait.

    ``leaves`` says when: what leaves later is bound now and its audience frozen then (``beginning``), and how many
    that would be now is returned. With a ``test`` a few get it first (``pilot``, ``trial``).
    ``about`` is the topic of the list that the letter is about; without one it goes to all. One that is
    ``important`` also goes to whoever wants rarer letters, or only those.
    Only in practice mode are the demo's invented people part of the audience.
    Raises Invalid for an empty audience, Conflict when the campaign was
    started already or ``sha256`` is not the revision that was seen.
    """
    chosen = campaigns.bind(session, campaign, sha256=sha256)
    moment = clock.now()
    again = campaign.state in schedule.ORDERED
    _describe(campaign, about, test, important=important)
    revisions.compile_now(session, chosen, organisation, campaign.mailing_list, site)
    trial_order.bind(session, organisation, campaign, test, site=site, again=again)
    if leaves == AT_ONCE:
        # Whose hour is still to come gets it then, also when the letter is late; sent before its time, all get it now.
        campaign.each_zone = campaign.each_zone and (schedule.leaves_at(campaign) or moment) <= moment
        return begin(session, campaign, chosen, practice=practice)
    schedule.order(campaign, leaves, moment, _first_hour(session, campaign, leaves, moment))
    expected = recipients.expected(session, campaign, practice=practice)
    campaign.recipients = _demand_somebody(expected)
    if (ordered := pilot.of(campaign)) is not None:
        pilot.size_of(ordered, expected)
    trial.demand_size(session, campaign, expected)
    return expected


def _describe(campaign: Campaign, about: Topic | None, test: Pilot | Order | None, *, important: bool) -> None:
    """Note what a letter is about and how it is tested; ordered again for another moment, it stays as it was."""
    again = campaign.state in schedule.ORDERED
    if about is not None or not again:
        campaign.topic = about.public_id if about is not None else None
    campaign.important = important or (again and campaign.important)
    if test is not None or not again:
        campaign.pilot = test.as_json() if isinstance(test, Pilot) else None
    campaign.each_zone = again and campaign.each_zone


def begin(session: Session, campaign: Campaign, chosen: Revision, *, practice: bool) -> int:
    """Freeze the audience of a letter whose time has come, and let it go."""
    campaigns.set_out(session, campaign)
    link.keep(session, chosen.id, revisions.frozen(chosen).links)
    campaign.recipients = _demand_somebody(freeze(session, campaign, chosen, practice=practice))
    reader_zones.spread(session, campaign)
    pilot.begin(session, campaign)
    trial.begin(session, campaign)
    return campaign.recipients


def _first_hour(session: Session, campaign: Campaign, leaves: Leaving, now: datetime) -> datetime | None:
    """Return when the first reader's hour has come, when a letter leaves by each reader's clock."""
    if not leaves.each_zone or leaves.at is None:
        return None
    if campaign.pilot is not None or campaign.trial is not None:
        # The few would have it hours apart, and the time to wait for them would mean nothing.
        sentence = language.text("A test, or each reader's own hour: please choose one. Nothing was sent.")
        raise Invalid("pilot_or_zone", sentence)
    return reader_zones.begins_at(session, campaign, leaves.at, now)


def _demand_somebody(planned: int) -> int:
    if planned == 0:
        raise Invalid(
            "empty_audience",
            language.text("Nobody on this list can be mailed yet. The letter stays a draft; nothing was sent."),
        )
    return planned


def freeze(session: Session, campaign: Campaign, chosen: Revision, *, practice: bool = False) -> int:
    """Make one queued delivery for everybody who may be mailed now; return how many."""
    people = recipients.frozen(session, campaign, practice=practice)
    people = frequency_cap.leave_out(session, campaign, people)
    audience = people.with_only_columns(*guided.COLUMNS).subquery()
    known, before = letters_before.of_audience(session, campaign, audience)
    moment = clock.now()
    values = {
        Delivery.organisation_id: literal(campaign.organisation_id),
        Delivery.message_class: literal(MessageClass.MARKETING, Delivery.message_class.type),
        Delivery.lane: literal(Lane.SENDING, Delivery.lane.type),
        Delivery.occasion: literal(f"campaign:{campaign.id}:") + cast(audience.c.id, String),
        Delivery.state: literal(DeliveryState.QUEUED, Delivery.state.type),
        Delivery.campaign_id: literal(campaign.id),
        Delivery.revision_id: literal(chosen.id),
        Delivery.subscriber_id: audience.c.id,
        Delivery.list_id: literal(campaign.list_id),
        Delivery.letters_before: before,
        Delivery.guidance: guided.of_letter(session, campaign, audience, before),
        Delivery.due_at: literal(moment, Delivery.due_at.type),
        Delivery.attempts: literal(0),
        Delivery.created_at: literal(moment, Delivery.created_at.type),
        **notice_rows.columns_of(campaign),
    }
    rows = select(*values.values()).select_from(known).order_by(audience.c.id)
    session.execute(insert(Delivery).from_select(list(values), rows, include_defaults=False))
    planned = session.scalar(select(func.count()).select_from(Delivery).where(Delivery.campaign_id == campaign.id))
    return planned or 0


def mail_confirmation(session: Session, confirmation_id: int) -> Delivery | None:
    """Queue the mail that asks to confirm (or says "you are on the list already"); once per confirmation."""
    queued = mail_confirmations(session, [confirmation_id])
    return queued[0] if queued else None


def mail_confirmations(session: Session, confirmation_ids: Sequence[int], *, announce: bool = True) -> list[Delivery]:
    """Queue the mails of several questions. Raises NotFound when one of them does not exist.

    Whoever goes on to deliver on the urgent lane needs no fact about each (``announce``).
    """
    query = (
        select(Confirmation, Subscriber.organisation_id)
        .join(Subscriber, Subscriber.id == Confirmation.subscriber_id)
        .where(Confirmation.id.in_(confirmation_ids))
        .order_by(Confirmation.id)
    )
    found = [(row[0], row[1]) for row in session.execute(query)]
    if len(found) != len(set(confirmation_ids)):
        raise NotFound("no_confirmation", "One of these questions does not exist any more.")
    occasions = [question_mail.occasion(asked, 1) for asked, _owner in found]
    had = set(session.scalars(select(Delivery.occasion).where(Delivery.occasion.in_(occasions))))
    made = [
        Delivery(
            organisation_id=owner,
            message_class=MessageClass.DOI if asked.kind is AskKind.CONFIRM else MessageClass.SERVICE,
            lane=Lane.URGENT,
            occasion=occasion,
            subscriber_id=asked.subscriber_id,
            list_id=asked.list_id,
            confirmation_id=asked.id,
        )
        for (asked, owner), occasion in zip(found, occasions, strict=True)
        if occasion not in had
    ]
    return delivery.queue_all(session, made, announce=announce)


def mail_reminder(session: Session, confirmation_id: int) -> Delivery | None:
    """Queue the question once more; once per confirmation."""
    asked = session.get_one(Confirmation, confirmation_id)
    person = session.get_one(Subscriber, asked.subscriber_id)
    occasion = question_mail.occasion(asked, 2)
    about: dict[str, Any] = {"list_id": asked.list_id, "confirmation_id": asked.id}
    return mail_once(session, person, occasion, message_class=MessageClass.DOI, **about)


def mail_receipt(session: Session, event_id: int) -> Delivery | None:
    """Queue the receipt of one consent; the demo's people get none."""
    event = session.get_one(ConsentEvent, event_id)
    query = select(Subscriber).where(Subscriber.subject_ref == event.subject_ref)
    person = session.scalars(query).first()
    if person is None or event.ledger_id is None:
        return None
    about: dict[str, Any] = {"list_id": event.list_id, "notice": NoticeKind.RECEIPT, "notice_id": event.id}
    # A little later: then one checkpoint serves the receipts of a whole minute.
    return mail_once(session, person, receipt_occasion(event), due_at=clock.now() + _RECEIPTS_WAIT, **about)


def receipt_occasion(event: ConsentEvent) -> str:
    """Return the occasion of the receipt of one consent."""
    return f"receipt:{event.id}"


def mail_access(session: Session, link_id: int) -> Delivery | None:
    """Queue the mail with a fresh link to a subscriber's own page."""
    link = session.get_one(AccessLink, link_id)
    person = session.get_one(Subscriber, link.subscriber_id)
    return mail_once(session, person, f"access:{link.token_digest}", notice=NoticeKind.ACCESS, notice_id=link_id)


def mail_new_address(session: Session, change_id: int) -> Delivery | None:
    """Queue the question to a new address."""
    change = session.get_one(AddressChange, change_id)
    person = session.get_one(Subscriber, change.subscriber_id)
    about: dict[str, Any] = {"notice": NoticeKind.NEW_ADDRESS, "notice_id": change_id}
    return mail_once(session, person, f"new-address:{change.token_digest}", message_class=MessageClass.DOI, **about)


def mail_old_address(session: Session, change_id: int) -> Delivery | None:
    """Queue the note to the old address."""
    change = session.get_one(AddressChange, change_id)
    person = session.get_one(Subscriber, change.subscriber_id)
    about: dict[str, Any] = {"notice": NoticeKind.OLD_ADDRESS, "notice_id": change_id}
    return mail_once(session, person, f"old-address:{change.token_digest}", **about)


def mail_invitation(session: Session, invitation_id: int) -> Delivery | None:
    """Queue the mail that invites somebody to the studio; once per invitation."""
    asked = session.get(Invitation, invitation_id)
    occasion = f"invitation:{asked.digest}" if asked is not None else ""
    if asked is None or session.scalar(select(Delivery.id).where(Delivery.occasion == occasion)) is not None:
        return None
    made = Delivery(
        organisation_id=asked.organisation_id,
        message_class=MessageClass.SYSTEM,
        lane=Lane.URGENT,
        occasion=occasion,
        notice=NoticeKind.INVITATION,
        notice_id=asked.id,
    )
    return delivery.queue(session, made)


def mail_defence(session: Session, defence_id: int) -> list[Delivery]:
    """Queue the word to every owner that a form is being abused; once for each step of its defence."""
    raised = session.get(SignupDefence, defence_id)
    if raised is None:
        return []
    queued = []
    for written, person in user.owners(session, raised.organisation_id).items():
        occasion = f"defence:{raised.id}:{clock.in_milliseconds(raised.since)}:{person.id}"
        if session.scalar(select(Delivery.id).where(Delivery.occasion == occasion)) is None:
            made = Delivery(
                organisation_id=raised.organisation_id,
                message_class=MessageClass.SYSTEM,
                lane=Lane.URGENT,
                occasion=occasion,
                notice=NoticeKind.DEFENCE,
                notice_id=raised.id,
                typed_address=written,
            )
            queued.append(delivery.queue(session, made))
    return queued


def mail_incident(session: Session, organisation: Organisation, stands: Incident) -> list[Delivery]:
    """Queue the word to every owner that mail does not leave as it should; the watch says how often."""
    told_at = clock.in_milliseconds(stands.told_at or stands.opened_at)
    made = [
        Delivery(
            organisation_id=organisation.id,
            message_class=MessageClass.SYSTEM,
            lane=Lane.URGENT,
            occasion=f"incident:{stands.id}:{told_at}:{person.id}",
            notice=NoticeKind.INCIDENT,
            notice_id=stands.id,
            typed_address=written,
        )
        for written, person in user.owners(session, organisation.id).items()
    ]
    return delivery.queue_all(session, made)


def mail_once(
    session: Session,
    person: Subscriber,
    occasion: str,
    *,
    message_class: MessageClass = MessageClass.SERVICE,
    **about: Any,  # noqa: ANN401 - the columns of a delivery
) -> Delivery | None:
    """Queue a mail about a subscription unless its occasion had one already."""
    if session.scalar(select(Delivery.id).where(Delivery.occasion == occasion)) is not None:
        return None
    made = Delivery(
        organisation_id=person.organisation_id,
        message_class=message_class,
        lane=Lane.URGENT,
        occasion=occasion,
        subscriber_id=person.id,
        **about,
    )
    return delivery.queue(session, made)


def mail_test(  # noqa: PLR0913 - whose letter, to whom, under which limits
    session: Session, organisation: Organisation, campaign: Campaign, typed: str, *, site: str, per_hour: int
) -> Delivery:
    """Queue the newest revision as a test to any typed address.

    Raises Invalid when it is no address, Forbidden past the hour's limit.
    """
    return delivery.queue(session, test_of(session, organisation, campaign, typed, site=site, per_hour=per_hour))


def test_of(  # noqa: PLR0913 - the same
    session: Session, organisation: Organisation, campaign: Campaign, typed: str, *, site: str, per_hour: int
) -> Delivery:
    """Return the row of a test that is not stored yet, counted among the tests of the hour.

    Raises Invalid when it is no address, Forbidden past the hour's limit.
    """
    parsed = address.parse(typed)
    allowed_tests.demand(session, organisation, per_hour)
    chosen = campaigns.newest(session, campaign)
    preview.ready(session, campaign, chosen, organisation, site)
    return Delivery(
        organisation_id=organisation.id,
        message_class=MessageClass.TEST,
        lane=Lane.URGENT,
        occasion=f"test:{secrets.token_hex(12)}",
        revision_id=chosen.id,
        list_id=campaign.list_id,
        typed_address=parsed.send,
        guidance=guided.of_test(organisation, campaign, parsed.send),
    )


def mail_records(  # noqa: PLR0913 - what is asked for, of whom, and under which limit
    session: Session, domain: SendingDomain, asked: Request, typed: str, *, spoken: str, per_hour: int
) -> Delivery:
    """Queue the mail that asks somebody to publish a domain's records; counted among the test mails of the hour.

    Raises Invalid when it is no address, Forbidden past the hour's limit.
    """
    parsed = address.parse(typed)
    allowed_tests.demand(session, session.get_one(Organisation, domain.organisation_id), per_hour)
    domain.request = {"subject": asked.subject, "text": asked.text, "language": spoken}
    made = Delivery(
        organisation_id=domain.organisation_id,
        message_class=MessageClass.TEST,
        lane=Lane.URGENT,
        occasion=f"records:{secrets.token_hex(12)}",
        notice=NoticeKind.RECORDS,
        notice_id=domain.id,
        typed_address=parsed.send,
    )
    return delivery.queue(session, made)

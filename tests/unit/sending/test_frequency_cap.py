"""At most so many letters to one person in so many days: put off, left out and shown, never lost in silence."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.audience.handover import MessageClass
from listkeeper.audience.subscriber import Subscriber
from listkeeper.campaigns.campaign import Campaign, CampaignState
from listkeeper.campaigns.follow_up_step import StepKind
from listkeeper.foundation.errors import Conflict, Invalid
from listkeeper.foundation.outbox import Lane
from listkeeper.sending import frequency_cap, planning, progress, steering
from listkeeper.sending.delivery import Delivery, DeliveryState
from listkeeper.sending.following import follow_up_view
from listkeeper.sending.following.follow_up_run import ActKind, Reason
from listkeeper.sending.frequency_cap import SkippedMail
from tests.makers import cafe, follow_ups
from tests.makers.cafe import Cafe

DAY = timedelta(days=1)
S = DeliveryState
Clock = time_machine.Traveller


def _had(  # noqa: PLR0917 - one mail
    session: Session, house: Cafe, person: Subscriber, name: str, days: float, state: S = S.ACCEPTED,
    message_class: MessageClass = MessageClass.MARKETING,
) -> None:  # fmt: skip
    at = datetime.now(UTC) - days * DAY
    session.add(
        Delivery(
            organisation_id=house.organisation.id, message_class=message_class, lane=Lane.SENDING, occasion=name,
            state=state, subscriber_id=person.id, list_id=house.mailing_list.id,
            handed_at=None if state is S.QUEUED else at, due_at=at,
        )
    )  # fmt: skip
    session.flush()


def _send(session: Session, house: Cafe, subject: str = "Buns") -> Campaign:
    letter = cafe.draft(session, house, subject=subject)
    planning.send_campaign(session, house.organisation, letter, site=follow_ups.SITE)
    return letter


def test_whoever_had_her_number_is_free_when_the_oldest_of_them_is_old_enough(
    session: Session, house: Cafe, freja: Subscriber, frozen_clock: Clock
) -> None:
    follow_ups.cap(house, 2, 7)
    now = datetime.now(UTC)
    _had(session, house, freja, "a", 6)
    assert frequency_cap.free_from(session, house.organisation, [freja.id], now) == {}
    _had(session, house, freja, "b", 2)
    assert frequency_cap.free_from(session, house.organisation, [freja.id], now) == {freja.id: now + DAY}
    _had(session, house, freja, "c", 1)
    assert frequency_cap.free_from(session, house.organisation, [freja.id], now) == {freja.id: now + 5 * DAY}


@pytest.mark.parametrize(
    ("state", "message_class", "days", "counts"),
    [
        (S.ACCEPTED, MessageClass.MARKETING, 1, True),
        (S.BOUNCED, MessageClass.MARKETING, 1, True),
        (S.IN_DOUBT, MessageClass.MARKETING, 1, True),
        # It waits: whoever plans now counts it as if it left now, however long it waits already.
        (S.QUEUED, MessageClass.MARKETING, 9, True),
        (S.DEFERRED, MessageClass.MARKETING, 9, True),
        (S.REFUSED, MessageClass.MARKETING, 1, False),
        (S.FAILED, MessageClass.MARKETING, 1, False),
        (S.CANCELLED, MessageClass.MARKETING, 1, False),
        (S.ACCEPTED, MessageClass.MARKETING, 7, False),
        (S.ACCEPTED, MessageClass.SERVICE, 1, False),
        (S.ACCEPTED, MessageClass.DOI, 1, False),
        (S.ACCEPTED, MessageClass.REPLY, 1, False),
    ],
)
def test_what_counts(  # noqa: PLR0917 - one case each
    session: Session, house: Cafe, freja: Subscriber, frozen_clock: Clock, state: S, message_class: MessageClass,
    days: int, counts: bool,
) -> None:  # fmt: skip
    follow_ups.cap(house, 1, 7)
    _had(session, house, freja, "a", days, state, message_class)
    found = frequency_cap.free_from(session, house.organisation, [freja.id], datetime.now(UTC))
    assert (freja.id in found) is counts


def test_what_stands_still_does_not_count_and_counts_again_when_it_goes_on(
    session: Session, house: Cafe, freja: Subscriber, frozen_clock: Clock
) -> None:
    follow_ups.cap(house, 1, 7)
    letter = _send(session, house)
    now = datetime.now(UTC)
    seen = [frequency_cap.free_from(session, house.organisation, [freja.id], now)]
    steering.pause(session, letter)
    seen.append(frequency_cap.free_from(session, house.organisation, [freja.id], now))
    steering.resume(session, letter)
    seen.append(frequency_cap.free_from(session, house.organisation, [freja.id], now))
    assert seen == [{freja.id: now + 7 * DAY}, {}, {freja.id: now + 7 * DAY}]


def test_without_a_cap_nobody_is_held(session: Session, house: Cafe, freja: Subscriber) -> None:
    follow_ups.cap(house, None)
    _had(session, house, freja, "a", 1)
    assert frequency_cap.free_from(session, house.organisation, [freja.id], datetime.now(UTC)) == {}
    assert frequency_cap.over(session, house.organisation, datetime.now(UTC)) is None


@pytest.mark.parametrize(("mails", "days"), [(0, 7), (51, 7), (4, 0), (4, 91), (-1, 7)])
def test_a_cap_that_cannot_be_is_refused(house: Cafe, mails: int, days: int) -> None:
    with pytest.raises(Invalid):
        frequency_cap.choose(house.organisation, mails, days, letters=False)
    assert (house.organisation.cap_mails, house.organisation.cap_days) == (4, 7)


def test_a_step_over_the_cap_waits_until_it_may_come(
    session: Session, house: Cafe, freja: Subscriber, frozen_clock: Clock
) -> None:
    follow_ups.cap(house, 1, 5)
    made = follow_ups.line(session, house, ((StepKind.LETTER, 2),))
    follow_ups.says_yes(session, freja)
    frozen_clock.shift(2 * DAY)
    _had(session, house, freja, "a", 1)
    follow_ups.look(session, made)
    (act,) = follow_ups.acts(session)
    assert (act.kind, act.why, act.until) == (ActKind.POSTPONED, Reason.CAP, datetime.now(UTC) + 4 * DAY)
    frozen_clock.shift(4 * DAY)
    follow_ups.look(session, made)
    assert len(follow_ups.mails(session, made)) == 1


def test_a_step_that_would_wait_for_more_than_a_week_is_left_out_and_shown(
    session: Session, house: Cafe, freja: Subscriber, frozen_clock: Clock
) -> None:
    follow_ups.cap(house, 1, 30)
    made = follow_ups.line(session, house, ((StepKind.LETTER, 2),))
    follow_ups.says_yes(session, freja)
    frozen_clock.shift(2 * DAY)
    _had(session, house, freja, "a", 1)
    follow_ups.look(session, made)
    (entry,) = follow_up_view.log_of_person(session, freja)
    assert (entry.kind, entry.why, entry.was_sent) == (ActKind.SKIPPED, Reason.CAP, False)


def test_letters_to_everybody_are_held_to_it_only_when_asked(
    session: Session, house: Cafe, freja: Subscriber, frozen_clock: Clock
) -> None:
    follow_ups.cap(house, 1, 7)
    _send(session, house)
    assert _send(session, house, "More").recipients == 1
    assert session.scalars(select(SkippedMail)).all() == []


def test_whoever_had_her_number_is_left_out_written_down_and_gets_it_later(
    session: Session, house: Cafe, freja: Subscriber, frozen_clock: Clock
) -> None:
    follow_ups.cap(house, 1, 7, letters=True)
    _send(session, house)
    follow_ups.hand_over(session)
    frozen_clock.shift(DAY)
    karl = cafe.subscribe(session, house, "karl@guest.example")
    second = _send(session, house, "More")
    rows = session.scalars(select(Delivery).where(Delivery.campaign_id == second.id)).all()
    assert [row.subscriber_id for row in rows] == [karl.id]
    assert frequency_cap.skipped(session, second) == 1
    (left_out,) = follow_up_view.left_out(session, freja)
    assert (left_out.subject, left_out.planned_at) == ("More", None)
    assert frequency_cap.send_later(session, second) == 1
    assert frequency_cap.send_later(session, second) == 0
    hers = session.scalars(
        select(Delivery).where(Delivery.campaign_id == second.id, Delivery.subscriber_id == freja.id)
    )
    assert [row.due_at for row in hers] == [datetime.now(UTC) + 6 * DAY]
    assert (second.recipients, frequency_cap.skipped(session, second)) == (2, 0)


def test_two_letters_that_wait_for_her_come_apart(
    session: Session, house: Cafe, freja: Subscriber, frozen_clock: Clock
) -> None:
    follow_ups.cap(house, 1, 7, letters=True)
    _send(session, house)
    follow_ups.hand_over(session)
    cafe.subscribe(session, house, "karl@guest.example")
    second = _send(session, house, "Two")
    cafe.subscribe(session, house, "ida@guest.example")
    third = _send(session, house, "Three")
    for letter in (second, third):
        frequency_cap.send_later(session, letter)
    hers = session.scalars(
        select(Delivery.due_at).where(
            Delivery.subscriber_id == freja.id, Delivery.campaign_id.in_((second.id, third.id))
        )
    )
    first, last = sorted(hers)
    assert last - first >= 7 * DAY


def test_a_letter_that_has_arrived_is_under_way_again(
    session: Session, house: Cafe, freja: Subscriber, frozen_clock: Clock
) -> None:
    follow_ups.cap(house, 1, 7, letters=True)
    _send(session, house)
    cafe.subscribe(session, house, "karl@guest.example")
    second = _send(session, house, "Two")
    follow_ups.hand_over(session)
    progress.finish_if_done(session)
    states = [second.state]
    frequency_cap.send_later(session, second)
    assert [*states, second.state] == [CampaignState.FINISHED, CampaignState.SENDING]


def test_a_letter_that_never_left_is_sent_later_to_nobody(session: Session, house: Cafe, freja: Subscriber) -> None:
    with pytest.raises(Conflict):
        frequency_cap.send_later(session, cafe.draft(session, house))


def test_how_many_would_be_left_out_is_told_before(session: Session, house: Cafe, freja: Subscriber) -> None:
    from listkeeper.audience import subscription  # noqa: PLC0415

    follow_ups.cap(house, 1, 7, letters=True)
    _had(session, house, freja, "a", 1)
    # It belongs to no letter and is no welcome, so it is looked for among no letters.
    letter = _send_to_know(session, house)
    people = subscription.mailable(house.mailing_list, practice=False)
    assert frequency_cap.would_leave_out(session, letter, people) == 1


def _send_to_know(session: Session, house: Cafe) -> Campaign:
    first = cafe.draft(session, house)
    planning.send_campaign(session, house.organisation, first, site=follow_ups.SITE)
    return cafe.draft(session, house)

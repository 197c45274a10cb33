"""The plan is a forecast of the gate; counts and pages say what is there."""

from __future__ import annotations

import itertools
from datetime import timedelta

import time_machine
from sqlalchemy.orm import Session

from listkeeper.audience import mailing_list, permission, signup_form, subscription, suppression, unsubscribe
from listkeeper.audience.consent import Method
from listkeeper.audience.handover import Handover, MessageClass
from listkeeper.audience.permission import Grant
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Subscription, SubscriptionState
from listkeeper.audience.suppression import Reason
from listkeeper.foundation import clock
from tests.makers import cafe
from tests.makers.cafe import Cafe


def _everybody(session: Session, house: Cafe) -> list[Subscriber]:
    """Make one person for every state, scope, validity and mark that a plan must know."""
    people = [cafe.subscribe(session, house, f"guest-{number}@guest.example") for number in range(28)]
    rest = iter(people)
    for state in SubscriptionState:
        _held(session, next(rest)).state = state
    for moment in (clock.now() + timedelta(seconds=1), clock.now(), clock.now() - timedelta(seconds=1)):
        _held(session, next(rest)).valid_until = moment
    next(rest).erased_at = clock.now()
    next(rest).restricted_at = clock.now()
    next(rest).demo = True
    listed = house.mailing_list.id
    for scope, reason in (
        (suppression.ALL, Reason.ERASURE),
        (suppression.MARKETING, Reason.OBJECTION),
        ("purpose:newsletter", Reason.UNSUBSCRIBED),
        (suppression.list_scope(listed), Reason.MANUAL),
        (suppression.list_scope(listed + 1), Reason.UNSUBSCRIBED),
        ("purpose:bread", Reason.UNSUBSCRIBED),
        (suppression.CONFIRMATIONS, Reason.NOT_ME),
    ):
        key = next(rest).suppression_key
        suppression.add(session, house.organisation.id, key, scope=scope, reason=reason)
    unsubscribe.leave(session, next(rest).id, listed, Method.PAGE)
    lifted = next(rest)
    suppression.add(session, 1, lifted.suppression_key, scope=suppression.ALL, reason=Reason.MANUAL)
    suppression.lift(session, 1, lifted.suppression_key, [suppression.ALL], [Reason.MANUAL])
    assert next(rest).id, "somebody must be left whom nothing befell"
    session.flush()
    return people


def _held(session: Session, person: Subscriber) -> Subscription:
    return next(row for row, _ in subscription.all_of(session, person))


def test_the_plan_is_whom_the_gate_would_grant_now(
    session: Session, house: Cafe, frozen_clock: time_machine.Traveller
) -> None:
    people = _everybody(session, house)
    bread = mailing_list.create(session, house.organisation, name="Bread club")
    other = Cafe(house.organisation, house.owner, bread, signup_form.create(session, house.organisation, bread))
    stranger = cafe.subscribe(session, other, "stranger@guest.example")
    for practice in (False, True):
        granted = [
            person.id
            for person in (*people, stranger)
            if isinstance(permission.grant(session, _handover(house, person, practice=practice)), Grant)
        ]
        planned = list(session.scalars(subscription.mailable(house.mailing_list, practice=practice)))
        assert planned == granted
        assert 5 < len(planned) < len(people) - 5
        assert stranger.id not in planned


def _handover(house: Cafe, person: Subscriber, *, practice: bool) -> Handover:
    return Handover(
        delivery_id=person.id,
        organisation_id=house.organisation.id,
        message_class=MessageClass.MARKETING,
        template_sha256="t",
        subscriber_id=person.id,
        list_id=house.mailing_list.id,
        purpose=house.mailing_list.purpose,
        practice=practice,
    )


def test_every_state_is_counted_and_none_is_left_out(session: Session, house: Cafe) -> None:
    for number, state in enumerate(itertools.islice(itertools.cycle(SubscriptionState), 12)):
        _held(session, cafe.subscribe(session, house, f"guest-{number}@guest.example")).state = state
    counted = subscription.counts(session, house.mailing_list)
    assert counted == {state: 2 if number < 3 else 1 for number, state in enumerate(SubscriptionState)}


def test_pages_hold_everybody_once_newest_first(session: Session, house: Cafe) -> None:
    people = [cafe.subscribe(session, house, f"guest-{number}@guest.example") for number in range(7)]
    seen, after = [], 0
    while page := subscription.page(session, house.mailing_list, after=after, limit=3):
        seen += [person.id for person, _ in page]
        after = seen[-1]
    assert seen == [person.id for person in reversed(people)]


def test_a_search_takes_letters_for_letters(session: Session, house: Cafe) -> None:
    for local in ("freja", "FREJA.holm", "f_x", "fyx", "a%b"):
        cafe.subscribe(session, house, f"{local}@guest.example")

    def found(search: str) -> set[str]:
        rows = subscription.page(session, house.mailing_list, search=search)
        return {person.email_send.partition("@")[0] for person, _ in rows}

    assert found("Freja") == {"freja", "FREJA.holm"}
    assert found("f_") == {"f_x"}
    assert found("a%") == {"a%b"}
    assert found("nobody") == set()

"""Choices within a consent: they narrow it, or open it again as far as it goes; and no value bends them."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest
import time_machine
from sqlalchemy.orm import Session

from listkeeper.audience import complaint, consent, permission, preferences
from listkeeper.audience.consent import ConsentEvent, EventKind, Method
from listkeeper.audience.handover import Handover, MessageClass, Refusal, RefusalCode
from listkeeper.audience.permission import Grant
from listkeeper.audience.proof import ledger
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Basis, Frequency, SubscriptionState
from listkeeper.foundation import clock
from listkeeper.foundation.errors import Invalid
from tests.makers.cafe import Cafe
from tests.unit.audience.conftest import as_stored


def _narrowed(session: Session, person: Subscriber) -> list[ConsentEvent]:
    return [event for event in consent.history(session, person) if event.kind is EventKind.NARROWED]


def _details(session: Session, event: ConsentEvent) -> dict[str, object]:
    row = session.get_one(ledger.LedgerRow, (event.organisation_id, event.ledger_seq))
    found: dict[str, object] = json.loads(row.record)["details"]
    return found


def _asked(session: Session, house: Cafe, person: Subscriber, *, important: bool = False) -> RefusalCode | None:
    """Ask the gate about a letter now; None is a yes."""
    handover = Handover(
        delivery_id=1,
        organisation_id=house.organisation.id,
        message_class=MessageClass.MARKETING,
        template_sha256="0" * 64,
        subscriber_id=person.id,
        list_id=house.mailing_list.id,
        purpose=house.mailing_list.purpose,
        important=important,
    )
    session.flush()
    verdict = permission.grant(session, handover)
    assert isinstance(verdict, Grant | Refusal)
    return verdict.code if isinstance(verdict, Refusal) else None


@pytest.mark.parametrize(
    ("asked", "given"),
    [(30, 30), (60, 60), (90, 90), (-1, 30), (0, 30), (-(10**30), 30), (91, 90), (10**30, 90), (45, 45)],
)
def test_a_pause_is_never_past_nor_endless(
    session: Session, house: Cafe, person: Subscriber, frozen_clock: time_machine.Traveller, *, asked: int, given: int
) -> None:
    """Case 35: a pause until past, huge or negative."""
    del frozen_clock
    assert preferences.snooze(session, person.id, house.mailing_list.id, asked, delivery_id=7)
    current = as_stored(session, house, person)
    until = clock.now() + timedelta(days=given)
    assert current.snooze_until == until
    assert preferences.paused_until(current) == until
    [event] = _narrowed(session, person)
    assert (event.method, event.delivery_id, event.basis) == (Method.PAGE, 7, Basis.CONSENT.value)
    assert _details(session, event) == {"snooze_until": clock.in_milliseconds(until)}


def test_nothing_comes_within_a_pause_and_it_goes_on_afterwards(
    session: Session, house: Cafe, person: Subscriber, frozen_clock: time_machine.Traveller
) -> None:
    """Case 35: a letter whose time comes inside a pause."""
    preferences.snooze(session, person.id, house.mailing_list.id, 30)
    frozen_clock.shift(timedelta(days=30, seconds=-1))
    assert _asked(session, house, person) is RefusalCode.SNOOZED
    assert _asked(session, house, person, important=True) is RefusalCode.SNOOZED
    frozen_clock.shift(timedelta(seconds=1))
    assert _asked(session, house, person) is None
    assert preferences.paused_until(as_stored(session, house, person)) is None


def test_a_pause_can_be_ended_before_its_time(session: Session, house: Cafe, person: Subscriber) -> None:
    assert not preferences.resume(session, person.id, house.mailing_list.id)
    preferences.snooze(session, person.id, house.mailing_list.id, 90)
    assert _asked(session, house, person) is RefusalCode.SNOOZED
    assert preferences.resume(session, person.id, house.mailing_list.id)
    assert _asked(session, house, person) is None
    assert [_details(session, event)["snooze_until"] for event in _narrowed(session, person)][-1] == 0


def test_rarer_and_back_is_narrowing_and_never_a_new_consent(session: Session, house: Cafe, person: Subscriber) -> None:
    number, authorising = house.mailing_list.id, as_stored(session, house, person).consent_event_id
    assert preferences.choose_frequency(session, person.id, number, Frequency.IMPORTANT)
    assert _asked(session, house, person) is RefusalCode.FREQUENCY
    assert _asked(session, house, person, important=True) is None
    assert not preferences.choose_frequency(session, person.id, number, Frequency.IMPORTANT)
    assert preferences.choose_frequency(session, person.id, number, Frequency.ALL)
    assert _asked(session, house, person) is None
    assert as_stored(session, house, person).consent_event_id == authorising
    assert [_details(session, event) for event in _narrowed(session, person)] == [
        {"frequency": "important", "frequency_before": "all"},
        {"frequency": "all", "frequency_before": "important"},
    ]
    kinds = [event.kind for event in consent.history(session, person)]
    assert kinds.count(EventKind.GIVEN) == 1
    assert EventKind.RENEWED not in kinds


def test_only_what_was_offered_is_taken_and_the_last_topic_cannot_go(
    session: Session, house: Cafe, person: Subscriber
) -> None:
    number, offered = house.mailing_list.id, {"t1": "bread", "t2": "cake", "t3": "coffee"}
    assert preferences.choose_topics(session, person.id, number, ["t2", "t1", "weapons"], offered=offered)
    assert as_stored(session, house, person).topics == ["t1", "t2"]
    assert not preferences.choose_topics(session, person.id, number, ["t1", "t2"], offered=offered)
    with pytest.raises(Invalid, match="at least one topic"):
        preferences.choose_topics(session, person.id, number, [], offered=offered)
    assert as_stored(session, house, person).topics == ["t1", "t2"]
    # All of them is what the text said, so none is stored: what the list takes up later comes as well.
    assert preferences.choose_topics(session, person.id, number, ["t1", "t2", "t3"], offered=offered)
    assert as_stored(session, house, person).topics == []
    told = [_details(session, event) for event in _narrowed(session, person)]
    assert told == [{"topics": "bread, cake"}, {"topics": "all"}]


def test_a_language_is_no_matter_of_consent(session: Session, house: Cafe, person: Subscriber) -> None:
    del house
    assert preferences.choose_language(session, person.id, "pl")
    assert not preferences.choose_language(session, person.id, "pl")
    assert not preferences.choose_language(session, person.id, "xx")
    session.expire_all()
    assert person.language == "pl"
    assert _narrowed(session, person) == []


def test_who_has_left_has_nothing_to_choose_and_no_choice_brings_her_back(
    session: Session, house: Cafe, person: Subscriber
) -> None:
    number = house.mailing_list.id
    complaint.stop_everything(session, person.id, method=Method.PAGE)
    assert not preferences.snooze(session, person.id, number, 30)
    assert not preferences.resume(session, person.id, number)
    assert not preferences.choose_frequency(session, person.id, number, Frequency.WEEKLY)
    assert not preferences.choose_topics(session, person.id, number, ["t1"], offered={"t1": "bread"})
    assert not preferences.snooze(session, 10**9, number, 30)
    assert as_stored(session, house, person).state is SubscriptionState.UNSUBSCRIBED
    assert _narrowed(session, person) == []


def test_the_link_of_a_letter_lives_thirty_days_from_its_last_use(
    session: Session, house: Cafe, person: Subscriber, frozen_clock: time_machine.Traveller
) -> None:
    handed = clock.now()
    almost = timedelta(days=30, seconds=-1)

    def lives(moment: datetime = handed) -> bool:
        session.flush()
        return preferences.link_lives(session, 7, moment)

    frozen_clock.shift(almost)
    assert lives()
    # Another letter's link, and the choices made by it, are another matter.
    preferences.snooze(session, person.id, house.mailing_list.id, 30, delivery_id=8)
    frozen_clock.shift(timedelta(seconds=1))
    assert not lives()
    frozen_clock.shift(timedelta(seconds=-1))
    preferences.choose_frequency(session, person.id, house.mailing_list.id, Frequency.MONTHLY, delivery_id=7)
    frozen_clock.shift(almost)
    assert lives()
    frozen_clock.shift(timedelta(seconds=1))
    assert not lives()

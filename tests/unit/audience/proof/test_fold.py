"""The subscriptions are a projection of the ledger: told by it, repaired from it, raised by the person's word alone."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from listkeeper.audience import (
    answering,
    complaint,
    confirmation,
    consent,
    lifecycle,
    mailing_list,
    signup_form,
    suppression,
    unsubscribe,
)
from listkeeper.audience.consent import ConsentEvent, Method
from listkeeper.audience.proof import fold
from listkeeper.audience.proof.fold import Claim, Repair
from listkeeper.audience.proof.ledger import EventType
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Basis, Subscription, SubscriptionState
from listkeeper.audience.suppression import Reason
from tests.makers import cafe
from tests.makers.cafe import Cafe
from tests.unit.audience.conftest import HER, as_stored

S = SubscriptionState
SUBJECT, LIST = "a" * 32, "lst_1"
KEY = (SUBJECT, LIST)


def _record(kind: EventType, seq: int = 1, **more: object) -> dict[str, object]:
    return {"type": kind.value, "subject": SUBJECT, "list": LIST, "seq": seq, "ts": 0, "details": {}} | more


@pytest.mark.parametrize(
    ("events", "state"),
    [
        ([], None),
        ([EventType.REQUESTED], S.PENDING),
        ([EventType.REQUESTED, EventType.DOI_HANDED, EventType.DOI_ACCEPTED], S.PENDING),
        ([EventType.REQUESTED, EventType.GIVEN], S.CONFIRMED),
        ([EventType.REQUESTED, EventType.EXPIRED], S.EXPIRED),
        ([EventType.REQUESTED, EventType.EXPIRED, EventType.REQUESTED], S.EXPIRED),
        ([EventType.REQUESTED, EventType.REFUSED], S.REFUSED),
        ([EventType.GIVEN, EventType.REFUSED], S.CONFIRMED),
        ([EventType.GIVEN, EventType.EXPIRED], S.LAPSED),
        ([EventType.GIVEN, EventType.LAPSED], S.LAPSED),
        ([EventType.GIVEN, EventType.NARROWED], S.CONFIRMED),
        ([EventType.GIVEN, EventType.WITHDRAWN], S.UNSUBSCRIBED),
        ([EventType.GIVEN, EventType.OBJECTED], S.UNSUBSCRIBED),
        ([EventType.GIVEN, EventType.COMPLAINED], S.COMPLAINED),
        ([EventType.GIVEN, EventType.WITHDRAWN, EventType.REQUESTED], S.UNSUBSCRIBED),
        ([EventType.GIVEN, EventType.WITHDRAWN, EventType.GIVEN], S.CONFIRMED),
        ([EventType.GIVEN, EventType.RENEWED], S.CONFIRMED),
        ([EventType.GIVEN, EventType.RESTRICTED, EventType.ADDRESS_CHANGED], S.CONFIRMED),
        ([EventType.GIVEN, EventType.INVALIDATED], S.IMPORTED_UNVERIFIED),
        ([EventType.GIVEN, EventType.ERASED], None),
        ([EventType.GIVEN, EventType.ERASED, EventType.REQUESTED], S.PENDING),
    ],
)
def test_the_last_word_counts(events: list[EventType], state: SubscriptionState | None) -> None:
    rows = [_record(kind, number) for number, kind in enumerate(events, 1)]
    assert fold.fold(rows) == ({} if state is None else {KEY: state})


def test_every_event_is_understood() -> None:
    for kind in EventType:
        fold.fold([_record(EventType.GIVEN), _record(kind, 2)])


def test_lists_and_people_do_not_mix() -> None:
    rows = [
        _record(EventType.GIVEN),
        _record(EventType.GIVEN, list="lst_2"),
        _record(EventType.GIVEN, subject="b" * 32),
        _record(EventType.WITHDRAWN, list="lst_2"),
        _record(EventType.COMPLAINED, subject="b" * 32),
        _record(EventType.TEXT_PUBLISHED, subject="", list="lst_1"),
    ]
    assert fold.fold(rows) == {KEY: S.CONFIRMED, (SUBJECT, "lst_2"): S.UNSUBSCRIBED, ("b" * 32, LIST): S.COMPLAINED}


def _batch(seq: int, name: str = "imp_1") -> dict[str, object]:
    return _record(EventType.IMPORTED, seq, subject="", details={"batch": name})


def _undo(seq: int, name: str = "imp_1") -> dict[str, object]:
    return _record(EventType.INVALIDATED, seq, subject="", details={"batch": name})


PROVEN, UNPROVEN = Claim(SUBJECT, evidenced=True), Claim(SUBJECT, evidenced=False)


@pytest.mark.parametrize(
    ("rows", "claims", "state"),
    [
        ([_batch(1)], {}, None),
        ([_batch(1)], {1: [PROVEN]}, S.CONFIRMED),
        ([_batch(1)], {1: [UNPROVEN]}, S.IMPORTED_UNVERIFIED),
        ([_batch(1)], {1: [UNPROVEN, PROVEN]}, S.CONFIRMED),
        ([_batch(1), _batch(2, "imp_2")], {1: [UNPROVEN], 2: [PROVEN]}, S.CONFIRMED),
        ([_batch(1), _batch(2, "imp_2")], {1: [PROVEN], 2: [UNPROVEN]}, S.CONFIRMED),
        ([_record(EventType.WITHDRAWN), _batch(2)], {2: [PROVEN]}, S.UNSUBSCRIBED),
        ([_record(EventType.REQUESTED), _batch(2)], {2: [PROVEN]}, S.PENDING),
        ([_batch(1), _undo(2)], {1: [PROVEN]}, S.IMPORTED_UNVERIFIED),
        ([_batch(1), _undo(2, "imp_2")], {1: [PROVEN]}, S.CONFIRMED),
        ([_batch(1), _record(EventType.GIVEN, 2), _undo(3)], {1: [PROVEN]}, S.CONFIRMED),
        ([_batch(1), _record(EventType.WITHDRAWN, 2), _undo(3)], {1: [PROVEN]}, S.UNSUBSCRIBED),
    ],
)
def test_a_claim_brings_nobody_back(
    rows: list[dict[str, object]], claims: dict[int, list[Claim]], state: SubscriptionState | None
) -> None:
    assert fold.fold(rows, claims) == ({} if state is None else {KEY: state})


# On a database


def _says(session: Session, house: Cafe) -> dict[tuple[str, str], SubscriptionState]:
    return {key: word.state for key, word in fold.of(session, house.organisation).items()}


def test_a_life_told_by_the_ledger_is_the_life_in_the_table(
    session: Session, house: Cafe, frozen_clock: time_machine.Traveller
) -> None:
    bread = mailing_list.create(session, house.organisation, name="Bread club")
    other = Cafe(house.organisation, house.owner, bread, signup_form.create(session, house.organisation, bread))
    people = [cafe.subscribe(session, house, f"guest-{number}@guest.example") for number in range(5)]
    cafe.subscribe(session, other, "guest-1@guest.example")
    complaint.complain(session, people[1].id)
    unsubscribe.leave(session, people[2].id, house.mailing_list.id, Method.ONE_CLICK)
    answering.refuse(session, confirmation.token_of(cafe.sign_up(session, house, "who@guest.example")))
    cafe.sign_up(session, house, "late@guest.example")
    as_stored(session, house, people[3]).valid_until = people[3].created_at + timedelta(days=1)
    frozen_clock.shift(timedelta(days=8))
    lifecycle.end_due(session)
    session.flush()
    rows = session.execute(
        select(Subscriber.subject_ref, Subscription.list_id, Subscription.state).join(
            Subscription, Subscription.subscriber_id == Subscriber.id
        )
    )
    names = {house.mailing_list.id: house.mailing_list.public_id, bread.id: bread.public_id}
    held = {(row[0], names[row[1]]): row[2] for row in rows}
    assert set(held.values()) == {S.CONFIRMED, S.COMPLAINED, S.UNSUBSCRIBED, S.REFUSED, S.EXPIRED, S.LAPSED}
    assert _says(session, house) == held
    assert fold.heal(session, house.organisation) == []


@pytest.mark.parametrize("state", [state for state in S if state is not S.CONFIRMED])
def test_who_gave_her_word_is_put_back_where_it_left_her(
    session: Session, house: Cafe, person: Subscriber, state: SubscriptionState
) -> None:
    before = as_stored(session, house, person).ledger_seq
    session.execute(update(Subscription).values(state=state, ledger_seq=None, basis=Basis.NONE))
    assert fold.heal(session, house.organisation) == [
        Repair(person.subject_ref, house.mailing_list.public_id, state, S.CONFIRMED)
    ]
    held = as_stored(session, house, person)
    assert (held.state, held.basis, held.ledger_seq) == (S.CONFIRMED, Basis.CONSENT, before)
    assert fold.heal(session, house.organisation) == []


def test_a_lost_row_is_made_again_and_its_event_too(session: Session, house: Cafe, person: Subscriber) -> None:
    given = consent.history(session, person)[-1]
    kept = (given.kind, given.method, given.at, given.consent_text_id, given.form_version_id, given.basis)
    session.execute(delete(Subscription))
    session.execute(delete(ConsentEvent).where(ConsentEvent.id == given.id))
    session.expire_all()
    assert [repair.was for repair in fold.heal(session, house.organisation)] == [None]
    held = as_stored(session, house, person)
    again = session.get_one(ConsentEvent, held.consent_event_id)
    assert held.state is S.CONFIRMED
    # The ledger tells when it was written down, in milliseconds.
    assert abs(again.at - kept[2]) < timedelta(seconds=1)
    assert (again.kind, again.method) == kept[:2]
    assert (again.consent_text_id, again.form_version_id, again.basis) == kept[3:]


@pytest.mark.parametrize("how", ["leave", "complain", "object"])
def test_nobody_is_raised_by_hand(session: Session, house: Cafe, person: Subscriber, how: str) -> None:
    if how == "leave":
        unsubscribe.leave(session, person.id, house.mailing_list.id, Method.ONE_CLICK)
    elif how == "complain":
        complaint.complain(session, person.id)
    else:
        complaint.object_to_marketing(session, person.id, method=Method.PAGE)
    was = as_stored(session, house, person).state
    session.execute(update(Subscription).values(state=S.CONFIRMED))
    assert [repair.now for repair in fold.heal(session, house.organisation)] == [was]
    assert as_stored(session, house, person).state is was


def test_who_is_confirmed_by_nothing_is_kept_unmailed(session: Session, house: Cafe) -> None:
    asked = cafe.sign_up(session, house, HER)
    stranger = session.get_one(Subscriber, asked.subscriber_id)
    stranger.subject_ref = "f" * 32
    session.execute(update(Subscription).values(state=S.CONFIRMED, basis=Basis.CONSENT, ledger_seq=1))
    assert [repair.now for repair in fold.heal(session, house.organisation)] == [S.IMPORTED_UNVERIFIED]
    assert as_stored(session, house, stranger).basis is Basis.NONE


def test_a_yes_that_cites_another_row_cites_its_own_again(session: Session, house: Cafe, person: Subscriber) -> None:
    true = as_stored(session, house, person).ledger_seq
    session.execute(update(Subscription).values(ledger_seq=1))
    assert len(fold.heal(session, house.organisation)) == 1
    assert as_stored(session, house, person).ledger_seq == true


@pytest.mark.parametrize("scope", [suppression.ALL, suppression.MARKETING, "purpose:newsletter", "list:1"])
def test_nobody_suppressed_is_raised(session: Session, house: Cafe, person: Subscriber, scope: str) -> None:
    session.execute(update(Subscription).values(state=S.BOUNCED))
    suppression.add(session, house.organisation.id, person.suppression_key, scope=scope, reason=Reason.HARD_BOUNCE)
    assert fold.heal(session, house.organisation) == []
    assert as_stored(session, house, person).state is S.BOUNCED


def test_the_demos_people_are_left_alone(session: Session, house: Cafe, person: Subscriber) -> None:
    person.demo, person.subject_ref = True, "d" * 32
    session.flush()
    assert fold.heal(session, house.organisation) == []
    assert as_stored(session, house, person).state is S.CONFIRMED


def test_fold_names_no_address(session: Session, house: Cafe, person: Subscriber) -> None:
    session.execute(update(Subscription).values(state=S.LAPSED))
    assert HER not in repr(fold.heal(session, house.organisation)) + repr(fold.of(session, house.organisation))

"""Two lists become one and no yes gets wider: purposes stay apart, and who left either has left both (case 24)."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.audience import mailing_list, merging, resting, signup_form, subscription, suppression
from listkeeper.audience import unsubscribe as leaving
from listkeeper.audience.consent import Method
from listkeeper.audience.mailing_list import ListState, MailingList
from listkeeper.audience.merging import Merged
from listkeeper.audience.proof import ledger, ledger_audit
from listkeeper.audience.proof.ledger import EventType, LedgerRow
from listkeeper.audience.resting import RestBatch
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Subscription, SubscriptionState
from listkeeper.audience.suppression import Reason
from listkeeper.foundation.errors import Conflict, Invalid
from listkeeper.sending import proof
from tests.makers import cafe, gate, silent
from tests.makers.cafe import Cafe

ANNA, BO, CECILIE = "anna@people.example", "bo@people.example", "cecilie@people.example"


@pytest.fixture
def bread(session: Session, house: Cafe) -> Cafe:
    """Another list of the house."""
    made = mailing_list.create(session, house.organisation, name="Bread club")
    return Cafe(house.organisation, house.owner, made, signup_form.create(session, house.organisation, made))


def _merge(session: Session, source: Cafe, target: Cafe) -> Merged:
    told = merging.forecast(session, source.mailing_list, target.mailing_list)
    done = merging.merge(session, source.organisation, source.mailing_list, target.mailing_list, actor="user:1")
    assert done == told
    assert ledger_audit.check(session, source.organisation).faults == []
    return done


def _row(session: Session, person: Subscriber, on: MailingList) -> tuple[object, ...] | None:
    found = subscription.of(session, person.id, on.id)
    if found is None:
        return None
    return found.state, found.basis, found.purpose, found.consent_event_id, found.consent_text_id, found.ledger_seq


def test_who_moves_keeps_text_event_and_basis(session: Session, house: Cafe, bread: Cafe) -> None:
    anna = cafe.subscribe(session, bread, ANNA)
    before = _row(session, anna, bread.mailing_list)
    assert _merge(session, bread, house) == Merged(moved=1, on_both=0, left_one=0, stayed=0)
    assert _row(session, anna, bread.mailing_list) is None
    assert _row(session, anna, house.mailing_list) == before
    assert gate.says(session, anna, house.mailing_list) == gate.GRANTED
    assert gate.says(session, anna, bread.mailing_list) == "no_basis"


def test_another_purpose_stays_and_gets_nothing_of_the_target(session: Session, house: Cafe, bread: Cafe) -> None:
    """Case 24: the consents of lists with different purposes stay per purpose, and none is widened."""
    anna, bo = cafe.subscribe(session, bread, ANNA), cafe.subscribe(session, house, BO)
    house.mailing_list.purpose = "offers"
    held = subscription.of(session, bo.id, house.mailing_list.id)
    assert held is not None
    held.purpose = "offers"
    session.flush()
    before = _row(session, anna, bread.mailing_list)
    assert _merge(session, bread, house) == Merged(moved=0, on_both=0, left_one=0, stayed=1)
    assert _row(session, anna, bread.mailing_list) == before
    assert gate.says(session, anna, house.mailing_list) == "no_basis"
    assert gate.says(session, anna, bread.mailing_list) == gate.GRANTED
    assert gate.says(session, bo, house.mailing_list) == gate.GRANTED


def test_a_purpose_that_was_swapped_since_is_no_consent_either(session: Session, house: Cafe, bread: Cafe) -> None:
    """What counts is what she said yes to, not what the list is for today."""
    anna = cafe.subscribe(session, bread, ANNA)
    for each in (house.mailing_list, bread.mailing_list):
        each.purpose = "offers"
    assert _merge(session, bread, house).stayed == 1
    assert gate.says(session, anna, house.mailing_list) == "no_basis"


def test_who_is_on_both_keeps_what_she_said_to_the_target(session: Session, house: Cafe, bread: Cafe) -> None:
    anna = cafe.subscribe(session, house, ANNA)
    cafe.subscribe(session, bread, ANNA)
    before = _row(session, anna, house.mailing_list)
    assert _merge(session, bread, house) == Merged(moved=0, on_both=1, left_one=0, stayed=0)
    assert _row(session, anna, house.mailing_list) == before
    assert _row(session, anna, bread.mailing_list) is None


@pytest.mark.parametrize("left_the_source", [True, False])
def test_who_left_one_has_left_both(session: Session, house: Cafe, bread: Cafe, left_the_source: bool) -> None:
    anna = cafe.subscribe(session, house, ANNA)
    cafe.subscribe(session, bread, ANNA)
    left = bread if left_the_source else house
    leaving.leave(session, anna.id, left.mailing_list.id, Method.ONE_CLICK)
    assert _merge(session, bread, house) == Merged(moved=0, on_both=0, left_one=1, stayed=0)
    for each in (house, bread):
        assert gate.says(session, anna, each.mailing_list) == "withdrawn"


def test_who_left_stays_out_though_nobody_knows_her_any_more(session: Session, house: Cafe, bread: Cafe) -> None:
    """A suppression of the merged list holds for the target, also for an address that was only ever hashed."""
    key = suppression.key_of(house.organisation.id, BO)
    scope = suppression.list_scope(bread.mailing_list.id)
    suppression.add(session, house.organisation.id, key, scope=scope, reason=Reason.MANUAL)
    _merge(session, bread, house)
    held = {(row.scope, row.reason) for row in suppression.reasons(session, house.organisation.id, key)}
    assert (suppression.list_scope(house.mailing_list.id), Reason.MANUAL) in held
    bo = cafe.subscribe(session, house, BO)
    assert gate.says(session, bo, house.mailing_list) == gate.GRANTED  # her own new yes, and nothing less, lifts it


def test_an_old_letter_leads_out_of_the_list_that_took_over(session: Session, house: Cafe, bread: Cafe) -> None:
    anna = cafe.subscribe(session, bread, ANNA)
    _merge(session, bread, house)
    left = leaving.leave(session, anna.id, bread.mailing_list.id, Method.ONE_CLICK)
    assert left.undo is not None
    assert gate.says(session, anna, house.mailing_list) == "withdrawn"
    assert leaving.undo(session, left.undo)
    assert gate.says(session, anna, house.mailing_list) == gate.GRANTED


def test_a_question_that_still_waits_stays_where_it_was_asked(session: Session, house: Cafe, bread: Cafe) -> None:
    asked = cafe.sign_up(session, bread, CECILIE)
    person = session.get_one(Subscriber, asked.subscriber_id)
    _merge(session, bread, house)
    held = subscription.of(session, person.id, bread.mailing_list.id)
    assert held is not None
    assert held.state is SubscriptionState.PENDING
    assert gate.says(session, person, house.mailing_list) == "no_basis"


def test_the_ledger_says_that_the_lists_were_merged(session: Session, house: Cafe, bread: Cafe) -> None:
    cafe.subscribe(session, bread, ANNA)
    _merge(session, bread, house)
    row = session.scalars(select(LedgerRow).where(LedgerRow.type == EventType.LIST_MERGED.value)).one()
    fields = ledger.fields_of(row)
    assert (fields["list"], fields["actor"]) == (bread.mailing_list.public_id, "user:1")
    assert fields["details"] == {"into": house.mailing_list.public_id, "moved": 1, "stayed": 0}


def test_the_proof_of_who_moved_shows_what_she_said_yes_to(session: Session, house: Cafe, bread: Cafe) -> None:
    anna = cafe.subscribe(session, bread, ANNA)
    text = signup_form.newest(session, bread.form).consent_text.whole
    _merge(session, bread, house)
    certificate = proof.gather(session, house.organisation, anna.subject_ref, spoken="en")
    (permission,) = certificate.permissions
    assert (permission.list_name, permission.permits) == ("News", True)
    given = [each for each in permission.happenings if each.type == EventType.GIVEN.value]
    assert [" ".join(each.text.sentences) for each in given if each.text] == [text]
    assert certificate.elsewhere == ()


def test_a_merge_that_cannot_be_changes_nothing(session: Session, house: Cafe, bread: Cafe) -> None:
    anna = cafe.subscribe(session, bread, ANNA)
    with pytest.raises(Invalid):
        merging.merge(session, house.organisation, bread.mailing_list, bread.mailing_list, actor="user:1")
    house.mailing_list.state = ListState.ARCHIVED
    with pytest.raises(Conflict):
        merging.merge(session, house.organisation, bread.mailing_list, house.mailing_list, actor="user:1")
    assert gate.says(session, anna, bread.mailing_list) == gate.GRANTED


def test_two_lists_merged_into_each_other_lead_nobody_in_a_circle(session: Session, house: Cafe, bread: Cafe) -> None:
    anna = cafe.subscribe(session, bread, ANNA)
    _merge(session, bread, house)
    _merge(session, house, bread)
    leaving.leave(session, anna.id, house.mailing_list.id, Method.ONE_CLICK)
    assert gate.says(session, anna, bread.mailing_list) == "withdrawn"
    stranger = cafe.subscribe(session, house, BO)
    assert subscription.followed(session, stranger.id, bread.mailing_list.id) is not None
    assert subscription.followed(session, 0, bread.mailing_list.id) is None


# Who rests


def _rest(session: Session, house: Cafe, *which: Subscription) -> RestBatch:
    people = select(Subscription.id).where(Subscription.id.in_([each.id for each in which]))
    return resting.begin(session, house.mailing_list, people, actor="user:1", figures={"silent": len(which)})


def _mailable(session: Session, on: Cafe) -> set[int]:
    return set(session.scalars(subscription.mailable(on.mailing_list, practice=False)))


def test_who_rests_rests_on_and_is_woken_from_the_page_of_the_list_that_took_over(
    session: Session, house: Cafe, bread: Cafe
) -> None:
    """A merge is no act of hers; that her clicks are seen no more, which it brings with it, is none either."""
    anna, bo, carl = silent.people(session, bread, "anna bo carl")
    batch = _rest(session, bread, anna, bo)
    since = batch.started_at
    _merge(session, bread, house)
    assert (anna.tracking_since, anna.resting_since, anna.rest_batch_id) == (None, since, batch.id)
    assert _mailable(session, house) == {carl.subscriber_id}
    assert [each.id for each in resting.all_of(session, house.mailing_list)] == [batch.id]
    assert resting.all_of(session, bread.mailing_list) == []
    assert (resting.count(session, house.mailing_list), resting.count(session, bread.mailing_list)) == (2, 0)
    assert resting.undo(session, batch) == 2
    assert _mailable(session, house) == {each.subscriber_id for each in (anna, bo, carl)}


def test_a_batch_is_divided_where_some_of_it_stay_behind(session: Session, house: Cafe, bread: Cafe) -> None:
    """Whoever said yes to something else stays, and is woken where she is."""
    anna, bo = silent.people(session, bread, "anna bo")
    bo.purpose = "offers"
    session.flush()
    first = _rest(session, bread, anna, bo)
    _merge(session, bread, house)
    [taken] = resting.all_of(session, house.mailing_list)
    assert resting.all_of(session, bread.mailing_list) == [first]
    assert (first.number, taken.number, taken.public_id != first.public_id) == (1, 1, True)
    assert (taken.figures, taken.actor, taken.started_at) == (first.figures, first.actor, first.started_at)
    assert (anna.rest_batch_id, bo.rest_batch_id) == (taken.id, first.id)
    assert resting.undo(session, taken) == 1
    assert _mailable(session, house) == {anna.subscriber_id}
    assert (resting.still(session, first), resting.count(session, bread.mailing_list)) == (1, 1)


def test_a_batch_that_is_over_or_whose_people_are_awake_stays_where_it_was(
    session: Session, house: Cafe, bread: Cafe
) -> None:
    anna, bo = silent.people(session, bread, "anna bo")
    over = _rest(session, bread, anna)
    resting.undo(session, over)
    awake = _rest(session, bread, bo)
    subscription.wake(bo)
    session.flush()
    _merge(session, bread, house)
    assert resting.all_of(session, bread.mailing_list) == [awake, over]
    assert resting.all_of(session, house.mailing_list) == []


def test_who_is_on_both_rests_on_as_she_does_on_the_target(session: Session, house: Cafe, bread: Cafe) -> None:
    [here] = silent.people(session, house, "anna")
    [there] = silent.people(session, bread, "anna")
    batch = _rest(session, bread, there)
    _merge(session, bread, house)
    assert here.rest_batch_id is None
    assert _mailable(session, house) == {here.subscriber_id}
    assert [each.id for each in resting.all_of(session, bread.mailing_list)] == [batch.id]
    assert resting.still(session, batch) == 0

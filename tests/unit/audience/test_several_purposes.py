"""Several purposes on one form: a box each that nobody ticked, one mail, and a yes of its own for each."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.audience import (
    answering,
    confirmation,
    consent,
    consent_text,
    erasure,
    lifecycle,
    mailing_list,
    signup_form,
    subscription,
    unsubscribe,
)
from listkeeper.audience.answering import Answer
from listkeeper.audience.confirmation import AskKind, Confirmation, FurtherList
from listkeeper.audience.consent import EventKind, Method
from listkeeper.audience.forms import form_offer, form_record, form_stamp
from listkeeper.audience.forms.form_offer import Offer
from listkeeper.audience.mailing_list import ListState, MailingList
from listkeeper.audience.proof import ledger_audit
from listkeeper.audience.signup import SignupDecision
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import SubscriptionState
from listkeeper.foundation import clock
from listkeeper.foundation.errors import Invalid
from tests.makers import cafe, gate, purposes
from tests.makers.cafe import Cafe

HER = "freja@guest.example"


@pytest.fixture
def lists(session: Session, house: Cafe) -> list[MailingList]:
    """The form's own list and two more with boxes on it."""
    return [house.mailing_list, *purposes.offer(session, house, "Bread club", "Evenings")]


def _states(session: Session, asked: Confirmation, lists: list[MailingList]) -> list[str]:
    found = [subscription.of(session, asked.subscriber_id, each.id) for each in lists]
    return [one.state.value if one is not None else "" for one in found]


def _person(session: Session, asked: Confirmation) -> Subscriber:
    return session.get_one(Subscriber, asked.subscriber_id)


def test_nothing_ticked_is_no_signup(session: Session, house: Cafe, lists: list[MailingList]) -> None:
    with pytest.raises(Invalid) as refused:
        purposes.post(session, house, HER, [])
    assert refused.value.code == "purpose_missing"
    stranger = mailing_list.create(session, house.organisation, name="Not on this form")
    with pytest.raises(Invalid):
        purposes.post(session, house, HER, [stranger])
    assert lists


def test_what_was_ticked_is_asked_in_one_mail_and_confirmed_each_by_itself(
    session: Session, house: Cafe, lists: list[MailingList]
) -> None:
    asked = purposes.ask(session, house, HER, [lists[0], lists[2]])
    assert _states(session, asked, lists) == ["pending", "", "pending"]
    assert confirmation.list_ids(session, asked) == [lists[0].id, lists[2].id]
    shown = confirmation.shown_by(session, asked)
    assert shown.list_names == "News and Evenings"
    assert "Evenings" in shown.agreed_to
    assert "Bread club" not in shown.agreed_to
    assert answering.confirm(session, purposes.token(asked)).answer is Answer.CONFIRMED
    assert _states(session, asked, lists) == ["confirmed", "", "confirmed"]
    person = _person(session, asked)
    events = consent.history(session, person)
    assert [event.kind for event in events] == [EventKind.REQUESTED] * 2 + [EventKind.GIVEN] * 2
    given = {event.list_id: event for event in events if event.kind is EventKind.GIVEN}
    for each in (lists[0], lists[2]):
        text = given[each.id].text
        assert text is not None
        assert (text.list_id, each.name in text.body) == (each.id, True)
        assert given[each.id].ledger_id is not None
        assert gate.says(session, person, each) == gate.GRANTED
    assert gate.says(session, person, lists[1]) != gate.GRANTED
    assert len({event.ledger_id for event in events}) == 4
    assert answering.confirm(session, purposes.token(asked)).answer is Answer.ALREADY_CONFIRMED


def test_only_another_list_may_be_ticked(session: Session, house: Cafe, lists: list[MailingList]) -> None:
    asked = purposes.ask(session, house, HER, [lists[1]])
    assert confirmation.shown_by(session, asked).mailing_list == lists[1]
    answering.confirm(session, purposes.token(asked))
    assert _states(session, asked, lists) == ["", "confirmed", ""]


def test_leaving_one_leaves_the_other(session: Session, house: Cafe, lists: list[MailingList]) -> None:
    asked = purposes.ask(session, house, HER, lists)
    answering.confirm(session, purposes.token(asked))
    unsubscribe.leave(session, asked.subscriber_id, lists[1].id, Method.PAGE)
    assert _states(session, asked, lists) == ["confirmed", "unsubscribed", "confirmed"]
    person = _person(session, asked)
    assert [gate.says(session, person, each) == gate.GRANTED for each in lists] == [True, False, True]


def test_who_has_one_already_is_asked_about_the_others(session: Session, house: Cafe, lists: list[MailingList]) -> None:
    answering.confirm(session, purposes.token(purposes.ask(session, house, HER, lists[:1])))
    second = purposes.post(session, house, HER, lists)
    assert second.decision is SignupDecision.ASKED
    asked = purposes.ask_of(session, second)
    assert confirmation.list_ids(session, asked) == [lists[1].id, lists[2].id]
    assert "News" not in confirmation.shown_by(session, asked).agreed_to
    answering.confirm(session, purposes.token(asked))
    third = purposes.post(session, house, HER, lists)
    assert third.decision is SignupDecision.ALREADY_SUBSCRIBED
    note = purposes.ask_of(session, third)
    assert note.kind is AskKind.ALREADY
    assert confirmation.shown_by(session, note).list_names == "News, Bread club, and Evenings"


def test_who_joined_one_meanwhile_still_says_yes_to_the_other(
    session: Session, house: Cafe, lists: list[MailingList]
) -> None:
    both = purposes.ask(session, house, HER, lists[:2])
    answering.confirm(session, purposes.token(purposes.ask(session, house, HER, lists[:1])))
    assert answering.confirm(session, purposes.token(both)).answer is Answer.CONFIRMED
    assert _states(session, both, lists) == ["confirmed", "confirmed", ""]
    given = [
        event.list_id for event in consent.history(session, _person(session, both)) if event.kind == "consent.given"
    ]
    assert sorted(given) == sorted(each.id for each in lists[:2])


def test_who_left_one_while_the_question_waited_comes_back_to_the_other_alone(
    session: Session, house: Cafe, lists: list[MailingList]
) -> None:
    both = purposes.ask(session, house, HER, lists[:2])
    answering.confirm(session, purposes.token(purposes.ask(session, house, HER, lists[:1])))
    unsubscribe.leave(session, both.subscriber_id, lists[0].id, Method.PAGE)
    assert answering.confirm(session, purposes.token(both)).answer is Answer.CONFIRMED
    assert _states(session, both, lists) == ["unsubscribed", "confirmed", ""]


def test_not_me_holds_for_all_of_it(session: Session, house: Cafe, lists: list[MailingList]) -> None:
    asked = purposes.ask(session, house, HER, lists)
    assert answering.refuse(session, purposes.token(asked)).answer is Answer.REFUSED
    assert _states(session, asked, lists) == ["refused"] * 3
    refused = [event.kind for event in consent.history(session, _person(session, asked))]
    assert refused.count(EventKind.REFUSED) == 3
    assert answering.confirm(session, purposes.token(asked)).answer is Answer.NO_EFFECT


def test_the_digits_say_yes_to_all_of_it(session: Session, house: Cafe, lists: list[MailingList]) -> None:
    asked = purposes.ask(session, house, HER, lists[1:])
    assert (
        answering.confirm(session, purposes.token(asked), code=confirmation.code_of(asked)).answer is Answer.CONFIRMED
    )
    assert _states(session, asked, lists) == ["", "confirmed", "confirmed"]


def test_a_question_never_answered_ends_for_each(session: Session, house: Cafe, lists: list[MailingList]) -> None:
    asked = purposes.ask(session, house, HER, lists[:2])
    with time_machine.travel(clock.now() + timedelta(days=6), tick=False):
        purposes.ask(session, house, HER, lists[:2])
    with time_machine.travel(clock.now() + timedelta(days=8), tick=False):
        # The newer question asks about both, the one beside the other as well.
        assert lifecycle.end_due(session) == 0
    with time_machine.travel(clock.now() + timedelta(days=14), tick=False):
        assert lifecycle.end_due(session) == 2
    assert _states(session, asked, lists) == ["expired", "expired", ""]


def test_a_version_is_named_by_its_boxes_and_the_ledger_proves_it(
    session: Session, house: Cafe, lists: list[MailingList]
) -> None:
    version = signup_form.newest(session, house.form)
    said = json.loads(form_record.content(version))
    assert [one["list"] for one in said["further"]] == [each.public_id for each in lists[1:]]
    assert hashlib.sha256(form_record.content(version)).hexdigest() == version.sha256
    answering.confirm(session, purposes.token(purposes.ask(session, house, HER, lists)))
    session.flush()
    assert ledger_audit.check(session, house.organisation).faults == []


def test_after_erasure_no_row_speaks_of_the_question(session: Session, house: Cafe, lists: list[MailingList]) -> None:
    asked = purposes.ask(session, house, HER, lists)
    erasure.erase(session, asked.subscriber_id, actor="subscriber", forget_copies=lambda _session, _person: None)
    assert session.scalars(select(FurtherList)).all() == []


def test_a_list_that_was_closed_is_no_longer_offered(session: Session, house: Cafe, lists: list[MailingList]) -> None:
    before = form_stamp.of(session, house.form.slug)
    lists[1].state = ListState.ARCHIVED
    session.flush()
    assert form_stamp.of(session, house.form.slug) != before
    shown = signup_form.shown(session, house.form.slug)
    assert [offer.mailing_list for offer in shown.boxes] == [lists[0], lists[2]]
    with pytest.raises(Invalid):
        purposes.post(session, house, HER, [lists[1]])
    assert len(signup_form.describe(session, shown.version).boxes) == 3


def _offer(session: Session, house: Cafe, other: MailingList, spoken: str = "en") -> Offer:
    words = consent_text.starter(house.organisation, other, spoken)
    return Offer(other, consent_text.publish(session, house.organisation, other, spoken, words))


def test_what_cannot_stand_on_one_form(session: Session, house: Cafe) -> None:
    own = house.mailing_list
    other = mailing_list.create(session, house.organisation, name="Bread club")
    form_offer.refuse_unfit(own, "en", [_offer(session, house, other)])
    cases = {
        "purpose_twice": [_offer(session, house, own)],
        "text_language": [_offer(session, house, other, "da")],
        "too_many_purposes": [_offer(session, house, other)] * 7,
    }
    for code, offers in cases.items():
        with pytest.raises(Invalid) as refused:
            form_offer.refuse_unfit(own, "en", offers)
        assert refused.value.code == code
    for name, value in (("jurisdiction", "dk"), ("least_age", 18), ("demo", True)):
        kept = getattr(other, name)
        setattr(other, name, value)
        assert not form_offer.fits(own, other), name
        setattr(other, name, kept)
    assert form_offer.fits(own, other)
    own.jurisdiction = other.jurisdiction = "ru"
    assert not form_offer.fits(own, other)


def test_the_button_stays_the_act_where_there_is_one_purpose(session: Session, house: Cafe) -> None:
    asked = cafe.sign_up(session, house, HER)
    assert signup_form.shown(session, house.form.slug).boxes == ()
    assert confirmation.list_ids(session, asked) == [house.mailing_list.id]
    assert session.scalars(select(FurtherList)).all() == []
    assert _states(session, asked, [house.mailing_list]) == [SubscriptionState.PENDING.value]

"""The question "was that you?": answered once, by the button or the code, by nobody else and not too late."""

from __future__ import annotations

from dataclasses import replace
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
    mailing_list,
    signup,
    signup_form,
    subscription,
    suppression,
    unsubscribe,
)
from listkeeper.audience.answering import CODE_TRIES, Answer
from listkeeper.audience.confirmation import Confirmation
from listkeeper.audience.consent import EventKind, Method
from listkeeper.audience.guard.limits import Limits
from listkeeper.audience.signup import SignupDecision
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Basis, Subscription, SubscriptionState
from listkeeper.audience.suppression import Reason, Suppression
from listkeeper.foundation import clock
from tests.makers import cafe, signups
from tests.makers.cafe import NO_BRAKES, Cafe

HER = "freja@guest.example"


@pytest.fixture
def asked(session: Session, house: Cafe) -> Confirmation:
    """A question that waits for its answer."""
    return cafe.sign_up(session, house, HER)


def _person(session: Session, asked: Confirmation) -> Subscriber:
    return session.get_one(Subscriber, asked.subscriber_id)


def _current(session: Session, asked: Confirmation) -> Subscription:
    found = subscription.of(session, asked.subscriber_id, asked.list_id)
    assert found is not None
    return found


def _kinds(session: Session, asked: Confirmation) -> list[EventKind]:
    return [event.kind for event in consent.history(session, _person(session, asked))]


def _unchanged(session: Session, asked: Confirmation) -> bool:
    session.flush()
    session.expire_all()
    return _current(session, asked).state is SubscriptionState.PENDING and _kinds(session, asked) == [
        EventKind.REQUESTED
    ]


def test_the_button_gives_consent_under_the_text_that_was_shown(session: Session, asked: Confirmation) -> None:
    answered = answering.confirm(session, confirmation.token_of(asked))
    assert (answered.answer, answered.confirmation) == (Answer.CONFIRMED, asked)
    current, shown = _current(session, asked), confirmation.shown_by(session, asked)
    given = consent.history(session, _person(session, asked))[-1]
    assert (given.kind, given.method, given.signup_id) == (EventKind.GIVEN, Method.BUTTON, asked.signup_id)
    assert (given.consent_text_id, given.form_version_id) == (shown.text.id, shown.version.id)
    assert current.state is SubscriptionState.CONFIRMED
    assert (current.basis, current.consent_event_id, current.consent_text_id) == (
        Basis.CONSENT,
        given.id,
        shown.text.id,
    )


def test_the_text_of_that_day_is_cited_though_the_owner_has_changed_it_since(
    session: Session, house: Cafe, asked: Confirmation
) -> None:
    before = confirmation.shown_by(session, asked)
    starter = consent_text.starter(house.organisation, house.mailing_list, "en")
    wording = replace(starter, button_label="Send it to me")
    newer = consent_text.publish(session, house.organisation, house.mailing_list, "en", wording)
    signup_form.publish(session, house.form, newer, title="Other words", thank_you="Tak")
    answering.confirm(session, confirmation.token_of(asked))
    assert _current(session, asked).consent_text_id == before.text.id != newer.id


def test_looking_changes_nothing_however_often(session: Session, asked: Confirmation) -> None:
    token = confirmation.token_of(asked)
    for _ in range(50):
        assert confirmation.find(session, token) is asked
    assert not session.dirty
    assert _unchanged(session, asked)
    assert signups.press(session, asked) is Answer.CONFIRMED


def test_a_second_post_says_so_and_adds_nothing(session: Session, asked: Confirmation) -> None:
    signups.press(session, asked)
    assert signups.press(session, asked) is Answer.ALREADY_CONFIRMED
    assert _kinds(session, asked) == [EventKind.REQUESTED, EventKind.GIVEN]


def test_a_question_lives_seven_days(
    session: Session, asked: Confirmation, frozen_clock: time_machine.Traveller
) -> None:
    asked.created_at = clock.now()
    session.flush()
    frozen_clock.shift(timedelta(days=7))
    assert signups.press(session, asked) is Answer.NO_EFFECT
    assert _unchanged(session, asked)
    frozen_clock.shift(timedelta(milliseconds=-1))
    assert signups.press(session, asked) is Answer.CONFIRMED


def test_forged_and_broken_tokens_have_no_effect(session: Session, asked: Confirmation) -> None:
    token, code = confirmation.token_of(asked), confirmation.code_of(asked)
    flipped = ("A" if token[0] != "A" else "B") + token[1:]
    foreign = unsubscribe.token_for(asked.id)
    near = (token[:-1], token + "A", flipped, token.swapcase(), code, asked.seed, asked.token_digest, foreign)
    for forged in ("", *near, "x" * 10_000, "\x00", "%00", "ø"):
        assert answering.confirm(session, forged).answer is Answer.NO_EFFECT, forged
        assert answering.refuse(session, forged).answer is Answer.NO_EFFECT, forged
        assert confirmation.find(session, forged) is None
    assert _unchanged(session, asked)


def test_the_database_holds_neither_token_nor_code(session: Session, asked: Confirmation) -> None:
    stored = [str(getattr(asked, column.key)) for column in Confirmation.__table__.columns]
    assert confirmation.token_of(asked) not in stored
    assert confirmation.code_of(asked) not in stored
    assert len(confirmation.code_of(asked)) == 6


def test_the_token_of_one_list_does_nothing_on_another(session: Session, house: Cafe, asked: Confirmation) -> None:
    other_list = mailing_list.create(session, house.organisation, name="Bread club")
    other = Cafe(
        house.organisation, house.owner, other_list, signup_form.create(session, house.organisation, other_list)
    )
    elsewhere = cafe.sign_up(session, other, HER)
    signups.press(session, asked)
    states = {row.list_id: row.state for row in session.scalars(select(Subscription))}
    assert states == {asked.list_id: SubscriptionState.CONFIRMED, other_list.id: SubscriptionState.PENDING}
    assert elsewhere.live


# The code


@pytest.fixture
def visit(session: Session, house: Cafe) -> tuple[str, Confirmation]:
    """The page that is still open, and the question behind it."""
    row, receipt = signups.post(session, house, "karl@guest.example")
    signup.decide(session, row.id, NO_BRAKES)
    found = signups.question(session, row)
    assert found is not None
    return receipt.visit, found


def _wrong(asked: Confirmation) -> str:
    return f"{(int(confirmation.code_of(asked)) + 1) % 1_000_000:06d}"


def test_the_code_gives_consent_like_the_button(session: Session, visit: tuple[str, Confirmation]) -> None:
    secret, asked = visit
    spaced = f" {confirmation.code_of(asked)[:3]}-{confirmation.code_of(asked)[3:]} "
    assert answering.confirm_by_code(session, secret, spaced).answer is Answer.CONFIRMED
    assert consent.history(session, _person(session, asked))[-1].method is Method.CODE


def test_the_first_mails_code_works_on_the_page_of_a_second_signup(
    session: Session, house: Cafe, visit: tuple[str, Confirmation]
) -> None:
    _, asked = visit
    once_a_day = Limits(signups_per_hour=100, confirmations_per_day=1, confirmations_per_month=3)
    again, receipt = signups.post(session, house, "karl@guest.example")
    other, others_page = signups.post(session, house, "maja@guest.example")
    assert signup.decide(session, again.id, once_a_day) is SignupDecision.BRAKED
    signup.decide(session, other.id, NO_BRAKES)
    code = confirmation.code_of(asked)
    assert answering.confirm_by_code(session, others_page.visit, code).answer is Answer.WRONG_CODE
    assert answering.confirm_by_code(session, receipt.visit, code).answer is Answer.CONFIRMED


def test_five_tries_are_counted_on_the_code(session: Session, visit: tuple[str, Confirmation]) -> None:
    secret, asked = visit
    for _ in range(CODE_TRIES - 1):
        assert answering.confirm_by_code(session, secret, _wrong(asked)).answer is Answer.WRONG_CODE
    session.expire_all()
    assert answering.confirm_by_code(session, secret, confirmation.code_of(asked)).answer is Answer.CONFIRMED


def test_the_sixth_try_is_wrong_even_when_it_is_right(session: Session, visit: tuple[str, Confirmation]) -> None:
    secret, asked = visit
    for _ in range(CODE_TRIES):
        answering.confirm_by_code(session, secret, _wrong(asked))
    assert answering.confirm_by_code(session, secret, confirmation.code_of(asked)).answer is Answer.WRONG_CODE
    assert _unchanged(session, asked)
    # The button in the mail still works: whoever guesses at the page must not lock the person out.
    assert signups.press(session, asked) is Answer.CONFIRMED


def test_the_code_lives_half_an_hour(
    session: Session, visit: tuple[str, Confirmation], frozen_clock: time_machine.Traveller
) -> None:
    secret, asked = visit
    asked.created_at = clock.now()
    session.flush()
    frozen_clock.shift(timedelta(minutes=30))
    assert answering.confirm_by_code(session, secret, confirmation.code_of(asked)).answer is Answer.WRONG_CODE
    frozen_clock.shift(timedelta(milliseconds=-1))
    assert answering.confirm_by_code(session, secret, confirmation.code_of(asked)).answer is Answer.CONFIRMED


def test_the_code_works_on_its_own_page_only(session: Session, house: Cafe, visit: tuple[str, Confirmation]) -> None:
    _secret, asked = visit
    _row, other = signups.post(session, house, "other@guest.example")
    for page in (other.visit, "", "x" * 22, asked.visit_digest):
        assert answering.confirm_by_code(session, page, confirmation.code_of(asked)).answer is Answer.WRONG_CODE
    assert _unchanged(session, asked)


def test_the_code_of_a_note_to_a_subscriber_is_no_code(session: Session, house: Cafe) -> None:
    person = cafe.subscribe(session, house, HER)
    unsubscribed = unsubscribe.leave(session, person.id, house.mailing_list.id, Method.PAGE)
    assert unsubscribed.undo is not None
    assert unsubscribe.undo(session, unsubscribed.undo)
    row, receipt = signups.post(session, house, HER)
    signup.decide(session, row.id, NO_BRAKES)
    note = signups.question(session, row)
    assert note is not None
    unsubscribe.leave(session, person.id, house.mailing_list.id, Method.PAGE)
    answers = {
        answering.confirm_by_code(session, receipt.visit, confirmation.code_of(note)).answer,
        answering.confirm(session, confirmation.token_of(note)).answer,
    }
    assert answers == {Answer.WRONG_CODE, Answer.NO_EFFECT}
    assert _current(session, note).state is SubscriptionState.UNSUBSCRIBED


# Not me


def test_not_me_refuses_once_and_keeps_the_proof(session: Session, house: Cafe, asked: Confirmation) -> None:
    token = confirmation.token_of(asked)
    assert answering.refuse(session, token).answer is Answer.REFUSED
    assert answering.refuse(session, token).answer is Answer.REFUSED
    assert _kinds(session, asked) == [EventKind.REQUESTED, EventKind.REFUSED]
    assert _current(session, asked).state is SubscriptionState.REFUSED
    rows = session.scalars(select(Suppression)).all()
    assert [(row.scope, row.reason) for row in rows] == [(suppression.CONFIRMATIONS, Reason.NOT_ME)]
    assert rows[0].until is not None
    assert abs(rows[0].until - clock.now() - timedelta(days=180)) < timedelta(minutes=1)


def test_nothing_confirms_after_not_me(session: Session, asked: Confirmation) -> None:
    answering.refuse(session, confirmation.token_of(asked))
    assert signups.press(session, asked) is Answer.NO_EFFECT
    assert _current(session, asked).state is SubscriptionState.REFUSED


def test_not_me_after_the_yes_has_no_effect(session: Session, asked: Confirmation) -> None:
    signups.press(session, asked)
    assert answering.refuse(session, confirmation.token_of(asked)).answer is Answer.NO_EFFECT
    assert _current(session, asked).state is SubscriptionState.CONFIRMED
    assert session.scalars(select(Suppression)).all() == []


def test_not_me_is_heard_after_the_question_has_expired(
    session: Session, asked: Confirmation, frozen_clock: time_machine.Traveller
) -> None:
    frozen_clock.shift(timedelta(days=40))
    assert answering.refuse(session, confirmation.token_of(asked)).answer is Answer.REFUSED


# Replays


def test_a_used_token_brings_nobody_back(session: Session, house: Cafe, asked: Confirmation) -> None:
    signups.press(session, asked)
    unsubscribe.leave(session, asked.subscriber_id, house.mailing_list.id, Method.ONE_CLICK)
    assert signups.press(session, asked) is Answer.NO_EFFECT
    assert _current(session, asked).state is SubscriptionState.UNSUBSCRIBED


@pytest.mark.parametrize("answer", ["leaves", "says it was not her"])
def test_an_older_question_brings_nobody_back(
    session: Session, house: Cafe, frozen_clock: time_machine.Traveller, answer: str
) -> None:
    """Two posts, two mails; what the person decided since the older one stands until a newer form."""
    older = cafe.sign_up(session, house, HER)
    frozen_clock.shift(timedelta(days=1))
    newer = cafe.sign_up(session, house, HER)
    frozen_clock.shift(timedelta(hours=1))
    if answer == "leaves":
        signups.press(session, newer)
        frozen_clock.shift(timedelta(hours=1))
        unsubscribe.leave(session, newer.subscriber_id, newer.list_id, Method.PAGE)
    else:
        answering.refuse(session, confirmation.token_of(newer))
    frozen_clock.shift(timedelta(hours=1))
    state = _current(session, older).state
    assert state is not SubscriptionState.CONFIRMED
    assert signups.press(session, older) is Answer.NO_EFFECT
    assert _current(session, older).state is state


def test_an_older_question_adds_no_second_yes(
    session: Session, house: Cafe, frozen_clock: time_machine.Traveller
) -> None:
    older = cafe.sign_up(session, house, HER)
    frozen_clock.shift(timedelta(days=1))
    newer = cafe.sign_up(session, house, HER)
    signups.press(session, newer)
    assert signups.press(session, older) is Answer.ALREADY_CONFIRMED
    assert _kinds(session, older).count(EventKind.GIVEN) == 1


def test_a_new_form_and_confirmation_brings_a_leaver_back_and_lifts_the_suppression(
    session: Session, house: Cafe, frozen_clock: time_machine.Traveller
) -> None:
    person = cafe.subscribe(session, house, HER)
    unsubscribe.leave(session, person.id, house.mailing_list.id, Method.ONE_CLICK)
    frozen_clock.shift(timedelta(days=2))
    again = cafe.sign_up(session, house, HER)
    assert _current(session, again).state is SubscriptionState.UNSUBSCRIBED
    assert suppression.reasons(session, house.organisation.id, person.suppression_key) != []
    assert signups.press(session, again) is Answer.CONFIRMED
    session.expire_all()
    assert suppression.reasons(session, house.organisation.id, person.suppression_key) == []
    assert _current(session, again).state is SubscriptionState.CONFIRMED


@pytest.mark.parametrize(
    "state",
    [SubscriptionState.BOUNCED, SubscriptionState.COMPLAINED, SubscriptionState.EXPIRED, SubscriptionState.REFUSED],
)
def test_from_every_other_state_a_new_confirmation_leads_back(
    session: Session, house: Cafe, frozen_clock: time_machine.Traveller, state: SubscriptionState
) -> None:
    older = cafe.sign_up(session, house, HER)
    frozen_clock.shift(timedelta(days=1))
    subscription.move(_current(session, older), state)
    frozen_clock.shift(timedelta(days=1))
    newer = cafe.sign_up(session, house, HER)
    assert signups.press(session, older) is Answer.NO_EFFECT
    assert signups.press(session, newer) is Answer.CONFIRMED


def test_what_a_confirmation_lifts(session: Session, house: Cafe) -> None:
    listed, elsewhere = house.mailing_list.id, house.mailing_list.id + 1
    hers = {suppression.ALL, suppression.MARKETING, f"purpose:{house.mailing_list.purpose}"}
    hers |= {suppression.list_scope(listed)}
    others = {suppression.CONFIRMATIONS, suppression.list_scope(elsewhere), "purpose:other"}
    for reason in Reason:
        typed = f"{reason}@guest.example"
        asked = cafe.sign_up(session, house, typed)
        key = suppression.key_of(house.organisation.id, typed)
        for scope in hers | others:
            suppression.add(session, house.organisation.id, key, scope=scope, reason=reason)
        signups.press(session, asked)
        session.expire_all()
        left = {row.scope for row in suppression.reasons(session, house.organisation.id, key)}
        assert left == others | (hers if reason in {Reason.LEGAL, Reason.NOT_ME} else set()), reason


def test_an_erased_person_cannot_confirm(session: Session, asked: Confirmation) -> None:
    _person(session, asked).erased_at = clock.now()
    assert signups.press(session, asked) is Answer.NO_EFFECT
    assert _unchanged(session, asked)

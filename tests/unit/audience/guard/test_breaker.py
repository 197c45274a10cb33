"""The breaker: what came of a form's questions decides how it is defended, a step at a time."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.audience import answering, complaint, confirmation, signup_form
from listkeeper.audience.answering import Answer
from listkeeper.audience.confirmation import Confirmation
from listkeeper.audience.guard import breaker, defence, watch
from listkeeper.audience.guard.defence import Reason, Stage
from listkeeper.audience.signup import SignupDecision
from listkeeper.audience.subscriber import Subscriber
from listkeeper.foundation import clock
from listkeeper.foundation.errors import Invalid
from listkeeper.foundation.outbox import Fact
from tests.makers import cafe, crowd, signups
from tests.makers.cafe import Cafe
from tests.makers.signups import LIMITS


def _asked(session: Session, house: Cafe, count: int, *, confirmed: int = 0, bounced: int = 0) -> None:
    crowd.ask(session, house, count, domain=f"{count}-{confirmed}-{bounced}.example")
    rows = session.scalars(select(Confirmation).order_by(Confirmation.id.desc()).limit(confirmed + bounced)).all()
    for row in rows[:confirmed]:
        row.used_at = clock.now()
    for row in rows[confirmed:]:
        row.bounced_at = clock.now()
    session.flush()


@pytest.mark.parametrize(
    ("count", "confirmed", "bounced", "reason"),
    [
        (breaker.ENOUGH - 1, 0, 0, None),
        (breaker.ENOUGH, 0, 0, Reason.FEW_CONFIRM),
        (breaker.ENOUGH, 4, 0, Reason.FEW_CONFIRM),
        (breaker.ENOUGH, 5, 0, None),
        (breaker.ENOUGH, 20, 5, None),
        (breaker.ENOUGH, 20, 6, Reason.BOUNCES),
    ],
)
def test_of_enough_questions_too_few_confirmed_or_too_many_bounced(  # noqa: PLR0917 - a row of a table
    session: Session,
    house: Cafe,
    frozen_clock: time_machine.Traveller,
    count: int,
    confirmed: int,
    bounced: int,
    reason: Reason | None,
) -> None:
    _asked(session, house, count, confirmed=confirmed, bounced=bounced)
    frozen_clock.shift(breaker.RIPE - timedelta(seconds=1))
    assert breaker.watch(session, LIMITS) == []
    frozen_clock.shift(timedelta(seconds=1))
    assert [row.reason for row in breaker.watch(session, LIMITS)] == ([reason] if reason else [])
    # The same questions raise no second step.
    assert breaker.watch(session, LIMITS) == []


def test_old_trouble_is_forgotten_when_the_newest_two_hundred_are_well(
    session: Session, house: Cafe, frozen_clock: time_machine.Traveller
) -> None:
    _asked(session, house, 60)
    _asked(session, house, breaker.LAST, confirmed=breaker.LAST // 2)
    frozen_clock.shift(breaker.RIPE)
    assert breaker.watch(session, LIMITS) == []


def test_a_complaint_about_a_question_raises_a_step_and_one_about_a_letter_does_not(
    session: Session, house: Cafe
) -> None:
    reader = cafe.subscribe(session, house, "reader@guest.example")
    complaint.complain(session, reader.id)
    assert defence.stage(session, house.form) is Stage.CALM
    asked = cafe.sign_up(session, house, "stranger@guest.example")
    complaint.complain(session, asked.subscriber_id)
    standing = defence.standing(session, house.form)
    assert standing is not None
    assert (standing.stage, standing.reason) == (Stage.WORK, Reason.COMPLAINT)
    assert session.scalars(select(Fact.name).where(Fact.name == defence.RAISED)).all() == [defence.RAISED]


def test_each_step_lasts_a_day_and_ends_by_itself_or_by_its_owner(
    session: Session, house: Cafe, frozen_clock: time_machine.Traveller
) -> None:
    for stage in (Stage.WORK, Stage.CODE, Stage.PAUSED, Stage.PAUSED):
        defence.raise_step(session, house.form, Reason.BOUNCES)
        assert defence.stage(session, house.form) is stage
    frozen_clock.shift(defence.LASTS)
    assert defence.stage(session, house.form) is Stage.CALM
    defence.raise_step(session, house.form, Reason.BOUNCES)
    assert defence.stage(session, house.form) is Stage.WORK
    defence.end(session, house.form)
    assert defence.stage(session, house.form) is Stage.CALM


def test_the_owners_word_is_for_all_forms_and_the_stronger_one_counts(session: Session, house: Cafe) -> None:
    other = signup_form.create(session, house.organisation, house.mailing_list)
    defence.declare_attack(session, house.organisation.id, "user:1")
    defence.declare_attack(session, house.organisation.id, "user:1")
    assert {defence.stage(session, form) for form in (house.form, other)} == {Stage.WORK}
    defence.raise_step(session, house.form, Reason.BOUNCES)
    defence.raise_step(session, house.form, Reason.BOUNCES)
    assert [defence.stage(session, form) for form in (house.form, other)] == [Stage.CODE, Stage.WORK]
    defence.call_off(session, house.organisation.id)
    assert [defence.stage(session, form) for form in (house.form, other)] == [Stage.CODE, Stage.CALM]


def test_a_paused_form_takes_nothing_and_says_so(session: Session, house: Cafe) -> None:
    for _ in range(3):
        defence.raise_step(session, house.form, Reason.FEW_CONFIRM)
    with pytest.raises(Invalid) as refused:
        signups.post(session, house, "freja@guest.example")
    assert refused.value.code == "form_paused"


def test_while_a_form_is_abused_the_button_alone_confirms_nobody(session: Session, house: Cafe) -> None:
    asked = cafe.sign_up(session, house, "freja@guest.example")
    token, code = confirmation.token_of(asked), confirmation.code_of(asked)
    assert not answering.wants_code(session, asked)
    for _ in range(2):
        defence.raise_step(session, house.form, Reason.FEW_CONFIRM)
    wrong = "000000" if code != "000000" else "111111"
    for typed in ("", wrong, "x" * 50):
        assert answering.confirm(session, token, code=typed).answer is Answer.WRONG_CODE
    assert answering.confirm(session, token, code=f"{code[:3]} {code[3:]}").answer is Answer.CONFIRMED
    assert answering.confirm(session, token).answer is Answer.ALREADY_CONFIRMED


def test_the_digits_have_five_tries_on_the_links_page_too(session: Session, house: Cafe) -> None:
    asked = cafe.sign_up(session, house, "freja@guest.example")
    for _ in range(2):
        defence.raise_step(session, house.form, Reason.FEW_CONFIRM)
    token, code = confirmation.token_of(asked), confirmation.code_of(asked)
    for _ in range(answering.CODE_TRIES):
        assert answering.confirm(session, token, code="1").answer is Answer.WRONG_CODE
    assert answering.confirm(session, token, code=code).answer is Answer.WRONG_CODE


def test_the_owner_sees_what_was_held_and_what_came_of_the_rest(session: Session, house: Cafe) -> None:
    asked = cafe.sign_up(session, house, "freja@guest.example")
    answering.confirm(session, confirmation.token_of(asked))
    cafe.sign_up(session, house, "karl@guest.example")
    signups.decided(session, house, "freja@guest.example", LIMITS)
    signups.post(session, house, "bot@guest.example", signups.Visit("192.0.2.1", "Test", trap="x"))
    found = watch.tally(session, house.form)
    assert (found.posts, found.asked, found.confirmed, found.bounced, found.held) == (4, 2, 1, 0, 2)
    assert found.by_decision == {
        SignupDecision.ASKED: 2, SignupDecision.BRAKED: 1, SignupDecision.TRAPPED: 1
    }  # fmt: skip
    assert session.get_one(Subscriber, asked.subscriber_id).erased_at is None

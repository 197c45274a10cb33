"""The letter of a step: what may stand in it, and whether it gives its readers something or asks them."""

from __future__ import annotations

import pytest
import time_machine
from sqlalchemy.orm import Session

from listkeeper.campaigns import campaign as campaigns
from listkeeper.campaigns import follow_up, follow_up_step, question_use, stance
from listkeeper.campaigns.follow_up import FollowUp, FollowUpState
from listkeeper.campaigns.follow_up_step import FollowUpStep, StepKind
from listkeeper.campaigns.revision import Draft
from listkeeper.campaigns.stance import Stance
from listkeeper.foundation.errors import Invalid
from listkeeper.insight import trust_account
from listkeeper.insight.trust_account import Balance
from listkeeper.rendering import document
from listkeeper.rendering.document import Mode
from tests.makers import cafe, follow_ups, questions
from tests.makers.cafe import Cafe

OFFER = Draft(
    "Buns, cheaper", "", mode=Mode.BLOCKS,
    blocks=document.blocks_of(
        [
            {
                "id": "b0000000001", "type": "offer", "title": "Six buns", "price": "4 €", "html": "<p>Warm.</p>",
                "label": "To the buns", "href": "https://cafe.example/buns",
            }
        ]
    ),
)  # fmt: skip


@pytest.fixture
def house(session: Session) -> Cafe:
    """A café with nobody on its list yet."""
    return cafe.found(session)


def _names(key: str) -> Draft:
    return Draft("Yours", "Warm", f'You like {{{{ subscriber.{key} | default: "cake" }}}}.')


def _step(session: Session, made: FollowUp) -> FollowUpStep:
    return follow_ups.steps(session, made)[0]


def _reword(session: Session, step: FollowUpStep, draft: Draft) -> None:
    campaigns.write(session, step.campaign, draft, base=campaigns.newest(session, step.campaign).number)


# Answers


def test_the_letter_of_a_step_may_name_answers_and_nothing_that_nobody_was_asked(session: Session, house: Cafe) -> None:
    question = questions.drafted(session, house, "cake")
    made = follow_ups.line(session, house, ((StepKind.LETTER, 2),), on=False)
    step = _step(session, made)
    _reword(session, step, _names("cakes"))
    with pytest.raises(Invalid):
        follow_up_step.choose_words(session, house.organisation, step, site=follow_ups.SITE)
    _reword(session, step, _names(question.key))
    assert follow_up_step.faults(session, house.organisation, step, site=follow_ups.SITE) == []
    follow_ups.switch_on(session, house, made)
    assert step.revision_id == campaigns.newest(session, step.campaign).id


def test_the_letter_of_a_step_uses_the_answers_that_it_names(session: Session, house: Cafe) -> None:
    question = questions.drafted(session, house, "cake")
    made = follow_ups.line(session, house, ((StepKind.LETTER, 2),), on=False)
    step = _step(session, made)
    assert question_use.of(session, question) == []
    _reword(session, step, _names(question.key))
    (use,) = question_use.of(session, question)
    assert (use.kind, use.public_id, use.name) == (question_use.LETTER, step.campaign.public_id, "Yours")
    # Nothing has left yet, and nothing could have.
    assert question_use.revisions_naming(session, question) == []
    follow_ups.switch_on(session, house, made)
    # What goes out is the chosen one, also while newer words wait that do not name it.
    _reword(session, step, follow_ups.WORDS)
    assert len(question_use.of(session, question)) == 1
    assert question_use.revisions_naming(session, question) == [step.revision_id]


@pytest.mark.parametrize("gone", ["removed", "archived"])
def test_a_step_that_nobody_gets_any_more_uses_nothing(session: Session, house: Cafe, gone: str) -> None:
    question = questions.drafted(session, house, "cake")
    made = follow_ups.line(session, house, ((StepKind.LETTER, 2), (StepKind.LETTER, 2)), on=False)
    step = _step(session, made)
    _reword(session, step, _names(question.key))
    follow_up_step.choose_words(session, house.organisation, step, site=follow_ups.SITE)
    assert len(question_use.of(session, question)) == 1
    if gone == "removed":
        follow_up_step.remove(session, step)
    else:
        follow_up.move(made, FollowUpState.ARCHIVED)
        session.flush()
    assert question_use.of(session, question) == []
    # Whom it reached before, her answer was used for.
    assert question_use.revisions_naming(session, question) == [step.revision_id]


# Whether it gives or asks


@pytest.mark.parametrize("kind", list(StepKind))
def test_each_kind_of_step_has_its_stance(session: Session, house: Cafe, kind: StepKind) -> None:
    made = follow_ups.line(session, house, ((kind, 2),), on=False)
    wanted = {
        StepKind.LETTER: Stance.NEWS, StepKind.ASK_ONE_MORE: Stance.DATA_REQUEST,
        StepKind.HOW_IS_IT_GOING: Stance.HELP, StepKind.RENEWAL: Stance.DATA_REQUEST,
    }[kind]  # fmt: skip
    assert stance.of(_step(session, made).campaign) is wanted


def test_a_step_that_is_a_letter_is_what_its_words_are_when_they_are_let_go(session: Session, house: Cafe) -> None:
    made = follow_ups.line(session, house, ((StepKind.LETTER, 2), (StepKind.RENEWAL, 2)), on=False)
    letter, renewal = follow_ups.steps(session, made)
    for step in (letter, renewal):
        _reword(session, step, OFFER)
    assert stance.of(letter.campaign) is Stance.NEWS
    for step in (letter, renewal):
        follow_up_step.choose_words(session, house.organisation, step, site=follow_ups.SITE)
    # A step made for something stays that, whatever stands beside it.
    assert [stance.of(step.campaign) for step in (letter, renewal)] == [Stance.OFFER, Stance.DATA_REQUEST]


def test_a_step_that_was_handed_over_stands_in_the_readers_account_and_not_in_the_lists(
    session: Session, house: Cafe, frozen_clock: time_machine.Traveller
) -> None:
    freja = cafe.subscribe(session, house, "freja@guest.example")
    questions.asked(session, house)
    made = follow_ups.line(session, house, ((StepKind.ASK_ONE_MORE, 0),))
    follow_ups.says_yes(session, freja)
    follow_ups.look(session, made)
    follow_ups.hand_over(session)
    assert [row.state.value for row in follow_ups.mails(session, made)] == ["accepted"]
    assert trust_account.balance_of_person(session, freja.id) == Balance(0, 1)
    assert trust_account.balance_of_person(session, freja.id).total == -1
    assert [given.stance for given in trust_account.given_to(session, freja.id)] == [Stance.DATA_REQUEST]
    assert trust_account.balance_of_list(session, house.mailing_list.id) == Balance()

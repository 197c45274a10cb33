"""Answers: one a question, checked, hers to take back, asked for once in a while, gone when she is or when unused."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.audience import (
    demo_leaving,
    erasure,
    preferences,
    profile,
    profile_question,
    profile_told,
    profile_version,
    subscriber,
    unsubscribe,
)
from listkeeper.audience.activity import Activity, ActivityKind
from listkeeper.audience.consent import Method
from listkeeper.audience.profile import PEACE, RATHER_NOT, REST, Asked, How, ProfileAnswer
from listkeeper.audience.profile_question import ProfileQuestion
from listkeeper.audience.profile_words import QuestionKind, Wording
from listkeeper.audience.subscriber import Subscriber
from listkeeper.foundation import clock
from listkeeper.foundation.errors import Conflict, Invalid
from tests.makers import cafe, questions
from tests.makers.cafe import Cafe
from tests.makers.questions import BENEFIT, WHY

ANNA, BO = "anna@example.example", "bo@example.example"


def _asked(session: Session, question: ProfileQuestion) -> Asked:
    return question, profile_version.newest(session, question)


def _give(session: Session, person: Subscriber, question: ProfileQuestion, *said: str) -> ProfileAnswer:
    return profile.give(session, person.id, _asked(session, question), said, How.PREFERENCES)


def _next(session: Session, person: Subscriber, house: Cafe) -> str | None:
    found = profile.next_for(session, person, house.mailing_list.id)
    return found[0].key if found else None


def test_an_answer_names_the_words_it_was_given_to(session: Session, house: Cafe) -> None:
    anna, asked = cafe.subscribe(session, house, ANNA), questions.asked(session, house)
    first = _asked(session, asked)
    words = {"en": Wording("Bread or pies?", WHY, BENEFIT, ("Rye bread", "Pies"))}
    profile_question.reword(session, house.organisation, asked, words)
    made = profile.give(session, anna.id, first, ["cakes"], How.LETTER)
    assert (made.value, made.version_id, made.how, made.declined) == ("cakes", first[1].id, How.LETTER, False)
    [told] = profile_told.told_by(session, anna, "en")
    assert (told.asked, told.said, told.version, told.list_name) == ("Bread or cakes?", "Cakes", 1, "News")
    # A later one stands in its place.
    _give(session, anna, asked, "pies")
    assert [(each.said, each.version) for each in profile_told.told_by(session, anna, "en")] == [("Pies", 2)]


@pytest.mark.parametrize("kind", [QuestionKind.CHOICE, QuestionKind.CHOICES])
@pytest.mark.parametrize("said", [(), ("coffee",), ("",), (RATHER_NOT,)])
def test_what_was_not_offered_is_no_answer(
    session: Session, house: Cafe, kind: QuestionKind, said: tuple[str, ...]
) -> None:
    anna = cafe.subscribe(session, house, ANNA)
    asked = questions.drafted(session, house, kind=kind, words=questions.BREAD)
    questions.use(session, house)
    profile_question.start(session, house.organisation, asked, [profile_question.Use("letter", "cmp_1", "x")])
    with pytest.raises(Invalid) as refused:
        _give(session, anna, asked, *said)
    assert refused.value.code == "answer_missing"
    assert session.scalars(select(ProfileAnswer)).all() == []


def test_several_answers_or_one(session: Session, house: Cafe) -> None:
    anna, one = cafe.subscribe(session, house, ANNA), questions.asked(session, house, "one")
    many = questions.drafted(session, house, "many", kind=QuestionKind.CHOICES, words=questions.BREAD)
    profile_question.start(session, house.organisation, many, [profile_question.Use("letter", "cmp_1", "x")])
    with pytest.raises(Invalid):
        _give(session, anna, one, "cakes", "rye-bread")
    _give(session, anna, many, "cakes", "rye-bread", "cakes")
    [told] = profile_told.told_by(session, anna, "en")
    assert told.said == "Rye bread, Cakes"


@pytest.mark.parametrize(
    ("said", "kept"),
    [("  Fido\r\n ", "Fido"), ("Fi\x00do\u2028x", "Fi do x"), ("x" * 80, "x" * 80), ("Кекс 🍰", "Кекс 🍰")],
)
def test_own_words_are_one_printable_line(session: Session, house: Cafe, said: str, kept: str) -> None:
    anna, asked = cafe.subscribe(session, house, ANNA), questions.asked(session, house, "dog", kind=QuestionKind.TEXT)
    assert _give(session, anna, asked, said).value == kept


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("  ", "answer_missing"),
        ("x" * 81, "answer_too_long"),
        ("https://evil.example/x", "answer_with_link"),
        ("see WWW.evil.example", "answer_with_link"),
    ],
)
def test_own_words_that_are_not_kept(session: Session, house: Cafe, said: str, code: str) -> None:
    anna, asked = cafe.subscribe(session, house, ANNA), questions.asked(session, house, "dog", kind=QuestionKind.TEXT)
    with pytest.raises(Invalid) as refused:
        _give(session, anna, asked, said)
    assert (refused.value.code, session.scalars(select(ProfileAnswer)).all()) == (code, [])


def test_one_question_at_a_time_and_none_the_same_day(session: Session, house: Cafe) -> None:
    start = clock.now()
    anna = cafe.subscribe(session, house, ANNA)
    assert _next(session, anna, house) is None
    one, _two, _three = (questions.asked(session, house, name) for name in ("one", "two", "three"))
    assert _next(session, anna, house) == "one"
    with time_machine.travel(start, tick=False):
        _give(session, anna, one, "cakes")
        assert _next(session, anna, house) is None
    with time_machine.travel(start + REST - timedelta(seconds=1), tick=False):
        assert _next(session, anna, house) is None
    with time_machine.travel(start + REST, tick=False):
        found = profile.next_for(session, anna, house.mailing_list.id)
        assert found is not None
        profile.decline(session, anna.id, found, How.CONFIRMED)
    with time_machine.travel(start + 3 * REST, tick=False):
        # The second one was declined, so the third comes.
        assert _next(session, anna, house) == "three"
        _give(session, anna, profile_question.every(session, house.mailing_list)[2], "cakes")
    with time_machine.travel(start + PEACE, tick=False):
        assert _next(session, anna, house) is None
    with time_machine.travel(start + REST + PEACE, tick=False):
        assert _next(session, anna, house) == "two"


def test_who_is_not_on_the_list_is_not_asked(session: Session, house: Cafe) -> None:
    asked = questions.asked(session, house)
    cafe.sign_up(session, house, BO)
    waiting = session.scalars(select(Subscriber)).one()
    anna = cafe.subscribe(session, house, ANNA)
    assert (_next(session, waiting, house), _next(session, anna, house)) == (None, "favourite")
    subscriber.restrict(session, anna, actor="subscriber")
    assert _next(session, anna, house) is None
    subscriber.unrestrict(session, anna, actor="user:1")
    unsubscribe.leave(session, anna.id, house.mailing_list.id, Method.PAGE)
    assert _next(session, anna, house) is None
    for person in (waiting, anna):
        with pytest.raises(Conflict) as refused:
            _give(session, person, asked, "cakes")
        assert refused.value.code == "question_over"
    assert preferences.last_choice_by(session, 1) is None


def test_what_is_not_asked_any_more_takes_no_answer(session: Session, house: Cafe) -> None:
    anna, asked = cafe.subscribe(session, house, ANNA), questions.asked(session, house)
    _give(session, anna, asked, "cakes")
    profile_question.stop(session, asked)
    with pytest.raises(Conflict):
        _give(session, anna, asked, "rye-bread")
    # What she said stays, and can be taken back all the same.
    assert [each.said for each in profile_told.told_by(session, anna, "en")] == ["Cakes"]
    assert profile.take_back(session, anna.id, asked.id)
    assert not profile.take_back(session, anna.id, asked.id)
    assert [(each.said, each.declined) for each in profile_told.told_by(session, anna, "en")] == [("", True)]


def test_answers_are_counted(session: Session, house: Cafe) -> None:
    asked = questions.drafted(session, house, kind=QuestionKind.CHOICES, words=questions.BREAD)
    profile_question.start(session, house.organisation, asked, [profile_question.Use("letter", "cmp_1", "x")])
    dog = questions.asked(session, house, "dog", kind=QuestionKind.TEXT)
    people = [cafe.subscribe(session, house, f"p{number}@example.example") for number in range(4)]
    for person, said in zip(people, (["cakes"], ["cakes", "rye-bread"], ["rye-bread"]), strict=False):
        _give(session, person, asked, *said)
        _give(session, person, dog, f"Fido {person.id}")
    profile.decline(session, people[3].id, _asked(session, asked), How.LETTER)
    counted = profile_told.counts(session, asked)
    assert (counted.by_choice, counted.answered, counted.declined) == ({"cakes": 2, "rye-bread": 2}, 3, 1)
    own = profile_told.counts(session, dog)
    assert (own.by_choice, own.answered, own.declined) == ({}, 3, 0)


def test_she_takes_her_answers_with_her(session: Session, house: Cafe) -> None:
    anna, bo = (cafe.subscribe(session, house, address) for address in (ANNA, BO))
    asked = questions.asked(session, house)
    for person in (anna, bo):
        _give(session, person, asked, "cakes")
    bo_id = bo.id
    erasure.erase(session, anna.id, actor="subscriber", forget_copies=lambda _session, _person: None)
    assert [row.subscriber_id for row in session.scalars(select(ProfileAnswer))] == [bo_id]


def test_rather_not_is_forgotten_when_it_has_served(session: Session, house: Cafe) -> None:
    anna, bo = (cafe.subscribe(session, house, address) for address in (ANNA, BO))
    asked = questions.asked(session, house)
    start = clock.now()
    with time_machine.travel(start, tick=False):
        profile.decline(session, anna.id, _asked(session, asked), How.LETTER)
        _give(session, bo, asked, "cakes")
    for later, left in ((PEACE, 2), (PEACE + timedelta(seconds=1), 1)):
        with time_machine.travel(start + later, tick=False):
            profile.forget_declined(session)
            assert len(session.scalars(select(ProfileAnswer)).all()) == left


def test_the_demo_takes_its_answers_along(session: Session, house: Cafe) -> None:
    anna, bo = (cafe.subscribe(session, house, address) for address in (ANNA, BO))
    asked = questions.asked(session, house)
    for person in (anna, bo):
        _give(session, person, asked, "cakes")
    bo.demo, kept = True, anna.id
    session.flush()
    demo_leaving.remove_people(session, house.organisation)
    assert [row.subscriber_id for row in session.scalars(select(ProfileAnswer))] == [kept]


def test_an_answer_is_an_act_and_rather_not_is_none(session: Session, house: Cafe) -> None:
    anna, question = cafe.subscribe(session, house, ANNA), questions.asked(session, house)
    query = select(Activity.kind, Activity.list_id).where(Activity.subscriber_id == anna.id)
    profile.decline(session, anna.id, _asked(session, question), How.LETTER)
    assert session.execute(query).all() == []
    for _ in range(2):
        _give(session, anna, question, "cakes")
    assert [tuple(row) for row in session.execute(query)] == [(ActivityKind.ANSWERED, house.mailing_list.id)]

"""Questions: said why, used by something, worded in versions, and never about what the law keeps apart."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.audience import mailing_list, merging, profile_question, profile_version, signup_form
from listkeeper.audience.profile_question import ProfileQuestion, QuestionState, Use
from listkeeper.audience.profile_version import ProfileQuestionVersion
from listkeeper.audience.profile_words import MOST, QuestionKind, Wording
from listkeeper.campaigns import campaign as campaigns
from listkeeper.campaigns import question_use
from listkeeper.campaigns.revision import Draft
from listkeeper.foundation.errors import Conflict, Invalid, NotFound
from listkeeper.rendering import document, form_snapshot
from listkeeper.rendering.document import Mode
from tests.makers import cafe, questions
from tests.makers.cafe import Cafe
from tests.makers.questions import BENEFIT, BREAD, WHY

USED = [Use("letter", "cmp_1", "Buns")]


def _start(session: Session, house: Cafe, question: ProfileQuestion, uses: list[Use] | None = None) -> None:
    profile_question.start(session, house.organisation, question, USED if uses is None else uses)


def _reword(session: Session, house: Cafe, question: ProfileQuestion, *words: Wording) -> ProfileQuestionVersion:
    spoken = ("en", "da", "sv")
    return profile_question.reword(session, house.organisation, question, dict(zip(spoken, words, strict=False)))


def test_a_question_waits_until_it_is_started(session: Session, house: Cafe) -> None:
    made = questions.drafted(session, house, "Favourite thing!")
    version = profile_version.newest(session, made)
    assert (made.key, made.state, made.version, version.asked_at) == ("favourite_thing", QuestionState.DRAFT, 1, None)
    assert version.choice_keys == ["rye-bread", "cakes"]
    assert profile_question.asked_on(session, [made.list_id]) == []
    _start(session, house, made)
    assert [each.key for each, _words in profile_question.asked_on(session, [made.list_id])] == ["favourite_thing"]
    assert (made.used_for, version.asked_at is not None) == (["letter cmp_1"], True)
    with pytest.raises(Conflict):
        _start(session, house, made)
    profile_question.stop(session, made)
    assert profile_question.asked_on(session, [made.list_id]) == []
    _start(session, house, made)
    assert made.state is QuestionState.ASKED


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (Wording("Bread or cakes?", "", BENEFIT, ("A", "B")), "question_without_why"),
        (Wording("Bread or cakes?", WHY, " ", ("A", "B")), "question_without_benefit"),
        (Wording("Bread or cakes?", WHY, BENEFIT, ("A",)), "question_choices"),
    ],
)
def test_nobody_is_asked_without_why_benefit_and_answers(
    session: Session, house: Cafe, words: Wording, code: str
) -> None:
    made = questions.drafted(session, house, words=words)
    with pytest.raises(Invalid) as refused:
        _start(session, house, made)
    assert (refused.value.code, made.state) == (code, QuestionState.DRAFT)


def test_nobody_is_asked_what_nothing_uses(session: Session, house: Cafe) -> None:
    made = questions.drafted(session, house)
    with pytest.raises(Invalid, match="what is not used is not asked") as refused:
        _start(session, house, made, [])
    assert (refused.value.code, made.state) == ("question_not_used", QuestionState.DRAFT)


@pytest.mark.parametrize(
    ("name", "words", "kind", "code"),
    [
        ("x", Wording("", WHY, BENEFIT, ("A", "B")), QuestionKind.CHOICE, "question_missing"),
        ("x", Wording("x" * 141), QuestionKind.TEXT, "question_too_long"),
        ("x", Wording("Why?", "x" * 201), QuestionKind.TEXT, "question_too_long"),
        ("x", Wording("Which?", choices=("x" * 61, "y")), QuestionKind.CHOICE, "question_too_long"),
        ("x", Wording("Which?", choices=("Bread", "bread")), QuestionKind.CHOICE, "question_choices"),
        ("x", Wording("Which?", choices=tuple("abcdefghi")), QuestionKind.CHOICES, "question_choices"),
        ("x", Wording("Which?", choices=("a", "b")), QuestionKind.TEXT, "question_choices"),
        ("x", Wording("Which church do you go to?"), QuestionKind.TEXT, "question_special_category"),
        ("x", Wording("Which?", choices=("Cakes", "Trade union")), QuestionKind.CHOICE, "question_special_category"),
        ("", BREAD, QuestionKind.CHOICE, "question_name"),
        ("7 things", BREAD, QuestionKind.CHOICE, "question_name"),
        ("!!!", BREAD, QuestionKind.CHOICE, "question_name"),
    ],
)
def test_what_cannot_be_asked_is_not_stored(  # noqa: PLR0917 - a row of the table
    session: Session, house: Cafe, name: str, words: Wording, kind: QuestionKind, code: str
) -> None:
    with pytest.raises(Invalid) as refused:
        questions.drafted(session, house, name, kind=kind, words=words)
    assert refused.value.code == code
    assert session.scalars(select(ProfileQuestion)).all() == []


def test_a_name_is_given_once_on_a_list_and_twenty_are_enough(session: Session, house: Cafe) -> None:
    questions.drafted(session, house)
    with pytest.raises(Conflict) as refused:
        questions.drafted(session, house, "Favourite")
    assert refused.value.code == "question_exists"
    for number in range(profile_question.MOST - 1):
        questions.drafted(session, house, f"more{number}")
    with pytest.raises(Conflict) as refused:
        questions.drafted(session, house, "one_more")
    assert refused.value.code == "too_many_questions"
    assert MOST < profile_question.MOST


def test_words_somebody_was_asked_in_stay(session: Session, house: Cafe) -> None:
    made = questions.drafted(session, house)
    typo = _reword(session, house, made, Wording("Bread or cake?", WHY, BENEFIT, ("Rye bread", "Cake")))
    assert (typo.number, typo.choice_keys) == (1, ["rye-bread", "cake"])
    _start(session, house, made)
    before = typo.sha256
    again = _reword(session, house, made, Wording("Bread or cake?", WHY, BENEFIT, ("Rye bread", "Cake")))
    assert (again.number, again.sha256) == (1, before)
    other = _reword(session, house, made, Wording("Bread, cake or pie?", WHY, BENEFIT, ("Cake", "Rye bread", "Pie")))
    # What is called the same is the same choice, wherever it stands.
    assert (other.number, other.choice_keys, made.version) == (2, ["cake", "rye-bread", "pie"], 2)
    assert other.asked_at is not None
    assert other.sha256 != before
    assert profile_version.asked_version(session, made, 1).wording("en")[1].question == "Bread or cake?"
    assert profile_version.asked_version(session, made, 99).number == 2
    with pytest.raises(Invalid) as refused:
        _reword(session, house, made, Wording("Bread?", "", BENEFIT, ("Yes", "No")))
    assert refused.value.code == "question_without_why"
    assert profile_version.newest(session, made).number == 2
    profile_question.stop(session, made)
    waiting = _reword(session, house, made, Wording("Pie?", WHY, BENEFIT, ("Yes", "No")))
    assert (waiting.number, waiting.asked_at) == (3, None)
    # Nobody was asked in it, so an answer cannot be given to it by its number.
    _start(session, house, made)
    assert waiting.asked_at is not None


def test_a_choice_that_is_called_the_same_in_one_language_keeps_its_key(session: Session, house: Cafe) -> None:
    made = questions.drafted(session, house)
    both = _reword(session, house, made, BREAD, Wording("Brød eller kager?", WHY, BENEFIT, ("Rugbrød", "Kager")))
    assert both.names("da") == {"rye-bread": "Rugbrød", "cakes": "Kager"}
    english = Wording("Bread or cakes?", WHY, BENEFIT, ("Dark bread", "Cakes"))
    renamed = _reword(session, house, made, english, Wording("Brød eller kager?", WHY, BENEFIT, ("Rugbrød", "Kager")))
    assert renamed.names("en") == {"rye-bread": "Dark bread", "cakes": "Cakes"}
    assert renamed.names("sv", "da") == {"rye-bread": "Rugbrød", "cakes": "Kager"}


def test_every_language_of_the_forms_needs_words(session: Session, house: Cafe) -> None:
    signup_form.create(session, house.organisation, house.mailing_list, spoken="da", show=form_snapshot.page_of)
    made = questions.drafted(session, house)
    assert profile_question.languages_of(session, house.organisation, house.mailing_list) == ["en", "da"]
    with pytest.raises(Invalid, match="Danish"):
        _start(session, house, made)
    _reword(session, house, made, BREAD, Wording("Brød eller kager?", WHY, BENEFIT, ("Rugbrød",)))
    with pytest.raises(Invalid) as refused:
        _start(session, house, made)
    assert refused.value.code == "question_choices"
    _reword(session, house, made, BREAD, Wording("Brød eller kager?", WHY, BENEFIT, ("Rugbrød", "Kager")))
    _start(session, house, made)


def test_only_what_was_never_asked_can_be_removed(session: Session, house: Cafe) -> None:
    made = questions.drafted(session, house)
    profile_question.remove(session, made)
    assert session.scalars(select(ProfileQuestionVersion)).all() == []
    asked = questions.asked(session, house)
    with pytest.raises(Conflict):
        profile_question.remove(session, asked)
    with pytest.raises(NotFound):
        profile_question.identified(session, house.organisation, "qst_nothing")


def test_the_order_can_be_changed(session: Session, house: Cafe) -> None:
    questions.drafted(session, house, "one")
    second = questions.drafted(session, house, "two")
    for _ in range(2):
        profile_question.move_up(session, second)
        session.flush()
        assert [each.key for each in profile_question.every(session, house.mailing_list)] == ["two", "one"]


def test_questions_come_along_when_lists_merge(session: Session, house: Cafe) -> None:
    events = mailing_list.create(session, house.organisation, name="Events")
    moved, clash = questions.asked(session, house), questions.asked(session, house, "dog")
    there = Cafe(house.organisation, house.owner, events, house.form)
    questions.drafted(session, there, "dog")
    merging.merge(session, house.organisation, house.mailing_list, events, actor="cli")
    assert [each.key for each in profile_question.every(session, events)] == ["dog", "favourite"]
    assert (moved.state, clash.state, clash.list_id) == (
        QuestionState.ASKED, QuestionState.STOPPED, house.mailing_list.id,
    )  # fmt: skip


def test_a_letter_uses_what_it_names_and_nothing_else(session: Session, house: Cafe) -> None:
    made = questions.drafted(session, house, "cake")
    cafe.draft(session, house, subject="Cakes", markdown="Our subscriber.cake, as we say, and {{ subscriber.cakes }}.")
    assert question_use.of(session, made) == []
    letter = cafe.draft(
        session, house, subject="Yours", markdown="{% if subscriber.cake == 'Cakes' %}Cakes!{% endif %}"
    )
    assert [(use.kind, use.public_id, use.name) for use in question_use.of(session, made)] == [
        ("letter", letter.public_id, "Yours")
    ]
    events = mailing_list.create(session, house.organisation, name="Events")
    other = questions.drafted(session, Cafe(house.organisation, house.owner, events, house.form), "cake")
    assert question_use.of(session, other) == []


@pytest.mark.parametrize(
    "draft",
    [
        Draft("Yours", "", mode=Mode.HTML, html="<p>{{ subscriber.cake }}</p>"),
        Draft(
            "Yours",
            "",
            mode=Mode.BLOCKS,
            blocks=document.blocks_of(
                [{"id": "b0000000001", "type": "columns", "right": {"title": "{{ subscriber.cake | default: 'any' }}"}}]
            ),
        ),
    ],
    ids=["own html", "blocks"],
)
def test_it_does_so_whichever_way_it_is_written(session: Session, house: Cafe, draft: Draft) -> None:
    made, other = questions.drafted(session, house, "cake"), questions.drafted(session, house, "cak")
    letter = campaigns.create(session, house.organisation, house.mailing_list, draft)
    assert [use.public_id for use in question_use.of(session, made)] == [letter.public_id]
    assert question_use.of(session, other) == []

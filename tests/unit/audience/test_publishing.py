"""Nothing is published that the law forbids: texts, second texts, ages, languages, and the page itself."""

from __future__ import annotations

import ast
import json
from dataclasses import replace

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from listkeeper.audience import consent, consent_text, jurisdiction, list_rules, mailing_list, signup_form
from listkeeper.audience.consent_text import ConsentText, TextKind
from listkeeper.audience.forms import form_family, form_record
from listkeeper.audience.proof.ledger import LedgerRow
from listkeeper.audience.signup_form import FormState, ShownForm, SignupFormVersion
from listkeeper.foundation import language
from listkeeper.foundation.errors import Conflict, Invalid, NotFound
from listkeeper.rendering import form_snapshot
from tests.architecture import source
from tests.makers import cafe, gate
from tests.makers.cafe import Cafe

ANNA = "anna@people.example"


@pytest.mark.parametrize("code", jurisdiction.codes())
@pytest.mark.parametrize("spoken", language.LANGUAGES)
def test_a_form_begins_with_words_that_its_rules_allow(session: Session, house: Cafe, spoken: str, code: str) -> None:
    house.mailing_list.jurisdiction = code
    house.mailing_list.least_age = 18
    made = signup_form.create(
        session, house.organisation, house.mailing_list, spoken=spoken, show=form_snapshot.page_of
    )
    version = signup_form.newest(session, made)
    assert form_family.behind(version) == []
    assert (version.second_text is not None) == consent_text.needs_second(house.mailing_list)
    assert "18" in version.consent_text.age_statement


def test_all_that_is_wrong_is_said_at_once(session: Session, house: Cafe) -> None:
    before = _counts(session)
    starter = consent_text.starter(house.organisation, house.mailing_list, "en")
    wrong = replace(starter, body="Yes: Café Kardemomme, I accept the terms.", withdrawal="Log in to stop.")
    with pytest.raises(Invalid) as refused:
        consent_text.publish(session, house.organisation, house.mailing_list, "en", wrong)
    found = consent_text.findings(house.organisation, house.mailing_list, "en", wrong)
    assert refused.value.code == found[0].code == "text_without_content"
    assert {"text_without_frequency", "text_bundled", "withdrawal_not_easy"} <= {each.code for each in found}
    for each in found:
        assert each.message in refused.value.message
    assert _counts(session) == before


def _counts(session: Session) -> list[int | None]:
    return [
        session.scalar(select(func.count()).select_from(kind)) for kind in (ConsentText, SignupFormVersion, LedgerRow)
    ]


def test_what_is_only_doubtful_is_published(session: Session, house: Cafe) -> None:
    starter = consent_text.starter(house.organisation, house.mailing_list, "da")
    found = consent_text.findings(
        house.organisation, house.mailing_list, "da", replace(starter, withdrawal="Jeg kan ringe for at framelde mig.")
    )
    assert {each.severity.value for each in found} == {"WARN"}
    said = replace(starter, withdrawal="Jeg kan ringe for at framelde mig.")
    assert consent_text.publish(session, house.organisation, house.mailing_list, "da", said).version == 1


def test_what_a_list_is_called_is_not_held_against_it(session: Session, house: Cafe) -> None:
    for name in ("Partner news", "Terms of tea"):
        made = mailing_list.create(session, house.organisation, name=name)
        assert signup_form.create(session, house.organisation, made).language == "en"


def test_a_form_in_another_language_needs_a_text_in_it(session: Session, house: Cafe) -> None:
    danish = signup_form.create(session, house.organisation, house.mailing_list, spoken="da")
    english = signup_form.newest(session, house.form).consent_text
    before = signup_form.newest(session, danish)
    with pytest.raises(Invalid) as refused:
        signup_form.publish(session, danish, english, title="Get News", thank_you="Thanks")
    assert refused.value.code == "text_language"
    assert signup_form.newest(session, danish) is before
    empty = replace(signup_form.starter(house.organisation, house.mailing_list, "pl"), title="x")
    nothing = replace(empty, wording=replace(empty.wording, body=" "))
    with pytest.raises(Invalid) as refused:
        signup_form.create(session, house.organisation, house.mailing_list, spoken="pl", words=nothing)
    assert refused.value.code == "text_incomplete"


# The page


@pytest.mark.parametrize(
    ("page", "code"),
    [
        ('<form><label><input type="checkbox" checked> News, weekly</label><button>Go</button></form>', "box_ticked"),
        ("<form><p>I accept the terms.</p><button>Go</button></form>", "box_bundled"),
        ("", "form_empty"),
    ],
)
def test_a_page_that_tricks_people_is_not_published(session: Session, house: Cafe, page: str, code: str) -> None:
    before = _counts(session)
    text = signup_form.newest(session, house.form).consent_text
    with pytest.raises(Invalid) as refused:
        signup_form.publish(session, house.form, text, title="New", thank_you="Thanks", show=lambda _shown: page)
    assert refused.value.code == code
    assert _counts(session) == before


def test_the_page_that_is_checked_is_the_one_that_is_about_to_be_shown(session: Session, house: Cafe) -> None:
    seen: list[ShownForm] = []

    def show(shown: ShownForm) -> str:
        seen.append(shown)
        return form_snapshot.page_of(shown)

    text = signup_form.newest(session, house.form).consent_text
    version = signup_form.publish(session, house.form, text, title="Warm buns", thank_you="Thanks", show=show)
    (shown,) = seen
    assert shown.version is version
    page = form_snapshot.page_of(shown)
    assert "Warm buns" in page
    assert text.body in page


def test_every_shell_lets_its_forms_be_checked() -> None:
    """Without the page there is nothing to check, so nobody above the audience may forget it."""
    forgotten, looked_at = [], 0
    for file in source.package():
        if not file.module.startswith(("listkeeper.web.", "listkeeper.cli.", "listkeeper.jobs.")):
            continue
        for node in ast.walk(file.tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in {
                *(f"signup_form.{verb}" for verb in ("create", "publish", "publish_words")),
                "form_family.follow_notice",
            }:
                looked_at += 1
                if "show" not in {keyword.arg for keyword in node.keywords}:
                    forgotten.append(f"{file.name}:{node.lineno}")
    assert looked_at >= 6
    assert forgotten == []


# The second consent and the age


def test_where_two_consents_are_needed_one_is_no_form(session: Session, house: Cafe) -> None:
    text = signup_form.newest(session, house.form).consent_text
    list_rules.choose(house.mailing_list, "ru")
    assert form_family.behind(signup_form.newest(session, house.form)) == ["second_text_missing"]
    with pytest.raises(Invalid) as refused:
        signup_form.publish(session, house.form, text, title="T", thank_you="T")
    assert refused.value.code == "second_text_missing"
    words = signup_form.starter(house.organisation, house.mailing_list, "en")
    made = signup_form.publish_words(session, house.organisation, house.form, words, show=form_snapshot.page_of)
    assert made.second_text is not None
    assert made.second_text.kind is TextKind.PERSONAL_DATA
    assert json.loads(form_record.content(made))["second_text_sha256"] == made.second_text.sha256


def test_a_list_that_asks_for_an_age_has_forms_that_do(session: Session, house: Cafe) -> None:
    person = cafe.subscribe(session, house, ANNA)
    mailing_list.ask_age(house.mailing_list, 16)
    assert form_family.behind(signup_form.newest(session, house.form)) == ["age_not_asked"]
    assert list_rules.shut_out(session, house.mailing_list, list_rules.of(house.mailing_list), 16) == 1
    assert list_rules.shut_out(session, house.mailing_list, list_rules.of(house.mailing_list), 0) == 0
    assert gate.says(session, person, house.mailing_list) == "age_not_stated"
    starter = signup_form.starter(house.organisation, house.mailing_list, "en")
    silent = replace(starter, wording=replace(starter.wording, age_statement=""))
    with pytest.raises(Invalid) as refused:
        signup_form.publish_words(session, house.organisation, house.form, silent)
    assert refused.value.code == "text_without_age"
    made = signup_form.publish_words(session, house.organisation, house.form, starter)
    assert (made.least_age, form_family.behind(made)) == (16, [])


@pytest.mark.parametrize("age", [-1, 100])
def test_an_age_that_is_none_is_refused(house: Cafe, age: int) -> None:
    with pytest.raises(Invalid):
        mailing_list.ask_age(house.mailing_list, age)
    assert house.mailing_list.least_age == 0


def test_other_rules_shut_people_out_and_let_them_in_again(session: Session, house: Cafe) -> None:
    person = cafe.subscribe(session, house, ANNA)
    assert gate.says(session, person, house.mailing_list) == gate.GRANTED
    russian = list_rules.choose(house.mailing_list, "ru")
    assert list_rules.shut_out(session, house.mailing_list, russian, 0) == 1
    assert gate.says(session, person, house.mailing_list) == "missing_second_consent"
    danish = list_rules.choose(house.mailing_list, "dk")
    assert list_rules.shut_out(session, house.mailing_list, danish, 0) == 0
    assert gate.says(session, person, house.mailing_list) == gate.GRANTED
    with pytest.raises(NotFound):
        list_rules.choose(house.mailing_list, "atlantis")
    assert house.mailing_list.jurisdiction == "dk"


# Versions, names, doors


def test_who_agreed_to_which_version_is_counted_once(session: Session, house: Cafe) -> None:
    first = signup_form.newest(session, house.form)
    for address in (ANNA, "bo@people.example"):
        cafe.subscribe(session, house, address)
    second = signup_form.publish(session, house.form, first.consent_text, title="New", thank_you="Thanks")
    cafe.subscribe(session, house, "cecilie@people.example")
    cafe.sign_up(session, house, "dan@people.example")
    assert consent.agreed(session, house.form) == {first.id: 2, second.id: 1}
    assert [version.version for version in signup_form.versions(session, house.form)] == [2, 1]


def test_a_closed_form_takes_nobody_until_it_is_opened(session: Session, house: Cafe) -> None:
    signup_form.close(house.form)
    session.flush()
    with pytest.raises(NotFound):
        signup_form.shown(session, house.form.slug)
    signup_form.reopen(house.form)
    session.flush()
    assert signup_form.shown(session, house.form.slug).form.state is FormState.OPEN


def test_a_list_gets_another_name_and_the_words_keep_the_old_one(session: Session, house: Cafe) -> None:
    before = signup_form.newest(session, house.form).consent_text.whole
    mailing_list.rename(session, house.mailing_list, "  Warm \n news ")
    assert (house.mailing_list.name, house.mailing_list.slug) == ("Warm news", "news")
    assert signup_form.newest(session, house.form).consent_text.whole == before
    mailing_list.create(session, house.organisation, name="Bread")
    for name, kind in (("Bread", Conflict), ("", Invalid), ("x" * 201, Invalid)):
        with pytest.raises(kind):
            mailing_list.rename(session, house.mailing_list, name)
    assert house.mailing_list.name == "Warm news"

"""Lists, forms and texts: named for people, versioned, and never changed once published."""

from __future__ import annotations

import re

import pytest
from sqlalchemy.orm import Session

from listkeeper.audience import consent_text, mailing_list, signup_form, subscriber
from listkeeper.audience.consent_text import ConsentText, Wording
from listkeeper.audience.mailing_list import ListState
from listkeeper.audience.signup_form import FormState, SignupFormVersion
from listkeeper.foundation import language
from listkeeper.foundation.errors import Conflict, Invalid, NotFound
from tests.makers import cafe
from tests.makers.cafe import Cafe


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("News from the Café", "news-from-the-cafe"),
        ("Nyt fra Kærgård", "nyt-fra-kaergard"),
        ("Größe & Łódź", "grosse-lodz"),
        ("Новости", "novosti"),
        ("  ---x--- ", "x"),
        ("a" * 200, "a" * 60),
    ],
)
def test_a_list_has_a_short_name_for_addresses(session: Session, house: Cafe, name: str, slug: str) -> None:
    made = mailing_list.create(session, house.organisation, name=name)
    assert made.slug == slug
    assert mailing_list.named(session, house.organisation, slug) is made
    assert mailing_list.named(session, house.organisation, made.public_id) is made


def test_a_name_that_cannot_be_spelt_in_ascii_gets_a_random_short_name(session: Session, house: Cafe) -> None:
    made = mailing_list.create(session, house.organisation, name="新闻")
    assert re.fullmatch(r"list-[0-9a-z]{20}", made.slug)
    assert made.name == "新闻"


@pytest.mark.parametrize(("name", "code"), [("", "missing"), (" \t\n", "missing"), ("x" * 201, "too_long"),
                                            ("a\x00b", "too_long")])  # fmt: skip
def test_a_list_without_a_usable_name_is_refused(session: Session, house: Cafe, name: str, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        mailing_list.create(session, house.organisation, name=name)
    assert refused.value.code == code


def test_a_name_is_taken_once(session: Session, house: Cafe) -> None:
    with pytest.raises(Conflict):
        mailing_list.create(session, house.organisation, name="NEWS")


def test_a_deleted_list_is_found_no_more_but_its_row_stays(session: Session, house: Cafe) -> None:
    house.mailing_list.state = ListState.TOMBSTONED
    session.flush()
    with pytest.raises(NotFound):
        mailing_list.named(session, house.organisation, house.mailing_list.slug)
    assert mailing_list.all_of(session, house.organisation) == []
    with pytest.raises(NotFound):
        signup_form.shown(session, house.form.slug)


# Forms


def test_a_form_shows_its_text_and_its_sender(session: Session, house: Cafe) -> None:
    shown = signup_form.shown(session, house.form.slug)
    assert (shown.organisation, shown.mailing_list, shown.form) == (house.organisation, house.mailing_list, house.form)
    assert shown.organisation.legal_name in shown.text.body
    assert shown.version.title == "Get News"


def test_forms_of_one_list_have_addresses_of_their_own(session: Session, house: Cafe) -> None:
    made = [signup_form.create(session, house.organisation, house.mailing_list) for _ in range(3)]
    assert [form.slug for form in made] == ["news-2", "news-3", "news-4"]
    assert signup_form.all_of(session, house.mailing_list) == [house.form, *made]
    assert signup_form.identified(session, house.organisation, made[1].public_id) is made[1]


def test_a_closed_form_is_not_shown(session: Session, house: Cafe) -> None:
    house.form.state = FormState.CLOSED
    for slug in (house.form.slug, "no-such-form", ""):
        with pytest.raises(NotFound):
            signup_form.shown(session, slug)


def test_a_new_version_leaves_the_old_one_as_it_was(session: Session, house: Cafe) -> None:
    old = signup_form.newest(session, house.form)
    before = _columns(old)
    newer = signup_form.publish(session, house.form, old.consent_text, title="Other", thank_you="Tak")
    session.flush()
    session.expire_all()
    assert _columns(session.get_one(SignupFormVersion, old.id)) == before
    assert (newer.version, signup_form.newest(session, house.form)) == (old.version + 1, newer)
    assert signup_form.describe(session, old).version is old
    assert newer.sha256 != old.sha256


def _columns(row: SignupFormVersion | ConsentText) -> dict[str, object]:
    return {column.key: getattr(row, column.key) for column in row.__table__.columns}


# Texts


@pytest.mark.parametrize("spoken", language.LANGUAGES)
def test_starter_texts_name_who_writes_and_how_to_stop(session: Session, house: Cafe, spoken: str) -> None:
    wording = consent_text.starter(house.organisation, house.mailing_list, spoken)
    made = consent_text.publish(session, house.organisation, house.mailing_list, spoken, wording)
    assert house.organisation.legal_name in made.whole
    assert house.mailing_list.name in made.whole
    assert wording.withdrawal in made.whole
    assert made.language == spoken
    assert "{" not in made.whole + made.button_label
    assert house.organisation.postal_address in made.controller


def test_the_same_words_are_the_same_version(session: Session, house: Cafe) -> None:
    first = signup_form.newest(session, house.form).consent_text
    wording = Wording(first.body, first.button_label, first.withdrawal)
    assert consent_text.publish(session, house.organisation, house.mailing_list, "en", wording) is first
    other = Wording(first.body + " ", first.button_label, first.withdrawal)
    assert consent_text.publish(session, house.organisation, house.mailing_list, "en", other).version == 2


def test_a_new_address_of_the_business_is_a_new_text(session: Session, house: Cafe) -> None:
    """What the person knew of the sender belongs to what she agreed to."""
    first = signup_form.newest(session, house.form).consent_text
    wording = Wording(first.body, first.button_label, first.withdrawal)
    house.organisation.postal_address = "Vestergade 2\n1456 Copenhagen"
    second = consent_text.publish(session, house.organisation, house.mailing_list, "en", wording)
    assert (second.version, second.sha256 == first.sha256) == (2, False)


@pytest.mark.parametrize("missing", ["body", "button_label", "withdrawal"])
def test_a_text_without_one_of_its_parts_is_refused(session: Session, house: Cafe, missing: str) -> None:
    first = signup_form.newest(session, house.form).consent_text
    parts = {"body": first.body, "button_label": first.button_label, "withdrawal": first.withdrawal} | {missing: "  "}
    wording = Wording(parts["body"], parts["button_label"], parts["withdrawal"])
    with pytest.raises(Invalid) as refused:
        consent_text.publish(session, house.organisation, house.mailing_list, "en", wording)
    assert refused.value.code == "text_incomplete"


def test_a_text_that_does_not_say_who_writes_is_refused(session: Session, house: Cafe) -> None:
    with pytest.raises(Invalid) as refused:
        consent_text.publish(
            session,
            house.organisation,
            house.mailing_list,
            "en",
            Wording("Yes, send me news.", "Yes", "Stop any time."),
        )
    assert refused.value.code == "text_without_controller"


# Subscribers


def test_a_subscriber_is_found_by_address_and_by_public_id(session: Session, house: Cafe) -> None:
    person = cafe.subscribe(session, house, "Freja@guest.example")
    assert subscriber.named(session, house.organisation, "FREJA@GUEST.EXAMPLE") is person
    assert subscriber.named(session, house.organisation, person.public_id) is person
    assert subscriber.count(session, house.organisation) == 1
    for typed in ("karl@guest.example", "sub_0000"):
        with pytest.raises(NotFound):
            subscriber.named(session, house.organisation, typed)


def test_a_reference_is_never_made_from_the_address(session: Session, house: Cafe) -> None:
    person = cafe.subscribe(session, house, "freja@guest.example")
    assert re.fullmatch("[0-9a-f]{32}", person.subject_ref)
    assert person.suppression_key not in {person.subject_ref, person.email_key}
    assert "freja" not in person.public_id + person.subject_ref + person.suppression_key

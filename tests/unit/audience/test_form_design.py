"""Look, words and ways of a form: hashed where chosen, the old hash where not, and refused where they mislead."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, replace

import pytest
from sqlalchemy import null, select, text
from sqlalchemy.orm import Session

from listkeeper.audience import consent_text, privacy_notice, signup_form
from listkeeper.audience.forms import form_design, form_family, form_record
from listkeeper.audience.forms.form_design import NONE, ButtonInk, Design, Fact, Look, Onward
from listkeeper.audience.proof import dossier
from listkeeper.audience.signup_form import ShownForm, SignupFormVersion
from listkeeper.foundation.errors import Invalid
from listkeeper.rendering import form_snapshot
from listkeeper.standards import canonical_json
from tests.makers.cafe import Cafe

FULL = Design(
    look=Look.WARM,
    accent="#1f6f54",
    button_ink=ButtonInk.WHITE,
    intro="Warm from the oven",
    gets=("Bread", "Buns"),
    frequency="On Thursdays",
    answers="Within a day",
    already="You have us already.\nSee you on Thursday.",
    onward_url="https://cafe.example/menu",
    onward_label="See the menu",
    onward=Onward.AT_ONCE,
    shows=frozenset({Fact.CALL, Fact.WAY}),
)


def _published(session: Session, house: Cafe, design: Design) -> SignupFormVersion:
    words = replace(signup_form.starter(house.organisation, house.mailing_list, "en"), design=design)
    return signup_form.publish_words(session, house.organisation, house.form, words, show=form_snapshot.page_of)


def test_a_version_without_choices_has_the_name_it_would_have_had_before_there_were_any(
    session: Session, house: Cafe
) -> None:
    version = signup_form.newest(session, house.form)
    before = canonical_json.dumps(
        {
            "slug": "news",
            "language": "en",
            "title": "Get News",
            "thank_you": "Thank you. You are on the list.",
            "text_sha256": version.consent_text.sha256,
            "second_text_sha256": "",
            "least_age": 0,
        }
    )
    assert form_record.content(version) == before
    assert version.sha256 == hashlib.sha256(before).hexdigest()
    assert version.designed == NONE
    stored = select(SignupFormVersion.id).where(SignupFormVersion.design.is_(null()), text("design IS NULL"))
    assert session.scalars(stored).all() == [version.id]


def test_all_that_was_chosen_is_in_the_name(session: Session, house: Cafe) -> None:
    version = _published(session, house, FULL)
    session.expire_all()
    assert version.designed == FULL
    said = json.loads(form_record.content(version))["design"]
    assert said == {
        "look": "warm", "accent": "#1f6f54", "button_ink": "white", "intro": "Warm from the oven",
        "gets": ["Bread", "Buns"], "frequency": "On Thursdays", "answers": "Within a day",
        "already": "You have us already.\nSee you on Thursday.", "onward_url": "https://cafe.example/menu",
        "onward_label": "See the menu", "onward": "at_once", "shows": ["call", "way"],
    }  # fmt: skip
    assert hashlib.sha256(form_record.content(version)).hexdigest() == version.sha256
    names = {version.sha256}
    for part in (
        {"look": Look.CARD}, {"accent": "#1f6f55"}, {"button_ink": ButtonInk.AUTOMATIC}, {"intro": "Warm"},
        {"gets": ("Buns", "Bread")}, {"frequency": ""}, {"answers": ""}, {"already": ""}, {"onward_label": ""},
        {"onward_url": "https://cafe.example/x"}, {"onward": Onward.BUTTON}, {"shows": frozenset({Fact.CALL})},
    ):  # fmt: skip
        names.add(_published(session, house, replace(FULL, **part)).sha256)
    assert len(names) == 13


def test_a_certificate_carries_the_design_as_it_was_hashed(session: Session, house: Cafe) -> None:
    shown_form = dossier.shown_form(session, _published(session, house, FULL))
    assert json.loads(json.dumps(asdict(shown_form)))["design"] == FULL.as_json()
    assert Design.of(shown_form.design) == FULL


def test_a_newer_notice_leaves_the_look_alone(session: Session, house: Cafe) -> None:
    _published(session, house, FULL)
    notice = privacy_notice.publish(session, house.organisation, "en", privacy_notice.starter(house.organisation, "en"))
    assert form_family.follow_notice(session, notice, show=form_snapshot.page_of) == 1
    assert signup_form.newest(session, house.form).designed == FULL


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"onward_url": "http://cafe.example"}, "onward_unsafe"),
        ({"onward_url": "//evil.example"}, "onward_unsafe"),
        ({"onward_url": "javascript:alert(1)"}, "onward_unsafe"),
        ({"onward_url": "https://cafe.example@evil.example"}, "onward_unsafe"),
        ({"accent": "#e8c547"}, "contrast_poor"),
        ({"accent": "#333333", "button_ink": ButtonInk.BLACK}, "contrast_poor"),
        ({"accent": "brown"}, "colour"),
        ({"accent": "#fff"}, "colour"),
        ({"accent": ""}, "colour"),
        ({"gets": tuple("abcdefg")}, "too_many_lines"),
        ({"gets": (121 * "x",)}, "too_long"),
        ({"intro": 301 * "x"}, "too_long"),
        ({"already": 501 * "x"}, "too_long"),
        ({"already": "Look at https://cafe.example"}, "already_link"),
        ({"already": "Look at www.cafe.example"}, "already_link"),
        ({"already": "Look at cafe.example/menu"}, "already_link"),
        ({"intro": "a\u202eb"}, "unreadable"),
    ],
)
def test_what_misleads_or_cannot_be_read_is_not_published(
    session: Session, house: Cafe, wrong: dict[str, object], code: str
) -> None:
    before = len(session.scalars(select(SignupFormVersion)).all())
    with pytest.raises(Invalid) as refused:
        _published(session, house, replace(FULL, **wrong))  # type: ignore[arg-type]
    assert refused.value.code == code
    assert len(session.scalars(select(SignupFormVersion)).all()) == before


def test_a_poor_contrast_is_named_with_its_number() -> None:
    with pytest.raises(Invalid, match=r"1\.7 to 1 on #e8c547"):
        form_design.checked(replace(FULL, accent="#e8c547"))
    assert form_design.checked(replace(FULL, accent="#e8c547", button_ink=ButtonInk.BLACK)).accent == "#e8c547"


def test_a_design_is_tidied_before_it_is_named() -> None:
    untidy = Design(
        accent=" #1F6F54 ", intro=" Warm \n bread ", gets=("", " Buns "), already="One\r\n\r\n two ",
        onward=Onward.AT_ONCE, onward_label="Nowhere",
    )  # fmt: skip
    tidy = form_design.checked(untidy)
    assert tidy == Design(accent="#1f6f54", intro="Warm bread", gets=("Buns",), already="One\ntwo")
    assert Design.of(FULL.as_json()) == FULL
    assert Design.of(None) == Design.of({}) == NONE


def test_a_sister_has_the_look_and_none_of_the_words(session: Session, house: Cafe) -> None:
    wordless = form_design.wordless(FULL)
    assert (wordless.look, wordless.accent, wordless.onward_url, wordless.shows) == (
        FULL.look, FULL.accent, FULL.onward_url, FULL.shows,
    )  # fmt: skip
    assert (wordless.intro, wordless.gets, wordless.already, wordless.onward_label) == ("", (), "", "")
    danish = signup_form.create(session, house.organisation, house.mailing_list, spoken="da")
    again = signup_form.create(session, house.organisation, house.mailing_list, spoken="da")
    polish = signup_form.create(session, house.organisation, house.mailing_list, spoken="pl")
    assert form_family.sisters(session, house.form) == [danish, polish]
    signup_form.close(danish)
    session.flush()
    assert form_family.sisters(session, house.form) == [again, polish]
    assert form_family.sisters(session, danish) == [house.form, polish]


def test_earlier_texts_of_a_list_are_found_by_language_and_kind(session: Session, house: Cafe) -> None:
    kind = consent_text.TextKind.NEWSLETTER
    first = signup_form.newest(session, house.form).consent_text
    words = signup_form.starter(house.organisation, house.mailing_list, "en")
    other = replace(words, wording=replace(words.wording, button_label="Yes please"))
    second = signup_form.publish_words(session, house.organisation, house.form, other).consent_text
    assert consent_text.all_of(session, house.mailing_list, "en", kind) == [second, first]
    assert consent_text.all_of(session, house.mailing_list, "da", kind) == []
    back = signup_form.publish_words(session, house.organisation, house.form, words)
    assert (back.version, back.consent_text) == (3, first)


def shown(page: str) -> Callable[[ShownForm], str]:
    """Return a way to draw any form as one page."""
    return lambda _form: page


def test_a_box_ticked_or_required_in_the_page_is_refused_with_any_look(session: Session, house: Cafe) -> None:
    text_ = signup_form.newest(session, house.form).consent_text
    for box, code in (("checked", "box_ticked"), ("required", "box_required")):
        other = '<label><input type="checkbox"> I accept the terms</label>'
        page = f'<form><label><input type="checkbox" {box}> News, weekly</label>{other}<button>Go</button></form>'
        with pytest.raises(Invalid) as refused:
            signup_form.publish(session, house.form, text_, title="T", thank_you="T", design=FULL, show=shown(page))
        assert refused.value.code == code

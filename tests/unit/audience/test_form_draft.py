"""The draft of a form: whole or not at all, and never over somebody else's words; on both databases."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.audience import signup_form
from listkeeper.audience.forms import form_draft
from listkeeper.audience.forms.form_draft import FormDraft
from listkeeper.foundation.errors import Conflict, Invalid
from tests.makers.cafe import Cafe


def test_each_save_names_the_one_it_was_made_on(session: Session, house: Cafe) -> None:
    assert form_draft.of(session, house.form) is None
    first = form_draft.write(session, house.form, {"title": "A", "accent": "no colour"}, base=0)
    assert (first.number, first.begun_from) == (1, 1)
    assert form_draft.write(session, house.form, {"title": "B"}, base=1).number == 2
    for stale in (-1, 0, 1, 3):
        with pytest.raises(Conflict) as refused:
            form_draft.write(session, house.form, {"title": "C"}, base=stale)
        assert refused.value.code == "changed_elsewhere"
    session.expire_all()
    (kept,) = session.scalars(select(FormDraft)).all()
    assert (kept.fields, kept.number) == ({"title": "B"}, 2)


def test_the_same_words_again_are_no_save(session: Session, house: Cafe) -> None:
    form_draft.write(session, house.form, {"title": "A"}, base=0)
    assert form_draft.write(session, house.form, {"title": "A"}, base=1).number == 1


def test_what_no_database_takes_is_refused_and_the_draft_stays(session: Session, house: Cafe) -> None:
    form_draft.write(session, house.form, {"title": "A"}, base=0)
    for wrong in ("\x00", 40_001 * "x"):
        with pytest.raises(Invalid):
            form_draft.write(session, house.form, {"title": wrong}, base=1)
    kept = form_draft.of(session, house.form)
    assert kept is not None
    assert (kept.number, kept.fields) == (1, {"title": "A"})


def test_a_draft_begun_again_grows_its_number_so_that_no_old_tab_writes_over_it(session: Session, house: Cafe) -> None:
    form_draft.write(session, house.form, {"title": "A"}, base=0)
    old = signup_form.newest(session, house.form)
    signup_form.publish(session, house.form, old.consent_text, title="New", thank_you="T")
    again = form_draft.begin_again(session, house.form, {"title": "New"})
    assert (again.number, again.begun_from) == (2, 2)
    with pytest.raises(Conflict):
        form_draft.write(session, house.form, {"title": "A!"}, base=1)


def test_only_the_draft_that_was_looked_at_is_published(session: Session, house: Cafe) -> None:
    form_draft.demand_seen(session, house.form, 0)
    form_draft.write(session, house.form, {"title": "A"}, base=0)
    form_draft.demand_seen(session, house.form, 1)
    for other in (-1, 0, 2):
        with pytest.raises(Conflict) as refused:
            form_draft.demand_seen(session, house.form, other)
        assert refused.value.code == "changed_since_preview"

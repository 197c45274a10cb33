"""The sites that may show a form: a setting of the form, kept whole or not at all."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session

from listkeeper.audience import allowed_origins, signup_form
from listkeeper.audience.signup_form import SignupForm
from listkeeper.foundation.errors import Invalid
from tests.makers import cafe


@pytest.fixture
def form(session: Session) -> SignupForm:
    """A café's form."""
    return cafe.found(session).form


def test_any_site_may_show_a_form_until_some_are_named(session: Session, form: SignupForm) -> None:
    assert allowed_origins.of(form) == ()
    assert allowed_origins.allow(form, "https://anybody.example")
    assert allowed_origins.allow(form, None)
    before = signup_form.newest(session, form)
    typed = "cafe.example\n\nhttps://www.cafe.example/menu  https://cafe.example"
    assert allowed_origins.choose(form, typed) == ("https://cafe.example", "https://www.cafe.example")
    session.commit()
    session.expire_all()
    assert allowed_origins.of(form) == ("https://cafe.example", "https://www.cafe.example")
    assert allowed_origins.allow(form, "https://cafe.example")
    for other in ("https://anybody.example", "http://cafe.example", "https://cafe.example:8443", "null", None):
        assert not allowed_origins.allow(form, other)
    # Where it stands is no part of what it says.
    assert signup_form.newest(session, form).id == before.id
    assert allowed_origins.choose(form, " \n ") == ()
    assert form.allowed_origins is None


@pytest.mark.parametrize(
    "typed", ["https://cafe.example\nhttp://cafe.example", "\n".join(f"https://{n}.example" for n in range(21))]
)
def test_a_list_with_one_wrong_line_changes_nothing(form: SignupForm, typed: str) -> None:
    allowed_origins.choose(form, "https://cafe.example")
    with pytest.raises(Invalid):
        allowed_origins.choose(form, typed)
    assert allowed_origins.of(form) == ("https://cafe.example",)

"""The look of a form from the command line: what is given changes, what is not stays, what misleads is refused."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session

from listkeeper.audience import signup_form
from listkeeper.audience.forms.form_design import NONE, ButtonInk, Design, Fact, Look, Onward
from listkeeper.settings import Settings
from tests.fakes import typed
from tests.fakes.databases import Database
from tests.fakes.typed import Type
from tests.makers import cafe


@pytest.fixture
def type_(monkeypatch: pytest.MonkeyPatch, settings: Settings, database: Database) -> Type:
    """Type command lines for an instance on each database."""
    return typed.typing(monkeypatch, settings)


@pytest.fixture
def form(session: Session) -> str:
    """The id of a café's form."""
    made = cafe.found(session)
    session.commit()
    return made.form.public_id


def _design(session: Session, form: str) -> Design:
    # What another connection wrote is seen by a transaction that begins now.
    session.rollback()
    owner = signup_form.shown(session, "news").organisation
    return signup_form.newest(session, signup_form.identified(session, owner, form)).designed


def test_each_option_changes_its_part_and_no_other(type_: Type, session: Session, form: str) -> None:
    look = ("--look", "warm", "--colour", "#1F6F54", "--button-ink", "white", "--intro", "Warm bread")
    gets = ("--gets", "Bread", "--gets", "Buns", "--frequency", "Weekly", "--answers", "Within a day")
    after = ("--already", "We know you.", "--onward", "https://cafe.example/menu", "--onward-label", "Menu")
    rest = ("--onward-how", "at_once", "--show", "call", "--show", "way")
    said = type_("form", "publish", form, *look, *gets, *after, *rest, "--json")
    assert (said.code, said.json["version"]) == (0, 2)
    whole = Design(
        look=Look.WARM, accent="#1f6f54", button_ink=ButtonInk.WHITE, intro="Warm bread", gets=("Bread", "Buns"),
        frequency="Weekly", answers="Within a day", already="We know you.", onward_url="https://cafe.example/menu",
        onward_label="Menu", onward=Onward.AT_ONCE, shows=frozenset({Fact.CALL, Fact.WAY}),
    )  # fmt: skip
    assert _design(session, form) == whole
    assert type_("form", "publish", form, "--title", "Bread", "--json").json["version"] == 3
    assert _design(session, form) == whole
    bare = ("--look", "band", "--colour", "", "--button-ink", "auto", "--intro", "", "--gets", "", "--frequency", "")
    gone = ("--answers", "", "--already", "", "--onward", "", "--show", "nothing")
    assert type_("form", "publish", form, *bare, *gone, "--json").json["version"] == 4
    assert _design(session, form) == NONE


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        (("--onward", "http://cafe.example"), "onward_unsafe"),
        (("--colour", "#e8c547", "--button-ink", "white"), "contrast_poor"),
        (("--colour", "green"), "colour"),
    ],
)
def test_what_misleads_is_refused_and_nothing_is_published(
    type_: Type, session: Session, form: str, wrong: tuple[str, ...], code: str
) -> None:
    said = type_("form", "publish", form, *wrong, "--json")
    assert (said.code != 0, said.error) == (True, code)
    assert _design(session, form) == NONE

"""The font of a brand: chosen where its colour is, shown as readers see it, and one of those that every machine has."""

from __future__ import annotations

import re

import pytest
from flask import Flask

from listkeeper import store
from listkeeper.accounts import organisation
from listkeeper.rendering import document, fonts
from tests.architecture import source
from tests.fakes.databases import Database
from tests.makers import cafe, studio
from tests.makers.studio import StudioBrowser

SETTINGS = {
    "legal_name": "Café Kardemomme",
    "postal_address": "Havnegade 1\n1058 Copenhagen",
    "from_address": "hello@cafe.example",
    "brand_colour": "#7a4b2a",
    "language": "en",
}


@pytest.fixture
def owner(app: Flask, database: Database) -> StudioBrowser:
    with app.app_context(), store.transaction() as session:
        cafe.found(session)
    return studio.signed_in(app)


def _stored(app: Flask) -> str:
    with app.app_context(), store.reading() as session:
        return organisation.only_one(session).letter_font


def _checked(page: str) -> list[str]:
    return re.findall(r'name="letter_font" value="(\w+)" checked', page)


def test_it_is_chosen_kept_and_never_something_else(app: Flask, owner: StudioBrowser) -> None:
    page = owner.get("/studio/settings").text
    assert re.findall(r'name="letter_font" value="(\w+)"', page) == list(fonts.STACKS)
    assert (_stored(app), _checked(page)) == ("system", ["system"])
    assert owner.post("/studio/settings", SETTINGS | {"letter_font": "georgia"}).status_code == 303
    assert (_stored(app), _checked(owner.get("/studio/settings").text)) == ("georgia", ["georgia"])
    # A form of before, or a program that does not know of it, leaves it as it is.
    assert owner.post("/studio/settings", SETTINGS).status_code == 303
    answer = owner.post("/studio/settings", SETTINGS | {"letter_font": "Papyrus; } body { display: none"})
    assert (answer.status_code, _stored(app)) == (422, "georgia")
    answer = owner.post("/studio/settings", SETTINGS | {"letter_font": "times", "legal_name": ""})
    assert (answer.status_code, _stored(app), _checked(answer.text)) == (422, "georgia", ["times"])


def test_what_is_shown_is_what_letters_are_set_in() -> None:
    sheet = (source.CHECKOUT / "listkeeper/web/assets/library.css").read_text(encoding="utf-8")
    shown = dict(re.findall(r"\.font-(\w+), [^{]*\.sample \{ font-family: ([^;]+); \}", sheet))
    assert shown == fonts.STACKS


def test_a_letter_can_have_each_of_them_and_every_one_ends_in_a_family() -> None:
    for name, stack in fonts.STACKS.items():
        assert document.Theme(font=name).font == name
        assert re.fullmatch(r"[A-Za-z ,-]+, (sans-serif|serif|monospace)", stack)
        assert fonts.said(name)
    assert fonts.stack("nobody's") == fonts.STACKS["system"]

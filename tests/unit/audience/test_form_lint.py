"""No box is ticked, required for something else, or bundled; and our own form has nothing of the kind."""

from __future__ import annotations

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from listkeeper import store
from listkeeper.audience.forms import form_lint
from listkeeper.deliverability.finding import Severity
from listkeeper.foundation import language
from tests.makers import cafe

ADDRESS = '<label for="e">E-mail</label><input type="email" id="e" name="email" required>'
BOX = '<label><input type="checkbox" name="news"> Yes, send me news, at most once a week.</label>'


def _form(inside: str, button: str = "Sign me up") -> str:
    form = f'<form method="post">{ADDRESS}{inside}<button>{button}</button></form>'
    return f"<!doctype html><html><body>{form}</body></html>"


def _codes(html: str) -> list[str]:
    found = form_lint.check(html)
    assert {finding.severity for finding in found} <= {Severity.BLOCK}
    return [finding.code for finding in found]


@pytest.mark.parametrize("spoken", language.LANGUAGES)
def test_our_own_form_is_clean(app: Flask, spoken: str) -> None:
    with app.app_context(), store.transaction() as session:
        cafe.found(session, spoken=spoken)
    page = app.test_client().get("/f/news")
    assert page.status_code == 200
    assert '<form method="post"' in page.text
    assert _codes(page.text) == []


def test_an_honest_box_is_clean() -> None:
    assert _codes(_form(BOX)) == []


@pytest.mark.parametrize(
    "control",
    [
        '<label><input type="checkbox" name="news" checked> News, weekly</label>',
        '<label><INPUT TYPE=checkbox CHECKED=""> News, weekly</label>',
        '<label><input type="checkbox" checked="false"> News, weekly</label>',
        '<label><input type="radio" name="a" value="yes" checked> Yes, news</label>',
        '<div role="switch" aria-checked="true" aria-label="News"></div>',
        '<span role="checkbox" aria-checked="TRUE" aria-labelledby="x"></span><i id="x">News</i>',
    ],
)
def test_a_ticked_box_is_found_however_it_is_ticked(control: str) -> None:
    assert _codes(_form(control)) == ["box_ticked"]


def test_a_ticked_box_is_named_by_what_stands_beside_it() -> None:
    for beside in (
        '<input type="checkbox" id="n" checked><label for="n">News</label>',
        '<label>News <input type="checkbox" checked></label>',
        '<p><input type="checkbox" checked> News</p>',
        '<input type="checkbox" checked aria-label="News">',
    ):
        (found,) = form_lint.check(_form(f"<div>{beside}</div>"))
        assert found.evidence == "News"


REQUIRED = BOX.replace('name="news"', 'name="news" required')


@pytest.mark.parametrize(
    "other",
    [
        '<label>Card <input name="card_number" autocomplete="cc-number"></label>',
        '<input type="password" name="password">',
        '<textarea name="order"></textarea>',
        '<select name="size"><option>L</option></select>',
        '<input type="file" name="upload">',
        '<label><input type="checkbox" name="terms" required> I accept the terms</label>',
        '<label><input type="checkbox" name="vilkaar"> Jeg accepterer handelsbetingelserne</label>',
    ],
)
def test_letters_are_not_the_price_of_something_else(other: str) -> None:
    assert _codes(_form(REQUIRED + other)) == ["box_required"]
    assert _codes(_form(BOX + other)) == []


def test_a_box_may_be_required_where_the_letters_are_all_there_is() -> None:
    trap = '<p aria-hidden="true"><input name="website_url" tabindex="-1"></p>'
    name = '<input name="first_name"><select name="language"><option>da</option></select>'
    assert _codes(_form(REQUIRED + name + trap)) == []
    second = '<label><input type="checkbox" name="pd" required> Согласие на обработку персональных данных</label>'
    assert _codes(_form(REQUIRED + second)) == []


def test_fields_of_another_form_do_not_count() -> None:
    other = '<form><input name="q" type="search"></form>'
    assert _codes(_form(REQUIRED).replace("<body>", f"<body>{other}")) == []


@pytest.mark.parametrize(
    "label",
    [
        "I accept the terms and want news",
        "Jeg accepterer vilkårene og vil have nyheder",
        "Jeg godtar vilkårene og vil ha nyheter",
        "Jag godkänner villkoren och vill ha nyheter",
        "Akceptuję regulamin i chcę otrzymywać nowości",
        "Я принимаю условия и хочу получать новости",
        "Ich akzeptiere die AGB und möchte Neuigkeiten erhalten",
    ],
)
def test_one_box_stands_for_one_thing(label: str) -> None:
    assert _codes(_form(f'<label><input type="checkbox" name="x"> {label}</label>')) == ["box_bundled"]


def test_a_button_is_the_act_where_there_is_no_box() -> None:
    said = "<p>Yes, send me news, at most once a week.</p>"
    assert _codes(_form(said)) == []
    assert _codes(_form(f"{said}<p>By signing up I accept the <a href='/agb'>terms</a>.</p>")) == ["box_bundled"]
    assert _codes(_form(said, button="Accept the terms")) == ["box_bundled"]
    # With a box for the letters, terms beside the button are agreed to by the button and not by the box.
    assert _codes(_form(f"{BOX}<p>The button is an order under our terms.</p>")) == []


@pytest.mark.parametrize("nothing", ["", "   ", "<!-- nothing -->"])
def test_an_empty_form_is_refused(nothing: str) -> None:
    assert _codes(nothing) == ["form_empty"]


def test_a_form_with_an_encoding_of_its_own_is_read() -> None:
    declared = '<?xml version="1.0" encoding="latin-1"?>' + _form('<label><input type="checkbox" checked>Nyt</label>')
    assert _codes(declared) == ["box_ticked"]


@given(st.text(max_size=300))
def test_no_html_breaks_it(text: str) -> None:
    form_lint.check(text)
    form_lint.check(_form(text))

"""The page after the confirm and the help page behind it: the right program, the right language, nobody known."""

from __future__ import annotations

import gzip
import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from listkeeper import store
from listkeeper.audience import confirmation
from listkeeper.campaigns import welcome
from listkeeper.foundation import language
from tests.makers import cafe
from tests.makers.studio import words

_ANDROID = {"User-Agent": "Mozilla/5.0 (Linux; Android 15; Pixel 8)"}
_IPHONE = {"User-Agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 18_4 like Mac OS X)"}
_WINDOWS = {"User-Agent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64)"}


def _link(app: Flask, address: str, *, spoken: str = "en", on: bool = False) -> str:
    with app.app_context(), store.transaction() as session:
        made = cafe.found(session, spoken=spoken)
        if on:
            letter = welcome.begin(session, made.organisation, made.mailing_list, spoken)
            welcome.switch_on(session, made.organisation, letter, site="http://localhost")
        return f"/c/{confirmation.token_of(cafe.sign_up(session, made, address))}"


def _pictures(page: str) -> set[str]:
    return set(re.findall(r"/help/([a-z-]+)\.svg", page))


def _unfolded(page: str) -> list[str]:
    return re.findall(r"<details name=\"program\" open><summary>([^<]+)</summary>", page)


@pytest.mark.parametrize(
    ("address", "program", "title"),
    [
        ("a@gmail.com", "gmail", "In Gmail"),
        ("a@me.com", "apple", "In Apple Mail"),
        ("a@live.dk", "outlook", "In Outlook"),
    ],
)
def test_who_confirms_is_told_how_in_the_program_of_her_address(
    app: Flask, client: FlaskClient, address: str, program: str, title: str
) -> None:
    # Her browser may be any: the address is what the mail goes to.
    page = client.post(_link(app, address), headers=_WINDOWS)
    assert page.status_code == 200
    assert _pictures(page.text) == {f"{program}-phone", f"{program}-computer"}
    assert title in words(page)
    assert "<details" not in page.text
    assert "hello@cafe.example" in words(page)
    assert ("mail.google.com" in page.text) == (program == "gmail")


@pytest.mark.parametrize(
    ("headers", "open_"),
    [(_IPHONE, "In Apple Mail"), (_ANDROID, "In Gmail"), (_WINDOWS, "In Outlook"), ({}, "In Gmail")],
)
def test_a_domain_of_ones_own_folds_all_three_and_opens_the_likely_one(
    app: Flask, client: FlaskClient, headers: dict[str, str], open_: str
) -> None:
    page = client.post(_link(app, "a@shop.example"), headers=headers)
    assert len(_pictures(page.text)) == 6
    assert page.text.count("<details") == 3
    assert _unfolded(page.text) == [open_]


def test_every_picture_is_there_with_words_that_do_without_it(app: Flask, client: FlaskClient) -> None:
    page = client.post(_link(app, "a@shop.example")).text
    for source in re.findall(r'src="([^"]+\.svg)"', page):
        answer = client.get(source, buffered=True)
        assert (answer.status_code, answer.content_type) == (200, "image/svg+xml")
        assert "immutable" in answer.headers["Cache-Control"]
    assert len(re.findall(r'<img [^>]*alt="[^"]{20,}"', page)) == 6


@pytest.mark.parametrize("on", [True, False])
def test_a_letter_is_announced_only_when_one_follows(app: Flask, client: FlaskClient, *, on: bool) -> None:
    link = _link(app, "a@gmail.com", on=on)
    assert ("A first letter is on its way" in words(client.post(link))) is on
    # Pressed again, nothing is on its way any more.
    assert "A first letter is on its way" not in words(client.post(link))


@pytest.mark.parametrize("code", language.LANGUAGES)
def test_the_help_page_speaks_the_visitors_language_or_that_of_the_link(
    app: Flask, client: FlaskClient, code: str
) -> None:
    with app.app_context(), store.transaction() as session:
        cafe.found(session)
    by_browser = client.get("/inbox-help/outlook", headers={"Accept-Language": f"{code},en;q=0.1"})
    by_link = client.get(f"/inbox-help/outlook?language={code}", headers={"Accept-Language": "fr"})
    assert f'<html lang="{code}" dir="ltr">' in by_browser.text
    assert by_browser.text == by_link.text
    assert _pictures(by_link.text) == {"outlook-phone", "outlook-computer"}
    assert "Set-Cookie" not in by_link.headers


def test_all_programs_are_on_one_page_and_only_those(app: Flask, client: FlaskClient) -> None:
    # Before a business exists the page is there as well, and names nobody.
    assert client.get("/inbox-help").status_code == 200
    with app.app_context(), store.transaction() as session:
        cafe.found(session)
    page = client.get("/inbox-help", headers=_IPHONE)
    assert (page.text.count("<details"), _unfolded(page.text)) == (3, ["In Apple Mail"])
    for unknown in ("yahoo", "GMAIL", "gmail%00", "..", "gmail/phone"):
        assert client.get(f"/inbox-help/{unknown}").status_code == 404
    assert client.get("/inbox-help?language=%3Cscript%3E").status_code == 200


def test_whoever_waits_for_the_first_mail_finds_the_page(app: Flask, client: FlaskClient) -> None:
    with app.app_context(), store.transaction() as session:
        slug = cafe.found(session, spoken="da").form.slug
    page = client.post(f"/f/{slug}", data={"email": "a@gmail.com"}).text
    found = re.search(r'href="(/inbox-help\?language=da)"', page)
    assert found
    assert client.get(found.group(1)).status_code == 200


@pytest.mark.parametrize("code", language.LANGUAGES)
def test_the_whole_page_stays_within_its_weight(app: Flask, client: FlaskClient, code: str) -> None:
    """Compressed as it travels, with its sheets and the two drawings of the program that is unfolded."""
    page = client.post(_link(app, "a@shop.example", spoken=code), headers=_WINDOWS).text
    files = re.findall(r'<link rel="stylesheet" href="([^"]+)"', page)
    files += re.findall(r'src="([^"]+/outlook-[a-z]+\.svg)"', page)
    assert len(files) == 5
    weights = [len(gzip.compress(client.get(file, buffered=True).data)) for file in files]
    assert sum(weights) + len(gzip.compress(page.encode())) <= 15 * 1024

"""Who reads in Gmail, and in which words she is asked to move the mail."""

from __future__ import annotations

import pytest

from listkeeper.foundation import language
from listkeeper.rendering import primary_tab


@pytest.mark.parametrize("address", ["a@gmail.com", "a@googlemail.com", "A.B@GMail.Com"])
def test_gmail_readers_are_asked(address: str) -> None:
    assert primary_tab.shown_to(address)


@pytest.mark.parametrize(
    "address",
    [
        "a@mail.com",
        "a@gmail.com.evil.example",
        "a@notgmail.com",
        "a@shop.example",
        "gmail.com",
        "a@gmail.co",
        "",
        "gmail.com@shop.example",
    ],
)
def test_nobody_else_is(address: str) -> None:
    assert not primary_tab.shown_to(address)


def test_there_are_words_and_labels_with_evidence_in_every_language() -> None:
    assert set(primary_tab.WORDS) == set(primary_tab.LABELS) == set(language.LANGUAGES)
    for labels in primary_tab.LABELS.values():
        assert labels.primary
        assert labels.evidence


def test_what_is_not_verified_is_said_to_be_so() -> None:
    assert {code for code, labels in primary_tab.LABELS.items() if not labels.verified} == {"da", "nb", "ru"}


@pytest.mark.parametrize("code", language.LANGUAGES)
def test_the_tab_is_named_with_its_english_name_and_its_place(code: str) -> None:
    block = primary_tab.block(code)
    place = {
        "en": "first tab",
        "da": "første fane",
        "nb": "første fanen",
        "sv": "första fliken",
        "pl": "pierwszą kartę",
        "ru": "первую вкладку",
        "de": "ersten Tab",
    }[code]
    assert place in block.computer
    assert primary_tab.LABELS[code].primary in block.computer
    assert primary_tab.LABELS[code].primary in block.phone
    assert "Primary" in block.computer
    assert ("(Primary)" in block.computer) is (code != "en")
    assert "Gmail" in block.question
    assert "{" not in block.text
    assert block.text == f"{block.question} {block.computer} {block.phone}"
    assert (block.language, block.direction) == (code, "ltr")


def test_the_english_words_are_those_agreed_on() -> None:
    assert primary_tab.block("en").text == (
        "Reading this in Gmail? Drag this mail to the first tab, Primary, and answer Yes when Gmail asks about future "
        "messages. On a phone: open the mail, tap the three dots, Move to, Primary."
    )


def test_a_language_we_do_not_speak_gets_english() -> None:
    assert primary_tab.block("ja").language == "en"
    assert primary_tab.block("no").language == "nb"


@pytest.mark.parametrize("code", language.LANGUAGES)
def test_nothing_is_promised(code: str) -> None:
    words = primary_tab.block(code).text.lower()
    assert not any(promise in words for promise in ("guarantee", "inbox", "indbakke", "posteingang", "garant"))

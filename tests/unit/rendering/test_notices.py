"""The two plain mails of the sign-up: complete, in the organisation's language, and nobody's advertising."""

from __future__ import annotations

import email
import email.policy
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime

import pytest
from lxml import html as lxml_html

from listkeeper.foundation import language
from listkeeper.foundation.errors import Invalid
from listkeeper.rendering import message
from listkeeper.rendering.content import Filled
from listkeeper.rendering.mails import already_subscribed_mail, answer_mail, confirmation_mail
from tests.unit.rendering.conftest import SENDER

CONSENT = (
    "Ja tak, Kaffe Fuglsang ApS må sende mig brevet Nyheder fra gården, cirka én gang om ugen.\r\n\r\n"
    "Jeg kan altid trække mit samtykke tilbage med ét klik."
)
CONFIRM = "https://n.fuglsang.example/c/abc?x=1&y=2"
REFUSE = "https://n.fuglsang.example/n/abc"
PREFERENCES = "https://n.fuglsang.example/p/abc"


def _confirmation(**changes: str) -> Filled:
    words = {
        "language_code": "en",
        "legal_name": "Kaffe Fuglsang ApS",
        "postal_address": "Mejlgade 12\n8000 Aarhus C",
        "list_name": "Nyheder & nyt",
        "consent_text": CONSENT,
        "confirm_url": CONFIRM,
        "code": "012345",
        "refuse_url": REFUSE,
    }
    return confirmation_mail.compose(**{**words, **changes})


def _already(**changes: str) -> Filled:
    words = {
        "language_code": "en",
        "legal_name": "Kaffe Fuglsang ApS",
        "postal_address": "Mejlgade 12\n8000 Aarhus C",
        "list_name": "Nyheder & nyt",
        "preferences_url": PREFERENCES,
    }
    return already_subscribed_mail.compose(**{**words, **changes})


def test_the_confirmation_as_text() -> None:
    assert _confirmation().text == (
        "This address was typed into the sign-up form of “Nyheder & nyt” by Kaffe\n"
        "Fuglsang ApS. Was it you? This is what you say yes to:\n\n"
        "> Ja tak, Kaffe Fuglsang ApS må sende mig brevet Nyheder fra gården,\n"
        "> cirka én gang om ugen.\n>\n> Jeg kan altid trække mit samtykke tilbage med ét klik.\n\n"
        f"Yes, it was me:\n{CONFIRM}\n\n"
        "Or type this code into the page that is still open:\n012345\n\n"
        "If you do nothing, nothing is sent to you.\n\n"
        f"Not you? Tell us, and we stop asking this address.\n{REFUSE}\n\n"
        "----------------------------------------\n\nKaffe Fuglsang ApS\nMejlgade 12\n8000 Aarhus C\n"
    )


def test_the_code_stands_in_the_subject() -> None:
    assert _confirmation().subject == "012345 is your code to confirm “Nyheder & nyt”"


@pytest.mark.parametrize("code", language.LANGUAGES)
def test_both_parts_are_complete_in_every_language(code: str) -> None:
    filled = _confirmation(language_code=code)
    page = lxml_html.document_fromstring(filled.html)
    html, text = " ".join(page.text_content().split()), " ".join(filled.text.replace("\n> ", " ").split())
    with language.using(code):
        words = [
            language.text(sentence)
            for sentence in ("Yes, it was me", "Not you?", "If you do nothing, nothing is sent to you.")
        ]
    for said in (
        "012345",
        "Kaffe Fuglsang ApS",
        "Nyheder & nyt",
        "Jeg kan altid trække mit samtykke tilbage med ét klik.",
        *words,
    ):
        assert said in html
        assert said in text
    assert "012345" in filled.subject
    assert page.get("lang") == code
    assert [link.get("href") for link in page.iter("a")] == [CONFIRM, REFUSE]
    assert re.findall(r"https?://\S+", filled.text) == [CONFIRM, REFUSE]


@pytest.mark.parametrize("filled", [_confirmation(), _already()])
def test_there_is_nothing_that_could_be_advertising(filled: Filled) -> None:
    page = lxml_html.document_fromstring(filled.html)
    assert {element.tag for element in page.body.iter()} <= {"body", "div", "p", "a", "blockquote", "br", "span"}
    assert page.xpath("//img | //picture | //svg | //link | //script") == []
    assert "url(" not in filled.html
    assert "background=" not in filled.html
    words = f"{filled.subject} {filled.text} {page.text_content()}".lower()
    assert not any(
        word in words
        for word in ("welcome", "offer", "discount", "free", "follow us", "contact us", "questions?", "thank")
    )
    assert filled.preheader == ""


def test_the_colour_of_the_owner_is_not_in_them() -> None:
    assert SENDER.brand_colour not in _confirmation().html


def test_what_the_organisation_wrote_is_escaped_and_is_no_template() -> None:
    filled = _confirmation(
        list_name='<b>"{{ 7 }}"</b>', legal_name="{% x %}", consent_text="<script>{{ y }}</script>", code="<i>"
    )
    page = lxml_html.document_fromstring(filled.html)
    assert page.xpath("//script | //b | //i") == []
    text = page.text_content()
    assert '<b>"{{ 7 }}"</b>' in text
    assert "<script>{{ y }}</script>" in text
    assert "{% x %}" in filled.text


def test_the_headers_are_those_of_a_machine_and_of_no_list() -> None:
    for mail in (confirmation_mail, already_subscribed_mail):
        assert mail.HEADERS == (("Auto-Submitted", "auto-generated"),)


@pytest.mark.parametrize("filled", [_confirmation(), _already()])
def test_as_a_message_they_are_clean(filled: Filled) -> None:
    raw = message.build(
        filled,
        sender=SENDER,
        recipient="aase@post.example",
        message_id="<a@fuglsang.example>",
        date=datetime(2026, 11, 23, tzinfo=UTC),
        extra_headers=confirmation_mail.HEADERS,
    )
    parsed = email.message_from_bytes(raw, policy=email.policy.default)
    assert [part.defects for part in parsed.walk()] == [[], [], []]
    assert parsed["subject"] == filled.subject
    assert parsed["auto-submitted"] == "auto-generated"
    assert parsed["list-unsubscribe"] is None


def test_a_line_break_in_the_name_of_the_list_cannot_reach_the_subject() -> None:
    filled = _confirmation(list_name="x\r\nBcc: thief@evil.example")
    with pytest.raises(Invalid):
        message.build(
            filled,
            sender=SENDER,
            recipient="a@b.example",
            message_id="<a@b.example>",
            date=datetime(2026, 11, 23, tzinfo=UTC),
        )


def test_the_other_mail_says_that_nothing_was_changed() -> None:
    filled = _already()
    assert filled.subject == "You are on the list “Nyheder & nyt” already"
    assert "nothing was changed" in filled.text
    assert PREFERENCES in filled.text
    assert [link.get("href") for link in lxml_html.document_fromstring(filled.html).iter("a")] == [PREFERENCES]


def test_the_owner_may_say_a_word_to_whoever_is_on_the_list_already() -> None:
    filled = _already(said="We <b>know</b> each other.\nSee you.")
    assert "We &lt;b&gt;know&lt;/b&gt; each other.<br>\nSee you." in filled.html
    assert "> We <b>know</b> each other.\n>\n> See you." in filled.text
    assert "nothing was changed" in filled.text
    assert [link.get("href") for link in lxml_html.document_fromstring(filled.html).iter("a")] == [PREFERENCES]
    assert _already(said="") == _already()


def test_composing_leaves_the_language_as_it_was_and_opens_no_file(
    touched: Callable[[], AbstractContextManager[list[str]]],
) -> None:
    _confirmation(language_code="da")
    with language.using("pl"), touched() as seen:
        _confirmation(language_code="da")
        assert language.current() == "pl"
    assert seen == []


def test_a_text_comes_in_once_and_below_whatever_its_subject_says() -> None:
    filled = answer_mail.compose(
        language_code="en", legal_name="(text)", postal_address="", subject="Re: (text)", text="From <nine>.\nCome in."
    )
    assert "<title>Re: (text)</title>" in filled.html
    assert filled.html.count("From &lt;nine&gt;.\nCome in.</div>") == 1
    assert filled.text.startswith("From <nine>.\nCome in.\n")

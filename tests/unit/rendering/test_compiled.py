"""A letter is compiled once: same words, same bytes; what cannot be rendered is refused with its place."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from listkeeper.foundation import language
from listkeeper.foundation.errors import Invalid
from listkeeper.rendering import compiled, filling, merge_tags
from listkeeper.rendering.compiled import CompiledLetter
from listkeeper.rendering.content import Letter, Reader

Making = Callable[..., Letter]


def test_the_same_letter_compiles_to_the_same_bytes(letter_of: Making) -> None:
    one, other = compiled.compile_letter(letter_of()), compiled.compile_letter(letter_of())
    assert one == other
    assert one.sha256 == other.sha256
    assert one.to_json() == other.to_json()


@pytest.mark.parametrize(
    "change",
    [
        {"markdown": "Other words"},
        {"subject": "Other"},
        {"preheader": "Other"},
        {"brand_colour": "#aa2200"},
        {"postal_address": "Elsewhere 1"},
        {"language": "de"},
        {"name": "Another name"},
    ],
)
def test_every_change_has_another_fingerprint_and_name(letter_of: Making, change: dict[str, str]) -> None:
    before, after = letter_of(), letter_of(**change)
    assert compiled.name_of(before) != compiled.name_of(after)
    assert compiled.compile_letter(before).sha256 != compiled.compile_letter(after).sha256


def test_the_stored_form_is_plain_json_and_comes_back_equal(
    letter_of: Making, reader_of: Callable[..., Reader]
) -> None:
    made = compiled.compile_letter(letter_of())
    stored = json.loads(json.dumps(made.to_json()))
    again = CompiledLetter.from_json(stored)
    assert again == made
    assert filling.fill(again, reader_of()) == filling.fill(made, reader_of())


@pytest.mark.parametrize(
    ("key", "value"),
    [("html_body", "<script>"), ("version", 0), ("sha256", "0" * 64), ("subject", None), ("unknown", 1), ("names", 7)],
)
def test_a_damaged_stored_form_is_refused(letter_of: Making, key: str, value: object) -> None:
    stored = {**compiled.compile_letter(letter_of()).to_json(), key: value}
    with pytest.raises(Invalid) as refusal:
        CompiledLetter.from_json(stored)
    assert refusal.value.code == "compiled_letter_damaged"


def test_a_stored_form_that_lacks_a_part_is_refused(letter_of: Making) -> None:
    stored = compiled.compile_letter(letter_of()).to_json()
    del stored["text_frame"]
    with pytest.raises(Invalid, match="Save the letter again"):
        CompiledLetter.from_json(stored)


@pytest.mark.parametrize(
    ("markdown", "code", "place"),
    [
        ("Hi\n\n{{ subscriber.first_nam }}", "merge_tag_unknown_name", "Line 3"),
        ("{{ subscriber.name | explode }}", "merge_tag_unknown_filter", "explode"),
        ("{% if subscriber.name %}\n\nx", "merge_tag_not_closed", "{% if subscriber.name %}"),
        ("x\n{{ subscriber.name", "merge_tag_broken", "Line 2"),
        ("{% include 'x' %}", "merge_tag_broken", "Line 1"),
        ("{% assign links = 'x' %}", "merge_tag_taken_name", "links"),
        ("[x](https://a.example/?n={{ subscriber.name }})", "merge_tag_in_link", "subscriber.name"),
        ("[x]({{ subscriber.name }})", "merge_tag_in_link", "subscriber.name"),
        ("![x]({{ sender.name }})", "merge_tag_in_link", "sender.name"),
        ("[x]({% if subscriber.name %}https://a.example{% endif %})", "merge_tag_in_link", "{% if"),
        ("<script>{{ sender.name }}</script>", "merge_tag_lost", "Line 1"),
        ("<{{ links.web_view }}>", "merge_tag_lost", "Line 1"),
        ('a <b style="color:{{ sender.name }}">b</b>', "merge_tag_lost", "Line 1"),
        ("a {% if subscriber.name %}b\n\nc {% endif %}", "merge_tag_crosses", "Line 1"),
        ("- {% if subscriber.name %}a\n- b{% endif %}", "merge_tag_crosses", "Line 1"),
        ("{{ sender.name | truncate: 'x' }}", "merge_tag_failed", "truncate"),
        ("{% for i in (1..2000) %}x{% endfor %}", "merge_tags_too_much", "loop"),
        ("a\x00b", "letter_unreadable", "plain text"),
        ("x" * 300_001, "letter_too_long", "300,000"),
        ("{{ sender.name }}" * 2_001, "too_many_merge_tags", "2,000"),
    ],
)
def test_what_cannot_be_rendered_is_refused_with_its_place(
    letter_of: Making, markdown: str, code: str, place: str
) -> None:
    with pytest.raises(Invalid) as refusal:
        compiled.compile_letter(letter_of(markdown))
    assert refusal.value.code == code
    assert place in refusal.value.message


def test_a_key_the_list_keeps_may_be_asked_for(letter_of: Making, reader_of: Callable[..., Reader]) -> None:
    letter = letter_of("Your cake: {{ subscriber.favourite-cake }}.")
    with pytest.raises(Invalid):
        compiled.compile_letter(letter)
    made = compiled.compile_letter(letter, profile_names=["favourite-cake"])
    filled = filling.fill(made, reader_of(profile={"favourite-cake": "Othello"}))
    assert "Your cake: Othello." in filled.text


def test_a_subject_cannot_ask_for_itself(letter_of: Making) -> None:
    with pytest.raises(Invalid, match=r"letter\.subject"):
        compiled.compile_letter(letter_of(subject="Re: {{ letter.subject }}"))


def test_an_unreadable_brand_colour_is_refused(letter_of: Making) -> None:
    with pytest.raises(Invalid, match="is not a colour"):
        compiled.compile_letter(letter_of(brand_colour="red; } body { display: none"))


def test_compiling_does_not_change_the_language_in_use(letter_of: Making) -> None:
    with language.using("pl"):
        compiled.compile_letter(letter_of(language="de"))
        assert language.current() == "pl"


def test_rendering_opens_no_file_and_no_socket(
    letter_of: Making, reader_of: Callable[..., Reader], touched: Callable[[], AbstractContextManager[list[str]]]
) -> None:
    filling.fill(compiled.compile_letter(letter_of()), reader_of())
    tricky = letter_of(
        '<link rel="stylesheet" href="file:///etc/hostname"><style>@import "http://127.0.0.1:9/x.css";</style>\n\n'
        "![x](http://127.0.0.1:9/x.png) [x](file:///etc/hostname) " + letter_of().markdown,
        logo_url="http://127.0.0.1:9/logo.png",
    )
    with touched() as seen:
        filling.fill(compiled.compile_letter(tricky), reader_of(guidance="gmail"))
    assert seen == []


def test_liquid_in_the_senders_own_data_stays_text(letter_of: Making, reader_of: Callable[..., Reader]) -> None:
    letter = letter_of(legal_name="{{ subscriber.first_name }} {% if %} ApS")
    filled = filling.fill(compiled.compile_letter(letter), reader_of())
    assert "{{ subscriber.first_name }} {% if %} ApS" in filled.html
    assert "{{ subscriber.first_name }} {% if %} ApS" in filled.text


def test_the_names_a_letter_uses_are_known(letter_of: Making) -> None:
    made = compiled.compile_letter(letter_of())
    assert made.names == ("sender.name", "subscriber.city", "subscriber.first_name")
    assert set(made.names) <= merge_tags.known_names()

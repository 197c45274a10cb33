"""One compiled letter for one reader: escaped where it must be, refused where it cannot be printed, and fast."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from types import FrameType

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import html as lxml_html

from listkeeper.foundation import language
from listkeeper.foundation.errors import Invalid
from listkeeper.rendering import compiled, filling, web_view
from listkeeper.rendering.compiled import CompiledLetter
from listkeeper.rendering.content import Letter, Reader
from tests.unit.rendering.conftest import LETTER, READER, attempt

Making = Callable[..., Letter]
Readers = Callable[..., Reader]


@pytest.fixture(scope="module")
def usual() -> CompiledLetter:
    return compiled.compile_letter(LETTER)


def test_a_reader_gets_her_own_words(usual: CompiledLetter, reader_of: Readers) -> None:
    filled = filling.fill(usual, reader_of())
    assert filled.subject == "Åse: brød & kaffe"
    assert filled.preheader == "Kardemommesnurrer til de første tyve"
    assert "Hej Åse," in filled.html
    assert "Kom forbi i <em" in filled.html
    assert "Vi sender også." not in filled.html
    assert "Kom forbi i Aarhus!" in filled.text


def test_what_is_not_known_falls_back(usual: CompiledLetter, reader_of: Readers) -> None:
    filled = filling.fill(usual, reader_of(profile={}))
    assert filled.subject == "Hej: brød & kaffe"
    assert "Hej du," in filled.text
    assert "Vi sender også." in filled.text


@pytest.mark.parametrize("profile", [{}, {"first_name": ""}])
def test_what_is_not_known_is_no_reason_for_an_if(
    letter_of: Making, reader_of: Readers, profile: dict[str, str]
) -> None:
    markdown = 'Hi{% if subscriber.first_name %}, {{ subscriber.first_name | default: "" }}{% endif %}!'
    made = compiled.compile_letter(letter_of(markdown=markdown))
    assert "Hi!" in filling.fill(made, reader_of(profile=profile)).html
    assert "Hi, Åse!" in filling.fill(made, reader_of(profile={"first_name": "Åse"})).html


def test_subject_and_text_are_not_escaped_and_html_is(usual: CompiledLetter, reader_of: Readers) -> None:
    filled = filling.fill(usual, reader_of(profile={"first_name": "Tom & Åse's <b>"}))
    assert filled.subject == "Tom & Åse's <b>: brød & kaffe"
    assert "Hej Tom & Åse's <b>," in filled.text
    assert "Hej Tom &amp; Åse&#39;s &lt;b&gt;," in filled.html
    assert "<title>Tom &amp; Åse&#39;s &lt;b&gt;: brød &amp; kaffe</title>" in filled.html


def test_both_parts_hold_the_way_out(usual: CompiledLetter, reader_of: Readers) -> None:
    filled = filling.fill(usual, reader_of())
    page = lxml_html.document_fromstring(filled.html)
    hrefs = {link.get("href") for link in page.iter("a")}
    for url in (READER.unsubscribe_url, READER.preferences_url, READER.web_view_url, READER.why_url):
        assert url in hrefs
        assert url in filled.text
    assert READER.reason in page.text_content()
    assert READER.reason in " ".join(filled.text.split())


def test_an_owner_cannot_take_the_footer_away(letter_of: Making, reader_of: Readers) -> None:
    markdown = (
        "{% if subscriber.name == 'x' %}\n\nx\n\n{% endif %}\n\n</td></tr></table><!--\n\nand an end that never comes"
    )
    letter = letter_of(markdown)
    filled = filling.fill(compiled.compile_letter(letter), reader_of())
    page = lxml_html.document_fromstring(filled.html)
    foot = page.xpath("//td[@class='foot']")
    assert len(foot) == 1
    assert next(foot[0].iter("a")).get("href") == READER.unsubscribe_url
    assert not foot[0].xpath("ancestor::td[@class='letter']")


_HTML = st.sampled_from(
    [
        *(
            f"<{tag}>"
            for tag in (
                "p",
                "div",
                "table",
                "tr",
                "td",
                "tbody",
                "ul",
                "li",
                "a href=https://a.example",
                "b",
                "h1",
                "pre",
                "center",
                "dl",
                "dt",
            )
        ),
        *(
            f"</{tag}>"
            for tag in (
                "p",
                "div",
                "table",
                "tr",
                "td",
                "tbody",
                "ul",
                "li",
                "a",
                "b",
                "h1",
                "pre",
                "body",
                "html",
                "center",
            )
        ),
        "word",
        "\n\n",
        "<body>",
        "<form>",
        "<select><option>",
        "<button>",
        "<plaintext>",
        "<!--",
        "{{ sender.name }}",
        "{% if sender.name %}x{% endif %}",
    ]
)


@given(st.lists(_HTML, max_size=16).map("".join))
def test_no_html_in_a_letter_reaches_outside_its_place(markdown: str) -> None:
    filled, _ = attempt(lambda: filling.fill(compiled.compile_letter(replace(LETTER, markdown=markdown)), READER))
    if filled is None:
        return
    page = lxml_html.document_fromstring(filled.html)
    foot = page.xpath("//td[@class='foot']")
    assert len(foot) == 1
    assert not foot[0].xpath("ancestor::td[@class='letter']")
    assert foot[0].getparent().getparent().get("class") == "sheet"


def test_an_unprintable_field_nobody_asks_for_does_not_matter(usual: CompiledLetter, reader_of: Readers) -> None:
    assert filling.fill(usual, reader_of(profile={"note": "a\r\nb"})).subject == "Hej: brød & kaffe"


@pytest.mark.parametrize("bad", ["\r", "\n", "\r\nBcc: x@y.example", "\x00", "\x0b", "\x85", "\u2028", "\ud800"])
@pytest.mark.parametrize(
    "field", ["first_name", "reason", "unsubscribe_url", "preferences_url", "web_view_url", "why_url"]
)
def test_a_line_break_in_a_readers_data_is_refused(
    usual: CompiledLetter, reader_of: Readers, field: str, bad: str
) -> None:
    value = f"Åse{bad}secret"
    changes = {"profile": {"first_name": value}} if field == "first_name" else {field: value}
    with pytest.raises(Invalid) as refusal:
        filling.fill(usual, reader_of(**changes))
    assert refusal.value.code == "value_unprintable"
    assert "secret" not in refusal.value.message


@given(name=st.text(max_size=60), city=st.text(max_size=60))
def test_no_profile_can_add_markup_or_a_second_line_to_the_subject(usual: CompiledLetter, name: str, city: str) -> None:
    profile = {"first_name": name, "city": city}
    filled, refusal = attempt(lambda: filling.fill(usual, READER._replace(profile=profile)))
    if filled is None:
        assert refusal == "value_unprintable"
        return
    assert len(filled.subject.splitlines()) == 1
    shape = [element.tag for element in lxml_html.document_fromstring(filled.html).iter()]
    branch = {"first_name": "x", "city": "Aarhus" if city.strip() == "Aarhus" else ""}
    plain = filling.fill(usual, READER._replace(profile=branch))
    assert shape == [element.tag for element in lxml_html.document_fromstring(plain.html).iter()]


@pytest.mark.parametrize(
    "tag",
    [
        '{{ "<script>x</script>" }}',
        '{{ sender.name | append: "<script>x</script>" }}',
        '{{ subscriber.name | default: "<img src=http://x.example/p.png>" }}',
        "{% assign evil = '<script>' %}{{ evil }}",
        "{{ '\"><script>' }}",
    ],
)
def test_a_string_inside_a_tag_cannot_pass_the_sanitiser(letter_of: Making, reader_of: Readers, tag: str) -> None:
    letter = letter_of(f'Hi {tag} <img src="https://a.example/p.png" alt="{tag}">')
    filled = filling.fill(compiled.compile_letter(letter), reader_of(profile={}))
    page = lxml_html.document_fromstring(filled.html)
    assert page.xpath("//script") == []
    assert [picture.get("src") for picture in page.iter("img")] == ["https://a.example/p.png"]


def test_the_gmail_block_comes_in_the_readers_language(letter_of: Making, reader_of: Readers) -> None:
    made = compiled.compile_letter(letter_of(language="da"))
    filled = filling.fill(made, reader_of(language="pl", guidance="gmail"))
    block = lxml_html.document_fromstring(filled.html).xpath("//td[@class='tab']")
    assert [element.get("lang") for element in block] == ["pl"]
    assert "Czytasz w Gmailu?" in block[0].text_content()
    assert "Główne (Primary)" in " ".join(filled.text.split())
    with language.using("da"):
        assert language.text("Unsubscribe") in filled.html


def test_everyone_else_gets_a_letter_without_a_trace_of_it(usual: CompiledLetter, reader_of: Readers) -> None:
    filled = filling.fill(usual, reader_of(guidance=""))
    assert 'class="tab"' not in filled.html
    assert "Gmail" not in filled.html.split("</head>")[1]
    assert "Gmail" not in filled.text


def test_two_letters_are_not_mixed_up(letter_of: Making, reader_of: Readers) -> None:
    one, other = compiled.compile_letter(letter_of("One")), compiled.compile_letter(letter_of("Other"))
    assert "One" in filling.fill(one, reader_of()).text
    assert "Other" in filling.fill(other, reader_of()).text
    assert "One" in filling.fill(one, reader_of()).text


def test_filling_uses_liquid_and_nothing_of_the_layout(usual: CompiledLetter, reader_of: Readers) -> None:
    filling.fill(usual, reader_of())
    used: set[str] = set()

    def note(frame: FrameType, event: str, _argument: object) -> None:
        if event == "call":
            used.add(frame.f_globals.get("__name__", "").split(".")[0])

    sys.setprofile(note)
    try:
        filling.fill(usual, reader_of(profile={"first_name": "New"}))
    finally:
        sys.setprofile(None)
    assert "liquid" in used
    heavy = {"markdown_it", "nh3", "premailer", "cssutils", "lxml", "jinja2", "inscriptis", "babel", "json"}
    assert used.isdisjoint(heavy)


def test_the_web_view_is_the_html_that_was_mailed(usual: CompiledLetter, reader_of: Readers) -> None:
    filled = filling.fill(usual, reader_of())
    assert web_view.page(filled).decode() == filled.html
    assert web_view.CONTENT_TYPE == "text/html; charset=utf-8"

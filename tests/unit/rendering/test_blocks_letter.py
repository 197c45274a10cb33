"""A letter of blocks: the same words and links in its page, its text and its checks, whatever stands in a block."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import html as lxml_html

from listkeeper.foundation.errors import Invalid
from listkeeper.rendering import compiled, document, filling
from listkeeper.rendering.content import Filled, Letter
from listkeeper.rendering.document import Mode, Theme
from listkeeper.rendering.reading import contrast_check, letter_access
from tests.unit.rendering.conftest import READER, SENDER

PICTURE = {"src": "/media/abc.jpg", "alt": "En bolle", "width": 1200, "height": 600}
GREETING = (
    '<p>Hej {{ subscriber.first_name | default: "du" }}, se <a href="https://k.example/a?b=1&amp;c=2">her</a>.</p>'
)
EVERY: list[dict[str, Any]] = [
    {"type": "header", "title": "Høst & vin", "text": "Nyt", "tone": "brand", "picture": PICTURE},
    {"type": "text", "html": GREETING},
    {"type": "heading", "text": "Tom & Åse's <b>", "level": 2},
    {"type": "image", "picture": PICTURE, "href": "https://k.example/picture"},
    {"type": "button", "label": "Bestil", "href": "https://k.example/button"},
    {"type": "columns", "left": {"title": "Venstre", "label": "Se", "href": "https://k.example/left"},
     "right": {"picture": PICTURE, "html": "<p>højre</p>"}},
    {"type": "divider"},
    {"type": "spacer", "height": 40},
    {"type": "quote", "html": "<p>Bedst</p>", "source": "Avisen"},
    {"type": "offer", "title": "Snegl", "price": "49 kr.", "before": "65 kr.", "until": "Til søndag",
     "html": "<p>Seks</p>", "label": "Bestil nu", "href": "https://k.example/offer", "picture": PICTURE},
    {"type": "social", "links": [{"name": "Instagram", "href": "https://instagram.example/k"}]},
    {"type": "sponsored", "sponsor": "Mølle A/S", "html": '<p>Mel <a href="https://m.example/1">her</a></p>',
     "label": "Læs", "href": "https://m.example/2", "country": "DK"},
    {"type": "taps", "question": "Hvordan går det?", "fine": "Godt", "ask": "Spørgsmål", "problem": "Skidt"},
    {"type": "rss", "url": "https://f.example/feed", "items": [
        {"title": "Nyt {{ subscriber.name }}", "href": "https://f.example/1", "summary": "{% if x %} kort"}]},
]  # fmt: skip


def blocks(values: list[dict[str, Any]]) -> document.Blocks:
    """Return blocks with names of their own."""
    return document.blocks_of([{"id": f"b{place:010x}", **value} for place, value in enumerate(values)])


def letter(values: list[dict[str, Any]], **more: Any) -> Letter:  # noqa: ANN401 - fields of a letter
    """Return a letter of these blocks."""
    return Letter("Hej", "Nyt", "", "da", SENDER, mode=Mode.BLOCKS, blocks=blocks(values), **more)


def filled(values: list[dict[str, Any]]) -> Filled:
    """Return what a reader gets of these blocks."""
    return filling.fill(compiled.compile_letter(letter(values)), READER)


def test_every_block_is_in_both_halves() -> None:
    made = filled(EVERY)
    for words in (
        "Høst", "Tom &amp; Åse's &lt;b&gt;", "Bestil", "Venstre", "højre", "Bedst", "Avisen", "Snegl", "49 kr.",
        "65 kr.",
        "Til søndag", "Instagram", "Mølle A/S", "Annonce", "Hvordan går det?", "Skidt", "Nyt", "kort", "Hej Åse",
    ):  # fmt: skip
        assert words in made.html.replace("&#39;", "'"), words
        plain = words.replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">")
        assert plain in made.text, words


def test_every_link_of_the_owner_can_be_counted_in_both_halves() -> None:
    made = compiled.compile_letter(letter(EVERY))
    assert len(made.links) == 9
    assert {number for *_, number in made.html_links} == {number for *_, number in made.text_links} == set(range(9))


def test_the_taps_lead_to_the_letter_s_own_pages() -> None:
    made = compiled.compile_letter(letter(EVERY))
    for name in ("links.fine", "links.question", "links.problem"):
        assert made.html_body.count(f"{{{{ {name} }}}}") == made.text_body.count(f"{{{{ {name} }}}}") == 1


def test_a_stranger_s_feed_holds_no_merge_tag() -> None:
    made = filled(EVERY)
    assert "{ { subscriber.name }}" in made.html
    assert "{ % if x %} kort" in made.text


def test_two_columns_stack_on_a_telephone() -> None:
    html = filled(EVERY).html
    assert html.count("mj-column-per-50") >= 2
    page = lxml_html.document_fromstring(html)
    for column in page.xpath("//div[contains(@class, 'mj-column-per-50')]"):
        assert "width:100%" in column.get("style").replace(" ", "")


def test_nothing_of_it_is_loaded_from_elsewhere() -> None:
    made = filled([each for each in EVERY if each["type"] != "rss"])
    assert "fonts.googleapis" not in made.html
    assert "<link" not in made.html


def test_it_can_be_read_in_light_and_dark_and_aloud() -> None:
    html = filled(EVERY).html
    assert contrast_check.examine(html) == []
    serious = [
        each
        for each in letter_access.examine(html, "da")
        if each.kind in {"alt_missing", "table_read_aloud", "target_small"}
    ]
    assert serious == []


@pytest.mark.parametrize("colour", ["#ffff99", "#000000", "#ffffff", "#ff0000", "#00ff00", "#123456"])
def test_any_colour_stays_readable(colour: str) -> None:
    made = filling.fill(compiled.compile_letter(letter(EVERY, theme=Theme(colour=colour))), READER)
    assert contrast_check.examine(made.html) == []


@pytest.mark.parametrize(
    "bad", ["javascript:alert(1)", "data:text/html,x", "JAVASCRIPT:1", "vbscript:x", "//evil.example", "evil.example"]
)
def test_an_address_that_must_not_travel_is_left_out(bad: str) -> None:
    html = filled(
        [{"type": "button", "label": "Tryk", "href": bad}, {"type": "image", "picture": {"src": bad, "alt": "x"}}]
    ).html
    assert bad.lower() not in html.lower()


def test_a_tag_that_is_closed_in_another_block_is_refused_by_place() -> None:
    torn = [{"type": "text", "html": "<p>{% if subscriber.city %}</p>"}, {"type": "text", "html": "<p>{% endif %}</p>"}]
    with pytest.raises(Invalid) as refused:
        compiled.compile_letter(letter(torn))
    assert refused.value.place == "b0000000000"
    assert "Block 1" in refused.value.message


def test_a_name_nobody_knows_is_refused_by_place() -> None:
    with pytest.raises(Invalid) as refused:
        compiled.compile_letter(letter([{"type": "divider"}, {"type": "heading", "text": "{{ subscriber.shoe }}"}]))
    assert refused.value.place == "b0000000001"
    assert "Block 2" in refused.value.message


def test_a_profile_does_not_decide_where_a_button_leads() -> None:
    with pytest.raises(Invalid) as refused:
        compiled.compile_letter(
            letter([{"type": "button", "label": "x", "href": "https://x.example/{{ subscriber.city }}"}])
        )
    assert refused.value.place == "b0000000000"


@pytest.mark.parametrize("bomb", ["{% for a in (1..1000000) %}{% for b in (1..1000000) %}x{% endfor %}{% endfor %}"])
def test_liquid_that_explodes_is_stopped_with_a_sentence(bomb: str) -> None:
    with pytest.raises(Invalid) as refused:
        compiled.compile_letter(letter([{"type": "divider"}, {"type": "text", "html": f"<p>{bomb}</p>"}]))
    assert "Block 2: {% for a in (1..1000000) %}" in refused.value.message
    assert refused.value.place == "b0000000001"
    with pytest.raises(Invalid) as refused:
        compiled.compile_letter(Letter("Hej", "Nyt", f"# Hi\n\nWords\n\n{bomb}\n", "da", SENDER))
    assert "Line 5: {% for a in (1..1000000) %}" in refused.value.message


_TAGS = st.sampled_from(
    [
        '{{ subscriber.first_name | default: "a > b" }}',
        "{{ subscriber.city }}",
        "{{ sender.name }}",
        "{{ letter.subject }}",
    ]
)
_WORDS = st.text(st.sampled_from("aæß &<>\"'*_{}\u00a0😀"), max_size=12)


@st.composite
def _drawn(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Draw blocks with tags in every place a tag may stand."""

    def line() -> str:
        return "".join(draw(st.lists(st.one_of(_WORDS, _TAGS), max_size=3))).replace("{%", "")

    def block() -> dict[str, Any]:
        return draw(
            st.sampled_from(
                [
                    {"type": "heading", "text": line(), "level": 2},
                    {"type": "text", "html": f"<p>{line()}</p><ul><li>{draw(_TAGS)}</li></ul>"},
                    {"type": "button", "label": f"x{line()}", "href": "https://k.example/"},
                    {"type": "offer", "title": line(), "price": line(), "html": f"<p>{draw(_TAGS)}</p>"},
                    {"type": "image", "picture": {"src": "/media/a.jpg", "alt": line()}, "href": "https://k.example/"},
                    {"type": "quote", "html": f"<p>{draw(_TAGS)}</p>", "source": line()},
                ]
            )
        )

    return [block() for _ in range(draw(st.integers(1, 4)))]


@given(_drawn())
def test_tags_stand_in_both_halves_byte_for_byte(values: list[dict[str, Any]]) -> None:
    try:
        made = compiled.compile_letter(letter(values))
    except Invalid:
        # A drawn brace may be half a tag.
        return
    for block in letter(values).blocks:
        for name, text in document.texts(block):
            for tag in ("{{ subscriber.city }}", "{{ sender.name }}", '{{ subscriber.first_name | default: "a > b" }}'):
                if tag in text and not name.endswith("src") and (block.type != "offer" or name != "before"):
                    assert tag in made.html_body
                    assert tag in made.text_body

"""The page around the letter: the footer, the languages, the two schemes, and nothing from other hosts."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from lxml import html as lxml_html

from listkeeper.foundation import language
from listkeeper.rendering import compiled, filling, footer, layout
from listkeeper.rendering.content import Letter, Reader

Making = Callable[..., Letter]
Readers = Callable[..., Reader]


@pytest.fixture
def page_of(letter_of: Making, reader_of: Readers) -> Callable[..., lxml_html.HtmlElement]:
    def make(
        markdown: str = "# Hi\n\nThere", reader: dict[str, object] | None = None, **changes: object
    ) -> lxml_html.HtmlElement:
        filled = filling.fill(compiled.compile_letter(letter_of(markdown, **changes)), reader_of(**(reader or {})))
        return lxml_html.document_fromstring(filled.html)

    return make


Page = Callable[..., lxml_html.HtmlElement]


def test_the_head_says_what_programs_need(page_of: Page) -> None:
    page = page_of(subject="A subject")
    metas = {meta.get("name"): meta.get("content") for meta in page.iter("meta")}
    assert metas["viewport"] == "width=device-width, initial-scale=1"
    assert metas["color-scheme"] == "light dark"
    assert page.findtext(".//title") == "A subject"
    assert page.get("lang") == "da"
    assert page.get("dir") == "ltr"


def test_tables_of_the_layout_are_no_data_and_tables_of_the_letter_are(page_of: Page) -> None:
    page = page_of("| a | b |\n|---|---|\n| c | d |")
    roles = [table.get("role") for table in page.iter("table")]
    assert roles == ["presentation", "presentation", None]


def test_the_footer_says_who_why_and_how_to_leave(page_of: Page) -> None:
    foot = page_of(language="en").xpath("//td[@class='foot']")[0]
    words = " ".join(foot.text_content().split())
    assert words == (
        "Du får dette brev, fordi du sagde ja den 12. maj 2026 på fuglsang.example. "
        "Kaffe Fuglsang ApS, Mejlgade 12, 8000 Aarhus C Unsubscribe Choose what you get View in browser "
        "Why did I get this?"
    )


def test_what_leads_out_is_not_hidden(page_of: Page) -> None:
    for link in page_of().xpath("//td[@class='foot']//a"):
        style = link.get("style") + link.getparent().getparent().get("style")
        assert "display:none" not in style.replace(" ", "")
        assert "visibility" not in style
        assert int(re.search(r"font-size:\s*(\d+)px", style)[1]) >= 12  # type: ignore[index]


def test_rules_stand_in_the_elements(page_of: Page) -> None:
    page = page_of("# Hi\n\n[x](https://a.example)")
    assert "font-size:29px" in page.find(".//h1").get("style")
    assert "color:#1f6f54" in page.xpath("//td[@class='letter']//a")[0].get("style")
    assert page.xpath("//td[@class='letter']")[0].get("bgcolor") == "#ffffff"


def test_both_schemes_and_phones_keep_their_rules(page_of: Page) -> None:
    css = page_of(brand_colour="#ffd23f").findtext(".//style")
    assert "@media (prefers-color-scheme: dark)" in css
    assert "@media (max-width: 520px)" in css
    assert css.count("!important") > 15
    assert f"background-color: {layout.DARK.card} !important" in css


def test_a_pale_brand_colour_is_darkened_for_links(page_of: Page) -> None:
    style = page_of("[x](https://a.example)", brand_colour="#ffd23f").xpath("//td[@class='letter']//a")[0].get("style")
    assert "#ffd23f" not in style


def test_the_preheader_is_there_and_hidden(page_of: Page) -> None:
    hidden = page_of(preheader="First & foremost").xpath("//div[@class='preheader']")[0]
    assert hidden.text_content().startswith("First & foremost")
    assert "display:none" in hidden.get("style")
    assert page_of(preheader=" ").xpath("//div[@class='preheader']") == []


def test_a_logo_takes_the_place_of_the_name(page_of: Page) -> None:
    picture = page_of(logo_url="https://n.example/logo.png?a=1&b=2").xpath("//td[@class='head']/img")[0]
    assert picture.get("src") == "https://n.example/logo.png?a=1&b=2"
    assert picture.get("alt") == "Kaffe Fuglsang"
    assert page_of().xpath("//td[@class='head']")[0].text_content().strip() == "Kaffe Fuglsang"


def test_nothing_comes_from_another_host(letter_of: Making, reader_of: Readers) -> None:
    filled = filling.fill(compiled.compile_letter(letter_of("Hi")), reader_of(guidance="gmail"))
    assert set(re.findall(r"https?://[^\"'<> )]+", filled.html)) == {
        "https://n.fuglsang.example/u/abc?a=1&amp;b=2",
        "https://n.fuglsang.example/p/abc",
        "https://n.fuglsang.example/p/abc/inbox",
        "https://n.fuglsang.example/w/abc",
        "https://n.fuglsang.example/y/abc",
    }
    assert "url(" not in filled.html
    assert "<script" not in filled.html


def test_the_senders_data_is_escaped(page_of: Page) -> None:
    page = page_of(
        name="<b>Shop</b> & co",
        legal_name='"><script>x</script>',
        postal_address="<i>Street</i>",
        logo_url='"><script>',
    )
    assert page.xpath("//script") == []
    assert '"><script>x</script>, <i>Street</i>' in page.xpath("//td[@class='foot']")[0].text_content()
    assert page.xpath("//img")[0].get("alt") == "<b>Shop</b> & co"


@pytest.mark.parametrize("code", language.LANGUAGES)
def test_the_layout_speaks_the_language_of_the_letter(page_of: Page, code: str) -> None:
    page = page_of(language=code, reader={"language": "en"})
    with language.using(code):
        words = ("Unsubscribe", "Choose what you get", "View in browser", "Why did I get this?")
        expected = [language.text(each) for each in words]
    assert [link.text for link in page.xpath("//td[@class='foot']//a")] == expected
    assert page.get("lang") == code


def test_a_letter_is_far_from_being_clipped(letter_of: Making, reader_of: Readers) -> None:
    filled = filling.fill(compiled.compile_letter(letter_of("Hi")), reader_of(guidance="gmail"))
    assert len(filled.html.encode()) < 16_000


@pytest.mark.parametrize(
    ("code", "date"),
    [
        ("en", "12 May 2026"),
        ("da", "12. maj 2026"),
        ("nb", "12. mai 2026"),
        ("sv", "12 maj 2026"),
        ("pl", "12 maja 2026"),
        ("ru", "12 мая 2026"),
        ("de", "12. Mai 2026"),
    ],
)
def test_the_reason_names_day_and_place(code: str, date: str) -> None:
    said_yes_at = datetime(2026, 5, 11, 23, 30, tzinfo=UTC)
    sentence = footer.reason(said_yes_at, "fuglsang.example", code, zone="Europe/Copenhagen")
    assert date in sentence
    assert "fuglsang.example" in sentence


def test_the_reason_in_english() -> None:
    sentence = footer.reason(datetime(2026, 5, 12, tzinfo=UTC), "fuglsang.example", "en")
    assert sentence == "You get this because you said yes on 12 May 2026 on fuglsang.example."


def test_an_imprint_leaves_out_what_is_empty(sender: object) -> None:
    assert footer.imprint_lines("Shop", "Street 1,\n\n 1234 Town \n") == ["Shop", "Street 1", "1234 Town"]
    assert footer.imprint_lines("", "") == []


def test_the_fingerprint_of_the_layout_is_stable() -> None:
    assert layout.fingerprint() == layout.fingerprint()
    assert re.fullmatch(r"[0-9a-f]{64}", layout.fingerprint())

"""The letter of the archive: filled for nobody, without one link that was a reader's own, and with its labels."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from lxml import html as lxml_html

from listkeeper.rendering import archive_copy, compiled, document
from listkeeper.rendering.archive_copy import Around
from listkeeper.rendering.content import Letter
from listkeeper.rendering.document import Block, Mode
from tests.unit.rendering.conftest import LETTER

AROUND = Around(
    "https://mail.shop.example/archive/news/cmp_1",
    "https://mail.shop.example/archive/news/feed.xml",
    (("Alle breve", "https://mail.shop.example/archive/news"),),
)


def _page(letter: Letter) -> str:
    return archive_copy.page(compiled.compile_letter(letter), "Nyheder", AROUND).decode()


def _markdown(markdown: str, subject: str = "Hej") -> Letter:
    return replace(LETTER, markdown=markdown, subject=subject)


def _blocks(*blocks: Block) -> Letter:
    return replace(LETTER, markdown="", mode=Mode.BLOCKS, blocks=blocks)


def _block(kind: str, **values: object) -> Block:
    return document.block_of({"id": document.new_id(), "type": kind, **values})


def _links(page: str) -> list[str]:
    return [link.get("href") for link in lxml_html.document_fromstring(page).iter("a")]


def test_nothing_is_known_of_anybody_so_the_fallbacks_speak() -> None:
    page = _page(LETTER)
    assert "Hej du," in page
    assert "Kom forbi i" not in page
    assert "Vi sender også." in page
    assert "<title>Hej: br" in page
    assert 'content="width=device-width' in page


def test_the_links_of_one_reader_go_and_the_owners_stay() -> None:
    page = _page(_markdown("Hej\n\n[Menu](https://shop.example/menu)"))
    assert _links(page) == ["https://shop.example/menu", "https://mail.shop.example/archive/news"]
    for gone in ("Afmeld", "Hvorfor får jeg", "one-reader", "invalid"):
        assert gone not in page
    assert "Mejlgade 12" in page
    assert "Nyheder" in page


def test_a_link_inside_a_sentence_leaves_its_words() -> None:
    page = _page(_markdown("Vil du ikke mere, så [stop her]({{ links.unsubscribe }}) når som helst."))
    assert "så stop her når som helst." in page
    assert "one-reader" not in page


def test_answers_to_tap_are_nobodys_and_go_with_their_question() -> None:
    taps = "\n\n".join(f"[{name}]({{{{ links.{name} }}}})" for name in ("fine", "question", "problem"))
    page = _page(_markdown(f"Før\n\n{taps}\n\nEfter"))
    assert "Før" in page
    assert "Efter" in page
    said = lxml_html.document_fromstring(page).text_content().split()
    assert not {"fine", "question", "problem"} & set(said)
    block = _block("taps", question="Hvordan går det?", fine="Fint", ask="Spørg", problem="Skidt")
    page = _page(_blocks(_block("text", html="<p>Brød</p>"), block))
    assert "Brød" in page
    assert not [word for word in ("Hvordan går det?", "Fint", "Skidt") if word in page]


@pytest.mark.parametrize("written", ["{{ links.web_view }}", "{{ links.preferences | upcase }}", "{{ links.fine }}"])
def test_an_address_that_is_written_out_is_not_said(written: str) -> None:
    page = _page(_markdown(f"Se {written} her", subject=f"Brød {written}")).lower()
    assert "one-reader" not in page
    assert "<title>brød</title>" in page.replace("brød </title>", "brød</title>")


def test_it_is_the_same_however_often_it_is_made() -> None:
    # Compiled twice: the words that mark slots are drawn anew, and none may be left in the page.
    assert _page(LETTER) == _page(LETTER)


def test_links_lead_on_in_their_own_window_for_a_sandbox_opens_none() -> None:
    page = _page(_blocks(_block("button", label="Læs", href="https://shop.example/a")))
    assert "https://shop.example/a" in page
    assert "target=" not in page
    assert "<!--" not in page


def test_whatever_a_stored_letter_holds_nothing_in_the_archive_acts_or_tells() -> None:
    body = (
        "<p>Stay</p><script>alert(1)</script><form action='/x'><input name='a'></form><iframe src='/x'></iframe>"
        "<a href='javascript:alert(1)' onclick='alert(1)'>a</a><a href='data:text/html,x'>b</a>"
        "<p><a href='https://x.example/?back={{ links.unsubscribe }}' title='{{ links.preferences }}'>c</a></p>"
    )
    letter = replace(compiled.compile_letter(LETTER), html_body=body)
    for whole in (archive_copy.page(letter, "N", AROUND).decode(), archive_copy.excerpt(letter, "N").html):
        assert "Stay" in whole
        for gone in ("<script", "javascript", "alert", "<form", "<input", "iframe", "data:", "onclick", "one-reader"):
            assert gone not in whole


def test_own_html_gets_a_width_and_its_canonical_address() -> None:
    whole = (
        "<html><head><title>x</title></head><body><p>Hej {{ subscriber.first_name | default: 'du' }}</p></body></html>"
    )
    page = _page(replace(LETTER, markdown="", mode=Mode.HTML, html=whole))
    head = lxml_html.document_fromstring(page).find("head")
    assert "Hej du" in page
    assert head.xpath("string(link[@rel='canonical']/@href)") == AROUND.address
    assert head.xpath("string(link[@rel='alternate']/@href)") == AROUND.feed
    assert len(head.xpath("meta[@name='viewport']")) == 1


SPONSORED = _block(
    "sponsored", sponsor="Rundstykke A/S", html="<p>Hurtigt internet i Odense</p>", label="Se",
    href="https://sponsor.example/x", country="DK",
)  # fmt: skip


def test_what_is_paid_for_says_so_first_in_the_page_and_in_the_feed() -> None:
    letter = compiled.compile_letter(_blocks(_block("text", html="<p>Brød</p>"), SPONSORED))
    excerpt = archive_copy.excerpt(letter, "Nyheder")
    for whole in (archive_copy.page(letter, "Nyheder", AROUND).decode(), excerpt.html):
        before, label, after = whole.partition("Annonce")
        assert label, whole
        assert "internet i Odense" not in before
        assert "Hurtigt internet i Odense" in after
        assert not after[0].isalnum()
        assert 'rel="sponsored"' in after


def test_an_entry_of_a_feed_holds_no_styles_no_frames_and_no_tables_of_layout() -> None:
    letter = compiled.compile_letter(_blocks(_block("text", html="<p>Brød og <strong>kaffe</strong></p>"), SPONSORED))
    excerpt = archive_copy.excerpt(letter, "Nyheder")
    assert "<strong>kaffe</strong>" in excerpt.html
    for gone in ("<table", "style=", "class=", "<!--", "Mejlgade", "archive copy"):
        assert gone not in excerpt.html
    assert excerpt.summary == LETTER.preheader


def test_a_letter_without_a_preview_line_is_summed_up_by_its_first_words() -> None:
    letter = replace(_blocks(SPONSORED, _block("text", html=f"<p>{'Brød og kaffe. ' * 60}</p>")), preheader="")
    summary = archive_copy.excerpt(compiled.compile_letter(letter), "Nyheder").summary
    assert re.match(r"Annonce\W.*Rundstykke A/S Hurtigt internet i Odense Se Brød", summary)
    assert len(summary) <= 302


def test_a_table_of_the_owners_stays_one_in_a_feed() -> None:
    table = _markdown("| Brød | Pris |\n|---|---|\n| Rug | 30 |")
    assert "<table" in archive_copy.excerpt(compiled.compile_letter(table), "Nyheder").html


def test_a_subject_in_the_list_is_said_as_to_nobody() -> None:
    assert archive_copy.line("Brød", "Kaffe") == "Brød"
    assert (
        archive_copy.line('{{ subscriber.first_name | default: "Hej" }} fra {{ sender.name }}', "Kaffe")
        == "Hej fra Kaffe"
    )
    assert archive_copy.line("{% if subscriber.city %}x{% endif %}Se {{ links.web_view }}", "Kaffe") == "Se"

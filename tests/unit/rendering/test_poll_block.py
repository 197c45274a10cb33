"""A poll in a letter: each answer a link of the reader's own in both parts, and words alone where nobody is asked."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from lxml import html as lxml_html

from listkeeper.foundation.errors import Invalid
from listkeeper.rendering import archive_copy, compiled, document, filling, links, own_links, poll_faults, poll_words
from listkeeper.rendering.content import Filled, Reader
from listkeeper.rendering.css import client_support
from listkeeper.rendering.document import PollBlock
from listkeeper.rendering.reading import contrast_check, letter_access
from tests.unit.rendering.conftest import READER
from tests.unit.rendering.test_archive_copy import AROUND
from tests.unit.rendering.test_blocks_letter import letter

SITE = "https://n.fuglsang.example"
ASKED = 'Hvad bager vi, {{ subscriber.first_name | default: "du" }}?'
POLL: dict[str, Any] = {
    "type": "poll",
    "question": ASKED,
    "answers": [{"text": "Blåbær"}, {"text": ""}, {"text": "Kanel & <æble>"}],
}
AROUND_IT = ({"type": "text", "html": "<p>Hej</p>"}, POLL, {"type": "text", "html": "<p>Slut</p>"})
HERS: Reader = READER._replace(own=lambda name: f"{SITE}/poll/{name}")


def filled(reader: Reader = HERS) -> Filled:
    """Return what somebody gets of a letter with a poll."""
    return filling.fill(compiled.compile_letter(letter(list(AROUND_IT))), reader)


def hrefs(page: str) -> list[str]:
    """Return where the answers of a page lead."""
    return [link.get("href") for link in lxml_html.document_fromstring(page).cssselect("p.vote a")]


def test_each_answer_is_a_link_of_her_own_in_both_parts() -> None:
    made = filled()
    named = [f"{SITE}/poll/poll_b0000000001_{number}" for number in (0, 2)]
    assert hrefs(made.html) == named
    assert f"Blåbær <{named[0]}>" in made.text
    assert f"Kanel & <æble> <{named[1]}>" in made.text
    assert "Hvad bager vi, Åse?" in made.html
    assert "Kanel &amp; &lt;æble&gt;" in made.html


def test_an_answer_keeps_its_number_and_an_empty_one_is_not_shown() -> None:
    assert compiled.compile_letter(letter(list(AROUND_IT))).own_links == ("poll_b0000000001_0", "poll_b0000000001_2")


def test_a_letter_without_one_asks_for_no_page_of_its_own() -> None:
    assert compiled.compile_letter(letter([{"type": "text", "html": "<p>x</p>"}])).own_links == ()


def test_without_a_reader_the_answers_lead_to_the_letter_itself() -> None:
    assert set(hrefs(filled(READER).html)) == {READER.web_view_url}


def test_it_can_be_read_and_pressed_in_light_and_dark() -> None:
    made = filled()
    assert contrast_check.examine(made.html) == []
    assert not {each.kind for each in letter_access.examine(made.html, "da")} & {"target_small", "link_vague"}
    assert [each for each in client_support.examine(made.html) if "vote" in each.sentence] == []


def test_nobody_writes_such_a_link_by_hand() -> None:
    for written in ("{{ links.poll_b0000000001_0 }}", "{{ links.block_guidance }}"):
        with pytest.raises(Invalid, match="nobody knows"):
            compiled.compile_letter(letter([{"type": "text", "html": f"<p>{written}</p>"}]))
    found = links.of_letter(letter(list(AROUND_IT)))
    assert [each.faults for each in found] == [(), ()]
    assert {each.block for each in found} == {"b0000000001"}


def test_the_archive_shows_what_was_asked_and_no_link() -> None:
    made = compiled.compile_letter(letter(list(AROUND_IT)))
    for whole in (archive_copy.page(made, "N", AROUND).decode(), archive_copy.excerpt(made, "N").html):
        said = " ".join(lxml_html.document_fromstring(whole).text_content().split())
        assert "Hvad bager vi, du?" in said
        assert "Blåbær" in said
        assert "Kanel & <æble>" in said
        assert "one-reader" not in whole
    assert hrefs(archive_copy.page(made, "N", AROUND).decode()) == []


def test_in_a_browser_the_answers_are_words() -> None:
    page = poll_words.without_links(filled(READER._replace(own=lambda _name: poll_words.NOWHERE)).html)
    assert "invalid" not in page
    assert hrefs(page) == []
    assert "Blåbær" in page
    assert READER.unsubscribe_url.replace("&", "&amp;") in page


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"answers": [{"text": "x" * 81}]}, "answers"),
        ({"answers": [{"text": "x"}] * 7}, "answers"),
        ({"answers": ["x"]}, "answers"),
        ({"answers": [{"text": "x", "href": "https://x.example"}]}, "answers"),
        ({"free": True}, "free"),
        ({"question": "x" * 1_001}, "question"),
    ],
)
def test_what_does_not_fit_is_refused_by_its_field(wrong: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        document.block_of({"id": "b0000000001", **POLL, **wrong})
    assert field in refused.value.message


def test_an_answer_of_eighty_characters_fits_and_is_one_line() -> None:
    block = document.block_of({"id": "b0000000001", "type": "poll", "answers": [{"text": f" {'x' * 39}\n{'y' * 40} "}]})
    assert isinstance(block, PollBlock)
    assert block.answers[0].text == f"{'x' * 39} {'y' * 40}"


@pytest.mark.parametrize(
    ("block", "said"),
    [
        ({"question": "", "answers": [{"text": "a"}, {"text": "b"}]}, "no question"),
        ({"question": "q", "answers": []}, "two answers"),
        ({"question": "q", "answers": [{"text": "a"}, {"text": ""}]}, "two answers"),
        ({"question": "q", "answers": [{"text": "Ja"}, {"text": "ja"}]}, "the same"),
        ({"question": "q", "answers": [{"text": "a"}, {"text": "b"}]}, ""),
    ],
)
def test_what_a_poll_lacks_is_said(block: dict[str, Any], said: str) -> None:
    found = document.block_of({"id": "b0000000001", "type": "poll", **block})
    assert isinstance(found, PollBlock)
    sentence = poll_faults.sentence(found)
    assert said in sentence
    assert bool(sentence) is bool(said)


def test_only_the_names_of_answers_are_read_as_such() -> None:
    assert own_links.answer_named("poll_b0123456789_5") == ("b0123456789", 5)
    for other in ("renew", "poll_b012345678_5", "poll_b0123456789_55", "poll_b0123456789_x", "fine"):
        assert own_links.answer_named(other) is None
    asked = ("links.renew", "links.fine", "subscriber.renew", "links.poll_b0123456789_5", "renew")
    assert own_links.asked_for(asked) == ("renew", "poll_b0123456789_5")


def test_a_link_that_renews_leads_to_her_own_page() -> None:
    written = '<p><a href="{{ links.renew }}">Bliv ved</a></p>'
    made = compiled.compile_letter(letter([{"type": "text", "html": written}]))
    page = filling.fill(made, READER._replace(own=lambda name: f"{SITE}/{name}/t"))
    assert f'href="{SITE}/renew/t"' in page.html
    assert f"Bliv ved <{SITE}/renew/t>" in page.text
    assert f'href="{READER.web_view_url}"' in filling.fill(made, READER).html


def test_what_is_handed_in_as_an_address_breaks_no_line() -> None:
    with pytest.raises(Invalid):
        filling.fill(
            compiled.compile_letter(letter([POLL])), replace_own(READER, "https://x.example/\r\nBcc: y@x.example")
        )


def replace_own(reader: Reader, address: str) -> Reader:
    """Return a reader whose pages all have one address."""
    return reader._replace(own=lambda _name: address)


def test_a_stored_letter_is_the_same_after_a_round_trip() -> None:
    made = compiled.compile_letter(letter(list(AROUND_IT)))
    again = compiled.CompiledLetter.from_json(made.to_json())
    assert (again.own_links, filling.fill(again, HERS)) == (made.own_links, filled())
    assert replace(made, version=made.version).sha256 == again.sha256

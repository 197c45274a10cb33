"""The help for the mail program and the list's question stand where the letter places them, once, in both parts."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from lxml import html as lxml_html

from listkeeper.foundation.errors import Invalid
from listkeeper.rendering import archive_copy, compiled, document, filling, mime_slots
from listkeeper.rendering.compiled import CompiledLetter
from listkeeper.rendering.content import AnswerLink, AskedQuestion, Reader
from listkeeper.rendering.reading import contrast_check
from tests.unit.rendering.conftest import READER, SENDER
from tests.unit.rendering.test_archive_copy import AROUND
from tests.unit.rendering.test_blocks_letter import letter

BEFORE, AFTER = {"type": "text", "html": "<p>Før</p>"}, {"type": "text", "html": "<p>Efter</p>"}
GUIDANCE: dict[str, Any] = {"type": "guidance", "tone": "tinted"}
QUESTION: dict[str, Any] = {"type": "question"}
ASKED = AskedQuestion(
    "da", "Hvor bor du & din kat?", "så vi ved det", "kage", (AnswerLink("Byen", "https://x.example/q/t?a=1&b=2"),)
)
IN_GMAIL: Reader = READER._replace(address="aase@gmail.com", guidance="gmail")
BOTH: Reader = IN_GMAIL._replace(asked=ASKED)
HELP, ASK = "Læser du med i Gmail?", "Hvor bor du"


def made(*blocks: dict[str, Any]) -> CompiledLetter:
    """Return a letter of blocks, compiled."""
    return compiled.compile_letter(letter(list(blocks)))


def said(form: CompiledLetter, reader: Reader) -> tuple[str, str]:
    """Return the words of both parts, with single spaces."""
    page = filling.fill(form, reader)
    return (" ".join(lxml_html.document_fromstring(page.html).body.text_content().split()), " ".join(page.text.split()))


def test_without_such_a_block_they_stand_below_the_letter() -> None:
    for words in said(made(BEFORE, AFTER), BOTH):
        assert words.index("Efter") < words.index(ASK) < words.index(HELP)


@pytest.mark.parametrize("tone", ["plain", "tinted"])
def test_where_they_are_placed_they_stand_once_and_nowhere_else(tone: str) -> None:
    for words in said(made(QUESTION, BEFORE, {**GUIDANCE, "tone": tone}, AFTER), BOTH):
        assert words.index(ASK) < words.index("Før") < words.index(HELP) < words.index("Efter")
        assert (words.count(ASK), words.count(HELP)) == (1, 1)


def test_one_can_be_placed_and_the_other_left_where_it_is() -> None:
    for words in said(made(GUIDANCE, BEFORE, AFTER), BOTH):
        assert words.index(HELP) < words.index("Før") < words.index("Efter") < words.index(ASK)
    for words in said(made(QUESTION, BEFORE, AFTER), BOTH):
        assert words.index(ASK) < words.index("Før") < words.index("Efter") < words.index(HELP)


def test_who_is_not_asked_sees_nothing_of_it() -> None:
    form = made(BEFORE, GUIDANCE, QUESTION, AFTER)
    page = filling.fill(form, READER)
    assert "Gmail" not in page.html + page.text
    assert "Et spørgsmål" not in page.html + page.text
    assert "block_" not in page.html + page.text
    assert "\n\n\n" not in page.text
    assert form.placed == {"guidance", "question"}


def test_its_words_and_links_are_escaped_once() -> None:
    page = filling.fill(made(BEFORE, GUIDANCE, QUESTION), BOTH).html
    assert "Hvor bor du &amp; din kat?" in page
    assert 'href="https://x.example/q/t?a=1&amp;b=2"' in page
    assert f'href="{READER.preferences_url}/inbox"' in page


def test_a_profile_cannot_name_one() -> None:
    tag = "{{ links.block_guidance }}<td class='tab'>"
    told = BOTH._replace(profile={"first_name": tag})
    greeting = {"type": "text", "html": '<p>Hej {{ subscriber.first_name | default: "du" }}</p>'}
    page = filling.fill(made(greeting, GUIDANCE), told)
    assert page.html.count(HELP) == page.text.count(HELP) == 1
    assert "<td class='tab'>" not in page.html


@pytest.mark.parametrize("reader", [READER, IN_GMAIL, BOTH, READER._replace(asked=ASKED)])
@pytest.mark.parametrize(
    "blocks", [(BEFORE, GUIDANCE, AFTER), (QUESTION, BEFORE), (GUIDANCE, QUESTION), (BEFORE, QUESTION, GUIDANCE, AFTER)]
)
def test_the_fast_path_makes_the_same_bytes(blocks: tuple[dict[str, Any], ...], reader: Reader) -> None:
    poll = {"type": "poll", "question": "Hvad?", "answers": [{"text": "Ja"}, {"text": "Nej"}]}
    form = made(*blocks, poll)
    hers = reader._replace(own=lambda name: f"https://n.fuglsang.example/poll/{name}")
    usual: dict[str, Any] = {
        "recipient": hers.address,
        "message_id": "<k3j4.12@fuglsang.example>",
        "date": datetime(2026, 11, 23, 8, 15, 9, tzinfo=UTC),
    }
    whole = mime_slots.whole(form, hers, sender=SENDER, headers=[], **usual)
    assert mime_slots.cut(form, SENDER, ()).quickly(hers, own_headers=[], **usual) == whole


@pytest.mark.parametrize("tone", ["plain", "tinted"])
@pytest.mark.parametrize("colour", ["#ffff99", "#000000", "#ffffff", "#ff0000", "#123456"])
def test_it_can_be_read_in_any_colour_in_light_and_dark(tone: str, colour: str) -> None:
    words = letter([BEFORE, {**GUIDANCE, "tone": tone}, QUESTION], theme=document.Theme(colour=colour))
    assert contrast_check.examine(filling.fill(compiled.compile_letter(words), BOTH).html) == []


def test_the_archive_and_its_excerpt_hold_neither() -> None:
    form = made(BEFORE, GUIDANCE, QUESTION, AFTER)
    whole = archive_copy.page(form, "N", AROUND).decode() + archive_copy.excerpt(form, "N").html
    assert "Efter" in whole
    for gone in ("Gmail", "spørgsmål", "block_", "one-reader"):
        assert gone not in whole


@pytest.mark.parametrize("block", [GUIDANCE, QUESTION])
def test_neither_can_be_doubled(block: dict[str, Any]) -> None:
    values = [{"id": f"b000000000{place}", **block} for place in (1, 2)]
    with pytest.raises(Invalid) as twice:
        document.blocks_of(values)
    assert (twice.value.code, twice.value.place) == ("block_once", "b0000000002")
    assert (
        len(document.blocks_of([values[0], {"id": "b0000000003", **(QUESTION if block is GUIDANCE else GUIDANCE)}]))
        == 2
    )


@pytest.mark.parametrize(
    "wrong",
    [
        {"type": "guidance", "tone": "red"},
        {"type": "guidance", "html": "<p>mine</p>"},
        {"type": "question", "question": "Mine?"},
        # No column holds a block, so neither can stand inside two columns.
        {"type": "columns", "left": {"blocks": [GUIDANCE]}},
        {"type": "columns", "left": {"type": "guidance"}},
        {"type": "footer"},
    ],
)
def test_they_carry_no_words_and_stand_in_no_column(wrong: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        document.block_of({"id": "b0000000001", **wrong})


def test_a_letter_of_nothing_else_is_empty() -> None:
    assert letter([GUIDANCE, QUESTION]).is_empty
    assert not letter([GUIDANCE, BEFORE]).is_empty

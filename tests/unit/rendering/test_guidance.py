"""The guidance blocks: their words in each language, who sees one, and that they are whole without pictures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from io import BytesIO

import pytest
from lxml import html as lxml_html
from PIL import Image, ImageChops, ImageStat

from listkeeper.foundation import language
from listkeeper.rendering import compiled, filling, guidance, inbox_help
from listkeeper.rendering.compiled import CompiledLetter
from listkeeper.rendering.content import Letter, Reader
from listkeeper.rendering.inbox_help import Program
from tests.makers import guidance_pictures

SITE = "https://n.fuglsang.example"
_LIMIT = 6_000
_PROMISES = ("guarantee", "garant", "always arrive", "spam", "versprech")


@pytest.fixture
def made(letter_of: Callable[..., Letter]) -> CompiledLetter:
    """A letter of an instance whose pictures can be reached."""
    return compiled.compile_letter(letter_of(site=SITE))


@pytest.mark.parametrize("program", Program)
@pytest.mark.parametrize("code", language.LANGUAGES)
def test_there_are_whole_words_for_each_program_in_each_language(program: Program, code: str) -> None:
    block = guidance.block(program, code)
    label, name = inbox_help.label_of(program, code)
    assert (block.program, block.language, block.direction) == (program, code, "ltr")
    assert {"gmail": "Gmail", "apple": "Apple Mail", "outlook": "Outlook"}[program] in block.question
    assert label in block.text
    assert name in block.text
    assert block.question.endswith("?")
    assert block.first.endswith(".")
    assert block.second.endswith(".")
    assert "{" not in block.text
    assert "?" in block.done
    assert sorted(block.devices) == ["computer", "phone"]
    # Programs translate and rename: the English name of Apple's menu stands beside every other.
    if program is Program.APPLE:
        assert "Categorize Sender" in block.text
    assert not any(promise in block.text.lower() for promise in _PROMISES)
    said = guidance.evidence(program, code)
    assert said.says
    assert said.label in label


def test_a_language_we_do_not_speak_gets_english() -> None:
    assert guidance.block(Program.OUTLOOK, "ja").language == "en"


@pytest.mark.parametrize(
    ("planned", "address", "program"),
    [
        ("gmail", "a@gmail.com", "gmail"),
        ("gmail", "A@GMail.COM", "gmail"),
        ("apple", "a@me.com", "apple"),
        ("outlook", "a@hotmail.co.uk", "outlook"),
        # Held back, not asked, moved since, and on a page that knows no address.
        ("gmail:held", "a@gmail.com", ""),
        (None, "a@gmail.com", ""),
        ("", "a@gmail.com", ""),
        ("gmail", "a@me.com", ""),
        ("gmail", "a@cafe.example", ""),
        ("gmail", "", ""),
    ],
)
def test_who_sees_one(planned: str | None, address: str, program: str) -> None:
    assert guidance.seen(planned, address) == program


@pytest.mark.parametrize("program", Program)
def test_the_block_stands_in_both_parts_and_leads_to_her_own_page(
    made: CompiledLetter, reader_of: Callable[..., Reader], program: Program
) -> None:
    filled = filling.fill(made, reader_of(language="pl", guidance=program, preferences_url=f"{SITE}/p/a&b"))
    [cell] = lxml_html.document_fromstring(filled.html).xpath("//td[@class='tab']")
    block = guidance.block(program, "pl")
    assert " ".join(cell.text_content().split()) == f"{block.text} {block.done}"
    assert [link.get("href") for link in cell.iter("a")] == [f"{SITE}/p/a&b/inbox"]
    assert "p/a&amp;b/inbox" in filled.html
    plain = " ".join(filled.text.split())
    assert f"{block.text} {block.done}: {SITE}/p/a&b/inbox" in plain
    assert guidance.OWN_PAGE not in filled.html + filled.text


def test_pictures_are_ours_the_same_for_all_and_say_nothing_alone(
    made: CompiledLetter, reader_of: Callable[..., Reader]
) -> None:
    page = lxml_html.document_fromstring(filling.fill(made, reader_of(guidance="apple")).html)
    pictures = page.xpath("//td[@class='tab']//img")
    assert [each.get("src") for each in pictures] == [
        f"{SITE}/guidance/1/apple-{device}.png" for device in ("phone", "computer")
    ]
    assert {(each.get("alt"), each.get("width"), each.get("height")) for each in pictures} == {("", "150", "98")}


def test_without_an_address_of_ours_there_are_words_alone(
    letter_of: Callable[..., Letter], reader_of: Callable[..., Reader]
) -> None:
    filled = filling.fill(compiled.compile_letter(letter_of(site="")), reader_of(guidance="gmail"))
    [cell] = lxml_html.document_fromstring(filled.html).xpath("//td[@class='tab']")
    assert cell.xpath(".//img") == []
    assert guidance.block(Program.GMAIL, "da").first in " ".join(cell.text_content().split())


def test_a_letter_from_before_there_were_others_has_gmail_s_alone(
    made: CompiledLetter, reader_of: Callable[..., Reader]
) -> None:
    old = replace(
        made,
        html_tabs={code: f"<tr><td>Gmail {code}</td></tr>" for code in language.LANGUAGES},
        text_tabs={code: f"\nGmail {code}\n" for code in language.LANGUAGES},
    )
    stored = CompiledLetter.from_json(old.to_json())
    assert "Gmail da" in filling.fill(stored, reader_of(guidance="gmail")).text
    for other in ("apple", "outlook"):
        filled = filling.fill(stored, reader_of(guidance=other))
        assert filled == filling.fill(stored, reader_of())


@pytest.mark.parametrize("name", guidance_pictures.DRAWN)
def test_each_picture_is_the_one_that_is_drawn_and_light(name: str) -> None:
    kept = (guidance_pictures.FOLDER / f"{name}.png").read_bytes()
    assert len(kept) <= _LIMIT
    with Image.open(BytesIO(kept)) as stored, Image.open(BytesIO(guidance_pictures.draw(name))) as drawn:
        assert stored.size == (2 * guidance.PICTURE_SIZE[0], 2 * guidance.PICTURE_SIZE[1])
        # Another release of the library that draws may choose its few colours a little otherwise.
        apart = ImageStat.Stat(ImageChops.difference(stored.convert("RGB"), drawn.convert("RGB"))).mean
        assert max(apart) < 1
        # Its own ground to the very corners: it is seen on a dark letter as on a light one.
        assert stored.convert("RGBA").getpixel((0, 0)) == (239, 237, 232, 255)


def test_there_is_a_picture_for_each_program_and_device() -> None:
    assert set(guidance_pictures.DRAWN) == {f"{program}-{on}" for program in Program for on in ("phone", "computer")}
    assert {path.stem for path in guidance_pictures.FOLDER.iterdir()} == set(guidance_pictures.DRAWN)

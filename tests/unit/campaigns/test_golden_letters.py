"""The letters one can begin with, as they travel: whole for whoever reads mail, and as they were seen and agreed to.

``python -m tests.makers.golden_letters`` writes what is kept anew.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from itertools import product
from random import Random

import pytest
from lxml import html as lxml_html

from listkeeper.campaigns import preflight, starter
from listkeeper.campaigns.campaign import CampaignKind
from listkeeper.campaigns.notice_starter import StarterName
from listkeeper.campaigns.starter import Starter
from listkeeper.deliverability.finding import Severity
from listkeeper.foundation import language
from listkeeper.rendering import filling, guidance, mime_slots
from listkeeper.rendering.compiled import CompiledLetter
from listkeeper.rendering.inbox_help import Program
from tests.makers import golden_letters as golden
from tests.makers.golden_letters import Name

# A letter's own brown, a yellow that nobody could read on white, black, and a blue.
COLOURS = ("#7a4b2a", "#fff3b0", "#000000", "#1d4ed8")
_SPOKEN_IN = tuple(product(language.LANGUAGES, COLOURS))
# The longest a line may be, and the longest it should be (RFC 5322 section 2.1.1).
_MUST, _SHOULD = 998, 78


@pytest.fixture(scope="module")
def letters() -> dict[Name, CompiledLetter]:
    """All of them, compiled once."""
    business = golden.owner()
    return {name: golden.made(name, business) for name in golden.NAMES}


@pytest.mark.parametrize("name", golden.KEPT)
def test_a_letter_travels_as_it_was_agreed(name: Name) -> None:
    kept = (golden.FOLDER / f"{name}.txt").read_text(encoding="utf-8")
    assert golden.letter_kept(name).splitlines() == kept.splitlines()


def test_the_requests_about_a_mailbox_are_as_they_were_agreed() -> None:
    kept = (golden.FOLDER / "guidance.txt").read_text(encoding="utf-8")
    assert golden.guidance_kept().splitlines() == kept.splitlines()


@pytest.mark.parametrize("name", golden.NAMES)
def test_a_program_that_is_not_ours_reads_all_of_it(letters: dict[Name, CompiledLetter], name: Name) -> None:
    who = golden.reader(first_name="Åse")
    filled = filling.fill(letters[name], who)
    raw = golden.message(name, letters[name], golden.owner(), who)
    parsed = golden.read(raw)
    assert [part.get_content_type() for part in parsed.walk()] == ["multipart/alternative", "text/plain", "text/html"]
    for part in parsed.walk():
        assert part.defects == []
        assert [value.defects for value in part.values()] == [()] * len(part)
    for inner in parsed.iter_parts():
        assert (inner.get_content_charset(), inner["content-transfer-encoding"]) == ("utf-8", "quoted-printable")
        assert inner.get_content_disposition() is None
    assert golden.part(parsed, "plain") == filled.text
    assert golden.part(parsed, "html") == filled.html
    assert str(parsed["subject"]) == filled.subject
    assert "Kardemomme" in str(parsed["from"])
    assert parsed["from"].addresses[0].addr_spec == "hello@cafe.example"
    assert str(parsed["to"]) == who.address
    assert parsedate_to_datetime(parsed["date"]) == golden.NOW


@pytest.mark.parametrize("name", golden.NAMES)
def test_it_reads_the_same_taken_apart_by_hand(letters: dict[Name, CompiledLetter], name: Name) -> None:
    """By the letter of RFC 2046 section 5.1.1 and RFC 2045 section 6.7, with nothing of what Python knows of mail."""
    who = golden.reader()
    filled = filling.fill(letters[name], who)
    head, _, body = golden.message(name, letters[name], golden.owner(), who).partition(b"\r\n\r\n")
    line = re.search(rb'boundary="([^"]{1,70})"', head)
    assert line is not None
    before, *parts, after = body.split(b"--" + line[1])
    assert (before, after) == (b"", b"--\r\n")
    said = [each.partition(b"\r\n\r\n") for each in parts]
    assert [re.search(rb"Content-Type: ([^;]+); charset=utf-8\r\n", top)[1] for top, _, _ in said] == [  # type: ignore[index]
        b"text/plain",
        b"text/html",
    ]
    plain, html = (_decoded(content.removesuffix(b"\r\n")) for _, _, content in said)
    assert plain == filled.text
    assert html == filled.html


def _decoded(encoded: bytes) -> str:
    assert re.fullmatch(rb"(?:[\t\x20-\x3c\x3e-\x7e]|=[0-9A-F]{2}|=?\r\n)*", encoded)
    assert re.search(rb"[ \t]\r\n", encoded) is None
    joined = encoded.replace(b"=\r\n", b"")
    octets = re.sub(rb"=([0-9A-F]{2})", lambda code: bytes.fromhex(code[1].decode()), joined)
    return octets.decode("utf-8").replace("\r\n", "\n")


@pytest.mark.parametrize("name", golden.NAMES)
def test_no_server_on_the_way_has_to_mend_it(letters: dict[Name, CompiledLetter], name: Name) -> None:
    raw = golden.message(name, letters[name], golden.owner(), golden.reader(first_name="Åse"))
    assert re.search(rb"(?<!\r)\n|\r(?!\n)|\x00", raw) is None
    assert raw.isascii()
    head, _, body = raw.partition(b"\r\n\r\n")
    assert max(map(len, raw.split(b"\r\n"))) <= _MUST
    # Of a field that has no place to be folded at, none is this long here.
    assert max(map(len, head.split(b"\r\n"))) <= _SHOULD
    assert max(map(len, body.split(b"\r\n"))) <= _SHOULD
    # Where Gmail cuts a letter off; a beginning is far from it.
    assert len(raw) < 50_000


@pytest.mark.parametrize("name", golden.NAMES)
def test_each_has_the_fields_of_its_kind(letters: dict[Name, CompiledLetter], name: Name) -> None:
    who = golden.reader()
    parsed = golden.read(golden.message(name, letters[name], golden.owner(), who))
    assert parsed.get_all("list-unsubscribe") == [f"<{who.unsubscribe_url}>, <{who.unsubscribe_mailto}>"]
    assert parsed.get_all("list-unsubscribe-post") == ["List-Unsubscribe=One-Click"]
    assert parsed.get_all("list-id") == ["Brød & tilbud <news.cafe.example>"]
    assert parsed.get_all("feedback-id") == ["c7:l1:o1:listkeeper"]
    # A notice wants no answer from who is away (RFC 3834 section 5); a letter is no machine's.
    assert parsed.get_all("auto-submitted") == (["auto-generated"] if isinstance(name, StarterName) else None)
    assert not {"precedence", "x-priority", "importance", "bcc", "return-path"} & {key.lower() for key in parsed}


@pytest.mark.parametrize("name", golden.NAMES)
def test_the_quick_way_writes_what_the_long_way_writes(letters: dict[Name, CompiledLetter], name: Name) -> None:
    who, letter = golden.reader(first_name="Åse"), letters[name]
    whole = mime_slots.whole(
        letter, who, sender=golden.sender(golden.owner()), recipient=who.address, date=golden.NOW,
        headers=[*golden.own_headers(who), *golden.shared_headers(name)], message_id="<7.k7p2@cafe.example>",
    )  # fmt: skip
    assert golden.message(name, letter, golden.owner(), who) == whole


@pytest.mark.parametrize("name", golden.NAMES)
def test_no_check_finds_anything_in_any_language_and_any_colour(
    name: Name, chance: Random, share: Callable[[str, int, int], int]
) -> None:
    count = share("languages and colours of each letter to begin with", len(_SPOKEN_IN), 3)
    drawn = Random(f"{chance.random()}{name}").sample(_SPOKEN_IN, count)
    kind = CampaignKind.NOTICE if isinstance(name, StarterName) else CampaignKind.LETTER
    for spoken, colour in [("en", COLOURS[1]), *drawn]:
        business = golden.owner(spoken, colour=colour)
        found = preflight.inspect_draft(
            golden.draft(name, business), business, golden.LIST, site=golden.SITE, kind=kind
        )
        worse = [(row.code, row.message) for row in found.findings if row.severity is not Severity.INFO]
        # What has happened, and so how long its name is, only the owner knows.
        known = [row for row in worse if not (kind is CampaignKind.NOTICE and row[0] == "C1a")]
        assert known == [], (spoken, colour)


@pytest.mark.parametrize("name", golden.NAMES)
def test_nobody_is_greeted_with_a_hole(letters: dict[Name, CompiledLetter], name: Name) -> None:
    for first_name in ("", " ", "Åse"):
        filled = filling.fill(letters[name], golden.reader(first_name=first_name))
        # A notice is the same for everybody.
        assert ("Åse" in filled.text) == (first_name == "Åse" and isinstance(name, Starter))
        for said in (filled.text, lxml_html.document_fromstring(filled.html).text_content()):
            assert re.search(r"[ \u00a0],|\{[{%]|[%}]\}|\bNone\b|\bnil\b", said) is None


@pytest.mark.parametrize("website", [None, "http://cafe.example", "https://cafe.example"])
@pytest.mark.parametrize("name", golden.LETTERS)
def test_no_letter_begins_with_a_link_to_nowhere(name: Starter, website: str | None) -> None:
    blocks = golden.draft(name, golden.owner(website=website)).blocks
    links = [link for block in blocks if (link := getattr(block, "href", ""))]
    assert all(link.startswith(("https://", "{{ links.")) for link in links)
    labels = [block for block in blocks if getattr(block, "label", "")]
    assert all(getattr(block, "href", "") for block in labels)


def test_each_is_offered_with_a_name_and_what_it_is_for() -> None:
    cards = starter.cards()
    assert sorted(card.starter for card in cards) == sorted(Starter)
    assert all(card.name and card.about.endswith(".") for card in cards)
    assert len({card.name for card in cards}) == len(cards)


# The requests about a mailbox


@pytest.mark.parametrize("program", Program)
def test_a_request_stands_in_both_parts_once_and_is_whole_without_pictures(
    letters: dict[Name, CompiledLetter], program: Program
) -> None:
    for spoken in language.LANGUAGES:
        who, block = golden.reader(spoken, program), guidance.block(program, spoken)
        parsed = golden.read(golden.message(Starter.NEWS, letters[Starter.NEWS], golden.owner(), who))
        page = lxml_html.document_fromstring(golden.part(parsed, "html"))
        [cell] = page.xpath("//td[@class='tab']")
        assert (cell.get("lang"), cell.get("dir")) == (spoken, "ltr")
        assert [picture.get("alt") for picture in cell.iter("img")] == ["", ""]
        for picture in list(cell.iter("img")):
            picture.drop_tree()
        whole = f"{block.text} {block.done}"
        assert " ".join(cell.text_content().split()) == whole
        assert " ".join(page.text_content().split()).count(block.question) == 1
        plain = " ".join(golden.part(parsed, "plain").split())
        assert plain.count(block.question) == plain.count(f"{whole}: {who.preferences_url}/inbox") == 1


@pytest.mark.parametrize("program", ["", *Program])
def test_a_reader_sees_nothing_of_what_others_are_asked(letters: dict[Name, CompiledLetter], program: str) -> None:
    for name in golden.NAMES:
        parsed = golden.read(golden.message(name, letters[name], golden.owner(), golden.reader("pl", program)))
        both = golden.part(parsed, "html") + golden.part(parsed, "plain")
        for spoken, other in golden.GUIDED:
            block = guidance.block(other, spoken)
            expected = 2 if (other, spoken) == (program, "pl") else 0
            assert both.count(block.question) == expected
        assert (f"{golden.SITE}/guidance/" in both) == bool(program)
        assert both.count('class="tab"') == bool(program)

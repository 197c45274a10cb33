"""Whether a finished letter can be used by those who are read to, who tap, and who see no pictures.

Language, title, headings, alternative texts, names of links, room for a thumb,
tables that are no tables, and how much of the letter is pictures. ``spoken`` is
the language the letter is written in.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path

from listkeeper.deliverability.finding import Severity
from listkeeper.foundation import language
from listkeeper.rendering.reading import letter_boxes, letter_cascade, letter_tree
from listkeeper.rendering.reading.letter_boxes import Boxes
from listkeeper.rendering.reading.letter_tree import Node, Page

TARGET = letter_boxes.TARGET


class Kind(StrEnum):
    """What was found."""

    LANGUAGE_MISSING = "language_missing"
    LANGUAGE_WRONG = "language_wrong"
    TITLE_MISSING = "title_missing"
    ZOOM_OFF = "zoom_off"
    HEADINGS_NONE = "headings_none"
    HEADING_FIRST = "heading_first"
    HEADING_SKIPS = "heading_skips"
    HEADING_EMPTY = "heading_empty"
    ALT_MISSING = "alt_missing"
    ALT_POOR = "alt_poor"
    LINK_EMPTY = "link_empty"
    LINK_VAGUE = "link_vague"
    TARGET_SMALL = "target_small"
    TABLE_READ_ALOUD = "table_read_aloud"
    MOSTLY_PICTURES = "mostly_pictures"
    UNREAD = "unread"


_SEVERE = frozenset({Kind.LANGUAGE_WRONG, Kind.LANGUAGE_MISSING, Kind.ALT_MISSING, Kind.LINK_EMPTY, Kind.ZOOM_OFF})
_MILD = frozenset({Kind.LINK_VAGUE, Kind.HEADINGS_NONE, Kind.HEADING_FIRST, Kind.TITLE_MISSING})


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing that keeps somebody from using a letter; ``where`` names the place."""

    kind: Kind
    sentence: str
    block: str | None = None
    where: str = ""

    @property
    def severity(self) -> Severity:
        """How bad it is: what shuts somebody out, what makes it hard, and what could be better."""
        if self.kind is Kind.UNREAD:
            return Severity.UNKNOWN
        if self.kind in _SEVERE:
            return Severity.ERROR
        return Severity.INFO if self.kind in _MILD else Severity.WARN


# A letter this long wants headings, and one with this share of pictures says little without them.
_LONG, _MOSTLY = 150, 0.8
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_LINKS = frozenset({"a"})
_TABLES = frozenset({"table"})
_UNDETERMINED = frozenset({"", "und", "mul", "zxx", "mis"})
_SAME = {"no": "nb", "nn": "nb"}
_FILE = re.compile(r"\S{1,80}\.(?:png|jpe?g|gif|webp|svg|avif)|(?:img|dsc|image|pxl)[-_ ]?\d{1,12}", re.IGNORECASE)
_FIXED = re.compile(r"user-scalable=(?:no|0)|maximum-scale=1(?:\.0)?(?:,|$)")
_EMPTY_ALTS = frozenset(
    {"image", "picture", "photo", "img", "logo image", "billede", "bilde", "bild", "foto", "zdjęcie"}
)
_ENDS = " \t\n\u00a0.,:;!?…\u203a»>→-\u2013()[]\"'“”"


def examine(html: str, spoken: str) -> list[Remark]:
    """Return what in a letter shuts somebody out or makes it hard, in the order of the letter within each kind."""
    matched = letter_cascade.of(html)
    page = matched.page
    if not page.nodes:
        return []
    if matched.busy:
        sentence = language.text("The letter is too large or too tangled for these checks to be made.")
        return [Remark(Kind.UNREAD, sentence)]
    reading = _Reading(page, letter_boxes.of(matched), spoken)
    return [remark for check in _CHECKS for remark in check(reading)]


@dataclass(frozen=True)
class _Reading:
    """A letter before its reader."""

    page: Page
    boxes: Boxes
    spoken: str

    def seen(self, *tags: str) -> Iterator[Node]:
        """Yield the elements of these tags that people see, or are read."""
        wanted = frozenset(tags)
        for node in self.page.nodes:
            if node.tag in wanted and self.boxes.seen[node.number]:
                yield node

    def remark(self, kind: Kind, node: Node, sentence: str, where: str = "") -> Remark:
        """Return a remark on an element."""
        return Remark(kind, sentence, self.page.blocks[node.number], where or self.page.excerpt(node))


def _language(reading: _Reading) -> Iterator[Remark]:
    """Most of the words must be in the language the letter says: wrappers may say another than the root."""
    said: list[str] = []
    for node in reading.page.nodes:
        above = said[node.parent] if node.parent >= 0 else ""
        said.append(node.get("lang").strip().lower() or above)
    letters: dict[str, int] = {}
    for number, text in reading.page.pieces:
        if reading.boxes.seen[number]:
            letters[said[number]] = letters.get(said[number], 0) + len(text)
    if not letters:
        return
    most = max(letters, key=lambda code: letters[code])
    if _primary(most) in _UNDETERMINED:
        sentence = language.text("The letter does not say which language it is in, so it may be read aloud wrongly.")
        yield Remark(Kind.LANGUAGE_MISSING, sentence)
    elif _primary(most) != _primary(reading.spoken):
        sentence = language.text(
            "The letter says it is in “%(said)s”, but it is written in “%(spoken)s”.", said=most, spoken=reading.spoken
        )
        yield Remark(Kind.LANGUAGE_WRONG, sentence)


def _primary(code: str) -> str:
    short = code.replace("_", "-").split("-")[0].lower()
    return _SAME.get(short, short)


def _head(reading: _Reading) -> Iterator[Remark]:
    titles = [node for node in reading.page.nodes if node.tag == "title"]
    if not any(reading.page.text_of(node) for node in titles):
        sentence = language.text("The letter has no title. The subject would do.")
        yield Remark(Kind.TITLE_MISSING, sentence)
    for node in reading.page.nodes:
        is_viewport = node.tag == "meta" and node.get("name").lower() == "viewport"
        if is_viewport and _FIXED.search(node.get("content").replace(" ", "").lower()[:200]):
            sentence = language.text("The letter keeps people from making it larger on a phone.")
            yield Remark(Kind.ZOOM_OFF, sentence)


def _headings(reading: _Reading) -> Iterator[Remark]:
    before = 0
    for node in reading.seen(*_HEADINGS):
        level = int(node.tag[1])
        words = reading.page.text_of(node) or _alts(reading, node)
        if not words.strip():
            sentence = language.text("A heading is empty. Those who jump from heading to heading land on nothing.")
            yield reading.remark(Kind.HEADING_EMPTY, node, sentence, f"<{node.tag}>")
            continue
        if not before and level > 1:
            sentence = language.text(
                "The first heading is one of level %(level)s; it should be of level 1.", level=level
            )
            yield reading.remark(Kind.HEADING_FIRST, node, sentence, letter_tree.shortened(words))
        elif before and level > before + 1:
            sentence = language.text(
                "“%(words)s” is a heading of level %(level)s below one of level %(before)s: a level is left out.",
                words=letter_tree.shortened(words),
                level=level,
                before=before,
            )
            yield reading.remark(Kind.HEADING_SKIPS, node, sentence)
        before = level
    if not before and reading.boxes.words > _LONG:
        sentence = language.text("The letter is long and has no headings, so nobody can jump to a part of it.")
        yield Remark(Kind.HEADINGS_NONE, sentence)


def _alts(reading: _Reading, node: Node) -> str:
    inside = reading.page.nodes[node.number + 1 : node.last + 1][:50]
    return " ".join(one.get("alt") for one in inside if one.tag == "img")


def _pictures(reading: _Reading) -> Iterator[Remark]:
    for node in reading.seen("img"):
        file = letter_tree.shortened(node.get("src")[:400].partition("?")[0].rpartition("/")[2]) or "<img>"
        alt = node.get("alt").strip()
        if "alt" not in node.attributes:
            sentence = language.text(
                "The picture %(file)s has no alternative text. Say what it shows, or leave it empty if it only adorns.",
                file=file,
            )
            yield reading.remark(Kind.ALT_MISSING, node, sentence, file)
        elif _FILE.fullmatch(alt[:100]) or alt.lower() in _EMPTY_ALTS:
            sentence = language.text(
                "“%(alt)s” does not say what the picture %(file)s shows.", alt=letter_tree.shortened(alt), file=file
            )
            yield reading.remark(Kind.ALT_POOR, node, sentence, file)


def _links(reading: _Reading) -> Iterator[Remark]:
    names = _names(reading)
    told: set[tuple[str | None, str]] = set()
    for node in reading.seen("a"):
        if "href" not in node.attributes:
            continue
        name = " ".join(names.get(node.number, "").split())
        block = reading.page.blocks[node.number]
        address = letter_tree.shortened(node.get("href"))
        if not name:
            sentence = language.text(
                "A link to %(address)s has no words: nobody hears where it leads.", address=address
            )
            yield reading.remark(Kind.LINK_EMPTY, node, sentence, address)
        elif name.strip(_ENDS).lower() in _vague() and (block, name) not in told:
            told.add((block, name))
            sentence = language.text(
                "“%(words)s” does not say where the link leads. Links are often heard one after the other.", words=name
            )
            yield reading.remark(Kind.LINK_VAGUE, node, sentence, name)


def _names(reading: _Reading) -> dict[int, str]:
    """Return what each link is called when it is read aloud: its label, its words, the alternatives of its pictures."""
    nearest = reading.page.nearest(_LINKS)
    parts: dict[int, list[str]] = {}
    for number, text in reading.page.pieces:
        if nearest[number] >= 0 and reading.boxes.seen[number]:
            parts.setdefault(nearest[number], []).append(text)
    for node in reading.page.nodes:
        if nearest[node.number] >= 0:
            said = node.get("aria-label") or (node.get("alt") if node.tag == "img" else "") or node.get("title")
            if said:
                parts.setdefault(nearest[node.number], []).append(said)
    names = {number: " ".join(said) for number, said in parts.items()}
    return names | {
        number: reading.page.nodes[number].get("aria-label")
        for number in names
        if reading.page.nodes[number].get("aria-label")
    }


@cache
def _vague() -> frozenset[str]:
    read = tomllib.loads(Path(__file__).resolve().with_name("vague_links.toml").read_text(encoding="utf-8"))
    return frozenset(words for said in read.values() for words in said)


def _targets(reading: _Reading) -> Iterator[Remark]:
    for target in reading.boxes.targets:
        if target.high < TARGET and (target.is_button or target.wide < TARGET):
            node = reading.page.nodes[target.number]
            words = reading.page.excerpt(node) or letter_tree.shortened(_alts(reading, node)) or f"<{node.tag}>"
            sentence = language.text(
                "“%(words)s” is %(high)s px high; a thumb needs %(wanted)s.",
                words=words,
                high=f"{target.high:.0f}",
                wanted=f"{TARGET:.0f}",
            )
            yield reading.remark(Kind.TARGET_SMALL, node, sentence, words)


def _tables(reading: _Reading) -> Iterator[Remark]:
    """Find tables without headings: as a rule they hold the layout, and should be silent; said once a block."""
    nearest = reading.page.nearest(_TABLES)
    with_heads = {
        nearest[node.number]
        for node in reading.page.nodes
        if node.tag in {"th", "caption"} or "scope" in node.attributes or "summary" in node.attributes
    }
    found: dict[str | None, list[Node]] = {}
    for node in reading.seen("table"):
        is_silent = node.get("role").lower() in {"presentation", "none"}
        if not is_silent and node.number not in with_heads:
            found.setdefault(reading.page.blocks[node.number], []).append(node)
    for nodes in found.values():
        sentence = language.counted(
            "%(number)s table without headings is read aloud cell by cell. If it only holds the layout, "
            "give it role=presentation.",
            "%(number)s tables without headings are read aloud cell by cell. If they only hold the layout, "
            "give them role=presentation.",
            len(nodes),
        )
        yield reading.remark(Kind.TABLE_READ_ALOUD, nodes[0], sentence)


def _balance(reading: _Reading) -> Iterator[Remark]:
    share = reading.boxes.pictured
    if share > _MOSTLY:
        sentence = language.text(
            "About %(share)s of the letter is pictures. Many programs hide them at first: say the main thing in words.",
            share=language.share(round(share * 100) * 10),
        )
        yield Remark(Kind.MOSTLY_PICTURES, sentence)


_CHECKS = (_language, _head, _headings, _pictures, _links, _targets, _tables, _balance)

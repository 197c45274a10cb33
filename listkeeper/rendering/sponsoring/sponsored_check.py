"""Whether a reader knows what in a letter was paid for, before she reads it: in HTML and in the text part.

A place is paid for when the owner says so (a sponsored block), when a link
says so (``rel="sponsored"``), or when its address does. Its label comes first,
is the word that readers of the country know, and is glued to no other word.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import parse_qsl, urlsplit

from listkeeper.foundation import language
from listkeeper.rendering.nesting import Element
from listkeeper.rendering.sponsoring import sponsored, sponsored_label, sponsored_place
from listkeeper.rendering.sponsoring.sponsored import Advertiser
from listkeeper.rendering.sponsoring.sponsored_place import Page

_EXCERPT = 80
_START = 400
_TEXT_ROOM = 120
_WEB = ("http", "https")
_AMAZON = re.compile(r"(^|\.)amazon(\.[a-z]{2,3}){1,2}$")
_ADDRESS_IN_TEXT = re.compile(r"<[^<>\s]+>|https?://\S+")


class Kind(StrEnum):
    """What can be wrong with a paid place."""

    UNLABELLED = "unlabelled"
    NOT_FIRST = "not_first"
    WRONG_LABEL = "wrong_label"
    GLUED = "glued"
    MISSING_ADVERTISER = "missing_advertiser"
    LEFT_OUT = "left_out"


class Where(StrEnum):
    """Which part of the letter it stands in."""

    HTML = "html"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing to say of a paid place.

    ``block`` is the letter's block it stands in (``data-block``), None where
    that is not known; ``wanted`` the word that belongs there.
    """

    kind: Kind
    where: Where
    excerpt: str
    block: str | None = None
    wanted: str = ""

    @property
    def sentence(self) -> str:
        """One plain sentence for the owner."""
        said = _sentences()[self.kind] % {"what": self.excerpt or "…", "label": self.wanted}
        return said if self.where is Where.HTML else language.text("In the text part: %(sentence)s", sentence=said)


@dataclass(frozen=True, slots=True)
class SponsoredSpan:
    """A sponsored block: its name in the HTML (``data-block``), its text in the text part, and who pays."""

    block: str
    text: str
    advertiser: Advertiser | None = None


@dataclass(frozen=True, slots=True)
class _Rule:
    """What readers of one country know a paid place by."""

    country: str
    wanted: str
    accepted: frozenset[str]

    @property
    def others(self) -> frozenset[str]:
        """What is written in its place and is not known here."""
        return (sponsored_label.known() | sponsored_label.vague()) - self.accepted


def examine(html: str, text: str, blocks: Sequence[SponsoredSpan], *, country: str, spoken: str) -> list[Remark]:
    """Return all that is wrong with the paid places of a letter, in both of its parts; each is an error.

    ``html`` is the fragment of the letter's body, ``text`` its text part.
    ``country`` is whose law holds for its readers, ``spoken`` its language.
    """
    rule = _rule(country, spoken)
    page = sponsored_place.read(html)
    found = [remark for span in blocks for remark in _of_span(page, text, span, rule)]
    known = {span.block for span in blocks}
    of_links = [remark for remark in _of_links(page, text, rule) if remark.block not in known]
    return list(dict.fromkeys([*found, *of_links, *_glued_in(page), *glued(text)]))


def paid_links(html: str, *, country: str, spoken: str) -> list[Remark]:
    """Return the links of a fragment that are paid for and do not say so first."""
    rule = _rule(country, spoken)
    page = sponsored_place.read(html)
    return list(dict.fromkeys(filter(None, (_of_link(page, link, rule) for link in _paid(page)))))


def glued(text: str) -> list[Remark]:
    """Return the labels of a text that are glued to the word before or after."""
    return [Remark(Kind.GLUED, Where.TEXT, excerpt) for excerpt in dict.fromkeys(sponsored_label.glued(text))]


def glued_html(html: str) -> list[Remark]:
    """Return the labels of a fragment of HTML that are glued to the word before or after, also across elements."""
    return _glued_in(sponsored_place.read(html))


def is_paid(url: str, rel: str = "") -> bool:
    """Return whether a link is paid for: its ``rel`` says so, a mark in its address, or the network it leads to."""
    if "sponsored" in rel.lower().split():
        return True
    try:
        parts = urlsplit(url.strip())
        host = (parts.hostname or "").rstrip(".")
    except ValueError:
        return False
    known = sponsored.words()["paid"]
    asked = {name.lower(): value.lower() for name, value in parse_qsl(parts.query)}
    marks, path_mark = known["marks"], "/ref="
    if _AMAZON.search(host):
        marks, path_mark = [*marks, *known["amazon"]], "/ref=as_"
    return parts.scheme in _WEB and (
        any(host == network or host.endswith(f".{network}") for network in known["hosts"])
        or asked.get("utm_medium", "") in known["mediums"]
        or any(mark in asked for mark in marks)
        or path_mark in parts.path
    )


def _rule(country: str, spoken: str) -> _Rule:
    return _Rule(country, sponsored.label(country, spoken), sponsored.accepted(country, spoken))


def _of_span(page: Page, text: str, span: SponsoredSpan, rule: _Rule) -> Iterator[Remark]:
    element = sponsored_place.named(page, span.block)
    inside = page.of(element) if element is not None else ""
    parts = {Where.HTML: (inside, element is not None), Where.TEXT: (span.text, _flat(span.text) in _flat(text))}
    for where, (words, is_there) in parts.items():
        excerpt = _excerpt(words or span.text)
        if not is_there or not words.strip():
            yield Remark(Kind.LEFT_OUT, where, excerpt, span.block, rule.wanted)
        elif (kind := _start_of(words, rule)) is not None:
            yield Remark(kind, where, excerpt, span.block, rule.wanted)
        elif sponsored.names_advertiser(rule.country) and not _names(words, span.advertiser):
            yield Remark(Kind.MISSING_ADVERTISER, where, excerpt, span.block, rule.wanted)


def _start_of(words: str, rule: _Rule) -> Kind | None:
    """Return what is wrong with the beginning of a paid block, None where its label stands there."""
    if sponsored_label.at_start(words[:_START], rule.accepted):
        return None
    if sponsored_label.at_start(words[:_START], rule.others):
        return Kind.WRONG_LABEL
    return Kind.NOT_FIRST if sponsored_label.anywhere(words, rule.accepted) else Kind.UNLABELLED


def _names(words: str, advertiser: Advertiser | None, url: str = "") -> bool:
    """Whether who pays is named with both numbers, the right ones where they are known."""
    russia = sponsored.words()["russia"]
    tax_id = re.search(russia["tax_id"], sponsored_place.shown(words))
    erid = re.search(russia["erid"], f"{sponsored_place.shown(words)} {url.replace('?', ' ').replace('&', ' ')}")
    if tax_id is None or erid is None or not sponsored.is_tax_id(tax_id[1]):
        return False
    return advertiser is None or (tax_id[1], erid[1]) == (advertiser.tax_id.strip(), advertiser.erid.strip())


def _paid(page: Page) -> Iterator[Element]:
    for link in page.root.iter("a"):
        if link in page.spans and is_paid(link.get("href") or "", link.get("rel") or ""):
            yield link


def _of_links(page: Page, text: str, rule: _Rule) -> Iterator[Remark]:
    flat = _flat(text)
    for link in _paid(page):
        remark = _of_link(page, link, rule)
        if remark is not None:
            yield remark
        elif not _said_in_text(flat, page, link, rule):
            excerpt, block = _link_words(page, link), sponsored_place.block_of(link)
            yield Remark(Kind.UNLABELLED, Where.TEXT, excerpt, block, rule.wanted)


def _of_link(page: Page, link: Element, rule: _Rule) -> Remark | None:
    """Return what is wrong with one paid link, None where its label stands before it."""
    place = _labelled_from(page, link, rule.accepted)
    if place is None:
        kind = _how_unlabelled(page, link, rule)
    elif sponsored.names_advertiser(rule.country) and not _named_around(page, link, place):
        kind = Kind.MISSING_ADVERTISER
    else:
        return None
    return Remark(kind, Where.HTML, _link_words(page, link), sponsored_place.block_of(link), rule.wanted)


def _labelled_from(page: Page, link: Element, words: frozenset[str]) -> int | None:
    """Return from where on a link is labelled: before its block, at its beginning, right before it or in it."""
    begin, end = page.spans[link]
    for block in page.containers(link):
        first = page.spans[block][0]
        if sponsored_label.at_start(page.text[first : min(end, first + _START)], words):
            return first
        before = block.getprevious() if sponsored_place.name_of(block) is None else None
        if before is not None and before in page.spans and sponsored_label.alone(page.of(before)[:_START], words):
            return page.spans[before][0]
    if sponsored_label.at_start(page.text[begin:end][:_START], words):
        return begin
    line = page.text[max(begin - _START, 0) : begin]
    return max(begin - _START, 0) if sponsored_label.at_end(line, words) else None


def _how_unlabelled(page: Page, link: Element, rule: _Rule) -> Kind:
    if _labelled_from(page, link, rule.others) is not None:
        return Kind.WRONG_LABEL
    nearest = next(page.containers(link), link)
    first, last = (min(one, other + _START) for one, other in zip(page.spans[nearest], page.spans[link], strict=True))
    around = page.text[max(first, page.spans[link][0] - _START) : last]
    return Kind.NOT_FIRST if sponsored_label.anywhere(around, rule.accepted) else Kind.UNLABELLED


def _named_around(page: Page, link: Element, place: int) -> bool:
    last = max([page.spans[block][1] for block in page.containers(link)], default=page.spans[link][1])
    return _names(page.text[place:last], None, link.get("href") or "")


def _said_in_text(flat: str, page: Page, link: Element, rule: _Rule) -> bool:
    """Whether a label stands before the address of a link in the text part, about as far as in the HTML."""
    url = (link.get("href") or "").strip()
    place = flat.find(url) if url else -1
    labelled = _labelled_from(page, link, rule.accepted)
    if place < 0 or labelled is None:
        # Without its address nothing in the text part is a paid link.
        return True
    before = _ADDRESS_IN_TEXT.sub(" ", flat[:place].removesuffix("<"))
    distance = len(sponsored_place.shown(page.text[labelled : page.spans[link][1]]))
    return sponsored_label.anywhere(before[-(distance + _TEXT_ROOM) :], rule.accepted)


def _glued_in(page: Page) -> list[Remark]:
    found = dict.fromkeys([*sponsored_label.glued(page.text), *sponsored_label.glued_elements(page.text)])
    named = [(one, sponsored_place.name_of(one)) for one in page.spans]
    # Of blocks within blocks the inner one is shorter.
    blocks = sorted(((sponsored_place.shown(page.of(one)), name) for one, name in named if name), key=_length)
    near = {excerpt: next((name for words, name in blocks if excerpt in words), None) for excerpt in found}
    return [Remark(Kind.GLUED, Where.HTML, excerpt, block) for excerpt, block in near.items()]


def _length(block: tuple[str, str]) -> int:
    return len(block[0])


def _link_words(page: Page, link: Element) -> str:
    return _excerpt(page.of(link)) or _excerpt(link.get("href") or "")


def _flat(text: str) -> str:
    return " ".join(text.split())


def _excerpt(text: str) -> str:
    line = sponsored_place.shown(text)
    return line if len(line) <= _EXCERPT else f"{line[: _EXCERPT - 1]}…"


def _sentences() -> dict[Kind, str]:
    return {
        Kind.UNLABELLED: language.text("“%(what)s” is paid for, and nothing says so. Begin with “%(label)s”."),
        Kind.NOT_FIRST: language.text("“%(what)s” is paid for, and the label comes too late. Put “%(label)s” first."),
        Kind.WRONG_LABEL: language.text(
            "“%(what)s” is paid for, and its label is not the word that readers there know. Write “%(label)s”."
        ),
        Kind.GLUED: language.text("“%(what)s”: the label is glued to the word beside it. Put a space between them."),
        Kind.MISSING_ADVERTISER: language.text(
            "“%(what)s” does not name who paid: the legal name, the tax number (INN) and the erid belong there."
        ),
        Kind.LEFT_OUT: language.text("The sponsored block “%(what)s” is missing, and its label with it."),
    }

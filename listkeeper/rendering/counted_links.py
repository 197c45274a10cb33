"""Where the owner's own links stand in a compiled letter, so that for some readers each can lead over a counting page.

Only links to the web that the owner wrote are found: no picture, no address to
write to, nothing of the footer, and no link that a merge tag makes. Nothing
here counts anything; a reader's ``counted`` says where a link leads for her,
and a letter whose reader has none is what it would be without this file.

While the letter is laid out a link is marked with characters nobody writes,
as many as its address is long, so that lines break where they would.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from listkeeper.rendering import nesting, plain_text
from listkeeper.rendering.protect import TOKEN, Tokens

Spans = tuple[tuple[int, int, int], ...]
"""Where a link's address begins and ends in a source, and the number of the link, in the order of the source."""

_START_OF_LINK = re.compile(r"""<a\b(?:[^>"']|"[^"]*"|'[^']*')*>""", re.IGNORECASE)
# A comment that only Outlook reads; what stands between two that only others read is no part of either.
_REMARK = re.compile(r"<!--.*?-->", re.DOTALL)
_ATTRIBUTE = re.compile(r"""\s([\w:-]+)=("[^"]*"|'[^']*')""")
_WEB = re.compile(r"https?://", re.IGNORECASE)
# A plane of Unicode that is kept free for private use.
_PRIVATE = range(0xF0000, 0xFFFFE)


@dataclass(frozen=True)
class Located:
    """Both sources of a letter as they always were, and the places of its links in them."""

    html_body: str
    text_body: str
    links: tuple[str, ...]
    html_links: Spans
    text_links: Spans


@dataclass(frozen=True)
class _Link:
    """One address as the fragment and as the page writes it, the character that marks it, and the link's number."""

    raw: str
    written: str
    mark: str
    number: int


def locate(fragment: str, page_body: str, tokens: Tokens) -> Located:
    """Return the sources of both parts, with their merge tags; ``page_body`` is the fragment, laid out and inlined."""
    root = nesting.tree(fragment)
    anchors = [element for element in root.iter("a") if _is_counted(element.get("href") or "")]
    places = list(_addresses(page_body))
    if len(anchors) != len(places):
        # A page that does not hold the links of its fragment is not understood, so no link of it is touched.
        anchors, places = [], []
    written = [page_body[start:end] for start, end in places]
    pairs = [((element.get("href") or "").strip(), text) for element, text in zip(anchors, written, strict=True)]
    known = _links(pairs, f"{fragment}{page_body}{''.join(tag.source for tag in tokens.tags)}")
    for element, pair in zip(anchors, pairs, strict=True):
        _mark(element, known[pair])
    page = _spliced(
        page_body, [(start, end, known[pair].mark) for (start, end), pair in zip(places, pairs, strict=True)]
    )
    text = plain_text.of_tree(root)
    html_body, html_links = _unmarked(
        tokens.restore(page), {link.mark: (link, link.written, 1) for link in known.values()}
    )
    text_body, text_links = _unmarked(
        tokens.restore(text), {link.mark: (link, link.raw, len(link.raw)) for link in known.values()}
    )
    urls = {link.number: html.unescape(link.written) for link in known.values()}
    return Located(html_body, text_body, tuple(urls.values()), html_links, text_links)


def source_for_counting(source: str, spans: Spans) -> str:
    """Return a source in which each address is asked of the reader; her values hold it under ``name``."""
    return _spliced(source, [(start, end, f"{{{{ links.{name(number)} }}}}") for start, end, number in spans])


def name(number: int) -> str:
    """Return what Liquid calls the address of a link; no owner can give the root it hangs on a new meaning."""
    return f"counted_{number}"


def _is_counted(address: str) -> bool:
    return _WEB.match(address.strip()) is not None and not TOKEN.search(address)


def _addresses(page: str) -> Iterator[tuple[int, int]]:
    """Return where the addresses of links to the web stand in a page that lxml wrote; what Outlook reads is none."""
    remarks = [remark.span() for remark in _REMARK.finditer(page)]
    for tag in _START_OF_LINK.finditer(page):
        if any(start <= tag.start() < end for start, end in remarks):
            continue
        for attribute in _ATTRIBUTE.finditer(tag[0]):
            if attribute[1].lower() == "href" and _is_counted(html.unescape(attribute[2][1:-1])):
                yield tag.start() + attribute.start(2) + 1, tag.start() + attribute.end(2) - 1


def _links(pairs: Iterable[tuple[str, str]], used: str) -> dict[tuple[str, str], _Link]:
    """Return a link for each address, with a mark that occurs nowhere; what is followed alike has one number."""
    taken, numbers = set(used), dict[str, int]()
    marks = (mark for mark in map(chr, _PRIVATE) if mark not in taken)
    known: dict[tuple[str, str], _Link] = {}
    for raw, written in pairs:
        number = numbers.setdefault(html.unescape(written), len(numbers))
        if (raw, written) not in known:
            known[raw, written] = _Link(raw, written, next(marks), number)
    return known


def _mark(element: nesting.Element, link: _Link) -> None:
    """Put marks for the address of a link, also where the address is what can be read."""
    shows_itself = element.text_content().strip() == link.raw
    if any(map(str.isspace, link.raw)) or (shows_itself and len(element)):
        # Its address may be broken, or dressed: in the text such a link stays what it is.
        return
    marks = link.mark * len(link.raw)
    element.set("href", marks)
    if shows_itself:
        element.text = element.text.replace(link.raw, marks)


def _unmarked(source: str, marks: dict[str, tuple[_Link, str, int]]) -> tuple[str, Spans]:
    """Return a source with its addresses in it, and where they stand; each mark stands for so many characters."""
    if not marks:
        return source, ()
    pieces: list[str] = []
    spans: list[tuple[int, int, int]] = []
    place = length = 0
    for run in re.finditer(f"([{''.join(marks)}])\\1*", source):
        link, address, width = marks[run[1]]
        times, rest = divmod(len(run[0]), width)
        if rest:
            raise ValueError("a link was broken on the way")
        pieces.append(source[place : run.start()])
        length += run.start() - place
        for _ in range(times):
            spans.append((length, length + len(address), link.number))
            pieces.append(address)
            length += len(address)
        place = run.end()
    return "".join([*pieces, source[place:]]), tuple(spans)


def _spliced(source: str, changes: Iterable[tuple[int, int, str]]) -> str:
    pieces, place = [], 0
    for start, end, text in changes:
        pieces += [source[place:start], text]
        place = end
    return "".join([*pieces, source[place:]])

"""The letter in the public archive: what all readers got of it, filled for nobody.

Each place where a letter leads to one reader's own page (leaving, choosing,
her answers) is filled with an address that leads nowhere, and then taken out
again: a link that is all its paragraph says goes with the paragraph, of any
other the words stay. What is left names no one, and is the same whoever asks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import nh3
from lxml import html as lxml_html

from listkeeper.foundation import language
from listkeeper.rendering import filling, merge_tags, nesting, personalise
from listkeeper.rendering.compiled import CompiledLetter
from listkeeper.rendering.content import Filled, Reader
from listkeeper.rendering.frame import Frame
from listkeeper.rendering.nesting import Element

# No name under this can ever lead anywhere (RFC 6761 section 6.4).
_OWN = "https://one-reader.invalid"
_OWN_SAID = re.compile(rf"{re.escape(_OWN)}[^\s<>\"']*", re.IGNORECASE)
_BLOCKS = frozenset(
    {
        "address", "article", "blockquote", "body", "center", "dd", "div", "dt", "figure", "footer", "h1", "h2", "h3",
        "h4", "h5", "h6", "header", "li", "main", "nav", "p", "section", "td", "th",
    }
)  # fmt: skip
# Without its cell a table falls apart, and without its body there is no page.
_STAYS_EMPTY = frozenset({"body", "td", "th"})
_WORD = re.compile(r"\w")
# Compiled letters hold none of these; whatever a stored one holds, no reader of the archive gets it.
_ACTIVE = "script,iframe,object,embed,form,input,button,base,meta[http-equiv]"
_LEADS = re.compile(r"\s*(?:https?:|mailto:|tel:|#)", re.IGNORECASE)
_ALONE = Frame(("", "body", ""))
_SUMMARY = 300
_FRAMES = frozenset({"none", "presentation"})
_TAGS = {
    "a", "abbr", "b", "blockquote", "br", "code", "dd", "del", "div", "dl", "dt", "em", "figcaption", "figure", "h1",
    "h2", "h3", "h4", "h5", "h6", "hr", "i", "img", "ins", "li", "mark", "ol", "p", "pre", "q", "s", "small", "span",
    "strong", "sub", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "u", "ul",
}  # fmt: skip
_FEED = nh3.Cleaner(
    tags=_TAGS,
    clean_content_tags={"script", "style", "title", "template", "noscript", "svg", "math"},
    attributes={"*": {"dir", "lang", "title"}, "a": {"href", "rel"}, "img": {"alt", "height", "src", "width"}},
    link_rel=None,
    url_schemes={"http", "https", "mailto", "tel"},
    url_relative="deny",
)


@dataclass(frozen=True)
class Around:
    """What stands around a letter in the archive: its address, the feed's, and where its reader may go from here."""

    address: str
    feed: str
    ways: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Excerpt:
    """A letter as an entry of a feed: its subject, its first words, and its body as a plain fragment of HTML."""

    subject: str
    summary: str
    html: str


def page(letter: CompiledLetter, list_name: str, around: Around) -> bytes:
    """Return the page of a letter, whole, in UTF-8."""
    root = lxml_html.document_fromstring(_filled(letter, list_name).html)
    _take_out_own(root)
    _make_head(root, around)
    _add_ways(root, around, letter.language)
    return bytes(lxml_html.tostring(root, doctype="<!DOCTYPE html>", encoding="utf-8"))


def excerpt(letter: CompiledLetter, list_name: str) -> Excerpt:
    """Return what a feed shows of a letter. What is paid for says so at its beginning, here as in the letter."""
    filled = _filled(replace(letter, html_frame=_ALONE, text_frame=_ALONE), list_name)
    root = nesting.tree(filled.html)
    _take_out_own(root)
    _unframe(root)
    summary = _without_own(filled.preheader).strip() or _first_words(root)
    inner = _inner(root)
    return Excerpt(_without_own(filled.subject).strip(), summary, _FEED.clean(inner).strip())


def line(source: str, sender_name: str) -> str:
    """Return a subject or preview line as it is where nothing is known of a reader."""
    if "{{" not in source and "{%" not in source:
        return source
    values: dict[str, Any] = {"sender": {"name": sender_name}}
    for name in merge_tags.names_in(source) - {"sender.name"}:
        root, _, key = name.partition(".")
        values.setdefault(root, {})[key] = _OWN if root == "links" else None
    return " ".join(_without_own(personalise.render(personalise.parse(source, html=False), values)).split())


def _filled(letter: CompiledLetter, list_name: str) -> Filled:
    with language.using(letter.language):
        reason = language.text("This is the archive copy of a letter to the readers of “%(list)s”.", list=list_name)
    nobody = Reader(
        address="",
        language=letter.language,
        profile={},
        unsubscribe_url=_OWN,
        unsubscribe_mailto=None,
        preferences_url=_OWN,
        web_view_url=_OWN,
        why_url=_OWN,
        reason=reason,
    )
    return filling.fill(letter, nobody)


def _take_out_own(root: Element) -> None:
    """Take out what led to one reader's own pages, and whatever could act."""
    for element in [*root.cssselect(_ACTIVE), *root.iter(lxml_html.etree.Comment)]:
        element.drop_tree()
    _take_out_links(root)
    for element in root.iter("*"):
        if _OWN_SAID.search(element.text or ""):
            element.text = _without_own(element.text)
        if _OWN_SAID.search(element.tail or ""):
            element.tail = _without_own(element.tail)
        for name, value in element.items():
            if name.startswith("on") or _OWN_SAID.search(value) or (name == "href" and not _LEADS.match(value)):
                del element.attrib[name]
        # A page in a sandbox may open no window: its links lead on in its own.
        element.attrib.pop("target", None)


def _take_out_links(root: Element) -> None:
    for answer in root.cssselect("p.vote > a"):
        # What was asked belongs to the letter; how to answer belongs to its readers.
        if _OWN_SAID.match(answer.get("href", "").strip()):
            answer.drop_tag()
    own = [link for link in root.iter("a") if _OWN_SAID.match(link.get("href", "").strip())]
    gone = set(own)
    for block in dict.fromkeys(_block_of(link) for link in own):
        if not any(_says_something(found) for found in _beside(block, gone)):
            _drop(block)
    for link in own:
        # Whose paragraph went has gone with it.
        if any(each is root for each in link.iterancestors()):
            link.drop_tag()


def _block_of(link: Element) -> Element:
    return next(each for each in link.iterancestors() if each.tag in _BLOCKS)


def _drop(block: Element) -> None:
    """Take out a paragraph; one of answers to tap with the question above it, which nobody could answer."""
    holder = block.getparent()
    if "taps" in block.get("class", "").split() and holder is not None and holder.tag == "div":
        block = holder
    if block.tag not in _STAYS_EMPTY:
        block.drop_tree()
        return
    block.text = None
    for child in list(block):
        block.remove(child)


def _beside(element: Element, gone: set[Element]) -> Iterator[tuple[str, str | None]]:
    """Yield what a block holds beside the links that go, as (tag, text) of each element and each tail."""
    yield "", element.text
    for child in element:
        if child not in gone:
            yield child.tag if isinstance(child.tag, str) else "", None
            yield from _beside(child, gone)
        yield "", child.tail


def _says_something(found: tuple[str, str | None]) -> bool:
    tag, text = found
    return tag == "img" or bool(_WORD.search(text or ""))


def _without_own(text: str) -> str:
    return _OWN_SAID.sub("", text)


def _make_head(root: Element, around: Around) -> None:
    head = root.find("head")
    if head is None:
        head = lxml_html.Element("head")
        root.insert(0, head)
    if not head.xpath("meta[@name='viewport']"):
        head.append(lxml_html.Element("meta", name="viewport", content="width=device-width, initial-scale=1"))
    for old in head.xpath("link[@rel='canonical' or @rel='alternate']"):
        old.drop_tree()
    head.append(lxml_html.Element("link", rel="canonical", href=around.address))
    if around.feed:
        head.append(lxml_html.Element("link", rel="alternate", type="application/atom+xml", href=around.feed))


def _add_ways(root: Element, around: Around, spoken: str) -> None:
    """Write below the letter where its reader may go from here, in the colours of the system: dark or light."""
    if not around.ways:
        return
    style = "padding: 8px 16px 32px; text-align: center; background-color: Canvas; color: CanvasText; "
    ways = lxml_html.Element("nav", lang=spoken, style=f"{style}font: 16px/24px system-ui, sans-serif")
    for words, address in around.ways:
        link = lxml_html.Element("a", href=address, style="display: inline-block; padding: 12px; color: LinkText")
        link.text = words
        ways.append(link)
    body = root.find("body")
    (root if body is None else body).append(ways)


def _unframe(root: Element) -> None:
    """Let the tables that only lay a letter out be plain divisions, and its own tables tables."""
    lays_out: dict[Element, bool] = {}
    for part in list(root.iter("table", "thead", "tbody", "tfoot", "tr", "td", "th")):
        # Of a table itself its role tells, of what lies in one the table.
        is_table = part.tag == "table"
        lays_out[part] = part.get("role") in _FRAMES if is_table else lays_out.get(part.getparent(), True)
        if lays_out[part]:
            part.tag = "div"


def _first_words(root: Element) -> str:
    """Return the beginning of what a letter says, paragraph by paragraph, so that no label is glued to a word."""
    said = ""
    for element in root.iter(*_BLOCKS):
        if not any(child.tag in _BLOCKS for child in element.iterdescendants()):
            said = f"{said} {' '.join(element.text_content().split())}".strip()
        if len(said) > _SUMMARY:
            return f"{said[:_SUMMARY].rsplit(' ', 1)[0]} …"
    return said


def _inner(root: Element) -> str:
    return (root.text or "") + "".join(lxml_html.tostring(child, encoding="unicode") for child in root)

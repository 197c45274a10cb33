"""The XML of a feed, read and written anew: mended where writers erred, and with nothing in it but what we show.

Bare ampersands, HTML's own entities, prefixes nobody declared and elements
nobody closed can still be understood. What is left over (authors, chapters,
places on the earth) goes, and what stays is shortened: parsers of feeds know
many elements, and can be kept busy for hours with some of them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from html.entities import html5
from typing import Any, TypeAlias

from lxml import etree

from listkeeper.rendering.feeds.feed_text import MOST_ITEMS

Element: TypeAlias = Any
"""An element of lxml, which ships no types."""

_MOST_AMPERSANDS = 200_000
_MOST_OF_A_KIND, _LONGEST_VALUE = 5, 2_000
_ATOM, _OLD_ATOM = "http://www.w3.org/2005/Atom", "http://purl.org/atom/ns#"
_BASE = "{http://www.w3.org/XML/1998/namespace}base"
# What writers mean by a prefix, also where they forgot to declare it.
_USUAL: dict[str | None, str] = {
    "content": "http://purl.org/rss/1.0/modules/content/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "itunes": "http://www.itunes.com/DTDs/PodCast-1.0.dtd",
    "media": "http://search.yahoo.com/mrss/",
}
_OWN = re.compile(
    r"(http://(www\.w3\.org/2005/atom|purl\.org/atom/ns#|purl\.org/rss/1\.0|(my|channel)\.netscape\.com/rdf/simple/0\.9"
    r"|backend\.userland\.com/rss\d*|(blogs|cyber)\.law\.harvard\.edu/(tech/)?rss))?"
)
_PREFIXES = {address.lower().rstrip("/"): prefix for prefix, address in _USUAL.items()}
# The elements of an item that are kept, and how long their text may be.
_CUT = {
    **dict.fromkeys(("title", "dc:title"), 5_000),
    **dict.fromkeys(("description", "summary", "content", "content:encoded", "dc:description"), 8_000),
    **dict.fromkeys(("enclosure", "media:content", "media:thumbnail", "itunes:image"), 0),
}
# Half of an address or a date is another one.
_WHOLE_OR_NOT = {
    **dict.fromkeys(("link", "guid", "id"), _LONGEST_VALUE),
    **dict.fromkeys(("pubdate", "published", "updated", "modified", "issued", "created", "dc:date"), 100),
}
_KEPT = {**_CUT, **_WHOLE_OR_NOT}
_OF_THE_FEED = frozenset({"title", "link"})
_SPELLED = {"pubdate": "pubDate"}
_ATTRIBUTES = ("href", "rel", "type", "mode", "url", "medium", "isPermaLink", "width", "height", _BASE)
_NAMED = re.compile(r"&([A-Za-z][A-Za-z0-9]{1,31});")
_BARE = re.compile(r"&(?!#\d{1,7};|#[xX][0-9A-Fa-f]{1,6};|(?:amp|lt|gt|quot|apos);)")


def essence(text: str) -> bytes | None:
    """Return a feed with its title, its link and what is shown of its items; None where it cannot be mended."""
    root = _root(text)
    if root is None:
        return None
    if root.tag.rpartition("}")[2].lower() == "feed":
        space = _OLD_ATOM if root.tag.startswith(f"{{{_OLD_ATOM}}}") else _ATOM
        made = etree.Element(f"{{{space}}}feed", nsmap={None: space, **_USUAL})
        _copy(root, made, "entry", space)
    else:
        made = etree.Element("rss", version="2.0", nsmap=_USUAL)
        channel = etree.SubElement(made, "channel")
        about = next((child for child in root if _name(child) == "channel"), root)
        _keep_base(root, made)
        _copy(about, channel, "item", "")
        if about is not root:
            # RSS 1.0 has its items beside the channel.
            _copy_items(root, channel, "item", "")
    return bytes(etree.tostring(made, encoding="utf-8"))


def _root(text: str) -> Element | None:
    try:
        return etree.fromstring(text.encode(), _parser(recover=False))
    except (etree.XMLSyntaxError, ValueError):
        if text.count("&") > _MOST_AMPERSANDS:
            return None
    plain = _BARE.sub("&amp;", _NAMED.sub(_as_character, text))
    try:
        return etree.fromstring(plain.encode(), _parser(recover=True))
    except (etree.XMLSyntaxError, ValueError):
        return None


def _parser(*, recover: bool) -> etree.XMLParser:
    return etree.XMLParser(
        recover=recover,
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )


def _as_character(name: re.Match[str]) -> str:
    if name[1] in {"amp", "lt", "gt", "quot", "apos"}:
        return name[0]
    found = html5.get(f"{name[1]};", "")
    # What would be markup stays a reference.
    return found if found and not set(found) & set("<>&\"'") else name[0]


def _name(element: Element) -> str:
    """Return an element's name in lower case, with a prefix where it is none of the feed's own.

    A prefix that was never declared is part of the name already.
    """
    if not isinstance(element.tag, str):
        return ""
    space, _, local = element.tag.rpartition("}")
    known = space.removeprefix("{").lower().rstrip("/")
    if _OWN.fullmatch(known):
        return local.lower().removeprefix("atom:")
    return f"{_PREFIXES.get(known, '?')}:{local.lower()}"


def _copy(about: Element, made: Element, item: str, space: str) -> None:
    _keep_base(about, made)
    for child in about:
        if _name(child) in _OF_THE_FEED and len(made) < _MOST_OF_A_KIND:
            _copy_one(child, made, space)
    _copy_items(about, made, item, space)


def _copy_items(where: Element, made: Element, item: str, space: str) -> None:
    found = [child for child in where if _name(child) == item]
    half = MOST_ITEMS // 2
    for one in found if len(found) <= MOST_ITEMS else found[:half] + found[-half:]:
        copied = etree.SubElement(made, f"{{{space}}}{item}" if space else item)
        _keep_base(one, copied)
        seen: Counter[str] = Counter()
        for child in _children(one):
            name = _name(child)
            seen[name] += 1
            if name in _KEPT and seen[name] <= _MOST_OF_A_KIND:
                _copy_one(child, copied, space)


def _children(item: Element) -> Iterator[Element]:
    for child in item:
        if _name(child) == "media:group":
            yield from child
        else:
            yield child


def _copy_one(child: Element, made: Element, space: str) -> None:
    name = _name(child)
    prefix, _, local = name.rpartition(":")
    home = _USUAL[prefix] if prefix else space
    local = _SPELLED.get(local, local)
    copied = etree.SubElement(made, f"{{{home}}}{local}" if home else local)
    for attribute in _ATTRIBUTES:
        if (value := child.get(attribute)) is not None and len(value) <= _LONGEST_VALUE:
            copied.set(attribute, value)
    if len(child):
        # Markup that is not escaped, as the XHTML of Atom: its text is HTML like any other.
        copied.text = _inside(child)[: _KEPT[name]]
        if space:
            copied.set("type", "html")
    elif child.text and (name in _CUT or len(child.text) <= _KEPT[name]):
        copied.text = child.text[: _KEPT[name]]


def _inside(element: Element) -> str:
    for inner in element.iter(etree.Element):
        inner.tag = inner.tag.rpartition("}")[2].rpartition(":")[2]
    written = str(etree.tostring(element, encoding="unicode", method="html", with_tail=False))
    return written[written.find(">") + 1 : written.rfind("</")]


def _keep_base(element: Element, made: Element) -> None:
    if (base := element.get(_BASE)) is not None and len(base) <= _LONGEST_VALUE:
        made.set(_BASE, base)

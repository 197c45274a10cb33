"""The Atom syndication format (RFC 4287): a feed as a value, and its bytes.

Everything is written by an XML library, nothing by joining strings, so no
title can end its own element. Texts are plain (``type="text"``), and the
content of an entry is HTML that stands there escaped (``type="html"``,
section 3.1.1.2). Moments are aware and written in UTC (RFC 3339).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeAlias

from lxml import etree

_Element: TypeAlias = Any
MEDIA_TYPE = "application/atom+xml"
_NAMESPACE = "http://www.w3.org/2005/Atom"
# What XML 1.0 cannot hold (section 2.2 of its specification).
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True)
class Entry:
    """One entry (section 4.1.2). ``id`` is an IRI that never changes; ``html`` a fragment, or empty for none."""

    id: str
    title: str
    updated: datetime
    link: str
    summary: str = ""
    html: str = ""


@dataclass(frozen=True)
class Feed:
    """A feed (section 4.1.1): ``link`` is the page it is about, ``own`` where the feed itself is, ``author`` a name."""

    id: str
    title: str
    updated: datetime
    link: str
    own: str
    author: str
    language: str
    entries: Sequence[Entry] = ()


def written(feed: Feed) -> bytes:
    """Return a feed as an XML document in UTF-8; characters that XML does not know are left out."""
    root = etree.Element(_name("feed"), nsmap={None: _NAMESPACE})
    root.set("{http://www.w3.org/XML/1998/namespace}lang", feed.language)
    _say(root, "id", feed.id)
    _say(root, "title", feed.title)
    _say(root, "updated", _moment(feed.updated))
    _say(etree.SubElement(root, _name("author")), "name", feed.author)
    _lead(root, "alternate", feed.link, "text/html")
    _lead(root, "self", feed.own, MEDIA_TYPE)
    for entry in feed.entries:
        _add(root, entry)
    return bytes(etree.tostring(root, xml_declaration=True, encoding="utf-8"))


def _add(root: _Element, entry: Entry) -> None:
    element = etree.SubElement(root, _name("entry"))
    _say(element, "id", entry.id)
    _say(element, "title", entry.title)
    _say(element, "updated", _moment(entry.updated))
    _say(element, "published", _moment(entry.updated))
    _lead(element, "alternate", entry.link, "text/html")
    if entry.summary:
        _say(element, "summary", entry.summary)
    if entry.html:
        _say(element, "content", entry.html).set("type", "html")


def _name(local: str) -> str:
    return f"{{{_NAMESPACE}}}{local}"


def _say(parent: _Element, local: str, text: str) -> _Element:
    element = etree.SubElement(parent, _name(local))
    element.text = _NO_XML.sub("", text)
    return element


def _lead(parent: _Element, relation: str, address: str, media_type: str) -> None:
    values = {"rel": relation, "type": media_type, "href": _NO_XML.sub("", address)}
    etree.SubElement(parent, _name("link"), values)


def _moment(value: datetime) -> str:
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

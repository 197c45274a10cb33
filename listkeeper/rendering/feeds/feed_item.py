"""One item of a feed: what a letter shows of it, and what it is known by.

What feeds call text may be words, HTML or both at once. Of all of it only words
are kept, and addresses that lead somewhere on the web: what a stranger wrote
into his feed never becomes markup of ours.
"""

from __future__ import annotations

import calendar
import hashlib
import html
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeAlias
from urllib.parse import urljoin, urlsplit

from lxml import etree
from lxml import html as lxml_html

from listkeeper.standards import foreign_text

SUMMARY, TITLE = 300, 200
_LONGEST_URL = 2_000
_LONGEST_ID = 500
# Of an item's text only the beginning is shown, and only so much is looked at.
_LOOKED_AT = 8_000
_BLOCKS = ("p", "div", "br", "li", "h1", "h2", "h3", "h4", "h5", "h6", "td", "th", "tr", "blockquote", "figcaption")
_SILENT = ("script", "style", "iframe", "object", "noscript", "template", "svg", "form", "select", "textarea")
# Pictures of this width or height are there to count readers.
_SPECK = frozenset({"0", "1"})
# A date outside of these was no date before it was read as one.
_YEARS = range(1990, 2100)
_TRAILING = " ,;:.-\N{EN DASH}"

Entry: TypeAlias = dict[str, Any]
"""What feedparser makes of an item; it ships no types."""
Element: TypeAlias = Any
"""An element of lxml, which ships no types."""


@dataclass(frozen=True, slots=True)
class Item:
    """One item. ``id`` is the same at every reading; ``published`` is aware UTC; links are whole and ``http(s)``."""

    id: str
    title: str
    link: str | None
    summary: str
    picture_url: str | None
    published: datetime | None

    @property
    def summary_html(self) -> str:
        """The beginning of its text as a fragment of HTML, in which no markup is left."""
        return html.escape(self.summary, quote=False)


def of_entry(entry: Entry, feed_base: str) -> Item:
    """Return an item as feedparser found it, in a feed from this address."""
    title, link = title_of(entry), web_address(entry.get("link"))
    base, content = _content(entry)
    tree = tree_of(content)
    summary = _shortened(_words(tree)) if tree is not None else ""
    named = str(entry.get("id") or link or "").strip()
    if not named or len(named) > _LONGEST_ID:
        told = named or f"{title}\n{summary}"
        named = f"sha256:{hashlib.sha256(told.encode()).hexdigest()}"
    return Item(named, title, link, summary, _picture(entry, tree, base or feed_base), _published(entry))


def title_of(about: Entry) -> str:
    """Return a title as plain words; some write HTML into it."""
    written = str(about.get("title") or "")[:_LOOKED_AT]
    detail = about.get("title_detail") or {}
    if "html" in str(detail.get("type", "")) and (tree := tree_of(written)) is not None:
        written = _words(tree)
    return _harmless(foreign_text.clean(written, TITLE))


def _content(entry: Entry) -> tuple[str, str]:
    """Return what an item's text is relative to, and the text as HTML: its summary, or else the whole."""
    detail = entry.get("summary_detail") or {}
    whole: Entry = next((one for one in entry.get("content") or () if one.get("value")), {})
    chosen = detail if detail.get("value") else whole
    written = str(chosen.get("value") or entry.get("summary") or "")[:_LOOKED_AT]
    is_html = "html" in str(chosen.get("type", "text/html"))
    return str(chosen.get("base") or ""), written if is_html else html.escape(written)


def tree_of(fragment: str) -> Element | None:
    """Return a fragment of foreign HTML without what is never read; None where nothing is in it."""
    if not fragment.strip():
        return None
    try:
        tree = lxml_html.document_fromstring(f"<div>{fragment}</div>")
    except (etree.LxmlError, ValueError):
        return None
    etree.strip_elements(tree, *_SILENT, etree.Comment, with_tail=False)
    return tree


def _words(tree: Element) -> str:
    for element in tree.iter(*_BLOCKS):
        element.text = f" {element.text or ''}"
        element.tail = f" {element.tail or ''}"
    return str(tree.text_content())


def _shortened(text: str) -> str:
    """Return the beginning of a text, cut between two words."""
    line = foreign_text.clean(text, _LOOKED_AT)
    if len(line) <= SUMMARY:
        return _harmless(line)
    begun = line[: SUMMARY - 1]
    whole, _, rest = begun.rpartition(" ")
    kept = whole if whole and len(rest) < SUMMARY // 2 else begun
    return _harmless(kept.rstrip(_TRAILING) + "…")


def _harmless(words: str) -> str:
    """Part the braces that a letter would take for a merge tag: a stranger's feed asks nothing about our readers."""
    return words.replace("{{", "{ {").replace("{%", "{ %")


def _picture(entry: Entry, tree: Element | None, base: str) -> str | None:
    """Return an item's own picture, or else the first in its text that is none of those that count readers."""
    enclosed = [link for link in entry.get("links") or () if link.get("rel") == "enclosure"]
    media = [*(entry.get("media_content") or ()), *enclosed]
    named = [one.get("url") or one.get("href") for one in media if _is_picture(one)]
    named += [one.get("url") for one in entry.get("media_thumbnail") or ()]
    named += [(entry.get("image") or {}).get("href")]
    shown = tree.iter("img") if tree is not None else ()
    written = [one.get("src") for one in shown if not {one.get("width"), one.get("height")} & _SPECK]
    return next((url for one in (*named, *written) if one and (url := web_address(one, base))), None)


def _is_picture(media: Entry) -> bool:
    return str(media.get("type", "")).startswith("image/") or media.get("medium") == "image"


def _published(entry: Entry) -> datetime | None:
    # ``dict.get``: feedparser's own gives another date than was asked for, with a warning.
    read_as = (dict.get(entry, name) for name in ("published_parsed", "updated_parsed", "created_parsed"))
    found = next((one for one in read_as if isinstance(one, time.struct_time)), None)
    if found is None or found.tm_year not in _YEARS:
        return None
    try:
        return datetime.fromtimestamp(calendar.timegm(found), UTC)
    except ValueError:
        return None


def web_address(written: object, base: str = "") -> str | None:
    """Return a web address, whole, or None for whatever is none: a script, a file, a user name in it."""
    try:
        url = urljoin(base, str(written or "").strip())
        parts = urlsplit(url)
        usable = bool(parts.hostname) and parts.username is None and (parts.port or 1) > 0
    except ValueError:
        return None
    clean = len(url) <= _LONGEST_URL and url.isprintable() and not set(url) & set(' "<>\\`{}|^')
    return url if usable and clean and parts.scheme in {"http", "https"} else None

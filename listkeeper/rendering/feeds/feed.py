"""A feed (RSS, Atom) read for a letter: its newest items, as plain words with a link and a picture.

Reading is pure: bytes in, items out, and nothing is ever loaded for them.
``feedparser`` knows the many shapes of feeds; what it gets was made fit before
(``feed_text``, ``feed_xml``), as a stream, because it would open a file or ask a server whose
name it finds in place of a feed.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import assert_never

import feedparser

from listkeeper.foundation import language
from listkeeper.foundation.errors import Invalid, TryAgain
from listkeeper.foundation.fetch_address import Refused, Unreachable
from listkeeper.foundation.fetch_document import Document, DocumentReader
from listkeeper.rendering.feeds import feed_item, feed_text, feed_xml
from listkeeper.rendering.feeds.feed_item import Item

MOST_BYTES = 2_000_000
_LONGEST_MARK = 500
_PAGE_LOOKED_AT = 200_000
_FRESH = {"Accept": "application/rss+xml, application/atom+xml, application/xml;q=0.9, text/xml;q=0.8, */*;q=0.1"}
_UNCHANGED, _GONE, _BROKEN, _TOO_MANY = 304, 400, 500, 429


@dataclass(frozen=True, slots=True)
class Seen:
    """What a server said of a feed as it was read, to ask it later whether there is anything new."""

    etag: str = ""
    modified: str = ""


@dataclass(frozen=True, slots=True)
class Feed:
    """What was read. The newest item is first where all have a date; else they stand as in the feed.

    ``left_out`` counts the items of a very long feed that were not read.
    """

    title: str
    link: str | None
    items: tuple[Item, ...]
    left_out: int = 0
    seen: Seen = Seen()


def fetch(reader: DocumentReader, url: str) -> Feed:
    """Return the feed at a web address. Raises Invalid where there is none, TryAgain where nobody answers."""
    return _read_document(_answer(reader, url, _FRESH), url)


def fetch_newer(reader: DocumentReader, url: str, seen: Seen) -> Feed | None:
    """Return the feed at a web address, None where its server says that it has not changed. Raises as ``fetch``."""
    known = {"If-None-Match": seen.etag, "If-Modified-Since": seen.modified}
    document = _answer(reader, url, {**_FRESH, **{name: value for name, value in known.items() if value}})
    return None if document.status == _UNCHANGED else _read_document(document, url)


def read(body: bytes, content_type: str, base: str) -> Feed:
    """Return a feed's items. Raises Invalid (``feed_unreadable``) that says why there are none.

    ``base`` is the address it came from, to which its links are relative.
    """
    if len(body) > MOST_BYTES:
        raise _unreadable(language.text("it is larger than %(size)s MB", size=MOST_BYTES // 1_000_000))
    text = feed_text.root_of(feed_text.text_of(body, content_type))
    if text is None:
        raise _unreadable(language.text("it makes declarations of its own before it begins"))
    if not feed_text.is_feed(text):
        raise _no_feed(text, base)
    text, left_out = feed_text.cut(text)
    document = feed_xml.essence(text)
    if document is None:
        raise _unreadable(language.text("it is no well-formed XML"))
    headers = {"content-type": "application/xml; charset=utf-8", "content-location": base}
    parsed = feedparser.parse(
        io.BytesIO(document), sanitize_html=False, resolve_relative_uris=False, response_headers=headers
    )
    items = _in_order(_once_each(feed_item.of_entry(entry, base) for entry in parsed["entries"]))
    about = parsed["feed"]
    return Feed(feed_item.title_of(about), feed_item.web_address(about.get("link"), base), tuple(items), left_out)


def _answer(reader: DocumentReader, url: str, headers: Mapping[str, str]) -> Document:
    document = reader.read(url, most=MOST_BYTES, headers=headers)
    match document:
        case Document(status) if status < _GONE:
            return document
        case Document(status) if status >= _BROKEN or status == _TOO_MANY:
            raise _silent(url, language.text("the site answers %(status)s", status=status))
        case Document(status):
            raise _unreadable(language.text("the site answers %(status)s", status=status))
        case Refused(reason):
            raise _unreadable(reason)
        case Unreachable(reason):
            raise _silent(url, reason)
        case _:
            assert_never(document)


def _silent(url: str, reason: str) -> TryAgain:
    sentence = language.text(
        "The feed %(url)s gives no answer now: %(reason)s. Nothing was changed. Try again later.",
        url=url,
        reason=reason,
    )
    return TryAgain("feed_unreachable", sentence)


def _read_document(document: Document, url: str) -> Feed:
    feed = read(document.body, document.headers.get("content-type", ""), document.url or url)
    seen = Seen(*(document.headers.get(name, "")[:_LONGEST_MARK] for name in ("etag", "last-modified")))
    return Feed(feed.title, feed.link, feed.items, feed.left_out, seen)


def _unreadable(reason: str) -> Invalid:
    sentence = language.text(
        "The feed cannot be read: %(reason)s. Nothing was changed. Check its address.", reason=reason
    )
    return Invalid("feed_unreadable", sentence)


def _no_feed(text: str, base: str) -> Invalid:
    """Say that it is no feed; a web page often names the one that was meant."""
    if not text[:200].lower().startswith(("<html", "<head", "<body", "<title", "<meta")):
        return _unreadable(language.text("there is no RSS or Atom in it"))
    named = _named_feed(text, base)
    if named is None:
        return _unreadable(language.text("there is a web page, and it names no feed"))
    sentence = language.text(
        "This is a web page, and its feed is at %(url)s. Nothing was changed. Use that address.", url=named
    )
    return Invalid("feed_unreadable", sentence)


def _named_feed(page: str, base: str) -> str | None:
    tree = feed_item.tree_of(page[:_PAGE_LOOKED_AT])
    for link in tree.iter("link") if tree is not None else ():
        kind = (link.get("type") or "").lower()
        if "alternate" in (link.get("rel") or "").lower() and kind in {"application/rss+xml", "application/atom+xml"}:
            return feed_item.web_address(link.get("href"), base)
    return None


def _once_each(items: Iterable[Item]) -> Iterator[Item]:
    """Leave out what comes again, and what says nothing."""
    known: set[str] = set()
    for item in items:
        if item.id not in known and (item.title or item.summary):
            known.add(item.id)
            yield item


def _in_order(found: Iterable[Item]) -> Sequence[Item]:
    items = list(found)
    dated = [(item.published, item) for item in items if item.published is not None]
    if len(dated) < len(items):
        return items
    return [item for _, item in sorted(dated, key=lambda pair: pair[0], reverse=True)]

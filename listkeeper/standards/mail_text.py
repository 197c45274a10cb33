"""The words of a mail as a person would read them: encoded words, character sets, HTML (RFC 2047, RFC 2045, RFC 6532).

What strangers declare is often wrong: an unknown character set is taken for
UTF-8, what cannot be decoded becomes U+FFFD, and HTML is reduced to its text.
Nothing here raises, and nothing costs more than its length.
"""

from __future__ import annotations

import binascii
import codecs
import html
import re
from functools import lru_cache

from listkeeper.standards import foreign_text
from listkeeper.standards.mail_parts import Part, value

MOST_TEXT = 65_536
_LONGEST_WORDS = 998
_CHARSET = re.compile(r";\s*charset\s*=\s*\"?([\w.:+-]{1,40})", re.IGNORECASE)
_ENCODED = re.compile(r"=\?([\w.:+-]{1,40})(?:\*[\w-]{0,20})?\?([bqBQ])\?([^?\s]{0,600})\?=")
_ESCAPE = b"\x1b$B"
_BETWEEN = re.compile(r"(\?=)\s+(?==\?)")
# Codecs of Python that are no character sets, or cost more than their length, stay outside.
_SETS = re.compile(
    r"(?:utf-(?:7|8|8-sig|16(?:-[lb]e)?|32(?:-[lb]e)?)|ascii|iso(?:8859|2022_)[\w-]*|cp\d+|koi8-[rtu]|shift_jis\w*|"
    r"euc_\w+|gb(?:k|2312|18030)|hz|big5\w*|johab|mac-\w+|tis-620|kz1048|ptcp154)"
)
_UNSEEN = re.compile(r"<(?:(style|script|head)\b|!--)", re.IGNORECASE)
_END_OF = {name: re.compile(rf"</{name}\b", re.IGNORECASE) for name in ("style", "script", "head")} | {
    "": re.compile("-->")
}
_LINE_END = re.compile(r"<(?:br|/p|/div|/tr|/li|/h[1-6]|/table|p|pre|/pre)\b[^>]{0,400}>", re.IGNORECASE)
_CELL_END = re.compile(r"</t[dh]\b[^>]{0,50}>", re.IGNORECASE)
_TAG = re.compile(r"</?[a-zA-Z!][^<>]{0,2000}>")
_SPACES = re.compile(r"[ \t\u00a0]+")


def text_of(part: Part, most: int = MOST_TEXT) -> str:
    """Return the text of a part, its lines parted by LF, at most so many characters; of HTML what is to be read."""
    found = _CHARSET.search(value(part.fields, "content-type"))
    # This set shows itself, and whoever leaves out its name writes in it all the same.
    usual = "iso-2022-jp" if _ESCAPE in part.content[:most] else ""
    text = decoded(part.content[: most * 4], usual or (found[1] if found else ""))[:most]
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "\N{REPLACEMENT CHARACTER}")
    return without_tags(text) if part.kind == "text/html" else text


def decoded(octets: bytes, charset: str) -> str:
    """Return the octets read in a character set by its name in mail; one that nobody knows is taken for UTF-8."""
    return octets.decode(_codec(charset.lower()), "replace")


@lru_cache(maxsize=256)
def _codec(charset: str) -> str:
    name = charset.removeprefix("unicode-1-1-").removeprefix("x-").replace("sjis", "shift_jis")
    try:
        known = codecs.lookup(name or "utf-8").name
    except (LookupError, ValueError):
        return "utf-8"
    # What calls itself ASCII, or says nothing, is UTF-8 more often than anything else.
    return known if known != "ascii" and _SETS.fullmatch(known) else "utf-8"


def without_tags(page: str) -> str:
    """Return what a reader of an HTML page sees, each block on a line of its own."""
    page = _LINE_END.sub("\n", _CELL_END.sub(" ", _seen(page).replace("\n", " ")))
    lines = html.unescape(_TAG.sub("", page)).split("\n")
    return "\n".join(_SPACES.sub(" ", line).strip() for line in lines)


def _seen(page: str) -> str:
    """Return a page without what nobody sees; what is begun and not ended goes on to the end."""
    kept: list[str] = []
    place = 0
    while (found := _UNSEEN.search(page, place)) is not None:
        kept.append(page[place : found.start()])
        end = _END_OF[(found[1] or "").lower()].search(page, found.end())
        if end is None:
            return "".join(kept)
        place = end.start() if found[1] else end.end()
    return "".join([*kept, page[place:]])


def words(field: str, most: int = _LONGEST_WORDS) -> str:
    """Return the value of a header field with its encoded words read, on one line (RFC 2047 section 6)."""
    field = field[: most * 4]
    if "=?" in field:
        field = _ENCODED.sub(_read_word, _BETWEEN.sub(r"\1", field))
    return foreign_text.clean(field, most)


def _read_word(found: re.Match[str]) -> str:
    octets = found[3].encode("ascii", "replace")
    try:
        if found[2] in "bB":
            plain = binascii.a2b_base64(octets + b"=" * (-len(octets) % 4))
        else:
            plain = binascii.a2b_qp(octets, header=True)
    except (ValueError, binascii.Error):
        return found[0]
    return decoded(plain, found[1])

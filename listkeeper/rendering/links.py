"""Links and pictures of a letter: where they stand, and what is wrong with them.

The one place that knows what a good link is. ``of_letter`` is for the check
panel and finds all; ``demand_system_tags`` is for compiling: a merge tag in a
link may only be one of the letter's own links, or a subscriber's profile would
decide where a reader lands.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

from listkeeper.foundation import language
from listkeeper.foundation.errors import Invalid
from listkeeper.rendering import body, markdown_letter, merge_tags, nesting, sanitise
from listkeeper.rendering.content import Letter
from listkeeper.rendering.document import Mode
from listkeeper.rendering.protect import TOKEN, Tokens

SHORTENERS = frozenset({
    "adf.ly", "bit.do", "bit.ly", "bl.ink", "buff.ly", "clck.ru", "cutt.ly", "dlvr.it", "goo.gl", "goo.su", "is.gd",
    "j.mp", "lnkd.in", "ow.ly", "rb.gy", "rebrand.ly", "s.id", "short.io", "shorturl.at", "soo.gd", "surl.li", "t.co",
    "t.ly", "tiny.cc", "tiny.one", "tinyurl.com", "trib.al", "u.to", "v.gd", "vk.cc", "x.gd",
})  # fmt: skip
_PLACEHOLDERS = ("example.com", "example.net", "example.org", "yourdomain.com", "yoursite.com")
BLOCK_ATTRIBUTE = "data-block"
_LOOKS_LIKE_HOST = re.compile(r"(?:https?://)?((?:[\w-]+\.)+[a-z]{2,})(?:[/?#:]\S*)?", re.IGNORECASE)


class LinkFault(StrEnum):
    """What can be wrong with a link or a picture."""

    EMPTY = "empty"
    NO_SCHEME = "no_scheme"
    NOT_ALLOWED = "not_allowed"
    NO_HOST = "no_host"
    PLACEHOLDER = "placeholder"
    SHORTENER = "shortener"
    NOT_HTTPS = "not_https"
    MISLEADING = "misleading"
    MERGE_TAG = "merge_tag"
    NO_TEXT = "no_text"
    NO_ALT = "no_alt"


@dataclass(frozen=True, slots=True)
class Link:
    """One link or picture of a letter; ``line`` is None for one in raw HTML that was not found again."""

    url: str
    text: str
    line: int | None
    is_picture: bool
    faults: tuple[LinkFault, ...]
    block: str = ""

    @property
    def sentences(self) -> list[str]:
        """One plain sentence for each fault."""
        return [_sentences()[fault] % {"url": self.url or "…", "text": self.text or "…"} for fault in self.faults]


def of_letter(letter: Letter) -> list[Link]:
    """Return every link and picture the owner wrote, in order, also those the sanitiser will remove."""
    drafted = body.draft(letter)
    return list(_found(drafted.html, drafted.tokens, letter))


def demand_system_tags(draft: str, tokens: Tokens) -> None:
    """Raise Invalid at the first link or picture whose address is made from anything but the letter's own links."""
    for link, raw in _elements(draft):
        found = tokens.found_in(raw)
        bad = [tokens.tags[position] for position in found if not _is_system(tokens.tags[position].source)]
        if bad:
            sentence = _sentences()[LinkFault.MERGE_TAG] % {"url": tokens.restore(raw), "text": link.text_content()}
            raise Invalid("merge_tag_in_link", sentence, place=bad[0].block)


def _is_system(tag: str) -> bool:
    return tag.startswith("{{") and merge_tags.leads_to_own_page(merge_tags.names_in(tag))


def _elements(draft: str) -> Iterator[tuple[nesting.Element, str]]:
    for element in nesting.tree(draft).iter("a", "img"):
        address = element.get("src" if element.tag == "img" else "href")
        if address is not None or element.tag == "img":
            yield element, (address or "").strip()


def _found(draft: str, tokens: Tokens, letter: Letter) -> Iterator[Link]:
    searched, source = 0, letter.html if letter.mode is Mode.HTML else letter.markdown
    for element, raw in _elements(draft):
        url = tokens.restore(raw)
        picture = element.tag == "img"
        text = tokens.restore(element.get("alt", "") if picture else _text_of(element))
        above = next((each for each in element.iterancestors() if each.get(BLOCK_ATTRIBUTE)), None)
        block = above.get(BLOCK_ATTRIBUTE) if above is not None else ""
        if line := element.get(markdown_letter.LINE_ATTRIBUTE):
            number: int | None = int(line)
        else:
            place = source.find(url, searched)
            number = source.count("\n", 0, place) + 1 if place >= 0 and url else None
            searched = place if place >= 0 else searched
        yield Link(url, text, number, picture, tuple(_faults(raw, url, text, picture=picture)), block)


def _text_of(element: nesting.Element) -> str:
    words = [element.text_content(), *(picture.get("alt", "") for picture in element.iter("img"))]
    return " ".join(" ".join(words).split())


def _faults(raw: str, url: str, text: str, *, picture: bool) -> Iterator[LinkFault]:
    if not text:
        yield LinkFault.NO_ALT if picture else LinkFault.NO_TEXT
    if TOKEN.search(raw):
        if not (TOKEN.fullmatch(raw) and _is_system(url)):
            yield LinkFault.MERGE_TAG
    else:
        yield from _faults_of_address(url)
        if not picture:
            yield from _misleads(text, url)


def _faults_of_address(url: str) -> Iterator[LinkFault]:
    scheme = url.partition(":")[0].lower() if re.match(r"[A-Za-z][\w+.-]*:", url) else ""
    if not url:
        yield LinkFault.EMPTY
    elif not scheme:
        yield LinkFault.NO_SCHEME
    elif scheme not in sanitise.SCHEMES:
        yield LinkFault.NOT_ALLOWED
    elif scheme in {"http", "https"}:
        yield from _faults_of_host(_host(url), scheme)
    elif not url.partition(":")[2].strip():
        yield LinkFault.EMPTY


def _host(url: str) -> str:
    """Return the host of an address without ``www.``, or nothing when it has none that can be read."""
    try:
        return (urlsplit(url).hostname or "").removeprefix("www.")
    except ValueError:
        return ""


def _faults_of_host(host: str, scheme: str) -> Iterator[LinkFault]:
    if not host or ("." not in host and ":" not in host and host != "localhost"):
        yield LinkFault.NO_HOST
    elif any(host == placeholder or host.endswith(f".{placeholder}") for placeholder in _PLACEHOLDERS):
        yield LinkFault.PLACEHOLDER
    elif host in SHORTENERS:
        yield LinkFault.SHORTENER
    elif scheme == "http":
        yield LinkFault.NOT_HTTPS


def _misleads(text: str, url: str) -> Iterator[LinkFault]:
    """Find a text that names one site above a link to another."""
    shown = _LOOKS_LIKE_HOST.fullmatch(text)
    actual = _host(url)
    if not shown or not actual:
        return
    named = shown[1].lower().removeprefix("www.")
    if actual != named and not actual.endswith(f".{named}") and not named.endswith(f".{actual}"):
        yield LinkFault.MISLEADING


def _sentences() -> dict[LinkFault, str]:
    return {
        LinkFault.EMPTY: language.text("The link “%(text)s” leads nowhere: its address is missing."),
        LinkFault.NO_SCHEME: language.text("The link %(url)s lacks https:// at the beginning, so it is left out."),
        LinkFault.NOT_ALLOWED: language.text("The link %(url)s is of a kind that mails must not hold: it is left out."),
        LinkFault.NO_HOST: language.text("The link %(url)s names no website."),
        LinkFault.PLACEHOLDER: language.text("The link %(url)s still leads to a placeholder."),
        LinkFault.SHORTENER: language.text(
            "The link %(url)s is shortened. Spam filters distrust that: use the real one."
        ),
        LinkFault.NOT_HTTPS: language.text("The link %(url)s is not secure. Begin it with https:// if the site can."),
        LinkFault.MISLEADING: language.text("The link “%(text)s” leads to another site: %(url)s."),
        LinkFault.MERGE_TAG: language.text(
            "The address %(url)s holds a merge tag that must not decide where it leads."
        ),
        LinkFault.NO_TEXT: language.text("The link to %(url)s has no text that could be read or pressed."),
        LinkFault.NO_ALT: language.text("The picture %(url)s has no words for those who cannot see it."),
    }

"""A built mail taken apart as its reader's program would: subject, text, page, links, and all else it carries."""

from __future__ import annotations

import email
import email.policy
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any

from lxml import etree
from lxml import html as lxml_html

Element = Any
"""An element of lxml, which ships no types."""

_URL = re.compile(r"(?:https?://|www\.|mailto:|tel:)[^\s<>\"']+", re.IGNORECASE)
_QUOTED = re.compile(r"^>[ >]*", re.MULTILINE)
# Attributes that lead a click away, and those that make a reader's program fetch something by itself.
_LEADS = ("href", "action", "formaction", "cite", "longdesc", "ping")
_LOADS = ("src", "srcset", "background", "poster", "data", "lowsrc", "xlink:href")
_LOADING_ELEMENTS = frozenset({
    "img", "picture", "svg", "image", "video", "audio", "source", "track", "iframe", "frame", "object", "embed",
    "applet", "script", "link", "base", "canvas", "input", "form", "v:fill", "v:image", "meta-refresh",
})  # fmt: skip
_LOADING_STYLE = re.compile(r"url\s*\(|@import|image-set\s*\(|expression\s*\(", re.IGNORECASE)


@dataclass(frozen=True)
class Apart:
    """One mail; texts are on one line each, ``hidden`` is what the page says without showing it."""

    headers: tuple[tuple[str, str], ...]
    recipient_names: tuple[str, ...]
    subject: str
    text: str
    page: str
    hidden: tuple[str, ...]
    text_links: tuple[str, ...]
    page_links: tuple[str, ...]
    loads: tuple[str, ...]
    other_parts: tuple[str, ...]
    language: str


def take_apart(raw: bytes) -> Apart:
    """Return the pieces of a message; a part that cannot be read counts as another part."""
    parsed = email.message_from_bytes(raw, policy=email.policy.default)
    texts: dict[str, str] = {}
    others = []
    for part in parsed.walk():
        kind = part.get_content_type()
        if part.is_multipart():
            continue
        if kind in {"text/plain", "text/html"} and kind not in texts and not part.get_filename():
            texts[kind] = _content(part)
        else:
            others.append(kind)
    text, source = texts.get("text/plain", ""), texts.get("text/html", "")
    page = _page(source)
    return Apart(
        headers=tuple((name, str(value)) for name, value in parsed.items()),
        recipient_names=tuple(_names(parsed)),
        subject=flat(str(parsed.get("Subject", ""))),
        text=flat(_QUOTED.sub("", text)),
        page=flat(" ".join(_shown(page))),
        hidden=tuple(filter(None, map(flat, _unshown(page)))),
        text_links=tuple(_URL.findall(text)),
        page_links=tuple(_page_links(page)),
        loads=tuple(_loads(page)),
        other_parts=tuple(others),
        language=page.get("lang", "") if page is not None else "",
    )


def flat(text: str) -> str:
    """Return a text on one line, with one space where there was any white space."""
    return " ".join(text.split())


def _content(part: EmailMessage) -> str:
    try:
        return str(part.get_content())
    except (LookupError, UnicodeError):
        return (part.get_payload(decode=True) or b"").decode("utf-8", "replace")  # type: ignore[union-attr]


def _names(parsed: EmailMessage) -> Iterator[str]:
    for header in parsed.get_all("To", []):
        yield from (address.display_name for address in getattr(header, "addresses", ()) if address.display_name)


def _page(source: str) -> Element | None:
    if not source.strip():
        return None
    try:
        parser = lxml_html.HTMLParser(encoding="utf-8")
        return lxml_html.document_fromstring(source.encode("utf-8", "replace"), parser=parser)
    except etree.ParserError:
        return None


def _elements(page: Element | None) -> Iterator[Element]:
    if page is not None:
        yield from (element for element in page.iter() if isinstance(element.tag, str))


def _shown(page: Element | None) -> list[str]:
    """Return the texts of the page, also those that a style would hide: a filter reads them."""
    return [] if page is None else page.xpath("//text()[not(ancestor::style or ancestor::title)]")


def _unshown(page: Element | None) -> Iterator[str]:
    """Yield the title, comments and attributes; where a link leads is looked at by itself."""
    if page is None:
        return
    for node in page.iter():
        if node.tag == "title" or not isinstance(node.tag, str):
            yield node.text or ""
        else:
            yield from (value for name, value in node.attrib.items() if name not in {"style", "class", *_LEADS})


def _page_links(page: Element | None) -> Iterator[str]:
    for element in _elements(page):
        yield from (element.get(name) for name in _LEADS if element.get(name) is not None)
    yield from _URL.findall(" ".join(_shown(page)))


def _loads(page: Element | None) -> Iterator[str]:
    for element in _elements(page):
        if element.tag in _LOADING_ELEMENTS or (element.tag == "meta" and element.get("http-equiv")):
            yield element.tag
        yield from (f"{element.tag} {name}" for name in _LOADS if element.get(name) is not None)
        style = element.get("style", "") + (element.text or "" if element.tag == "style" else "")
        if found := _LOADING_STYLE.search(style):
            yield f"{element.tag} {found[0]}"

"""Rich text inside a block: paragraphs, lists, emphasis and links, and nothing else.

What comes from a browser, or out of a word processor by way of one, is cleaned
here once more: the browser is never trusted. Merge tags are hidden meanwhile,
because a cleaner takes their quotes and angle brackets for HTML.
"""

from __future__ import annotations

import re
import secrets

import nh3
from liquid.lex import compile_liquid_rules

from listkeeper.rendering import foreign_tags

_TAGS = {"a", "br", "em", "li", "ol", "p", "s", "strong", "u", "ul"}
_SAME = {"b": "strong", "i": "em", "del": "s", "strike": "s", "ins": "u"}
_SAME_TAG = re.compile(rf"<(/?)({'|'.join(_SAME)})(?=[\s>])[^>]*>", re.IGNORECASE)
# A browser pastes every line of a letter or a table as an element of its own: each becomes a paragraph.
_LINES = re.compile(r"<(/?)(?:div|h[1-6]|blockquote|pre|section|article|tr)\b[^>]*>", re.IGNORECASE)
_CELL = re.compile(r"</t[dh]>", re.IGNORECASE)
_EMPTY = re.compile(r"<p>(?:\s|&nbsp;|\xa0|<br>)*</p>")
_SCHEMES = {"http", "https", "mailto", "tel"}
_BARE_LESS = re.compile(r"<(?=LK[0-9a-f]{20}|[^a-zA-Z/!?]|$)|<(?![^<>]*>)")
_BARE_AND = re.compile(r"&(?!#?\w+;)")
_RULES = compile_liquid_rules()


def _kept_if_tag(url: str) -> str | None:
    return url if url.startswith("LK") else None


_CLEANER = nh3.Cleaner(
    tags=_TAGS,
    clean_content_tags={"script", "style", "template", "title", "textarea", "select", "noscript", "svg", "math"},
    attributes={"a": {"href"}},
    strip_comments=True,
    link_rel=None,
    url_schemes=_SCHEMES,
    url_relative=_kept_if_tag,
)


def clean(html: str) -> str:
    """Return the fragment with nothing in it that a text cannot hold; merge tags come out byte for byte."""
    if not html:
        return ""
    source = foreign_tags.translated(html)
    hidden, tags = _hidden(source)
    # A sign that begins no element would swallow the merge tag behind it.
    hidden = _BARE_LESS.sub("&lt;", hidden)
    cleaned = _EMPTY.sub("", _CLEANER.clean(_as_paragraphs(hidden)))
    if "<" not in cleaned:
        # Line breaks are a plain text's own; a cleaned one has none of its own left.
        cleaned = _paragraphs_of(cleaned if "<" in hidden else _BARE_AND.sub("&amp;", hidden))
    for word, tag in tags.items():
        cleaned = cleaned.replace(word, tag)
    return cleaned.strip()


def _hidden(source: str) -> tuple[str, dict[str, str]]:
    drawn, tags = secrets.token_hex(8), dict[str, str]()

    def word(tag: str) -> str:
        name = f"LK{drawn}{len(tags):04x}"
        tags[name] = tag
        return name

    pieces = [
        match.group() if match.lastgroup == "content" else word(match.group()) for match in _RULES.finditer(source)
    ]
    return "".join(pieces), tags


def _as_paragraphs(html: str) -> str:
    html = _SAME_TAG.sub(lambda match: f"<{match[1]}{_SAME[match[2].lower()]}>", html)
    return _LINES.sub(lambda match: f"<{match[1]}p>", _CELL.sub(" ", html))


def _paragraphs_of(words: str) -> str:
    return "".join(f"<p>{' '.join(part.split())}</p>" for part in re.split(r"\n\s*\n", words) if part.strip())

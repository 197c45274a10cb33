"""What HTML a letter may hold: nh3 (ammonia) with a short list, and nothing else gets through.

Comments are kept, because tokens of merge tags travel in them; whoever calls
``clean`` has made sure that no other comment exists (``markdown_letter``).
Only absolute links stay, and tokens, which the compiler checks.
"""

from __future__ import annotations

import nh3

from listkeeper.rendering.protect import TOKEN

_TAGS = {
    "a", "abbr", "b", "blockquote", "br", "caption", "center", "code", "dd", "del", "div", "dl", "dt", "em",
    "figcaption", "figure", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "img", "ins", "kbd", "li", "mark", "ol",
    "p", "pre", "q", "s", "small", "span", "strong", "sub", "sup", "table", "tbody", "td", "tfoot", "th", "thead",
    "tr", "u", "ul",
}  # fmt: skip
_ATTRIBUTES = {
    "*": {"dir", "lang", "title"},
    "a": {"href"},
    "img": {"alt", "height", "src", "width"},
    "ol": {"start"},
    "td": {"align", "colspan", "rowspan", "style"},
    "th": {"align", "colspan", "rowspan", "scope", "style"},
}
SCHEMES = {"http", "https", "mailto", "tel"}


def _only_tokens(url: str) -> str | None:
    return url if TOKEN.fullmatch(url) else None


_CLEANER = nh3.Cleaner(
    tags=_TAGS,
    clean_content_tags={"script", "style", "template", "title", "textarea", "select", "noscript", "svg", "math"},
    attributes=_ATTRIBUTES,
    filter_style_properties={"text-align"},
    strip_comments=False,
    link_rel=None,
    url_schemes=SCHEMES,
    url_relative=_only_tokens,
)


def clean(html: str) -> str:
    """Return the fragment with everything removed that a letter must not hold."""
    return _CLEANER.clean(html)

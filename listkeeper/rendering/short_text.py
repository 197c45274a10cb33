"""A few words in Markdown as safe HTML for a page: paragraphs, lists, emphasis, links, and nothing that is loaded."""

from __future__ import annotations

import nh3
from markdown_it import MarkdownIt

_MARKDOWN = MarkdownIt("zero").enable(["paragraph", "list", "emphasis", "link", "newline", "escape", "heading"])
_CLEANER = nh3.Cleaner(
    tags={"a", "br", "em", "li", "ol", "p", "strong", "ul"},
    attributes={"a": {"href"}, "ol": {"start"}},
    url_schemes={"http", "https", "mailto", "tel"},
    link_rel="noopener noreferrer",
)


def as_html(markdown: str) -> str:
    """Return words as HTML that holds no picture, no script and no style; headings become paragraphs' words."""
    return _CLEANER.clean(_MARKDOWN.render(markdown))

"""A Markdown letter: CommonMark with tables and strike-through, made into a fragment of safe HTML.

HTML inside the Markdown is allowed and sanitised. Comments are taken out before
that, all but the tokens of merge tags: Outlook reads commands in them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from markdown_it import MarkdownIt
from markdown_it.token import Token

from listkeeper.foundation import language
from listkeeper.foundation.errors import Invalid
from listkeeper.rendering import nesting, sanitise
from listkeeper.rendering.protect import Tokens

LINE_ATTRIBUTE = "data-line"
_LONGEST = 300_000
_COMMENT = re.compile(r"<!--(?!LK[0-9a-f]{20}-->).*?-->", re.DOTALL)
# What an HTML parser would take for a comment all the same: <!x, <?x, </1, <!-- without an end.
_COMMENT_START = re.compile(r"<(?!!--LK[0-9a-f]{20}-->)(?=[!?]|/[^a-zA-Z])")
_TAG_OR_TOKEN = re.compile(r"(<[^>]*>)|(LK[0-9a-f]{20})")
_CONTROL_CHARACTER = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff\ud800-\udfff]")


def _any_link(url: str) -> bool:
    del url
    return True


def _parser() -> MarkdownIt:
    # Deeper than any letter may be (``nesting``): below its own limit the parser drops words without a sound.
    made = MarkdownIt("commonmark", {"html": True, "maxNesting": 100}).enable(["table", "strikethrough"])
    # The link check names bad links and the sanitiser removes them; left to the parser they would stay as raw Markdown.
    made.validateLink = _any_link  # type: ignore[method-assign]
    return made


_MARKDOWN = _parser()


def draft(markdown: str, tokens: Tokens) -> str:
    """Return the HTML of a hidden Markdown text, not yet safe, with the line of each link as ``data-line``."""
    if len(markdown) > _LONGEST:
        raise Invalid("letter_too_long", language.text("The letter is longer than 300,000 characters. Shorten it."))
    if _CONTROL_CHARACTER.search(markdown):
        sentence = language.text("The letter holds characters that cannot be shown. Paste it as plain text.")
        raise Invalid("letter_unreadable", sentence)
    parsed = _MARKDOWN.parse(markdown)
    for token in parsed:
        if token.type == "html_block":
            token.content = without_comments(_control_tokens_as_comments(token.content, tokens))
        _mark_lines(token)
    return str(_MARKDOWN.renderer.render(parsed, _MARKDOWN.options, {}))


def finished(drafted: str, tokens: Tokens) -> str:
    """Return the safe form of a draft; raises Invalid when a merge tag was lost or its block is torn."""
    html = sanitise.clean(drafted)
    tokens.demand_all(html)
    nesting.demand_sound(html, tokens)
    return html


def _mark_lines(block: Token) -> None:
    line = block.map[0] + 1 if block.map else 0
    for token in _with_children(block.children or ()):
        if token.type in {"softbreak", "hardbreak"}:
            line += 1
        elif token.type in {"link_open", "image"}:
            token.attrSet(LINE_ATTRIBUTE, str(line))
        elif token.type == "html_inline":
            line += token.content.count("\n")
            token.content = without_comments(token.content)


def _with_children(tokens: Iterable[Token]) -> Iterable[Token]:
    for token in tokens:
        yield token
        if token.type != "image":
            yield from _with_children(token.children or ())


def without_comments(html: str) -> str:
    """Return HTML without comments, all but the tokens of merge tags."""
    return _COMMENT_START.sub("&lt;", _COMMENT.sub("", html))


def _control_tokens_as_comments(html: str, tokens: Tokens) -> str:
    """Between the tags of raw HTML, as around a table row, only a comment stays where it is."""

    def dressed(match: re.Match[str]) -> str:
        position = tokens.position(match[2]) if match[2] else None
        return match[0] if position is None or tokens.tags[position].name is None else f"<!--{match[2]}-->"

    return _TAG_OR_TOKEN.sub(dressed, html)

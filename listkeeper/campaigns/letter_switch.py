"""From one way of writing to another: never by losing something.

Where the other way cannot hold a part, the switch is refused with a sentence
that names it. What was before stays a revision to go back to, because a switch
is a change like any other.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, assert_never

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

from listkeeper.campaigns.revision import Draft
from listkeeper.foundation import language
from listkeeper.foundation.errors import Invalid
from listkeeper.rendering import document, markdown_letter, markdown_words, protect, sanitise
from listkeeper.rendering.document import (
    Block,
    ButtonBlock,
    DividerBlock,
    HeaderBlock,
    HeadingBlock,
    ImageBlock,
    Mode,
    QuoteBlock,
    SpacerBlock,
    TextBlock,
)

_MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
_LONE_PICTURE = re.compile(r"\[?!\[(?P<alt>[^\]]*)\]\((?P<src>[^)\s]+)\)(?:\]\((?P<href>[^)\s]+)\))?")


def switched(draft: Draft, mode: Mode) -> Draft:
    """Return the same letter in another mode. Raises Invalid, naming the parts, when that cannot hold all of it."""
    if mode is draft.mode:
        return draft
    match mode:
        case Mode.BLOCKS:
            if draft.mode is Mode.HTML:
                raise _loses(_html_parts(draft.html))
            return replace(draft, mode=mode, blocks=tuple(_as_blocks(draft.markdown)), markdown="", html="")
        case Mode.MARKDOWN:
            if draft.mode is Mode.HTML:
                raise _loses(_html_parts(draft.html))
            return replace(draft, mode=mode, markdown=_as_markdown(draft), blocks=(), html="")
        case Mode.HTML:
            if draft.mode is Mode.BLOCKS:
                as_text = _as_markdown(draft)
                return replace(draft, mode=mode, html=_as_html(as_text), blocks=(), markdown="")
            return replace(draft, mode=mode, html=_as_html(draft.markdown), blocks=(), markdown="")
        case other:
            assert_never(other)


def _loses(parts: list[str]) -> Invalid:
    named = ", ".join(dict.fromkeys(parts))
    sentence = language.text(
        "This letter cannot be switched without loss: %(parts)s. Nothing was changed. "
        "Begin a new letter, or go back to an earlier version.",
        parts=named,
    )
    return Invalid("switch_loses", sentence)


def _html_parts(html: str) -> list[str]:
    """Name what HTML of one's own holds that no other way can."""
    found = re.findall(r"<(style|table|div|span|center|font|td)\b", html, re.IGNORECASE)
    names = {"style": language.text("style rules"), "table": language.text("tables")}
    kinds = [names.get(tag.lower(), language.text("HTML of your own")) for tag in found]
    return kinds or [language.text("HTML of your own")]


def _as_blocks(markdown: str) -> Iterator[Block]:
    """Part Markdown into blocks: headlines, pictures, lines and quotes by themselves, the rest as text."""
    hidden, tokens = protect.hide(markdown)
    nodes = SyntaxTreeNode(_MARKDOWN.parse(hidden)).children
    lost = [name for node in nodes if (name := _cannot_be_block(node, tokens))]
    if lost:
        raise _loses(lost)
    waiting: list[SyntaxTreeNode] = []
    for node in nodes:
        made = _own_block(node, tokens)
        if made is None:
            waiting.append(node)
            continue
        yield from _text_of(waiting, tokens)
        waiting = []
        yield made
    yield from _text_of(waiting, tokens)


def _cannot_be_block(node: SyntaxTreeNode, tokens: protect.Tokens) -> str:
    """Name what no block can hold; nothing when a block can hold all of it."""
    inside = {child.type for child in node.walk()}
    if (node.type == "html_block" and not _only_tokens(node.content, tokens)) or "html_inline" in inside:
        return language.text("HTML in the text")
    if inside & {"fence", "code_block", "code_inline"}:
        return language.text("code in the text")
    if "table" in inside:
        return language.text("a table")
    if "image" in inside and _lone_picture(node) is None:
        return language.text("a picture inside a paragraph")
    if node.type in {"bullet_list", "ordered_list", "blockquote"} and inside & {"heading", "hr"}:
        return language.text("a headline inside a list or a quote")
    return ""


def _only_tokens(html: str, tokens: protect.Tokens) -> bool:
    return not re.sub(r"<!--LK[0-9a-f]{20}-->|\s", "", html) and bool(tokens.tags)


def _own_block(node: SyntaxTreeNode, tokens: protect.Tokens) -> Block | None:
    match node.type:
        case "heading":
            level = min(int(node.tag[1]), 3)
            return HeadingBlock(id=document.new_id(), text=_words(node, tokens), level=level)
        case "hr":
            return DividerBlock(id=document.new_id())
        case "blockquote":
            return QuoteBlock(id=document.new_id(), html=_html(node.children, tokens))
        case "paragraph" if (picture := _lone_picture(node)) is not None:
            return ImageBlock(
                id=document.new_id(),
                picture=document.Picture(
                    src=tokens.restore(picture["src"]),
                    alt=tokens.restore(picture["alt"]),
                    decorative=not picture["alt"].strip(),
                ),
                href=tokens.restore(picture["href"] or ""),
            )
        case _:
            return None


def _lone_picture(node: SyntaxTreeNode) -> dict[str, Any] | None:
    inline = node.children[0] if node.type == "paragraph" and node.children else None
    found = _LONE_PICTURE.fullmatch(inline.content.strip()) if inline is not None else None
    return found.groupdict() if found else None


def _words(node: SyntaxTreeNode, tokens: protect.Tokens) -> str:
    pieces = [child.content for child in node.walk() if child.type in {"text", "code_inline"}]
    return tokens.restore("".join(pieces))


def _text_of(nodes: list[SyntaxTreeNode], tokens: protect.Tokens) -> Iterator[Block]:
    if nodes:
        yield TextBlock(id=document.new_id(), html=_html(nodes, tokens))


def _html(nodes: list[SyntaxTreeNode], tokens: protect.Tokens) -> str:
    flat = [token for node in nodes for token in node.to_tokens()]
    made = _MARKDOWN.renderer.render(flat, _MARKDOWN.options, {})
    return tokens.restore(sanitise.clean(made).replace("<del>", "<s>").replace("</del>", "</s>"))


def _as_markdown(draft: Draft) -> str:
    lost = [name for block in draft.blocks if (name := _cannot_be_markdown(block))]
    if lost:
        raise _loses(lost)
    return "\n\n".join(filter(None, map(_markdown_of, draft.blocks))) + "\n"


def _cannot_be_markdown(block: Block) -> str:
    match block:
        case TextBlock() | HeadingBlock() | DividerBlock() | QuoteBlock():
            return language.text("underlined text") if "<u>" in getattr(block, "html", "") else ""
        case ImageBlock():
            return ""
        case SpacerBlock():
            return language.text("room between blocks")
        case ButtonBlock():
            return language.text("a button")
        case HeaderBlock():
            return language.text("a header")
        case _:
            return {
                "columns": language.text("two columns"),
                "offer": language.text("an offer"),
                "social": language.text("links to other channels"),
                "sponsored": language.text("sponsored content"),
                "taps": language.text("answers to tap"),
                "poll": language.text("a poll"),
                "guidance": language.text("the place of the help for the mail program"),
                "question": language.text("the place of the question"),
                "rss": language.text("entries of a feed"),
            }[block.type]


def _markdown_of(block: Block) -> str:
    match block:
        case TextBlock(html=html):
            return markdown_words.of(html)
        case HeadingBlock(text=text, level=level):
            return f"{'#' * level} {markdown_words.escaped(text)}"
        case DividerBlock():
            return "---"
        case QuoteBlock(html=html, source=source):
            words = markdown_words.of(html) + (f"\n\n— {markdown_words.escaped(source)}" if source else "")
            return "\n".join(f"> {line}".rstrip() for line in words.split("\n"))
        case ImageBlock(picture=picture, href=href):
            shown = f"![{picture.alt}]({picture.src})"
            return f"[{shown}]({href})" if href else shown
        case _:
            return ""


def _as_html(markdown: str) -> str:
    hidden, tokens = protect.hide(markdown)
    try:
        return tokens.restore(markdown_letter.finished(markdown_letter.draft(hidden, tokens), tokens))
    except ValueError as error:
        tag = tokens.tags[error.args[0]]
        sentence = language.text("Line %(line)s: the merge tag %(tag)s has no partner. Mend it first; nothing changed.")
        raise Invalid("merge_tag_not_closed", sentence % {"line": tag.line, "tag": tag.source}) from error

"""Rich text as Markdown: the way back, for the few elements a text block may hold."""

from __future__ import annotations

import re

from listkeeper.rendering import nesting, protect

_MARKS = {"strong": "**", "em": "*", "s": "~~"}
_SPECIAL = re.compile(r"([\\`*_\[\]<>~#])")


def of(html: str) -> str:
    """Return the Markdown of a cleaned rich text; merge tags come out byte for byte."""
    hiding = protect.Hiding()
    root = nesting.tree(hiding.hide(html))
    holder = root[0] if len(root) else root
    parts = [_escaped_text(holder.text or "").strip()]
    for child in holder:
        # A merge tag that opens or closes something stands between paragraphs.
        parts += [_block(child, ""), _escaped_text(child.tail or "").strip()]
    return hiding.tokens.restore("\n\n".join(filter(None, parts)))


def escaped(text: str) -> str:
    """Return one line of plain text so that Markdown takes nothing in it for a mark; merge tags stay as they are."""
    hiding = protect.Hiding()
    hidden = _escaped_text(hiding.hide(text))
    return hiding.tokens.restore(hidden)


def _escaped_text(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", text)


def _block(element: nesting.Element, indent: str) -> str:
    match element.tag:
        case "ul" | "ol":
            lines = []
            for number, item in enumerate((child for child in element if child.tag == "li"), 1):
                mark = "- " if element.tag == "ul" else f"{number}. "
                lines.append(f"{indent}{mark}{_item(item, indent + ' ' * len(mark))}")
            return "\n".join(lines)
        case _:
            return _inline(element).strip()


def _item(item: nesting.Element, indent: str) -> str:
    words, nested = "", []
    words += _escaped_text(item.text or "")
    for child in item:
        if child.tag in {"ul", "ol"}:
            nested.append(_block(child, indent))
        elif child.tag == "p":
            words += _inline(child)
        else:
            words += _wrapped(child)
        words += _escaped_text(child.tail or "")
    return "\n".join([words.strip(), *nested])


def _inline(element: nesting.Element) -> str:
    pieces = [_escaped_text(element.text or "")]
    for child in element:
        pieces.append(_wrapped(child))
        after = child.tail or ""
        pieces.append(_escaped_text(after.removeprefix("\n") if child.tag == "br" else after))
    return "".join(pieces)


def _wrapped(element: nesting.Element) -> str:
    inside = _inline(element)
    if element.tag == "br":
        return "\\\n"
    if element.tag == "a":
        return f"[{inside}](<{element.get('href')}>)" if element.get("href") else inside
    mark = _MARKS.get(element.tag, "")
    # A mark beside a space is none in Markdown: the space goes outside.
    core = inside.strip()
    if not mark or not core:
        return inside
    before, after = inside[: len(inside) - len(inside.lstrip())], inside[len(inside.rstrip()) :]
    return f"{before}{mark}{core}{mark}{after}"

"""The text part: what a reader without HTML, a watch or a screen reader gets.

inscriptis lays out the sanitised body; what it would not say in words (where a
link leads, what a picture shows, what is quoted) is written into the tree
before. Merge tags are still tokens here, so a line is never broken inside one.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable
from functools import lru_cache

from inscriptis.css_profiles import CSS_PROFILES
from inscriptis.html_engine import Inscriptis
from inscriptis.html_properties import Display
from inscriptis.model.config import ParserConfig
from inscriptis.model.html_element import HtmlElement

from listkeeper.rendering import nesting
from listkeeper.rendering.protect import TOKEN

WIDTH = 72
_BULLET = re.compile(r"(\s*)((?:[*+o-]|\d+\.) )?")
_UNDERLINES = {"h1": "=", "h2": "-"}
# About as long as what a tag says; where lines are broken, as many letters that nobody writes stand for it.
_TOKEN_LENGTH = 8
_STAND_IN = "\ue5f0" * _TOKEN_LENGTH
_NARROWEST = 24
_ROWS = ("table", "thead", "tbody", "tfoot", "tr")
_FREE_LINE = "margin-top: 1em"
_STYLES = {
    **CSS_PROFILES["strict"],
    "ul": HtmlElement(display=Display.block, padding_inline=2),
    "ol": HtmlElement(display=Display.block, padding_inline=3),
}
_THREE_BREAKS = re.compile(r"\n[ \t]*\n(?:[ \t]*\n)+")


def from_html(fragment: str) -> str:
    """Return the text of a sanitised fragment, wrapped at 72 characters, with its tokens."""
    return of_tree(nesting.tree(fragment))


def of_tree(root: nesting.Element) -> str:
    """Return the same of a fragment that is parsed already; the tree is used up."""
    return _text_of(root, WIDTH)


@lru_cache(maxsize=4096)
def wrapped(sentence: str) -> str:
    """Return one paragraph, wrapped; kept, because whole audiences share a sentence."""
    return _fill(sentence, WIDTH)


def wrapped_lines(text: str) -> str:
    """Return a text with its long lines wrapped, each by itself."""
    return "\n".join(_wrapped_line(line, WIDTH) for line in text.split("\n"))


def quoted(paragraphs: Iterable[str]) -> str:
    """Return paragraphs as a quotation."""
    laid_out = "\n\n".join(_fill(paragraph, WIDTH - 2) for paragraph in paragraphs)
    return _in_brackets(laid_out)


def tidy(text: str) -> str:
    """Return a filled text without the holes that tags have left."""
    return without_holes(text).strip() + "\n"


def without_holes(text: str) -> str:
    """Return a text with one empty line where there were several."""
    return _THREE_BREAKS.sub("\n\n", text)


def _text_of(root: nesting.Element, width: int) -> str:
    _say_comments(root)
    for element in list(root.iter("a", "img", "h1", "h2", "hr", "ol", "pre", "table", "ul", "blockquote")):
        if element.getparent() is not None:
            _SAY[element.tag](element, width)
    config = ParserConfig(css=_STYLES, display_links=False, display_images=False)
    lines = Inscriptis(root, config).get_text().split("\n")
    text = "\n".join(_wrapped_line(line.rstrip(), width) for line in lines)
    return _THREE_BREAKS.sub("\n\n", text).strip("\n")


def _say_comments(root: nesting.Element) -> None:
    """Write the tokens of control tags as text; a comment would be left out."""
    for table in root.iter("table"):
        _say_comments_between_rows(table)
    for comment in list(root.iter()):
        if not isinstance(comment.tag, str):
            _replace(comment, comment.text or "")


def _say_comments_between_rows(table: nesting.Element) -> None:
    """Move tokens that stand between the rows of a table to the end of the row before, or else into the first cell."""
    cell, waiting = None, ""
    for element in list(table.iter()):
        if element.tag in {"td", "th"}:
            cell = element
            cell.text, waiting = f"{waiting}{cell.text or ''}", ""
        elif not isinstance(element.tag, str) and element.getparent().tag in _ROWS:
            if cell is None:
                waiting += element.text or ""
            else:
                _append(cell, element.text or "")
            _replace(element, "")


def _append(element: nesting.Element, words: str) -> None:
    if len(element):
        element[-1].tail = (element[-1].tail or "") + words
    else:
        element.text = (element.text or "") + words


def _say_link(element: nesting.Element, _width: int) -> None:
    """Write the address after the text, in the angle brackets of RFC 3986 appendix C."""
    url = (element.get("href") or "").strip()
    shown = url.removeprefix("mailto:").removeprefix("tel:")
    words = element.text_content().strip()
    pictures = element.xpath(".//img[@alt]")
    if url and words not in {url, shown}:
        _append(element, f" <{shown}>" if words or pictures else f"<{shown}>")


def _say_picture(element: nesting.Element, _width: int) -> None:
    words = (element.get("alt") or "").strip()
    _replace(element, f"[{words}]" if words else "")


def _say_heading(element: nesting.Element, width: int) -> None:
    words = TOKEN.sub("x" * _TOKEN_LENGTH, " ".join(element.text_content().split()))
    line = element.makeelement("br", {})
    line.tail = _UNDERLINES[element.tag] * min(len(words), width)
    if words:
        element.append(line)


def _say_rule(element: nesting.Element, _width: int) -> None:
    rule = element.makeelement("p", {})
    rule.text = "* * *"
    rule.tail = element.tail
    element.getparent().replace(element, rule)


def _say_list(element: nesting.Element, _width: int) -> None:
    """Leave a line free before a list, but not inside one."""
    if not any(parent.tag == "li" for parent in element.iterancestors()):
        element.set("style", _FREE_LINE)


def _say_code(element: nesting.Element, _width: int) -> None:
    """Keep the spaces of preformatted text, also where it lies in another element."""
    words, tail = element.text_content(), element.tail
    element.clear()
    element.text, element.tail = words, tail
    element.set("style", _FREE_LINE)


def _say_table(element: nesting.Element, _width: int) -> None:
    """Leave a line free before a table; inscriptis heeds no margin of the table itself."""
    holder = element.makeelement("div", {"style": _FREE_LINE})
    holder.tail, element.tail = element.tail, None
    element.getparent().replace(element, holder)
    holder.append(element)


def _say_quote(element: nesting.Element, width: int) -> None:
    """Lay a quotation out by itself and put a bracket before each line."""
    inner = element.makeelement("div", {})
    inner.text = element.text
    inner.extend(list(element))
    quotation = element.makeelement("pre", {"style": _FREE_LINE})
    quotation.text = _in_brackets(_text_of(inner, max(width - 2, _NARROWEST)))
    quotation.tail = element.tail
    element.getparent().replace(element, quotation)


def _fill(text: str, width: int, first: str = "", later: str = "") -> str:
    """Wrap at spaces only: an address broken at its hyphen is no address any more."""
    tokens = iter(TOKEN.findall(text))
    filled = textwrap.fill(
        _measured(text),
        width,
        initial_indent=first,
        subsequent_indent=later,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return re.sub(_STAND_IN, lambda _: next(tokens), filled) if _STAND_IN not in text else filled


def _measured(text: str) -> str:
    """Return a text in which a token is as long as what it stands for, more or less: a reader sees no token."""
    return text if _STAND_IN in text else TOKEN.sub(_STAND_IN, text)


def _in_brackets(text: str) -> str:
    return "\n".join(f"> {line}".rstrip() for line in text.split("\n"))


_SAY = {
    "a": _say_link,
    "img": _say_picture,
    "h1": _say_heading,
    "h2": _say_heading,
    "hr": _say_rule,
    "ol": _say_list,
    "table": _say_table,
    "ul": _say_list,
    "pre": _say_code,
    "blockquote": _say_quote,
}


def _replace(element: nesting.Element, words: str) -> None:
    """Put text in the place of an element."""
    parent = element.getparent()
    before = element.getprevious()
    text = words + (element.tail or "")
    if before is None:
        parent.text = (parent.text or "") + text
    else:
        before.tail = (before.tail or "") + text
    parent.remove(element)


def _wrapped_line(line: str, width: int) -> str:
    """Wrap a long line under its own bullet; rows of tables and quoted lines stay as they are."""
    match = _BULLET.match(line)
    indent, bullet = (match[1], match[2] or "") if match else ("", "")
    rest = line[len(indent) + len(bullet) :]
    if len(_measured(line)) <= width or "  " in rest or rest.startswith("> "):
        return line
    hanging = indent + " " * len(bullet)
    return _fill(rest, width, indent + bullet, hanging)

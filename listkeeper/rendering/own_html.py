"""A letter in HTML of the owner's own: what of it may travel, and how it is read as words.

A whole document or a piece of one. It keeps its style rules, its tables and the
comments that Outlook reads; what runs, loads, submits or redirects goes. nh3
cannot do this: it cleans fragments and would drop the page around them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from lxml import etree
from lxml import html as lxml_html

from listkeeper.foundation import language
from listkeeper.foundation.errors import Invalid
from listkeeper.rendering import markdown_letter, nesting, sanitise
from listkeeper.rendering.protect import Tokens

_GONE = (
    "script", "noscript", "iframe", "frame", "frameset", "object", "embed", "applet", "base", "link", "meta", "title",
    "input", "button", "select", "textarea", "option", "datalist", "svg", "math", "template", "audio", "video",
    "source", "track", "canvas", "dialog", "portal", "param",
)  # fmt: skip
_UNWRAPPED = ("form", "fieldset", "legend", "label", "main", "nav")
_ADDRESSES = frozenset({
    "href", "src", "background", "action", "formaction", "cite", "longdesc", "poster", "xlink:href",
})  # fmt: skip
_NEVER = frozenset({"srcset", "srcdoc", "ping", "target", "http-equiv", "manifest", "integrity", "contenteditable"})
_HARMFUL_CSS = re.compile(r"expression\s*\(|javascript\s*:|vbscript\s*:|behavior\s*:|-moz-binding|@import|data\s*:|\\")
_HARMFUL_COMMENT = re.compile(
    r"<\s*/?\s*(?:script|iframe|object|embed|form|base|link|meta)|javascript\s*:|\son\w+\s*=", re.IGNORECASE
)
_HARMFUL_DECLARATION = re.compile(
    r"[^{};]*(?:expression\s*\(|javascript\s*:|vbscript\s*:|behavior\s*:|-moz-binding|data\s*:)[^;}]*;?", re.IGNORECASE
)
_TOKEN_COMMENT = re.compile(r"LK[0-9a-f]{20}")
_SPACES = re.compile(r"[\x00-\x20]+")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff\ud800-\udfff]")
_PLACED = frozenset({"p", "h1", "h2", "h3", "h4", "table", "ul", "ol", "img", "div", "blockquote"})
_ROOTED = "/media/"
_LONGEST = 300_000


@dataclass(frozen=True)
class OwnPage:
    """The parts of a page of the owner's own: its style sheets, what its body is like, and what stands in it."""

    styles: str
    attributes: dict[str, str]
    inner: str


def draft(html: str) -> str:
    """Return a hidden letter as it was written, for the checks of its links. Raises Invalid when it cannot be read."""
    if len(html) > _LONGEST:
        raise Invalid("letter_too_long", language.text("The letter is longer than 300,000 characters. Shorten it."))
    if _CONTROL.search(html):
        sentence = language.text("The letter holds characters that cannot be shown. Paste it as plain text.")
        raise Invalid("letter_unreadable", sentence)
    return html


def page_of(html: str, tokens: Tokens, site: str = "") -> OwnPage:
    """Return what may travel of a hidden letter. Raises Invalid when a merge tag stands where it is lost."""
    root = _parsed(html)
    styles = [style.text or "" for style in root.iter("style")]
    _clean(root)
    for picture in root.iter("img"):
        if (picture.get("src") or "").startswith(_ROOTED):
            picture.set("src", f"{site}{picture.get('src')}")
    body = root.find(".//body")
    inner = _inside(body) if body is not None else ""
    tokens.demand_all(inner)
    nesting.demand_sound(inner, tokens)
    return OwnPage(
        styles="\n".join(clean for style in styles if (clean := _style_sheet(style))),
        attributes={name: value for name, value in (body.attrib if body is not None else {}).items() if name != "lang"},
        inner=inner,
    )


def words_of(inner: str, tokens: Tokens) -> str:
    """Return the same as the plain fragment that the text part, the checks and the counting are made from."""
    root = nesting.tree(inner)
    layouts = [table for table in root.iter("table") if _is_layout(table)]
    # The innermost first: what is unfolded is no table any more.
    for table in reversed(layouts):
        _unfold(table)
    fragment = sanitise.clean(markdown_letter.without_comments(_inside(root)))
    tokens.demand_all(fragment)
    return fragment


def _parsed(html: str) -> nesting.Element:
    try:
        return lxml_html.document_fromstring(html if html.strip() else "<p></p>")
    except (etree.ParserError, etree.XMLSyntaxError, ValueError) as error:
        sentence = language.text("This HTML cannot be read (%(what)s). It is kept as you wrote it.", what=str(error))
        raise Invalid("html_unreadable", sentence) from error


def _clean(root: nesting.Element) -> None:
    for element in list(root.iter()):
        if isinstance(element, etree._Comment):  # noqa: SLF001 - lxml names it so
            _clean_comment(element)
        elif not isinstance(element.tag, str) or element.tag in {*_GONE, "style"} or ":" in element.tag:
            _drop(element)
        elif element.tag in _UNWRAPPED:
            element.drop_tag()
        else:
            _clean_attributes(element)


def _drop(element: nesting.Element) -> None:
    if element.getparent() is not None:
        element.drop_tree()


def _clean_comment(comment: nesting.Element) -> None:
    words = comment.text or ""
    conditional = words.lstrip().startswith(("[if", "<![endif", "[endif"))
    if _TOKEN_COMMENT.fullmatch(words) or (conditional and not _HARMFUL_COMMENT.search(words)):
        return
    if comment.getparent() is not None:
        comment.drop_tree()


def _clean_attributes(element: nesting.Element) -> None:
    for name, value in list(element.attrib.items()):
        low = name.lower()
        plain = _SPACES.sub("", value).lower()
        never = low.startswith("on") or low in _NEVER or not re.fullmatch(r"[a-z][\w:.-]*", low)
        if never or (low in _ADDRESSES and not _may_stand(plain, is_picture=low in {"src", "background"})):
            del element.attrib[name]
        elif low == "style":
            kept = ";".join(part for part in value.split(";") if not _HARMFUL_CSS.search(part.lower()))
            element.set(name, kept)


def _may_stand(address: str, *, is_picture: bool) -> bool:
    scheme, found, _ = address.partition(":")
    if not found:
        return address.startswith(("lk", _ROOTED)) or (not is_picture and address.startswith("#"))
    return scheme in ({"http", "https"} if is_picture else sanitise.SCHEMES) or scheme.startswith("lk")


def _style_sheet(css: str) -> str:
    """Return a style sheet without rules that load or run; ``<`` could end the element it stands in."""
    kept = re.sub(r"@import[^;]*;?", "", css, flags=re.IGNORECASE)
    kept = _HARMFUL_DECLARATION.sub("", kept)
    return kept.replace("<", "").replace("-->", "").strip()


def _inside(element: nesting.Element) -> str:
    pieces = [lxml_html.tostring(child, encoding="unicode") for child in element]
    return _escaped(element.text or "") + "".join(pieces)


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _is_layout(table: nesting.Element) -> bool:
    """Whether a table only places things: it says so, or holds what no table of figures holds."""
    holds = {element.tag for element in table.iter() if element is not table}
    return table.get("role") == "presentation" or bool(holds & _PLACED)


def _unfold(table: nesting.Element) -> None:
    """Read a table that only places things as what it places, one after the other; a table in it decides for itself."""
    for element in [*table.iter("thead", "tbody", "tfoot", "tr", "td", "th")]:
        if next(element.iterancestors("table"), None) is table:
            _as_plain(element)
    _as_plain(table)


def _as_plain(element: nesting.Element) -> None:
    element.tag = "div"
    for name in set(element.attrib) - {"lang", "dir"}:
        del element.attrib[name]

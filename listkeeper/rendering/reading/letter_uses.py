"""What of HTML and CSS a letter uses, and where first: elements, attributes, properties, values, selectors, at-rules.

What only Outlook reads (conditional comments) was written for Outlook alone and
is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple

from listkeeper.rendering.css import client_features, css_rules
from listkeeper.rendering.css.css_rules import Declaration, Rule, Sheet
from listkeeper.rendering.reading import letter_tree
from listkeeper.rendering.reading.letter_tree import Node, Page

RESET = "reset"
"""The kind of a property that is only set to what it is anyway."""


class Use(NamedTuple):
    """One thing a letter uses: what kind of thing, its name in the source, and its feature (empty: there is none)."""

    kind: str
    name: str
    feature: str


_QUOTED = re.compile(r""""[^"]*+"?|'[^']*+'?|url\([^)]*+\)?""", re.IGNORECASE)
_UNIT = re.compile(r"(?<![\w#.-])[+-]?(?:\d++(?:\.\d++)?+|\.\d++)(%|[a-z]++)", re.IGNORECASE)
_CALL = re.compile(r"(?<![\w-])([a-z-]++)\(", re.IGNORECASE)
_WORD = re.compile(r"(?<![\w-])(?:" + "|".join(client_features.WORDS) + r")(?![\w-])", re.IGNORECASE)
_URL = re.compile(r"url\(\s*([^)]*+)", re.IGNORECASE)
_FILE = re.compile(r"\.([a-z0-9]{2,5})(?:[?#]|$)", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"\[[^\]]*+\]?")
_STATE = re.compile(r"::?([\w-]++)(?:\([^)]*+\))?")
_SIMPLE = re.compile(r"(?P<type>^[\w-]+)|(?P<any>\*)|(?P<class>\.)|(?P<id>#)|(?P<attribute>\x01)")
_LONGEST, _MOST = 400, 5000
Places = Mapping[Use, str]


def of(page: Page, css: str = "") -> Places:
    """Return what a letter and a style sheet beside it use, each with an excerpt of the first place."""
    found: dict[Use, str] = {}
    styles: set[str] = set()
    for use in _of_page(page):
        found.setdefault(use, use.name)
    for sheet in (*page.sheets, *([css_rules.read(css)] if css.strip() else [])):
        for use, where in _of_sheet(sheet):
            found.setdefault(use, where)
    for node in page.nodes:
        for use in _of_element(node):
            found.setdefault(use, f"<{node.tag}>")
        style = node.attributes.get("style")
        if style and style not in styles:
            styles.add(style)
            for declaration in css_rules.declarations(style)[:_MOST]:
                for use in _of_declaration(declaration):
                    found.setdefault(
                        use, letter_tree.shortened(f"<{node.tag}> {declaration.name}: {declaration.value}")
                    )
    return found


def _way(name: str) -> Use:
    return Use("way", name, client_features.WAYS[name])


def _of_page(page: Page) -> Iterator[Use]:
    if page.doctype:
        yield _way("<!doctype html>")
    if page.has_comments:
        yield _way("<!-- -->")


def _of_element(node: Node) -> Iterator[Use]:
    yield from _named(node.tag, tuple(node.attributes))
    if "src" in node.attributes or "srcset" in node.attributes:
        for address in (node.get("src"), *(part.strip().split(" ")[0] for part in node.get("srcset").split(",")[:8])):
            yield from _picture(address)
    href = node.attributes.get("href", "")
    if href.startswith("mailto:"):
        yield _way("mailto:")
    elif href.startswith("#") and len(href) > 1:
        yield _way("#")
    kind = node.attributes.get("type", "").lower()
    if kind and node.tag in {"input", "button"}:
        name = kind if node.tag == "input" else f"button {kind}"
        yield Use("input", name, client_features.INPUTS.get(name, ""))
    if node.tag == "meta" and node.get("name").lower() == "color-scheme":
        yield _way("color-scheme")


@lru_cache(maxsize=1024)
def _named(tag: str, attributes: tuple[str, ...]) -> tuple[Use, ...]:
    known = [name for name in attributes if name in client_features.ATTRIBUTES]
    return (
        Use("element", tag, client_features.ELEMENTS.get(tag, "")),
        *(Use("attribute", name, client_features.ATTRIBUTES[name]) for name in known),
    )


def _picture(address: str) -> Iterator[Use]:
    if address.startswith("data:"):
        if ";base64" in address[:80]:
            yield _way("base64")
        return
    file = _FILE.search(address[-_LONGEST:])
    if file and file[1].lower() in client_features.PICTURES:
        yield Use("picture", file[1].lower(), client_features.PICTURES[file[1].lower()])


def _of_declaration(declaration: Declaration) -> tuple[Use, ...]:
    """Return what one declaration uses; kept for those that are short, because letters repeat them."""
    if len(declaration.value) > _LONGEST:
        return tuple(_said(declaration._replace(value=declaration.value[:_LONGEST])))
    return _kept(declaration)


@lru_cache(maxsize=4096)
def _kept(declaration: Declaration) -> tuple[Use, ...]:
    return tuple(_said(declaration))


def _said(declaration: Declaration) -> Iterator[Use]:
    name, value, loud = declaration
    if loud:
        yield _way("!important")
    if name.startswith("--"):
        yield Use("property", "--", client_features.FUNCTIONS["var"])
    else:
        is_reset = value.lower() in client_features.NEUTRAL.get(name, ())
        yield Use(RESET if is_reset else "property", name, client_features.PROPERTIES.get(name, ""))
    if name == "display" and value.lower() in client_features.DISPLAYS:
        yield Use("value", f"display: {value.lower()}", client_features.DISPLAYS[value.lower()])
    for address in _URL.findall(value):
        yield from _picture(address.strip(" \"'"))
    bare = _QUOTED.sub(" ", value).lower()
    for unit in _UNIT.findall(bare):
        if unit in client_features.UNITS:
            yield Use("unit", unit, client_features.UNITS[unit])
    for call in _CALL.findall(bare):
        yield Use("function", f"{call}()", client_features.FUNCTIONS.get(call, ""))
    for word in _WORD.findall(bare):
        yield Use("word", word, client_features.WORDS[word])


def _of_sheet(sheet: Sheet) -> Iterator[tuple[Use, str]]:
    if sheet.has_comments:
        yield _way("/* */"), "/* */"
    for head in sheet.at_rules:
        for use in _at(head[:_LONGEST].lower()):
            yield use, letter_tree.shortened(head)
    for rule in sheet.rules:
        named = letter_tree.shortened(", ".join(rule.selectors[:3]))
        for use in _selected(rule):
            yield use, named
        for declaration in rule.declarations:
            for use in _of_declaration(declaration):
                yield use, letter_tree.shortened(f"{named} {{ {declaration.name}: {declaration.value} }}")


def _at(head: str) -> Iterator[Use]:
    words = head.split(maxsplit=1)
    name = words[0].partition("(")[0]
    yield Use("at-rule", name, client_features.AT_RULES.get(name.replace("-webkit-", ""), ""))
    if name == "@media":
        for feature, slug in client_features.MEDIA.items():
            if feature in head:
                yield Use("media", feature, slug)


def _selected(rule: Rule) -> Iterator[Use]:
    if rule.nested:
        yield _way("nesting")
    if len(rule.selectors) > 1:
        yield Use("selector", ",", client_features.SELECTORS[","])
    for selector in rule.selectors:
        yield from _parts(selector[:_LONGEST])


@lru_cache(maxsize=1024)
def _parts(selector: str) -> tuple[Use, ...]:
    bare = _ATTRIBUTE.sub("\x01", selector)
    states = [name.lower() for name in _STATE.findall(bare)]
    found = [Use("state", f":{name}", client_features.STATES.get(name, "")) for name in states]
    names: set[str] = set()
    joined = re.sub(r"\s*([>+~])\s*", r"\1", _STATE.sub("", bare).strip())
    names |= {join for join in ">+~" if join in joined} | ({"descendant"} if " " in joined else set())
    for compound in re.split(r"[>+~\s]+", joined):
        simple = [one.lastgroup for one in _SIMPLE.finditer(compound)]
        names |= {_SIGNS[kind] for kind in simple if kind}
        names |= {"chained"} if len(simple) > 1 else set()
    return (*found, *(Use("selector", name, client_features.SELECTORS[name]) for name in sorted(names)))


_SIGNS = {"type": "type", "any": "*", "class": ".", "id": "#", "attribute": "[]"}

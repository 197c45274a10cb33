"""How the elements of a letter nest, and whether its merge tags nest with them.

``{% if … %}`` in one paragraph and ``{% endif %}`` in the next would leave half
of each element in the letter for half of the readers, and the footer inside
what was left open. HTML nested beyond reason is refused too: parsers give up
at some depth, and what they then lose is the end of the page.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

from lxml import html as lxml_html

from listkeeper.foundation import language
from listkeeper.foundation.errors import Invalid
from listkeeper.rendering import merge_tags
from listkeeper.rendering.protect import Tokens

Element: TypeAlias = Any
"""An element of lxml, which ships no types."""

_DEEPEST = 60


def tree(fragment: str) -> Element:
    """Parse a fragment of HTML and return the element that holds it."""
    return lxml_html.document_fromstring(f"<div>{fragment}</div>").body


def written(element: Element) -> str:
    """Return an element as HTML, with the words after it."""
    return str(lxml_html.tostring(element, encoding="unicode"))


def demand_sound(fragment: str, tokens: Tokens) -> None:
    """Raise Invalid when a fragment is nested too deeply, or a block of tags opens and closes in two elements."""
    elements = list(tree(fragment).iter())
    depths: dict[Element, int] = {}
    for element in elements:
        depths[element] = depths.get(element.getparent(), 0) + 1
    if max(depths.values()) > _DEEPEST:
        raise Invalid(
            "letter_too_deep", language.text("The letter is nested too deeply. Make its lists and quotes simpler.")
        )
    places = dict(_places(elements, tokens))
    for group in merge_tags.pairs(tokens.tags):
        if len({places.get(position) for position in group}) > 1:
            tag = tokens.tags[group[0]]
            sentence = language.text(
                "Line %(line)s: what %(tag)s opens is closed in another paragraph, list item or cell. "
                "Put each of its tags on a line of its own."
            )
            raise Invalid("merge_tag_crosses", sentence % {"line": tag.line, "tag": tag.source})


def _places(elements: list[Element], tokens: Tokens) -> Iterator[tuple[int, tuple[int, str]]]:
    """Return for each tag the element it stands in, and the attribute when it stands in one."""
    number = {element: position for position, element in enumerate(elements)}
    for element in elements:
        parent = number.get(element.getparent(), 0)
        is_comment = not isinstance(element.tag, str)
        here = parent if is_comment else number[element]
        yield from ((tag, (here, "")) for tag in tokens.found_in(element.text or ""))
        yield from ((tag, (parent, "")) for tag in tokens.found_in(element.tail or ""))
        if not is_comment:
            for name, value in element.attrib.items():
                yield from ((tag, (here, name)) for tag in tokens.found_in(value))

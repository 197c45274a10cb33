"""Links and pictures of a letter, as the check panel sees them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from listkeeper.rendering import compiled, filling, links
from listkeeper.rendering.content import Letter, Reader
from listkeeper.rendering.links import LinkFault

Making = Callable[..., Letter]
F = LinkFault


@pytest.mark.parametrize(
    ("markdown", "faults"),
    [
        ("[x](https://shop.example/a?b=1#c)", []),
        ("[x](mailto:hej@shop.example) [y](tel:+4512345678)", []),
        ("<https://shop.example>", []),
        ("[x]({{ links.unsubscribe }})", []),
        ("[x]()", [F.EMPTY]),
        ("[x](mailto:)", [F.EMPTY]),
        ("[x](/menu)", [F.NO_SCHEME]),
        ("[x](menu.html)", [F.NO_SCHEME]),
        ("[x](//shop.example)", [F.NO_SCHEME]),
        ("[x](#top)", [F.NO_SCHEME]),
        ("[x](www.shop.example)", [F.NO_SCHEME]),
        ("[x](javascript:alert(1))", [F.NOT_ALLOWED]),
        ("[x](data:text/html,hi)", [F.NOT_ALLOWED]),
        ("[x](file:///etc/passwd)", [F.NOT_ALLOWED]),
        ("[x](https://)", [F.NO_HOST]),
        ("[x](http://)", [F.NO_HOST]),
        ("[x](https:///menu)", [F.NO_HOST]),
        ("[x](https://shop)", [F.NO_HOST]),
        ("[x](https://www.example.com/menu)", [F.PLACEHOLDER]),
        ("[x](https://example.org)", [F.PLACEHOLDER]),
        ("[x](https://bit.ly/abc)", [F.SHORTENER]),
        ("[x](https://notbit.ly/abc)", []),
        ("[x](http://shop.example)", [F.NOT_HTTPS]),
        ("[https://bank.example](https://thief.example)", [F.MISLEADING]),
        ("[www.shop.example](https://shop.example/x)", []),
        ("[shop.example](https://nyt.shop.example/x)", []),
        ("[x](https://shop.example/?n={{ subscriber.name }})", [F.MERGE_TAG]),
        ("[x]({{ subscriber.name }})", [F.MERGE_TAG]),
        ("[x]({{ links.web_view }}/more)", [F.MERGE_TAG]),
        ("[](https://shop.example)", [F.NO_TEXT]),
        ("[![A cup](https://shop.example/c.png)](https://shop.example)", []),
        ("![](https://shop.example/c.png)", [F.NO_ALT]),
        ("![A cup](c.png)", [F.NO_SCHEME]),
        ("![A cup](http://shop.example/c.png)", [F.NOT_HTTPS]),
        ('<a href="https://bit.ly/x">raw</a>', [F.SHORTENER]),
    ],
)
def test_each_fault_is_found(letter_of: Making, markdown: str, faults: list[LinkFault]) -> None:
    assert [fault for link in links.of_letter(letter_of(markdown)) for fault in link.faults] == faults


def test_links_are_told_with_text_and_line(letter_of: Making) -> None:
    markdown = (
        "Hi [one *two*](https://a.example)\nand [three](https://b.example)\n\n- x\n- <https://c.example>\n\n"
        '<p>\n<a href="https://d.example">raw</a></p>\n\n'
        "![A cup](https://e.example/c.png) [{{ sender.name }}]({{ links.web_view }})"
    )
    found = [(link.url, link.text, link.line, link.is_picture) for link in links.of_letter(letter_of(markdown))]
    assert found == [
        ("https://a.example", "one two", 1, False),
        ("https://b.example", "three", 2, False),
        ("https://c.example", "https://c.example", 5, False),
        ("https://d.example", "raw", 8, False),
        ("https://e.example/c.png", "A cup", 10, True),
        ("{{ links.web_view }}", "{{ sender.name }}", 10, False),
    ]


def test_every_fault_has_a_sentence_that_names_the_link() -> None:
    link = links.Link("https://a.example", "here", 1, is_picture=False, faults=tuple(LinkFault))
    assert len(link.sentences) == len(LinkFault)
    for sentence in link.sentences:
        assert "https://a.example" in sentence or "here" in sentence


@pytest.mark.parametrize(
    "markdown", ["[x](javascript:alert(1))", "[x](/menu)", "[x](//thief.example)", "![x](c.png)", "[x](data:a)"]
)
def test_only_absolute_links_are_mailed(letter_of: Making, reader_of: Callable[..., Reader], markdown: str) -> None:
    filled = filling.fill(compiled.compile_letter(letter_of(markdown)), reader_of())
    address = markdown.partition("](")[2].removesuffix(")")
    assert f'"{address}"' not in filled.html
    assert address not in filled.text

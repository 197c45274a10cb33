"""Links that can be counted: the owner's own, each where it stands, and nothing else of a letter changed."""

from __future__ import annotations

import html
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import unquote

from hypothesis import given
from lxml import html as lxml_html

from listkeeper.rendering import compiled, filling, layout, markdown_letter, plain_text, protect
from listkeeper.rendering.body import Body
from listkeeper.rendering.compiled import CompiledLetter
from listkeeper.rendering.content import Letter, Reader
from tests.unit.rendering import letters
from tests.unit.rendering.conftest import attempt

_MARKDOWN = """\
Hej {{ subscriber.first_name }}, [menuen](https://fuglsang.example/menu?a=1&b=2) og <https://fuglsang.example/vej>.

{% if subscriber.city %}[Kun her](https://fuglsang.example/by){% endif %} [menuen igen](https://fuglsang.example/menu?a=1&b=2)
![billede](https://fuglsang.example/p.png) [skriv](mailto:hej@fuglsang.example) [ring](tel:+4512345678)
[afmeld]({{ links.unsubscribe }}) [æ](https://fuglsang.example/æ)
"""


def _counted(number: int) -> str:
    return f"https://n.fuglsang.example/c/{number}?r=1&s=2"


def _hrefs(page: str) -> list[str]:
    return [str(link.get("href")) for link in lxml_html.document_fromstring(page).xpath("//td[@class='letter']//a")]


def test_the_links_of_a_letter_are_counted_and_nothing_else(
    letter_of: Callable[..., Letter], reader_of: Callable[..., Reader]
) -> None:
    made = compiled.compile_letter(letter_of(_MARKDOWN))
    assert made.links == (
        "https://fuglsang.example/menu?a=1&b=2",
        "https://fuglsang.example/vej",
        "https://fuglsang.example/by",
        "https://fuglsang.example/%C3%A6",
    )
    plain, counted = filling.fill(made, reader_of()), filling.fill(made, reader_of(counted=_counted))
    others = ["mailto:hej@fuglsang.example", "tel:+4512345678", reader_of().unsubscribe_url]
    menu, road, town, other = (_counted(number) for number in range(4))
    assert _hrefs(counted.html) == [menu, road, town, menu, *others, other]
    page, text = counted.html, counted.text
    for number, url in enumerate(made.links):
        page = page.replace(html.escape(_counted(number)), html.escape(url))
        text = text.replace(_counted(number), url)
    assert (page, text) == (plain.html, plain.text)
    assert counted.text.count("/c/") == 5


def test_the_footer_and_the_head_lead_where_they_always_lead(
    letter_of: Callable[..., Letter], reader_of: Callable[..., Reader]
) -> None:
    made = compiled.compile_letter(letter_of("No link"))
    assert made.links == ()
    assert filling.fill(made, reader_of(counted=_counted)) == filling.fill(made, reader_of())


def test_a_link_without_words_of_its_own_is_counted_in_the_text_too(
    letter_of: Callable[..., Letter], reader_of: Callable[..., Reader]
) -> None:
    made = compiled.compile_letter(letter_of("See <https://fuglsang.example/menu>."))
    filled = filling.fill(made, reader_of(counted=_counted))
    assert f"See {_counted(0)}." in filled.text
    assert f">{made.links[0]}</a>" in filled.html


def test_a_form_from_before_links_were_found_is_read_and_counts_nothing(
    letter_of: Callable[..., Letter], reader_of: Callable[..., Reader]
) -> None:
    made = compiled.compile_letter(letter_of(_MARKDOWN))
    assert CompiledLetter.from_json(made.to_json()).html_links == made.html_links
    before = replace(made, links=(), html_links=(), text_links=())
    assert before.to_json().keys().isdisjoint({"links", "html_links", "text_links"})
    assert CompiledLetter.from_json(before.to_json()) == before
    assert filling.fill(before, reader_of(counted=_counted)) == filling.fill(made, reader_of())


@given(letters.letters())
def test_whoever_is_not_counted_gets_what_there_was_before_links_were_found(letter: Letter) -> None:
    made, _ = attempt(lambda: compiled.compile_letter(letter))
    if made is None:
        return
    hidden, tokens = protect.hide(letter.markdown)
    body = markdown_letter.finished(markdown_letter.draft(hidden, tokens), tokens)
    page = layout.html_page(letter, Body(body, body, tokens))
    assert made.html_body == tokens.restore(page.body)
    assert made.text_body == tokens.restore(plain_text.from_html(body))
    for start, end, number in made.html_links:
        assert html.unescape(made.html_body[start:end]) == made.links[number]
    for start, end, number in made.text_links:
        assert unquote(made.text_body[start:end]) == unquote(made.links[number])
    assert {number for *_, number in made.html_links} == set(range(len(made.links)))
